"""Periods as people name them, buckets by the customer's clock, and the tiles they are read in."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuejie.insights.trend.span import Grain, Period, buckets_until, parse_period, tiles
from yuejie.kernel.errors import Invalid

CHINA = ZoneInfo("Asia/Shanghai")
YORK = ZoneInfo("America/New_York")


@pytest.mark.parametrize(
    ("text", "first", "end"),
    [
        ("2026-10", "2026-10-01", "2026-11-01"),
        ("2026-W01", "2025-12-29", "2026-01-05"),
        ("2026-10-05", "2026-10-05", "2026-10-06"),
        ("2026-09-10..2026-10-02", "2026-09-10", "2026-10-03"),
        ("2026-09 .. 2026-W41", "2026-09-01", "2026-10-12"),
    ],
)
def test_periods_as_people_write_them(text: str, first: str, end: str) -> None:
    period = parse_period(text)
    assert (str(period.first), str(period.end)) == (first, end)


@pytest.mark.parametrize(
    "text", ["", "2026", "2026-00", "2026-13", "2026-W54", "2026-02-30", "..", "1970-01", "x..y"]
)
def test_nonsense_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(Invalid, match="时段"):
        parse_period(text)


@given(st.dates(date(2020, 1, 1), date(2030, 1, 1)), st.integers(1, 1_000))
def test_tiles_are_the_period_without_gap_or_overlap(first: date, days: int) -> None:
    period = Period("", first, first + timedelta(days=days))
    cut = tiles(period)
    assert cut[0].first == period.first
    assert cut[-1].end == period.end
    assert all(one.end == other.first for one, other in pairwise(cut))
    whole = [tile for tile in cut if tile.grain is Grain.MONTH]
    assert all(tile.first.day == tile.end.day == 1 for tile in whole)
    assert len(cut) <= 3


@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - Hypothesis adds the zone
    st.sampled_from(Grain),
    st.sampled_from((CHINA, YORK, ZoneInfo("Asia/Kolkata"))),
)
def test_the_last_bucket_holds_the_instant_and_they_follow_each_other(
    now: datetime, grain: Grain, zone: ZoneInfo
) -> None:
    buckets = buckets_until(grain, now, 5, zone)
    assert len({bucket.at for bucket in buckets}) == 5
    assert [bucket.until for bucket in buckets] == sorted(bucket.until for bucket in buckets)
    assert not buckets[-1].over(now)
    assert buckets[-2].over(now)


def test_a_day_on_which_clocks_change_has_its_own_length() -> None:
    days = buckets_until(Grain.DAY, datetime(2026, 11, 2, 12, tzinfo=UTC), 2, YORK)
    assert days[0].label == "2026-11-01"
    assert days[0].until - datetime(2026, 11, 1, 4, tzinfo=UTC) == timedelta(hours=25)


def test_too_many_buckets_are_refused() -> None:
    with pytest.raises(Invalid, match="最多看 60 个月"):
        buckets_until(Grain.MONTH, datetime(2026, 11, 2, tzinfo=UTC), 61, CHINA)
