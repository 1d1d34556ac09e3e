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
DIGEST_MOST: Final = 20
"""Notices in one message: of a robot's 4096 bytes each has two lines at least."""
MOST_ATTEMPTS: Final = 12
"""Some twelve hours in all, a mail server's bad night; what fails longer needs a person."""
FIRST_WAIT: Final = timedelta(seconds=30)
LONGEST_WAIT: Final = timedelta(hours=4)
LONGEST_REST: Final = timedelta(minutes=5)
"""How long a receiver is left alone that cannot be reached; one that asks for longer gets it."""
LONGEST_RATE: Final = timedelta(minutes=1)
_DOUBLINGS: Final = 10


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

    @property
    def alone(self) -> bool:
        """Whether it is a message of its own: an SMS, an event, a mail with files."""
        mail = self.channel_kind == ChannelKind.EMAIL
        return self.channel_kind not in MERGING or (mail and self.attached)


@dataclass(slots=True)
class Plan:
    """What to do with the copies that are ready: each is in one message or waits until then."""

    messages: list[list[ReadyCopy]] = field(default_factory=list)
    postponed: list[tuple[ReadyCopy, datetime]] = field(default_factory=list)


def plan(copies: Iterable[ReadyCopy], now: datetime) -> Plan:
    """Form messages: what is urgent at once, a burst together, nothing else in quiet hours.

    Urgent notices merge with urgent ones of the same moment only: a storm of them would otherwise
    use up a robot's limit, and the last would come minutes behind the first.
    """
    made = Plan()
    merging: dict[tuple[str, bool], list[ReadyCopy]] = {}
    for copy in copies:
        urgent = is_urgent(copy.kind)
        until = None if urgent else _not_before(copy, now)
        if until is not None:
            made.postponed.append((copy, until))
        elif copy.alone:
            made.messages.append([copy])
        else:
            merging.setdefault((copy.channel_id, urgent), []).append(copy)
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


def free_at(kind: str, begun: Iterable[datetime], now: datetime) -> datetime:
    """Return when a receiver's limits leave room for one more message; `now` when they do.

    One is kept back of every limit. Messages of one receiver go one after the other, so each
    arrives between its own beginning and the beginning of the next; with one kept back, the first
    and the last of any full count are a whole span apart where they arrive, not only here.
    """
    times = sorted(begun, reverse=True)
    free = now
    for rate in RATES.get(ChannelKind(kind), ()):
        most = max(rate.most - 1, 1)
        if len(times) >= most:
            free = max(free, times[most - 1] + rate.within)
    return free


def wait_after(message_id: str, attempt: int, asked: timedelta | None) -> timedelta:
    """Return how long to wait after a failed attempt, counted from 1.

    It doubles up to four hours; up to a quarter less or more, told from the message's id, keeps
    what failed together from coming back together. A receiver that asks for longer gets longer.
    """
    doubled = min(FIRST_WAIT * (1 << min(attempt - 1, _DOUBLINGS)), LONGEST_WAIT)
    drawn = int.from_bytes(sha256(f"{message_id} {attempt}".encode()).digest()[:4], "big")
    jittered = doubled * (768 + drawn % 513) // 1024
    return max(jittered, asked or timedelta())


def choose(
    due: Iterable[tuple[str, str, str]],
    begun: Mapping[str, list[datetime]],
    *,
    now: datetime,
    most: int,
) -> tuple[list[str], dict[str, datetime]]:
    """Choose which messages go now, and until when the receivers rest that have heard enough.

    `due` holds message id, channel kind and bucket, one of each bucket; what is left over is for
    the next round.
    """
    chosen: list[str] = []
    resting: dict[str, datetime] = {}
    for message_id, kind, bucket in due:
        free = free_at(kind, begun.get(bucket, ()), now)
        if free > now:
            resting[bucket] = free
        elif len(chosen) < most:
            chosen.append(message_id)
    return chosen, resting
