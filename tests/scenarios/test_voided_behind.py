"""A bill in the old currency, voided behind the change: what finance does about its terms."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.scenarios.bank import Bank, name
from tests.scenarios.books import CLERK, Books, Party, cny
from yuejie.bills.bill import BillState
from yuejie.bills.closing.close import Done
from yuejie.bills.correct.adjust import decide_adjustment, propose_adjustment
from yuejie.bills.correct.adjustment import Decision, Wanted
from yuejie.bills.correct.take_back import decide_credit, request_credit
from yuejie.contracts.contract import Terms
from yuejie.contracts.sign import sign_contract
from yuejie.contracts.terms import STANDARD
from yuejie.kernel.ids import BookId
from yuejie.kernel.money import Money
from yuejie.kernel.period import BillingMonth

M = 1_000_000
YUAN = """
[models."gpt-4o"]
input = "10"
output = "30"
"""
START = datetime(2026, 9, 30, 16, tzinfo=UTC)
NOVEMBER = datetime(2026, 10, 31, 16, tzinfo=UTC)


@pytest.fixture
def acme(books: Books) -> Party:
    """Billed in yuan for October, 200 of them a month as fee, and in dollars ever after."""
    books.prices(YUAN)
    fee = replace(STANDARD, management_fee_fen=200_00)
    acme = books.customer("acme", fx_policy="bill", commercial=fee, starts=START)
    for on in ("2026-10-31", "2026-11-30", "2026-12-31"):
        books.fx("7", on)
    dollars = Terms(
        customer_id=acme.customer.customer_id,
        sale_book=BookId("list"),
        currency="USD",
        starts_at=NOVEMBER,
    )
    sign_contract(books.db, dollars, by=CLERK, now=books.tick())
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=10 * M)
    books.close("2026-10")
    assert acme.bill("2026-10").gross == cny("900.00")
    books.issue(acme.bill("2026-10"))
    return acme


def void_october(books: Books, acme: Party) -> None:
    bill_id = acme.bill("2026-10").bill_id
    asked = request_credit(books.db, bill_id, amounts=None, why="作废", by="a", now=books.tick())
    decide_credit(books.db, asked.credit_note_id, approve=True, by="b", now=books.tick())


def test_the_fee_of_a_voided_month_is_asked_for_in_its_own_currency(
    books: Books, acme: Party
) -> None:
    """
    November is billed in dollars when October is voided. December's bill has October's usage, in
    dollars; the fee of 200 yuan nobody asks for by himself. Finance proposes it, a second person
    approves, and it stands on a bill in yuan beside December's, which is paid like any other.
    """
    acme.uses("2026-11-05 10:00:00", "gpt-4o", input=10 * M)
    books.close("2026-11")
    books.issue(acme.bill("2026-11"))
    void_october(books, acme)
    books.tick(2 * 86_400)
    (closed,) = books.close("2026-10")
    assert (closed.done, "2026-11 已关账" in closed.why) == (Done.FAILED, True)
    wanted = Wanted(
        customer_id=acme.customer.customer_id,
        service_month=BillingMonth.parse("2026-10"),
        amount_fen=200_00,
        currency="CNY",
        item="2026-10 管理费",
        why="10 月账单作废，管理费按原币种补收",
    )
    asked = propose_adjustment(books.db, wanted, by="a", now=books.tick())
    decide_adjustment(books.db, asked.adjustment_id, Decision.APPROVE, by="b", now=books.tick())
    books.close("2026-12")
    assert acme.lines("2026-12") == ["2026-10 late  main  gpt-4o  input  10,000,000 = 100.00"]
    assert acme.lines("2026-12", "currency:CNY") == ["2026-10 late  2026-10 管理费 = 200.00"]
    assert books.unproved() == []
    for bill in acme.bills("2026-12"):
        books.issue(bill)
    assert (acme.owes(), acme.owes("USD")) == (cny("200.00"), Money(200_00, "USD"))
    number = str(acme.bill("2026-12", "currency:CNY").number)
    Bank(books).pays("2027-01-08", "200.00", name(acme), memo=number)
    assert acme.bill("2026-12", "currency:CNY").state is BillState.PAID
    books.close("2027-01")
    assert acme.bills("2027-01") == []
    assert books.unproved() == []


def test_a_voided_month_that_is_closed_again_has_its_own_terms(books: Books, acme: Party) -> None:
    """
    Nobody has closed November yet: whoever closes October again has its bill in yuan, fee and all,
    and no later month asks for anything of it.
    """
    acme.uses("2026-11-05 10:00:00", "gpt-4o", input=10 * M)
    void_october(books, acme)
    books.tick(2 * 86_400)
    (closed,) = books.close("2026-10")
    assert closed.done is Done.DRAFTED
    (again,) = [bill for bill in acme.bills("2026-10") if bill.state is BillState.DRAFT]
    assert (again.currency, again.gross) == ("CNY", cny("900.00"))
    books.issue(again)
    assert books.unproved() == []
    books.close("2026-11")
    assert acme.lines("2026-11") == ["main  gpt-4o  input  10,000,000 = 100.00"]
    books.issue(acme.bill("2026-11"))
    books.close("2026-12")
    assert acme.bills("2026-12") == []
    assert (acme.owes(), acme.owes("USD")) == (cny("900.00"), Money(100_00, "USD"))
    assert books.unproved() == []
