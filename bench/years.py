"""Simulated years of customers: growth, weekly shape, holidays, promotions, noise, a stop, a start.

Nobody's trace: what is plausible, seeded, so that month-end forecasts can be judged day by day of
a month on more months than anybody's trace has. Some customers grow, some shrink; some come late,
some stop; their levels wander, their days are noisy, and a promotion multiplies a few days.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np

from yuejie.insights.forecast.course import Flags, Floats
from yuejie.kernel.workdays import is_workday

BEGAN: Final = date(2024, 1, 1)
DAYS: Final = 3 * 365
AHEAD: Final = 124


@dataclass(frozen=True, slots=True)
class Year:
    """A customer's days from its first use on."""

    name: str
    first: date
    days: Floats


def rests(first: date, count: int) -> Flags:
    """Say of each day from a day on whether China rests."""
    return np.array([not is_workday(first + timedelta(days=i)) for i in range(count)])


def years(count: int, seed: int) -> list[Year]:
    """Return so many customers, each of its own making."""
    rnd = np.random.default_rng(seed)
    resting = rests(BEGAN, DAYS)
    return [_year(f"customer-{i:03d}", rnd, resting) for i in range(count)]


def _year(name: str, rnd: np.random.Generator, resting: Flags) -> Year:
    week = np.arange(DAYS) % 7
    level = np.log(rnd.lognormal(6, 1.2))
    growth = rnd.normal(0.06, 0.08) / 30
    bends = rnd.integers(60, DAYS, 2)
    slope = np.full(DAYS, growth)
    for bend in bends:
        slope[bend:] = rnd.normal(0.03, 0.06) / 30
    wander = rnd.normal(0, rnd.uniform(0.005, 0.04), DAYS).cumsum()
    shape = np.where(resting, rnd.uniform(0.15, 1.1), 1.0)
    shape = shape * np.exp(rnd.normal(0, 0.08, 7))[week]
    noise = np.exp(rnd.normal(0, rnd.uniform(0.05, 0.45), DAYS))
    days = np.exp(level + np.cumsum(slope) + 0.9 * (wander - wander.mean())) * shape * noise
    for _ in range(rnd.poisson(8)):
        at, long = rnd.integers(0, DAYS), rnd.integers(1, 5)
        days[at : at + long] *= rnd.uniform(1.5, 5.0)
    if rnd.random() < 0.15:  # now and then only
        days *= rnd.random(DAYS) < rnd.uniform(0.2, 0.7)
    if rnd.random() < 0.2:
        days[rnd.integers(200, DAYS) :] = 0.0
    start = int(rnd.integers(0, 600)) if rnd.random() < 0.5 else 0
    used = np.flatnonzero(days[start:] > 0)
    start += int(used[0]) if len(used) else 0
    return Year(name, BEGAN + timedelta(days=start), days[start:])
