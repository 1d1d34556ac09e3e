"""Copies of journals, the secrets, the operator's command, what is kept and what is forgotten."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from tests.rooms.intake.calls import calls, open_journal, whole, write
from yuejie.db.backup.place import Base, Place, missing, stamp
from yuejie.db.backup.take import retire
from yuejie.db.session import Database
from yuejie.db.upkeep.pace import Pacer, working_on
from yuejie.fapiao.issuing.store import add_errand
from yuejie.intake.keep import prune
from yuejie.kernel.cipher import Unreadable
from yuejie.kernel.clock import SystemClock
from yuejie.kernel.errors import Conflict, Invalid, NotFound
from yuejie.recovery.follow import Follower, Plan, alone
from yuejie.recovery.journals import Mirror, put_back
from yuejie.recovery.shut import reopen_alone, shut
from yuejie.recovery.vault import bring_secrets, keep_secrets

NOW = datetime(2026, 11, 29, tzinfo=UTC)
DAY = timedelta(days=1)
ERRANDS = "SELECT string_agg(what || ' ' || state, ', ' ORDER BY what) FROM fapiao_errand"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    place = Place(tmp_path / "place")
    place.make()
    return place


def bytes_of(root: Path) -> dict[str, bytes]:
    return {f"{p.parent.name}/{p.name}": p.read_bytes() for p in sorted(root.glob("*/*.wal"))}


def test_a_copy_grows_with_its_journal_and_comes_back_where_it_lacks(tmp_path: Path) -> None:
    home, copies = tmp_path / "home", tmp_path / "copies"
    (home / "journals").mkdir(parents=True)
    copies.mkdir()
    journal = open_journal(home, segment_bytes=4096)
    mirror = Mirror(home, copies)
    records = whole(calls(40))
    for start in range(0, len(records), 9):
        write(journal, records[start : start + 9])
        assert mirror.copy() > 0
        assert bytes_of(copies) == bytes_of(home / "journals")
    assert mirror.copy() == 0
    assert len(mirror.finished()) == len(bytes_of(copies)) - 1 > 1
    journal.close()

    there = bytes_of(home / "journals")
    first, second, *_ = sorted((home / "journals").glob("*/*.wal"))
    first.unlink()
    second.write_bytes(second.read_bytes()[:100])
    assert put_back(copies, home) == [journal.folder.name]
    assert bytes_of(home / "journals") == there
    assert put_back(copies, home) == []
    # A follower that is started anew goes on where the copies end.
    assert Mirror(home, copies).copy() == 0


def test_secrets_come_back_with_their_passphrase_only(place: Place, tmp_path: Path) -> None:
    home, empty = tmp_path / "home", tmp_path / "empty"
    (home / "secrets").mkdir(parents=True)
    (home / "postgres").mkdir()
    (home / "secrets" / "yuejie_pepper").write_text("pepper")
    (home / "postgres" / "secrets.json").write_text("{}")
    with pytest.raises(Invalid, match="至少"):
        keep_secrets(place, home, "short")
    with pytest.raises(NotFound, match="没有密钥备份"):
        bring_secrets(place, empty, "correct horse battery")
    assert keep_secrets(place, home, "correct horse battery")
    assert not keep_secrets(place, home, "correct horse battery")
    assert b"pepper" not in place.sealed.read_bytes()
    with pytest.raises(Unreadable, match="不是封存时的口令"):
        bring_secrets(place, empty, "another passphrase")
    brought = bring_secrets(place, empty, "correct horse battery")
    assert brought == ["secrets/yuejie_pepper", "postgres/secrets.json"]
    assert (empty / "secrets" / "yuejie_pepper").read_text() == "pepper"
    assert (empty / "secrets" / "yuejie_pepper").stat().st_mode & 0o077 == 0
    assert bring_secrets(place, empty, "correct horse battery") == []


def test_what_is_finished_is_handed_over_once_it_was_taken(place: Place, tmp_path: Path) -> None:
    home, store = tmp_path / "home", tmp_path / "store"
    (home / "journals").mkdir(parents=True)
    script = tmp_path / "ship.sh"
    script.write_text(f'#!/bin/sh\n[ -d {store} ] || exit 1\ncp -r "$1" {store}/\necho "$2"\n')
    script.chmod(0o755)
    journal = open_journal(home, segment_bytes=4096)
    write(journal, whole(calls(40)))
    plan = Plan(
        place=place,
        home=home,
        node="a/b",
        passphrase="",
        hook=str(script),
        every=DAY,
        keep=DAY,
    )
    Follower(plan, lambda: "", SystemClock()).beat()
    assert not (place.root / "shipped").exists(), "the command refused, so nothing is shipped"
    store.mkdir()
    Follower(plan, lambda: "", SystemClock()).beat()
    shipped = (place.root / "shipped").read_text().splitlines()
    assert shipped
    assert sorted(path.name for path in store.iterdir()) == sorted(Path(s).name for s in shipped)
    assert all(name.startswith("journals/a%2Fb/") for name in shipped)
    journal.close()


def test_a_node_follows_once(place: Place) -> None:
    with (
        alone(place, "one"),
        alone(place, "two"),
        pytest.raises(Conflict, match="已有进程"),
        alone(place, "one"),
    ):
        pass


def base_of(place: Place, age: timedelta, start: int) -> Base:
    at = NOW - age
    base = Base(
        name=stamp(at),
        began_at=at,
        ended_at=at,
        major=16,
        timeline=1,
        start=start,
        end=start,
        bytes=0,
        schema="",
        version="",
        life=place.life,
        checked_at=at,
    )
    place.folder(base.name).mkdir(parents=True)
    place.note(base)
    return base


def test_to_reach_the_oldest_kept_instant_the_backup_before_it_stays(place: Place) -> None:
    size = 16 << 20
    bases = [base_of(place, age * DAY, (10 - age) * size) for age in (9, 8, 6, 1)]
    for number in (0, 1, 2, 3, 9):
        (place.wal(place.life) / f"0000000100000000{number:08X}").touch()
    old = place.journals / "node" / ("0" * 32)
    old.mkdir(parents=True)
    (old / "00000001.wal").touch()
    long_ago = (NOW - 30 * DAY).timestamp()
    os.utime(old / "00000001.wal", (long_ago, long_ago))
    assert retire(place, keep=7 * DAY, now=NOW) == [bases[0].name]
    assert [base.name for base in place.bases()] == [base.name for base in bases[1:]]
    assert [each.number for each in place.segments(place.life)] == [2, 3, 9]
    assert not old.exists()
    assert missing(place.segments(place.life), bases[1], size) == [4, 5, 6, 7, 8]
    assert retire(place, keep=timedelta(0), now=NOW) == [base.name for base in bases[1:3]]


def test_journals_stay_until_a_verified_backup_holds_them(
    database: Database, tmp_path: Path
) -> None:
    (tmp_path / "journals").mkdir()
    assert prune(database, tmp_path, now=NOW, backed_up=NOW - DAY) == []


def test_a_restored_house_asks_about_what_may_have_left(database: Database) -> None:
    with database.begin() as tx:
        for what in ("issue", "red", "files"):
            add_errand(tx, what, f"fp_{what}", f"key-{what}", "nuonuo", at=NOW)
    asked = shut(database, backup="b", reached=None, is_alone=True, by="test", now=NOW)
    assert asked == 2
    with database.read() as tx:
        found = tx.value(
            "SELECT string_agg(what || ' ' || state, ', ' ORDER BY what) FROM fapiao_errand"
        )
    assert found == "files waiting, issue sent, red sent"
    assert not reopen_alone(database, NOW), "an intake may not have looked yet"
    assert reopen_alone(database, NOW + timedelta(minutes=1))
    assert not reopen_alone(database, NOW + timedelta(minutes=2))


def test_work_over_its_budget_is_told_by_name(database_url: str) -> None:
    pacer = Pacer("console")
    with Database.open(database_url, pacing=pacer) as db, capture_logs() as said:
        with working_on(lambda: "/fast"), db.begin() as tx:
            tx.value("SELECT 1")
        with working_on(lambda: "/slow"), db.begin() as tx:
            tx.value("SELECT pg_sleep(0.31)::text")
    assert [each["work"] for each in said if each["event"] == "database.over_budget"] == ["/slow"]
    count = "yuejie_database_over_budget_total"
    assert REGISTRY.get_sample_value(count, {"process": "console", "work": "/slow"}) == 1
    assert REGISTRY.get_sample_value(count, {"process": "console", "work": "/fast"}) is None
