"""What the three robots have in common: how an answer is read and how failures are told apart."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final

import msgspec

from yuejie.notices.channels.parcel import Outcome, Reply, Rest, Wait, refused, retry, sent

BUSY: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
"""HTTP states after which the same request may succeed."""
NEXT_MINUTE: Final = Wait(timedelta(minutes=1), Rest.RECEIVER)
AGAIN: Final = Wait()
_ASKED_MOST: Final = timedelta(days=1)
_SHORTEST: Final = 256


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
        return retry(f"http {reply.status}", words, asked(reply.headers), rest=Rest.RECEIVER)
    if not 200 <= reply.status < 300:
        return refused(f"http {reply.status}", words)
    return None


def by_code(reply: Reply, code: str, said: str, waits: Mapping[str, Wait]) -> Outcome:
    """Judge a robot's answer by the code in its body: 0 is sent, `waits` may be tried again.

    The code says more than the HTTP state where there are both: a gateway in front of the robot
    may dress "too fast" as a 400.
    """
    facts, failed = document_of(reply), by_http(reply)
    number, words = str(facts.get(code, "")), str(facts.get(said, ""))
    if number in waits:
        return retry(number, words, waits[number].span, rest=waits[number].rest)
    if failed is not None:
        return failed if number in {"", "0"} else replace(failed, code=number, said=words)
    if not number:
        return retry("no_code", reply.body[:200].decode(errors="replace"))
    return sent(number, words) if number == "0" else refused(number, words)


def fitting(write: Callable[[int], object], most: int, body_bytes: int) -> bytes:
    """Write a body whose text shrinks until all of it fits: JSON's escapes cost bytes, too."""
    body = msgspec.json.encode(write(most))
    while len(body) > body_bytes and most > _SHORTEST:
        most = max(most - (len(body) - body_bytes), _SHORTEST)
        body = msgspec.json.encode(write(most))
    return body


def asked(headers: Mapping[str, str]) -> timedelta | None:
    """Return how long a receiver asks us to wait, in seconds or by its own clock; at most a day."""
    text = headers.get("retry-after", "").strip()
    if text.isdecimal() and text.isascii():
        return min(timedelta(seconds=int(text[:9])), _ASKED_MOST)
    try:
        until, now = parsedate_to_datetime(text), parsedate_to_datetime(headers.get("date", ""))
        return min(max(until - now, timedelta()), _ASKED_MOST)
    except (ValueError, TypeError):
        return None
