"""Money that goes back, is taken back, or is looked at as of a day that is past."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import pytest

from tests.scenarios.bank import NUMBER, YUAN, Bank, due, name, owing, state
from tests.scenarios.books import CLERK, Books, Party
from tests.scenarios.test_credited import credit, tidy, write_off
from yuejie.bills.bill import BillState
from yuejie.bills.documents.document import Seller
from yuejie.contracts.terms import STANDARD, PaymentMode
from yuejie.kernel.errors import Conflict, Invalid, NotFound
from yuejie.payments.apportion.draw import draw_down, set_aside
from yuejie.payments.apportion.move import Source, Use
from yuejie.payments.apportion.place import Placing, apportion_receipt
from yuejie.payments.apportion.refund import Refund, RefundState
from yuejie.payments.apportion.refunds import (
    Wanted,
    bounce,
    decide_refund,
    refund_failed,
    refund_paid,
    request_refund,
)
from yuejie.payments.apportion.store import of_receipt, refunds_of, slips
from yuejie.payments.apportion.undo import undo_batch
from yuejie.payments.apportion.waiver import WaiverKind
from yuejie.payments.apportion.waivers import decide_waiver, request_waiver
from yuejie.payments.banks.keep import give_number, set_parent
from yuejie.payments.claims.claim import Claimed
from yuejie.payments.claims.decide import accept_claim, claim_receipt
from yuejie.payments.dunning.standing import Standing, StandingState, standing_now
from yuejie.payments.letters.letter import Asked, LetterKind
from yuejie.payments.letters.render import account_letter, deposit_slip
from yuejie.payments.receipts.match import Matched, match_open, match_receipt
from yuejie.payments.receipts.receipt import ReceiptState
from yuejie.payments.receipts.store import known_payers, receipts_of
from yuejie.payments.receivables.ageing import Age
from yuejie.payments.receivables.show import (
    age_receivables,
    check_bank,
    statement_of_account,
)
from yuejie.payments.statements.store import lines, lines_paying_back
from yuejie.web.store import Sought, deeds

SELLER = Seller("月结示例科技有限公司", "91350100M000100Y43", "示例银行", "0000 0000")


@pytest.fixture
def bank(books: Books) -> Bank:
    books.prices(YUAN, currency="CNY")
    return Bank(books)


def stands(bank: Bank, party: Party) -> Standing:
    """Return how a customer stands as last reviewed; nobody reviews anything here."""
    with bank.books.db.read() as tx:
        return standing_now(tx, party.customer.customer_id, bank.books.clock.now())


def goes_back(bank: Bank, receipt_id: str, yuan: int, customer: str) -> str:
    """Ask for a part of a prepayment to go back to a receipt's payer."""
    wanted = Wanted(
        receipt_id=receipt_id,
        source=Source.PREPAYMENT,
        customer=customer,
        amount_fen=yuan * 100,
        why="多付",
    )
    return request_refund(bank.books.db, wanted, by="a", now=bank.books.clock.now()).refund_id


def first_batch(bank: Bank, receipt_id: str) -> str:
    with bank.books.db.read() as tx:
        return of_receipt(tx, receipt_id)[0].batch_id


def bounces(bank: Bank, receipt_id: str, *, line: str | None = None) -> date | None:
    now = bank.books.clock.now()
    gone = bounce(bank.books.db, receipt_id, line=line, why="退票", by=CLERK, now=now)
    return gone.paid_on


def test_a_prepayment_goes_back_to_whoever_paid_it_and_to_nobody_else(bank: Bank) -> None:
    """
    Acme paid 500 too much; Beta's transfer has nothing to do with it, and its account is not the
    one that Acme's money came from. A parent's is: it paid for its subsidiary.
    """
    acme, beta = owing(bank, "acme", {"2026-08": 1000}), owing(bank, "beta", {"2026-08": 700})
    number, other = str(acme.bill("2026-08").number), str(beta.bill("2026-08").number)
    paid = bank.pays("2026-09-10", "1500.00", name(acme), memo=number)
    betas = bank.pays("2026-09-11", "700.00", name(beta), memo=other, number="6333000011112222")
    with pytest.raises(Conflict, match="不是该客户的付款"):
        goes_back(bank, betas.receipt_id, 500, "acme")
    goes_back(bank, paid.receipt_id, 300, "acme")
    set_parent(bank.books.db, "acme", "beta", by=CLERK, now=bank.books.clock.now())
    family = bank.pays("2026-09-12", "50.00", name(beta), number="6333000011112222")
    placing = Placing(customer="acme")
    apportion_receipt(
        bank.books.db, family.receipt_id, placing, by=CLERK, now=bank.books.clock.now()
    )
    goes_back(bank, family.receipt_id, 50, "acme")
    bank.books_agree(beta)


def test_a_transfer_bounces_also_behind_an_apportionment_that_was_taken_back(bank: Bank) -> None:
    """
    300 of a paid bill were credited and became a prepayment; the apportionment was taken back,
    and the 300 with it. Then the bank returns the transfer: there is nothing to be in its way.
    """
    acme = owing(bank, "acme", {"2026-08": 1000})
    number = str(acme.bill("2026-08").number)
    receipt = bank.pays("2026-09-10", "1000.00", name(acme), memo=number).receipt_id
    credit(bank, number, {1: 300_00})
    assert tidy(bank, acme) == 300_00
    now = bank.books.tick()
    undo_batch(bank.books.db, first_batch(bank, receipt), why="认错了", by=CLERK, now=now)
    bounces(bank, receipt)
    assert bank.receipt(receipt).state is ReceiptState.RETURNED
    assert (bank.open(acme), bank.prepaid(acme)) == ({"2026-08": "700.00"}, "0.00")
    bank.books_agree(acme)


def test_a_bounced_transfer_suspends_again_in_the_same_breath(bank: Bank) -> None:
    """Overdue behind its grace, restored by a payment; the bank takes the payment back."""
    acme = owing(bank, "acme", {"2026-08": 1000})
    bill = acme.bill("2026-08")
    late = due(bill.due_on) + timedelta(days=STANDARD.grace_days + 1)
    bank.day(late.isoformat())
    assert stands(bank, acme).state is StandingState.SUSPENDED
    receipt = bank.pays(late.isoformat(), "1000.00", name(acme), memo=str(bill.number))
    assert stands(bank, acme).state is StandingState.NORMAL
    bounces(bank, receipt.receipt_id)
    assert stands(bank, acme).state is StandingState.SUSPENDED


@pytest.mark.parametrize("rejected", [True, False], ids=["rejected", "asked"])
def test_what_is_to_go_back_serves_nobody_any_more(bank: Bank, *, rejected: bool) -> None:
    """Acme pays before use and wants its 1,000 back; from then on nothing covers its calls."""
    terms = replace(STANDARD, payment_mode=PaymentMode.PREPAID)
    acme = bank.books.customer("acme", commercial=terms)
    receipt = bank.pays("2026-09-10", "1000.00", name(acme)).receipt_id
    now = bank.books.clock.now()
    apportion_receipt(bank.books.db, receipt, Placing(customer="acme"), by=CLERK, now=now)
    assert stands(bank, acme).covered
    refund = goes_back(bank, receipt, 1000, "acme")
    assert not stands(bank, acme).covered
    if rejected:
        now = bank.books.clock.now()
        decide_refund(bank.books.db, refund, approve=False, by="b", now=now, why="抵下月")
    assert stands(bank, acme).covered is rejected


def test_a_receipt_that_waits_to_go_back_is_passed_over_by_the_matcher(bank: Bank) -> None:
    """300 of nobody we know are to go back: each round of the clerk counted that as a failure."""
    receipt = bank.pays("2026-09-10", "300.00", "谁也不是").receipt_id
    db, now = bank.books.db, bank.books.clock.now()
    wanted = Wanted(receipt_id=receipt, source=Source.RECEIPT, amount_fen=300_00, why="付错")
    refund = request_refund(db, wanted, by="a", now=now).refund_id
    assert match_open(db, now=now) == Matched(0, 0, 0, 0, failed=0)
    decide_refund(db, refund, approve=True, by="b", now=now)
    assert match_open(db, now=now) == Matched(0, 0, 0, 0, failed=0)
    with pytest.raises(Conflict, match="无需再匹配"):
        match_receipt(db, receipt, now=now)
    refund_failed(db, refund, why="户名不符", by="a", now=now)
    assert match_open(db, now=now) == Matched(0, 0, 0, suspended=1, failed=0)


def test_nobody_turns_money_down_without_a_reason(bank: Bank) -> None:
    """A refund, a waiver, and a refund that the bank did not carry out: why is said, or nothing."""
    acme = owing(bank, "acme", {"2026-08": 1000})
    receipt = bank.pays("2026-09-10", "300.00", "谁也不是").receipt_id
    db, now = bank.books.db, bank.books.clock.now()
    wanted = Wanted(receipt_id=receipt, source=Source.RECEIPT, amount_fen=100_00, why="付错")
    first, second = (request_refund(db, wanted, by="a", now=now).refund_id for _ in range(2))
    number = str(acme.bill("2026-08").number)
    bad = request_waiver(db, number, WaiverKind.WRITE_OFF, why="破产", by="a", now=now).waiver_id
    with pytest.raises(Invalid, match="驳回退款须写明原因"):
        decide_refund(db, first, approve=False, by="b", now=now)
    decide_refund(db, first, approve=False, by="b", now=now, why="抵下月")
    decide_refund(db, second, approve=True, by="b", now=now)
    with pytest.raises(Invalid, match="没有付成须写明原因"):
        refund_failed(db, second, why=" ", by="a", now=now)
    with pytest.raises(Invalid, match="驳回减免须写明原因"):
        decide_waiver(db, bad, approve=False, by="b", now=now, why=" ")
    decide_waiver(db, bad, approve=False, by="b", now=now, why="尚可催收")
    with db.read() as tx:
        told = {each.refund_id: (each.state, each.said) for each in refunds_of(tx, receipt)}
        waived = [each.why for each in deeds(tx, Sought(noun="waiver"), before=1 << 62, limit=9)]
    assert told == {first: (RefundState.REJECTED, "抵下月"), second: (RefundState.APPROVED, "")}
    assert waived == ["尚可催收", "破产"]


def test_a_bounce_is_named_by_the_serial_that_the_bank_printed(bank: Bank) -> None:
    """
    Whoever reads the bank's paper knows the serial, not our id. What left before the transfer came
    is not its return, nor is another amount under the same serial.
    """
    early = bank.row("2026-09-09", "300.00", "甲", out=True)
    bank.imports(early)
    receipt = bank.pays("2026-09-10", "300.00", "甲").receipt_id
    other, back = (
        bank.row("2026-09-12", "30.00", "甲", out=True),
        bank.row("2026-09-13", "300.00", "甲", out=True),
    )
    bank.imports(other, back)
    for wrong, says in (
        (early[1], "早于到账日 2026-09-10"),
        (other[1], r"支出 30\.00，与退款 300\.00 不符"),
    ):
        with pytest.raises(Conflict, match=says):
            bounces(bank, receipt, line=wrong)
    with pytest.raises(NotFound, match="流水 CMB1 不在该账户"):
        bounces(bank, receipt, line="CMB1")
    assert bounces(bank, receipt, line=back[1]) == date(2026, 9, 13)
    (gone,) = refunds_of_receipt(bank, receipt)
    assert gone.line_id is not None
    assert gone.line_id.startswith("bsl_")
    bank.books_agree()


def refunds_of_receipt(bank: Bank, receipt: str) -> Sequence[Refund]:
    with bank.books.db.read() as tx:
        return refunds_of(tx, receipt)


def test_only_lines_that_may_have_paid_a_refund_are_offered_for_it(bank: Bank) -> None:
    """
    To the payer's number or to none, of the amount, from behind the receipt, the newest first; a
    line of another refund is no candidate any more.
    """
    me, other = "6222000011112222", "6333000011112222"
    bank.imports(bank.row("2026-09-09", "100.00", "甲", number=me, out=True))
    receipt = bank.pays("2026-09-10", "300.00", "甲", number=me).receipt_id
    bank.imports(
        bank.row("2026-09-11", "100.00", "甲", number=me, out=True),
        bank.row("2026-09-12", "100.00", "", number="", out=True),
        bank.row("2026-09-13", "100.00", "乙", number=other, out=True),
        bank.row("2026-09-14", "100.01", "甲", number=me, out=True),
        bank.row("2026-09-15", "100.00", "甲", number=me),
    )
    db, now = bank.books.db, bank.books.clock.now()

    def offered() -> dict[str, str]:
        with db.read() as tx:
            found = lines_paying_back(tx, receipt, amount_fen=100_00)
        return {each.booked_on.isoformat(): each.line_id for each in found}

    assert list(offered()) == ["2026-09-12", "2026-09-11"]
    wanted = Wanted(receipt_id=receipt, source=Source.RECEIPT, amount_fen=100_00, why="付错")
    refund = request_refund(db, wanted, by="a", now=now).refund_id
    decide_refund(db, refund, approve=True, by="b", now=now)
    tomorrow = now.date() + timedelta(days=1)
    with pytest.raises(Invalid, match=r"付款日 .* 还没有到"):
        refund_paid(db, refund, line=None, paid_on=tomorrow, by="a", now=now)
    paid = refund_paid(
        db, refund, line=offered()["2026-09-11"], paid_on=now.date(), by="a", now=now
    )
    assert paid.paid_on == date(2026, 9, 11), "the bank's day, whatever somebody types"
    assert list(offered()) == ["2026-09-12"]


def test_a_receipt_that_was_taken_back_is_nobodys_until_it_is_placed_again(bank: Bank) -> None:
    """
    A transfer without a name was given to Acme, and was Beta's. Taken back, Acme does not see it
    any more, Beta's claim finds it, and the machine leaves it to persons.
    """
    acme, beta = owing(bank, "acme", {"2026-08": 1000}), owing(bank, "beta", {"2026-08": 1000})
    receipt = bank.pays("2026-09-10", "1000.00", "", memo=str(acme.bill("2026-08").number))
    now = bank.books.clock.now()
    db = bank.books.db
    apportion_receipt(db, receipt.receipt_id, Placing(customer="acme"), by=CLERK, now=now)
    undo_batch(db, first_batch(bank, receipt.receipt_id), why="认错了", by=CLERK, now=now)
    bank.match()
    after = bank.receipt(receipt.receipt_id)
    assert (after.state, after.customer_id) == (ReceiptState.SUSPENDED, None)
    with db.read() as tx:
        assert receipts_of(tx, acme.customer.customer_id) == []
        assert known_payers(tx, acme.customer.customer_id) == [], "nobody has confirmed its payer"
    named = bank.pays("2026-09-11", "1000.00", name(beta)).receipt_id
    apportion_receipt(db, named, Placing(customer="beta"), by=CLERK, now=now)
    undo_batch(db, first_batch(bank, named), why="认错了", by=CLERK, now=now)
    claimed = Claimed(payer_name=name(beta), amount_fen=1000_00, paid_on=date(2026, 9, 11))
    claim = claim_receipt(db, beta.customer.customer_id, claimed, by="beta:x", now=now)
    assert claim.receipt_id == named
    bank.books_agree(acme, beta)


def test_a_prepayment_pays_the_oldest_bill_and_not_one_that_happens_to_fit(bank: Bank) -> None:
    """July is late and costs a fee each day; that August comes to just what is there is chance."""
    acme = owing(bank, "acme", {"2026-07": 1000, "2026-08": 300})
    bank.pays("2026-09-10", "300.00", name(acme))
    (receipt,) = bank.receipts()
    placing = Placing(customer="acme", bills={})
    now = bank.books.clock.now()
    apportion_receipt(bank.books.db, receipt.receipt_id, placing, by=CLERK, now=now)
    drawn = draw_down(bank.books.db, "acme", Use.PREPAYMENT, bills=None, by=CLERK, now=now)
    assert [(share.number, share.fen) for share in drawn.shares] == [
        (acme.bill("2026-07").number, 300_00)
    ]


def test_a_due_bill_is_drawn_for_by_age(bank: Bank) -> None:
    acme = owing(bank, "acme", {"2026-07": 1000, "2026-08": 300})
    placing = Placing(customer="acme", bills={})
    receipt = bank.pays("2026-09-10", "300.00", name(acme)).receipt_id
    now = bank.books.clock.now()
    apportion_receipt(bank.books.db, receipt, placing, by=CLERK, now=now)
    bank.day(due(acme.bill("2026-08").due_on).isoformat())
    assert bank.open(acme) == {"2026-07": "700.00", "2026-08": "300.00"}


def test_dollars_that_name_a_bill_in_yuan_wait_for_a_person(books: Books) -> None:
    """The number, the name and an account of dollars: nobody has said what they are for."""
    books.prices(YUAN, currency="CNY")
    dollars = Bank(books, number="110912345610802", currency="USD")
    acme = owing(dollars, "acme", {"2026-08": 1000})
    receipt = dollars.pays(
        "2026-09-10", "1000.00", name(acme), memo=str(acme.bill("2026-08").number)
    )
    assert receipt.state is ReceiptState.PROPOSED
    assert state(acme, "2026-08") is BillState.ISSUED


def test_a_statement_says_what_stood_on_its_last_day(bank: Bank) -> None:
    """
    At the end of August Acme owed two bills and had paid nothing ahead. In September it pays one
    and 500 too much, the other is voided, and one is written off: August's letters stay the same.
    """
    acme = owing(bank, "acme", {"2026-06": 1000, "2026-07": 300})
    june, july = (str(acme.bill(month).number) for month in ("2026-06", "2026-07"))
    first, until = date(2026, 8, 1), date(2026, 9, 1)

    def said() -> tuple[object, ...]:
        found = statement_of_account(bank.books.db, "acme", first, until)
        asked = Asked(LetterKind.CONFIRMATION, first, until)
        letter = account_letter(bank.books.db, "acme", asked, SELLER, now=bank.at("2026-09-01"))
        ages = age_receivables(bank.books.db, date(2026, 8, 31))
        open_then = {row.number: row.open_fen for row in found.open}
        return (found.closing_fen, found.prepayment_fen, open_then, ages, len(letter[1]))

    bank.at("2026-09-01")
    before = said()
    assert before[:3] == (1300_00, 0, {june: 1000_00, july: 300_00})
    paid = bank.pays("2026-09-10", "1500.00", name(acme)).receipt_id
    placing = Placing(customer="acme", bills={june: 1000_00})
    apportion_receipt(bank.books.db, paid, placing, by=CLERK, now=bank.books.clock.now())
    credit(bank, july, None)
    bank.at("2026-09-20")
    later = owing_more(bank, acme, "2026-08", 200)
    write_off(bank, later)
    assert said()[:4] == before[:4]
    found = statement_of_account(bank.books.db, "acme", first, date(2026, 10, 1))
    assert (found.closing_fen, found.prepayment_fen, found.open) == (0, 500_00, ())
    (debtor,) = age_receivables(bank.books.db, date(2026, 8, 31))
    assert debtor.aged.total_fen == sum(Counter(debtor.aged.fen).values()) == 1300_00
    assert age_receivables(bank.books.db, date(2026, 9, 30), customer="acme") == []
    for on in (date(2026, 8, 31), date(2026, 9, 10), date(2026, 9, 30), date(9999, 12, 31)):
        alone = age_receivables(bank.books.db, on, customer="acme")
        assert age_receivables(bank.books.db, on) == alone
    assert debtor.aged.fen[Age.OLDER] == 0


def owing_more(bank: Bank, party: Party, month: str, yuan: int) -> str:
    party.uses(f"{month}-05 10:00:00", "gpt-4o", input=yuan // 10 * 1_000_000)
    bank.books.close(month)
    return str(bank.books.issue(party.bill(month)).number)


def test_the_bank_is_compared_with_the_books_of_the_same_day(bank: Bank) -> None:
    """What came in on the tenth is no difference on the fifth, whenever one asks."""
    bank.pays("2026-09-05", "100.00", "甲公司")
    then = check_bank(bank.books.db, NUMBER, on=date(2026, 9, 5))
    bank.pays("2026-09-10", "900.00", "乙公司")
    again = check_bank(bank.books.db, NUMBER, on=date(2026, 9, 5))
    assert again == then
    assert (then.moved_fen, then.booked_fen, then.suspense_fen) == (100_00, 100_00, 100_00)


def test_a_deposit_that_bounced_has_no_slip_any_more(bank: Bank) -> None:
    """The slip said that 500 were received; its number stays taken, and nobody can have it set."""
    acme = owing(bank, "acme", {})
    receipt = bank.pays("2026-09-10", "500.00", name(acme)).receipt_id
    placing = Placing(customer="acme", bills={}, deposit_fen=500_00)
    now = bank.books.clock.now()
    apportion_receipt(bank.books.db, receipt, placing, by=CLERK, now=now)
    with bank.books.db.read() as tx:
        (slip,) = slips(tx, acme.customer.customer_id)
    bank.imports(bank.row("2026-09-11", "500.00", name(acme), out=True, memo="退票"))
    with bank.books.db.read() as tx:
        account = bank.receipt(receipt).account_id
        (back,) = lines(tx, account, date(2026, 9, 11), date(2026, 9, 12))
    bank.at("2026-09-14")
    assert bounces(bank, receipt, line=back.line_id) == date(2026, 9, 11)
    with bank.books.db.read() as tx:
        assert slips(tx, acme.customer.customer_id) == []
    with pytest.raises(NotFound, match=slip.number):
        deposit_slip(bank.books.db, "acme", slip.number, SELLER)


def test_a_claim_is_accepted_for_all_that_it_claims(bank: Bank) -> None:
    """600 of 1,000 were Beta's already: Acme, which claimed all of it, was given 400 and a yes."""
    acme, beta = owing(bank, "acme", {"2026-08": 1000}), owing(bank, "beta", {"2026-08": 600})
    receipt = bank.pays("2026-09-10", "1000.00", "").receipt_id
    db, now = bank.books.db, bank.books.clock.now()
    some = Placing(customer="beta", bills={str(beta.bill("2026-08").number): 600_00}, rest=None)
    apportion_receipt(db, receipt, some, by=CLERK, now=now)
    claimed = Claimed(payer_name=name(acme), amount_fen=1000_00, paid_on=date(2026, 9, 10))
    claim = claim_receipt(db, acme.customer.customer_id, claimed, by="acme:x", now=now)
    with pytest.raises(Conflict, match=r"未认 400.00，与认领 1000.00 不符"):
        accept_claim(db, claim.claim_id, receipt_id=receipt, by=CLERK, now=now)
    assert bank.open(acme) == {"2026-08": "1,000.00"}


def test_a_deposit_that_is_set_aside_has_its_slip(bank: Bank) -> None:
    """A deposit is a deposit, whether it is transferred or taken from what was paid ahead."""
    acme = owing(bank, "acme", {})
    receipt = bank.pays("2026-09-10", "500.00", name(acme)).receipt_id
    db, now = bank.books.db, bank.books.clock.now()
    apportion_receipt(db, receipt, Placing(customer="acme", bills={}), by=CLERK, now=now)
    batch = set_aside(db, "acme", 200_00, why="合同约定", by=CLERK, now=now)
    with db.read() as tx:
        (slip,) = slips(tx, acme.customer.customer_id)
    assert (slip.amount_fen, slip.source) == (200_00, "prepayment")
    undo_batch(db, batch, why="不设押金", by=CLERK, now=now)
    with db.read() as tx:
        assert slips(tx, acme.customer.customer_id) == []


def test_what_a_parent_pays_into_a_subsidiarys_number_is_the_subsidiarys(bank: Bank) -> None:
    """
    The group has an older bill of its own and pays 500, then 900, into its subsidiary's number:
    the subsidiary's bill is paid, and what is over is its prepayment. Elsewhere the group pays for
    itself first, as before.
    """
    group = owing(bank, "group", {"2026-07": 1000})
    child = owing(bank, "child", {"2026-08": 700})
    db, now = bank.books.db, bank.books.clock.now()
    set_parent(db, "child", "group", by=CLERK, now=now)
    give_number(db, "child", account=NUMBER, number="8801", by=CLERK, now=now)
    first = bank.pays("2026-09-10", "500.00", name(group), into="8801")
    assert (first.state, first.customer_id) == (
        ReceiptState.APPORTIONED,
        child.customer.customer_id,
    )
    assert (bank.open(child), bank.open(group)) == ({"2026-08": "200.00"}, {"2026-07": "1,000.00"})
    bank.pays("2026-09-11", "900.00", name(group), into="8801")
    assert (bank.open(child), bank.prepaid(child)) == ({"2026-08": "0.00"}, "700.00")
    assert bank.open(group) == {"2026-07": "1,000.00"}
    bank.books_agree(group, child)
