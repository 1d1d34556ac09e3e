"""PostgreSQL is promoted under load: everybody finds the new one, which knows less than the old."""

import os
import signal
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Self

from tests.crash.standby import Pair, replicated
from tests.postgres import open_folder
from tests.rooms.intake.calls import (
    StandingClock,
    begin,
    calls,
    end,
    ingest,
    journal_id,
    open_journal,
    quantities,
    rolled_up,
    whole,
    write,
    write_journal,
)
from yuejie.clerk import Clerk, Duty
from yuejie.db.migrate import migrate
from yuejie.db.session import Database
from yuejie.gateway.publish import Publisher
from yuejie.gateway.snapshot import FILE, read_head
from yuejie.intake.nodes.beat import Beat, Published
from yuejie.intake.nodes.keep import all_nodes
from yuejie.intake.nodes.tails import Tails
from yuejie.kernel.clock import SystemClock
from yuejie.kernel.errors import DomainError
from yuejie.usage.nodes.home import node_of
from yuejie.web.door import Door


def until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not done():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def lose_primary(pair: Pair) -> None:
    os.kill(pair.primary.pid, signal.SIGKILL)
    pair.promote()


def test_intake_console_and_clerk_follow_a_promotion() -> None:
    """
    Two journals are read; the replica falls behind; more is read on the primary alone, one journal
    to its end, with a customer that nobody has seen before. The primary dies, the replica is
    promoted. Nobody is restarted, and in the new database each call is one event all the same.
    """
    with open_folder() as home, replicated(home) as pair:
        migrate(pair.url("owner"))
        made = calls(60)
        fresh = [end(begin(customer="cus_new", key="key_new")) for _ in range(20)]
        later = [end(begin(customer="cus_new", key="key_new")) for _ in range(5)]
        node = home / "node"
        with (
            Database.open(pair.url(), size=4) as db,
            Database.open(pair.url(), size=2) as other,
            Office(db, other, node) as office,
        ):
            open_one = open_journal(node)
            write(open_one, whole(made[:30]))
            until(lambda: rolled_up_or_none(db) == quantities(made[:30]))
            pair.catch_up()
            pair.fall_behind()
            write_journal(node, whole([*made[30:], *fresh]), journal_id())
            until(lambda: rolled_up_or_none(db) == quantities([*made, *fresh]))

            lose_primary(pair)
            assert office.rounds() > 0
            write(open_one, whole(later))
            until(lambda: rolled_up_or_none(db) == quantities([*made, *fresh, *later]))
            open_one.close()
            office.check()


def rolled_up_or_none(db: Database) -> dict[tuple[str, str, str, str], int] | None:
    try:
        return rolled_up(db)
    except DomainError:
        return None


class Office:
    """Intake, publisher, beat, the console's door and a clerk, as their processes run them."""

    def __init__(self, db: Database, other: Database, home: Path) -> None:
        self.home = home
        home.mkdir()
        self.stop = threading.Event()
        self.door = Door(lambda: other)
        self.clerk = Clerk([Duty("look", lambda db, _: all_nodes(db), timedelta(0))])
        self.other = other
        tails, clock = Tails(home), SystemClock()
        node_id = node_of(home, journal_id())
        beat = Beat(db, home, node_id, "gw-1", tails, lambda: Published(1, None), clock)
        works = (ingest(db, home).run, Publisher(db, home, clock).run, beat.run)
        self.threads = [threading.Thread(target=work, args=(self.stop,)) for work in works]

    def __enter__(self) -> Self:
        self.door.start()
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        for thread in self.threads:
            thread.join()
        self.door._stop.set()  # noqa: SLF001 - its database is not its own
        self.door._watcher.join()  # noqa: SLF001 - the same

    def rounds(self) -> int:
        """Let the clerk make rounds until one is whole; return how many that took."""
        for number in range(1, 100):
            if self.clerk.make_round(self.other, StandingClock().now()):
                return number
            time.sleep(0.1)
        return 0

    def check(self) -> None:
        """The console serves, the snapshot is dated anew, the node is known again."""
        until(lambda: self.door.is_open)
        dated = read_head(self.home / FILE).published_us
        with self.other.begin() as tx:
            tx.run("UPDATE snapshot_revision SET revision = revision + 1")
        until(lambda: read_head(self.home / FILE).published_us > dated)
        until(lambda: [node.name for node in all_nodes(self.other)] == ["gw-1"])
