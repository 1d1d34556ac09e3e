"""Two people at one fapiao, one red form or one answer in the same moment: one of them decides."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from threading import Barrier

import pytest

from tests.rooms.fapiao.shop import BOSS, CLERK, Shop
from tests.rooms.fapiao.test_by_hand import approved, upload, xml
from tests.rooms.fapiao.test_forms_by_hand import FORM, asked
from tests.rooms.fapiao.test_red_odds import seen
from tests.told import told
from yuejie.fapiao.issuing.upload import Upload, upload_fapiao, upload_red
from yuejie.fapiao.life import FapiaoState, RedState
from yuejie.fapiao.request import Pick, approve_fapiao, decline_fapiao, what_is_available
from yuejie.fapiao.reversing.buyer import approve_answer, propose_answer
from yuejie.fapiao.reversing.by_hand import Filed, end_form, file_form, note_buyers_form
from yuejie.fapiao.reversing.form import FormEnd, RedReason
from yuejie.fapiao.reversing.reverse import RedWish, approve_red, request_red, withdraw_red
from yuejie.kernel.errors import Conflict, Invalid
from yuejie.ledger.check import check_ledger

ROUNDS = range(5)
ONE = {("done", "refused"), ("refused", "done")}
RED = ("26332000000123456790", "-100.00", "-6.00", "-106.00")


@dataclass(frozen=True, slots=True)
class _Key:
    key: str


def both(left: Callable[[], object], right: Callable[[], object]) -> tuple[str, str]:
    """Let two deeds begin in the same moment; anything but a refusal in words is a fault."""
    start = Barrier(2)

    def do(deed: Callable[[], object]) -> str:
        start.wait(10)
        try:
            deed()
        except (Conflict, Invalid):
            return "refused"
        return "done"

    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(do, (left, right))
    return one, other


@pytest.mark.parametrize("_", ROUNDS)
def test_a_request_is_approved_or_declined_and_its_lines_are_free_again(shop: Shop, _: int) -> None:
    """Declined behind the approval or before it: nobody issues it, and who asked is told once."""
    (asked,) = shop.request(Pick(shop.bill("2026-10", [(10_600, 60_000)])))
    outcome = both(
        partial(approve_fapiao, shop.db, asked.key, provider="manual", by=BOSS, now=shop.now),
        partial(decline_fapiao, shop.db, asked.key, why="抬头停用", by="third", now=shop.now),
    )
    assert outcome in {("done", "done"), ("refused", "done"), ("done", "refused")}
    if outcome[1] == "refused":
        decline_fapiao(shop.db, asked.key, why="抬头停用", by="third", now=shop.now)
    assert shop.fapiao(asked.key).state is FapiaoState.REJECTED
    assert len(told(shop.db)) == 1
    with shop.db.read() as tx:
        assert what_is_available(tx, shop.customer_id).bills[0].left_fen == 10_600


@pytest.mark.parametrize("_", ROUNDS)
def test_what_was_issued_by_hand_is_not_declined(shop: Shop, _: int) -> None:
    name = approved(shop).key
    body = Upload({"xml": xml()})
    outcome = both(
        partial(upload_fapiao, shop.db, name, body, by=CLERK, now=shop.now),
        partial(decline_fapiao, shop.db, name, why="抬头停用", by=BOSS, now=shop.now),
    )
    assert outcome in ONE
    state = FapiaoState.ISSUED if outcome[0] == "done" else FapiaoState.REJECTED
    assert shop.fapiao(name).state is state


@pytest.mark.parametrize("_", ROUNDS)
def test_a_red_fapiao_is_asked_for_approved_and_taken_back_once(shop: Shop, _: int) -> None:
    blue = upload(shop, approved(shop).key, xml=xml())
    wish = RedWish(fapiao=blue.key, reason=RedReason.MISTAKE, why="抬头有误")
    asks = partial(request_red, shop.db, wish, by=CLERK, now=shop.now)
    assert both(asks, asks) in ONE
    with shop.db.read() as tx:
        (red,) = tx.rows(_Key, "SELECT key FROM fapiao_red")
    outcome = both(
        partial(approve_red, shop.db, red.key, by=BOSS, now=shop.now),
        partial(withdraw_red, shop.db, red.key, why="抬头无误", by="third", now=shop.now),
    )
    assert outcome in {("done", "done"), ("refused", "done"), ("done", "refused")}
    if outcome[1] == "done":
        assert len(told(shop.db)) == 1


@pytest.mark.parametrize("_", ROUNDS)
def test_a_form_is_filed_ended_and_uploaded_once(shop: Shop, _: int) -> None:
    blue = upload(shop, approved(shop).key, xml=xml())
    red = asked(shop, blue)
    file_form(shop.db, red.key, Filed(number=FORM, filed_at=shop.now), by=CLERK, now=shop.now)
    outcome = both(
        partial(end_form, shop.db, red.key, FormEnd.DENIED, why="", by=BOSS, now=shop.now),
        partial(upload_red, shop.db, red.key, Upload({"xml": xml(*RED)}), by=CLERK, now=shop.now),
    )
    assert outcome in ONE
    state = RedState.VOID if outcome[0] == "done" else RedState.ISSUED
    assert shop.red(red.key).state is state
    assert all(checked.holds for checked in check_ledger(shop.db))


@pytest.mark.parametrize("_", ROUNDS)
def test_an_answer_is_not_changed_in_the_breath_of_its_approval(shop: Shop, _: int) -> None:
    """What two people approved is what both of them saw."""
    blue = upload(shop, approved(shop).key, xml=xml())
    shop.now += timedelta(hours=4)
    form = seen(shop, blue)
    notes = partial(note_buyers_form, shop.db, form, by=CLERK, now=shop.now)
    assert "done" in both(notes, notes)
    with shop.db.read() as tx:
        (red,) = tx.rows(_Key, "SELECT key FROM fapiao_red")
    propose_answer(shop.db, red.key, agree=True, why="折让", by=CLERK, now=shop.now)
    outcome = both(
        partial(propose_answer, shop.db, red.key, agree=False, why="否", by=CLERK, now=shop.now),
        partial(approve_answer, shop.db, red.key, agree=True, by=BOSS, now=shop.now),
    )
    assert outcome in ONE
    after = shop.red(red.key)
    assert (after.answer, after.approved_by) in {("agree", BOSS), ("deny", None)}
