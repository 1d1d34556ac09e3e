"""A closing of many customers takes minutes; what is decided meanwhile stands on the next bill."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from tests.scenarios.books import Books, Party
from yuejie.bills.closing.close import Done, close_month
from yuejie.bills.correct.adjust import decide_adjustment, propose_adjustment
from yuejie.bills.correct.adjustment import Decision, Wanted
from yuejie.bills.correct.granted import approve_grant
from yuejie.bills.correct.store import adjustments_of
from yuejie.bills.correct.take_back import decide_credit, request_credit
from yuejie.bills.review.ask import propose_bill, reopen_bill
from yuejie.contracts.grants.give import ask_grant
from yuejie.contracts.grants.grant import GrantDraft, GrantKind
from yuejie.contracts.life.held import terms_of
from yuejie.contracts.sign import sign_contract
from yuejie.contracts.store import contracts_of
from yuejie.kernel.period import BillingMonth

M = 1_000_000
YUAN = """
[models."gpt-4o"]
input = "10"
output = "30"
"""
BEGAN = datetime(2026, 11, 5, 2, tzinfo=UTC)
MEANWHILE = BEGAN + timedelta(minutes=2)
OCTOBER = BillingMonth.parse("2026-10")


@pytest.fixture
def acme(books: Books) -> Party:
    books.prices(YUAN, currency="CNY")
    acme = books.customer("acme")
    for month in ("2026-10", "2026-11"):
        acme.uses(f"{month}-05 10:00:00", "gpt-4o", input=10 * M)
    return acme


def close(books: Books) -> None:
    """Let a closing that began two minutes ago come to its last customer."""
    books.clock.at = MEANWHILE
    close_month(books.db, OCTOBER, customer=None, commit=True, by="a", now=BEGAN)


def adjust(books: Books, party: Party, *, at: datetime, decided: datetime) -> str:
    wanted = Wanted(
        customer_id=party.customer.customer_id,
        service_month=OCTOBER,
        amount_fen=-500,
        currency="CNY",
        item="减免",
        why="更正",
    )
    asked = propose_adjustment(books.db, wanted, by="a", now=at)
    decide_adjustment(books.db, asked.adjustment_id, Decision.APPROVE, by="b", now=decided)
    return asked.adjustment_id


def test_an_adjustment_that_is_approved_meanwhile_waits(books: Books, acme: Party) -> None:
    adjust(books, acme, at=BEGAN, decided=MEANWHILE)
    close(books)
    assert acme.bill("2026-10").gross.fen == 100_00
    books.close("2026-11")
    assert acme.bill("2026-11").gross.fen == 95_00
    assert books.unproved() == []


def give_voucher(books: Books, acme: Party) -> None:
    """Thirty yuan from October on, asked for before the closing and approved while it runs."""
    draft = GrantDraft(
        customer_id=acme.customer.customer_id,
        kind=GrantKind.VOUCHER,
        name="甲",
        amount_fen=30_00,
        starts_on=date(2026, 10, 1),
        ends_on=date(2026, 12, 1),
    )
    asked = ask_grant(books.db, draft, why="随约赠送", by="a", now=BEGAN)
    approve_grant(books.db, asked.grant_id, by="b", now=MEANWHILE)


def test_a_voucher_that_is_approved_meanwhile_waits(books: Books, acme: Party) -> None:
    give_voucher(books, acme)
    close(books)
    assert acme.bill("2026-10").gross.fen == 100_00
    books.close("2026-11")
    assert acme.bill("2026-11").gross.fen == 70_00
    assert books.unproved() == []


def test_a_draft_that_a_voucher_was_drawn_on_meanwhile_keeps_it(books: Books, acme: Party) -> None:
    """A closing that began before the approval comes to a draft that the approval has drawn."""
    close_month(books.db, OCTOBER, customer=None, commit=True, by="a", now=BEGAN)
    give_voucher(books, acme)
    assert acme.bill("2026-10").gross.fen == 70_00
    acme.uses("2026-10-06 10:00:00", "gpt-4o", input=M)
    close(books)
    assert acme.bill("2026-10").gross.fen == 80_00
    assert books.unproved() == []
    bill = acme.bill("2026-10").bill_id
    propose_bill(books.db, bill, by="a", now=BEGAN)
    reopen_bill(books.db, bill, by="a", now=BEGAN, why="重算")
    assert acme.bill("2026-10").gross.fen == 80_00
    assert books.unproved() == []


def test_an_amendment_that_is_signed_meanwhile_is_of_the_next_bill(
    books: Books, acme: Party
) -> None:
    """A fee of 9.00 from the beginning of October on."""
    with books.db.read() as tx:
        (held,) = contracts_of(tx, acme.customer.customer_id)
        terms = terms_of(tx, held)
    more = replace(
        terms,
        starts_at=datetime(2026, 9, 30, 16, tzinfo=UTC),
        commercial=replace(terms.commercial, management_fee_fen=9_00),
    )
    sign_contract(books.db, more, by="b", now=MEANWHILE, contract_id=held.contract_id)
    close(books)
    assert acme.bill("2026-10").gross.fen == 100_00
    books.close("2026-11")
    assert books.unproved() == []


def test_a_bill_that_is_voided_meanwhile_waits_for_the_next_closing(
    books: Books, acme: Party
) -> None:
    """Its usage is billed again by a closing that begins behind that."""
    books.close("2026-10")
    bill = books.issue(acme.bill("2026-10"))
    began = datetime(2026, 12, 5, 2, tzinfo=UTC)
    later = began + timedelta(minutes=2)
    note = request_credit(books.db, bill.bill_id, amounts=None, why="作废", by="a", now=began)
    decide_credit(books.db, note.credit_note_id, approve=True, by="b", now=later)
    november = BillingMonth.parse("2026-11")
    for now, done in ((began, Done.FAILED), (later, Done.DRAFTED)):
        (closed,) = close_month(books.db, november, customer=None, commit=True, by="a", now=now)
        assert closed.done is done
        assert ("请再关一次" in closed.why) is (done is Done.FAILED)
    assert acme.bill("2026-11").gross.fen == 200_00
    assert books.unproved() == []


def test_what_is_approved_behind_a_drawing_is_later_than_it(books: Books, acme: Party) -> None:
    """
    The clock of whoever approves is behind that of whoever drew the bill, or it waited for its
    turn; drawn anew by a clock that is behind, the bill has what was approved all the same.
    """
    close(books)
    name = adjust(books, acme, at=BEGAN, decided=BEGAN - timedelta(seconds=1))
    with books.db.read() as tx:
        (found,) = adjustments_of(tx, acme.customer.customer_id)
    assert found.adjustment_id == name
    assert found.decided_at is not None
    assert found.decided_at > BEGAN
    assert books.unproved() == []
    bill = acme.bill("2026-10").bill_id
    propose_bill(books.db, bill, by="a", now=BEGAN)
    reopen_bill(books.db, bill, by="a", now=BEGAN - timedelta(seconds=1), why="重算")
    assert acme.bill("2026-10").gross.fen == 95_00
    assert books.unproved() == []
