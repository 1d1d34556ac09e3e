"""Until when one person's word may put a suspension off. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from yuejie.kernel.limits import REPRIEVE_DAYS

_ALONE: Final = timedelta(days=REPRIEVE_DAYS)


@dataclass(frozen=True, slots=True)
class Reprieve:
    """Somebody's word that a customer is not suspended up to a day."""

    until_on: date
    by: str
    at: datetime


def last_day(given: Iterable[Reprieve], *, by: str, today: date, zone: ZoneInfo) -> date:
    """Return the last day until which a person may put a suspension off, who may have before.

    The days of a person count from the first time it did so in one run; a run goes on while no
    such span lies between the end of what was given and what is given next. `given` is in order.
    """
    run: list[Reprieve] = []
    for each in [*given, None]:
        on = today if each is None else each.at.astimezone(zone).date()
        if run and on > max(one.until_on for one in run) + _ALONE:
            run = []
        if each is not None:
            run.append(each)
    own = (one.at.astimezone(zone).date() for one in run if one.by == by)
    return min(own, default=today) + _ALONE
