"""A draft that is drawn anew: what it said before is kept, proved, and never changed."""

from dataclasses import replace
from datetime import UTC, datetime

import psycopg
import pytest

from tests.scenarios.books import CLERK, Books, Party
from yuejie.assurance.prove import prove_month
from yuejie.bills.bill import Bill
from yuejie.bills.correct.adjust import decide_adjustment, propose_adjustment
from yuejie.bills.correct.adjustment import Decision, Wanted
from yuejie.bills.drafts.store import earlier_drafts
from yuejie.bills.review.ask import propose_bill, reopen_bill
from yuejie.contracts.terms import STANDARD
from yuejie.kernel.period import BillingMonth

YUAN = """
[models."gpt-4o"]
input = "10"
output = "30"
"""
M = 1_000_000
OCTOBER = BillingMonth(2026, 10)
START = datetime(2026, 9, 30, 16, tzinfo=UTC)


@pytest.fixture
def acme(books: Books) -> Party:
    """100 yuan of October's usage and a fee of 50; put to the customer, and 30 off since."""
    books.prices(YUAN, currency="CNY")
    fee = replace(STANDARD, management_fee_fen=50_00)
    acme = books.customer("acme", commercial=fee, starts=START)
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=10 * M)
    books.close("2026-10")
    name = acme.bill("2026-10").bill_id
    propose_bill(books.db, name, by=CLERK, now=books.tick())
    wanted = Wanted(
        customer_id=acme.customer.customer_id,
        service_month=OCTOBER,
        amount_fen=-30_00,
        currency="CNY",
        item="调整",
        why="约定",
    )
    asked = propose_adjustment(books.db, wanted, by="a", now=books.tick())
    decide_adjustment(books.db, asked.adjustment_id, Decision.APPROVE, by="b", now=books.tick())
    reopen_bill(books.db, name, by=CLERK, now=books.tick(), why="按约定调整")
    return acme


def earlier(books: Books, acme: Party) -> list[Bill]:
    """Return what October's bill was before."""
    with books.db.read() as tx:
        (bill,) = acme.bills("2026-10")
        drafts = earlier_drafts(tx, acme.customer.customer_id, [bill])
    return list(drafts[bill.bill_id])


def test_what_the_customer_had_seen_is_kept(books: Books, acme: Party) -> None:
    """The customer saw 150; the bill is 120 now, and both are known, line by line."""
    (before,), now = earlier(books, acme), acme.bill("2026-10")
    assert [line.amount_fen for line in before.lines] == [100_00, 50_00]
    assert (before.gross.fen, now.gross.fen) == (150_00, 120_00)
    assert sum(each.gross_fen for each in before.tax_lines) == 150_00
    assert before.closed_at < now.closed_at
    assert (before.lines[0].model, before.lines[0].quantity) == ("gpt-4o", 10 * M)


@pytest.mark.parametrize(
    "statement",
    ["UPDATE bill_earlier_draft SET gross_fen = 0", "DELETE FROM bill_earlier_draft"],
)
@pytest.mark.usefixtures("acme")
def test_what_was_kept_is_never_changed(database_url: str, statement: str) -> None:
    with (
        psycopg.connect(database_url) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(statement.encode())


def test_a_proof_takes_what_the_closing_drew(books: Books, acme: Party, owner_url: str) -> None:
    """Of the first draft's fee, 10 are gone in the database: the proof of October says so."""
    assert books.unproved() == []
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute(
            "UPDATE bill_earlier_draft SET lines = jsonb_set(lines, '{1,amount_fen}', '4000')"
        )
    (proof,) = prove_month(books.db, OCTOBER)
    assert [(each.what, each.billed, each.proved) for each in proof.differences] == [
        ("2026-10 management_fee", "4000", "5000")
    ]
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute(
            "UPDATE bill_earlier_draft SET lines = jsonb_set(lines, '{1,amount_fen}', '5000')"
        )
