"""A house at work whose data folder is lost at a moment nobody chose, and comes back.

    python -m tests.crash.losing 20        twenty moments, one after the other

Two workers lease of a hard cap and write journals, an intake reads them, the office does a deed
every few milliseconds, and a follower backs all of it up. Then the server is killed with -9 and
its data folder removed.
"""

import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random
from uuid import UUID

from tests.postgres import open_folder
from tests.rooms.budgets.desk import INPUT, NOW, OUTPUT, Desk, Worker
from tests.rooms.intake.shop import open_shop
from yuejie.app import ledger_checks
from yuejie.budgets.allowance import Allowance
from yuejie.budgets.lending.lease import lease
from yuejie.budgets.lending.store import windows_of
from yuejie.db.backup.place import Place
from yuejie.db.deeds import Deed, record_deed
from yuejie.db.embedded import EmbeddedPostgres
from yuejie.db.migrate import migrate
from yuejie.db.session import Database
from yuejie.kernel.clock import SystemClock
from yuejie.kernel.errors import DomainError
from yuejie.recovery.follow import Follower, Plan
from yuejie.recovery.proof import Finding, prove_house
from yuejie.recovery.restore import Restored, Wanted, restore_house
from yuejie.recovery.shut import reopen_alone
from yuejie.settings import Settings
from yuejie.usage.store import versions_of

WORST = 100 * INPUT + 100 * OUTPUT
CAP = 100_000 * WORST
PASSPHRASE = "a passphrase of a test"


@dataclass
class Outcome:
    """What one loss came to."""

    restored: Restored
    findings: list[Finding]
    calls: int
    missing: int
    """Calls that are not exactly one event afterwards."""
    deeds: int
    lost_deeds: int
    """Deeds of the office that were done and did not come back."""
    rpo_seconds: float
    """How long before the loss the oldest of them was done; 0 where none is lost."""
    rto_seconds: float
    shut: bool
    """Whether nothing was lent before the journals were read."""
    spent_picos: int
    worth_picos: int
    """What the calls are worth, by those who made them."""


@dataclass
class Working:
    """Threads at work, and what they know they have done."""

    desk: Desk
    stop: threading.Event = field(default_factory=threading.Event)
    ended: list[bytes] = field(default_factory=list)
    worth: int = 0
    deeds: list[tuple[str, float]] = field(default_factory=list)
    workers: list[Worker] = field(default_factory=list)
    threads: list[threading.Thread] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self, rng: Random) -> None:
        for _ in range(2):
            worker = Worker(self.desk)
            self.workers.append(worker)
            self._run(partial(self._serve, worker, Random(rng.random())))
        self._run(self._office)
        self._run(lambda: self.desk.ingest.run(self.stop))

    def end(self) -> None:
        self.stop.set()
        for thread in self.threads:
            thread.join()
        for worker in self.workers:
            worker.die()

    def _run(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work)
        self.threads.append(thread)
        thread.start()

    def _serve(self, worker: Worker, rng: Random) -> None:
        rows = self.desk.rows()
        worker.desk = _Known(self.desk, rows)  # type: ignore[assignment]  # the snapshot stays
        while not self.stop.is_set():
            try:
                call = worker.begin(WORST, ahead=20)
            except DomainError:
                # The database is gone; the slice that was lent is still there.
                self.stop.wait(0.01)
                continue
            if call is None:
                continue
            event = call.begun.event
            worth = worker.end(call, tokens_in=rng.randrange(100), tokens_out=rng.randrange(100))
            with self.lock:
                self.ended.append(event)
                self.worth += worth
            self.stop.wait(0.002)

    def _office(self) -> None:
        number = 0
        while not self.stop.is_set():
            number += 1
            try:
                with self.desk.db.begin() as tx:
                    deed = Deed("test", datetime.now(UTC), "did", "work", str(number))
                    record_deed(tx, deed)
                self.deeds.append((str(number), time.monotonic()))
            except DomainError:
                pass
            self.stop.wait(0.005)


@dataclass
class _Known:
    """A desk as a gateway sees it: what the snapshot said stays known without a database."""

    desk: Desk
    known: list  # type: ignore[type-arg]  # rows of the snapshot

    def rows(self) -> list:  # type: ignore[type-arg]  # as above
        return self.known

    def __getattr__(self, name: str) -> object:
        return getattr(self.desk, name)


def lose_and_restore(seed: int, *, at_least: float = 0.3, at_most: float = 2.0) -> Outcome:
    """Work, lose the data folder after a random while, restore, and look at everything."""
    rng = Random(seed)
    with open_folder() as home, open_folder() as backups:
        settings = Settings.load({"YUEJIE_HOME": str(home), "YUEJIE_NODE": "test"})
        place = Place(backups / "place")
        server = EmbeddedPostgres(settings.postgres)
        server.start()
        migrate(server.url("owner"))
        with Database.open(server.url("app"), size=6, name="test") as db:
            desk = Desk(db, open_shop(db), home)
            cap = desk.cap("本月", CAP)
            follower = Follower(_plan(place, home), lambda: server.url("superuser"), SystemClock())
            stop = threading.Event()
            following = threading.Thread(target=follower.run, args=(stop,))
            working = Working(desk)
            working.start(rng)
            following.start()
            try:
                _await_base(place)
                time.sleep(rng.uniform(at_least, at_most))
                lost_at = _lose(server, settings.postgres)
                # Gateways serve on from what they were lent.
                time.sleep(0.3)
            finally:
                working.end()
                stop.set()
                following.join()
                server.stop()
        began = time.monotonic()
        wanted = Wanted(place, None, PASSPHRASE, is_alone=True, by="test")
        restored, again = restore_house(settings, wanted, clock=SystemClock(), say=lambda _: None)
        try:
            with Database.open(again.url("app"), size=4, name="test") as db:
                findings = prove_house(db, ledger_checks())
                rto = time.monotonic() - began
                return _outcome(db, desk, cap, working, lost_at, restored, findings, rto)
        finally:
            again.stop()


def _plan(place: Place, home: Path) -> Plan:
    return Plan(
        place=place,
        home=home,
        node="test",
        passphrase=PASSPHRASE,
        hook="",
        every=timedelta(days=1),
        keep=timedelta(days=7),
    )


def _await_base(place: Place) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if place.bases() and (found := place.following()) and found.through:
            return
        time.sleep(0.02)
    raise AssertionError("no base backup was taken in a minute")


def _lose(server: EmbeddedPostgres, home: Path) -> float:
    """Kill the server and remove its data, and the passwords with it; return when."""
    pid, data = server.pid, (home / "data").resolve()
    os.kill(pid, signal.SIGKILL)
    lost_at = time.monotonic()
    while server.alive:
        time.sleep(0.01)
    shutil.rmtree(data, ignore_errors=True)
    shutil.rmtree(data, ignore_errors=True)
    (home / "data").unlink(missing_ok=True) if (home / "data").is_symlink() else None
    (home / "secrets.json").unlink()
    return lost_at


def _outcome(
    db: Database,
    desk: Desk,
    cap: Allowance,
    working: Working,
    lost_at: float,
    restored: Restored,
    findings: list[Finding],
    rto: float,
) -> Outcome:
    with db.read() as tx:
        events = versions_of(tx, [UUID(bytes=each) for each in sorted(working.ended)])
        there = {name for (name,) in _deeds(tx.cursor)}
    once = {UUID(bytes=each) for each in working.ended} & {e.event_id for e in events}
    doubled = len(events) - len(once)
    lost = [at for name, at in working.deeds if name not in there and at <= lost_at]
    shut = _refuses(db, working, cap)
    assert reopen_alone(db, datetime.now(UTC) + timedelta(minutes=1)), "lending stays shut"
    with db.read() as tx:
        (window,) = windows_of(tx, cap.number, limit=5)
    return Outcome(
        restored=restored,
        findings=findings,
        calls=len(working.ended),
        missing=len(working.ended) - len(once) + doubled,
        deeds=len(working.deeds),
        lost_deeds=len(lost),
        rpo_seconds=lost_at - min(lost) if lost else 0.0,
        rto_seconds=rto,
        shut=shut,
        spent_picos=window.spent,
        worth_picos=working.worth,
    )


def _deeds(cursor: object) -> list[tuple[str]]:
    with cursor as open_cursor:  # type: ignore[attr-defined]  # psycopg's own
        return list(open_cursor.execute("SELECT name FROM deed WHERE noun = 'work'"))


def _refuses(db: Database, working: Working, cap: Allowance) -> bool:
    slot = next(iter(working.workers[0].slices.present.values())).slot
    try:
        lease(db, UUID(int=7), [{slot: 1}], {slot: 0}, like={slot: 1}, ahead=0, now=NOW)
    except DomainError:
        return True
    return False


def main() -> None:
    """Lose a house as often as asked and print what each time came to."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    for seed in range(rounds):
        got = lose_and_restore(seed, at_most=6.0)
        wrong = [sentence for each in got.findings for sentence in each.wrong]
        sys.stdout.write(
            f"{seed:3} calls {got.calls} missing {got.missing} from-journals {got.restored.read} "
            f"deeds {got.deeds} lost {got.lost_deeds} rpo {got.rpo_seconds:.3f} s "
            f"rto {got.rto_seconds:.1f} s (database {got.restored.laid_down.seconds:.1f} s) "
            f"shut {got.shut} spent=worth {got.spent_picos == got.worth_picos} wrong {wrong}\n"
        )
        sys.stdout.flush()


if __name__ == "__main__":
    main()
