"""The watch over one customer: its series together, hour by hour and day by day.

A learnt signal has to be rarer the more series a customer has: a key among a hundred has its bar
raised by two (once in a hundred thousand), so that the whole customer is told wrongly no more
often than one series would be; and what a project, key or model uses only now and then has no
rhythm to break: it shows in its customer's sums. By the hour, evidence is also taken together: what
the level of late, the hour of the day and the last six hours say, each too little by itself, has
the same bar in the mean as one of them alone. A customer's rise that is made up by keys which were
used in a few hours only is told when it is a whole day's usage, or ten times an hour's: such keys
come every other day. People's word that a finding was none raises the bar of its series by
`FALSE_ALARM`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

import numpy as np

from yuejie.insights.anomaly import pulse as p
from yuejie.insights.anomaly import rules
from yuejie.insights.anomaly.finding import Grain, Measure, Rule, Scope, Series
from yuejie.insights.anomaly.pulse import Beat, Flags, Floats, Pulses

FALSE_ALARM: Final = 0.5
FALSE_ALARMS_MAX: Final = 6
"""How often a false alarm raises a bar: by 3 in all, once in three million."""
ACTIVE: Final = 24
"""Hours in which a series was used at all before it is judged by what it learnt."""
REGULAR: Final = 0.5
"""The share of periods in which a series below its customer is used, to be judged by itself."""
WARM: Final = {Grain.HOUR: p.WARM, Grain.DAY: 28}
REST: Final = {Grain.HOUR: 24, Grain.DAY: 7}

TOGETHER: Final = 1.2
"""By how much evidence in the mean stands above its number: three that say 2 are as good as one
that says 3."""
ENOUGH: Final = 20.0
"""What one of them may add to the mean: a single one says it by itself."""
TWO_WAYS: Final = 0.3
"""log₁₀ 2: who looks in two ways asks each for twice the rarity."""

PLAIN: Final = np.dtype([("pulse", p.PULSE), ("active", "<u4")])
"""How the hourly rows of releases before swells were kept: the beginning of today's."""
WATCHED: Final = np.dtype([("pulse", p.PULSE), ("active", "<u4"), ("swell", p.SWELL)])
WATCHED_DAILY: Final = np.dtype(
    [("pulse", p.PULSE), ("active", "<u4"), ("days", "<f4", (rules.DAYS,))]
)
ROWS: Final = {Grain.HOUR: WATCHED, Grain.DAY: WATCHED_DAILY}
"""What is kept of a series: 1.4 KB by the hour, 1.5 KB by the day."""


@dataclass(frozen=True, slots=True)
class Signal:
    """A series that says something: which one, by which rule, how rare, and against what."""

    index: int
    rule: Rule
    score: float
    expected: float
    observed: float
    hours: int = 1
    """Over how many hours together it was seen."""


@dataclass(frozen=True, slots=True)
class _Learnt:
    """What was learnt says of each series: how rare it is, and whether of several hours only."""

    score: Floats
    lasts: Flags


@dataclass(frozen=True, slots=True)
class _Plain:
    """What a plain rule says of each series: whether it holds, and what it compared with what."""

    rule: Rule
    holds: Flags
    against: Floats
    observed: Floats


@dataclass(frozen=True, slots=True)
class Seen:
    """What a period said: signals, and what each series was expected to be."""

    signals: list[Signal]
    normal: Floats
    floors: Floats


class Watch:
    """A customer's series of one grain, held while its periods are taken one after the other."""

    def __init__(self, grain: Grain, series: Sequence[Series], rows: Sequence[bytes]) -> None:
        """Hold these series; a row that is empty, or of an unknown release, is learnt anew."""
        self.grain = grain
        self.series = list(series)
        self._rows = fresh(grain, len(rows))
        size = ROWS[grain].itemsize
        if grain is Grain.HOUR:
            rows = [row.ljust(size, b"\0") if len(row) == PLAIN.itemsize else row for row in rows]
        kept = [i for i, row in enumerate(rows) if len(row) == size]
        if kept:
            read = np.frombuffer(b"".join(rows[i] for i in kept), ROWS[grain])
            self._rows[kept] = read

    def add(self, series: Series) -> int:
        """Begin a series and return its place."""
        self.series.append(series)
        self._rows = np.concatenate([self._rows, fresh(self.grain, 1)])
        return len(self.series) - 1

    def rows(self) -> list[bytes]:
        """Return what is to be kept of each series."""
        return [row.tobytes() for row in self._rows]

    def take(self, at: datetime, values: Floats, raised: Floats) -> Seen:
        """Judge a period that began at `at` (in the customer's zone), then learn it.

        `raised` is by how much people's word has raised the bar of each series.
        """
        pulses: Pulses = self._rows["pulse"]
        beat = p.look(pulses, at, values, only_rises=True, warm=WARM[self.grain])
        floors = self._floors(pulses)
        bars = p.BAR + raised + self._siblings()
        learnt = self._learnt(at, values, beat, floors)
        score = learnt.score
        plain = self._plain(at, values, beat, values - beat.normal >= floors)
        certain = np.any([each.holds for each in plain], axis=0)
        lifted = np.where(certain, np.maximum(score, bars + p.TIRED * pulses["tired"]), score)
        alarms = p.wake(pulses, lifted, bars, rest=REST[self.grain])
        signals = [
            self._signal(int(i), plain, beat, learnt, float(values[i]))
            for i in np.flatnonzero(alarms)
        ]
        p.learn(pulses, at, values, beat)
        self._rows["active"] += values > 0
        return Seen(signals, beat.normal, floors)

    def _learnt(self, at: datetime, values: Floats, beat: Beat, floors: Floats) -> _Learnt:
        """Say what was learnt: of this period alone, and by the hour of all evidence together."""
        rises = values - beat.expected
        alone = np.where(rises >= floors, beat.score, 0.0)
        together = np.zeros_like(alone)
        if self.grain is Grain.HOUR:
            swelling = p.swell(self._rows["swell"], self._rows["pulse"], at, values)
            # The hour of the week is left out: it is known last, and worst where it is needed.
            parts = [np.where(beat.misses[:, i] >= floors, beat.each[:, i], 0.0) for i in (0, 1)]
            parts.append(np.where(swelling.excess >= floors, swelling.score, 0.0))
            mean = np.mean([np.minimum(part, ENOUGH) for part in parts], axis=0)
            together = np.where((mean > 0) & (values > beat.normal), mean + TOGETHER, 0.0)
            alone = np.maximum(alone - TWO_WAYS, 0.0)
        score = np.maximum(alone, together)
        judged = self._rhythm() & (self._rows["active"] >= ACTIVE) & self._familiar(values, beat)
        return _Learnt(np.where(judged, score, 0.0), together > alone)

    def _familiar(self, values: Floats, beat: Beat) -> Flags:
        """Say which rises are not made up by keys that were hardly ever seen, or are a day's."""
        known = np.ones(len(self.series), dtype=bool)
        if self.grain is not Grain.HOUR:
            return known
        pulses, strange = self._rows["pulse"], dict[Measure, float]()
        # Of a customer with few calls the level of late is now next to nothing, now a burst.
        usual_day = np.maximum(pulses["level"] * p.HOURS, pulses["day"].sum(axis=1))
        for each, value, active in zip(self.series, values, self._rows["active"], strict=True):
            if each.scope is Scope.KEY and active < ACTIVE:
                strange[each.measure] = strange.get(each.measure, 0.0) + float(value)
        for i, each in enumerate(self.series):
            if each.scope is Scope.CUSTOMER and (new := strange.get(each.measure, 0.0)):
                rise, usual = float(values[i] - beat.normal[i]), float(usual_day[i])
                known[i] = new < rise / 2 or rise >= rules.FLOOR_SHARE_IDLE * usual
        return known

    def _rhythm(self) -> Flags:
        """Say which series have a rhythm: a customer's own, and what is used often enough."""
        active, seen = self._rows["active"], self._rows["pulse"]["seen"]
        own = np.array([each.scope is Scope.CUSTOMER for each in self.series], dtype=bool)
        return np.asarray(own | (active >= REGULAR * seen))

    def _signal(
        self, i: int, plain: list[_Plain], beat: Beat, learnt: _Learnt, value: float
    ) -> Signal:
        score = float(learnt.score[i])
        for each in plain:
            if each.holds[i]:
                against, observed = float(each.against[i]), float(each.observed[i])
                return Signal(i, each.rule, max(score, p.BAR), against, observed)
        if learnt.lasts[i]:
            return Signal(i, Rule.LEARNT, score, float(beat.normal[i]), value, p.TOGETHER)
        return Signal(i, Rule.LEARNT, score, float(beat.expected[i]), value)

    def _siblings(self) -> Floats:
        """Return how much each bar is raised by the series beside it: log₁₀ of their number."""
        counts: dict[Scope, int] = {}
        for each in self.series:
            counts[each.scope] = counts.get(each.scope, 0) + 1
        measures = max(1, len({each.measure for each in self.series}))
        return np.array(
            [np.log10(max(1.0, counts[s.scope] / measures)) for s in self.series], dtype=np.float64
        )

    def _floors(self, pulses: Pulses) -> Floats:
        """Return the least difference of each series that is worth a word."""
        hours = p.HOURS if self.grain is Grain.HOUR else 1
        typical = {
            each.measure: float(level) * hours
            for each, level in zip(self.series, pulses["level"], strict=True)
            if each.scope is Scope.CUSTOMER
        }
        rhythm = self._rhythm()
        return np.array(
            [
                _floor(each, typical.get(each.measure, 0.0), rhythm=bool(rhythm[i]))
                for i, each in enumerate(self.series)
            ],
            dtype=np.float64,
        )

    def _plain(self, at: datetime, values: Floats, beat: Beat, enough: Flags) -> list[_Plain]:
        """Return what the plain rules say."""
        seen = self._rows["pulse"]["seen"].astype(np.float64)
        if self.grain is Grain.HOUR:
            against = np.maximum(beat.level, beat.normal)
            holds = rules.sudden(values, beat, seen) & enough
            return [_Plain(Rule.SUDDEN, holds, against, values)]
        before = self._rows["days"].astype(np.float64)
        doubled = rules.day_over_day(values, before, seen) & enough
        days = np.column_stack([values, before[:, :-1]])
        self._rows["days"] = days
        length = _days_of_month_before(at.date())
        now, then = rules.month_sums(days, at.day, length)
        grown = rules.month_over_month(days, seen + 1, at.day, length)
        grown &= now - then >= self._floors(self._rows["pulse"]) * at.day
        return [
            _Plain(Rule.DAY_OVER_DAY, doubled, before[:, 0], values),
            _Plain(Rule.MONTH_OVER_MONTH, grown, then / at.day, now / at.day),
        ]


def fresh(grain: Grain, count: int) -> Pulses:
    """Return rows of series of which nothing is known."""
    rows = np.zeros(count, ROWS[grain])
    rows["pulse"] = p.fresh(count)
    return rows


def _floor(series: Series, typical_day: float, *, rhythm: bool) -> float:
    below = rules.FLOOR_SHARE_BELOW if rhythm else rules.FLOOR_SHARE_IDLE
    share = rules.FLOOR_SHARE if series.scope is Scope.CUSTOMER else below
    return max(rules.FLOORS[series.measure], share * typical_day)


def _days_of_month_before(day: date) -> int:
    return (day.replace(day=1) - timedelta(days=1)).day
