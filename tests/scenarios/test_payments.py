"""From a bank line to a closed receivable, told as finance would."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from tests.recorded import recorded
from tests.scenarios.bank import YUAN, Bank, due, name, owing, state
from tests.scenarios.books import CLERK, Books, Party
from yuejie.bills.bill import Bill, BillState
from yuejie.bills.correct.take_back import decide_credit, request_credit
from yuejie.contracts.terms import STANDARD
from yuejie.kernel.errors import Conflict, Forbidden, Invalid
from yuejie.kernel.money import Money
from yuejie.payments.apportion.draw import draw_down, return_excess, set_aside
from yuejie.payments.apportion.move import Source, Use
from yuejie.payments.apportion.place import Placing, apportion_receipt
from yuejie.payments.apportion.refund import RefundState
from yuejie.payments.apportion.refunds import (
    Wanted,
    bounce,
    decide_refund,
    refund_failed,
    refund_paid,
    request_refund,
)
from yuejie.payments.apportion.store import batch, of_receipt
from yuejie.payments.apportion.undo import undo_batch
from yuejie.payments.apportion.waiver import WaiverKind
from yuejie.payments.apportion.waivers import decide_waiver, request_waiver
from yuejie.payments.banks.keep import Paper, file_authorisation, give_number, set_parent
from yuejie.payments.claims.claim import Claimed
from yuejie.payments.claims.decide import accept_claim, claim_receipt
from yuejie.payments.dunning.dun import watch_credit
from yuejie.payments.dunning.standing import credit_now
from yuejie.payments.dunning.store import standing as read
from yuejie.payments.receipts.receipt import ReceiptState
from yuejie.payments.statements.store import lines

M = 1_000_000


@pytest.fixture
def yuan(books: Books) -> Books:
    books.prices(YUAN, currency="CNY")
    return books


@pytest.fixture
def bank(yuan: Books) -> Bank:
    return Bank(yuan)


def test_a_transfer_that_names_its_bill_closes_it(bank: Bank) -> None:
    """
    Acme pays its bill to the fen and writes its number, with a blank in it, into the memo. Number,
    name, amount and day come to 120 points: nobody need look.
    """
    acme = owing(bank, "acme", {"2026-08": 1000})
    number = str(acme.bill("2026-08").number)
    memo = f"货款 {number[:6]} {number[6:]}"
    receipt = bank.pays("2026-09-10", "1000.00", name(acme), memo=memo)
    assert receipt.state is ReceiptState.APPORTIONED
    assert state(acme, "2026-08") is BillState.PAID
    assert bank.open(acme) == {"2026-08": "0.00"}
    assert bank.kinds().count("payment_received") == 1
    bank.books_agree(acme)


def test_a_first_transfer_without_a_number_waits_for_a_person_and_the_next_does_not(
    bank: Bank,
) -> None:
    """
    The name and the exact amount come to 60 points: proposed. Once a person has confirmed it, the
    payer's account is known, and the same transfer of the next month posts itself: 100 points.
    """
    acme = owing(bank, "acme", {"2026-07": 800, "2026-08": 1000})
    first = bank.pays("2026-09-10", "800.00", name(acme))
    assert first.state is ReceiptState.PROPOSED
    apportion_receipt(
        bank.books.db,
        first.receipt_id,
        Placing(customer="acme"),
        by=CLERK,
        now=bank.books.clock.now(),
    )
    second = bank.pays("2026-09-12", "1000.00", name(acme))
    assert second.state is ReceiptState.APPORTIONED
    assert bank.open(acme) == {"2026-07": "0.00", "2026-08": "0.00"}
    bank.books_agree(acme)


def test_a_number_of_its_own_takes_partial_and_too_large_transfers(bank: Bank) -> None:
    """
    Through its own account Acme pays 1,500 of two bills: the oldest first. Then 2,000 of the 500
    that are open: the rest is a prepayment, and the next bill is paid from it on its due date.
    """
    acme = owing(bank, "acme", {"2026-07": 1000, "2026-08": 1000})
    now = bank.books.clock.now()
    give_number(bank.books.db, "acme", account="110912345610801", number="8801", by=CLERK, now=now)
    bank.pays("2026-09-10", "1500.00", name(acme), into="8801")
    assert bank.open(acme) == {"2026-07": "0.00", "2026-08": "500.00"}
    bank.pays("2026-09-11", "2000.00", name(acme), into="8801")
    assert bank.open(acme) == {"2026-07": "0.00", "2026-08": "0.00"}
    assert bank.prepaid(acme) == "1,500.00"
    acme.uses("2026-09-20 10:00:00", "gpt-4o", input=100 * M)
    bank.books.close("2026-09")
    bill = bank.books.issue(acme.bill("2026-09"))
    bank.day(due(bill.due_on).isoformat())
    assert state(acme, "2026-09") is BillState.PAID
    assert bank.prepaid(acme) == "500.00"
    bank.books_agree(acme)


def test_one_transfer_pays_several_bills_when_only_one_sum_fits(bank: Bank) -> None:
    """700 + 1,100 is the only sum of open bills that makes 1,800; 900 is left alone."""
    acme = owing(bank, "acme", {"2026-06": 700, "2026-07": 900, "2026-08": 1100})
    now = bank.books.clock.now()
    give_number(bank.books.db, "acme", account="110912345610801", number="8801", by=CLERK, now=now)
    bank.pays("2026-09-10", "1800.00", name(acme), into="8801")
    assert bank.open(acme) == {"2026-06": "0.00", "2026-07": "900.00", "2026-08": "0.00"}
    bank.books_agree(acme)


def test_two_bills_of_one_amount_are_for_a_person_to_tell_apart(bank: Bank) -> None:
    acme = owing(bank, "acme", {"2026-07": 1000, "2026-08": 1000})
    now = bank.books.clock.now()
    give_number(bank.books.db, "acme", account="110912345610801", number="8801", by=CLERK, now=now)
    receipt = bank.pays("2026-09-10", "1000.00", name(acme), into="8801")
    assert receipt.state is ReceiptState.PROPOSED


def test_a_stranger_waits_in_suspense_until_the_customer_claims_it(bank: Bank) -> None:
    """
    “张三” says nothing to us. Acme claims the money, but a person's money is not Acme's: without
    a 代付协议 nobody may apportion it. With one on file the claim goes through.
    """
    acme = owing(bank, "acme", {"2026-08": 1000})
    receipt = bank.pays("2026-09-10", "1000.00", "张三")
    assert receipt.state is ReceiptState.SUSPENDED
    claim = claim_receipt(
        bank.books.db,
        acme.customer.customer_id,
        Claimed(
            payer_name="张三",
            amount_fen=1000_00,
            paid_on=date(2026, 9, 9),
            bill_numbers=(str(acme.bill("2026-08").number),),
        ),
        by="acme:finance",
        now=bank.books.clock.now(),
    )
    assert claim.receipt_id == receipt.receipt_id
    with pytest.raises(Conflict, match="代付协议"):
        accept_claim(bank.books.db, claim.claim_id, by=CLERK, now=bank.books.clock.now())
    paper = Paper(
        payer_name="张三",
        document_name="代付协议.pdf",
        document=b"scan",
        starts_on=date(2026, 9, 1),
    )
    file_authorisation(bank.books.db, "acme", paper, by=CLERK, now=bank.books.clock.now())
    with pytest.raises(Forbidden):
        accept_claim(bank.books.db, claim.claim_id, by="acme:finance", now=bank.books.clock.now())
    accept_claim(bank.books.db, claim.claim_id, by=CLERK, now=bank.books.clock.now())
    assert state(acme, "2026-08") is BillState.PAID
    bank.books_agree(acme)


def test_a_third_party_that_names_a_bill_is_held_until_its_paper_is_on_file(bank: Bank) -> None:
    acme = owing(bank, "acme", {"2026-08": 1000})
    number = str(acme.bill("2026-08").number)
    receipt = bank.pays("2026-09-10", "1000.00", "乙方代付有限公司", memo=f"代付 {number}")
    assert receipt.state is ReceiptState.HELD
    paper = Paper(
        payer_name="乙方代付有限公司",
        document_name="代付协议.pdf",
        document=b"scan",
        starts_on=date(2026, 9, 10),
    )
    file_authorisation(bank.books.db, "acme", paper, by=CLERK, now=bank.books.clock.now())
    bank.match()
    # 60 + 25 + 5 = 90 points, and now it may pay.
    assert bank.receipt(receipt.receipt_id).state is ReceiptState.APPORTIONED
    bank.books_agree(acme)


def test_a_parent_pays_for_its_subsidiary(bank: Bank) -> None:
    """The parent's transfer names the subsidiary's bill and its own; both are closed at once."""
    parent = owing(bank, "group", {"2026-08": 500})
    child = owing(bank, "child", {"2026-08": 700})
    set_parent(bank.books.db, "child", "group", by=CLERK, now=bank.books.clock.now())
    memo = f"{parent.bill('2026-08').number}，{child.bill('2026-08').number}"
    receipt = bank.pays("2026-09-10", "1200.00", name(parent), memo=memo)
    assert receipt.state is ReceiptState.APPORTIONED
    assert receipt.customer_id == parent.customer.customer_id
    assert (state(parent, "2026-08"), state(child, "2026-08")) == (BillState.PAID,) * 2
    bank.books_agree(parent, child)


def test_a_bank_fee_is_borne_by_the_word_of_two(bank: Bank) -> None:
    """985 of 1,000 arrive. The 15 are a bank's fee: one asks, another approves, it is paid."""
    acme = owing(bank, "acme", {"2026-08": 1000})
    number = str(acme.bill("2026-08").number)
    with pytest.raises(Conflict, match="超过手续费容差"):
        ask(bank, number)
    bank.pays("2026-09-10", "985.00", name(acme), memo=number)
    waiver = ask(bank, number)
    with pytest.raises(Forbidden, match="另一人"):
        decide_waiver(bank.books.db, waiver, approve=True, by="clerk-a", now=bank.books.clock.now())
    decide_waiver(bank.books.db, waiver, approve=True, by="boss", now=bank.books.clock.now())
    assert state(acme, "2026-08") is BillState.PAID
    for approve, deed in ((True, "批准"), (False, "驳回")):
        with pytest.raises(Conflict, match=f"已有审批结果，不能再{deed}"):
            decide_waiver(
                bank.books.db,
                waiver,
                approve=approve,
                by="boss",
                now=bank.books.clock.now(),
                why="催收",
            )
    bank.books_agree(acme)


def ask(bank: Bank, number: str, kind: WaiverKind = WaiverKind.SHORT_PAY) -> str:
    asked = request_waiver(
        bank.books.db, number, kind, why="银行手续费", by="clerk-a", now=bank.books.clock.now()
    )
    return asked.waiver_id


def test_a_bad_debt_is_given_up_by_two_and_may_still_be_paid(bank: Bank) -> None:
    """Written off in full; then 400 arrive after all: the loss falls by 400, then by the rest."""
    acme = owing(bank, "acme", {"2026-08": 1000})
    number = str(acme.bill("2026-08").number)
    waiver = ask(bank, number, WaiverKind.WRITE_OFF)
    decide_waiver(bank.books.db, waiver, approve=True, by="boss", now=bank.books.clock.now())
    assert state(acme, "2026-08") is BillState.WRITTEN_OFF
    bank.books_agree(acme)
    first = bank.pays("2026-12-10", "400.00", name(acme), memo=number)
    assert first.state is not ReceiptState.APPORTIONED
    place(bank, first.receipt_id, {number: 400_00})
    assert state(acme, "2026-08") is BillState.WRITTEN_OFF
    second = bank.pays("2026-12-11", "600.00", name(acme), memo=number)
    undone = place(bank, second.receipt_id, {number: 600_00})
    assert state(acme, "2026-08") is BillState.PAID
    bank.books_agree(acme)
    undo_batch(bank.books.db, undone, why="认错了", by=CLERK, now=bank.books.clock.now())
    assert state(acme, "2026-08") is BillState.WRITTEN_OFF
    bank.books_agree(acme)


def place(bank: Bank, receipt_id: str, bills: dict[str, int]) -> str:
    placed = apportion_receipt(
        bank.books.db,
        receipt_id,
        Placing(customer="acme", bills=bills),
        by=CLERK,
        now=bank.books.clock.now(),
    )
    return placed.batch_id


def test_a_transfer_that_bounces_opens_its_bills_again(bank: Bank) -> None:
    acme = owing(bank, "acme", {"2026-08": 1000})
    number = str(acme.bill("2026-08").number)
    receipt = bank.pays("2026-09-10", "1300.00", name(acme), memo=number)
    assert (state(acme, "2026-08"), bank.prepaid(acme)) == (BillState.PAID, "300.00")
    bank.at("2026-09-11")
    bank.imports(bank.row("2026-09-11", "1300.00", name(acme), out=True, memo="退票"))
    bounce(
        bank.books.db,
        receipt.receipt_id,
        line=None,
        why="退票",
        by=CLERK,
        now=bank.books.clock.now(),
    )
    assert (state(acme, "2026-08"), bank.prepaid(acme)) == (BillState.ISSUED, "0.00")
    assert bank.receipt(receipt.receipt_id).state is ReceiptState.RETURNED
    bank.books_agree(acme)


def test_money_goes_back_only_to_its_payer_by_two_words_and_not_under_a_fapiao(bank: Bank) -> None:
    """
    Acme paid 500 too much and wants them back. While a fapiao says more than was consumed nothing
    leaves; then one asks, another approves, the bank pays; what failed may be asked for again.
    """
    acme = owing(bank, "acme", {"2026-08": 1000})
    number = str(acme.bill("2026-08").number)
    receipt = bank.pays("2026-09-10", "1500.00", name(acme), memo=number)
    now = bank.books.clock.now()
    wanted = Wanted(
        receipt_id=receipt.receipt_id,
        source=Source.PREPAYMENT,
        customer="acme",
        amount_fen=500_00,
        why="多付",
    )
    with pytest.raises(Conflict, match="欠票"):
        request_refund(bank.books.db, wanted, by="a", now=now, owes_fapiao=lambda *_: 100)
    with pytest.raises(Conflict, match="可退 500"):
        request_refund(bank.books.db, replace(wanted, amount_fen=500_01), by="a", now=now)
    refund = request_refund(bank.books.db, wanted, by="a", now=now)
    assert bank.prepaid(acme) == "0.00"
    with pytest.raises(Forbidden, match="另一人"):
        decide_refund(bank.books.db, refund.refund_id, approve=True, by="a", now=now)
    with pytest.raises(Conflict, match="待审批"):
        refund_paid(bank.books.db, refund.refund_id, line=None, paid_on=now.date(), by="a", now=now)
    decide_refund(bank.books.db, refund.refund_id, approve=True, by="b", now=now)
    refund_failed(bank.books.db, refund.refund_id, why="户名不符", by="a", now=now)
    assert bank.prepaid(acme) == "500.00"
    again = request_refund(bank.books.db, wanted, by="a", now=now)
    decide_refund(bank.books.db, again.refund_id, approve=True, by="b", now=now)
    paid = refund_paid(
        bank.books.db, again.refund_id, line=None, paid_on=now.date(), by="a", now=now
    )
    assert (paid.state, paid.to_number) == (RefundState.PAID, receipt.payer_number)
    with pytest.raises(Conflict, match="可退"):
        request_refund(bank.books.db, wanted, by="a", now=now)
    bank.books_agree(acme)


@pytest.mark.parametrize("failed", [False, True], ids=["rejected", "failed"])
def test_what_does_not_go_back_is_to_be_placed_again(bank: Bank, *, failed: bool) -> None:
    """
    400 of 1,000 are to go back, and the other 600 pay a bill: every fen has its place. Then the
    refund is rejected, or the bank does not carry it out, and the 400 wait for a person again.
    """
    acme = owing(bank, "acme", {"2026-08": 600})
    receipt = bank.pays("2026-09-10", "1000.00", name(acme)).receipt_id
    wanted = Wanted(receipt_id=receipt, source=Source.RECEIPT, amount_fen=400_00, why="多付")
    db, now = bank.books.db, bank.books.clock.now()
    refund = request_refund(db, wanted, by="a", now=now).refund_id
    place(bank, receipt, {str(acme.bill("2026-08").number): 600_00})
    assert bank.receipt(receipt).state is ReceiptState.APPORTIONED
    decide_refund(db, refund, approve=failed, by="b", now=now, why="抵下月")
    if failed:
        refund_failed(db, refund, why="户名不符", by="a", now=now)
    assert bank.receipt(receipt).state is ReceiptState.SUSPENDED
    place(bank, receipt, {})
    assert (bank.receipt(receipt).state, bank.prepaid(acme)) == (
        ReceiptState.APPORTIONED,
        "400.00",
    )
    bank.books_agree(acme)


def test_one_line_of_the_bank_carries_one_refund(bank: Bank) -> None:
    """200 went back once, and a second refund of 200 points at the same line: it is refused."""
    acme = owing(bank, "acme", {"2026-08": 600})
    receipt = bank.pays("2026-09-10", "1000.00", name(acme)).receipt_id
    wanted = Wanted(receipt_id=receipt, source=Source.RECEIPT, amount_fen=200_00, why="多付")
    db, now = bank.books.db, bank.books.clock.now()
    refunds = [request_refund(db, wanted, by="a", now=now).refund_id for _ in range(2)]
    for each in refunds:
        decide_refund(db, each, approve=True, by="b", now=now)
    with pytest.raises(Conflict, match="已批准待付款，不能再驳回；"):
        decide_refund(db, refunds[0], approve=False, by="b", now=now, why="重复")
    bank.imports(bank.row("2026-09-11", "200.00", name(acme), out=True, memo="退款"))
    with db.read() as tx:
        account = bank.receipts()[0].account_id
        (line,) = [
            each.line_id
            for each in lines(tx, account, date(2026, 9, 11), date(2026, 9, 12))
            if each.direction == "out"
        ]
    refund_paid(db, refunds[0], line=line, paid_on=now.date(), by="a", now=now)
    with pytest.raises(Conflict, match="已登记"):
        refund_paid(db, refunds[1], line=line, paid_on=now.date(), by="a", now=now)


def test_a_deposit_comes_in_is_drawn_for_a_bill_and_goes_back(bank: Bank) -> None:
    acme = owing(bank, "acme", {"2026-08": 1000})
    receipt = bank.pays("2026-09-10", "3000.00", name(acme), memo="押金")
    now = bank.books.clock.now()
    apportion_receipt(
        bank.books.db,
        receipt.receipt_id,
        Placing(customer="acme", bills={}, deposit_fen=2000_00, rest=Use.PREPAYMENT),
        by=CLERK,
        now=now,
    )
    assert (bank.prepaid(acme, Use.DEPOSIT), bank.prepaid(acme)) == ("2,000.00", "1,000.00")
    number = str(acme.bill("2026-08").number)
    with pytest.raises(Invalid, match="押金"):
        draw_down(bank.books.db, "acme", Use.DEPOSIT, bills=None, by=CLERK, now=now)
    draw_down(
        bank.books.db,
        "acme",
        Use.DEPOSIT,
        bills={number: 400_00},
        why="逾期抵扣",
        by=CLERK,
        now=now,
    )
    draw_down(bank.books.db, "acme", Use.PREPAYMENT, bills=None, by=CLERK, now=now)
    assert state(acme, "2026-08") is BillState.PAID
    assert (bank.prepaid(acme, Use.DEPOSIT), bank.prepaid(acme)) == ("1,600.00", "400.00")
    set_aside(bank.books.db, "acme", 400_00, why="合同约定", by=CLERK, now=now)
    with pytest.raises(Conflict, match="预收款不足"):
        set_aside(bank.books.db, "acme", 1, why="合同约定", by=CLERK, now=now)
    wanted = Wanted(
        receipt_id=receipt.receipt_id,
        source=Source.DEPOSIT,
        customer="acme",
        amount_fen=2000_00,
        why="合同终止",
    )
    refund = request_refund(bank.books.db, wanted, by="a", now=now)
    decide_refund(bank.books.db, refund.refund_id, approve=True, by="b", now=now)
    refund_paid(bank.books.db, refund.refund_id, line=None, paid_on=now.date(), by="b", now=now)
    assert bank.prepaid(acme, Use.DEPOSIT) == "0.00"
    bank.books_agree(acme)


def test_what_was_credited_after_payment_becomes_a_prepayment(bank: Bank) -> None:
    acme = owing(bank, "acme", {"2026-08": 1000})
    number = str(acme.bill("2026-08").number)
    bank.pays("2026-09-10", "1000.00", name(acme), memo=number)
    now = bank.books.clock.now()
    note = request_credit(
        bank.books.db, number, amounts={1: 200_00}, why="计量有误", by="a", now=now
    )
    decide_credit(bank.books.db, note.credit_note_id, approve=True, by="b", now=now)
    assert bank.open(acme) == {"2026-08": "-200.00"}
    customer = acme.customer.customer_id
    assert return_excess(bank.books.db, customer, by=CLERK, now=now) == 200_00
    assert return_excess(bank.books.db, customer, by=CLERK, now=now) == 0
    assert (bank.open(acme), bank.prepaid(acme)) == ({"2026-08": "0.00"}, "200.00")
    assert state(acme, "2026-08") is BillState.PAID
    bank.books_agree(acme)


def test_an_apportionment_is_taken_back_once_and_not_under_a_used_prepayment(bank: Bank) -> None:
    acme = owing(bank, "acme", {"2026-07": 1000, "2026-08": 300})
    number = str(acme.bill("2026-07").number)
    receipt = bank.pays("2026-09-10", "1000.00", name(acme), memo=number)
    now = bank.books.clock.now()
    with bank.books.db.read() as tx:
        (row,) = of_receipt(tx, receipt.receipt_id)
    undone = undo_batch(bank.books.db, row.batch_id, why="认错了", by=CLERK, now=now)
    assert state(acme, "2026-07") is BillState.ISSUED
    assert bank.receipt(receipt.receipt_id).state is ReceiptState.SUSPENDED
    for again in (row.batch_id, undone):
        with pytest.raises(Conflict, match="不能再"):
            undo_batch(bank.books.db, again, why="认错了", by=CLERK, now=now)
    placing = Placing(customer="acme", bills={number: 700_00})
    placed = apportion_receipt(bank.books.db, receipt.receipt_id, placing, by=CLERK, now=now)
    later = str(acme.bill("2026-08").number)
    draw_down(bank.books.db, "acme", Use.PREPAYMENT, bills={later: 300_00}, by=CLERK, now=now)
    with pytest.raises(Conflict, match="预收款不足"):
        undo_batch(bank.books.db, placed.batch_id, why="认错了", by=CLERK, now=now)
    with bank.books.db.read() as tx:
        assert len(batch(tx, placed.batch_id)) == 2
    bank.books_agree(acme)


def late(bank: Bank, bill: Bill, days: int) -> str:
    """Return the day so many days behind a bill's due date."""
    assert bank is not None
    return (due(bill.due_on) + timedelta(days=days)).isoformat()


def test_reminders_go_out_once_each_and_only_the_newest_after_an_outage(bank: Bank) -> None:
    acme = owing(bank, "acme", {"2026-08": 1000})
    bill = acme.bill("2026-08")
    for days in (-3, -3, -1, 0, 1):
        bank.day(late(bank, bill, days))
    assert bank.kinds().count("payment_reminder") == 2
    assert bank.kinds().count("overdue") == 1
    # The clerk was away on T+3 and comes back on T+8: one message, not two.
    bank.day(late(bank, bill, 8))
    bank.day(late(bank, bill, 9))
    assert bank.kinds().count("overdue") == 2


def test_a_late_fee_stops_on_the_day_the_bank_booked_the_money(bank: Bank) -> None:
    """
    1,000 yuan, ten days late at 0.05 % a day: 5.00, though we read the statement later. It stands
    as a line of its own on the next bill, once, however often the clerk comes by.
    """
    acme = owing(bank, "acme", {"2026-08": 1000})
    bill = acme.bill("2026-08")
    paid_on = late(bank, bill, 10)
    bank.at(late(bank, bill, 12))
    bank.pays(paid_on, "1000.00", name(acme), memo=str(bill.number))
    for days in (12, 13, 30):
        bank.day(late(bank, bill, days))
    acme.uses("2026-09-20 10:00:00", "gpt-4o", input=10 * M)
    bank.books.close("2026-09")
    (fee,) = [line for line in acme.bill("2026-09").lines if line.kind == "late_fee"]
    assert fee.amount_fen == 5_00
    assert "逾期 10 天" in fee.item
    (charged,) = recorded(bank.books.db, "adjustment")
    assert (charged.by, charged.verb, "按合同约定计收" in charged.why) == ("clerk", "charge", True)
    assert (charged.became or {})["amount_fen"] == 5_00


def test_overdue_suspends_behind_the_grace_and_payment_restores(bank: Bank) -> None:
    acme = owing(bank, "acme", {"2026-08": 1000}, replace(STANDARD, grace_days=3))
    bill = acme.bill("2026-08")
    bank.day(late(bank, bill, 1))
    assert bank.kinds().count("suspension_warning") == 1
    bank.day(late(bank, bill, 3))
    assert "suspended" not in bank.kinds()
    bank.day(late(bank, bill, 4))
    assert bank.kinds().count("suspended") == 1
    assert standing(bank, acme) == ("suspended", "overdue")
    bank.pays(late(bank, bill, 5), "1000.00", name(acme), memo=str(bill.number))
    assert standing(bank, acme) == ("normal", "")
    assert bank.kinds().count("restored") == 1


def standing(bank: Bank, party: Party) -> tuple[str, str]:
    with bank.books.db.read() as tx:
        row = read(tx, party.customer.customer_id)
    assert row is not None
    return row.state, row.reason


def test_a_used_up_credit_limit_suspends_and_a_prepayment_restores(bank: Bank) -> None:
    """1,000 of credit: told at 70, 80, 90 and 100 percent, once each; suspended at 100."""
    terms = replace(STANDARD, credit_limit_fen=1000_00)
    acme = bank.books.customer("acme", commercial=terms)
    db = bank.books.db
    bank.at("2026-08-05")
    for used in (75, 5, 12, 8):
        acme.uses("2026-08-05 10:00:00", "gpt-4o", input=used * M)
        watch_credit(db, bank.books.clock.now())
        watch_credit(db, bank.books.clock.now())
    assert bank.kinds().count("credit_used") == 4
    assert standing(bank, acme) == ("suspended", "credit_limit")
    receipt = bank.pays("2026-08-06", "500.00", name(acme))
    apportion_receipt(
        db,
        receipt.receipt_id,
        Placing(customer="acme"),
        by=CLERK,
        now=bank.books.clock.now(),
    )
    assert standing(bank, acme) == ("normal", "")
    assert bank.prepaid(acme) == "500.00"
    bank.books_agree(acme)


def used(bank: Bank, party: Party) -> str:
    """Return what a customer has used of its credit at this moment."""
    with bank.books.db.read() as tx:
        found = credit_now(tx, party.customer.customer_id, bank.books.clock.now())
    return str(Money(found.used_fen, "CNY"))


def test_late_usage_takes_of_the_credit_until_it_is_paid_and_no_longer(bank: Bank) -> None:
    """August is paid; 200 of it come late and stand on September's bill, which is paid as well."""
    terms = replace(STANDARD, credit_limit_fen=2000_00)
    acme = owing(bank, "acme", {"2026-08": 1000}, terms)
    bank.pays("2026-09-10", "1000.00", name(acme), memo=str(acme.bill("2026-08").number))
    assert used(bank, acme) == "0.00"
    acme.uses("2026-08-20 10:00:00", "gpt-4o", input=20 * M)
    assert used(bank, acme) == "200.00"
    bank.books.close("2026-09")
    assert used(bank, acme) == "200.00"
    bill = bank.books.issue(acme.bill("2026-09"))
    assert used(bank, acme) == "200.00"
    bank.pays("2026-10-10", "200.00", name(acme), memo=str(bill.number))
    assert used(bank, acme) == "0.00"


def test_a_voided_bill_takes_of_the_credit_until_it_is_billed_again(bank: Bank) -> None:
    """900 of a credit of 1,000 are used; to void the bill of them gives nobody 900 more."""
    terms = replace(STANDARD, credit_limit_fen=1000_00)
    acme = owing(bank, "acme", {"2026-08": 900}, terms)
    number, db, now = str(acme.bill("2026-08").number), bank.books.db, bank.books.tick()
    note = request_credit(db, number, amounts=None, why="抬头有误", by="a", now=now)
    decide_credit(db, note.credit_note_id, approve=True, by="b", now=now)
    assert used(bank, acme) == "900.00"
    bank.books.close("2026-09")
    assert used(bank, acme) == "900.00"
    bank.books.issue(acme.bill("2026-09"))
    assert used(bank, acme) == "900.00"
