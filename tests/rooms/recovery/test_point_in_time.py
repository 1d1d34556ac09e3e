"""A house brought back to a moment: money as it was then, usage as it is now, nothing twice."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from shutil import rmtree

import psycopg
import pytest

from tests.postgres import open_folder
from tests.rooms.intake.calls import StandingClock, calls, events, take_in, whole, write_journal
from yuejie.app import ledger_checks
from yuejie.db.backup.place import Place
from yuejie.db.backup.receive import Receiver
from yuejie.db.backup.take import retire, take_base, verify_base
from yuejie.db.deeds import Deed, record_deed
from yuejie.db.embedded import EmbeddedPostgres
from yuejie.db.errors import DatabaseUnavailable, EmbeddedUnavailable
from yuejie.db.migrate import migrate
from yuejie.db.session import Database
from yuejie.kernel.clock import SystemClock
from yuejie.kernel.errors import Conflict, NotFound
from yuejie.recovery import store
from yuejie.recovery.drill import drill
from yuejie.recovery.follow import Follower, Plan
from yuejie.recovery.inspect import inspect
from yuejie.recovery.restore import Restored, Wanted, restore_house
from yuejie.recovery.shut import reopen
from yuejie.recovery.vault import keep_secrets
from yuejie.settings import Settings

PASSPHRASE = "a passphrase of a test"
DEEDS = "SELECT string_agg(name, ' ' ORDER BY name) FROM deed WHERE noun = 'work'"


@dataclass
class Backed:
    """A house that was backed up, its moments, and the calls it served."""

    settings: Settings
    place: Place
    between: datetime
    """After the first deed and the first calls, before the second."""

    def wanted(self, until: datetime | None = None) -> Wanted:
        return Wanted(self.place, until, PASSPHRASE, is_alone=False, by="test")


EARLY, LATE = calls(40, seed=3), calls(60, seed=4)


@pytest.fixture(scope="module")
def backed() -> Iterator[Backed]:
    with open_folder() as home, open_folder() as backups:
        settings = Settings.load({"YUEJIE_HOME": str(home), "YUEJIE_NODE": "node-1"})
        place = Place(backups / "place")
        with EmbeddedPostgres(settings.postgres) as server:
            migrate(server.url("owner"))
            url = server.url("superuser")
            _belongs_to_a_pair(url)
            receiver = Receiver(_made(place), url)
            receiver.tend()
            take_base(place, url, SystemClock().now)
            keep_secrets(place, home, PASSPHRASE)
            with Database.open(server.url("app"), name="test") as db:
                _do(db, "first")
                write_journal(home, whole(EARLY))
                take_in(db, home)
                _await(receiver)
                between = datetime.now(UTC)
                time.sleep(0.05)
                _do(db, "second")
                write_journal(home, whole(LATE))
                take_in(db, home)
                _await(receiver)
            receiver.stop()
        rmtree((settings.postgres / "data").resolve())
        yield Backed(settings, place, between)


def _belongs_to_a_pair(url: str) -> None:
    """Tell the server of a standby and an archive, which a restored copy must not wait for or fill.

    Not loaded, so that the original does neither.
    """
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET synchronous_standby_names = 'somebody'")
        connection.execute("ALTER SYSTEM SET archive_mode = on")
        connection.execute("ALTER SYSTEM SET archive_command = 'false'")


def _made(place: Place) -> Place:
    place.make()
    return place


def _do(db: Database, name: str) -> None:
    with db.begin() as tx:
        record_deed(tx, Deed("test", datetime.now(UTC), "did", "work", name))


def _await(receiver: Receiver) -> None:
    for _ in range(100):
        if receiver.pulse()[1]:
            return
    raise AssertionError("the log is not received")


@contextmanager
def closing(server: EmbeddedPostgres) -> Iterator[None]:
    try:
        yield
    finally:
        server.stop()


def _restored(backed: Backed, until: datetime | None) -> tuple[Restored, EmbeddedPostgres]:
    rmtree((backed.settings.postgres / "data").resolve(), ignore_errors=True)
    return restore_house(
        backed.settings, backed.wanted(until), clock=StandingClock(), say=lambda _: None
    )


def test_to_a_moment_the_office_goes_back_and_usage_does_not(backed: Backed) -> None:
    """The second deed is undone; the calls after it are in the journals and are read again."""
    restored, server = _restored(backed, backed.between)
    with closing(server), Database.open(server.url("app")) as db, db.read() as tx:
        assert tx.value(DEEDS) == "first"
        assert (restored.events, restored.read) == (len(EARLY), len(LATE))
        assert len(events(db, [*EARLY, *LATE])) == len(EARLY) + len(LATE)
        assert restored.laid_down.reached is not None
        assert restored.laid_down.reached <= backed.between


def test_to_the_newest_everything_is_there_and_the_second_time_nothing_is_read(
    backed: Backed,
) -> None:
    restored, server = _restored(backed, None)
    with closing(server), Database.open(server.url("app")) as db:
        with db.read() as tx:
            assert tx.value(DEEDS) == "first second"
        assert restored.events + restored.read == len(EARLY) + len(LATE)
        assert take_in(db, backed.settings.home) == 0
        with db.read() as tx:
            assert store.unread(tx, datetime.now(UTC)) == []
        reopen(db, by="test", now=datetime.now(UTC))
        with pytest.raises(Conflict, match="正常出租"):
            reopen(db, by="test", now=datetime.now(UTC))
    with pytest.raises(Conflict, match="已有数据"):
        restore_house(backed.settings, backed.wanted(), clock=StandingClock(), say=lambda _: None)


def test_an_instant_after_the_last_commit_is_the_newest(backed: Backed) -> None:
    _, server = _restored(backed, datetime.now(UTC))
    with closing(server), Database.open(server.url("app")) as db, db.read() as tx:
        assert tx.value(DEEDS) == "first second"


def test_an_instant_before_every_backup_is_refused(backed: Backed) -> None:
    with pytest.raises(NotFound, match="请改用更晚的时刻"):
        _restored(backed, backed.between - timedelta(days=1))


def test_a_drill_restores_beside_and_says_both_numbers(backed: Backed) -> None:
    before = sorted(str(path) for path in backed.settings.home.glob("*"))
    got = drill(
        backed.settings,
        backed.wanted(),
        ledger_checks(),
        clock=SystemClock(),
        say=lambda _: None,
        where=backed.place.root.parent,
    )
    assert got.holds
    assert got.rpo_seconds is not None
    assert 0 < got.ready_seconds <= got.rto_seconds
    assert sorted(str(path) for path in backed.settings.home.glob("*")) == before


def test_a_restored_house_is_followed_in_another_life_and_restored_again(backed: Backed) -> None:
    """Back to the moment; a third deed there; the log of before is neither continued nor mixed."""
    _, server = _restored(backed, backed.between)
    place = backed.place
    stop = threading.Event()
    with closing(server), Database.open(server.url("app")) as db:
        plan = Plan(
            place=place,
            home=backed.settings.home,
            node="node-1",
            passphrase=PASSPHRASE,
            hook="",
            every=timedelta(days=1),
            keep=timedelta(days=7),
        )
        follower = Follower(plan, lambda: server.url("superuser"), SystemClock())
        thread = threading.Thread(target=follower.run, args=(stop,))
        thread.start()
        try:
            _wait_for(lambda: len(place.bases()) == 2)
            _do(db, "third")
            done = datetime.now(UTC)
            _wait_for(lambda: (f := place.following()) and f.through and f.through > done)
        finally:
            stop.set()
            thread.join()
    first, second = place.bases()
    assert (first.life, second.life) == ("0001", "0002")
    _, server = _restored(backed, None)
    with closing(server), Database.open(server.url("app")) as db, db.read() as tx:
        assert tx.value(DEEDS) == "first third"
    _, server = _restored(backed, backed.between + timedelta(seconds=0.04))
    with closing(server), Database.open(server.url("app")) as db, db.read() as tx:
        assert tx.value(DEEDS) == "first"
    rmtree(place.folder(second.name))
    rmtree(place.wal("0002"))
    (place.root / "following.json").unlink()


def _wait_for(happened: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_what_is_wrong_with_a_backup_is_said(backed: Backed) -> None:
    """Last of this module: it damages the place."""
    (base,) = backed.place.bases()

    def wrong(*, quick: bool = True) -> list[str]:
        found = inspect(
            backed.place,
            every=timedelta(days=1),
            passphrase=PASSPHRASE,
            quick=quick,
            now=datetime.now(UTC),
        )
        return [each.wrong for each in found if each.wrong]

    assert wrong(quick=False) == ["没有进程在跟随；请设 YUEJIE_BACKUP 后运行 yuejie serve"]
    assert retire(backed.place, keep=timedelta(0), now=datetime.now(UTC)) == []
    data = backed.place.folder(base.name) / "data"
    with (data / "PG_VERSION").open("a") as file:
        file.write("x")
    with pytest.raises(DatabaseUnavailable, match="校验不符"):
        verify_base(backed.place, base, now=datetime.now(UTC))
    newest = backed.place.segments(base.life)[-1].path
    newest.rename(newest.with_name("0000000100000000000000FF"))
    assert any("缺第" in each for each in wrong())
    with pytest.raises(EmbeddedUnavailable, match="日志缺少第"):
        _restored(backed, None)
