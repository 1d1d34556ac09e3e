"""Money paid ahead by a parent, and what a bank keeps of a transfer."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.scenarios.bank import YUAN, Bank, due, name, owing, state
from tests.scenarios.books import CLERK, Books, Party
from tests.scenarios.test_two_currencies import START, follow
from yuejie.bills.bill import BillState
from yuejie.bills.correct.take_back import decide_credit, request_credit
from yuejie.contracts.terms import STANDARD, PaymentMode
from yuejie.db.session import Tx
from yuejie.kernel.errors import Conflict
from yuejie.payments.apportion.draw import draw_down, return_excess
from yuejie.payments.apportion.move import Apportionment, Source, Use
from yuejie.payments.apportion.place import Placing, apportion_receipt
from yuejie.payments.apportion.refunds import Wanted, request_refund
from yuejie.payments.apportion.store import held, of_bill
from yuejie.payments.apportion.undo import undo_batch
from yuejie.payments.apportion.waiver import SHORT_PAY_FEN, WaiverKind
from yuejie.payments.apportion.waivers import decide_waiver, request_waiver
from yuejie.payments.banks.keep import set_parent

M = 1_000_000


@pytest.fixture
def bank(books: Books) -> Bank:
    books.prices(YUAN, currency="CNY")
    return Bank(books)


def test_a_parents_prepayment_pays_what_its_subsidiary_owes_on_the_day(bank: Bank) -> None:
    """
    The group has paid 1,000 ahead and owes 500 itself. On the due day that is kept for its own
    bill, whichever of the two is looked at first, and the other 500 pay of the subsidiary's 700.
    """
    child = owing(bank, "child", {"2026-08": 700})
    parent = owing(bank, "group", {"2026-08": 500})
    paid_ahead(bank, parent, "1000.00")
    day = due(child.bill("2026-08").due_on).isoformat()
    bank.day((due(child.bill("2026-08").due_on) - timedelta(days=1)).isoformat())
    assert bank.prepaid(parent) == "1,000.00", "nothing is due yet"
    set_parent(bank.books.db, "child", "group", by=CLERK, now=bank.books.clock.now())
    bank.day(day)
    assert state(parent, "2026-08") is BillState.PAID
    assert (bank.open(child), bank.prepaid(parent)) == ({"2026-08": "200.00"}, "0.00")
    with bank.books.db.read() as tx:
        rows = [each for each in on_bill(tx, child) if each.source is Source.PREPAYMENT]
    assert [(row.source_customer, row.amount_fen) for row in rows] == [
        (parent.customer.customer_id, 500_00)
    ]
    assert "上级" in rows[0].why
    bank.books_agree(parent, child)
    undo_batch(bank.books.db, rows[0].batch_id, why="付错", by=CLERK, now=bank.books.clock.now())
    assert (bank.open(child), bank.prepaid(parent)) == ({"2026-08": "700.00"}, "500.00")
    bank.books_agree(parent, child)


def test_what_a_person_took_back_is_not_drawn_again_by_the_clerk(bank: Bank) -> None:
    """
    The group's 500 were not meant for the subsidiary's bill, and its own 500 are to go back to it:
    both are taken back, and still are an hour later. A person may draw either again.
    """
    child = owing(bank, "child", {"2026-08": 700})
    parent = owing(bank, "group", {"2026-08": 500})
    paid_ahead(bank, parent, "1000.00")
    set_parent(bank.books.db, "child", "group", by=CLERK, now=bank.books.clock.now())
    day = due(child.bill("2026-08").due_on).isoformat()
    bank.day(day)
    with bank.books.db.read() as tx:
        drawn = [on_bill(tx, each)[0].batch_id for each in (child, parent)]
    for batch in drawn:
        undo_batch(bank.books.db, batch, why="不付这张", by=CLERK, now=bank.books.tick())
    bank.books.tick(3600)
    bank.day(day)
    assert (bank.open(child), bank.open(parent)) == ({"2026-08": "700.00"}, {"2026-08": "500.00"})
    assert bank.prepaid(parent) == "1,000.00"
    bill = str(child.bill("2026-08").number)
    now = bank.books.tick()
    draw_down(bank.books.db, "group", Use.PREPAYMENT, bills={bill: 700_00}, by=CLERK, now=now)
    assert (state(child, "2026-08"), bank.prepaid(parent)) == (BillState.PAID, "300.00")
    bank.books_agree(parent, child)


def test_what_a_parent_drew_goes_back_to_it_though_it_pays_no_longer(bank: Bank) -> None:
    """
    The subsidiary's bill was paid out of what the group had paid ahead; 300 of it were credited
    since, and it left the group. Its prepayment is the group's money, and goes back to it.
    """
    child = owing(bank, "child", {"2026-08": 700})
    parent = bank.books.customer("group")
    paid_ahead(bank, parent, "700.00")
    (receipt,) = bank.receipts()
    now = bank.books.clock.now()
    set_parent(bank.books.db, "child", "group", by=CLERK, now=now)
    bank.day(due(child.bill("2026-08").due_on).isoformat())
    bill = child.bill("2026-08")
    asked = request_credit(
        bank.books.db,
        bill.bill_id,
        amounts={bill.lines[0].position: 300_00},
        why="多收",
        by="a",
        now=bank.books.tick(),
    )
    decide_credit(bank.books.db, asked.credit_note_id, approve=True, by="b", now=bank.books.tick())
    return_excess(bank.books.db, child.customer.customer_id, by=CLERK, now=bank.books.tick())
    assert bank.prepaid(child) == "300.00"
    set_parent(bank.books.db, "child", None, by=CLERK, now=bank.books.tick())
    wanted = Wanted(
        receipt_id=receipt.receipt_id,
        source=Source.PREPAYMENT,
        customer="child",
        amount_fen=300_00,
        why="退回集团",
    )
    refund = request_refund(bank.books.db, wanted, by="a", now=bank.books.tick())
    assert (refund.to_name, bank.prepaid(child)) == (name(parent), "0.00")


def test_what_a_parent_itself_is_served_from_is_drawn_by_name_only(bank: Bank) -> None:
    """The group pays before use: its balance is not taken for somebody else by itself."""
    child = owing(bank, "child", {"2026-08": 700})
    ahead = replace(STANDARD, payment_mode=PaymentMode.PREPAID)
    parent = bank.books.customer("group", commercial=ahead)
    paid_ahead(bank, parent, "1000.00")
    set_parent(bank.books.db, "child", "group", by=CLERK, now=bank.books.clock.now())
    bank.day(due(child.bill("2026-08").due_on).isoformat())
    assert (bank.open(child), bank.prepaid(parent)) == ({"2026-08": "700.00"}, "1,000.00")
    bill = str(child.bill("2026-08").number)
    draw_down(
        bank.books.db,
        "group",
        Use.PREPAYMENT,
        bills={bill: 700_00},
        by=CLERK,
        now=bank.books.clock.now(),
    )
    assert (state(child, "2026-08"), bank.prepaid(parent)) == (BillState.PAID, "300.00")
    with bank.books.db.read() as tx:
        assert "上级" in on_bill(tx, child)[-1].why
    bank.books_agree(parent, child)


def test_a_draft_in_the_currency_of_an_earlier_contract_is_the_parents_own(books: Books) -> None:
    """
    The group was billed in dollars for August, 500 that are not issued yet, and is billed in yuan
    now. Of the 1,000 dollars it paid ahead, 500 pay of the subsidiary's 700.
    """
    books.prices(YUAN)
    child = books.customer("child", currency="USD")
    parent = books.customer("group", currency="USD")
    child.uses("2026-08-05 10:00:00", "gpt-4o", input=70 * M)
    parent.uses("2026-08-05 10:00:00", "gpt-4o", input=50 * M)
    books.close("2026-08")
    books.issue(child.bill("2026-08"))
    bank = Bank(books, number="110912345610802", currency="USD")
    paid_ahead(bank, parent, "1000.00")
    set_parent(books.db, "child", "group", by=CLERK, now=books.tick())
    follow(books, parent, "CNY", START)
    bank.day("2026-10-05")
    with books.db.read() as tx:
        left = held(tx, parent.customer.customer_id, Use.PREPAYMENT, "USD")
    assert (left, bank.open(child)) == (500_00, {"2026-08": "200.00"})


def paid_ahead(bank: Bank, party: Party, yuan: str) -> None:
    """Book a transfer of a customer's as its prepayment, whatever it owes."""
    receipt = bank.pays("2026-09-02", yuan, name(party))
    placing = Placing(customer=party.customer.slug, bills={}, rest=Use.PREPAYMENT)
    now = bank.books.clock.now()
    apportion_receipt(bank.books.db, receipt.receipt_id, placing, by=CLERK, now=now)


def on_bill(tx: Tx, party: Party) -> list[Apportionment]:
    """Return what has paid a customer's bill of August."""
    return of_bill(tx, party.customer.customer_id, party.bill("2026-08").bill_id)


def test_a_bank_fee_of_a_bill_in_dollars_is_a_few_dollars(books: Books) -> None:
    """
    Of 100 dollars 70 arrive, then 23.50. 30 are no bank's fee, though 30 yuan may be; 6.50 are.
    The house may say otherwise.
    """
    acme = billed_in_dollars(books)
    bank = Bank(books, number="110912345610802", currency="USD")
    number, now = str(acme.bill("2026-08").number), books.clock.now
    bank.pays("2026-09-10", "70.00", name(acme), memo=number)
    with pytest.raises(Conflict, match=r"差额 30.00 USD 超过手续费容差 7.00"):
        ask(bank, number, SHORT_PAY_FEN)
    with pytest.raises(Conflict, match=r"超过手续费容差 0.00"):
        ask(bank, number, {"CNY": 50_00})
    bank.pays("2026-09-11", "23.50", name(acme), memo=number)
    waiver = ask(bank, number, SHORT_PAY_FEN)
    decide_waiver(bank.books.db, waiver, approve=True, by="boss", now=now())
    assert acme.bill("2026-08").state is BillState.PAID


def ask(bank: Bank, number: str, short_pay_fen: Mapping[str, int]) -> str:
    asked = request_waiver(
        bank.books.db,
        number,
        WaiverKind.SHORT_PAY,
        why="银行手续费",
        by="clerk-a",
        now=bank.books.clock.now(),
        short_pay_fen=short_pay_fen,
    )
    return asked.waiver_id


def billed_in_dollars(books: Books) -> Party:
    """Enrol a customer that owes 100 dollars for August."""
    books.prices(YUAN)
    acme = books.customer("acme", currency="USD")
    acme.uses("2026-08-05 10:00:00", "gpt-4o", input=10 * M)
    books.close("2026-08")
    books.issue(acme.bill("2026-08"))
    return acme
