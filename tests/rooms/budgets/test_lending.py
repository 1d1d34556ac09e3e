"""What is lent, used, given back and lost: a hard cap is never exceeded, and nothing stays lent."""

from datetime import timedelta
from pathlib import Path
from random import Random
from threading import Thread
from uuid import UUID

import msgspec
import pytest

from tests.rooms.budgets.desk import INPUT, NOW, NOW_MS, OUTPUT, Call, Desk, Worker
from tests.rooms.intake.shop import FOUNDED, Shop, publish
from yuejie.budgets.allowance import Measure, Mode, Period, Slot
from yuejie.budgets.check import check_budgets
from yuejie.budgets.keep import AllowanceDraft, Change, add_allowance, change_allowance
from yuejie.budgets.lending.give_up import presume_spent
from yuejie.budgets.lending.opening import open_missing
from yuejie.budgets.lending.store import prune_minutes
from yuejie.contracts.publish import open_book, publish_fx
from yuejie.db.session import Database
from yuejie.gateway.allow.slices import Slices
from yuejie.gateway.publish import load
from yuejie.gateway.snapshot import Snapshot, pack
from yuejie.intake.ingest import LIVE
from yuejie.intake.resolve import Measured, resolve_by_hand
from yuejie.intake.store import journals
from yuejie.kernel.errors import Conflict, Invalid
from yuejie.kernel.money import FxRate
from yuejie.usage.meters import Meter

WORST = 100 * INPUT + 100 * OUTPUT


@pytest.fixture
def desk(database: Database, shop: Shop, tmp_path: Path) -> Desk:
    return Desk(database, shop, tmp_path)


def test_what_a_call_used_is_spent_and_the_rest_is_free(desk: Desk) -> None:
    cap = desk.cap("本月", 3 * WORST)
    worker = Worker(desk)
    call = worker.begin(WORST)
    assert call is not None
    assert [(w.spent, w.leased) for w in desk.windows(cap)] == [(0, WORST)]
    worth = worker.end(call, tokens_in=40, tokens_out=10)
    desk.read_journals()
    assert [(w.spent, w.leased) for w in desk.windows(cap)] == [(worth, WORST - worth)]
    worker.give_back()
    desk.read_journals()
    assert [(w.spent, w.leased) for w in desk.windows(cap)] == [(worth, 0)]
    assert check_budgets(desk.db, [desk.shop.acme]) == []


def test_a_call_passes_all_of_its_scopes_or_takes_of_none(desk: Desk) -> None:
    whole = desk.cap("客户", 10 * WORST)
    narrow = desk.cap("项目", WORST, project="main")
    elsewhere = desk.cap("别处", 0, model="gpt-3.5-turbo")
    worker = Worker(desk)
    rows = [row for row in desk.rows() if row.number != elsewhere.number]
    needs = [worker.need(row, WORST) for row in rows]
    worker.ask(needs, 0)
    assert all(need.slice.free == WORST for need in needs)
    other = Worker(desk)
    needs = [other.need(row, WORST) for row in rows]
    other.ask(needs, 0)
    assert all(need.slice.free == 0 for need in needs)
    assert [w.leased for w in desk.windows(whole, narrow)] == [WORST, WORST]


def test_near_the_cap_nobody_is_given_more_than_asked_for(desk: Desk) -> None:
    cap = desk.cap("本月", 20 * WORST)
    worker = Worker(desk)
    assert worker.begin(WORST, ahead=100)
    (plenty,) = desk.windows(cap)
    assert plenty.leased == 2 * WORST
    assert Worker(desk).begin(WORST, ahead=100)
    (less,) = desk.windows(cap)
    assert less.leased == 4 * WORST
    for _ in range(6):
        assert Worker(desk).begin(2 * WORST, ahead=100)
    (near,) = desk.windows(cap)
    assert near.leased == 16 * WORST


def test_a_dead_worker_leaves_what_it_may_have_spent_and_nothing_lent(desk: Desk) -> None:
    cap = desk.cap("本月", 5 * WORST)
    worker = Worker(desk)
    assert worker.begin(WORST, ahead=3)
    ended = worker.begin(WORST)
    assert ended is not None
    worth = worker.end(ended, tokens_in=7, tokens_out=7)
    (open_call,) = worker.die()
    desk.read_journals()
    assert [(w.spent, w.leased) for w in desk.windows(cap)] == [(WORST + worth, 0)]
    assert check_budgets(desk.db, [desk.shop.acme]) == []

    known = Measured(quantities={Meter.INPUT: 10, Meter.OUTPUT: 10}, model="gpt-4o")
    resolve_by_hand(desk.db, UUID(bytes=open_call.begun.event), known, by="test")
    really = 10 * INPUT + 10 * OUTPUT
    assert [(w.spent, w.leased) for w in desk.windows(cap)] == [(really + worth, 0)]
    assert check_budgets(desk.db, [desk.shop.acme]) == []


def test_a_journal_that_is_over_is_lent_nothing_more(desk: Desk) -> None:
    desk.cap("本月", 5 * WORST)
    worker = Worker(desk)
    assert worker.begin(WORST)
    worker.die()
    desk.read_journals()
    with pytest.raises(Conflict, match="已经结束"):
        worker.begin(WORST)


def test_who_cannot_measure_counts_the_worst_case(desk: Desk) -> None:
    cap = desk.cap("本月", 5 * WORST)
    worker = Worker(desk)
    call = worker.begin(WORST)
    assert call is not None
    worker.end(call, tokens_in=0, tokens_out=0, state="unmeasured")
    desk.read_journals()
    assert [(w.spent, w.leased) for w in desk.windows(cap)] == [(WORST, 0)]


def test_a_call_that_costs_more_than_its_worst_case_is_never_lost(desk: Desk) -> None:
    cap = desk.cap("本月", 5 * WORST)
    worker = Worker(desk)
    call = worker.begin(WORST)
    assert call is not None
    worth = worker.end(call, tokens_in=1000, tokens_out=100)
    assert worth > WORST
    desk.read_journals()
    assert [(w.spent, w.leased) for w in desk.windows(cap)] == [(worth, 0)]
    assert worker.begin(WORST) is None
    assert [w.leased for w in desk.windows(cap)] == [0]


def test_a_new_cap_counts_what_the_month_has_used(desk: Desk) -> None:
    first = desk.cap("先", 9 * WORST)
    worker = Worker(desk)
    call = worker.begin(WORST)
    assert call is not None
    worth = worker.end(call, tokens_in=50, tokens_out=3)
    desk.read_journals()
    tokens = desk.cap("词", 10**6, measure=Measure.TOKENS, currency="")
    requests = desk.cap("次", 10, measure=Measure.REQUESTS, currency="", period=Period.DAY)
    later = desk.cap("后", 9 * WORST, project="main")
    other = desk.cap("旁", 9 * WORST, model="gpt-3.5-turbo")
    spent = {w.number: w.spent for w in desk.windows(first, tokens, requests, later, other)}
    assert spent == {
        first.number: worth,
        tokens.number: 53,
        requests.number: 1,
        later.number: worth,
    }
    assert check_budgets(desk.db, [desk.shop.acme]) == []


def test_a_changed_cap_counts_what_its_period_used_in_another_currency(desk: Desk) -> None:
    """A contract changed its book within the month: dollars were used, and now it is yuan."""
    cap = desk.cap("本月", 10 * WORST)
    worker = Worker(desk)
    call = worker.begin(WORST)
    assert call is not None
    worker.end(call, tokens_in=100, tokens_out=100)
    worker.die()
    desk.read_journals()
    rate = FxRate.parse("8", "USD", "CNY")
    publish_fx(desk.db, rate, NOW.date(), source="x", by="t", now=NOW)
    (dollars,) = desk.windows(cap)
    with desk.db.begin() as tx:
        slot = Slot(cap.number, dollars.starts_s, "CNY")
        open_missing(tx, [slot], {cap.number: cap}, now=NOW)
    assert {w.unit: w.cap for w in desk.windows(cap)} == {"USD": 10 * WORST, "CNY": 9 * WORST * 8}
    change_allowance(desk.db, desk.shop.acme, "本月", Change(cap=11 * WORST), by="t", now=NOW)
    assert {w.unit: w.cap for w in desk.windows(cap)} == {"USD": 11 * WORST, "CNY": 10 * WORST * 8}


YUAN = """
currency = "CNY"
[models."gpt-4o"]
input = "40"
output = "120"
"""


def test_a_new_cap_counts_what_its_period_used_in_either_currency(desk: Desk) -> None:
    """Yuan are what is used now, dollars what was used before: neither window forgets the other."""
    open_book(desk.db, "yuan", kind="sale", currency="CNY", by="t", now=FOUNDED)
    publish(desk.db, "yuan", YUAN)
    worker = Worker(desk)
    calls = [worker.begin(0), worker.begin(0)]
    with desk.db.read() as tx:
        rates = next(book.rates for book in load(tx).books if book.book_id == "yuan")
    for call in calls:
        assert call is not None
        worker.end(call, tokens_in=100, tokens_out=100)
        desk.rates = {rate.meter: rate.rate_id for rate in rates}
        desk.picos |= {rate.rate_id: rate.pico for rate in rates}
    worker.die()
    desk.read_journals()
    rate = FxRate.parse("8", "USD", "CNY")
    publish_fx(desk.db, rate, NOW.date(), source="x", by="t", now=NOW)
    cap = desk.cap("后", 10 * WORST)
    assert {w.unit: (w.cap, w.spent) for w in desk.windows(cap)} == {
        "USD": (9 * WORST, WORST),
        "CNY": (9 * WORST * 8, WORST * 8),
    }


def test_a_cap_for_the_contracts_term_counts_from_the_contracts_start(desk: Desk) -> None:
    desk.cap("先", 9 * WORST)
    worker = Worker(desk)
    call = worker.begin(WORST)
    assert call is not None
    worth = worker.end(call, tokens_in=50, tokens_out=3)
    desk.read_journals()
    later = NOW + timedelta(days=2)
    draft = AllowanceDraft(
        name="期", measure=Measure.MONEY, currency="USD", cap=9 * WORST, period=Period.TERM
    )
    term = add_allowance(desk.db, desk.shop.acme, draft, by="test", now=later)
    assert [w.spent for w in desk.windows(term)] == [worth]
    assert check_budgets(desk.db, [desk.shop.acme]) == []


def test_a_lower_cap_holds_at_once(desk: Desk) -> None:
    cap = desk.cap("本月", 9 * WORST)
    worker = Worker(desk)
    assert worker.begin(WORST)
    change_allowance(desk.db, desk.shop.acme, "本月", Change(cap=WORST), by="test", now=NOW)
    assert Worker(desk).begin(WORST) is None
    assert [w.cap for w in desk.windows(cap)] == [WORST]


@pytest.mark.parametrize(
    ("facts", "mode"),
    [
        ({"measure": Measure.CONCURRENCY, "period": Period.ALWAYS}, Mode.PACED),
        ({"measure": Measure.CONCURRENCY, "period": Period.ALWAYS}, Mode.SOFT),
        ({"measure": Measure.REQUESTS, "period": Period.MINUTE}, Mode.SOFT),
    ],
)
def test_a_cap_is_not_changed_into_what_could_not_be_added(
    desk: Desk, facts: dict[str, object], mode: Mode
) -> None:
    desk.cap("限", 5, currency="", **facts)
    with pytest.raises(Invalid):
        change_allowance(desk.db, desk.shop.acme, "限", Change(mode=mode), by="test", now=NOW)


def test_a_paced_cap_lets_pass_while_anything_is_left(desk: Desk) -> None:
    cap = desk.cap("本月", 2 * WORST, mode=Mode.PACED)
    worker = Worker(desk)
    passed = []
    while (call := worker.begin(WORST)) is not None:
        passed.append(worker.end(call, tokens_in=100, tokens_out=100))
        desk.read_journals()
    assert len(passed) == 2
    assert [(w.spent, w.leased) for w in desk.windows(cap)] == [(2 * WORST, 0)]


def test_a_call_whose_price_is_not_there_counts_its_worst_case(desk: Desk) -> None:
    """Restored to before a price was published, a house meets calls that were made by it."""
    cap = desk.cap("本月", 3 * WORST)
    worker = Worker(desk)
    call, sound = worker.begin(WORST), worker.begin(WORST)
    assert call is not None
    assert sound is not None
    desk.picos[999_999] = INPUT
    known = desk.rates["input"]
    desk.rates["input"] = 999_999
    worker.end(call, tokens_in=4, tokens_out=1)
    desk.rates["input"] = known
    worth = worker.end(sound, tokens_in=4, tokens_out=1)
    desk.read_journals()
    with desk.db.read() as tx:
        assert [row.state for row in journals(tx)] == [LIVE]
    assert [(w.spent, w.leased) for w in desk.windows(cap)] == [(WORST + worth, WORST - worth)]
    assert check_budgets(desk.db, [desk.shop.acme]) == []

    lost = Measured(quantities={Meter.INPUT: 4, Meter.OUTPUT: 1}, model="gpt-4o")
    resolve_by_hand(desk.db, UUID(bytes=call.begun.event), lost, by="test")
    assert [w.spent for w in desk.windows(cap)] == [2 * worth]
    assert check_budgets(desk.db, [desk.shop.acme]) == []


@pytest.mark.parametrize("tidied", [False, True])
def test_a_cap_that_was_soft_for_a_while_gives_nothing_twice(desk: Desk, *, tidied: bool) -> None:
    """The journal was given two calls' worth in all: one of them is used, and stays so."""
    desk.cap("本月", 3 * WORST)
    worker = Worker(desk)
    call = worker.begin(WORST)
    assert call is not None
    worker.end(call, tokens_in=100, tokens_out=100)
    for mode in (Mode.SOFT, Mode.HARD):
        change_allowance(desk.db, desk.shop.acme, "本月", Change(mode=mode), by="test", now=NOW)
        worker.slices.know(desk.rows())
        if tidied:
            assert worker.slices.due(NOW_MS * 1000) == []
    passed = 0
    while worker.begin(WORST) is not None:
        passed += 1
    assert passed == 2


@pytest.mark.parametrize("state", ["measured", "unmeasured"])
def test_an_end_that_is_written_twice_is_spent_once(desk: Desk, state: str) -> None:
    """However a journal came to hold it again, in one batch with the first or in a later one."""
    cap = desk.cap("本月", 5 * WORST)
    minute = desk.cap("每分", 5 * WORST, period=Period.MINUTE)
    worker = Worker(desk)
    call, waiting = worker.begin(WORST), worker.begin(WORST)
    assert call is not None
    assert waiting is not None
    worth = worker.end(call, tokens_in=40, tokens_out=10, state=state) or WORST
    again = worker.written[-1]
    worker.write(again)
    desk.read_journals()
    expected = [(worth, 2 * WORST - worth)] * 2
    assert [(w.spent, w.leased) for w in desk.windows(cap, minute)] == expected
    worker.write(again)
    desk.read_journals()
    assert [(w.spent, w.leased) for w in desk.windows(cap, minute)] == expected
    assert check_budgets(desk.db, [desk.shop.acme]) == []


def test_windows_that_are_over_give_back_what_they_had() -> None:
    slices = Slices()
    assert slices.due(0) == []


@pytest.mark.parametrize("seed", range(12))
def test_whatever_happens_a_hard_cap_holds(desk: Desk, seed: int) -> None:
    """
    Workers come, call, give back and die at random, while the intake reads now and then: at no
    moment is more spent and lent than the caps, and in the end nothing is lent.
    """
    rng = Random(seed)
    caps = [desk.cap("大", 12 * WORST), desk.cap("小", 9 * WORST, key=desk.shop.key_id)]
    workers = [Worker(desk) for _ in range(3)]
    spent = 0
    for _ in range(60):
        spent += _anything(desk, workers, rng)
        for window in desk.windows(*caps):
            assert window.spent + window.leased <= window.cap
    for worker in workers:
        while worker.calls:
            spent += _end(worker, rng)
        worker.die()
    desk.read_journals()
    for window in desk.windows(*caps):
        assert (window.spent, window.leased) == (spent, 0)
        assert window.spent <= window.cap
    assert check_budgets(desk.db, [desk.shop.acme]) == []


def _anything(desk: Desk, workers: list[Worker], rng: Random) -> int:
    """Do one thing, and return what it certainly spent."""
    worker = rng.choice(workers)
    match rng.randrange(8):
        case 0 | 1 | 2:
            worker.begin(rng.randrange(1, WORST + 1), ahead=rng.randrange(4))
        case 3 | 4 if worker.calls:
            return _end(worker, rng)
        case 5:
            worker.give_back()
        case 6:
            desk.read_journals()
        case 7 if rng.random() < 0.2:
            workers[workers.index(worker)] = Worker(desk)
            return sum(call.hold.pico for call in worker.die())
    return 0


def _end(worker: Worker, rng: Random) -> int:
    call: Call = rng.choice(worker.calls)
    worst = call.hold.pico
    if rng.random() < 0.1:
        worker.end(call, tokens_in=0, tokens_out=0, state="unmeasured")
        return worst
    tokens_in = rng.randrange(worst // INPUT + 1)
    return worker.end(call, tokens_in=tokens_in, tokens_out=0)


def test_many_at_once_are_given_no_more_than_there_is(desk: Desk) -> None:
    cap = desk.cap("本月", 10 * WORST)
    passed: list[Call] = []

    def crowd() -> None:
        worker = Worker(desk)
        for _ in range(5):
            call = worker.begin(WORST, ahead=2)
            if call is not None:
                passed.append(call)

    threads = [Thread(target=crowd) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (window,) = desk.windows(cap)
    assert window.leased <= 10 * WORST
    assert 0 < len(passed) <= 10


def test_minutes_are_forgotten_when_they_are_long_over(desk: Desk) -> None:
    rate = desk.cap("限速", 5, measure=Measure.REQUESTS, currency="", period=Period.MINUTE)
    worker = Worker(desk)
    call = worker.begin(WORST)
    assert call is not None
    worker.end(call, tokens_in=1, tokens_out=1)
    worker.die()
    desk.read_journals()
    assert [(w.spent, w.leased) for w in desk.windows(rate)] == [(1, 0)]
    later = int((NOW + timedelta(days=2)).timestamp())
    with desk.db.begin() as tx:
        assert prune_minutes(tx, before_s=later) == 1
    assert desk.windows(rate) == []


def test_a_cap_of_a_hundred_million_yuan_reaches_the_gateways(desk: Desk) -> None:
    """Picos of more than nine million yuan are no number of 64 bits."""
    desk.cap("年", 10**8 * 10**12, period=Period.YEAR)
    with desk.db.read() as tx:
        body = pack(load(tx))
    (row,) = msgspec.msgpack.decode(body, type=Snapshot).allowances
    assert int(row.cap) == 10**20
    assert Worker(desk).begin(WORST, ahead=10**6)


def test_a_lost_journal_is_presumed_to_have_spent_all_until_it_is_found(desk: Desk) -> None:
    """
    A node's disk is lost with a call that had ended and one under way: all that the worker had is
    counted as spent, and nothing stays lent. The disk is found: what was really used takes its
    place, and the worst case of the call that never ended.
    """
    cap = desk.cap("本月", 20 * WORST)
    worker = Worker(desk)
    ended = worker.begin(WORST, ahead=1)
    assert ended is not None
    worth = worker.end(ended, tokens_in=9, tokens_out=9)
    assert worker.begin(WORST)
    with desk.db.begin() as tx:
        assert presume_spent(tx, worker.journal.journal_id) == 1
    assert [(w.spent, w.leased) for w in desk.windows(cap)] == [(2 * WORST, 0)]
    assert check_budgets(desk.db, [desk.shop.acme]) == []
    with pytest.raises(Conflict, match="已经结束"):
        worker.begin(3 * WORST)
    worker.die()
    desk.read_journals()
    assert [(w.spent, w.leased) for w in desk.windows(cap)] == [(worth + WORST, 0)]
    assert check_budgets(desk.db, [desk.shop.acme]) == []
