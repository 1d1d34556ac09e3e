from datetime import UTC, datetime

from yuejie.kernel.ids import mint, request_id, uuid7, uuid7_at, uuid7_floor

NOW = datetime(2026, 10, 31, 15, 59, 59, 999000, tzinfo=UTC)


def test_an_id_is_a_version_7_uuid_and_carries_its_millisecond() -> None:
    made = uuid7(NOW)
    assert made.version == 7
    assert made.int >> 80 == int(NOW.timestamp() * 1000)


def test_ids_sort_by_time_and_never_below_the_floor() -> None:
    assert uuid7_floor(NOW) <= uuid7(NOW)
    assert uuid7_at(1_000) < uuid7_at(1_001)


def test_ids_say_what_they_name() -> None:
    assert mint("bill", NOW).startswith("bill_01")
    assert request_id(bytes(16)) == "req_" + "0" * 32


def test_a_million_ids_of_one_millisecond_differ() -> None:
    assert len({uuid7_at(1) for _ in range(10_000)}) == 10_000
