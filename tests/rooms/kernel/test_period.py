from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from yuejie.kernel.errors import Invalid
from yuejie.kernel.period import BillingMonth, local_hour, months_after, parse_instant, zone_of

SHANGHAI = ZoneInfo("Asia/Shanghai")


def test_a_month_in_shanghai_starts_eight_hours_before_utc() -> None:
    span = BillingMonth.parse("2026-08").span(SHANGHAI)
    assert span.start == datetime(2026, 7, 31, 16, tzinfo=UTC)
    assert span.end == datetime(2026, 8, 31, 16, tzinfo=UTC)
    assert span.start in span
    assert span.end not in span


@pytest.mark.parametrize("text", ["2026-13", "2026-8", "26-08", "2026-08-01", "", "2026/08"])
def test_anything_but_a_month_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="2026-10"):
        BillingMonth.parse(text)


def test_neighbours_cross_the_year() -> None:
    assert BillingMonth.parse("2026-12").next == BillingMonth.parse("2027-01")
    assert BillingMonth.parse("2027-01").previous == BillingMonth.parse("2026-12")
    assert BillingMonth.parse("2026-12").previous == BillingMonth.parse("2026-11")


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2026, 1, 31), 1, date(2026, 3, 1)),
        (date(2026, 1, 28), 1, date(2026, 2, 28)),
        (date(2028, 1, 30), 1, date(2028, 3, 1)),
        (date(2028, 1, 29), 1, date(2028, 2, 29)),
        (date(2028, 2, 29), 12, date(2029, 3, 1)),
        (date(2028, 2, 29), 48, date(2032, 2, 29)),
        (date(2028, 2, 29), 0, date(2028, 2, 29)),
        (date(2026, 11, 1), 14, date(2028, 1, 1)),
        (date(2026, 12, 31), 2, date(2027, 3, 1)),
        (date(2027, 3, 31), -1, date(2027, 3, 1)),
    ],
)
def test_months_end_with_the_last_day_where_the_day_is_none(
    day: date, months: int, expected: date
) -> None:
    assert months_after(day, months) == expected


def test_an_instant_has_another_month_in_another_zone() -> None:
    instant = datetime(2026, 8, 31, 16, 0, tzinfo=UTC)
    assert str(BillingMonth.of(instant, SHANGHAI)) == "2026-09"
    assert str(BillingMonth.of(instant, ZoneInfo("UTC"))) == "2026-08"


def test_the_hours_of_a_half_hour_zone_start_at_its_wall_clock() -> None:
    kolkata = ZoneInfo("Asia/Kolkata")
    instant = datetime(2026, 8, 31, 16, 10, tzinfo=UTC)
    assert local_hour(instant, kolkata) == datetime(2026, 8, 31, 15, 30, tzinfo=UTC)


def test_the_repeated_hour_of_autumn_stays_two_hours() -> None:
    new_york = ZoneInfo("America/New_York")
    first = local_hour(datetime(2026, 11, 1, 5, 30, tzinfo=UTC), new_york)
    second = local_hour(datetime(2026, 11, 1, 6, 30, tzinfo=UTC), new_york)
    assert first != second


def test_an_unknown_zone_is_refused() -> None:
    with pytest.raises(Invalid, match="IANA"):
        zone_of("Asia/Peking")


def test_a_time_without_offset_is_read_in_the_zone() -> None:
    assert parse_instant("2026-10-01T08:00:00", SHANGHAI) == datetime(2026, 10, 1, tzinfo=UTC)
    assert parse_instant("2026-10-01T00:00:00Z", SHANGHAI) == datetime(2026, 10, 1, tzinfo=UTC)
    with pytest.raises(Invalid, match="时间"):
        parse_instant("1. Oktober", SHANGHAI)
