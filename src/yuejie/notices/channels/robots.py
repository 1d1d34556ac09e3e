"""What the three robots have in common: how an answer is read and how failures are told apart."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

import msgspec

from yuejie.notices.channels.parcel import Outcome, Reply, refused, retry, sent

BUSY: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
"""HTTP states after which the same request may succeed."""
NEXT_MINUTE: Final = timedelta(minutes=1)


def document_of(reply: Reply) -> dict[str, Any]:
    """Return the object in an answer; nothing when it holds none."""
    try:
        found = msgspec.json.decode(reply.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return found if isinstance(found, dict) else {}


def by_http(reply: Reply) -> Outcome | None:
    """Judge an answer by its HTTP state where that says enough; 200 says nothing yet."""
    words = reply.body[:200].decode(errors="replace")
    if reply.status in BUSY:
        return retry(f"http {reply.status}", words, _asked(reply.headers))
    if not 200 <= reply.status < 300:
        return refused(f"http {reply.status}", words)
    return None


def by_code(reply: Reply, code: str, said: str, waits: Mapping[str, timedelta | None]) -> Outcome:
    """Judge a robot's answer by the code in its body: 0 is sent, `waits` may be tried again."""
    failed = by_http(reply)
    if failed is not None:
        return failed
    facts = document_of(reply)
    if code not in facts:
        return retry("no_code", reply.body[:200].decode(errors="replace"))
    number, words = str(facts[code]), str(facts.get(said, ""))
    if number == "0":
        return sent(number, words)
    if number in waits:
        return retry(number, words, waits[number])
    return refused(number, words)


def _asked(headers: Mapping[str, str]) -> timedelta | None:
    """Return how long a receiver asks us to wait, at most a day."""
    text = headers.get("retry-after", "")
    return timedelta(seconds=min(int(text), 86_400)) if text.isdecimal() else None
