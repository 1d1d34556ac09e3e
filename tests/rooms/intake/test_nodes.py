"""Nodes come, leave and are lost; their journals are found again, and each call counts once."""

import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from tests.rooms.budgets.desk import NOW, Desk, Worker
from tests.rooms.budgets.test_lending import WORST
from tests.rooms.intake.calls import (
    OCTOBER_MS,
    StandingClock,
    begin,
    calls,
    end,
    events,
    journal_id,
    know_rates,
    open_journal,
    quantities,
    rolled_up,
    whole,
    write,
)
from tests.rooms.intake.shop import Shop, open_shop
from yuejie.budgets.check import check_budgets
from yuejie.budgets.lending.lease import JournalOver, join
from yuejie.db.session import Database
from yuejie.intake.ingest import Ingest
from yuejie.intake.nodes.adopt import Adopted, adopt
from yuejie.intake.nodes.beat import Beat, Published
from yuejie.intake.nodes.keep import all_lost_tails, all_nodes, drain, resume
from yuejie.intake.nodes.lose import declare_lost, foresee_loss
from yuejie.intake.nodes.node import Node, NodeState
from yuejie.intake.nodes.tails import Tails
from yuejie.kernel.clock import SystemClock
from yuejie.kernel.errors import Conflict, Invalid
from yuejie.usage.journal import START
from yuejie.usage.nodes.home import is_leaving, node_of, sign_writer

LATER = NOW + timedelta(minutes=1)
FALL_SILENT = "UPDATE node SET beat_at = beat_at - INTERVAL '1 minute' WHERE name = %(name)s"


class Site:
    """A node without processes: its home, its ingest, its beat."""

    def __init__(self, db: Database, home: Path, name: str) -> None:
        self.db, self.home, self.name = db, home, name
        home.mkdir(parents=True, exist_ok=True)
        self.node_id = node_of(home, journal_id())
        self.tails = Tails(home)
        know_rates(db)
        self.ingest = Ingest(db, home, name, StandingClock(), tails=self.tails)
        published = lambda: Published(1, datetime.now(UTC))  # noqa: E731
        self.beat = Beat(db, home, self.node_id, name, self.tails, published, SystemClock())

    def read(self) -> int:
        events = self.ingest.step(LATER)
        while self.ingest.behind:
            events += self.ingest.step(LATER)
        return events

    @property
    def node(self) -> Node:
        return next(node for node in all_nodes(self.db) if node.node_id == self.node_id)

    def fall_silent(self) -> None:
        with self.db.begin() as tx:
            tx.run(FALL_SILENT, name=self.name)

    def lose(self) -> None:
        self.fall_silent()
        declare_lost(self.db, self.name, confirmed=str(self.node_id), by="t", why="盘坏", now=NOW)


@pytest.fixture
def site(database: Database, tmp_path: Path) -> Site:
    return Site(database, tmp_path / "home", "gw-1")


def tail(site: Site) -> tuple[int, int | None]:
    found = site.tails.measure()
    return sum(each.bytes for each in found), found[0].calls if found else 0


def test_the_tail_is_what_only_this_disk_knows(site: Site) -> None:
    """Bytes and calls of a journal beyond what is stored, whether they have ended or not."""
    journal = open_journal(site.home)
    made = calls(30)
    write(journal, whole(made[:10]))
    size = (journal.folder / "00000001.wal").stat().st_size
    assert tail(site) == (size - START.offset, None), "nobody has asked the database yet"
    site.read()
    assert tail(site) == (0, 0)
    open_call = begin()
    write(journal, [*whole(made[10:25]), open_call])
    grown = (journal.folder / "00000001.wal").stat().st_size
    assert tail(site) == (grown - size, 16)
    site.read()
    assert tail(site) == (0, 1), "the one that is under way would be lost"
    journal.close()
    site.read()
    assert tail(site) == (0, 0)


def test_the_tail_is_counted_over_segments_and_from_where_another_reader_got_to(
    database: Database, tmp_path: Path
) -> None:
    site = Site(database, tmp_path, "gw-1")
    journal = open_journal(tmp_path, segment_bytes=40_000)
    write(journal, whole(calls(3)))
    site.read()
    for call in calls(900, seed=2):
        write(journal, whole([call]))
    assert tail(site)[1] == 900
    Site(database, tmp_path, "gw-1").read()
    site.read()  # overtaken
    site.read()
    assert tail(site) == (0, 0)
    journal.close()


def test_a_node_joins_tells_and_leaves_in_good_order(site: Site) -> None:
    """It has left when nothing of it is outstanding: no worker, no unread call."""
    journal = open_journal(site.home)
    sign_writer(site.home, journal.journal_id)
    write(journal, whole(calls(5)))
    site.read()
    assert site.beat.step() is NodeState.SERVING
    write(journal, whole(calls(7, seed=3)))
    site.beat.step()
    node = site.node
    assert (node.workers, node.tail_calls, node.is_silent) == (1, 7, False)
    assert node.tail_bytes > 0
    assert node.knows >= 29
    assert abs(node.skew_ms) < 1000

    assert drain(site.db, "gw-1", by="t", why="升级", now=NOW).state is NodeState.DRAINING
    assert site.beat.step() is NodeState.DRAINING
    assert is_leaving(site.home)
    journal.close()
    assert site.beat.step() is NodeState.DRAINING, "seven calls are not read yet"
    site.read()
    assert site.beat.step() is NodeState.LEFT
    assert site.beat.step() is NodeState.LEFT
    assert is_leaving(site.home), "a gateway that is started now waits"

    assert resume(site.db, "gw-1", by="t", why="", now=NOW).state is NodeState.SERVING
    site.beat.step()
    assert not is_leaving(site.home)


def test_a_worker_of_an_older_build_is_told_as_such(site: Site) -> None:
    journal = open_journal(site.home)
    site.beat.step()
    assert site.node.knows == 0
    journal.close()


def test_a_node_that_stops_and_starts_has_left_and_joined(site: Site) -> None:
    site.beat.step()
    assert site.beat.step(ending=True) is NodeState.LEFT
    assert site.beat.step() is NodeState.SERVING


def test_only_a_silent_node_is_lost_and_only_by_its_number(site: Site) -> None:
    site.beat.step()
    with pytest.raises(Conflict, match="还有心跳，并未丢失"):
        foresee_loss(site.db, "gw-1")
    site.fall_silent()
    assert foresee_loss(site.db, "gw-1").node.is_silent
    with pytest.raises(Invalid, match="不符，未做改动"):
        declare_lost(site.db, "gw-1", confirmed="gw-1", by="t", why="盘坏", now=NOW)
    site.lose()
    with pytest.raises(Conflict, match="已宣告丢失"):
        site.lose()


@pytest.fixture
def shop(database: Database) -> Shop:
    return open_shop(database)


@pytest.fixture
def desk(database: Database, shop: Shop, tmp_path: Path) -> Desk:
    return Desk(database, shop, tmp_path)


def test_a_lost_nodes_leases_count_as_spent_until_its_journals_are_found(desk: Desk) -> None:
    """
    A node is lost with a call that had ended, one that was known to be under way, and one that
    nobody had heard of. The hard cap holds meanwhile, what is known lost is on the worklist; the
    disk is found, two nodes adopt it at once, and what was really used takes the place of it all.
    """
    db, cap = desk.db, desk.cap("本月", 20 * WORST)
    site = Site(db, desk.home, "gw-1")
    worker = Worker(desk)
    site.beat.step()
    known = worker.begin(WORST, ahead=2)
    assert known is not None
    site.read()
    site.beat.step()  # a call that has lasted a minute is told
    with db.begin() as tx:
        assert tx.value("SELECT count(*) FROM open_call") == 1
    join(db, worker.journal.journal_id, site.node_id)
    ended, unknown = worker.begin(WORST), worker.begin(WORST)
    assert ended is not None
    assert unknown is not None
    worth = worker.end(ended, tokens_in=9, tokens_out=9)
    rescued = desk.home.parent / "rescued"
    shutil.copytree(desk.home / "journals", rescued)

    with pytest.raises(Conflict, match="没有退出，也没有宣告丢失"):
        adopt(db, desk.home, "gw-2", rescued, clock=StandingClock())
    site.fall_silent()
    loss = declare_lost(db, "gw-1", confirmed=str(site.node_id), by="t", why="盘坏", now=NOW)
    assert (len(loss.journals), loss.calls) == (1, 1)
    (window,) = desk.windows(cap)
    assert (window.spent, window.leased) == (3 * WORST, 0)
    assert check_budgets(db, [desk.shop.acme]) == []
    (row,) = events(db, [end(known.begun)])
    assert (row.state, row.reason) == ("unmeasured", "worker_died")
    (lost,) = all_lost_tails(db)
    assert lost.tail_calls is not None
    with pytest.raises(JournalOver):
        worker.begin(3 * WORST)

    with ThreadPoolExecutor(2) as both:
        found = [
            both.submit(adopt, db, desk.home.parent / name, name, rescued, clock=StandingClock())
            for name in ("gw-2", "gw-3")
        ]
        taken = [each for one in found for each in one.result()]
    assert {each.state for each in taken} == {"drained"}
    assert sum(each.events for each in taken) == 2
    (window,) = desk.windows(cap)
    assert (window.spent, window.leased) == (worth + 2 * WORST, 0)
    assert check_budgets(db, [desk.shop.acme]) == []
    assert all_lost_tails(db) == []
    worker.die()


def test_a_lost_node_that_comes_back_goes_on_where_it_was(desk: Desk) -> None:
    """It was only cut off: nothing is lost, and the cap knows what was really used."""
    db, cap = desk.db, desk.cap("本月", 20 * WORST)
    site = Site(db, desk.home, "gw-1")
    worker = Worker(desk)
    site.beat.step()
    site.read()
    call = worker.begin(WORST, ahead=3)
    assert call is not None
    join(db, worker.journal.journal_id, site.node_id)
    site.read()
    site.lose()
    (window,) = desk.windows(cap)
    assert (window.spent, window.leased) == (2 * WORST, 0)
    worth = worker.end(call, tokens_in=5, tokens_out=5)
    worker.die()
    # Overtaken at first, for the journal was parked meanwhile; it does not say that all is read.
    assert site.read() == 1
    assert site.beat.step() is NodeState.SERVING
    (window,) = desk.windows(cap)
    assert (window.spent, window.leased) == (worth, 0)
    assert check_budgets(db, [desk.shop.acme]) == []


def test_leases_of_a_journal_that_nobody_ever_read_are_settled_too(desk: Desk) -> None:
    db, cap = desk.db, desk.cap("本月", 20 * WORST)
    site = Site(db, desk.home / "other", "gw-1")
    site.beat.step()
    worker = Worker(desk)
    join(db, worker.journal.journal_id, site.node_id)
    assert worker.begin(WORST)
    assert site.node.leases == 1
    site.lose()
    (window,) = desk.windows(cap)
    assert (window.spent, window.leased) == (WORST, 0)
    assert (site.node.leases, site.node.presumed) == (0, 1)
    worker.die()


def test_two_nodes_adopt_what_was_read_in_part_and_is_torn_at_its_end(
    database: Database, tmp_path: Path
) -> None:
    """Six thousand calls, a quarter of them read before; each is one event, however it is cut."""
    made, name = calls(6_000), journal_id()
    home = tmp_path / "home"
    site = Site(database, home, "gw-1")
    journal = open_journal(home, name)
    write(journal, whole(made[:1_500]))
    site.read()
    site.beat.step()
    write(journal, whole(made[1_500:]))
    journal.close()
    segment = journal.folder / "00000001.wal"
    torn = begin()
    with segment.open("ab") as file:
        file.write(b"\x50\x01\x00\x00\xde\xad\xbe\xef" + torn.event)
    rescued = tmp_path / "rescued"
    shutil.copytree(home, rescued)
    site.lose()
    start = threading.Barrier(2)

    def take(node: str) -> list[Adopted]:
        start.wait()
        return adopt(database, tmp_path / node, node, rescued, clock=StandingClock())

    with ThreadPoolExecutor(2) as both:
        taken = [each for one in both.map(take, ("gw-2", "gw-3")) for each in one]
    assert sum(each.events for each in taken) == 4_500
    assert {each.state for each in taken} == {"drained"}
    assert rolled_up(database) == quantities(made)
    again = adopt(
        database, tmp_path, "gw-2", rescued / "journals" / name.hex, clock=StandingClock()
    )
    assert again == [Adopted(name, 0, "drained")]
    assert rolled_up(database) == quantities(made)


def test_a_folder_without_journals_is_refused(database: Database, tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="没有流水"):
        adopt(database, tmp_path, "gw-2", tmp_path, clock=StandingClock())


def test_a_home_keeps_its_number(tmp_path: Path) -> None:
    first = node_of(tmp_path, journal_id())
    assert node_of(tmp_path, journal_id(OCTOBER_MS + 1)) == first
    (tmp_path / "node_id").write_text("gw-1")
    with pytest.raises(Invalid, match="应为节点编号"):
        node_of(tmp_path, UUID(int=0))
