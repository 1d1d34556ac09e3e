"""Duties: weeks and what overrides them; of two the override counts, then the newer. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from yuejie.kernel.period import Span, in_our_time, zone_of

HOUSE_ZONE: Final = zone_of("Asia/Shanghai")
"""The operator's clock: a week begins on Monday at midnight there."""
WEEK: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Duty:
    """Who is on duty from when until when (not included)."""

    duty_id: str
    person: str
    starts_at: datetime
    ends_at: datetime
    is_override: bool
    made_by: str
    made_at: datetime

    def covers(self, at: datetime) -> bool:
        """Whether a moment lies in it."""
        return at in Span(self.starts_at, self.ends_at)


def on_duty(duties: Iterable[Duty], at: datetime) -> Duty | None:
    """Return the duty that counts at a moment, None where nobody was put down."""
    covering = [each for each in duties if each.covers(at)]
    return max(
        covering, key=lambda each: (each.is_override, each.made_at, each.duty_id), default=None
    )


def week_of(day: date) -> Span:
    """Return the week that a day lies in. Raises Invalid beyond all calendars."""
    in_our_time(datetime(day.year, day.month, day.day, tzinfo=HOUSE_ZONE), f"日期 {day}")
    monday = day - timedelta(days=day.weekday())
    start, end = (
        datetime(each.year, each.month, each.day, tzinfo=HOUSE_ZONE)
        for each in (monday, monday + WEEK)
    )
    return Span(start, end)
