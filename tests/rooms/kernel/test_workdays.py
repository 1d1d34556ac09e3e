from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuejie.kernel.workdays import calendar_known, due_on, is_workday, roll_forward, workday_after


@pytest.mark.parametrize(
    ("day", "worked"),
    [
        (date(2026, 1, 1), False),  # 元旦
        (date(2026, 1, 4), True),  # a Sunday worked for it
        (date(2026, 2, 14), True),  # a Saturday worked for the Spring Festival
        (date(2026, 2, 23), False),  # its last day
        (date(2026, 9, 20), True),  # a Sunday worked for the National Day
        (date(2026, 10, 7), False),
        (date(2026, 10, 8), True),
        (date(2026, 11, 28), False),  # an ordinary Saturday
    ],
)
def test_holidays_and_make_up_workdays(day: date, *, worked: bool) -> None:
    assert is_workday(day) is worked


def test_a_due_date_in_a_holiday_rolls_to_the_day_work_begins_again() -> None:
    assert due_on(date(2026, 9, 1), 30) == date(2026, 10, 8)
    assert due_on(date(2026, 11, 2), 7) == date(2026, 11, 9)
    assert due_on(date(2026, 11, 2), 0) == date(2026, 11, 2)


def test_working_days_are_counted_across_a_holiday() -> None:
    assert workday_after(date(2026, 9, 30), 1) == date(2026, 10, 8)
    assert workday_after(date(2026, 10, 1), 0) == date(2026, 10, 8)
    assert workday_after(date(2026, 9, 30), 3) == date(2026, 10, 10)


def test_a_year_nobody_has_announced_is_counted_monday_to_friday() -> None:
    new_year = date(2099, 1, 1)
    assert not calendar_known(new_year)
    assert calendar_known(date(2026, 1, 1))
    assert is_workday(new_year) is (new_year.weekday() < 5)
    assert roll_forward(date(2099, 1, 3)) == date(2099, 1, 5)


@given(st.dates(date(2004, 1, 1), date(2120, 1, 1)), st.integers(0, 400))
def test_a_due_date_is_a_working_day_and_never_early(start: date, days: int) -> None:
    due = due_on(start, days)
    assert is_workday(due)
    assert due >= start + timedelta(days=days)
    assert due - (start + timedelta(days=days)) < timedelta(days=15)
