"""What is left between two series by day, and the part of it that days alone explain.

The same steps serve quantities and amounts: ours by the hour, theirs by the day. Each step takes
away what it can explain and says how much; whatever is taken, the parts add up to the whole.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from yuejie.assurance.reconcile.difference import Cause
from yuejie.assurance.reconcile.sides import Told

Series = tuple[str, str]
"""Model and meter; the meter is empty where a whole model is meant."""
Hourly = Mapping[Series, Mapping[datetime, int]]
Daily = Mapping[Series, Mapping[date, int]]

SHIFTS: Final = range(-14, 15)
"""Hours by which another zone's day may lie beside the one the report names."""
MUCH: Final = 5
"""A shift counts as the zone's when it leaves a fifth of the difference or less."""
NOISE_PPM: Final = 1_000
"""Below a thousandth of the usage, no other zone is looked for."""
COUNTING: Final = timedelta(hours=24)
"""How far behind providers' reports may be: their documents speak of minutes up to a day."""
_DAY: Final = timedelta(days=1)
_QUARTER: Final = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Taken:
    """A part of a difference that has found its cause."""

    series: Series
    day: date
    cause: Cause
    amount: int
    why: str


@dataclass(slots=True)
class Residue:
    """Theirs less ours by series and day, and what has been taken out of it."""

    ours: Hourly
    theirs: Daily
    days: tuple[date, ...]
    zone: ZoneInfo
    shift: int = 0
    rest: dict[tuple[Series, date], int] = field(default_factory=dict)
    taken: list[Taken] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rest = self._left(0)

    def series(self) -> list[Series]:
        """Return every series of either side, in order."""
        return sorted({*self.ours, *self.theirs})

    def take(self, series: Series, day: date, amount: int, cause: Cause, why: str = "") -> None:
        """Give a part of what is left a cause."""
        if amount:
            self.rest[series, day] -= amount
            self.taken.append(Taken(series, day, cause, amount, why))

    def by_day(self, series: Series, shift: int = 0) -> dict[date, int]:
        """Return ours by the days of the report, read `shift` hours later."""
        days: dict[date, int] = defaultdict(int)
        for hour, amount in self.ours.get(series, {}).items():
            days[day_of(hour, self.zone, shift)] += amount
        return days

    def within(self, series: Series, hours: Iterable[datetime]) -> int:
        """Add up ours over some hours."""
        mine = self.ours.get(series, {})
        return sum(mine.get(hour, 0) for hour in hours)

    def _left(self, shift: int) -> dict[tuple[Series, date], int]:
        left: dict[tuple[Series, date], int] = {}
        for series in self.series():
            mine, told = self.by_day(series, shift), self.theirs.get(series, {})
            left |= {(series, day): told.get(day, 0) - mine.get(day, 0) for day in self.days}
        return left

    def take_shift(self) -> None:
        """Find the shift of days that explains nearly everything, and take what it explains."""
        now = sum(map(abs, self.rest.values()))
        whole = sum(sum(hours.values()) for hours in self.ours.values())
        if now * 1_000_000 <= abs(whole) * NOISE_PPM:
            return
        sizes = {s: sum(map(abs, self._left(s).values())) for s in SHIFTS if s}
        best = min(sizes, key=lambda s: (sizes[s], abs(s), s))
        if sizes[best] * MUCH > now:
            return
        self.shift = best
        shifted = self._left(best)
        why = f"报告的一天比所写时区早 {best} 小时开始"
        if best < 0:
            why = f"报告的一天比所写时区晚 {-best} 小时开始"
        for (series, day), left in list(self.rest.items()):
            self.take(series, day, left - shifted[series, day], Cause.TIME_ZONE, why)

    def take_late(self, as_of: datetime) -> None:
        """Take what we counted in the hours that the provider may not have counted yet."""
        since = as_of - COUNTING
        for series in self.series():
            open_: dict[date, int] = defaultdict(int)
            for hour, amount in self.ours.get(series, {}).items():
                if hour >= since:
                    open_[day_of(hour, self.zone, self.shift)] += amount
            for day, amount in open_.items():
                left = self.rest.get((series, day), 0)
                if left < 0:
                    self.take(series, day, max(left, -amount), Cause.LATE, _drawn(as_of))

    def take_edges(self) -> None:
        """Take what stands on the next day over there, at most what the hour at midnight holds.

        A provider may count a call when it ends, we count it when it began.
        """
        for series in self.series():
            for day, after in zip(self.days, self.days[1:], strict=False):
                left, right = self.rest[series, day], self.rest[series, after]
                if left * right >= 0 or after - day != _DAY:
                    continue
                before_midnight, after_midnight = self._midnight(after)
                hour = before_midnight if left < 0 else after_midnight
                moved = min(abs(left), abs(right), self.within(series, _begun_within(hour)))
                sign = 1 if right > 0 else -1
                why = "跨日的调用，双方记在相邻的两天"
                self.take(series, day, -sign * moved, Cause.TIME_ZONE, why)
                self.take(series, after, sign * moved, Cause.TIME_ZONE, why)

    def _midnight(self, day: date) -> tuple[datetime, datetime]:
        start = datetime(day.year, day.month, day.day, tzinfo=self.zone)
        first = start.astimezone(ZoneInfo("UTC")) - timedelta(hours=self.shift)
        return first - timedelta(hours=1), first


def _begun_within(hour: datetime) -> tuple[datetime, ...]:
    """Return the hours of customers that begin within one of the report's.

    Where a zone lies half an hour or a quarter beside others, so do its hours.
    """
    return tuple(hour + n * _QUARTER for n in range(4))


def silent(ours: Hourly, days: AbstractSet[date], told: Told) -> Iterator[Taken]:
    """Yield what we counted on days that a report is not about.

    Of the last hours before it was drawn it could not know yet; all else was not exported.
    """
    zone, since = ZoneInfo(told.zone), told.as_of - COUNTING
    for series, hours in sorted(ours.items()):
        parts: dict[tuple[date, Cause], int] = defaultdict(int)
        for hour, amount in hours.items():
            day = day_of(hour, zone, 0)
            if day in days:
                late = since <= hour < told.as_of
                parts[day, Cause.LATE if late else Cause.NOT_REPORTED] -= amount
        for (day, cause), amount in sorted(parts.items()):
            why = _drawn(told.as_of) if cause is Cause.LATE else "报告没有这一天的数据"
            if amount:
                yield Taken(series, day, cause, amount, why)


def _drawn(as_of: datetime) -> str:
    return f"报告截至 {as_of:%Y-%m-%d %H:%M}（UTC），最近一天可能未计完"


@lru_cache(maxsize=100_000)
def day_of(hour: datetime, zone: ZoneInfo, shift: int) -> date:
    """Return the day of the report in which an hour of ours lies."""
    return (hour + timedelta(hours=shift)).astimezone(zone).date()


def days_between(first: date, last: date) -> tuple[date, ...]:
    """Return the days from one to another, both included."""
    return tuple(first + _DAY * n for n in range((last - first).days + 1))
