"""Working days of mainland China, for dates by which people must act.

Source: the State Council's yearly notice of holidays and make-up workdays, as `chinesecalendar`
carries it. The notice covers one year and comes in November; a year nobody has announced is
counted Monday to Friday, and `calendar_known` says that it was. A due date is a promise between
people, so a guess that says it is one is better than none (prices are stricter:
contracts/window.py).
"""

from datetime import date, timedelta
from functools import lru_cache
from typing import Final

from chinese_calendar import is_workday as _is_workday
from chinese_calendar.constants import holidays

_FIRST: Final[int] = min(holidays).year
_LAST: Final[int] = max(holidays).year
_SATURDAY: Final = 5
_DAY: Final = timedelta(days=1)
DAYS_KEPT: Final = 4096
"""Days that are not looked up again: forecasts ask for the same years over and over."""


def calendar_known(day: date) -> bool:
    """Say whether the holidays of a day's year have been announced."""
    return _FIRST <= day.year <= _LAST


@lru_cache(maxsize=DAYS_KEPT)
def is_workday(day: date) -> bool:
    """Say whether China works on a day, make-up workdays included; Mon-Fri in an unknown year."""
    if not calendar_known(day):
        return day.weekday() < _SATURDAY
    return bool(_is_workday(day))


def roll_forward(day: date) -> date:
    """Return the first working day on or after a day."""
    while not is_workday(day):
        day += _DAY
    return day


def due_on(start: date, days: int) -> date:
    """Return the working day on or after `days` calendar days from `start`."""
    return roll_forward(start + timedelta(days=days))


def workday_after(start: date, workdays: int) -> date:
    """Return the working day that is the `workdays`-th after `start`; zero rolls forward."""
    day = start
    for _ in range(workdays):
        day = roll_forward(day + _DAY)
    return roll_forward(day)
