from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import pytest

from yuejie.db.session import Database, Json

SHANGHAI = timezone(timedelta(hours=8))


def test_a_whole_numeric_is_an_int_however_large(owner: Database) -> None:
    with owner.read() as tx:
        found = tx.value("SELECT %(pico)s::numeric(38,0)", pico=-(10**37) - 1)
    assert found == -(10**37) - 1
    assert type(found) is int


def test_a_sum_of_whole_numerics_stays_an_int(owner: Database) -> None:
    with owner.read() as tx:
        found = tx.value("SELECT sum(x) FROM (VALUES (9007199254740993::numeric(38,0)), (1)) v(x)")
    assert found == 9007199254740994
    assert type(found) is int


@pytest.mark.parametrize("text", ["5.00", "0.50", "-1.25", "0.00"])
def test_a_numeric_with_a_scale_is_a_decimal(owner: Database, text: str) -> None:
    with owner.read() as tx:
        found = tx.value("SELECT %(text)s::text::numeric(8,2)", text=text)
    assert str(found) == text
    assert type(found) is Decimal


def test_a_numeric_that_is_no_number_says_so(owner: Database) -> None:
    with owner.read() as tx:
        assert tx.value("SELECT 'NaN'::numeric").is_nan()


def test_an_instant_comes_back_in_utc_whatever_the_session_shows(owner: Database) -> None:
    with owner.begin() as tx:
        tx.run("SET LOCAL TimeZone = 'Asia/Shanghai'")
        found = tx.value(
            "SELECT %(at)s::timestamptz", at=datetime(2026, 11, 1, 7, 59, 59, tzinfo=SHANGHAI)
        )
    assert found == datetime(2026, 10, 31, 23, 59, 59, tzinfo=UTC)
    assert found.tzinfo is UTC


def test_a_naive_datetime_never_reaches_the_database(owner: Database) -> None:
    naive = datetime(2026, 11, 1, tzinfo=UTC).replace(tzinfo=None)
    with pytest.raises(AssertionError, match="no instant"), owner.read() as tx:
        tx.value("SELECT %(at)s::timestamptz", at=naive)


def test_json_goes_in_and_out_without_a_float(owner: Database) -> None:
    thing = {"name": "月结", "pico": 10**30, "ratio": Decimal("0.10"), "parts": [1, None]}
    with owner.read() as tx:
        found = tx.value("SELECT %(thing)s", thing=thing)
        fraction = tx.value("""SELECT '{"ratio": 0.1}'::jsonb""")
        pairs = tx.value("SELECT %(pairs)s::jsonb", pairs=Json([["gpt", "input", 3]]))
    assert found == {"name": "月结", "pico": 10**30, "ratio": "0.10", "parts": [1, None]}
    assert fraction == {"ratio": Decimal("0.1")}
    assert pairs == [["gpt", "input", 3]]


def test_a_list_is_an_array_and_a_uuid_a_uuid(owner: Database) -> None:
    event = UUID("019a0000-0000-7000-8000-000000000001")
    with owner.read() as tx:
        assert tx.value("SELECT %(tags)s::text[]", tags=["a", "b"]) == ["a", "b"]
        assert tx.value("SELECT %(event)s::uuid", event=event) == event
