"""Credit notes on bills that were paid, given up, or come to nothing, told as finance would."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from tests.scenarios.bank import YUAN, Bank, due, name, owing, state
from tests.scenarios.books import CLERK, Books, Party
from yuejie.bills.bill import BillState, LineKind
from yuejie.bills.correct.granted import approve_grant
from yuejie.bills.correct.store import adjustments_of
from yuejie.bills.correct.take_back import decide_credit, request_credit
from yuejie.bills.store import whole_bills
from yuejie.contracts.grants.give import ask_grant
from yuejie.contracts.grants.grant import GrantDraft, GrantKind
from yuejie.contracts.terms import STANDARD, TierDiscount, TierStep
from yuejie.fapiao.request import what_is_available
from yuejie.kernel.errors import Conflict, Invalid
from yuejie.ledger.posting import Account
from yuejie.ledger.store import balances
from yuejie.payments.apportion.draw import return_excess
from yuejie.payments.apportion.move import Source
from yuejie.payments.apportion.place import Placing, apportion_receipt
from yuejie.payments.apportion.refunds import bounce
from yuejie.payments.apportion.store import of_bill, of_receipt
from yuejie.payments.apportion.undo import undo_batch
from yuejie.payments.apportion.waiver import WaiverKind
from yuejie.payments.apportion.waivers import decide_waiver, request_waiver

M = 1_000_000


@pytest.fixture
def bank(books: Books) -> Bank:
    books.prices(YUAN, currency="CNY")
    return Bank(books)


def write_off(bank: Bank, number: str) -> None:
    """Give up what is open of a bill, by the word of two."""
    db, kind, now = bank.books.db, WaiverKind.WRITE_OFF, bank.books.tick()
    asked = request_waiver(db, number, kind, why="收不回", by="a", now=now)
    decide_waiver(db, asked.waiver_id, approve=True, by="boss", now=now)


def credit(bank: Bank, number: str, amounts: dict[int, int] | None) -> None:
    """Take back so many fen of lines of a bill, or all of it, by the word of two."""
    db, now = bank.books.db, bank.books.tick()
    asked = request_credit(db, number, amounts=amounts, why="更正", by="a", now=now)
    decide_credit(db, asked.credit_note_id, approve=True, by="b", now=now)


def tidy(bank: Bank, party: Party) -> int:
    """Let the clerk look after what bills hold, and return what became a prepayment."""
    customer = party.customer.customer_id
    return return_excess(bank.books.db, customer, by=CLERK, now=bank.books.tick())


def test_a_bill_of_nothing_is_paid_and_may_still_be_voided(bank: Bank) -> None:
    """A voucher covers August whole. Nothing is open, so it is paid; and it may still be void."""
    acme = bank.books.customer("acme")
    draft = GrantDraft(
        customer_id=acme.customer.customer_id,
        kind=GrantKind.VOUCHER,
        name="甲",
        amount_fen=500_00,
        starts_on=date(2026, 8, 1),
        ends_on=date(2026, 9, 1),
    )
    asked = ask_grant(bank.books.db, draft, why="随约赠送", by="a", now=bank.books.tick())
    approve_grant(bank.books.db, asked.grant_id, by="b", now=bank.books.tick())
    acme.uses("2026-08-05 10:00:00", "gpt-4o", input=10 * M)
    bank.books.close("2026-08")
    bill = bank.books.issue(acme.bill("2026-08"))
    assert (bill.gross.fen, tidy(bank, acme), state(acme, "2026-08")) == (0, 0, BillState.PAID)
    credit(bank, str(bill.number), None)
    with bank.books.db.read() as tx:
        (bill,) = whole_bills(tx, acme.customer.customer_id)
    assert bill.state is BillState.VOIDED
    bank.books_agree(acme)


def test_what_is_credited_of_the_rest_closes_a_bill(bank: Bank) -> None:
    """600 of 1,000 are paid, the other 400 credited: nothing is open, and its fapiao may come."""
    acme = owing(bank, "acme", {"2026-08": 1000})
    number = str(acme.bill("2026-08").number)
    bank.pays("2026-09-10", "600.00", name(acme), memo=number)
    credit(bank, number, {1: 400_00})
    assert (tidy(bank, acme), state(acme, "2026-08")) == (0, BillState.PAID)
    with bank.books.db.read() as tx:
        assert what_is_available(tx, acme.customer.customer_id).available_fen == 600_00
    bank.books_agree(acme)


def test_what_is_credited_beyond_a_bill_becomes_a_prepayment(bank: Bank) -> None:
    """
    1,000 less 10 % are billed and nothing is paid. The line of 1,000 is credited whole: 100 are
    the customer's. When the discount is taken back as well, it owes them again.
    """
    terms = replace(STANDARD, tier_discount=TierDiscount((TierStep(0, 100_000),)))
    acme = owing(bank, "acme", {"2026-08": 1000}, terms)
    number = str(acme.bill("2026-08").number)
    credit(bank, number, {1: 1000_00})
    assert tidy(bank, acme) == 100_00
    assert (bank.prepaid(acme), bank.open(acme)) == ("100.00", {"2026-08": "0.00"})
    assert state(acme, "2026-08") is BillState.PAID
    credit(bank, number, {2: -100_00})
    assert tidy(bank, acme) == 0
    assert (bank.open(acme), state(acme, "2026-08")) == ({"2026-08": "100.00"}, BillState.ISSUED)
    bank.books_agree(acme)


def test_what_is_credited_of_a_bad_debt_lessens_the_loss(bank: Bank) -> None:
    """
    400 of 1,000 are paid and 600 written off. 500 are credited: the loss was 100 only, and
    nobody is given money back; with 200 more credited, the customer has paid 100 too much.
    """
    acme = owing(bank, "acme", {"2026-08": 1000})
    number = str(acme.bill("2026-08").number)
    bank.pays("2026-09-10", "400.00", name(acme), memo=number)
    write_off(bank, number)
    credit(bank, number, {1: 500_00})
    assert (tidy(bank, acme), state(acme, "2026-08")) == (0, BillState.WRITTEN_OFF)
    assert lost(bank) == 100_00
    credit(bank, number, {1: 200_00})
    assert (tidy(bank, acme), state(acme, "2026-08")) == (100_00, BillState.PAID)
    assert lost(bank) == 0
    bank.books_agree(acme)


def lost(bank: Bank) -> int:
    with bank.books.db.read() as tx:
        return sum(each.fen for each in balances(tx, account=Account.BAD_DEBT))


def test_a_bill_written_off_is_open_again_when_its_payment_is_taken_back(bank: Bank) -> None:
    """400 of 1,000 are paid, 600 written off; then the 400 bounce: 400 are to be asked for."""
    acme = owing(bank, "acme", {"2026-08": 1000})
    number = str(acme.bill("2026-08").number)
    receipt = bank.pays("2026-09-10", "400.00", name(acme), memo=number)
    write_off(bank, number)
    now = bank.books.tick()
    bounce(bank.books.db, receipt.receipt_id, line=None, why="退票", by=CLERK, now=now)
    assert (bank.open(acme), state(acme, "2026-08")) == ({"2026-08": "400.00"}, BillState.ISSUED)
    bank.books_agree(acme)


def batch_of_write_off(bank: Bank, party: Party) -> str:
    with bank.books.db.read() as tx:
        bill_id = party.bill("2026-08").bill_id
        rows = of_bill(tx, party.customer.customer_id, bill_id)
    return next(row.batch_id for row in rows if row.source is Source.BAD_DEBT)


def test_only_what_is_still_lost_of_a_write_off_can_be_taken_back(bank: Bank) -> None:
    """
    1,000 are written off and 700 of them credited, so 300 are lost. The write-off is taken back:
    300 are to be asked for, and nothing is lost.
    """
    acme = owing(bank, "acme", {"2026-08": 1000})
    number = str(acme.bill("2026-08").number)
    write_off(bank, number)
    credit(bank, number, {1: 700_00})
    assert (tidy(bank, acme), lost(bank)) == (0, 300_00)
    batch = batch_of_write_off(bank, acme)
    undo_batch(bank.books.db, batch, why="客户愿付", by=CLERK, now=bank.books.tick())
    assert (bank.open(acme), state(acme, "2026-08")) == ({"2026-08": "300.00"}, BillState.ISSUED)
    assert lost(bank) == 0
    bank.books_agree(acme)


def test_a_write_off_that_was_credited_whole_leaves_nothing_to_take_back(bank: Bank) -> None:
    acme = owing(bank, "acme", {"2026-08": 1000})
    number = str(acme.bill("2026-08").number)
    write_off(bank, number)
    batch = batch_of_write_off(bank, acme)
    credit(bank, number, {1: 1000_00})
    tidy(bank, acme)
    with pytest.raises(Conflict, match="没有可以撤销的"):
        undo_batch(bank.books.db, batch, why="客户愿付", by=CLERK, now=bank.books.tick())
    bank.books_agree(acme)


def test_what_was_recovered_is_taken_back_before_the_write_off_is(bank: Bank) -> None:
    """
    1,000 are written off, then 400 come in after all. The write-off stands behind the 400: it is
    taken back only when they are, and then all 1,000 are to be asked for.
    """
    acme = owing(bank, "acme", {"2026-08": 1000})
    number = str(acme.bill("2026-08").number)
    write_off(bank, number)
    batch = batch_of_write_off(bank, acme)
    receipt = bank.pays("2026-09-20", "400.00", name(acme), memo=number)
    placing = Placing(customer=acme.customer.slug, bills={number: 400_00})
    now = bank.books.tick()
    apportion_receipt(bank.books.db, receipt.receipt_id, placing, by=CLERK, now=now)
    assert lost(bank) == 600_00
    now = bank.books.tick()
    with pytest.raises(Conflict, match="请先撤销那笔认款"):
        undo_batch(bank.books.db, batch, why="客户愿付", by=CLERK, now=now)
    with bank.books.db.read() as tx:
        placed = next(r.batch_id for r in of_receipt(tx, receipt.receipt_id))
    undo_batch(bank.books.db, placed, why="认错了", by=CLERK, now=bank.books.tick())
    undo_batch(bank.books.db, batch, why="客户愿付", by=CLERK, now=bank.books.tick())
    assert (bank.open(acme), state(acme, "2026-08")) == ({"2026-08": "1,000.00"}, BillState.ISSUED)
    assert lost(bank) == 0
    bank.books_agree(acme)


def test_what_bounced_is_no_prepayment_though_its_bill_was_voided(bank: Bank) -> None:
    """
    600 of 1,000 are paid, the bill is voided, and the 600 became a prepayment. Then the bank takes
    them back: nothing came in, so nothing is the customer's.
    """
    acme = owing(bank, "acme", {"2026-08": 1000})
    number = str(acme.bill("2026-08").number)
    receipt = bank.pays("2026-09-10", "600.00", name(acme), memo=number)
    credit(bank, number, None)
    assert (tidy(bank, acme), bank.prepaid(acme)) == (600_00, "600.00")
    now = bank.books.tick()
    bounce(bank.books.db, receipt.receipt_id, line=None, why="退票", by=CLERK, now=now)
    assert (tidy(bank, acme), bank.prepaid(acme), bank.open(acme)) == (0, "0.00", {})
    bank.books_agree(acme)


def test_what_bounced_opens_no_bill_beyond_what_is_owed_of_it(bank: Bank) -> None:
    """1,000 are paid and 400 credited: 400 prepaid. Then the 1,000 bounce, and 600 are owed."""
    acme = owing(bank, "acme", {"2026-08": 1000})
    number = str(acme.bill("2026-08").number)
    receipt = bank.pays("2026-09-10", "1000.00", name(acme), memo=number)
    credit(bank, number, {1: 400_00})
    assert (tidy(bank, acme), bank.prepaid(acme)) == (400_00, "400.00")
    now = bank.books.tick()
    bounce(bank.books.db, receipt.receipt_id, line=None, why="退票", by=CLERK, now=now)
    assert (bank.prepaid(acme), bank.open(acme)) == ("0.00", {"2026-08": "600.00"})
    bank.books_agree(acme)


def test_lateness_with_a_bill_that_was_voided_costs_nothing(bank: Bank) -> None:
    """
    August's 1,000 are overdue at the end of September, and a late fee waits for the next bill.
    Then the bill turns out to be wrong and is voided: nobody was late with it.
    """
    acme = owing(bank, "acme", {"2026-08": 1000})
    bill = acme.bill("2026-08")
    bank.day((due(bill.due_on) + timedelta(days=35)).isoformat())
    assert waiting_fees(bank, acme) > 0
    credit(bank, str(bill.number), None)
    for _ in range(2):
        bank.day((due(bill.due_on) + timedelta(days=36)).isoformat())
    assert waiting_fees(bank, acme) == 0


def waiting_fees(bank: Bank, party: Party) -> int:
    """Return what late fees come to that the clerk has charged, in fen."""
    with bank.books.db.read() as tx:
        known = adjustments_of(tx, party.customer.customer_id)
    return sum(each.amount_fen for each in known if each.kind is LineKind.LATE_FEE)


def test_a_bill_that_is_named_twice_is_not_paid_beyond_what_was_given_up(bank: Bank) -> None:
    """1,000 are written off. By number and by id, 1,500 for the same bill are refused."""
    acme = owing(bank, "acme", {"2026-08": 1000})
    bill = acme.bill("2026-08")
    write_off(bank, str(bill.number))
    receipt = bank.pays("2026-09-20", "1500.00", name(acme))
    placing = Placing(customer="acme", bills={str(bill.number): 1000_00, bill.bill_id: 500_00})
    with pytest.raises(Invalid, match="写了两次"):
        apportion_receipt(bank.books.db, receipt.receipt_id, placing, by="a", now=bank.books.tick())
    bank.books_agree(acme)
