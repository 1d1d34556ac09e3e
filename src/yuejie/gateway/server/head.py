"""What a client says before a body, and how the same is known again without being read again.

A client writes the same head for each of its requests, but for the length of the body. So what
llhttp has found sound once is compared byte for byte and not parsed anew: the same bytes at the
beginning of a message mean the same. Whatever differs in more than that length llhttp reads.
"""

import re
from typing import Any, Final

import msgspec

KNOWN_BYTES: Final = 2_048
"""A longer head is read anew each time: every connection may remember one."""
TRIES: Final = 4
"""Who writes another head each time is not worth remembering."""
_DIGITS: Final = 9
_LENGTH: Final = re.compile(rb"\r\ncontent-length: ?([0-9]{1,9})\r\n", re.IGNORECASE)
_OTHERS: Final = frozenset({"expect", "transfer-encoding", "upgrade"})


class Head:
    """Method, target and headers. Names are in lower case; values are ASCII, others are hidden."""

    __slots__ = ("headers", "hidden", "keeps", "memo", "method", "old", "pairs", "path", "query")

    def __init__(
        self,
        method: str,
        target: str,
        pairs: list[tuple[str, str]],
        hidden: frozenset[str] = frozenset(),
        *,
        keeps: bool,
        old: bool,
    ) -> None:
        self.method = method
        self.path, _, self.query = target.partition("?")
        self.pairs = pairs
        self.headers = dict(pairs)
        self.hidden = hidden
        """Names of headers whose values are no ASCII; nobody reads those values."""
        self.keeps = keeps
        """The client would send another request on this connection."""
        self.old = old
        """It speaks HTTP/1.0 and knows no chunks."""
        self.memo: dict[str, Any] = {}
        """What others make of a head, once for all requests that say the same but for a length."""

    def of_length(self, digits: str, at: int) -> "Head":
        """Return the same head with another length, its `at`-th header."""
        head = Head.__new__(Head)
        head.method, head.path, head.query = self.method, self.path, self.query
        head.hidden, head.keeps, head.old, head.memo = self.hidden, self.keeps, self.old, self.memo
        head.pairs = self.pairs.copy()
        head.pairs[at] = ("content-length", digits)
        head.headers = self.headers.copy()
        head.headers["content-length"] = digits
        return head


class Known(msgspec.Struct, frozen=True, gc=False):
    """A head as its client writes it, around the digits of a length."""

    before: bytes
    after: bytes
    head: Head
    digits: bytes
    at: int
    """Which of its headers is the length."""

    def again(self, data: bytes) -> tuple[Head, int, int] | None:
        """Read what begins with this head: what it says, where the body begins, and its length."""
        start = len(self.before)
        if not data.startswith(self.before):
            return None
        stop = data.find(b"\r", start, start + _DIGITS + 1)
        digits = data[start:stop]
        if stop < 0 or not digits.isdigit() or not data.startswith(self.after, stop):
            return None
        head = self.head if digits == self.digits else self.head.of_length(digits.decode(), self.at)
        return head, stop + len(self.after), int(digits)


def known_of(data: bytes, head: Head) -> Known | None:
    """Return how a head was written at the beginning of `data`; None: it cannot be known again."""
    end = data.find(b"\r\n\r\n") + 4
    found = _LENGTH.search(data, 0, end) if 4 <= end <= KNOWN_BYTES else None
    told = head.headers.get("content-length", "")
    if (
        found is None
        or told != found[1].decode()
        or not head.keeps
        or head.old
        or head.hidden
        or not _OTHERS.isdisjoint(head.headers)
    ):
        return None
    at = head.pairs.index(("content-length", told))
    return Known(data[: found.start(1)], data[found.end(1) : end], head, found[1], at)
