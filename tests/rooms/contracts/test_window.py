from datetime import date

import pytest

from tests.rooms.contracts.shelf import us
from yuejie.contracts.window import (
    CALENDAR_LAST,
    Window,
    holds_in,
    worked_in_china,
)
from yuejie.kernel.errors import Invalid

OFF_PEAK = "UTC 1-5 00:00-01:00,04:00-06:00,10:00-24:00; 6-7 00:00-24:00"
OFFICE = "Asia/Shanghai 1-5 08:00-22:00 cn-workdays"


CALENDARS = ("UTC 1,3,5-7 00:00-24:00 cn-holidays", "UTC 1-5 09:00-12:00 cn-weekdays")


@pytest.mark.parametrize("text", [OFF_PEAK, OFFICE, *CALENDARS])
def test_the_text_is_its_own_canonical_form(text: str) -> None:
    assert str(Window.parse(text)) == text


def test_other_spellings_have_one_canonical_form() -> None:
    spelt = "UTC 1,2,3 00:00-12:00 ;6,7 00:00-24:00"
    assert str(Window.parse(spelt)) == "UTC 1-3 00:00-12:00; 6-7 00:00-24:00"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "UTC",
        "Moon/Base 1-5 08:00-22:00",
        "UTC 8 08:00-22:00",
        "UTC 5-1 08:00-22:00",
        "UTC 1,1 08:00-22:00",
        "UTC 1-5 22:00-06:00",
        "UTC 1-5 08:00-08:00",
        "UTC 1-5 10:00-12:00,11:00-13:00",
        "UTC 1-5 08:00-24:01",
        "UTC 1-5 8:00-22:00",
        "UTC 1-5 08:00-22:00 us-holidays",
        "UTC 1-5 08:00-22:00;",
    ],
)
def test_what_is_not_a_window_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        Window.parse(text)


@pytest.mark.parametrize(
    ("at", "holds"),
    [
        ("2026-11-23 00:59:59", True),  # a Monday
        ("2026-11-23 01:00:00", False),
        ("2026-11-23 09:59:59", False),
        ("2026-11-23 10:00:00", True),
        ("2026-11-23 23:59:59", True),
        ("2026-11-28 02:00:00", True),  # a Saturday
    ],
)
def test_off_peak_hours_are_half_open(at: str, holds: bool) -> None:  # noqa: FBT001 (a table)
    assert Window.parse(OFF_PEAK).holds(us(at)) is holds


@pytest.mark.parametrize(
    ("at", "holds"),
    [
        ("2026-10-08T09:00+08:00", True),  # Thursday after the National Day week
        ("2026-10-01T09:00+08:00", False),  # National Day, a Thursday
        ("2026-10-10T09:00+08:00", True),  # a Saturday worked instead
        ("2026-10-17T09:00+08:00", False),  # an ordinary Saturday
        ("2026-10-08T22:00+08:00", False),
        ("2026-10-08T07:59+08:00", False),
    ],
)
def test_workdays_follow_the_holiday_calendar_and_its_make_up_days(
    at: str,
    holds: bool,  # noqa: FBT001 (a table)
) -> None:
    assert Window.parse(OFFICE).holds(us(at)) is holds


def test_workdays_and_holidays_share_a_year_between_them() -> None:
    work = Window.parse("Asia/Shanghai 1-5 00:00-24:00 cn-workdays")
    rest = Window.parse("Asia/Shanghai 6-7 00:00-24:00 cn-holidays")
    first = us("2026-01-01T12:00+08:00")
    for day in range(365):
        instant = first + day * 86_400 * 10**6
        assert work.holds(instant) is not rest.holds(instant)
    assert not work.overlaps(rest)


def test_weekdays_leave_out_days_off_and_take_in_none() -> None:
    """National Day is left out; the Saturday worked instead stays a Saturday, unless named."""
    days = {"1-5": (True, False, False, False), "1-6": (True, False, True, False)}
    for named, expected in days.items():
        window = Window.parse(f"Asia/Shanghai {named} 00:00-24:00 cn-weekdays")
        at = ("2026-10-08", "2026-10-01", "2026-10-10", "2026-10-11")
        assert tuple(window.holds(us(f"{day}T12:00+08:00")) for day in at) == expected


def test_beyond_the_calendar_nobody_knows() -> None:
    assert worked_in_china(date(CALENDAR_LAST, 12, 31)) is not None
    assert worked_in_china(date(CALENDAR_LAST + 1, 1, 4)) is None
    assert Window.parse(OFFICE).holds(us(f"{CALENDAR_LAST + 1}-01-04T09:00+08:00")) is None


def test_without_a_calendar_the_year_does_not_matter() -> None:
    assert Window.parse("UTC 1-7 00:00-24:00").holds(us(f"{CALENDAR_LAST + 1}-01-04T09:00")) is True


def test_wall_clocks_of_a_zone_decide_in_summer_and_winter() -> None:
    night = Window.parse("America/New_York 1-7 00:00-06:00")
    assert night.holds(us("2026-07-01T09:59")) is True
    assert night.holds(us("2026-12-01T09:59")) is True
    assert night.holds(us("2026-07-01T10:00")) is False
    assert night.holds(us("2026-12-01T10:59")) is True


@pytest.mark.parametrize(
    ("one", "two", "meet"),
    [
        ("UTC 1-5 08:00-12:00", "UTC 1-5 12:00-14:00", False),
        ("UTC 1-5 08:00-12:00", "UTC 5-6 11:59-14:00", True),
        ("UTC 1-5 08:00-12:00", "UTC 6-7 08:00-12:00", False),
        ("UTC 1-5 08:00-12:00 cn-workdays", "UTC 6-7 08:00-12:00", True),  # make-up Saturdays
        ("UTC 1-5 08:00-12:00 cn-workdays", "UTC 1-5 08:00-12:00 cn-holidays", False),
        ("UTC 1-5 08:00-12:00 cn-weekdays", "UTC 6-7 08:00-12:00", False),
        ("UTC 1-5 08:00-12:00 cn-weekdays", "UTC 1-5 08:00-12:00 cn-holidays", False),
    ],
)
def test_overlaps_are_found_without_looking_at_dates(
    one: str,
    two: str,
    meet: bool,  # noqa: FBT001 (a table)
) -> None:
    assert Window.parse(one).overlaps(Window.parse(two)) is meet
    assert Window.parse(two).overlaps(Window.parse(one)) is meet


def test_windows_of_different_zones_are_not_compared() -> None:
    with pytest.raises(Invalid, match="时区不同"):
        Window.parse("UTC 1 00:00-24:00").overlaps(Window.parse("Asia/Tokyo 1 00:00-24:00"))


def test_a_remembered_minute_says_the_same() -> None:
    instant = us("2026-10-10T09:00:59+08:00")
    assert holds_in(OFFICE, instant // 60_000_000) is Window.parse(OFFICE).holds(instant)
