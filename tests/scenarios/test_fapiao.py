"""From a month's usage to a fapiao at the tax office, and back, in finance's words."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from tests.rooms.fapiao.shop import SELLING, nuonuo_at
from tests.scenarios.books import Books
from tests.scenarios.conftest import PRICES
from yuejie.bills.correct.granted import approve_grant
from yuejie.bills.correct.take_back import decide_credit, request_credit
from yuejie.bills.pay import mark_paid, mark_unpaid
from yuejie.contracts.grants.give import ask_grant
from yuejie.contracts.grants.grant import GrantDraft, GrantKind
from yuejie.contracts.terms import STANDARD, DueBasis, SettlementOrder, encode_terms
from yuejie.demo.tax.launch import TaxPlatform, tax_here
from yuejie.fapiao.amounts import FapiaoRefused
from yuejie.fapiao.fapiao import Fapiao
from yuejie.fapiao.issuing.remind import remind_of_fapiao
from yuejie.fapiao.issuing.tend import tend
from yuejie.fapiao.life import FapiaoState
from yuejie.fapiao.request import (
    Pick,
    Wish,
    approve_fapiao,
    decline_fapiao,
    request_fapiao,
    what_is_available,
)
from yuejie.fapiao.reversing.form import RedReason
from yuejie.fapiao.reversing.reverse import RedWish, approve_red, request_red
from yuejie.fapiao.store import fapiao_by_name
from yuejie.fapiao.title import TitleDraft
from yuejie.fapiao.titles import open_title
from yuejie.kernel.errors import Conflict, Invalid

TITLE = TitleDraft(name="acme 有限公司", tax_number="91440300708461136T", emails=("ap@acme.cn",))


def minutes_pass(books: Books, platform: TaxPlatform, count: int) -> None:
    """Let the clerk make rounds every ten seconds."""
    nuonuo = nuonuo_at(books.db, platform.url)
    for _ in range(count * 6):
        platform.tell("clock", at=books.clock.at.isoformat())
        tend(books.db, nuonuo, now=books.clock.at)
        books.clock.at += timedelta(seconds=10)


def fapiao(books: Books, key: str) -> Fapiao:
    with books.db.read() as tx:
        found = fapiao_by_name(tx, key)
    assert found is not None
    return found


def test_fapiao_first_payment_counts_from_its_arrival(books: Books, tmp_path: Path) -> None:
    """
    Acme's contract says: fapiao first, and seven days to pay from the day it arrives.
    October's bill of 106.00 has no due date until the fapiao is mailed; then it has one, for good.
    In the end the title was wrong: the fapiao is reversed, and the 106.00 may be requested again.
    """
    books.prices(PRICES.replace("USD", "CNY"), currency="CNY")
    terms = replace(
        STANDARD,
        settlement_order=SettlementOrder.FAPIAO_FIRST,
        due_basis=DueBasis.FAPIAO_RECEIPT,
    )
    acme = books.customer("acme", commercial=terms)
    acme.uses("2026-10-15 10:00:00", "gpt-4o", input=21_200_000)
    books.close("2026-10")
    bill = books.issue(acme.bill("2026-10"))
    customer_id = acme.customer.customer_id
    assert (bill.gross.amount, bill.due_on) == ("106.00", None)
    open_title(books.db, "acme", TITLE, by="customer", now=books.clock.at)
    wish = Wish(picks=(Pick(str(bill.number)),))
    (asked,) = request_fapiao(
        books.db, customer_id, wish, SELLING, by="customer", now=books.clock.at
    )
    approve_fapiao(books.db, asked.key, provider="nuonuo", by="finance", now=books.clock.at)
    with tax_here(tmp_path / "tax.jsonl", at=books.clock.at) as platform:
        minutes_pass(books, platform, 2)
        issued = fapiao(books, asked.key)
        assert (issued.state, issued.amounts.gross_fen) == (FapiaoState.ISSUED, 10_600)
        due = acme.bill("2026-10").due_on
        assert due is not None
        assert issued.delivered_at is not None
        assert due >= issued.delivered_at.date() + timedelta(days=7)
        wish_red = RedWish(fapiao=asked.key, reason=RedReason.MISTAKE, why="抬头有误")
        red = request_red(books.db, wish_red, by="finance", now=books.clock.at)
        approve_red(books.db, red.key, by="boss", now=books.clock.at)
        minutes_pass(books, platform, 2)
        assert fapiao(books, asked.key).state is FapiaoState.REVERSED
        assert [row["what"] for row in platform.issued()] == ["blue", "red"]
    assert acme.bill("2026-10").due_on == due, "set once"
    with books.db.read() as tx:
        assert what_is_available(tx, customer_id).available_fen == 10_600


def test_a_bill_that_waits_for_no_fapiao_falls_due_by_its_own_date(
    books: Books, owner_url: str
) -> None:
    """
    Payment counts from the fapiao's arrival. Acme's contract, which is older than the refusal of
    such terms, lets none be requested before the money is there; a bill in dollars never has one,
    nor a bill of a package, which is not taxed. They would have fallen due never.
    """
    books.prices(PRICES)
    receipt = replace(STANDARD, due_basis=DueBasis.FAPIAO_RECEIPT)
    first = replace(receipt, settlement_order=SettlementOrder.FAPIAO_FIRST)
    books.fx("7", "2026-10-01")
    with pytest.raises(Invalid, match="永无到期之日"):
        books.customer("novus", commercial=receipt, fx_policy="bill")
    acme = books.customer("acme", commercial=first, fx_policy="bill")
    with psycopg.connect(owner_url, autocommit=True) as owner:
        owner.execute(
            "UPDATE contract SET terms = %s WHERE customer_id = %s",
            [encode_terms(receipt), acme.customer.customer_id],
        )
    dollars = books.customer("dollars", commercial=first, currency="USD")
    beta = books.customer("beta", commercial=first, fx_policy="bill")
    for party in (acme, dollars, beta):
        party.uses("2026-10-15 10:00:00", "gpt-4o", input=21_200_000)
    packed = books.customer("packed", commercial=first, fx_policy="bill")
    draft = GrantDraft(
        customer_id=packed.customer.customer_id,
        kind=GrantKind.PACKAGE,
        name="套餐",
        amount_fen=1_000_00,
        starts_on=date(2026, 1, 1),
        ends_on=date(2027, 1, 1),
        paid_fen=800_00,
    )
    asked = ask_grant(books.db, draft, why="随约赠送", by="sales", now=books.clock.now())
    approve_grant(books.db, asked.grant_id, by="finance", now=books.clock.now())
    books.close("2026-10")
    bills = [party.bill("2026-10") for party in (acme, dollars, beta, packed)]
    due = [books.issue(bill).due_on is not None for bill in bills]
    assert due == [True, True, False, True]


def test_finance_is_reminded_of_the_day_on_which_a_fapiao_is_promised(
    books: Books, tmp_path: Path
) -> None:
    """
    Acme's fapiao comes first, beta's behind its money; both are promised for the same day. Acme's
    is told of three days before and on the day, once each, until it is issued; beta's from its
    payment on, which came late.
    """
    books.prices(PRICES.replace("USD", "CNY"), currency="CNY")
    acme = books.customer(
        "acme", commercial=replace(STANDARD, settlement_order=SettlementOrder.FAPIAO_FIRST)
    )
    beta = books.customer("beta")
    for party in (acme, beta):
        party.uses("2026-10-15 10:00:00", "gpt-4o", input=21_200_000)
    books.close("2026-10")
    bills = [books.issue(party.bill("2026-10")) for party in (acme, beta)]
    by = bills[0].fapiao_by
    assert by is not None
    assert by == bills[1].fapiao_by

    def told(days: int) -> int:
        morning = datetime(by.year, by.month, by.day, 2, tzinfo=UTC) + timedelta(days=days)
        return remind_of_fapiao(books.db, morning)

    assert [told(days) for days in (-4, -3, -3, -1, 0)] == [0, 1, 0, 0, 1]
    open_title(books.db, "acme", TITLE, by="customer", now=books.clock.at)
    wish = Wish(picks=(Pick(str(bills[0].number)),))
    owner = acme.customer.customer_id
    (asked,) = request_fapiao(books.db, owner, wish, SELLING, by="customer", now=books.clock.at)
    approve_fapiao(books.db, asked.key, provider="nuonuo", by="finance", now=books.clock.at)
    with tax_here(tmp_path / "tax.jsonl", at=books.clock.at) as platform:
        minutes_pass(books, platform, 2)
    assert told(3) == 0, "what is issued lacks nothing, what is not paid has no fapiao"
    with books.db.begin() as tx:
        mark_paid(tx, bills[1].bill_id, by="bank", at=books.clock.at, why="到账")
    assert [told(days) for days in (4, 5)] == [1, 0]
    with books.db.read() as tx:
        facts = str(tx.value("SELECT facts FROM notice WHERE key LIKE '%%fapiao_due:-3'"))
    assert str(bills[1].number) in facts
    assert "106.00 CNY" in facts


def test_pay_first_nothing_is_available_before_the_money(books: Books) -> None:
    """Zeta pays first, as is usual: October's bill gives nothing to request until it is paid."""
    books.prices(PRICES.replace("USD", "CNY"), currency="CNY")
    zeta = books.customer("zeta")
    zeta.uses("2026-10-15 10:00:00", "gpt-4o", input=1_000_000)
    books.close("2026-10")
    bill = books.issue(zeta.bill("2026-10"))
    with books.db.read() as tx:
        assert what_is_available(tx, zeta.customer.customer_id).available_fen == 0
    with books.db.begin() as tx:
        mark_paid(tx, bill.bill_id, by="bank", at=books.clock.at, why="到账")
    with books.db.read() as tx:
        assert what_is_available(tx, zeta.customer.customer_id).available_fen == 500


def test_what_was_voided_or_is_unpaid_again_since_is_not_approved(books: Books) -> None:
    """
    A fapiao is requested, and before anybody approves it its bill is voided; another's transfer
    bounces, though its contract says: pay first. Neither may reach the tax office, and each is told
    its own reason.
    """
    books.prices(PRICES.replace("USD", "CNY"), currency="CNY")
    first = replace(STANDARD, settlement_order=SettlementOrder.FAPIAO_FIRST)
    db, asked = books.db, {}
    for slug, terms in (("acme", first), ("zeta", STANDARD)):
        party = books.customer(slug, commercial=terms)
        party.uses("2026-10-15 10:00:00", "gpt-4o", input=1_000_000)
        books.close("2026-10")
        bill = books.issue(party.bill("2026-10"))
        with db.begin() as tx:
            if slug == "zeta":
                mark_paid(tx, bill.bill_id, by="bank", at=books.clock.at, why="到账")
        open_title(db, slug, TITLE, by="customer", now=books.clock.at)
        wish = Wish(picks=(Pick(str(bill.number)),))
        who = party.customer.customer_id
        (asked[slug],) = request_fapiao(db, who, wish, SELLING, by="customer", now=books.clock.at)
        if slug == "acme":
            note = request_credit(
                db, bill.bill_id, amounts=None, why="作废", by="a", now=books.tick()
            )
            decide_credit(db, note.credit_note_id, approve=True, by="b", now=books.tick())
        else:
            with db.begin() as tx:
                mark_unpaid(tx, bill.bill_id, by="bank", at=books.clock.at, why="退票")
        with pytest.raises(Conflict, match="申请后"):
            approve_fapiao(db, asked[slug].key, provider="nuonuo", by="boss", now=books.tick())
        decline_fapiao(db, asked[slug].key, why="账单已变", by="boss", now=books.tick())
        with db.read() as tx:
            (share,) = what_is_available(tx, who).bills
        said = "账单已作废，不再开票" if slug == "acme" else "尚未结清"
        assert said in share.explained
        said = "已作废" if slug == "acme" else "先款后票"
        with pytest.raises(FapiaoRefused, match=said):
            request_fapiao(db, who, wish, SELLING, by="customer", now=books.tick())
