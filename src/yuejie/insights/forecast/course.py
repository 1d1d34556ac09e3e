"""The course of a series day by day: what days to come will come to, and how sure that is.

A day is its level times its shape. The shape is the weekday's, or, on days that are holidays or
make-up workdays, that of resting or working days. The level is told by several forecasters, the
same for everybody: what was of late (three memories), a median that one promotion does not move,
and a damped trend. Each is tried on the series' own past, and who was nearer has more say.

How sure it is comes from the same trials: what a total misses by has a part that days average out,
and a part that grows with how far it lies ahead. Both begin as wide as most series' are and narrow
with what is known. Floats are for statistics: nothing here is money.
"""

from dataclasses import dataclass
from functools import cache, lru_cache
from statistics import median
from typing import Final

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

WEEK: Final = 7
MEMORIES: Final = (2.0, 7.0, 28.0)
"""Half-lives in days of what is remembered of the level."""
QUICK: Final = 3.0
MEDIAN: Final = 14
CALM: Final = 2.0
CALM_DAYS: Final = 28
"""What longer memories see of a day: at most so many times the median of so many days."""
TREND: Final = 56
"""Days that a trend is read from, by whole weeks; three weeks at least."""
DAMPED: Final = 0.97
"""How much of a trend's daily growth is left a day later: a third is left after a month."""
GROWTH_MAX: Final = 0.03
"""The fastest daily growth that is believed: 2.4 times a month."""
EXPERTS: Final = len(MEMORIES) + 2

SHAPE_WORTH: Final = 2.0
"""How many days a weekday's shape is believed to be as its kind of day's, and that as all days."""
FACTOR: Final = (0.02, 4.0)
ROUNDS: Final = 3
_ONES: Final = np.ones(WEEK)
TINY: Final = 1e-300
RESTING: Final = np.isin(np.arange(9), (5, 6, 7))
"""Kinds of days on which people rest: Saturday, Sunday, a holiday."""
TRIALS: Final = 40
"""Places in its own past at which a series is forecast, at most."""
TRIAL_LEAST: Final = 7
"""Days that a trial has to know."""
CHOICE: Final = 4.0
"""How sharply the nearer forecaster is preferred."""
CHOICE_WORTH: Final = 0.05
"""A miss of so much is added to each: among good ones nobody is preferred."""

SPANS: Final = ((0, 1), (0, 3), (0, 7), (0, 14), (0, 28), (14, 14), (28, 28), (56, 28))
"""What is tried: totals of so many days that begin so many days ahead."""
REACH: Final = max(ahead + span for ahead, span in SPANS)
NOISE: Final = 0.30
"""What a single day of a series of which nothing is known misses by, as a logarithm."""
DRIFT: Final = 0.035
"""How far the level of such a series wanders in a day."""
NOISE_WORTH: Final = 5.0
DRIFT_WORTH: Final = 10.0
"""How many trials of its own weigh as much as these two."""
LEARNING: Final = 40
PART: Final = 0.25
"""The least part of a day over which misses are averaged out: hours of one day miss together."""
SMALL: Final = 0.05
"""This share of the usual is added to both sides before they are compared: nothing is no ratio."""
MISS_MAX: Final = 3.0
SILENCE: Final = 3
"""So many days without usage, more than ever before, and a series may have ended."""
RESUME: Final = 0.6
"""How likely it goes on then, for each further day of silence."""

USUAL80: Final = 1.65
USUAL95: Final = 3.0
"""In how many deviations 80 % and 95 % of misses lie, as most have it; a bell has 1.28, 1.96."""
OWN_WORTH: Final = 30.0
"""How many trials of its own weigh as much as that."""
KEPT: Final = 1_000
"""Courses that are kept, some 15 kB each; beyond, the one longest unasked is forgotten."""
SHORT: Final = 0.4
"""How much wider all is after one week, of which little remains after a year."""


@dataclass(frozen=True, slots=True)
class Range:
    """A total to come: the most likely one, and what it stays within 8 and 19 times in 20 · ½."""

    middle: float
    low80: float
    high80: float
    low95: float
    high95: float

    def plus(self, known: float) -> "Range":
        """Return the range with a known part on top."""
        return Range(*(getattr(self, name) + known for name in Range.__slots__))


@dataclass(frozen=True, slots=True)
class Misses:
    """What trials missed by: of each, how far ahead it began, its days, and the logarithm."""

    ahead: Floats
    days: Floats
    miss: Floats
    worth: Floats
    """How much of a trial of its own each is: totals of one past overlap."""


@dataclass(frozen=True, slots=True)
class Course:
    """What is expected of each day ahead, and how wrong totals of them may be."""

    expected: Floats
    """Of each day ahead; the first is the day after the last that is known."""
    known: int
    """Days that are known."""
    noise: float
    drift: float
    misses: Misses
    silent: int
    """Days without usage at the end, where that is longer than ever before; else 0."""
    alive: float
    """How likely the series goes on."""
    weights: Floats

    def total(self, first: float, last: float) -> Range:
        """Return the total of the days ahead in [first, last), parts of days by their share."""
        edges = np.arange(len(self.expected) + 1, dtype=np.float64)
        sums = np.concatenate([[0.0], np.cumsum(self.expected)])
        whole = float(np.interp(last, edges, sums) - np.interp(first, edges, sums))
        return self.range(whole, first, last - first)

    def range(self, whole: float, ahead: float, days: float) -> Range:
        """Return the range of a total of so many days, so far ahead, that is expected at `whole`.

        A series that may have ended may come to nothing, or go on as before.
        """
        wide = float(spread(self.noise, self.drift, ahead, max(days, PART)))
        near, far = self._stretch(ahead + days)
        low80, high80 = (whole * float(np.exp(s * near * wide)) for s in (-1, 1))
        low95, high95 = (whole * float(np.exp(s * far * wide)) for s in (-1, 1))
        if self.alive < 1.0:
            low80 = low95 = 0.0
            high80 = high80 if self.alive > 0.1 else 0.0
            high95 = high95 if self.alive > 0.025 else 0.0
        return Range(whole * self.alive, low80, high80, low95, high95)

    def _stretch(self, reach: float) -> tuple[float, float]:
        """Return how many deviations 80 % and 95 % of the trials lay within that reached so far."""
        m = self.misses
        score = np.abs(m.miss) / spread(self.noise, self.drift, m.ahead, m.days)
        near = np.exp(-np.abs(np.log2((m.ahead + m.days) / max(reach, 1.0))))
        order = np.argsort(score)
        within = np.cumsum((m.worth * near)[order])
        own = within[-1] / (within[-1] + OWN_WORTH)
        short = 1.0 + SHORT * (WEEK / max(self.known, WEEK)) ** 0.5
        found = []
        for share, usual in ((0.8, USUAL80), (0.95, USUAL95)):
            place = min(int(np.searchsorted(within, share * within[-1])), len(score) - 1)
            seen = float(np.clip(score[order][place], 0.6 * usual, 2.5 * usual))
            found.append((own * seen + (1 - own) * usual) * short)
        return found[0], max(found)


def spread(noise: float, drift: float, ahead: Floats | float, days: Floats | float) -> Floats:
    """Return the standard deviation of what a total misses by, as a logarithm.

    Of a wandering level, a total of `days` that begins `ahead` days from now sees what it wandered
    until then and a third of what it wanders within.
    """
    return np.sqrt(noise**2 / days + drift**2 * (ahead + days / 3))


def course(days: Floats, rests: Flags, weekday: int) -> Course | None:
    """Return the course of a series from its days, the oldest first; None where there are none.

    `rests` says of each day, and of the days ahead, whether people rest; `weekday` is that of the
    first day (Monday is 0). The first day is the first with usage.

    Complete days change once a day, and every look at them asks for the same courses: those that
    were computed last are kept.
    """
    return _course(days.astype(np.float64).tobytes(), rests.tobytes(), weekday)


@lru_cache(maxsize=KEPT)
def _course(of_days: bytes, of_rests: bytes, weekday: int) -> Course | None:
    days, rests = np.frombuffer(of_days), np.frombuffer(of_rests, dtype=bool)
    count, ahead = len(days), len(rests) - len(days)
    if count == 0 or not days.any():
        return None
    kinds = _kinds(rests, weekday)
    origins = _origins(count)
    tried = [_told(days[:o], kinds, min(count + ahead - o, REACH)) for o in origins]
    small = _small(days, origins)
    losses = np.zeros(EXPERTS)
    for origin, told, usual in zip(origins, tried, small, strict=True):
        losses += _losses(days[origin:], told, float(usual))
    weights = (losses / max(len(origins), 1) + CHOICE_WORTH) ** -CHOICE
    weights /= weights.sum()
    expected = weights @ _told(days, kinds, ahead)
    misses = _misses(days, origins, [weights @ told for told in tried], small)
    noise, drift = _learn_spread(misses)
    silent, alive = _silence(days)
    return Course(expected, count, noise, drift, misses, silent, alive, weights)


def forget() -> None:
    """Forget what is kept of courses, as a process that has just begun: for who measures it."""
    _course.cache_clear()


def _kinds(rests: Flags, weekday: int) -> npt.NDArray[np.int64]:
    """Return each day's weekday; 7 for a rest on a working weekday, 8 for work at a weekend."""
    week = (weekday + np.arange(len(rests))) % WEEK
    weekend = week >= 5
    return np.where(rests == weekend, week, np.where(rests, 7, 8))


def _shape(days: Floats, kinds: npt.NDArray[np.int64]) -> Floats:
    """Return the factor of each of the nine kinds of day, from days and their kinds.

    A day is compared with the level around it, which is known once the shape is: a few rounds
    settle both, so that a week of holidays is not taken for a low level with usual days.
    """
    factors = np.ones(9)
    if len(days) < WEEK:
        return factors
    resting = RESTING[kinds]
    work, rest = np.flatnonzero(~resting), np.flatnonzero(resting)
    least = max(1e-9 * float(days.max()), TINY)
    around = _around(len(days))
    known = np.bincount(kinds, minlength=9) + SHAPE_WORTH
    for _ in range(ROUNDS):
        level = np.convolve(days / factors[kinds], _ONES, "same") / around
        ratio = np.minimum(np.maximum(days / np.maximum(level, least), 0.0), FACTOR[1])
        of_work, of_rest = (
            (np.add.reduce(ratio[those]) + SHAPE_WORTH) / (len(those) + SHAPE_WORTH)
            for those in (work, rest)
        )
        base = np.where(RESTING, of_rest, of_work)
        factors = (np.bincount(kinds, ratio, 9) + SHAPE_WORTH * base) / known
        factors = factors / (np.add.reduce(factors[:WEEK]) / WEEK)
        factors = np.minimum(np.maximum(factors, FACTOR[0]), FACTOR[1])
    return factors


@lru_cache(maxsize=KEPT)
def _around(count: int) -> Floats:
    """Return how many days there are in the week around each of so many."""
    return np.convolve(np.ones(count), _ONES, "same")


def _told(days: Floats, kinds: npt.NDArray[np.int64], ahead: int) -> Floats:
    """Return what each forecaster tells of the days ahead: forecasters × days."""
    count = len(days)
    factors = _shape(days, kinds[:count])
    level = days / factors[kinds[:count]]
    calm = _calm(level)
    levels = [
        float((w := _weights(half, count)) @ (calm if half > QUICK else level) / np.add.reduce(w))
        for half in MEMORIES
    ]
    levels.append(median(level[-MEDIAN:].tolist()))
    step = _growth(calm)
    grown = np.exp(step * _damped(ahead))
    told = np.empty((EXPERTS, ahead))
    told[:-1] = np.array(levels)[:, None]
    # A memory of a growing level lies behind it by some days, which the trend makes up for.
    told[-1] = levels[1] * np.exp(step * min(count / 2, 8.0)) * grown
    return told * factors[kinds[count : count + ahead]]


@lru_cache(maxsize=KEPT)
def _weights(half: float, count: int) -> Floats:
    """Return how much each of so many days is remembered."""
    return np.asarray(0.5 ** (np.arange(count - 1, -1, -1) / half))


@lru_cache(maxsize=KEPT)
def _damped(ahead: int) -> Floats:
    """Return of how many days' growth there is on each day ahead."""
    return np.cumsum(DAMPED ** np.arange(1, ahead + 1))


def _calm(level: Floats) -> Floats:
    """Return a level without its promotions: days far above the usual count as less far above it.

    A new level is believed once it has become the usual one; the quickest memory believes at once.
    """
    usual = median(level[-CALM_DAYS:].tolist()) if len(level) >= MEDIAN else 0.0
    return np.minimum(level, CALM * usual) if usual > 0 else level


def _growth(level: Floats) -> float:
    """Return the daily growth of a level as a logarithm: the median slope between its weeks."""
    weeks = min(len(level), TREND) // WEEK
    if weeks < 3:
        return 0.0
    sums = level[-weeks * WEEK :].reshape(weeks, WEEK).sum(axis=1)
    logs = np.log(sums + SMALL * sums.mean() + 1e-300)
    i, j = _pairs(weeks)
    slope = median(((logs[j] - logs[i]) / (j - i)).tolist()) / WEEK
    worth = weeks / (weeks + 2.0)
    return float(np.clip(slope * worth, -GROWTH_MAX, GROWTH_MAX))


@cache
def _pairs(weeks: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    return np.triu_indices(weeks, 1)


def _origins(count: int) -> list[int]:
    """Return how many days each trial knows: the latest places, evenly apart."""
    first = min(TRIAL_LEAST, max(count - 1, 1))
    places = np.arange(first, count)
    if len(places) > TRIALS:
        places = places[np.linspace(0, len(places) - 1, TRIALS).astype(int)]
    return [int(place) for place in places]


def _losses(came: Floats, told: Floats, usual: float) -> Floats:
    """Return how far each forecaster missed the next one, two and four weeks, or what there is."""
    losses = np.zeros(len(told))
    spans = sorted({min(span, len(came)) for span in (7, 14, 28)})
    for span in spans:
        actual = np.add.reduce(came[:span]) + usual * span
        said = np.add.reduce(told[:, :span], axis=1) + usual * span
        losses += np.minimum(np.abs(np.log(actual / said)), MISS_MAX)
    return losses / len(spans)


def _misses(days: Floats, origins: list[int], told: list[Floats], small: Floats) -> Misses:
    table = np.zeros((len(told), REACH))
    for row, each in zip(table, told, strict=True):
        row[: len(each)] = each
    rows = [np.zeros((4, 0))]
    for ahead, span in SPANS:
        starts = np.array([o + ahead for o in origins if o + ahead + span <= len(days)], dtype=int)
        if not len(starts):
            continue
        usual = small[: len(starts)] * span
        came = sliding_window_view(days, span)[starts].sum(axis=1)
        said = table[: len(starts), ahead : ahead + span].sum(axis=1)
        miss = np.clip(np.log((came + usual) / (said + usual)), -MISS_MAX, MISS_MAX)
        worth = min(1.0, len(days) / span / len(starts))
        rows.append(np.vstack(np.broadcast_arrays(ahead, span, miss, worth)))
    found = np.hstack(rows)
    return Misses(*(found if found.size else np.array([[0.0], [1.0], [0.0], [0.0]])))


def _learn_spread(misses: Misses) -> tuple[float, float]:
    """Return noise and drift: what days average out, and what grows with the distance.

    A miss is the sum of both, of which only the sum is seen; expectation maximisation shares each
    square among them. Both begin as those of a series that nobody knows.
    """
    inverse = 1 / misses.days
    distance = misses.ahead + misses.days / 3
    square, worth = misses.miss**2, misses.worth
    known = worth.sum()
    noise2, drift2 = NOISE**2, DRIFT**2
    for _ in range(LEARNING):
        of_noise, of_drift = noise2 * inverse, drift2 * distance
        share = of_noise / (of_noise + of_drift)
        left = share * of_drift
        by_noise = (worth * (share**2 * square + left) / inverse).sum()
        by_drift = (worth * ((1 - share) ** 2 * square + left) / distance).sum()
        noise2 = (NOISE_WORTH * NOISE**2 + by_noise) / (NOISE_WORTH + known)
        drift2 = (DRIFT_WORTH * DRIFT**2 + by_drift) / (DRIFT_WORTH + known)
    return float(np.sqrt(noise2)), float(np.sqrt(drift2))


def _small(days: Floats, origins: list[int]) -> Floats:
    """Return what is added to a day on both sides, so that nothing against nothing is no miss."""
    usual = np.array([days[:origin].mean() for origin in origins])
    return np.maximum(usual * SMALL, float(days.max()) * SMALL / 1000)


def _silence(days: Floats) -> tuple[int, float]:
    """Return days of silence that are longer than ever before, and how likely it goes on."""
    used = np.flatnonzero(days > 0)
    silent = len(days) - 1 - int(used[-1])
    longest = int(np.diff(used).max(initial=1)) - 1
    if silent < SILENCE or silent <= longest:
        return 0, 1.0
    return silent, RESUME ** (silent - max(longest, SILENCE - 1))
