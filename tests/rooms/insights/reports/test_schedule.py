"""When reports are due, and of which time they speak."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yuejie.insights.reports.schedule import Every, Schedule
from yuejie.insights.reports.span import Grain, Period, bucket_of, days_of, label_of
from yuejie.kernel.errors import Invalid
from yuejie.kernel.workdays import is_workday

SHANGHAI = "Asia/Shanghai"
ZONES = st.sampled_from([SHANGHAI, "America/New_York", "Asia/Kolkata", "UTC", "Africa/Cairo"])
MINUTES = st.integers(0, 3 * 365 * 24 * 60)
MOMENTS = MINUTES.map(lambda minute: datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=minute))
HOURS = st.integers(0, 23)
SCHEDULES = st.one_of(
    st.builds(Schedule, every=st.just(Every.DAY), hour=HOURS, workdays=st.booleans()),
    st.builds(
        Schedule,
        every=st.just(Every.WEEK),
        hour=HOURS,
        on=st.integers(1, 7),
        workdays=st.booleans(),
    ),
    st.builds(
        Schedule,
        every=st.just(Every.MONTH),
        hour=HOURS,
        on=st.integers(1, 28),
        workdays=st.booleans(),
    ),
)


def local(moment: datetime, zone: str = SHANGHAI) -> str:
    return f"{moment.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"


@settings(max_examples=60)
@given(SCHEDULES, MOMENTS, ZONES)
def test_between_two_due_instants_there_is_none(
    schedule: Schedule, moment: datetime, zone: str
) -> None:
    """The next is after, the latest is not, and the next of the latest is the next."""
    latest, due = schedule.latest(moment, zone), schedule.after(moment, zone)
    assert latest <= moment < due
    assert schedule.after(latest, zone) == due
    assert schedule.latest(due, zone) == due
    days = timedelta(days={Every.DAY: 1, Every.WEEK: 7, Every.MONTH: 31}[schedule.every])
    assert due - latest <= days + timedelta(days=12 if schedule.workdays else 1)
    if schedule.workdays:
        assert is_workday(due.astimezone(ZoneInfo(zone)).date())


@pytest.mark.parametrize(
    ("schedule", "after", "due"),
    [
        (Schedule(every=Every.MONTH, on=1), "2026-10-20 09:00", "2026-11-01 08:00"),
        (Schedule(every=Every.MONTH, on=1, workdays=True), "2026-10-20 09:00", "2026-11-02 08:00"),
        (Schedule(every=Every.MONTH, on=1, workdays=True), "2026-09-20 09:00", "2026-10-08 08:00"),
        (Schedule(every=Every.WEEK, on=1, hour=7), "2026-11-02 07:00", "2026-11-09 07:00"),
        (Schedule(every=Every.DAY, workdays=True), "2026-11-06 08:00", "2026-11-09 08:00"),
    ],
)
def test_days_off_wait_for_the_next_working_day(schedule: Schedule, after: str, due: str) -> None:
    """1 November 2026 is a Sunday; the first week of October is a holiday."""
    moment = datetime.fromisoformat(after).replace(tzinfo=ZoneInfo(SHANGHAI))
    assert local(schedule.after(moment, SHANGHAI)) == due


def test_an_hour_that_the_clocks_skip_or_repeat_is_one_hour() -> None:
    new_york = "America/New_York"
    schedule = Schedule(every=Every.DAY, hour=2)
    spring = schedule.after(datetime(2026, 3, 8, 6, tzinfo=UTC), new_york)
    assert local(spring, new_york) == "2026-03-08 03:00"
    autumn = Schedule(every=Every.DAY, hour=1).after(datetime(2026, 11, 1, tzinfo=UTC), new_york)
    assert autumn == datetime(2026, 11, 1, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    "schedule",
    [
        Schedule(every=Every.DAY, on=1),
        Schedule(every=Every.WEEK),
        Schedule(every=Every.WEEK, on=8),
        Schedule(every=Every.MONTH, on=29),
        Schedule(every=Every.MONTH, on=1, hour=24),
    ],
)
def test_a_schedule_that_names_no_instant_is_refused(schedule: Schedule) -> None:
    with pytest.raises(Invalid):
        schedule.refuse_nonsense()


def test_what_people_read_of_a_schedule() -> None:
    assert Schedule(every=Every.MONTH, on=3, workdays=True).words == (
        "每月 3 日 08:00，遇休息日顺延至下一工作日"
    )
    assert Schedule(every=Every.DAY, hour=7, workdays=True).words == "每日 07:00，仅工作日"
    assert Schedule(every=Every.WEEK, on=5).words == "每周五 08:00"


@pytest.mark.parametrize(
    ("period", "first", "after"),
    [
        (Period.YESTERDAY, "2026-10-31", "2026-11-01"),
        (Period.LAST_7_DAYS, "2026-10-25", "2026-11-01"),
        (Period.LAST_30_DAYS, "2026-10-02", "2026-11-01"),
        (Period.LAST_WEEK, "2026-10-19", "2026-10-26"),
        (Period.LAST_13_WEEKS, "2026-07-27", "2026-10-26"),
        (Period.MONTH_TO_DATE, "2026-10-01", "2026-11-01"),
        (Period.LAST_MONTH, "2026-10-01", "2026-11-01"),
        (Period.LAST_3_MONTHS, "2026-08-01", "2026-11-01"),
        (Period.LAST_12_MONTHS, "2025-11-01", "2026-11-01"),
        (Period.YEAR_TO_DATE, "2026-01-01", "2026-11-01"),
    ],
)
def test_what_a_period_means_on_the_first_of_november(
    period: Period, first: str, after: str
) -> None:
    days = days_of(period, datetime(2026, 11, 1, tzinfo=UTC), SHANGHAI)
    assert (days.first, days.after) == (date.fromisoformat(first), date.fromisoformat(after))
    assert days.since.hour == days.until.hour == 16


@settings(max_examples=60)
@given(st.sampled_from(Period), MOMENTS, ZONES, st.sampled_from(list(Grain)[1:]))
def test_pieces_tile_whole_days_that_are_over(
    period: Period, moment: datetime, zone: str, grain: Grain
) -> None:
    days = days_of(period, moment, zone)
    assert days.first < days.after
    assert days.until <= moment
    pieces = days.buckets(grain)
    assert pieces == sorted(set(pieces))
    assert {bucket_of(days.first, grain), bucket_of(days.last, grain)} <= set(pieces)
    assert len({label_of(each, grain) for each in pieces}) == len(pieces)
    assert f"{days.first:%Y-%m}" in days.months
    assert f"{days.last:%Y-%m}" in days.months
