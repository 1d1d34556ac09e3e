"""A pulse: what a series normally is, learnt as it comes, in one row of bounded size.

Three expectations of the next value are kept: the level of late, the hour of the day, the hour of
the week. What an expectation misses by has a tail on either side, and the tail's shape is learnt
as well: how often a high quantile is passed, and by how much, as a generalised Pareto distribution
(Siffer et al., *Anomaly Detection in Streams with Extreme Value Theory*, KDD 2017; ours keeps two
moments instead of the peaks). A score is −log₁₀ of how rare a miss is: 3 is once in a thousand.
Beside single values a swell sees several together: the sum of the last six, against the hour of the
day at the level of late, with a tail of its own. What doubles and stays is little in each hour.
Nobody wakes twice for one thing: after an alarm a series rests, unless ten times rarer comes, and
each alarm raises its bar a little for a while.

Many pulses are one array, so that a hundred thousand cost no more than their bytes. The numbers
below were chosen once on all series together; no series has numbers of its own. Floats are for
statistics: nothing here is money.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Pulses = npt.NDArray[np.void]
"""One `PULSE` per series."""
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

HOURS: Final = 24
WEEK: Final = 7 * HOURS
STREAMS: Final = ("level", "hour_of_day", "hour_of_week")

TAIL: Final = 0.03
"""The share of values that the tail begins with, on each side."""
FORGET: Final = 0.0003
"""How much of what is known of tails each value replaces: a memory of some 3,000 values."""
LEVEL: Final = 1 / 60
SEASON: Final = 0.1
"""How much of what is known of an hour each of its values replaces."""
KNOWN_DAY: Final = 4
KNOWN_WEEK: Final = 2
"""How many values of an hour make an expectation."""
WARM: Final = 100
"""Values before the first score: at best one in thirty of them lies in a tail."""
SHAPE_MAX: Final = 0.45
"""The heaviest tail that two moments can tell."""
SCORE_MAX: Final = 300.0
"""What never moved and then does is as rare as anything gets."""

REST: Final = 48
"""Values after an alarm in which only what is ten times rarer alarms again."""
RARER: Final = 1.0
TIRED: Final = 0.2
"""How much an alarm raises the bar at once."""
TIRED_VALUES: Final = 500.0
"""In so many values a raised bar falls back to 1/e."""
BAR: Final = 3.0
"""The one bar that a score has to reach."""
_TENTHS: Final = float(np.log(10.0))
_TINY: Final = 1e-12
_FULL: Final = 255

TAILS: Final = np.dtype(
    [
        ("seen", "<f4"),
        ("middle", "<f8"),
        ("spread", "<f8"),
        ("edge", "<f8", (2,)),
        ("passed", "<f4", (2,)),
        ("beyond", "<f8", (2,)),
        ("beyond_squared", "<f8", (2,)),
    ]
)
"""What is known of the misses of one expectation; pairs are the high side, then the low one."""

PULSE: Final = np.dtype(
    [
        ("seen", "<u4"),
        ("level", "<f8"),
        ("day", "<f4", (HOURS,)),
        ("day_seen", "u1", (HOURS,)),
        ("week", "<f4", (WEEK,)),
        ("week_seen", "u1", (WEEK,)),
        ("tails", TAILS, (len(STREAMS),)),
        ("since_alarm", "<u4"),
        ("last_score", "<f4"),
        ("tired", "<f4"),
    ]
)
"""What is known of one series."""

PULSE_BYTES: Final = PULSE.itemsize

TOGETHER: Final = 6
"""Values that a swell takes together."""
LATE: Final = 1 / 36
"""How much of the level of late each value replaces, once it has left the swell."""
SWELL_KNOWN: Final = 72
"""Values before a swell is compared with anything."""

SWELL: Final = np.dtype(
    [
        ("values", "<f4", (TOGETHER,)),
        ("expected", "<f4", (TOGETHER,)),
        ("late", "<f8", (2,)),
        ("seen", "<u4"),
        ("tails", TAILS, (1,)),
    ]
)
"""The last values of one series with what their hour of the day is, and both means behind them."""
_NEVER: Final = 2**31


@dataclass(frozen=True, slots=True)
class Beat:
    """What each series' new value says; arrays in the order of the series.

    `score` is how rare the value is, `rises` whether it lies above what was expected; `expected` is
    the expectation that it misses most.
    """

    score: Floats
    rises: Flags
    expected: Floats
    normal: Floats
    """The best expectation, whether or not it was missed: hour of week, else of day, else level."""
    level: Floats
    misses: Floats
    """Of each expectation; NaN where it does not know yet."""
    each: Floats
    """How rare the miss of each expectation is."""


def fresh(count: int) -> Pulses:
    """Return series of which nothing is known."""
    pulses = np.zeros(count, PULSE)
    pulses["since_alarm"] = _NEVER
    return pulses


def read(rows: list[bytes]) -> Pulses:
    """Read series back from their rows."""
    return np.frombuffer(b"".join(rows), PULSE).copy()


def write(pulses: Pulses) -> list[bytes]:
    """Return a row of `PULSE_BYTES` for each series."""
    return [pulse.tobytes() for pulse in pulses]


def look(
    pulses: Pulses,
    at: datetime,
    values: Floats,
    *,
    only_rises: bool = False,
    warm: int = WARM,
) -> Beat:
    """Say what each value is worth knowing, at an instant in the zone in which days are days."""
    expected = _expected(pulses, at.hour, _slot(at))
    misses = values[:, None] - expected
    with np.errstate(invalid="ignore"):  # what an expectation does not know is NaN throughout
        scores, rises = _scores(pulses["tails"], misses, warm=warm, only_rises=only_rises)
    stream = scores.argmax(axis=1)
    row = np.arange(len(pulses))
    level = np.nan_to_num(expected[:, 0])
    missed = np.nan_to_num(expected[row, stream])
    score, rise = scores[row, stream], rises[row, stream]
    return Beat(score, rise, missed, _normal(expected), level, misses, scores)


@dataclass(frozen=True, slots=True)
class Swelling:
    """How rare the last values are together, and by how much they are more than expected."""

    score: Floats
    excess: Floats


def swell(swells: Pulses, pulses: Pulses, at: datetime, values: Floats) -> Swelling:
    """Judge and learn the last values of each series together; before `pulses` learn this one."""
    late, seen = swells["late"], swells["seen"]
    leaving = np.column_stack([swells["values"][:, 0], swells["expected"][:, 0]])
    left = seen - TOGETHER + 1.0
    pace = np.maximum(1 / np.maximum(left, 1.0), LATE)
    late += np.where(left > 0, pace, 0.0)[:, None] * (leaving - late)
    for field, newest in (("values", values), ("expected", _of_day(pulses, at.hour))):
        swells[field][:, :-1] = swells[field][:, 1:]
        swells[field][:, -1] = newest
    of_late = late[:, 0] / np.maximum(late[:, 1], _TINY)
    expected = swells["expected"].sum(axis=1, dtype=np.float64) * of_late
    excess = swells["values"].sum(axis=1, dtype=np.float64) - expected
    misses = np.where(seen >= SWELL_KNOWN, excess / TOGETHER, np.nan)[:, None]
    with np.errstate(invalid="ignore"):
        scores, _ = _scores(swells["tails"], misses, warm=WARM, only_rises=True)
    _learn_tails(swells["tails"], misses)
    swells["seen"] += 1
    return Swelling(scores[:, 0], excess)


def wake(pulses: Pulses, score: Floats, bars: Floats | float = BAR, *, rest: int = REST) -> Flags:
    """Say which series alarm at their bars, and let those rest for so many values."""
    pulses["tired"] *= np.exp(-1 / TIRED_VALUES)
    pulses["since_alarm"] = np.minimum(pulses["since_alarm"] + 1, _NEVER)
    awake = (pulses["since_alarm"] > rest) | (score >= pulses["last_score"] + RARER)
    alarms = np.asarray((score >= bars + TIRED * pulses["tired"]) & awake)
    pulses["since_alarm"] = np.where(alarms, 0, pulses["since_alarm"])
    pulses["last_score"] = np.where(alarms, score, pulses["last_score"])
    pulses["tired"] += alarms
    return alarms


def learn(pulses: Pulses, at: datetime, values: Floats, beat: Beat) -> None:
    """Take the values in: the tails of what was missed, then the three expectations."""
    _learn_tails(pulses["tails"], beat.misses)
    pulses["seen"] += 1
    pace = np.maximum(1 / pulses["seen"], LEVEL)
    pulses["level"] += pace * (values - pulses["level"])
    for field, slot in (("day", at.hour), ("week", _slot(at))):
        counts = pulses[f"{field}_seen"]
        counts[:, slot] = np.minimum(counts[:, slot], _FULL - 1) + 1
        season = np.maximum(1 / counts[:, slot], SEASON)
        pulses[field][:, slot] += season * (values - pulses[field][:, slot])


def _slot(at: datetime) -> int:
    return at.hour + HOURS * at.weekday()


def _of_day(pulses: Pulses, hour: int) -> Floats:
    """Return what this hour of the day is; the level stands in as one day of those not seen yet."""
    days = pulses["day_seen"][:, hour].astype(np.float64)
    return np.asarray((pulses["day"][:, hour] * days + pulses["level"]) / (days + 1))


def _expected(pulses: Pulses, hour: int, slot: int) -> Floats:
    """Return what each of the three expects; NaN where it does not know yet."""
    expected = np.empty((len(pulses), len(STREAMS)))
    expected[:, 0] = np.where(pulses["seen"] > 0, pulses["level"], np.nan)
    known_day = pulses["day_seen"][:, hour] >= KNOWN_DAY
    expected[:, 1] = np.where(known_day, pulses["day"][:, hour], np.nan)
    known_week = pulses["week_seen"][:, slot] >= KNOWN_WEEK
    expected[:, 2] = np.where(known_week, pulses["week"][:, slot], np.nan)
    return expected


def _normal(expected: Floats) -> Floats:
    level, day, week = expected.T
    best = np.where(np.isnan(week), np.where(np.isnan(day), level, day), week)
    return np.asarray(np.nan_to_num(best))


def _scores(tails: Pulses, misses: Floats, *, warm: int, only_rises: bool) -> tuple[Floats, Flags]:
    """Return how rare each miss is, and whether it is a rise; 0 where nothing can be said."""
    high = _rarity(tails, misses - tails["edge"][..., 0], 0)
    low = np.zeros_like(high) if only_rises else _rarity(tails, tails["edge"][..., 1] - misses, 1)
    judged = ~np.isnan(misses) & (tails["seen"] >= warm)
    return np.where(judged, np.maximum(high, low), 0.0), np.asarray(high >= low)


def _rarity(tails: Pulses, excess: Floats, side: int) -> Floats:
    """Return −log₁₀ of the chance to lie so far beyond an edge."""
    passed = np.maximum(tails["passed"][..., side], 1e-4)
    first = tails["beyond"][..., side]
    variance = tails["beyond_squared"][..., side] - first**2
    first = np.maximum(np.where(first > 0, first, tails["spread"]), 0.05 * tails["spread"] + _TINY)
    shape = np.where(
        variance > _TINY * first**2, 0.5 * (1 - first**2 / np.maximum(variance, _TINY)), 0.0
    )
    shape = np.clip(shape, 0.0, SHAPE_MAX)
    scaled = np.maximum(excess, 0.0) / (first * (1 - shape))
    curved = np.log1p(shape * scaled) / np.maximum(shape, 1e-6)
    log_chance = np.where(shape < 1e-6, scaled, curved) - np.log(passed)
    score = np.minimum(log_chance / _TENTHS, SCORE_MAX)
    return np.where((excess > 0) & (tails["passed"][..., side] > 0), score, 0.0)


def _learn_tails(tails: Pulses, misses: Floats) -> None:
    """Move the edges to their quantiles, and learn how often and how far they are passed."""
    known = ~np.isnan(misses)
    seen = tails["seen"] + known
    first = known & (seen == 1)
    for field in ("middle", "edge"):
        column = misses if field == "middle" else misses[..., None]
        begin = first if field == "middle" else first[..., None]
        tails[field] = np.where(begin, column, tails[field])
    later = known & ~first
    pace = np.maximum(1 / np.maximum(seen, 1), FORGET)
    away = np.where(later, misses - tails["middle"], 0.0)
    tails["middle"] += pace * away
    tails["spread"] += np.where(later, pace * (np.abs(away) - tails["spread"]), 0.0)
    step = 3 * pace * tails["spread"]
    for side, sign in ((0, 1.0), (1, -1.0)):
        excess = np.where(later, sign * (misses - tails["edge"][..., side]), 0.0)
        out = excess > 0
        learn = np.maximum(1 / (2 + tails["passed"][..., side] * seen), FORGET / TAIL)
        for field, moment in (("beyond", excess), ("beyond_squared", excess**2)):
            known_of = tails[field][..., side]
            tails[field][..., side] = np.where(
                out, known_of + learn * (moment - known_of), known_of
            )
        tails["passed"][..., side] += np.where(later, pace * (out - tails["passed"][..., side]), 0)
        tails["edge"][..., side] += np.where(later, sign * step * (out - TAIL), 0.0)
    tails["seen"] = seen


class Pulse:
    """A single series: what tests and people with one series hold."""

    def __init__(self, state: bytes | None = None, *, bar: float = BAR) -> None:
        self._pulses = fresh(1) if state is None else read([state])
        self._bar = bar

    def observe(self, at: datetime, value: float) -> tuple[float, bool]:
        """Return how rare a value is, and whether it alarms."""
        values = np.array([value])
        beat = look(self._pulses, at, values)
        alarms = wake(self._pulses, beat.score, self._bar)
        learn(self._pulses, at, values, beat)
        return float(beat.score[0]), bool(alarms[0])

    @property
    def state(self) -> bytes:
        """Everything there is to keep."""
        kept: Any = self._pulses[0]
        return bytes(kept.tobytes())
