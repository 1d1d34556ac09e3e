"""A customer whose contract changed its currency: no fen of one is ever a fen of the other."""

from datetime import UTC, datetime

import pytest

from tests.scenarios.bank import Bank, name
from tests.scenarios.books import CLERK, Books, Party
from yuejie.bills.bill import BillState
from yuejie.contracts.contract import Terms
from yuejie.contracts.sign import sign_contract
from yuejie.contracts.terms import STANDARD, CommercialTerms
from yuejie.kernel.errors import Conflict, Invalid
from yuejie.kernel.ids import BookId
from yuejie.kernel.money import Money
from yuejie.payments.apportion.draw import draw_down, set_aside
from yuejie.payments.apportion.move import Use
from yuejie.payments.apportion.place import Placing, apportion_receipt
from yuejie.payments.apportion.store import held

M = 1_000_000
YUAN = """
[models."gpt-4o"]
input = "10"
output = "30"
"""
START = datetime(2026, 9, 30, 16, tzinfo=UTC)
NOVEMBER = datetime(2026, 10, 31, 16, tzinfo=UTC)


def changed(books: Books, commercial: CommercialTerms = STANDARD) -> Party:
    """Enrol a customer that is billed in yuan for October and in dollars from November on."""
    books.prices(YUAN)
    acme = books.customer("acme", fx_policy="bill", commercial=commercial, starts=START)
    for on in ("2026-10-31", "2026-11-30", "2026-12-31"):
        books.fx("7", on)
    terms = Terms(
        customer_id=acme.customer.customer_id,
        sale_book=BookId("list"),
        currency="USD",
        starts_at=NOVEMBER,
        commercial=commercial,
    )
    sign_contract(books.db, terms, by=CLERK, now=books.tick())
    return acme


def has(party: Party, what: Use, currency: str) -> str:
    with party.books.db.read() as tx:
        fen = held(tx, party.customer.customer_id, what, currency)
    return str(Money(fen, currency))


def test_money_of_the_other_currency_is_set_aside_and_drawn_by_its_name(books: Books) -> None:
    """
    Acme, of yuan, is billed 100 dollars for November and sends 300 ahead. Without a name its own
    currency is meant, in which it has nothing; named, 50 become a deposit, 60 of the prepayment and
    40 of the deposit pay the bill.
    """
    acme, now = changed(books), books.clock.now
    bank = Bank(books, number="110912345610802", currency="USD")
    acme.uses("2026-11-05 10:00:00", "gpt-4o", input=10 * M)
    books.close("2026-11")
    bill = books.issue(acme.bill("2026-11"))
    number = str(bill.number)
    placing = Placing(customer="acme", bills={}, rest=Use.PREPAYMENT)
    receipt = bank.pays("2026-12-03", "300.00", name(acme))
    apportion_receipt(books.db, receipt.receipt_id, placing, by=CLERK, now=now())

    with pytest.raises(Conflict, match="预收款不足"):
        set_aside(books.db, "acme", 50_00, why="", by=CLERK, now=now())
    with pytest.raises(Invalid, match="币种须为 CNY、USD 之一"):
        set_aside(books.db, "acme", 50_00, currency="EUR", why="", by=CLERK, now=now())
    set_aside(books.db, "acme", 50_00, currency="USD", why="", by=CLERK, now=now())
    assert (has(acme, Use.PREPAYMENT, "USD"), has(acme, Use.DEPOSIT, "USD")) == ("250.00", "50.00")

    own = draw_down(books.db, "acme", Use.PREPAYMENT, bills=None, by=CLERK, now=now())
    assert (own.currency, own.shares) == ("CNY", ())
    with pytest.raises(Invalid, match="请写明币种 USD"):
        draw_down(books.db, "acme", Use.PREPAYMENT, bills={number: 60_00}, by=CLERK, now=now())
    for what, fen in ((Use.PREPAYMENT, 60_00), (Use.DEPOSIT, 40_00)):
        drawn = draw_down(
            books.db,
            "acme",
            what,
            bills={number: fen},
            currency="USD",
            why="客户要求",
            by=CLERK,
            now=now(),
        )
        assert (drawn.currency, [share.fen for share in drawn.shares]) == ("USD", [fen])
    assert acme.bill("2026-11").state is BillState.PAID
    assert (has(acme, Use.PREPAYMENT, "USD"), has(acme, Use.DEPOSIT, "USD")) == ("190.00", "10.00")
    bank.books_agree(acme)
