"""A part of a split month that is drawn anew alone keeps what stood on it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.scenarios.books import CLERK, Books
from yuejie.bills.correct.adjust import decide_adjustment, propose_adjustment
from yuejie.bills.correct.adjustment import Decision, Wanted
from yuejie.bills.review.ask import propose_bill, reopen_bill
from yuejie.contracts.terms import STANDARD, HeadShare, Split
from yuejie.kernel.period import BillingMonth

YUAN = """
[models."gpt-4o"]
input = "10"
output = "30"
"""
M = 1_000_000
START = datetime(2026, 9, 30, 16, tzinfo=UTC)


@pytest.mark.parametrize("share", list(HeadShare))
def test_what_the_whole_customer_was_allowed_stays_on_the_only_part_that_bears_it(
    books: Books, share: HeadShare
) -> None:
    """
    30 are allowed to a customer with a bill per project, of which one has usage: it bears all of
    them, shared or because the head bill has nothing to take them off. Drawn anew it still does;
    they left it, and would have come a month later.
    """
    books.prices(YUAN, currency="CNY")
    terms = replace(STANDARD, split=Split.PROJECT, head_share=share)
    acme = books.customer("acme", projects=("main", "chat"), commercial=terms, starts=START)
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=10 * M)
    wanted = Wanted(
        customer_id=acme.customer.customer_id,
        service_month=BillingMonth.parse("2026-10"),
        amount_fen=-3_000,
        currency="CNY",
        item="调整",
        why="故障",
    )
    asked = propose_adjustment(books.db, wanted, by="a", now=books.tick())
    decide_adjustment(books.db, asked.adjustment_id, Decision.APPROVE, by="b", now=books.tick())
    books.close("2026-10")
    (bill,) = acme.bills("2026-10")
    assert bill.gross.fen == 7_000
    propose_bill(books.db, bill.bill_id, by=CLERK, now=books.tick())
    reopen_bill(books.db, bill.bill_id, by=CLERK, now=books.tick(), why="补充说明")
    assert [each.gross.fen for each in acme.bills("2026-10")] == [7_000]
    acme.uses("2026-11-05 10:00:00", "gpt-4o", input=10 * M)
    books.close("2026-11")
    assert [each.gross.fen for each in acme.bills("2026-11")] == [10_000]
