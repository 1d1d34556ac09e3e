"""When a published list reaches a contract whose prices are locked or announced ahead: pure.

Falls reach it when they start. A rise waits until the lock is over and until the agreed days after
its announcement are over, whichever is later; meanwhile each rate is the least of the list that
last fully applied and of every list since.

    list        10 ── 12 ── 11 ── 8 ── 10
    contract    10 ── 10 ── 10 ── 8 ── 8 … 10    when the last rise may reach it
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from yuejie.contracts.prices import RateRow
from yuejie.contracts.tier import plainer

_Key = tuple[str, str, int, str]


@dataclass(frozen=True, slots=True)
class Listed:
    """One list of a model: when it was announced, when it starts, the contract's rates of it."""

    published_at: datetime
    starts_at: datetime
    rows: tuple[RateRow, ...]


@dataclass(frozen=True, slots=True)
class Hold:
    """What a contract may not be surprised by. Lists in force at `priced_at` were agreed.

    That is, as they were known when it was signed, at `known_at`: a correction that starts before
    and was published behind that surprises like any other list.
    """

    priced_at: datetime
    lock_until: datetime | None = None
    notice: timedelta = timedelta(0)
    known_at: datetime | None = field(default=None, compare=False)

    @property
    def is_open(self) -> bool:
        """Whether every list reaches the contract when it starts."""
        return self.lock_until is None and not self.notice

    def reaches_at(self, each: Listed, *, first: bool) -> datetime:
        """Return when a rise of a list reaches the contract; a model's first list is no rise."""
        known = self.known_at is None or each.published_at <= self.known_at
        if first or (known and each.starts_at <= self.priced_at):
            return each.starts_at
        waits = [each.starts_at, each.published_at + self.notice]
        return max([*waits, self.lock_until] if self.lock_until else waits)


def turning_points(
    lists: Sequence[Listed], hold: Hold, *, since: datetime | None = None
) -> list[datetime]:
    """Return the instants at which a model's contract rates may change, in order.

    `lists` is the model's whole history, oldest first; with `since` only instants from then on.
    """
    points = {each.starts_at for each in lists}
    points |= {hold.reaches_at(each, first=at == 0) for at, each in enumerate(lists)}
    return sorted(point for point in points if since is None or point >= since)


def rates_at(lists: Sequence[Listed], hold: Hold, at: datetime) -> tuple[RateRow, ...]:
    """Return a model's contract rates at an instant; nothing before its first list starts."""
    started = [each for each in lists if each.starts_at <= at]
    if not started:
        return ()
    reached = [
        number
        for number, each in enumerate(started)
        if hold.reaches_at(each, first=number == 0) <= at
    ]
    span = started[reached[-1] :]
    held = span[0]
    comparable = [each for each in span if _windows(each) == _windows(held)]
    return tuple(_least(comparable))


def _windows(each: Listed) -> frozenset[tuple[str, str]]:
    """Return the time windows of each meter: lists that differ in them cannot be compared."""
    return frozenset((row.meter, row.time_window) for row in each.rows if row.time_window)


def _least(lists: Sequence[Listed]) -> Iterable[RateRow]:
    """Yield for every place of any of the lists the least rate that one of them has for it."""
    keys: dict[_Key, RateRow] = {}
    for each in reversed(lists):
        for row in each.rows:
            keys.setdefault(_key(row), row)
    for key, shape in keys.items():
        found = [rate for each in lists if (rate := _rate_for(each, key)) is not None]
        least = min(found, key=lambda rate: rate.pico)
        yield _in_place_of(shape, least)


def _in_place_of(shape: RateRow, rate: RateRow) -> RateRow:
    return RateRow(
        rate_id=0,
        revision=0,
        model=shape.model,
        meter=shape.meter,
        pico=rate.pico,
        currency=shape.currency,
        service_tier=shape.service_tier,
        context_above=shape.context_above,
        time_window=shape.time_window,
        list_rate=rate.list_rate,
        origin=rate.origin,
    )


def _key(row: RateRow) -> _Key:
    return row.meter, row.service_tier, row.context_above, row.time_window


def _rate_for(each: Listed, key: _Key) -> RateRow | None:
    """Return what a list charges in a place, its own row or the one that would be chosen."""
    meter, service_tier, context_above, time_window = key
    for tier in plainer(service_tier):
        rows = [
            row
            for row in each.rows
            if (row.meter, row.service_tier, row.time_window) == (meter, tier, time_window)
            and row.context_above <= context_above
        ]
        if rows:
            return max(rows, key=lambda row: row.context_above)
    return None
