"""The course of a series: what it knows, what it admits not to know, and how often it is right."""

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.years import AHEAD, rests, years
from yuejie.insights.forecast.course import Course, Floats, Range, course
from yuejie.insights.forecast.proof import Past, prove

MONDAY = date(2026, 3, 2)
WEEKS = 16
DAYS = st.lists(st.integers(0, 10**9), min_size=1, max_size=90).filter(any)


def weekend(count: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return np.array([(MONDAY + timedelta(days=i)).weekday() >= 5 for i in range(count)])


def found(days: list[int] | list[float] | Floats, ahead: int = 60) -> Course:
    told = course(np.array(days, dtype=float), weekend(len(days) + ahead), 0)
    assert told is not None
    return told


def sides(told: Range) -> list[float]:
    return [told.low95, told.low80, told.middle, told.high80, told.high95]


def office(weeks: int = WEEKS, seed: int = 1) -> Floats:
    """Working days of about 100, quiet weekends of about 20."""
    rnd = np.random.default_rng(seed)
    week = np.array([100.0] * 5 + [20.0] * 2)
    return np.tile(week, weeks) * np.exp(rnd.normal(0, 0.1, 7 * weeks))


def test_a_series_without_usage_has_no_course() -> None:
    assert course(np.zeros(0), weekend(30), 0) is None
    assert course(np.zeros(20), weekend(50), 0) is None


def test_weekends_are_told_from_working_days() -> None:
    told = found(office())
    assert told.expected[:5] == pytest.approx([100.0] * 5, rel=0.15)
    assert told.expected[5:7] == pytest.approx([20.0] * 2, rel=0.3)


def test_a_holiday_on_a_tuesday_is_a_day_of_rest() -> None:
    days = office()
    resting = weekend(len(days) + 7)
    resting[-6] = True
    told = course(days, resting, 0)
    assert told is not None
    assert told.expected[1] < 40
    assert told.expected[2] > 85


def test_growth_goes_on_for_a_while() -> None:
    days = office() * 1.01 ** np.arange(7 * WEEKS)
    told = found(days, 28)
    actual = (np.tile([100.0] * 5 + [20.0] * 2, 4) * 1.01 ** np.arange(112, 140)).sum()
    assert told.total(0, 28).middle == pytest.approx(actual, rel=0.2)
    level = float(days[-28:].sum())
    assert told.total(0, 28).middle > 1.08 * level


def test_one_promotion_is_not_a_new_level() -> None:
    days = office()
    days[-9:-6] *= 6
    assert found(days).total(0, 28).middle == pytest.approx(
        found(office()).total(0, 28).middle, rel=0.3
    )


def test_less_is_known_of_what_is_farther_and_of_what_is_shorter() -> None:
    told = found(office())

    def wide(each: Range) -> float:
        return each.high80 / each.low80

    assert wide(told.total(0, 28)) < wide(told.total(28, 56))
    assert wide(found(office(2)).total(0, 28)) > wide(told.total(0, 28))


def test_what_stopped_may_have_ended() -> None:
    days = np.concatenate([office(), np.zeros(8)])
    told = found(days)
    assert (told.silent, told.alive < 0.05) == (8, True)
    assert told.total(0, 28).middle < 100
    assert told.total(0, 28).low95 == 0
    assert found([5.0, 0.0, 0.0, 0.0, 0.0] * 10).silent == 0


@settings(max_examples=30, deadline=None)
@given(days=DAYS, scale=st.floats(1e-3, 1e3))
def test_a_course_knows_no_unit(days: list[int], scale: float) -> None:
    """Fen or yuan, tokens or millions: a forecast is the same."""
    one, other = found(days), found(np.array(days) * scale)
    for a, b in zip(sides(one.total(0, 30)), sides(other.total(0, 30)), strict=True):
        assert b == pytest.approx(a * scale, rel=1e-5, abs=1e-6 * scale * max(days))


@settings(max_examples=30, deadline=None)
@given(days=DAYS, cut=st.integers(1, 59))
def test_ranges_are_in_order_and_parts_add_up(days: list[int], cut: int) -> None:
    told = found(days)
    for span in ((0, cut), (cut, 60), (0.5, cut + 0.5)):
        each = sides(told.total(*span))
        assert each == sorted(each) or told.alive < 1
        assert min(each) >= 0
    whole = told.total(0, 60).middle
    assert told.total(0, cut).middle + told.total(cut, 60).middle == pytest.approx(whole)


def test_a_proof_knows_nothing_after_the_day_of_each_trial() -> None:
    days = office(30)
    past = Past(MONDAY, days, weekend(len(days) + 40))
    today = MONDAY + timedelta(days=len(days))
    proof = prove(past, today)
    assert len(proof.trials) == 6
    other = days.copy()
    made = proof.trials[0].made_on
    other[(made - MONDAY).days :] *= 3
    again = prove(Past(MONDAY, other, past.rests), today)
    assert again.trials[0].told == proof.trials[0].told
    assert again.trials[0].came > proof.trials[0].came
    assert proof.miss is not None
    assert proof.naive_miss is not None
    assert proof.miss < 0.05
    assert proof.mase is not None
    assert proof.mase < 1


def test_a_past_that_is_too_short_proves_nothing() -> None:
    days = office(2)[:10]
    proof = prove(Past(MONDAY, days, weekend(60)), MONDAY + timedelta(days=10))
    assert (proof.trials, proof.mase, proof.miss) == ((), None, None)


def test_months_of_simulated_years_are_told_better_than_by_the_run_rate() -> None:
    """After five days of a month; the ranges hold about as often as they say."""
    ours, rates, held80, held95 = [], [], [], []
    for year in years(8, 7):
        resting = rests(year.first, len(year.days) + AHEAD)
        for start in range(90, len(year.days) - 30, 150):
            at = start + 5
            known = year.days[max(0, at - 400) : at]
            since = max(0, at - 400)
            came, spent = year.days[start : start + 30].sum(), year.days[start:at].sum()
            if not known.any() or came == 0:
                continue
            told = course(known, resting[since : start + 30], (year.first.weekday() + since) % 7)
            assert told is not None
            total = told.total(0, 25).plus(float(spent))
            ours.append(abs(total.middle - came) / came)
            rates.append(abs(spent * 6 - came) / came)
            held80.append(total.low80 <= came <= total.high80)
            held95.append(total.low95 <= came <= total.high95)
    assert len(ours) > 25
    assert np.median(ours) < 0.85 * np.median(rates)
    assert 0.65 < np.mean(held80) < 0.95
    assert np.mean(held95) > 0.85
