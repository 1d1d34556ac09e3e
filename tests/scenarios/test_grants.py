"""Packages and vouchers: who gives them, to whom, and that no fen of one is drawn twice."""

import threading
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

import pytest

from tests.recorded import recorded
from tests.scenarios.books import Books, Party
from tests.scenarios.crowd import at_once
from tests.scenarios.test_terms import YUAN, M
from yuejie.bills.correct.granted import approve_grant
from yuejie.bills.review.ask import propose_bill
from yuejie.contracts.grants.give import ask_grant, reject_grant
from yuejie.contracts.grants.grant import Grant, GrantDraft, GrantKind
from yuejie.contracts.terms import STANDARD, Split
from yuejie.kernel.errors import Conflict, Forbidden, Invalid

OCTOBER = datetime(2026, 9, 30, 16, tzinfo=UTC)


@pytest.fixture
def yuan(books: Books) -> Books:
    books.prices(YUAN, currency="CNY")
    return books


def asks(books: Books, party: Party, **other: Any) -> Grant:
    draft = GrantDraft(
        customer_id=party.customer.customer_id,
        kind=GrantKind.PACKAGE,
        name="甲",
        amount_fen=1_000_00,
        paid_fen=800_00,
        starts_on=date(2026, 10, 1),
        ends_on=date(2027, 10, 1),
    )
    wanted = replace(draft, **other)
    return ask_grant(books.db, wanted, why="续约赠送", by="sales", now=books.tick())


def approves(books: Books, grant: Grant, by: str = "finance") -> Grant:
    return approve_grant(books.db, grant.grant_id, by=by, now=books.tick())


def test_a_customer_that_has_left_is_sold_no_package(yuan: Books) -> None:
    """
    Its contract is over on 1 November. A package from December was approved, and December's bill
    asked 800 for what nothing could be drawn from. One for October and on is sold.
    """
    terms = replace(STANDARD, ends_on=date(2026, 11, 1))
    acme = yuan.customer("acme", commercial=terms, starts=OCTOBER)
    with pytest.raises(Invalid, match="都不生效"):
        asks(yuan, acme, starts_on=date(2026, 12, 1))
    with pytest.raises(Invalid, match="都不生效"):
        asks(yuan, acme, starts_on=date(2026, 11, 1))
    approves(yuan, asks(yuan, acme, starts_on=date(2026, 10, 31)))


def test_a_contract_that_ends_before_the_approval_is_found_then(yuan: Books) -> None:
    acme = yuan.customer("acme", starts=OCTOBER)
    asked = asks(yuan, acme, starts_on=date(2026, 12, 1))
    over = replace(STANDARD, ends_on=date(2026, 11, 1))
    yuan.clock.at = datetime(2026, 10, 20, tzinfo=UTC)
    yuan.amend(acme, over, starts=yuan.clock.now())
    with pytest.raises(Invalid, match="都不生效"):
        approves(yuan, asked)


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ({"models": ("gpt-4o", "gpt4o")}, "限定的模型 gpt4o 不在合同的价目里"),
        ({"currency": "USD"}, "币种 USD 与客户合同的 CNY 不符"),
        ({"name": "甲\n乙"}, "须为一行文字"),
        ({"name": "甲" * 101}, "不超过 100 个字符"),
        ({"ends_on": date(9999, 1, 1)}, "须在 2000 年至 2199 年之间"),
    ],
)
def test_what_could_never_be_drawn_or_printed_is_refused(
    yuan: Books, other: dict[str, Any], says: str
) -> None:
    acme = yuan.customer("acme", starts=OCTOBER)
    with pytest.raises(Invalid, match=says):
        asks(yuan, acme, **other)


def test_a_voucher_reaches_back_into_no_month_that_was_billed(yuan: Books) -> None:
    """
    October is issued for 500. A voucher from 1 October, approved in November, drew nothing of it;
    but had one late call come, 510 of October were given back. It begins with a month whose bill
    nobody has seen.
    """
    acme = yuan.customer("acme", starts=OCTOBER)
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=50 * M)
    yuan.close("2026-10")
    asked = asks(yuan, acme, kind=GrantKind.VOUCHER, paid_fen=0)
    propose_bill(yuan.db, acme.bill("2026-10").bill_id, by="finance", now=yuan.tick())
    with pytest.raises(Conflict, match="请驳回后重新提出，起日最早写 2026-11-01"):
        approves(yuan, asked)
    reject_grant(yuan.db, asked.grant_id, why="起日", by="finance", now=yuan.tick())
    approves(
        yuan, asks(yuan, acme, kind=GrantKind.VOUCHER, paid_fen=0, starts_on=date(2026, 11, 1))
    )


@pytest.mark.parametrize("split", [Split.MERGED, Split.PROJECT])
def test_a_draft_that_nobody_has_seen_has_it_at_once(yuan: Books, split: Split) -> None:
    """
    October's draft says 500 when its voucher is approved. It was issued for 500, and as soon as one
    late call came, November gave 510 of October back.
    """
    terms = replace(STANDARD, split=split)
    acme = yuan.customer("acme", commercial=terms, starts=OCTOBER, projects=("main", "lab"))
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=20 * M)
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=30 * M, project="lab")
    yuan.close("2026-10")
    approves(yuan, asks(yuan, acme, kind=GrantKind.VOUCHER, paid_fen=0))
    assert sum(bill.gross.fen for bill in acme.bills("2026-10")) == 0
    for bill in acme.bills("2026-10"):
        yuan.issue(bill)
    acme.uses("2026-10-06 10:00:00", "gpt-4o", input=1 * M)
    yuan.close("2026-11")
    late = [line for bill in acme.bills("2026-11") for line in bill.lines]
    assert sum(line.amount_fen for line in late if line.kind == "voucher") == -10_00
    assert yuan.unproved() == []


def test_a_draft_that_nobody_has_seen_has_it_when_it_is_drawn_again(yuan: Books) -> None:
    acme = yuan.customer("acme", starts=OCTOBER)
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=50 * M)
    yuan.close("2026-10")
    approves(yuan, asks(yuan, acme, kind=GrantKind.VOUCHER, paid_fen=0))
    yuan.close("2026-10")
    assert acme.lines("2026-10")[1:] == ["代金券 甲 = -500.00"]
    assert yuan.unproved() == []


def test_a_drawing_waits_for_an_approval_that_is_under_way(yuan: Books) -> None:
    """
    Approved at an instant, and committed when October's bill had been drawn at a later one: the
    bill did not have it, and the proof said that it should. The drawing waits now, and has it.
    """
    acme = yuan.customer("acme", starts=OCTOBER)
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=50 * M)
    yuan.clock.at = datetime(2026, 11, 2, tzinfo=UTC)
    asked = asks(yuan, acme, kind=GrantKind.VOUCHER, paid_fen=0)
    closing = threading.Thread(target=yuan.close, args=("2026-10",))
    person = threading.Thread(
        target=approve_grant,
        args=(yuan.db, asked.grant_id),
        kwargs={"by": "finance", "now": yuan.clock.now()},
    )
    with yuan.db.begin() as tx:
        held = "SELECT 1 FROM customer_grant WHERE grant_id = %(name)s FOR UPDATE"
        tx.value(held, name=asked.grant_id)
        person.start()
        person.join(timeout=1)
        closing.start()
        closing.join(timeout=1)
        assert closing.is_alive(), "it waits for the approval"
    person.join()
    closing.join()
    assert acme.lines("2026-10")[1:] == ["代金券 甲 = -500.00"]
    assert yuan.unproved() == []


def test_an_approval_waits_for_a_drawing_and_comes_behind_it(yuan: Books) -> None:
    """Its clock is behind the bill's: it says an instant behind it, as an adjustment does."""
    acme = yuan.customer("acme", starts=OCTOBER)
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=50 * M)
    yuan.close("2026-10")
    asked = asks(yuan, acme, kind=GrantKind.VOUCHER, paid_fen=0)
    drawn = acme.bill("2026-10").closed_at
    earlier = datetime(2026, 10, 20, tzinfo=UTC)
    approve_grant(yuan.db, asked.grant_id, by="finance", now=earlier)
    (told,) = recorded(yuan.db, "grant", "approve")
    assert told.at > drawn
    assert yuan.unproved() == []


def test_of_three_that_decide_at_once_one_does(yuan: Books) -> None:
    """On real connections, again and again: never approved twice, never both ways."""
    acme = yuan.customer("acme", starts=OCTOBER)
    for number in range(6):
        name = asks(yuan, acme).grant_id
        now = yuan.tick()
        refused = at_once(
            partial(approve_grant, yuan.db, name, by="finance", now=now),
            partial(approve_grant, yuan.db, name, by="boss", now=now),
            partial(reject_grant, yuan.db, name, why="不批", by="head", now=now),
        )
        assert len(refused) == 2, refused
        assert all("已有审批结果" in sentence for sentence in refused)
        assert len(recorded(yuan.db, "grant", "approve", "reject")) == number + 1
    with pytest.raises(Forbidden):
        approves(yuan, asks(yuan, acme), by="sales")


def test_a_package_is_drawn_once_by_months_that_are_closed_at_once(yuan: Books) -> None:
    """
    1,000 for 800, and 700 used in each of October and November, both drafts; late calls come for
    both, and both are closed again in the same moment. Together they draw 1,000, whoever is first.
    """
    acme = yuan.customer("acme", starts=OCTOBER)
    approves(yuan, asks(yuan, acme))
    for month in ("2026-10", "2026-11"):
        acme.uses(f"{month}-05 10:00:00", "gpt-4o", input=70 * M)
    yuan.close("2026-10")
    yuan.close("2026-11")
    acme.uses("2026-11-06 10:00:00", "gpt-4o", input=20 * M)
    at_once(*(partial(yuan.close, month) for month in ("2026-11", "2026-11", "2026-10")))
    drawn = -sum(
        line.amount_fen
        for month in ("2026-10", "2026-11")
        for line in acme.bill(month).lines
        if line.kind in {"package", "voucher"}
    )
    assert drawn == 1_000_00
    assert yuan.unproved() == []
