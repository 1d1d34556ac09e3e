"""The plain rules, as data: what everybody understands without a model.

A plain rule compares with something that anybody can look up, and asks for a least difference, so
that nobody is woken for three requests that were one. The least difference is an absolute floor of
the measure, or a share of the customer's typical day of it, whichever is more: it grows with the
customer.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from yuejie.insights.anomaly.finding import Grain, Measure, Rule
from yuejie.insights.anomaly.pulse import Beat, Flags, Floats

DAYS: Final = 62
"""Days that a daily series remembers: this month and the last one."""


@dataclass(frozen=True, slots=True)
class PlainRule:
    """`factor` times what is compared with, once so many values are known."""

    rule: Rule
    grain: Grain
    factor: float
    known: int
    """Values of the series (hours, days) without which the rule says nothing."""


SUDDEN: Final = PlainRule(Rule.SUDDEN, Grain.HOUR, factor=10.0, known=24)
"""An hour, against the typical hour of late and against what this hour usually is."""
DAY_OVER_DAY: Final = PlainRule(Rule.DAY_OVER_DAY, Grain.DAY, factor=2.0, known=8)
"""A day, against the day before and the same weekday a week before: Mondays double Sundays."""
MONTH_OVER_MONTH: Final = PlainRule(Rule.MONTH_OVER_MONTH, Grain.DAY, factor=1.5, known=0)
"""The month so far, against as many days of the month before; told on the day it begins to hold."""
MONTH_DAYS: Final = 7
"""Days of a month before it is compared: three days prove nothing."""

RULES: Final = (SUDDEN, DAY_OVER_DAY, MONTH_OVER_MONTH)

PICO: Final = 1e12
FLOORS: Final = {
    Measure.COST: 1.0 * PICO,  # one yuan or dollar
    Measure.TOKENS: 10_000.0,
    Measure.REQUESTS: 20.0,
    Measure.ERRORS: 20.0,
}
"""The least difference that is worth a word, in each measure's unit, for an hour as for a day."""
FLOOR_SHARE: Final = 0.02
FLOOR_SHARE_BELOW: Final = 0.1
FLOOR_SHARE_IDLE: Final = 1.0
"""The least difference as a share of the customer's typical day: of the customer's own series, of
those of its projects, keys and models, and of those among them that are used now and then only:
whatever they do is a multiple of next to nothing."""


def sudden(values: Floats, beat: Beat, seen: Floats) -> Flags:
    """Say in which series this hour is ten times a typical one."""
    against = np.maximum(beat.level, beat.normal)
    return _over(values, against, SUDDEN) & (seen >= SUDDEN.known)


def day_over_day(values: Floats, days: Floats, seen: Floats) -> Flags:
    """Say in which series today is twice yesterday; `days` are those before today, newest first."""
    against = np.maximum(days[:, 0], days[:, 6])
    return _over(values, against, DAY_OVER_DAY) & (seen >= DAY_OVER_DAY.known)


def month_over_month(days: Floats, seen: Floats, day: int, last_month: int) -> Flags:
    """Say in which series the month so far has come to half as much again as the last one had.

    `days` are newest first and begin with today, the `day`-th of its month; the month before had
    `last_month` days.
    """
    if day < MONTH_DAYS:
        return np.zeros(len(days), np.bool_)
    held = _month_holds(days, day, last_month)
    if day > MONTH_DAYS:
        held &= ~_month_holds(days[:, 1:], day - 1, last_month)
    return held & (seen >= day + last_month)


def month_sums(days: Floats, day: int, last_month: int) -> tuple[Floats, Floats]:
    """Return the sums of the month so far and of as many days of the month before."""
    before = days[:, last_month : last_month + day]
    return days[:, :day].sum(axis=1), before.sum(axis=1)


def _month_holds(days: Floats, day: int, last_month: int) -> Flags:
    return _over(*month_sums(days, day, last_month), MONTH_OVER_MONTH)


def _over(values: Floats, against: Floats, rule: PlainRule) -> Flags:
    return np.asarray((against > 0) & (values >= rule.factor * against))
