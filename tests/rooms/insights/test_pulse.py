"""The learnt model of one series: deterministic, bounded, and the same after a restart."""

import math
import random
from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from yuejie.insights.anomaly import pulse
from yuejie.insights.anomaly.pulse import PULSE_BYTES, Pulse

BEGAN = datetime(2026, 10, 1, tzinfo=UTC)
VALUES = st.lists(st.floats(0, 1e12), min_size=1, max_size=150)


def daily(hours: int, seed: int = 1) -> list[float]:
    """A day's curve with some noise: 100 at night, 300 at noon."""
    rnd = random.Random(seed)
    return [200 - 100 * math.cos(h / 24 * 2 * math.pi) + rnd.gauss(0, 10) for h in range(hours)]


def alarms(values: list[float]) -> list[int]:
    one = Pulse()
    at = [BEGAN + timedelta(hours=h) for h in range(len(values))]
    return [h for h, value in enumerate(values) if one.observe(at[h], value)[1]]


def test_a_burst_alarms_in_its_hour_and_a_usual_day_does_not() -> None:
    usual = daily(24 * 28)
    assert len(alarms(usual)) <= 2
    burst = [*usual[:500], usual[500] * 5, *usual[501:]]
    assert 500 in alarms(burst)


def test_an_outage_alarms_too() -> None:
    usual = daily(24 * 28)
    noon = 24 * 21 + 12
    assert any(noon <= h < noon + 2 for h in alarms(usual[:noon] + [0.0] * 3 + usual[noon + 3 :]))


def test_one_thing_wakes_once() -> None:
    usual = daily(24 * 28)
    lasting = usual[:500] + [value * 3 for value in usual[500:524]] + usual[524:]
    assert len([h for h in alarms(lasting) if 500 <= h < 524]) <= 2


@settings(max_examples=30, deadline=None)
@given(VALUES)
def test_a_state_is_bounded_and_goes_on_where_it_was(values: list[float]) -> None:
    whole, cut = Pulse(), Pulse()
    for hour, value in enumerate(values):
        at = BEGAN + timedelta(hours=hour)
        expected = whole.observe(at, value)
        cut = Pulse(cut.state)
        assert cut.observe(at, value) == expected
        assert math.isfinite(expected[0])
    assert len(whole.state) == PULSE_BYTES
    assert cut.state == whole.state


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1e9), st.floats(0, 1e9)), min_size=110, max_size=140))
def test_series_beside_each_other_are_as_series_alone(pairs: list[tuple[float, float]]) -> None:
    both, alone = pulse.fresh(2), [Pulse(), Pulse()]
    for hour, pair in enumerate(pairs):
        at = BEGAN + timedelta(hours=hour)
        values = np.array(pair)
        beat = pulse.look(both, at, values)
        woken = pulse.wake(both, beat.score)
        pulse.learn(both, at, values, beat)
        said = [one.observe(at, value) for one, value in zip(alone, pair, strict=True)]
        assert [(float(s), bool(a)) for s, a in zip(beat.score, woken, strict=True)] == said
    assert pulse.write(both) == [one.state for one in alone]
