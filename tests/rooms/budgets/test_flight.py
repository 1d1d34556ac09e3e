"""By how much a paced cap may be overshot: what is under way over all workers, and since when."""

import asyncio
from pathlib import Path

import pytest

from tests.rooms.budgets.desk import INPUT, NOW, NOW_MS, OUTPUT, Desk, Worker
from tests.rooms.intake.shop import Shop
from yuejie.budgets.allowance import Mode
from yuejie.budgets.lending.give_up import presume_spent
from yuejie.budgets.show import Standing, standings
from yuejie.db.session import Database
from yuejie.gateway.allow.leases import FLOWN_US, Leases
from yuejie.kernel.ids import uuid7_at
from yuejie.usage.journal import FlyingRow, Returned

WORST = 100 * INPUT + 100 * OUTPUT


@pytest.fixture
def desk(database: Database, shop: Shop, tmp_path: Path) -> Desk:
    return Desk(database, shop, tmp_path)


def tell(worker: Worker) -> None:
    """Write into the journal what the worker has under way, as its loop does."""
    rows: tuple[FlyingRow, ...] = tuple(
        (*slot, str(worst), calls) for slot, (worst, calls) in worker.slices.flying().items()
    )
    worker.write(Returned(uuid7_at(NOW_MS), NOW_MS * 1000, (), (), rows))


def shown(desk: Desk) -> Standing:
    desk.read_journals()
    [found] = standings(desk.db, desk.shop.acme, now=NOW)
    return found


def test_the_bound_is_the_sum_over_all_workers_and_ends_with_the_calls(desk: Desk) -> None:
    """A paced cap reserves what is typical; three calls pass where one fits, and it says so."""
    desk.cap("放行后计", WORST, mode=Mode.PACED)
    one, two = Worker(desk), Worker(desk)
    calls = [one.begin(WORST), one.begin(WORST), two.begin(WORST)]
    assert all(calls)
    tell(one)
    tell(two)
    found = shown(desk)
    assert found.flight is not None
    assert (found.beyond, found.flight.calls, found.flight.at) == (3 * WORST, 3, NOW)
    for call in calls[:2]:
        assert call is not None
        one.end(call, tokens_in=100, tokens_out=100)
    tell(one)
    found = shown(desk)
    assert (found.beyond, found.spent) == (WORST, 2 * WORST)
    two.die()
    found = shown(desk)
    assert (found.beyond, found.flight) == (0, None)


def test_a_lost_workers_calls_are_no_longer_under_way(desk: Desk) -> None:
    desk.cap("放行后计", WORST, mode=Mode.PACED)
    worker = Worker(desk)
    worker.begin(WORST)
    tell(worker)
    assert shown(desk).beyond == WORST
    with desk.db.begin() as tx:
        presume_spent(tx, worker.journal.journal_id)
    [found] = standings(desk.db, desk.shop.acme, now=NOW)
    assert found.beyond == 0


def test_a_hard_cap_has_no_such_bound(desk: Desk) -> None:
    desk.cap("硬", 9 * WORST)
    worker = Worker(desk)
    worker.begin(WORST)
    assert worker.slices.flying() == {}
    assert shown(desk).beyond is None


def test_a_worker_tells_what_is_news_or_some_seconds_old(desk: Desk) -> None:
    """A call that stays is told again, so that its age is known; nothing is told of nothing."""
    desk.cap("放行后计", WORST, mode=Mode.PACED)
    worker = Worker(desk)
    now_us = NOW_MS * 1000

    async def told() -> list[list[tuple[str, int]]]:
        leases = Leases(lambda *_: {}, lambda _: None, lambda: now)
        leases.slices = worker.slices
        found = []
        for step in (0, 1, 2, FLOWN_US + 2, FLOWN_US + 3):
            now = now_us + step
            if step == 1:
                call = worker.begin(WORST)
            if step == FLOWN_US + 3:
                assert call is not None
                call.hold.release()
            found.append([(worst, calls) for *_, worst, calls in leases.under_way()])
        leases.close()
        return found

    held = [(str(WORST), 1)]
    assert asyncio.run(told()) == [[], held, [], held, [("0", 0)]]
