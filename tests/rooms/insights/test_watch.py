"""A customer's series together: plain rules, floors, and how rare is rare among many."""

from datetime import UTC, datetime, timedelta

import numpy as np

from yuejie.insights.anomaly import pulse
from yuejie.insights.anomaly.finding import Grain, Measure, Rule, Scope, Series
from yuejie.insights.anomaly.pulse import BAR, SCORE_MAX, TOGETHER
from yuejie.insights.anomaly.watch import ACTIVE, PLAIN, ROWS, Seen, Watch

BEGAN = datetime(2026, 8, 1, tzinfo=UTC)
TOKENS = Series(Scope.CUSTOMER, "cus_1", Measure.TOKENS)


def watch_of(grain: Grain, *series: Series) -> Watch:
    return Watch(grain, series, [b""] * len(series))


def take(watch: Watch, place: int, *values: float) -> Seen:
    step = timedelta(hours=1) if watch.grain is Grain.HOUR else timedelta(days=1)
    return watch.take(BEGAN + place * step, np.array(values), np.zeros(len(values)))


def rules_of(seen: Seen) -> list[Rule]:
    return [signal.rule for signal in seen.signals]


def test_ten_times_a_typical_hour_is_sudden_before_anything_is_learnt() -> None:
    watch = watch_of(Grain.HOUR, TOKENS)
    for hour in range(30):
        assert take(watch, hour, 50_000).signals == []
    (signal,) = take(watch, 30, 500_000).signals
    assert (signal.rule, round(signal.expected), signal.observed) == (Rule.SUDDEN, 50_000, 500_000)


def test_ten_times_next_to_nothing_wakes_nobody() -> None:
    watch = watch_of(Grain.HOUR, TOKENS)
    for hour in range(30):
        take(watch, hour, 100)
    assert take(watch, 30, 1_000).signals == []


def test_a_day_is_compared_with_yesterday_and_with_the_same_weekday() -> None:
    """Weekends have half of a weekday: no Monday is an anomaly, a doubled Tuesday is."""
    watch = watch_of(Grain.DAY, TOKENS)
    usual = [50_000.0 if (BEGAN + timedelta(days=d)).weekday() >= 5 else 100_000 for d in range(21)]
    for day, value in enumerate(usual):
        assert take(watch, day, value).signals == []
    tuesday = 21 + (1 - (BEGAN + timedelta(days=21)).weekday()) % 7
    for day in range(21, tuesday):
        take(watch, day, usual[day - 21])
    assert rules_of(take(watch, tuesday, 210_000)) == [Rule.DAY_OVER_DAY]


def test_a_month_is_compared_with_as_many_days_of_the_last_and_told_once() -> None:
    watch = watch_of(Grain.DAY, TOKENS)
    told = []
    for day in range(31 + 30):
        seen = take(watch, day, 100_000 if day < 31 else 160_000)
        told += [(day, rule) for rule in rules_of(seen) if rule is Rule.MONTH_OVER_MONTH]
    assert told == [(31 + 6, Rule.MONTH_OVER_MONTH)]


def test_a_restart_goes_on_where_it_was() -> None:
    one = watch_of(Grain.DAY, TOKENS)
    for day in range(40):
        take(one, day, 100_000 + 37 * day)
        two = Watch(Grain.DAY, [TOKENS], one.rows())
        assert two.rows() == one.rows()
    assert [len(row) for row in one.rows()] == [ROWS[Grain.DAY].itemsize]


def test_what_never_moved_and_then_does_is_rare_within_bounds() -> None:
    cost = Series(Scope.CUSTOMER, "cus_1", Measure.COST)
    watch = watch_of(Grain.HOUR, cost)
    for hour in range(200):
        take(watch, hour, 1e15 if hour % 7 else 1.000001e15)
    (signal,) = take(watch, 200, 9e18).signals
    assert 3 <= signal.score <= SCORE_MAX


def test_a_row_of_another_release_is_learnt_anew() -> None:
    assert Watch(Grain.DAY, [TOKENS], [b"x" * 100]).rows() == watch_of(Grain.DAY, TOKENS).rows()


def test_peoples_word_raises_the_bar() -> None:
    quiet, deaf = watch_of(Grain.HOUR, TOKENS), watch_of(Grain.HOUR, TOKENS)
    rnd = np.random.default_rng(1)
    values = 100_000 + 5_000 * rnd.standard_normal(24 * 14)
    for hour, value in enumerate(values):
        take(quiet, hour, value)
        deaf.take(BEGAN + timedelta(hours=hour), np.array([value]), np.array([60.0]))
    at = len(values)
    assert rules_of(take(quiet, at, 300_000)) == [Rule.LEARNT]
    assert not deaf.take(
        BEGAN + timedelta(hours=at), np.array([300_000.0]), np.array([60.0])
    ).signals


def test_what_is_used_now_and_then_has_no_rhythm_of_its_own() -> None:
    key = Series(Scope.KEY, "key_1", Measure.TOKENS)
    watch = watch_of(Grain.HOUR, TOKENS, key)
    rnd = np.random.default_rng(2)
    for hour in range(24 * 21):
        own = 100_000 + 20_000 * rnd.standard_normal()
        take(watch, hour, own, 30_000 if hour % 8 == 0 else 0)
    assert take(watch, 24 * 21 + 1, 140_000, 60_000).signals == []


def noisy(hours: int, seed: int) -> list[float]:
    """Hours that differ by as much as two to one, and a burst now and then."""
    rnd = np.random.default_rng(seed)
    values = 100_000 * (0.6 + 0.8 * rnd.random(hours))
    values[::17] *= 2.2
    return [float(value) for value in values]


def test_what_doubles_and_stays_is_seen_together_when_no_hour_says_so() -> None:
    """Every hour of it has been seen before, as a burst; six in a row have not."""
    usual = 24 * 21
    for seed in (6, 8):
        values = [*noisy(usual, seed), *(2 * 105_000.0 for _ in range(6))]
        watch, alone = watch_of(Grain.HOUR, TOKENS), pulse.fresh(1)
        told: list[tuple[int, int]] = []
        for hour, value in enumerate(values):
            told += [(hour, signal.hours) for signal in take(watch, hour, value).signals]
            at, one = BEGAN + timedelta(hours=hour), np.array([value])
            beat = pulse.look(alone, at, one, only_rises=True)
            assert hour < usual or beat.score[0] < BAR
            pulse.learn(alone, at, one, beat)
        (lasting,) = told
        assert usual < lasting[0] < usual + 6
        assert lasting[1] == TOGETHER


def test_hourly_rows_of_before_keep_what_they_know() -> None:
    known = watch_of(Grain.HOUR, TOKENS)
    for hour, value in enumerate(noisy(24 * 21, 1)):
        take(known, hour, value)
    before = [row[: PLAIN.itemsize] for row in known.rows()]
    watch = Watch(Grain.HOUR, [TOKENS], before)
    assert [row[: PLAIN.itemsize] for row in watch.rows()] == before
    assert rules_of(take(watch, 24 * 21, 900_000)) == [Rule.LEARNT]


def test_a_key_of_a_few_hours_is_told_when_it_makes_a_days_usage() -> None:
    """What one key does that hardly anybody knows moves the sum; a known one is told as ever."""
    key, other = (Series(Scope.KEY, name, Measure.TOKENS) for name in ("key_1", "key_2"))

    def after(rise: float, busy: int) -> list[str]:
        watch = watch_of(Grain.HOUR, TOKENS, key, other)
        for hour, own in enumerate(noisy(24 * 21, 3)):
            new = 2_000.0 if hour < busy else 0.0
            take(watch, hour, own + new, own, new)
        seen = take(watch, 24 * 21, 100_000 + rise, 100_000, rise)
        return [watch.series[signal.index].name for signal in seen.signals]

    five_hours, a_day = 500_000.0, 2_800_000.0
    assert after(five_hours, ACTIVE - 1) == []
    assert "cus_1" in after(a_day, ACTIVE - 1)
    assert "cus_1" in after(five_hours, ACTIVE + 1)
