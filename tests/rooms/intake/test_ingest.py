"""Journals become events exactly once, whatever happens on the way."""

from pathlib import Path

import psycopg
import pytest

from tests.rooms.intake.calls import (
    NOW,
    OCTOBER_MS,
    StandingClock,
    begin,
    calls,
    end,
    events,
    following,
    ingest,
    journal_id,
    know_rates,
    open_journal,
    quantities,
    rolled_up,
    take_in,
    wait_for,
    whole,
    write,
    write_journal,
)
from yuejie.db.embedded import EmbeddedPostgres
from yuejie.db.session import Database
from yuejie.intake import store
from yuejie.intake.ingest import CLASHES, Ingest
from yuejie.intake.keep import prune, release
from yuejie.intake.store import JournalRow
from yuejie.kernel.errors import Conflict, Invalid
from yuejie.kernel.period import BillingMonth
from yuejie.usage.journal import HEADER, EndedItem, Position
from yuejie.usage.rebuild import rebuild
from yuejie.usage.record import ended_of

CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'victim'"


def row_of(db: Database, folder: Path) -> JournalRow:
    with db.read() as tx:
        return next(row for row in store.journals(tx) if row.journal_id.hex == folder.name)


def test_an_event_is_stored_as_it_was_written(database: Database, tmp_path: Path) -> None:
    call = end(begin(stream=False), first_byte_ms=None, reason="没有用量")
    write_journal(tmp_path, whole([call]))
    assert take_in(database, tmp_path) == 1
    (row,) = events(database, [call])
    stored = ended_of(row)
    assert stored.items == call.items
    assert stored.facts == {"finish": "stop"}
    assert (row.version, row.source, row.epoch) == (1, "gateway", 1)
    assert (row.reason, row.first_byte_ms, row.stream) == ("没有用量", None, False)
    for name in ("event", "operation", "started_us", "month", "hour_s", "customer", "tags"):
        assert getattr(stored.begun, name) == getattr(call.begun, name)


def test_a_living_journal_is_followed_and_its_open_calls_wait(
    database: Database, tmp_path: Path
) -> None:
    journal = open_journal(tmp_path)
    first, second = end(begin()), end(begin(OCTOBER_MS + 1))
    follower = ingest(database, tmp_path)
    write(journal, [first.begun, second.begun, first])
    assert follower.step(NOW) == 1
    row = row_of(database, journal.folder)
    assert row.state == "live"
    assert row.open_offset < row.offset
    write(journal, [second])
    assert follower.step(NOW) == 1
    row = row_of(database, journal.folder)
    assert row.open_offset == row.offset
    assert follower.step(NOW) == 0
    journal.close()


def test_a_restarted_ingest_remembers_which_calls_are_open(
    database: Database, tmp_path: Path
) -> None:
    journal = open_journal(tmp_path)
    open_call, done = end(begin()), end(begin(OCTOBER_MS + 1))
    write(journal, [open_call.begun, done.begun, done])
    assert take_in(database, tmp_path) == 1
    journal.close()
    assert take_in(database, tmp_path) == 1
    (row,) = events(database, [open_call])
    assert (row.state, row.reason, row.outcome) == ("unmeasured", "worker_died", "worker_died")
    assert row.items == [["gpt-4o", "requests", 1, 0, 0]]
    assert row_of(database, journal.folder).state == "drained"


def test_an_end_in_a_rescued_journal_supersedes_the_guess(
    database: Database, tmp_path: Path
) -> None:
    name = journal_id()
    call = end(begin())
    folder = write_journal(tmp_path, [call.begun], name)
    assert take_in(database, tmp_path) == 1
    elsewhere = tmp_path / "rescued"
    whole_folder = write_journal(elsewhere, [call.begun, call], name)
    assert ingest(database, tmp_path).adopt(whole_folder, NOW) == 1
    first, second = events(database, [call])
    assert (first.version, first.state) == (1, "unmeasured")
    assert (second.version, second.state) == (2, "measured")
    assert rolled_up(database) == quantities([call])
    assert take_in(database, tmp_path) == 0
    assert folder.exists()


def test_a_duplicated_journal_adds_nothing(database: Database, tmp_path: Path) -> None:
    made = calls(50)
    write_journal(tmp_path, whole(made))
    write_journal(tmp_path, [*whole(made), *made])
    assert take_in(database, tmp_path) == 50
    assert rolled_up(database) == quantities(made)


def test_a_second_different_end_is_not_stored_and_is_counted(
    database: Database, tmp_path: Path
) -> None:
    call = end(begin())
    other = end(call.begun, items=(EndedItem("gpt-4o", "input", 999, 900_011, 900_021),))
    write_journal(tmp_path, [*whole([call]), other])
    before = clashes()
    assert take_in(database, tmp_path) == 1
    assert rolled_up(database) == quantities([call])
    assert clashes() == before + 1


def test_a_price_that_is_not_there_waits_on_the_worklist(
    database: Database, tmp_path: Path
) -> None:
    """Restored to before a price was published, a house meets calls that were made by it."""
    items = (
        EndedItem("gpt-4o", "input", 100, 999_999, 900_021),
        EndedItem("gpt-4o", "requests", 1, 0, 0),
    )
    made = [*calls(9), *(end(begin(OCTOBER_MS + i), items=items) for i in range(3))]
    unmeasured = end(begin(OCTOBER_MS + 7), state="unmeasured", reason="no_usage", items=items)
    folder = write_journal(tmp_path, whole([*made, unmeasured]))
    assert take_in(database, tmp_path) == 13
    for row in events(database, made[9:]):
        assert (row.state, row.reason) == ("unpriced", "费率 999999 不在库中")
        assert row.items == [["gpt-4o", "input", 100, 0, 900_021], ["gpt-4o", "requests", 1, 0, 0]]
    (open_call,) = events(database, [unmeasured])
    assert (open_call.state, open_call.reason) == ("unmeasured", "no_usage")
    assert open_call.items[0][3] == 0
    assert row_of(database, folder).state == "drained"
    write_journal(tmp_path, whole([*made, unmeasured]))
    before = clashes()
    assert take_in(database, tmp_path) == 0
    assert clashes() == before


def test_a_torn_tail_ends_a_dead_journal(database: Database, tmp_path: Path) -> None:
    made = calls(20)
    folder = write_journal(tmp_path, whole(made))
    segment = folder / "00000001.wal"
    segment.write_bytes(segment.read_bytes()[:-5])
    assert take_in(database, tmp_path) == 20
    (row,) = events(database, made[-1:])
    assert row.state == "unmeasured"
    assert row_of(database, folder).state == "drained"


def test_damage_in_the_middle_parks_the_journal_and_keeps_what_was_before(
    database: Database, tmp_path: Path
) -> None:
    made = calls(20)
    folder = write_journal(tmp_path, whole(made))
    segment = folder / "00000001.wal"
    data = bytearray(segment.read_bytes())
    middle = data.index(made[10].begun.event)
    data[middle] ^= 0xFF
    segment.write_bytes(data)
    assert take_in(database, tmp_path) == 10
    row = row_of(database, folder)
    assert row.state == "parked"
    assert "校验失败" in row.note
    assert take_in(database, tmp_path) == 0
    data[middle] ^= 0xFF
    segment.write_bytes(data)
    release(database, folder, row.offset)
    assert take_in(database, tmp_path) == 10
    assert rolled_up(database) == quantities(made)


def test_a_damaged_length_is_damage_and_no_torn_tail(database: Database, tmp_path: Path) -> None:
    made = calls(5)
    folder = write_journal(tmp_path, whole(made))
    segment = folder / "00000001.wal"
    data = bytearray(segment.read_bytes())
    data[HEADER + 1] ^= 0x40
    segment.write_bytes(data)
    assert take_in(database, tmp_path) == 0
    assert row_of(database, folder).state == "parked"


def test_a_living_journal_is_parked_on_damage_too(database: Database, tmp_path: Path) -> None:
    made = calls(5)
    journal = open_journal(tmp_path)
    write(journal, whole(made))
    segment = journal.folder / "00000001.wal"
    data = bytearray(segment.read_bytes())
    data[data.index(made[2].begun.event)] ^= 0xFF
    segment.write_bytes(data)
    assert take_in(database, tmp_path) == 2
    assert row_of(database, journal.folder).state == "parked"
    journal.close()


def test_a_segment_of_another_journal_is_not_read(database: Database, tmp_path: Path) -> None:
    folder = write_journal(tmp_path, whole(calls(3)))
    other = write_journal(tmp_path / "other", whole(calls(3)))
    (folder / "00000001.wal").write_bytes((other / "00000001.wal").read_bytes())
    assert take_in(database, tmp_path) == 0
    assert "不是它的文件" in row_of(database, folder).note


def clashes() -> float:
    """Return what the counter says, as a scrape would read it."""
    (metric,) = CLASHES.collect()
    return metric.samples[0].value


def test_a_missing_segment_parks(database: Database, tmp_path: Path) -> None:
    journal = open_journal(tmp_path, segment_bytes=2_000)
    for one in calls(12):
        write(journal, whole([one]))
    journal.close()
    (journal.folder / "00000001.wal").unlink()
    assert take_in(database, tmp_path) == 0
    assert "缺少第 1 段" in row_of(database, journal.folder).note


def test_segments_follow_each_other(database: Database, tmp_path: Path) -> None:
    made = calls(40)
    journal = open_journal(tmp_path, segment_bytes=2_000)
    follower = ingest(database, tmp_path)
    total = 0
    for one in made:
        write(journal, whole([one]))
        total += follower.step(NOW)
    journal.close()
    assert total == 40
    assert len(list(journal.folder.glob("*.wal"))) > 5
    assert rolled_up(database) == quantities(made)


def test_a_value_that_no_column_holds_parks_instead_of_blocking(
    database: Database, tmp_path: Path
) -> None:
    bad = end(begin(attempt=70_000))
    folder = write_journal(tmp_path, whole([bad]))
    good = calls(3)
    write_journal(tmp_path, whole(good))
    assert take_in(database, tmp_path) == 3
    assert "无法入库" in row_of(database, folder).note


def test_a_state_that_the_database_refuses_parks_too(database: Database, tmp_path: Path) -> None:
    folder = write_journal(tmp_path, whole([end(begin(), state="guessed")]))
    assert take_in(database, tmp_path) == 0
    assert "无法入库" in row_of(database, folder).note


def test_what_providers_write_is_made_storable(database: Database, tmp_path: Path) -> None:
    model = "gpt\x00\t\\N\n"
    call = end(
        begin(model=model, tags="a=\x00"),
        response_id="id\x00\\",
        billed_model=model,
        facts={"k\x00": "\x00"},
        items=(EndedItem(model, "input", 2**63 + 1, 900_011, 900_021),),
    )
    write_journal(tmp_path, whole([call]))
    assert take_in(database, tmp_path) == 1
    (row,) = events(database, [call])
    assert row.model == "gpt\ufffd\t\\N\n"
    assert row.items[0][:3] == ["gpt\ufffd\t\\N\n", "input", 2**63 + 1]
    assert row.facts == {"k\ufffd": "\ufffd"}
    assert rebuild(database, BillingMonth(2026, 10)).different == 0
    assert take_in(database, tmp_path) == 0


def test_two_ingesters_at_once_store_each_call_once(database: Database, tmp_path: Path) -> None:
    made = calls(3_000)
    journal = open_journal(tmp_path)
    with following(ingest(database, tmp_path), ingest(database, tmp_path)) as running:
        for start in range(0, len(made), 300):
            write(journal, whole(made[start : start + 300]))
            running.wait(0.05)
        journal.close()
        wait_for(database, made)
    assert len(events(database, made)) == 3_000
    assert rolled_up(database) == quantities(made)
    assert rebuild(database, BillingMonth(2026, 10)).different == 0


def test_an_outage_of_the_database_only_delays(
    database: Database, database_url: str, postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    made = calls(400)
    know_rates(database)
    journal = open_journal(tmp_path)
    with (
        psycopg.connect(postgres.url("superuser", "postgres"), autocommit=True) as axe,
        Database.open(database_url, size=2, name="victim") as fragile,
        following(Ingest(fragile, tmp_path, "node-1", StandingClock())) as running,
    ):
        for start in range(0, 400, 40):
            write(journal, whole(made[start : start + 40]))
            axe.execute(CUT)
            running.wait(0.1)
        journal.close()
        wait_for(database, made)
    assert rolled_up(database) == quantities(made)
    assert len(events(database, made)) == 400


def test_a_quiet_journal_says_that_it_was_read(database: Database, tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    follower = ingest(database, tmp_path)
    follower.step(NOW)
    assert row_of(database, journal.folder).seen_at == NOW
    later = NOW.replace(minute=1)
    assert follower.step(later) == 0
    assert row_of(database, journal.folder).seen_at == later
    journal.close()


def test_adopting_says_what_is_wrong(database: Database, tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="不是流水目录"):
        ingest(database, tmp_path).adopt(tmp_path, NOW)
    journal = open_journal(tmp_path)
    with pytest.raises(Conflict, match="还有进程在写"):
        ingest(database, tmp_path).adopt(journal.folder, NOW)
    journal.close()


def test_only_what_is_old_and_stored_is_pruned(database: Database, tmp_path: Path) -> None:
    folder = write_journal(tmp_path, whole(calls(5)))
    assert prune(database, tmp_path, now=NOW.replace(year=2030)) == []
    take_in(database, tmp_path)
    assert prune(database, tmp_path, now=NOW.replace(year=2020)) == []
    assert prune(database, tmp_path, now=NOW.replace(year=2030)) == [folder / "00000001.wal"]
    assert not folder.exists()
    assert take_in(database, tmp_path) == 0


def test_parking_by_hand_and_releasing(database: Database, tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    take_in(database, tmp_path)
    with database.begin() as tx:
        assert store.park_journal(tx, journal.journal_id, note="盘坏", now=NOW)
        assert not store.park_journal(tx, journal.journal_id, note="盘坏", now=NOW)
    release(database, journal.folder, Position(1, HEADER))
    with pytest.raises(Conflict, match="没有停读"):
        release(database, journal.folder, Position(1, HEADER))
    journal.close()
