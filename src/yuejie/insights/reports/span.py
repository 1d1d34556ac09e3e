"""Which time a report speaks of, and how it is cut. Pure.

Whole days of the owner's zone, ending with the day before the report: what is counted is over.
On the first day of a month or year "to date" is the whole one before.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from yuejie.contracts.contract import midnight
from yuejie.kernel.period import BillingMonth, zone_of

_DAY: Final = timedelta(days=1)
_WEEK: Final = timedelta(days=7)


class Grain(StrEnum):
    """Into which pieces a report cuts its time."""

    TOTAL = "total"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class Period(StrEnum):
    """Of which time a report speaks, seen from the day it is made."""

    YESTERDAY = "yesterday"
    LAST_7_DAYS = "last_7_days"
    LAST_30_DAYS = "last_30_days"
    LAST_WEEK = "last_week"
    LAST_13_WEEKS = "last_13_weeks"
    MONTH_TO_DATE = "month_to_date"
    LAST_MONTH = "last_month"
    LAST_3_MONTHS = "last_3_months"
    LAST_12_MONTHS = "last_12_months"
    YEAR_TO_DATE = "year_to_date"


GRAIN_NAMES: Final = {
    Grain.TOTAL: "合计",
    Grain.DAY: "按日",
    Grain.WEEK: "按周",
    Grain.MONTH: "按月",
}
PERIOD_NAMES: Final = {
    Period.YESTERDAY: "昨日",
    Period.LAST_7_DAYS: "最近 7 日",
    Period.LAST_30_DAYS: "最近 30 日",
    Period.LAST_WEEK: "上周",
    Period.LAST_13_WEEKS: "最近 13 周",
    Period.MONTH_TO_DATE: "本月至今",
    Period.LAST_MONTH: "上月",
    Period.LAST_3_MONTHS: "最近 3 个月",
    Period.LAST_12_MONTHS: "最近 12 个月",
    Period.YEAR_TO_DATE: "今年至今",
}
_DAYS: Final = {Period.YESTERDAY: 1, Period.LAST_7_DAYS: 7, Period.LAST_30_DAYS: 30}
_WEEKS: Final = {Period.LAST_WEEK: 1, Period.LAST_13_WEEKS: 13}
_MONTHS: Final = {Period.LAST_MONTH: 1, Period.LAST_3_MONTHS: 3, Period.LAST_12_MONTHS: 12}


@dataclass(frozen=True, slots=True)
class Days:
    """Whole days in a zone; the second is excluded."""

    first: date
    after: date
    zone: str

    @property
    def since(self) -> datetime:
        """The instant at which they begin."""
        return midnight(self.first, self.zone)

    @property
    def until(self) -> datetime:
        """The instant at which they are over."""
        return midnight(self.after, self.zone)

    @property
    def last(self) -> date:
        """The last of them."""
        return self.after - _DAY

    @property
    def months(self) -> list[str]:
        """The month labels that usage of these days may have, in whatever zone it was used."""
        month = BillingMonth(self.first.year, self.first.month).previous
        end = BillingMonth(self.after.year, self.after.month).next
        labels = [str(month)]
        while month < end:
            month = month.next
            labels.append(str(month))
        return labels

    def buckets(self, grain: Grain) -> list[date]:
        """Return the first day of each piece, also of pieces in which nothing was used."""
        if grain is Grain.TOTAL:
            return [self.first]
        starts = dict.fromkeys(bucket_of(day, grain) for day in self._each())
        return list(starts)

    def _each(self) -> list[date]:
        return [self.first + _DAY * n for n in range((self.after - self.first).days)]


def days_of(period: Period, at: datetime, zone: str) -> Days:
    """Return the days that a period means when a report is made at an instant."""
    today = at.astimezone(zone_of(zone)).date()
    if period in _DAYS:
        return Days(today - _DAY * _DAYS[period], today, zone)
    if period in _WEEKS:
        monday = today - _DAY * today.weekday()
        return Days(monday - _WEEK * _WEEKS[period], monday, zone)
    month = BillingMonth(today.year, today.month)
    if period in _MONTHS:
        first = month
        for _ in range(_MONTHS[period]):
            first = first.previous
        return Days(first.first_day, month.first_day, zone)
    yesterday = today - _DAY
    start = yesterday.replace(day=1)
    if period is Period.YEAR_TO_DATE:
        start = start.replace(month=1)
    return Days(start, today, zone)


def bucket_of(day: date, grain: Grain) -> date:
    """Return the first day of the piece that a day lies in."""
    if grain is Grain.WEEK:
        return day - _DAY * day.weekday()
    return day.replace(day=1) if grain is Grain.MONTH else day


def label_of(bucket: date, grain: Grain) -> str:
    """Write a piece as it stands in a table."""
    if grain is Grain.MONTH:
        return f"{bucket:%Y-%m}"
    return f"{bucket:%Y-%m-%d} 周" if grain is Grain.WEEK else f"{bucket:%Y-%m-%d}"
