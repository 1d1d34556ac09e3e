"""A call is seen live within two seconds: what is waited for on its way, added up and walked."""

from pathlib import Path

from tests.rooms.budgets.desk import NOW, Desk, Worker
from tests.rooms.intake.shop import open_shop
from yuejie.bills.live.board import FRESH_FOR
from yuejie.bills.live.look import look
from yuejie.db.session import Database
from yuejie.gateway.meter.ink import GATHER_SECONDS
from yuejie.intake.ingest import POLL_SECONDS
from yuejie.web.api.billing.live import LOOK_SECONDS

WITHIN_SECONDS = 2
WORK_SECONDS = 0.2
"""Left for what is done in between: storing a batch, drawing a bill."""


def test_the_pauses_on_the_way_of_a_call_leave_time_for_the_work() -> None:
    """It is handed to the kernel with others, found by the ingest's next look, behind the drawing
    that somebody else was shown just before, and seen by the stream's next look."""
    pauses = GATHER_SECONDS + POLL_SECONDS + FRESH_FOR.total_seconds() + LOOK_SECONDS
    assert pauses + WORK_SECONDS <= WITHIN_SECONDS


def test_a_call_is_seen_behind_one_step_of_the_ingest(database: Database, tmp_path: Path) -> None:
    """Nothing else has to run: no sums, no second step, no commit to the disk."""
    desk = Desk(database, open_shop(database), tmp_path)
    desk.cap("本月", 10**15)
    acme = desk.shop.acme.customer_id
    before = look(database, acme, now=NOW)
    worker = Worker(desk)
    call = worker.begin(10**12)
    assert call is not None
    worth = worker.end(call, tokens_in=10_000, tokens_out=10_000)
    assert desk.ingest.step(NOW) == 1
    after = look(database, acme, now=NOW)
    assert worth > 0
    assert (before.gross.fen, after.gross.fen) == (0, worth // 10**10)
