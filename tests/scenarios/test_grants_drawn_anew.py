"""A bill drawn anew behind a later one never draws a voucher or package beyond what it is for."""

from dataclasses import replace
from datetime import UTC, date, datetime
from uuid import UUID

import msgspec
import pytest

from tests.scenarios.books import CLERK, Books, Party
from yuejie.bills.correct.granted import approve_grant
from yuejie.bills.review.ask import propose_bill, reopen_bill
from yuejie.budgets.lending.count import Spending
from yuejie.contracts.grants.give import ask_grant
from yuejie.contracts.grants.grant import GrantDraft, GrantKind
from yuejie.kernel.ids import CustomerId
from yuejie.usage.correct import correct
from yuejie.usage.journal import Ended

YUAN = """
[models."gpt-4o"]
input = "10"
output = "30"
"""
M = 1_000_000
START = datetime(2026, 9, 30, 16, tzinfo=UTC)
VOUCHER = GrantDraft(
    customer_id=CustomerId(""),
    kind=GrantKind.VOUCHER,
    name="甲",
    amount_fen=100_00,
    starts_on=date(2026, 10, 1),
    ends_on=date(2027, 10, 1),
)


def give(party: Party, draft: GrantDraft) -> str:
    books = party.books
    draft = replace(draft, customer_id=party.customer.customer_id)
    asked = ask_grant(books.db, draft, why="随约赠送", by="a", now=books.tick())
    approve_grant(books.db, asked.grant_id, by="b", now=books.tick())
    return asked.grant_id


def never_used(books: Books, call: Ended) -> None:
    nothing = tuple(msgspec.structs.replace(item, quantity=0) for item in call.items)
    became = msgspec.structs.replace(call, items=nothing)
    events = {UUID(bytes=call.begun.event): lambda _: became}
    correct(books.db, events, source="report", count=Spending().count, forced=True)


def drawn(party: Party, grant: str, *months: str) -> int:
    """What all bills together draw of a grant, in fen."""
    lines = [line for month in months for bill in party.bills(month) for line in bill.lines]
    bought = [line for line in lines if line.kind == "package_purchase"]
    return -sum(line.amount_fen for line in lines if line.refers_to == grant and line not in bought)


@pytest.mark.parametrize(
    "draft",
    [VOUCHER, replace(VOUCHER, kind=GrantKind.PACKAGE, paid_fen=80_00)],
    ids=["voucher", "package"],
)
def test_what_a_later_bill_gave_back_of_a_draft_is_there_once(
    books: Books, draft: GrantDraft
) -> None:
    """
    Of 100, October draws 60, then 10 for a late call on November's draft, and November 30. That
    call of November turns out never to have been made, and 50 more of October turn up: December's
    bill gives the 30 back. Drawn anew, November's bill takes what the 30 were, for October: they
    are there once, though it draws its own 30 once more, which December gave back.
    """
    books.prices(YUAN, currency="CNY")
    acme = books.customer("acme", starts=START)
    grant = give(acme, draft)
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=6 * M)
    books.close("2026-10")
    books.issue(acme.bill("2026-10"))
    acme.uses("2026-10-06 10:00:00", "gpt-4o", input=M)
    call = acme.uses("2026-11-05 10:00:00", "gpt-4o", input=3 * M)
    books.close("2026-11")
    never_used(books, call)
    acme.uses("2026-10-07 10:00:00", "gpt-4o", input=5 * M)
    books.close("2026-12")
    books.issue(acme.bill("2026-12"))
    months = ("2026-10", "2026-11", "2026-12")
    assert drawn(acme, grant, *months) == 70_00
    november = acme.bill("2026-11")
    propose_bill(books.db, november.bill_id, by=CLERK, now=books.tick())
    reopen_bill(books.db, november.bill_id, by=CLERK, now=books.tick(), why="补充说明")
    assert drawn(acme, grant, *months) == 100_00
    assert books.unproved() == []
