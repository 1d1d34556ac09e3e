"""The rhythm of a series: hours as they come again, ranges that hold, and no look ahead."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.discrete import claimed
from yuejie.insights.forecast.course import Floats
from yuejie.insights.forecast.rhythm import DAY, LEAST, WEEK, Rhythm, prove_hours, rhythm

SHAPE = np.array([10.0] * 8 + [100.0] * 10 + [40.0] * 6)


def resting(count: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return np.asarray((np.arange(count) // DAY) % 7 >= 5)


def found(values: Floats, ahead: int = 96) -> Rhythm:
    told = rhythm(values, resting(len(values) + ahead), ahead)
    assert told is not None
    return told


def noisy(days: int, seed: int = 1, spread: float = 0.3) -> Floats:
    rnd = np.random.default_rng(seed)
    return np.tile(SHAPE, days) * np.exp(rnd.normal(0, spread, DAY * days))


def test_less_than_two_days_are_no_rhythm() -> None:
    assert rhythm(np.ones(LEAST - 1), resting(LEAST + 95), 96) is None


def test_what_comes_every_day_comes_again() -> None:
    assert found(np.tile(SHAPE, 10)).middle == pytest.approx(np.tile(SHAPE, 4), rel=0.05)


def test_a_call_at_one_hour_is_not_smeared_over_its_neighbours() -> None:
    nightly = np.zeros(DAY)
    nightly[3] = 5_000.0
    middle = found(np.tile(nightly, 10)).middle
    assert middle[3] > 4_500
    assert middle[[2, 4]].max() < 500


def test_weekends_are_told_from_working_days() -> None:
    values = noisy(6 * 7, spread=0.1) * np.where(resting(6 * WEEK), 0.1, 1.0)
    told = found(values, 2 * WEEK // 2)
    noon = told.middle[12::DAY]
    assert noon[:5].min() > 70
    assert noon[5:].max() < 40


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_ranges_hold_about_as_often_as_they_say(seed: int) -> None:
    values = noisy(14, seed)
    told = found(values[: 10 * DAY])
    low95, low80, _, high80, high95 = told.quantiles.T
    came = values[10 * DAY :]
    assert 0.68 < np.mean((came >= low80) & (came <= high80)) < 0.97
    assert np.mean((came >= low95) & (came <= high95)) > 0.9


def test_a_few_hours_of_usage_are_no_ranges() -> None:
    values = np.zeros(10 * DAY)
    values[100:105] = 7.0
    assert not found(values).ranges
    assert found(noisy(10)).ranges


def rare(days: int, share: float, seed: int) -> Floats:
    """Return hours in each of which something is used by a chance of its own, and else nothing."""
    rnd = np.random.default_rng(seed)
    used = rnd.random(DAY * days) < share
    return np.where(used, rnd.lognormal(3, 0.5, DAY * days), 0.0)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_range_that_begins_at_nothing_reaches_no_further_than_it_claims(seed: int) -> None:
    """Half the hours are nothing: [0, upper tail of a tenth] would hold nine in ten of them."""
    values = rare(24, 0.5, seed)
    told = found(values[: 10 * DAY], 14 * DAY)
    _, low80, _, high80, _ = told.quantiles.T
    came = values[10 * DAY :]
    held = np.mean((came >= low80) & (came <= high80))
    assert (low80 == 0).all()
    assert 0.72 < held < 0.88
    assert told.nothing.mean() == pytest.approx(0.5, abs=0.08)


def test_a_range_that_is_nothing_alone_claims_as_often_as_nothing_comes() -> None:
    """Three hours in a hundred: no range of eighty in a hundred is narrower than nothing."""
    values = rare(40, 0.03, 5)
    told = found(values[: 30 * DAY], 10 * DAY)
    came = values[30 * DAY :]
    claims = claimed(told.quantiles[:, 1], told.nothing, 0.8).mean()
    assert claims > 0.9
    assert np.mean(came <= told.quantiles[:, 3]) == pytest.approx(claims, abs=0.05)


@settings(max_examples=25, deadline=None)
@given(
    values=st.lists(st.integers(0, 10**9), min_size=LEAST, max_size=120),
    scale=st.floats(1e-3, 1e3),
)
def test_quantiles_are_in_order_and_know_no_unit(values: list[int], scale: float) -> None:
    one, other = found(np.array(values, dtype=float)), found(np.array(values) * scale)
    assert (np.diff(one.quantiles, axis=1) >= 0).all()
    assert (one.quantiles >= 0).all()
    most = max(values) * scale + 1e-9
    assert other.quantiles == pytest.approx(one.quantiles * scale, rel=1e-4, abs=1e-4 * most)


def test_a_proof_looks_at_nothing_that_came_later() -> None:
    values = noisy(20)
    known = prove_hours(values, resting(len(values)), 96)
    assert known is not None
    assert known.trials == 3
    assert known.mase is not None
    assert known.naive_mase is not None
    assert known.mase < known.naive_mase
    later = values.copy()
    later[-96:] = 0.0
    again = prove_hours(later, resting(len(values)), 96)
    assert again is not None
    assert again.held80 < known.held80
    assert prove_hours(values[:LEAST], resting(LEAST), 96) is None
