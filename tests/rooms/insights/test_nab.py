"""The scoring rule of the Numenta Anomaly Benchmark, on cases that were reckoned by hand."""

import math

import pytest

from bench import nab

WINDOW = (40, 49)


def test_no_alarm_is_nought_and_a_perfect_one_a_hundred() -> None:
    silent = nab.score(100, [], [WINDOW])
    assert (silent.points, silent.normalised) == (-1.0, 0.0)
    perfect = nab.score(100, [40], [WINDOW])
    assert (perfect.points, perfect.normalised) == (1.0, 100.0)


def test_of_a_window_the_best_alarm_counts_once() -> None:
    """At place 45 five tenths of the window lie ahead: 2 ÷ (1 + e^−2.5) − 1 over 0.98661."""
    half = (2 / (1 + math.exp(-2.5)) - 1) / (2 / (1 + math.exp(-5)) - 1)
    assert nab.score(100, [45], [WINDOW]).points == pytest.approx(half)
    assert nab.score(100, [45, 46, 49], [WINDOW]).points == pytest.approx(half)
    assert half == pytest.approx(0.859793, abs=1e-6)


def test_a_false_alarm_costs_eleven_hundredths() -> None:
    assert nab.score(100, [30], [WINDOW]).points == pytest.approx(-1 - 0.11)
    assert nab.score(100, [30, 31], [WINDOW, (60, 61)]).points == pytest.approx(-2 - 0.22)


def test_just_behind_a_window_it_costs_less() -> None:
    """At place 58 it is one width (nine steps) behind: 0.11 × 0.98661."""
    assert nab.score(100, [58], [WINDOW]).points == pytest.approx(-1 - 0.11 * 0.986614, abs=1e-6)
    assert nab.score(100, [80], [WINDOW]).points == pytest.approx(-1 - 0.11)


def test_what_alarms_while_learning_does_not_count() -> None:
    assert nab.score(100, [14], [WINDOW]).points == -1.0
    assert nab.score(100, [15], [WINDOW]).points == pytest.approx(-1.11)
    assert nab.score(10_000, [749], []).points == 0.0
    assert nab.score(10_000, [750], []).points == pytest.approx(-0.11)


def test_series_add_up() -> None:
    both = nab.score(100, [40], [WINDOW]) + nab.score(100, [], [WINDOW])
    assert (both.windows, both.normalised) == (2, 50.0)
