"""How good the forecast would have been: made again in the past, with what was known then. Pure.

Each trial knows nothing after its day. Two numbers are shown beside a forecast: by how much totals
were missed (and by how much the run rate, what people reckon in their heads, missed them), and how
often the ranges held. MASE compares single days with the same weekday of the week before: below 1
is better than that (Hyndman and Koehler, *Another look at measures of forecast accuracy*, 2006).
"""

from dataclasses import dataclass
from datetime import date, timedelta
from statistics import fmean, median
from typing import Final

import numpy as np

from yuejie.insights.forecast.course import WEEK, Flags, Floats, Range, course

TRIALS: Final = 6
"""Trials of a proof, the latest ones; each costs some ten milliseconds."""
APART: Final = 7
"""Days between trials while there are no past months."""
LEAST: Final = 14
"""Days that a trial has to know."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A forecast that was made again: the total from `since` to `until` (excluded) as of `made_on`.

    `naive` is the run rate of the span, or of the week before where it had just begun.
    """

    made_on: date
    since: date
    until: date
    told: Range
    naive: float
    came: float

    @property
    def held80(self) -> bool:
        """Whether the narrow range held."""
        return self.told.low80 <= self.came <= self.told.high80

    @property
    def held95(self) -> bool:
        """Whether the wide range held."""
        return self.told.low95 <= self.came <= self.told.high95


@dataclass(frozen=True, slots=True)
class Proof:
    """What the trials say; without trials nothing is known, and that is said."""

    trials: tuple[Trial, ...]
    mase: float | None
    miss: float | None
    """The median of what totals were missed by, as a share of what came."""
    naive_miss: float | None

    @property
    def held80(self) -> int:
        """How many narrow ranges held."""
        return sum(each.held80 for each in self.trials)

    @property
    def held95(self) -> int:
        """How many wide ranges held."""
        return sum(each.held95 for each in self.trials)


@dataclass(frozen=True, slots=True)
class Past:
    """A series' complete days from `first` on, and which days are of rest, with those ahead."""

    first: date
    days: Floats
    rests: Flags

    def place(self, day: date) -> int:
        """Return where a day stands; before the first is below zero."""
        return (day - self.first).days


def prove(past: Past, today: date) -> Proof:
    """Forecast past months as of the same day, or past weeks where there are no past months."""
    asked = _asked(past, today)
    trials, misses = [], []
    for made, since, until in asked:
        found = _trial(past, made, since, until)
        if found is not None:
            trials.append(found[0])
            misses.append(found[1])
    counted = [each for each in trials if each.came > 0]
    scale = _scale(past.days)
    return Proof(
        tuple(trials),
        fmean(misses) / scale if misses and scale else None,
        median(abs(t.told.middle - t.came) / t.came for t in counted) if counted else None,
        median(abs(t.naive - t.came) / t.came for t in counted) if counted else None,
    )


def _asked(past: Past, today: date) -> list[tuple[date, date, date]]:
    """Return the days to forecast from, each with the span to forecast, the latest first."""
    asked: list[tuple[date, date, date]] = []
    end = today.replace(day=1)
    while len(asked) < TRIALS:
        start = (end - timedelta(days=1)).replace(day=1)
        made = start + timedelta(days=min(today.day - 1, (end - start).days - 1))
        if past.place(made) < LEAST:
            break
        asked.append((made, start, end))
        end = start
    if len(asked) >= 2:
        return asked
    made = today - timedelta(days=APART)
    asked = []
    while past.place(made) >= LEAST and len(asked) < TRIALS:
        asked.append((made, made, made + timedelta(days=APART)))
        made -= timedelta(days=APART)
    return asked


def _trial(past: Past, made: date, since: date, until: date) -> tuple[Trial, float] | None:
    at, end = past.place(made), past.place(until)
    start = max(past.place(since), 0)
    known = past.days[:at]
    told = course(known, past.rests[:end], past.first.weekday())
    if told is None:
        return None
    spent = float(past.days[start:at].sum())
    left = end - at
    rate = spent / (at - start) if at > start else float(known[-WEEK:].mean())
    trial = Trial(
        made,
        since,
        until,
        told.total(0, left).plus(spent),
        spent + rate * left,
        float(past.days[start:end].sum()),
    )
    return trial, float(np.abs(told.expected * told.alive - past.days[at:end]).mean())


def _scale(days: Floats) -> float:
    """Return what the same weekday of the week before misses a day by."""
    if len(days) <= WEEK:
        return 0.0
    return float(np.abs(days[WEEK:] - days[:-WEEK]).mean())
