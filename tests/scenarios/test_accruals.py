"""Revenue stands in the month of its service: what is accrued is what the bill books later."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from tests.scenarios.books import Books, Party
from yuejie.assurance.unbilled import unbilled
from yuejie.bills.bill import Bill
from yuejie.bills.correct.granted import approve_grant
from yuejie.bills.correct.take_back import decide_credit, request_credit
from yuejie.contracts.grants.give import ask_grant
from yuejie.contracts.grants.grant import GrantDraft, GrantKind
from yuejie.contracts.terms import (
    STANDARD,
    CommercialTerms,
    Commitment,
    CommitmentPeriod,
    TierDiscount,
    TierStep,
)
from yuejie.kernel.period import BillingMonth
from yuejie.ledger.handover.accrue import Accrued, accrue
from yuejie.ledger.show import books_span

YUAN = """
[models."gpt-4o"]
input = "10"
output = "30"
"""
M = 1_000_000
START = datetime(2026, 9, 30, 16, tzinfo=UTC)
OCTOBER, NOVEMBER, DECEMBER = (BillingMonth(2026, month) for month in (10, 11, 12))

REVENUE = """
    SELECT coalesce(-sum(p.fen), 0)::bigint
    FROM ledger_entry e JOIN ledger_posting p USING (entry_id)
    WHERE p.account = 'revenue' AND e.at >= %(since)s AND e.at < %(until)s
"""


def customer(books: Books, terms: CommercialTerms = STANDARD) -> Party:
    books.prices(YUAN, currency="CNY")
    return books.customer("acme", commercial=terms, starts=START)


def accrued(books: Books, month: BillingMonth) -> list[Accrued]:
    return list(
        accrue(books.db, month, lambda tx: unbilled(tx, month), by="finance", now=books.clock.now())
    )


def revenue(books: Books, month: BillingMonth) -> int:
    """Return what the books say was earned in a month."""
    span = books_span(month, month)
    with books.db.read() as tx:
        return int(tx.value(REVENUE, since=span.start, until=span.end))


def earned(bill: Bill) -> int:
    """Return what of a bill is revenue: all but what packages cost and pay, and late fees."""
    elsewhere = {"package", "package_purchase", "late_fee"}
    return sum(line.net_fen for line in bill.lines if line.kind not in elsewhere)


def package(books: Books, party: Party, fen: int, paid: int) -> None:
    draft = GrantDraft(
        customer_id=party.customer.customer_id,
        kind=GrantKind.PACKAGE,
        name="千元包",
        amount_fen=fen,
        paid_fen=paid,
        starts_on=date(2026, 10, 1),
        ends_on=date(2027, 10, 1),
    )
    asked = ask_grant(books.db, draft, why="随约赠送", by="a", now=books.tick())
    approve_grant(books.db, asked.grant_id, by="b", now=books.tick())


def at(books: Books, day: int, month: int = 11) -> None:
    books.clock.at = datetime(2026, month, day, 4, tzinfo=UTC)


TERMS: list[CommercialTerms] = [
    STANDARD,
    replace(
        STANDARD, tier_discount=TierDiscount((TierStep(0, 100_000),)), management_fee_fen=5_300
    ),
    replace(STANDARD, commitment=Commitment(500_00, CommitmentPeriod.MONTH)),
]


@pytest.mark.parametrize("terms", TERMS)
@pytest.mark.parametrize("paid", [None, 800_00])
def test_what_is_accrued_is_the_revenue_that_the_bill_books(
    books: Books, terms: CommercialTerms, paid: int | None
) -> None:
    """A package that is sold is a liability and no revenue; what it pays for is revenue."""
    acme = customer(books, terms)
    if paid:
        package(books, acme, 1_000_00, paid)
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=30 * M)
    at(books, 2)
    books.close("2026-10")
    accrued(books, OCTOBER)
    at(books, 5)
    bill = books.issue(acme.bill("2026-10"))
    assert revenue(books, OCTOBER) == earned(bill)
    assert revenue(books, NOVEMBER) == 0


def test_accrued_again_when_the_bill_is_issued_it_moves_nothing(books: Books) -> None:
    """The bill was issued days into November: October's accrual still is what the bill says."""
    acme = customer(books, TERMS[1])
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=30 * M)
    at(books, 2)
    books.close("2026-10")
    accrued(books, OCTOBER)
    at(books, 5)
    bill = books.issue(acme.bill("2026-10"))
    assert accrued(books, OCTOBER) == []
    assert revenue(books, OCTOBER) == earned(bill)


def test_accrued_only_when_the_bill_is_issued_it_is_the_bill(books: Books) -> None:
    acme = customer(books, TERMS[1])
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=30 * M)
    at(books, 5)
    books.close("2026-10")
    bill = books.issue(acme.bill("2026-10"))
    accrued(books, OCTOBER)
    assert (revenue(books, OCTOBER), revenue(books, NOVEMBER)) == (earned(bill), 0)


def closed_and_accrued(books: Books) -> Party:
    """A customer with 300 in October, which is closed and accrued, and 100 in November."""
    acme = customer(books)
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=30 * M)
    acme.uses("2026-11-05 10:00:00", "gpt-4o", input=10 * M)
    at(books, 2)
    books.close("2026-10")
    accrued(books, OCTOBER)
    return acme


def test_a_bill_that_waits_over_a_second_month_end_stays_accrued(books: Books) -> None:
    """October's bill is disputed until December: its revenue is October's all the while."""
    acme = closed_and_accrued(books)
    at(books, 2, month=12)
    books.close("2026-11")
    accrued(books, NOVEMBER)
    first, second = acme.bill("2026-10"), acme.bill("2026-11")
    assert (revenue(books, OCTOBER), revenue(books, NOVEMBER)) == (earned(first), earned(second))
    books.issue(first)
    books.issue(second)
    assert revenue(books, DECEMBER) == 0
    assert accrued(books, NOVEMBER) == []


def test_a_bill_that_is_voided_and_drawn_again_is_accrued_once(books: Books) -> None:
    """Wrong title: voided in November, drawn again. Neither month's revenue is there twice."""
    acme = customer(books)
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=30 * M)
    at(books, 2)
    books.close("2026-10")
    accrued(books, OCTOBER)
    first = books.issue(acme.bill("2026-10"))
    asked = request_credit(
        books.db, first.bill_id, amounts=None, why="抬头有误", by="a", now=books.tick()
    )
    decide_credit(books.db, asked.credit_note_id, approve=True, by="b", now=books.tick())
    books.close("2026-10")
    assert accrued(books, OCTOBER) == []
    assert revenue(books, OCTOBER) == earned(first)
    at(books, 2, month=12)
    books.close("2026-11")
    accrued(books, NOVEMBER)
    # Taken back in November and not billed again by its end: it stays October's all the same.
    assert revenue(books, NOVEMBER) == 0
    books.issue(acme.bill("2026-10"))
    assert revenue(books, DECEMBER) == 0


def test_a_bill_that_was_there_at_the_end_of_the_month_is_not_accrued_beside_its_redraft(
    books: Books,
) -> None:
    """October is issued in November and voided in December: November's end knew it as billed."""
    acme = customer(books)
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=30 * M)
    at(books, 2)
    books.close("2026-10")
    accrued(books, OCTOBER)
    first = books.issue(acme.bill("2026-10"))
    at(books, 2, month=12)
    asked = request_credit(
        books.db, first.bill_id, amounts=None, why="抬头有误", by="a", now=books.tick()
    )
    decide_credit(books.db, asked.credit_note_id, approve=True, by="b", now=books.tick())
    books.close("2026-10")
    accrued(books, NOVEMBER)
    assert (revenue(books, OCTOBER), revenue(books, NOVEMBER)) == (earned(first), 0)


def test_a_bill_that_waited_over_a_month_end_stays_accrued_there_when_it_is_voided_later(
    books: Books,
) -> None:
    """October's bill is issued in December and voided there: November's end knew it as unbilled."""
    acme = customer(books)
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=30 * M)
    at(books, 2)
    books.close("2026-10")
    accrued(books, OCTOBER)
    at(books, 2, month=12)
    accrued(books, NOVEMBER)
    first = books.issue(acme.bill("2026-10"))
    asked = request_credit(
        books.db, first.bill_id, amounts=None, why="抬头有误", by="a", now=books.tick()
    )
    decide_credit(books.db, asked.credit_note_id, approve=True, by="b", now=books.tick())
    assert accrued(books, NOVEMBER) == []
    books.close("2026-10")
    assert accrued(books, NOVEMBER) == []
    assert (revenue(books, OCTOBER), revenue(books, NOVEMBER)) == (earned(first), 0)


def void(books: Books, bill: Bill) -> None:
    asked = request_credit(
        books.db, bill.bill_id, amounts=None, why="抬头有误", by="a", now=books.tick()
    )
    decide_credit(books.db, asked.credit_note_id, approve=True, by="b", now=books.tick())


@pytest.mark.parametrize("terms", TERMS)
def test_a_voided_bill_that_waits_to_be_drawn_again_stays_accrued(
    books: Books, terms: CommercialTerms
) -> None:
    """
    October's bill is voided in November and drawn again in December. October lost its terms by
    then, and November all of October's revenue.
    """
    acme = customer(books, terms)
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=30 * M)
    at(books, 2)
    books.close("2026-10")
    accrued(books, OCTOBER)
    first = books.issue(acme.bill("2026-10"))
    void(books, first)
    assert accrued(books, OCTOBER) == []
    at(books, 2, month=12)
    accrued(books, NOVEMBER)
    assert (revenue(books, OCTOBER), revenue(books, NOVEMBER)) == (earned(first), 0)
    books.close("2026-10")
    assert accrued(books, OCTOBER) == []
    assert accrued(books, NOVEMBER) == []
    second = books.issue(acme.bill("2026-10"))
    assert (earned(second), revenue(books, DECEMBER)) == (earned(first), 0)


def test_what_a_voided_bill_said_and_a_later_one_says_late_is_accrued_once(books: Books) -> None:
    """October is voided and not closed again: its 300 are late on November's bill."""
    acme = closed_and_accrued(books)
    first = books.issue(acme.bill("2026-10"))
    void(books, first)
    at(books, 2, month=12)
    accrued(books, NOVEMBER)
    own = revenue(books, NOVEMBER)
    books.close("2026-11")
    assert accrued(books, NOVEMBER) == []
    second = books.issue(acme.bill("2026-11"))
    assert earned(second) == earned(first) + own
    assert accrued(books, OCTOBER) == []
    assert (revenue(books, OCTOBER), revenue(books, DECEMBER)) == (earned(first), 0)


def test_a_bill_that_is_voided_twice_is_accrued_as_it_was_last(books: Books) -> None:
    acme = customer(books)
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=30 * M)
    at(books, 2)
    for _ in range(2):
        books.close("2026-10")
        first = books.issue(acme.bill("2026-10"))
        void(books, first)
    accrued(books, OCTOBER)
    at(books, 2, month=12)
    accrued(books, NOVEMBER)
    assert (revenue(books, OCTOBER), revenue(books, NOVEMBER)) == (earned(first), 0)
