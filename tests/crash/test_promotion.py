"""A primary dies under load, twice, and its synchronous standby takes over: nothing is lost."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

from tests.crash.standbys import Server, primary, url_of
from tests.rooms.budgets.desk import INPUT, OUTPUT, Desk, Worker
from tests.rooms.intake.shop import open_shop
from yuejie.app import ledger_checks
from yuejie.budgets.lending.store import windows_of
from yuejie.db.deeds import Deed, record_deed
from yuejie.db.errors import CommitUncertain
from yuejie.db.migrate import migrate
from yuejie.db.session import Database
from yuejie.kernel.errors import DomainError
from yuejie.recovery.proof import prove_house
from yuejie.usage.store import versions_of

WORST = 100 * INPUT + 100 * OUTPUT


class Busy:
    """Workers, an intake and an office, all on one address of several servers."""

    def __init__(self, db: Database, desk: Desk) -> None:
        self.db, self.desk = db, desk
        self.stop = threading.Event()
        self.workers = [Worker(desk) for _ in range(2)]
        self.rows = desk.rows()
        self.ended: list[tuple[bytes, int]] = []
        self.deeds: list[str] = []
        self.uncertain: list[str] = []
        works: list[Callable[[], None]] = [
            *(lambda each=each: self._serve(each) for each in self.workers),
            self._office,
            lambda: desk.ingest.run(self.stop),
        ]
        self.threads = [threading.Thread(target=work) for work in works]
        for thread in self.threads:
            thread.start()

    def end(self) -> None:
        self.stop.set()
        for thread in self.threads:
            thread.join()
        for worker in self.workers:
            worker.die()

    def _serve(self, worker: Worker) -> None:
        while not self.stop.is_set():
            try:
                needs = [worker.need(row, WORST) for row in self.rows]
                if any(need.slice.free < need.reserve for need in needs):
                    worker.ask(needs, 20)
                call = worker.begin(WORST)
            except DomainError:
                self.stop.wait(0.05)
                continue
            if call is not None:
                worth = worker.end(call, tokens_in=70, tokens_out=30)
                self.ended.append((call.begun.event, worth))
            self.stop.wait(0.005)

    def _office(self) -> None:
        number = 0
        while not self.stop.is_set():
            number += 1
            try:
                with self.db.begin() as tx:
                    record_deed(tx, Deed("test", datetime.now(UTC), "did", "work", str(number)))
                self.deeds.append(str(number))
            except CommitUncertain:
                self.uncertain.append(str(number))
            except DomainError:
                self.stop.wait(0.05)
            self.stop.wait(0.005)


def test_two_promotions_under_load_lose_nothing_and_double_nothing() -> None:
    """
    Every commit waits for the standby, but for the ingest's, which the journals hold. Whatever
    the office was told is done is there after two promotions; every call is exactly one event;
    what is spent of the hard cap is what the calls are worth, and a lease never was forgotten.
    """
    with primary() as one:
        migrate(one.url("owner"))
        root = one.home.parent
        two = one.standby(root / "two")
        three: Server | None = None
        places = [one, two, Server(root / "three")]
        try:
            with Database.open(url_of(places), size=8, name="test") as db:
                desk = Desk(db, open_shop(db), root)
                cap = desk.cap("本月", 1_000_000 * WORST)
                busy = Busy(db, desk)
                try:
                    time.sleep(0.8)
                    _fail_over(one, two, busy)
                    three = two.standby(root / "three")
                    time.sleep(0.5)
                    _fail_over(two, three, busy)
                    time.sleep(0.3)
                finally:
                    busy.end()
                desk.read_journals()
                with db.read() as tx:
                    events = versions_of(tx, sorted({UUID(bytes=e) for e, _ in busy.ended}))
                    (window,) = windows_of(tx, cap.number, limit=3)
                    with tx.cursor as cursor:
                        asked = "SELECT name FROM deed WHERE noun = 'work'"
                        there = [name for (name,) in cursor.execute(asked).fetchall()]
                assert sorted(e.event_id for e in events) == sorted(
                    UUID(bytes=e) for e, _ in busy.ended
                )
                assert set(busy.deeds) <= set(there), "a deed that was done is gone"
                assert set(there) <= {*busy.deeds, *busy.uncertain}
                assert len(there) == len(set(there)), "a deed was done twice"
                assert window.spent == sum(worth for _, worth in busy.ended)
                assert window.leased == 0
                found = prove_house(db, ledger_checks())
                assert [sentence for each in found for sentence in each.wrong] == []
        finally:
            for server in (two, three):
                if server is not None:
                    server.kill()


def _fail_over(old: Server, new: Server, busy: Busy) -> None:
    """Fence the old primary, promote its standby, and wait until deeds and leases go on."""
    before = len(busy.deeds), len(busy.ended)
    assert before[0] > 5, "the load did nothing"
    old.kill()
    new.promote()
    before = len(busy.deeds), len(busy.ended)
    deadline = time.monotonic() + 15
    while len(busy.deeds) < before[0] + 5 or len(busy.ended) < before[1] + 5:
        assert time.monotonic() < deadline, "the house does not find its new primary"
        time.sleep(0.02)
