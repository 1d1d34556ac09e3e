"""What the gateway's clock says of an instant is what the calendar says, at every edge."""

from datetime import UTC, datetime, timedelta
from uuid import RFC_4122, UUID
from zoneinfo import ZoneInfo

import pytest

from yuejie.gateway.meter.chrono import Chrono
from yuejie.kernel.clock import SystemClock
from yuejie.kernel.period import BillingMonth, local_hour

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def us(instant: datetime) -> int:
    return (instant - EPOCH) // timedelta(microseconds=1)


def test_ids_are_uuids_of_version_7_and_sort_by_their_millisecond() -> None:
    chrono = Chrono(SystemClock())
    made = [chrono.new_id(1_800_000_000_000_000 + n * 1000) for n in range(2_000)]
    read = [UUID(bytes=each) for each in made]
    assert {(each.version, each.variant) for each in read} == {(7, RFC_4122)}
    assert [each.int >> 80 for each in read] == [1_800_000_000_000 + n for n in range(2_000)]
    assert made == sorted(made)
    chance = [each.int & ((1 << 80) - 1) for each in read]
    assert len(set(chance)) == 2_000
    # Each of the 74 random bits is drawn: none is the same in all of two thousand.
    always, ever = (1 << 80) - 1, 0
    for each in chance:
        always, ever = always & each, ever | each
    assert (always ^ ever).bit_count() == 74


@pytest.mark.parametrize(
    ("zone", "midnight"),
    [
        ("Asia/Shanghai", "2026-11-01T00:00"),
        ("America/New_York", "2026-11-01T00:00"),
        ("Europe/London", "2026-11-01T00:00"),
        ("Asia/Kathmandu", "2027-01-01T00:00"),
        ("Asia/Shanghai", "2028-03-01T00:00"),
    ],
)
def test_a_call_in_the_last_tenth_of_a_second_is_of_its_month(zone: str, midnight: str) -> None:
    """It begins at 23:59:59.9; when it ends is nothing to it."""
    chrono = Chrono(SystemClock())
    first = datetime.fromisoformat(midnight).replace(tzinfo=ZoneInfo(zone))
    month = BillingMonth(first.year, first.month)
    at = us(first.astimezone(UTC))
    for offset_us, label in ((-100_000, month.previous), (-1, month.previous), (0, month)):
        assert chrono.labels(zone, at + offset_us)[0] == str(label)
    assert chrono.labels(zone, at - 1)[1] * 1_000_000 == at - 3_600_000_000


@pytest.mark.parametrize(
    ("zone", "changes"),
    [
        ("America/New_York", "2026-11-01T06:00"),
        ("America/New_York", "2026-03-08T07:00"),
        ("Europe/London", "2026-10-25T01:00"),
        ("Europe/London", "2026-03-29T01:00"),
        ("Australia/Lord_Howe", "2026-10-03T15:30"),
    ],
)
def test_minute_by_minute_around_a_clock_change(zone: str, changes: str) -> None:
    """The clock remembers by the minute, and is asked in both directions."""
    place, moment = ZoneInfo(zone), datetime.fromisoformat(changes).replace(tzinfo=UTC)
    chrono = Chrono(SystemClock())
    minutes = [moment + timedelta(minutes=n, microseconds=999_999) for n in range(-130, 130)]
    for instant in [*minutes, *reversed(minutes)]:
        month, hour_s = chrono.labels(zone, us(instant))
        assert month == str(BillingMonth.of(instant, place))
        assert hour_s * 1_000_000 == us(local_hour(instant, place))
