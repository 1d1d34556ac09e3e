"""Which copies go out together, and when: the rules of digests, quiet hours, limits, repeats."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from hashlib import sha256
from typing import Final

from yuejie.kernel.ids import CustomerId
from yuejie.notices.contact import MERGING, NEVER_QUIET, RATES, ChannelKind, quiet_end
from yuejie.notices.notice import is_urgent

DIGEST: Final = timedelta(seconds=60)
"""A channel that has just spoken waits so long, and then says everything at once."""
DIGEST_MOST: Final = 5
"""Notices in one message: a robot's 4096 bytes hold so many whole."""
MOST_ATTEMPTS: Final = 12
"""Some six hours in all; what fails longer needs a person."""
FIRST_WAIT: Final = timedelta(seconds=30)
LONGEST_WAIT: Final = timedelta(hours=1)
HELD_BACK: Final = timedelta(seconds=1)
"""How soon a message is looked at again whose robot has said all it may."""
LONGEST_RATE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class ReadyCopy:
    """A copy of a notice that may be put into a message now, with what decides about that."""

    notice_id: str
    kind: str
    attached: bool
    channel_id: str
    customer_id: CustomerId | None
    channel_kind: str
    hint: str
    bucket: str
    zone: str
    quiet_from: time | None
    quiet_until: time | None
    last_formed_at: datetime | None


@dataclass(slots=True)
class Plan:
    """What to do with the copies that are ready: each is in one message or waits until then."""

    messages: list[list[ReadyCopy]] = field(default_factory=list)
    postponed: list[tuple[ReadyCopy, datetime]] = field(default_factory=list)


def plan(copies: Iterable[ReadyCopy], now: datetime) -> Plan:
    """Form messages: urgent ones alone and at once, a burst together, nothing in quiet hours."""
    made = Plan()
    merging: dict[str, list[ReadyCopy]] = {}
    for copy in copies:
        until = None if is_urgent(copy.kind) else _not_before(copy, now)
        if until is not None:
            made.postponed.append((copy, until))
        elif is_urgent(copy.kind) or copy.attached or copy.channel_kind not in MERGING:
            made.messages.append([copy])
        else:
            merging.setdefault(copy.channel_id, []).append(copy)
    for burst in merging.values():
        made.messages += [
            burst[first : first + DIGEST_MOST] for first in range(0, len(burst), DIGEST_MOST)
        ]
    return made


def _not_before(copy: ReadyCopy, now: datetime) -> datetime | None:
    """Return until when a copy has to wait, None when it may go."""
    if copy.channel_kind not in NEVER_QUIET:
        quiet = quiet_end(now, copy.zone, copy.quiet_from, copy.quiet_until)
        if quiet is not None:
            return quiet
    if copy.channel_kind in MERGING and copy.last_formed_at is not None:
        spoken = copy.last_formed_at + DIGEST
        return spoken if spoken > now else None
    return None


def may_speak(kind: str, begun: Iterable[datetime], now: datetime) -> bool:
    """Tell whether a robot's limits leave room for one more message."""
    times = list(begun)
    return all(
        sum(1 for each in times if each > now - rate.within) < rate.most
        for rate in RATES.get(ChannelKind(kind), ())
    )


def wait_after(message_id: str, attempt: int, asked: timedelta | None) -> timedelta:
    """Return how long to wait after a failed attempt, counted from 1.

    It doubles up to an hour; up to a quarter less or more, told from the message's id, keeps what
    failed together from coming back together. A receiver that asks for longer gets longer.
    """
    doubled = min(FIRST_WAIT * (1 << min(attempt - 1, 10)), LONGEST_WAIT)
    drawn = int.from_bytes(sha256(f"{message_id} {attempt}".encode()).digest()[:4], "big")
    jittered = doubled * (768 + drawn % 513) // 1024
    return max(jittered, asked or timedelta())


def choose(
    due: Iterable[tuple[str, str, str]],
    begun: Mapping[str, list[datetime]],
    *,
    now: datetime,
    most: int,
) -> tuple[list[str], list[str]]:
    """Choose which messages go now, at most one per robot, and which their robot holds back.

    `due` holds message id, channel kind and bucket; the rest is for the next round.
    """
    chosen: list[str] = []
    held: list[str] = []
    taken: set[str] = set()
    for message_id, kind, bucket in due:
        if not may_speak(kind, begun.get(bucket, ()), now):
            held.append(message_id)
        elif bucket not in taken and len(chosen) < most:
            taken.add(bucket)
            chosen.append(message_id)
    return chosen, held
