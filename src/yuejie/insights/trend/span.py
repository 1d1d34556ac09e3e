"""Calendar months, ISO weeks, days and hours of a customer: labels, and the instants they mean.

A period is a span of whole local days; only an hour is less. Months are the billing months, weeks
begin on Monday (ISO 8601), all by the customer's clock. Spans are half-open.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from yuejie.kernel.errors import Invalid
from yuejie.kernel.period import BillingMonth, local_hour

DAY: Final = timedelta(days=1)
WEEK: Final = timedelta(days=7)
HOUR: Final = timedelta(hours=1)
YEARS: Final = range(2000, 2100)
DAYS_MAX: Final = 10 * 366
"""Longest period: as long as bills are kept at hand."""
_WEEK: Final = re.compile(r"(\d{4})-W(\d{2})\Z")


class Grain(StrEnum):
    """How long one bucket of a trend is."""

    MONTH = "month"
    WEEK = "week"
    DAY = "day"
    HOUR = "hour"


BUCKETS: Final = {Grain.MONTH: 13, Grain.WEEK: 13, Grain.DAY: 31, Grain.HOUR: 48}
"""How many buckets are shown where nobody says how many: this one and those before."""
BUCKETS_MAX: Final = {Grain.MONTH: 60, Grain.WEEK: 106, Grain.DAY: 400, Grain.HOUR: 744}
GRAIN_NAMES: Final = {Grain.MONTH: "月", Grain.WEEK: "周", Grain.DAY: "日", Grain.HOUR: "小时"}


@dataclass(frozen=True, slots=True)
class Bucket:
    """One month, week, day or hour: what it is called and when it is over."""

    at: date | datetime
    """Its first local day; of an hour the instant at which it begins."""
    label: str
    until: datetime

    def over(self, now: datetime) -> bool:
        """Whether it is over; one that is not will still grow."""
        return self.until <= now


@dataclass(frozen=True, slots=True)
class Period:
    """Whole local days, the last excluded, as people name them."""

    label: str
    first: date
    end: date

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.end - self.first).days

    def instants(self, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """Return its first instant and the first that is behind it."""
        return midnight(self.first, zone), midnight(self.end, zone)

    def days_begun(self, now: datetime, zone: ZoneInfo) -> int:
        """How many of its days have begun: figures per day are of these."""
        today = now.astimezone(zone).date()
        return min(max((today - self.first).days + 1, 0), self.days)


@dataclass(frozen=True, slots=True)
class Tile:
    """A part of a period of which one table has the sums: whole months, or days."""

    grain: Grain
    first: date
    end: date


def tiles(period: Period) -> list[Tile]:
    """Cut a period into the whole months inside it and the days at its edges."""
    month = BillingMonth(period.first.year, period.first.month)
    first = month.first_day if month.first_day == period.first else month.next.first_day
    end = period.end.replace(day=1)
    if first >= end:
        return [Tile(Grain.DAY, period.first, period.end)]
    cut = [
        Tile(Grain.DAY, period.first, first),
        Tile(Grain.MONTH, first, end),
        Tile(Grain.DAY, end, period.end),
    ]
    return [tile for tile in cut if tile.first < tile.end]


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """Return the first instant of a local day, in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


# Reading periods ---------------------------------------------------------------------------------


def parse_period(text: str) -> Period:
    """Read “2026-10”, “2026-W41”, “2026-10-05”, or two of them with “..” between, both included."""
    first, dots, last = text.strip().partition("..")
    start = _one(first.strip())
    if not dots:
        return start
    end = _one(last.strip())
    period = Period(f"{start.label}..{end.label}", start.first, end.end)
    if not 0 < period.days <= DAYS_MAX:
        raise Invalid(f"时段“{text}”应先写开始、后写结束，最长十年")
    return period


def _one(text: str) -> Period:
    try:
        period = _read(text)
    except (ValueError, OverflowError, Invalid):
        raise Invalid(
            f"时段“{text}”看不懂，请写成 2026-10（月）、2026-W41（周）、2026-10-05（日），"
            "或用 .. 连接首尾，如 2026-10-01..2026-10-15"
        ) from None
    if period.first.year not in YEARS:
        raise Invalid(f"时段“{text}”的年份应在 {YEARS.start} 到 {YEARS.stop - 1} 之间")
    return period


def _read(text: str) -> Period:
    found = _WEEK.match(text)
    if found is not None:
        monday = date.fromisocalendar(int(found[1]), int(found[2]), 1)
        return Period(text, monday, monday + WEEK)
    if len(text) == len("2026-10"):
        month = BillingMonth.parse(text)
        return Period(text, month.first_day, month.next.first_day)
    day = date.fromisoformat(text)
    return Period(str(day), day, day + DAY)


# Buckets -----------------------------------------------------------------------------------------


def buckets_until(grain: Grain, last: datetime, count: int, zone: ZoneInfo) -> list[Bucket]:
    """Return so many buckets, the last one that in which an instant falls, in order."""
    if not 1 <= count <= BUCKETS_MAX[grain]:
        name = GRAIN_NAMES[grain]
        raise Invalid(f"按{name}最多看 {BUCKETS_MAX[grain]} 个{name}，至少 1 个；请改写个数")
    if grain is Grain.HOUR:
        start = local_hour(last, zone)
        hours = [start - HOUR * back for back in reversed(range(count))]
        return [_hour(at, zone) for at in hours]
    firsts, day = [], _first_of(grain, last.astimezone(zone).date())
    for _ in range(count):
        firsts.append(day)
        day = _first_of(grain, day - DAY)
    return [_days(grain, first, zone) for first in reversed(firsts)]


def _first_of(grain: Grain, day: date) -> date:
    if grain is Grain.MONTH:
        return day.replace(day=1)
    return day - DAY * day.weekday() if grain is Grain.WEEK else day


def _days(grain: Grain, first: date, zone: ZoneInfo) -> Bucket:
    if grain is Grain.MONTH:
        month = BillingMonth(first.year, first.month)
        return Bucket(first, str(month), midnight(month.next.first_day, zone))
    if grain is Grain.WEEK:
        year, week, _ = first.isocalendar()
        return Bucket(first, f"{year}-W{week:02d}", midnight(first + WEEK, zone))
    return Bucket(first, str(first), midnight(first + DAY, zone))


def _hour(at: datetime, zone: ZoneInfo) -> Bucket:
    return Bucket(at, f"{at.astimezone(zone):%m-%d %H:%M}", at + HOUR)


def end_of(grain: Grain, last: Bucket) -> date:
    """Return the first local day behind a bucket of whole days."""
    assert not isinstance(last.at, datetime), "an hour has no days"
    if grain is Grain.MONTH:
        return BillingMonth(last.at.year, last.at.month).next.first_day
    return last.at + (WEEK if grain is Grain.WEEK else DAY)
