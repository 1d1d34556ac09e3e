"""The rhythm of a series hour by hour: what the next hours will come to, as quantiles.

What an hour comes to is told by what the same hour came to before (Gasthaus and others, as in
Alexandrov et al., *GluonTS*, JMLR 2020: the seasonal non-parametric forecaster): its past values,
the newer the more they count, are the distribution of the next. Several forecasters do so with
other memories, the same for every series; each is tried on the series' own last days, and who was
nearer has more say. The outer range widens until it would have held on those days.

Floats are for statistics: nothing here is money.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from yuejie.insights.forecast.course import Flags, Floats

DAY: Final = 24
WEEK: Final = 7 * DAY
LEVELS: Final = (0.025, 0.1, 0.5, 0.8, 0.9, 0.95, 0.975)
"""The quantiles that forecasters tell; behind them stands the probability of nothing at all."""
MIDDLE: Final = 2
NOTHING: Final = len(LEVELS)
SHARES: Final = (0.95, 0.8)
TAILS: Final = ((0.025, (0, 6), 5), (0.1, (1, 4), 3))
"""Of the range of 95 % and of that of 80 %: how likely it is to lie below it, its levels, and the
level up to which it reaches where it begins at nothing."""
HISTORY: Final = 6 * WEEK
"""Hours that are looked at: older ones weigh next to nothing."""
LEAST: Final = 2 * DAY
"""Hours without which nothing is told."""
USED_LEAST: Final = 12
"""Hours with usage without which no range is given: it would hold while nothing happens."""

NOW: Final = 1.0
LATELY: Final = 3.0
SMOOTH: Final = 6.0
LONG: Final = 14.0
"""Half-lives in days."""
FLAT: Final = 18.0
"""That of the forecaster that knows no hours, in hours."""
ALONE: Final = (0.0, 1.0, 0.0)
NEARLY: Final = (0.2, 1.0, 0.2)
BESIDE: Final = (0.5, 1.0, 0.5)
EVEN: Final = (1.0, 1.0, 1.0)
"""How much the hours before and after count beside the hour itself."""
KINDS: Final = 2
"""Weeks from which on working days and days of rest are told apart: two of each kind at least."""
WEEKS: Final = 4
"""Weeks from which on an hour is told by the same hour of the week."""

TRIALS: Final = 4
"""Days back in which forecasters are tried, one trial a day."""
TRIAL_LEAST: Final = 3 * DAY
CHOICE: Final = 4.0
CHOICE_WORTH: Final = 0.03
WIDER: Final = 2.0
"""How far the 95 % bounds are drawn out before its own past is known; those of 80 % are not."""
WIDER_WORTH: Final = 20.0
"""In days: how much that is believed beside a series' own past."""
PROOFS: Final = 3
"""Spans of the past that are foretold again, to say how good that is."""
STEPS: Final = np.arange(0.6, 4.01, 0.1)
SURPRISE: Final = 0.1
"""This share of a usual hour is added outside, so that what never moved is not certain."""

Forecaster = Callable[[Floats, Flags, int], Floats]
"""Values, whether people rest in each hour known and ahead, hours ahead → hours × levels."""


@dataclass(frozen=True, slots=True)
class Rhythm:
    """What each hour ahead will come to; `weights` is the say of each forecaster."""

    quantiles: Floats
    """Hours × the lower ends of 95 % and 80 %, the middle, the upper ends of 80 % and 95 %."""
    nothing: Floats
    """How likely each hour comes to nothing at all."""
    weights: Floats
    used: int
    """Hours of the known ones in which anything was used."""

    @property
    def ranges(self) -> bool:
        """Whether enough is known to give ranges."""
        return self.used >= USED_LEAST

    @property
    def middle(self) -> Floats:
        """What each hour is as likely to exceed as not."""
        return np.asarray(self.quantiles[:, MIDDLE])


@dataclass(frozen=True, slots=True)
class HoursProof:
    """What forecasts made again in the past would have missed; `trials` spans of hours."""

    trials: int
    mase: float | None
    """What hours were missed by, over what the same hour of the day before misses them by in the
    past known then; below 1 is better. None where nothing ever moved."""
    naive_mase: float | None
    """The same of the forecast that the last day comes again."""
    held80: float
    held95: float
    """Shares of the hours that lay within the ranges."""


def rhythm(values: Floats, rests: Flags, ahead: int) -> Rhythm | None:
    """Return the rhythm of a series' next hours; None with less than two days of it.

    `rests` says of each hour known, and of those ahead, whether people rest.
    """
    known = min(len(values), HISTORY)
    if known < LEAST:
        return None
    values, rests = values[-known:], rests[len(values) - known :]
    return _rhythm(values, rests, ahead, _forecasters(known))


def _forecasters(known: int) -> Sequence[Forecaster]:
    """Return who may tell of a series of so many hours."""
    tellers: list[Forecaster] = [
        lambda v, r, n: _same(v, r, n, half=LATELY),
        lambda v, r, n: _same(v, r, n, half=LATELY, beside=ALONE),
        lambda v, r, n: _same(v, r, n, half=NOW, beside=NEARLY),
        lambda v, r, n: _same(_levelled(v), r, n, half=LATELY),
        lambda v, r, n: _same(_levelled(v), r, n, half=LATELY, beside=ALONE),
        lambda v, r, n: _same(_levelled(v), r, n, half=SMOOTH, beside=EVEN),
        _any,
    ]
    if known >= KINDS * WEEK:
        tellers.append(lambda v, r, n: _same(v, r, n, half=LONG, beside=NEARLY, alike=True))
    if known >= WEEKS * WEEK:
        tellers.append(lambda v, r, n: _same(v, r, n, half=LONG, beside=NEARLY, season=WEEK))
    return tellers


def _rhythm(values: Floats, rests: Flags, ahead: int, tellers: Sequence[Forecaster]) -> Rhythm:
    known = len(values)
    told = np.array([tell(values, rests, ahead) for tell in tellers])
    trials = [known - DAY * back for back in range(1, TRIALS + 1)]
    trials = [origin for origin in trials if origin >= TRIAL_LEAST]
    tried = []
    for origin in trials:
        upto = min(origin + ahead, known)
        tried.append(
            np.array([tell(values[:origin], rests[:upto], upto - origin) for tell in tellers])
        )
    weights = _weights(values, trials, tried, len(tellers))
    pairs = [
        (values[origin : origin + each.shape[1]], _bounds(np.tensordot(weights, each, 1)))
        for origin, each in zip(trials, tried, strict=True)
    ]
    usual = float(values[-3 * DAY :].mean()) * SURPRISE
    mixed = np.tensordot(weights, told, 1)
    ranges = _widened(_bounds(mixed), pairs, usual, known)
    return Rhythm(ranges, mixed[:, NOTHING], weights, int((values > 0).sum()))


def prove_hours(values: Floats, rests: Flags, ahead: int) -> HoursProof | None:
    """Forecast the last spans of so many hours with what was known before each; None if none was.

    No trial knows anything of what it foretells.
    """
    origins = [len(values) - ahead * back for back in range(1, PROOFS + 1)]
    rows = []
    for origin in origins:
        found = rhythm(values[:origin], rests[: origin + ahead], ahead) if origin > 0 else None
        if found is None:
            break
        came, before = values[origin : origin + ahead], values[:origin]
        low95, low80, _, high80, high95 = found.quantiles.T
        rows.append(
            (
                np.abs(found.middle - came).mean(),
                np.abs(np.resize(before[-DAY:], ahead) - came).mean(),
                np.abs(before[DAY:] - before[:-DAY]).mean(),
                ((came >= low80) & (came <= high80)).mean(),
                ((came >= low95) & (came <= high95)).mean(),
            )
        )
    if not rows:
        return None
    missed, naive, scale, held80, held95 = np.array(rows).mean(axis=0)
    return HoursProof(
        len(rows),
        float(missed / scale) if scale else None,
        float(naive / scale) if scale else None,
        float(held80),
        float(held95),
    )


def _weights(values: Floats, trials: list[int], tried: list[Floats], count: int) -> Floats:
    """Return each forecaster's say: the less its middle missed, the more."""
    if not trials:
        return np.full(count, 1 / count)
    losses = np.zeros(count)
    for origin, told in zip(trials, tried, strict=True):
        actual = values[origin : origin + told.shape[1]]
        losses += np.abs(told[:, :, MIDDLE] - actual).mean(axis=1)
    if losses.max() <= 0:
        return np.full(count, 1 / count)
    weights: Floats = (losses / losses.mean() + CHOICE_WORTH) ** -CHOICE
    return np.asarray(weights / weights.sum())


def _bounds(mixed: Floats) -> Floats:
    """Return the ranges of 95 % and 80 % and the middle: hours × (low, low, middle, high, high).

    Where nothing at all is as likely as what lies below a range, the range begins there: the lump
    at nothing cannot be cut, and a range from it up to the upper tail holds as much more as the
    lower tail. Then it reaches up to as much as it claims, and no further.
    """
    lows, highs = [], []
    for tail, (low, high), alone in TAILS:
        idle = mixed[:, NOTHING] >= tail
        lows.append(np.where(idle, 0.0, mixed[:, low]))
        highs.append(np.where(idle, mixed[:, alone], mixed[:, high]))
    return np.stack([*lows, mixed[:, MIDDLE], *reversed(highs)], axis=1)


def _widened(mixed: Floats, pairs: list[tuple[Floats, Floats]], usual: float, known: int) -> Floats:
    """Draw the ranges out until they would have held on the series' own last days."""
    worth = known / DAY if pairs else 0.0
    own = worth / (worth + WIDER_WORTH)
    far = _factor(pairs, 0, 4, SHARES[0])
    near = _factor(pairs, 1, 3, SHARES[1])
    near = 1.0 if near is None else own * near + (1 - own)
    far = WIDER if far is None else own * far + (1 - own) * WIDER
    middle = mixed[:, [MIDDLE]]
    factors = np.array([far, near, 1.0, near, far])
    outside = np.array([-usual, 0.0, 0.0, 0.0, usual])
    drawn = middle + (mixed - middle) * factors + outside
    return np.maximum.accumulate(np.maximum(drawn, 0.0), axis=1)


def _factor(pairs: list[tuple[Floats, Floats]], low: int, high: int, share: float) -> float | None:
    """Return by how much a range has to be drawn out to hold so often; None without a trial."""
    if not pairs:
        return None
    actual = np.concatenate([each for each, _ in pairs])
    told = np.concatenate([each for _, each in pairs])
    middle = told[:, MIDDLE]
    held = [
        np.mean(
            (actual >= middle - step * (middle - told[:, low]))
            & (actual <= middle + step * (told[:, high] - middle))
        )
        for step in STEPS
    ]
    enough = np.flatnonzero(np.array(held) >= share)
    return float(STEPS[enough[0]] if len(enough) else STEPS[-1])


def _same(
    values: Floats,
    rests: Flags,
    ahead: int,
    *,
    half: float,
    season: int = DAY,
    beside: tuple[float, float, float] = BESIDE,
    alike: bool = False,
) -> Floats:
    """Tell each hour by the same hours before, and those beside them; `half` is in days.

    `alike`: only by days on which people rested as they will, where there are two such days.
    """
    known = len(values)
    slots = np.arange(min(ahead, season))
    back = np.arange(1, known // season + 1)
    index = known - season * back[None, :] + slots[:, None]
    cells, weights = [], []
    for shift, worth in zip((-1, 0, 1), beside, strict=True):
        at = index + shift
        inside = (at >= 0) & (at < known)
        cells.append(np.clip(at, 0, known - 1))
        age = (season * (back - 1) / DAY)[None, :]
        weights.append(np.where(inside, worth * 0.5 ** (age / half), 0.0))
    cell, weight = np.hstack(cells), np.hstack(weights)
    if not alike:
        return _repeat(_quantiles(values[cell], weight), ahead)
    told = np.empty((ahead, NOTHING + 1))
    for kind in (False, True):
        like = rests[cell] == kind
        enough = (like & (weight > 0)).sum(axis=1, keepdims=True) >= 2 * len(beside)
        of_kind = _quantiles(values[cell], np.where(like | ~enough, weight, 0.0))
        mask = rests[known : known + ahead] == kind
        told[mask] = _repeat(of_kind, ahead)[mask]
    return told


def _levelled(values: Floats) -> Floats:
    """Return the values as they would be had every day been as large as the last ones."""
    days = len(values) // DAY
    recent = values[-days * DAY :].reshape(days, DAY)
    sums = recent.sum(axis=1)
    weight = 0.5 ** np.arange(days - 1, -1, -1)
    level = float(weight @ sums / weight.sum())
    usual = 0.3 * float(sums.mean()) + 1e-9
    scaled = recent * ((level + usual) / (sums + usual))[:, None]
    return np.concatenate([values[: len(values) - days * DAY], scaled.ravel()])


def _any(values: Floats, rests: Flags, ahead: int) -> Floats:
    """Tell every hour by the hours of late, whichever they were."""
    del rests
    recent = values[-WEEK:]
    weight = 0.5 ** (np.arange(len(recent) - 1, -1, -1) / FLAT)
    return np.tile(_quantiles(recent[None], weight[None]), (ahead, 1))


def _repeat(season: Floats, ahead: int) -> Floats:
    return np.tile(season, (-(-ahead // len(season)), 1))[:ahead]


def _quantiles(values: Floats, weights: Floats) -> Floats:
    """Return the weighted quantiles of each row at `LEVELS`, and the weight of nothing."""
    order: npt.NDArray[np.int64] = np.argsort(values, axis=1)
    ranked = np.take_along_axis(values, order, axis=1)
    weight = np.take_along_axis(weights, order, axis=1)
    below = np.cumsum(weight, axis=1)
    share = (below - weight / 2) / below[:, -1:]
    last = values.shape[1] - 1
    places = [np.minimum((share < level).sum(axis=1), last) for level in LEVELS]
    told = np.take_along_axis(ranked, np.array(places).T, axis=1)
    nothing = np.where(values <= 0, weights, 0.0).sum(axis=1) / weights.sum(axis=1)
    return np.column_stack([told, nothing])
