"""A customer whose contract changed its currency: no fen of one is ever a fen of the other."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from tests.scenarios.bank import Bank, due, name
from tests.scenarios.books import CLERK, Books, Party, cny
from yuejie.bills.bill import BillState, LineKind
from yuejie.bills.closing.close import Done
from yuejie.bills.correct.adjust import decide_adjustment, propose_adjustment
from yuejie.bills.correct.adjustment import Decision, Wanted
from yuejie.bills.correct.break_fee import approve_leaving
from yuejie.bills.correct.take_back import decide_credit, request_credit
from yuejie.bills.documents.document import Seller
from yuejie.bills.live.live import Doubt, Note
from yuejie.bills.live.look import look
from yuejie.bills.sharing.show import ShareBy, share_sheet
from yuejie.bills.show import gather_document
from yuejie.contracts.contract import Terms
from yuejie.contracts.life.ending import Wish, ask_end
from yuejie.contracts.numbers.number import number_of
from yuejie.contracts.publish import publish_fx
from yuejie.contracts.sign import sign_contract
from yuejie.contracts.store import contract_at
from yuejie.contracts.terms import (
    STANDARD,
    BreakFee,
    CommercialTerms,
    ContractType,
    Split,
    TierDiscount,
    TierStep,
)
from yuejie.fapiao.request import what_is_available
from yuejie.insights.whatif.replay import replay
from yuejie.kernel.errors import Conflict, Invalid
from yuejie.kernel.ids import BookId
from yuejie.kernel.money import FxRate, Money
from yuejie.kernel.period import BillingMonth
from yuejie.packs.make import issued_of_month
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
FEE_500 = CommercialTerms(
    type=ContractType.ONE_YEAR,
    ends_on=date(2027, 9, 1),
    notice_days=30,
    break_fee=BreakFee(0, fixed_fen=500_00),
)
SEPTEMBER = datetime(2026, 8, 31, 16, tzinfo=UTC)
START = datetime(2026, 9, 30, 16, tzinfo=UTC)
NOVEMBER = datetime(2026, 10, 31, 16, tzinfo=UTC)
DECEMBER = datetime(2026, 11, 30, 16, tzinfo=UTC)
TIERS = TierDiscount((TierStep(0, 0), TierStep(1_000_00, 100_000), TierStep(2_000_00, 200_000)))
SELLER = Seller("月结示例科技有限公司", "91350100M000100Y43", "示例银行", "0000 0000")


def changed(books: Books, commercial: CommercialTerms = STANDARD) -> Party:
    """Enrol a customer that is billed in yuan for October and in dollars from November on."""
    books.prices(YUAN)
    acme = books.customer("acme", fx_policy="bill", commercial=commercial, starts=START)
    for on in ("2026-10-31", "2026-11-30", "2026-12-31"):
        books.fx("7", on)
    follow(books, acme, "USD", NOVEMBER, commercial=commercial)
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
        set_aside(books.db, "acme", 50_00, why="合同约定", by=CLERK, now=now())
    with pytest.raises(Invalid, match="币种须为 CNY、USD 之一"):
        set_aside(books.db, "acme", 50_00, currency="EUR", why="合同约定", by=CLERK, now=now())
    set_aside(books.db, "acme", 50_00, currency="USD", why="合同约定", by=CLERK, now=now())
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


def follow(
    books: Books,
    acme: Party,
    currency: str,
    starts: datetime,
    *,
    book: str = "USD",
    commercial: CommercialTerms = STANDARD,
) -> None:
    """Sign another contract, in a currency, from an instant on; `book` is what prices are in."""
    terms = Terms(
        customer_id=acme.customer.customer_id,
        sale_book=BookId("list"),
        currency=currency,
        fx_policy="none" if currency == book else "bill",
        starts_at=starts,
        commercial=commercial,
    )
    sign_contract(books.db, terms, by=CLERK, now=books.tick())


def owes(books: Books, acme: Party, fen: int, month: str, currency: str = "CNY") -> None:
    """Write an amount down that two people have approved."""
    wanted = Wanted(
        customer_id=acme.customer.customer_id,
        service_month=BillingMonth.parse(month),
        amount_fen=fen,
        currency=currency,
        item="补收" if fen > 0 else "减免",
        why="两人同意",
    )
    asked = propose_adjustment(books.db, wanted, by="a", now=books.tick())
    approve = Decision.APPROVE
    decide_adjustment(books.db, asked.adjustment_id, approve, by="b", now=books.tick())


def test_the_fee_of_a_contract_left_behind_stands_on_a_bill_in_its_currency(books: Books) -> None:
    """
    The yuan contract is left on 15 October, and one in dollars follows from that day. October is
    billed in dollars; the fee of 500 yuan stands on a bill of October in yuan, with the tax of the
    contract that asks for it, and is paid, proved and requested as a fapiao like any other.
    """
    books.prices(YUAN)
    acme = books.customer("acme", fx_policy="bill", commercial=FEE_500, starts=SEPTEMBER)
    books.fx("7", "2026-09-30")
    books.fx("7", "2026-10-31")
    with books.db.read() as tx:
        contract = contract_at(tx, acme.customer.customer_id, SEPTEMBER)
    assert contract is not None
    wish = Wish(contract_id=contract.contract_id, wished_on=date(2026, 10, 15), why="换币种")
    asked_at = datetime(2026, 9, 5, tzinfo=UTC)
    end = ask_end(books.db, wish, by="sales", now=asked_at)
    approve_leaving(books.db, end.end_id, by="finance", now=asked_at)
    follow(books, acme, "USD", datetime(2026, 10, 14, 16, tzinfo=UTC))
    books.close("2026-09")
    acme.uses("2026-10-20 10:00:00", "gpt-4o", input=10 * M)
    live = look(books.db, acme.customer.customer_id, now=datetime(2026, 10, 25, tzinfo=UTC))
    assert [bill.gross for bill in live.beside] == [cny("500.00")]
    assert live.gross == Money(100_00, "USD")
    books.close("2026-10")
    assert acme.lines("2026-10") == ["main  gpt-4o  input  10,000,000 = 100.00"]
    beside = acme.bill("2026-10", "currency:CNY")
    assert (beside.currency, beside.part_name) == ("CNY", "人民币款项")
    assert (beside.contract_id, beside.gross) == (contract.contract_id, cny("500.00"))
    with books.db.read() as tx:
        number = number_of(tx, acme.customer.customer_id, contract.contract_id)
    fee = f"提前解约费 合同 {number} 自 2026-10-15 终止 = 500.00"
    assert acme.lines("2026-10", "currency:CNY") == [fee]
    assert [books.close("2026-10")[0].done, books.unproved()] == [Done.UNCHANGED, []]
    with books.db.read() as tx:
        october = BillingMonth.parse("2026-10")
        sheet = share_sheet(tx, acme.customer.customer_id, october, ShareBy.PROJECT)
    assert (sheet.currency, sheet.gross_fen) == ("USD", 100_00)
    for bill in acme.bills("2026-10"):
        books.issue(bill)
    assert (acme.owes(), acme.owes("USD")) == (cny("500.00"), Money(100_00, "USD"))
    bank = Bank(books)
    number = str(acme.bill("2026-10", "currency:CNY").number)
    bank.pays("2026-11-20", "500.00", name(acme), memo=number)
    assert acme.bill("2026-10", "currency:CNY").state is BillState.PAID
    with books.db.read() as tx:
        assert what_is_available(tx, acme.customer.customer_id).available_fen == 500_00
    books.close("2026-11")
    assert acme.bills("2026-11") == []
    assert books.unproved() == []


def test_what_does_not_belong_on_such_a_bill_is_found(books: Books) -> None:
    """The prover adds up by itself what waited in yuan, and knows which contract asks for it."""
    acme = changed(books)
    books.close("2026-10")
    owes(books, acme, 100_00, "2026-11")
    books.close("2026-11")
    assert books.unproved() == []
    with books.db.begin() as tx:
        tx.run("UPDATE bill_line SET amount_fen = 90_00")
    assert any("adjustment" in each for each in books.unproved())
    with books.db.begin() as tx:
        tx.run("UPDATE bill_line SET amount_fen = 100_00, kind = 'management_fee'")
    assert any("不应在另一币种的账单上" in each for each in books.unproved())
    signed = acme.bill("2026-11", "currency:CNY").contract_id
    for contract, wrong in (("other", True), (signed, False)):
        with books.db.begin() as tx:
            tx.run("UPDATE bill_line SET kind = 'adjustment'")
            tx.run("UPDATE bill SET contract_id = %(contract)s", contract=contract)
        assert any("CNY 的最后一版" in each for each in books.unproved()) is wrong


def test_the_late_fee_of_a_bill_in_the_old_currency_is_billed_in_that(books: Books) -> None:
    """
    October's 980 yuan are paid ten days late, when everything is in dollars: 4.90 yuan stand on a
    bill of November in yuan, though nothing else happens there. Half of October is credited
    then, and half of the fee given back: December's bill in yuan is below zero, and carries on.
    """
    acme = changed(books)
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=14 * M)
    books.close("2026-10")
    bill = books.issue(acme.bill("2026-10"))
    assert bill.gross == cny("980.00")
    bank = Bank(books)
    paid_on = due(bill.due_on) + timedelta(days=10)
    bank.at((paid_on + timedelta(days=1)).isoformat())
    bank.pays(paid_on.isoformat(), "980.00", name(acme), memo=str(bill.number))
    bank.day((paid_on + timedelta(days=2)).isoformat())
    live = look(books.db, acme.customer.customer_id, now=books.clock.now())
    said = "另有 4.90 CNY 的费用与调整，关账时单独出一张该币种的账单"
    assert Note(Doubt.BESIDE, said) in live.notes
    books.close("2026-11")
    assert [bill.part for bill in acme.bills("2026-11")] == ["currency:CNY"]
    (fee,) = acme.bill("2026-11", "currency:CNY").lines
    assert (fee.kind, fee.amount_fen, "逾期 10 天" in fee.item) == (LineKind.LATE_FEE, 4_90, True)
    books.issue(acme.bill("2026-11", "currency:CNY"))
    half = {1: 490_00}
    asked = request_credit(books.db, bill.bill_id, amounts=half, why="x", by="a", now=books.tick())
    decide_credit(books.db, asked.credit_note_id, approve=True, by="b", now=books.tick())
    bank.day("2026-12-20")
    books.close("2026-12")
    assert acme.lines("2026-12", "currency:CNY") == [
        f"逾期违约金 {bill.number} 逾期 10 天 = -2.45",
        "结转下期 = 2.45",
    ]
    assert books.unproved() == []


def test_what_a_bill_below_zero_carried_comes_off_the_next_in_its_currency(books: Books) -> None:
    """
    October in yuan is below zero and carries 30 on. November and December are in dollars: nothing
    is owed in yuan in November, so nothing is billed; in December 100 are, and 70 are to be paid.
    A voided bill is billed again, and January, in yuan once more, asks for nothing of it twice.
    """
    acme = changed(books)
    follow(books, acme, "CNY", datetime(2026, 12, 31, 16, tzinfo=UTC))
    owes(books, acme, -30_00, "2026-10")
    books.close("2026-10")
    assert acme.lines("2026-10") == ["减免 = -30.00", "结转下期 = 30.00"]
    books.issue(acme.bill("2026-10"))
    books.close("2026-11")
    assert acme.bills("2026-11") == []
    owes(books, acme, 100_00, "2026-12")
    books.close("2026-12")
    lines = ["补收 = 100.00", "上期结转 = -30.00"]
    assert acme.lines("2026-12", "currency:CNY") == lines
    draft = acme.bill("2026-12", "currency:CNY")
    owes(books, acme, 5_00, "2026-12", "USD")
    books.close("2026-12")
    assert acme.bill("2026-12", "currency:CNY").bill_id == draft.bill_id
    assert (acme.lines("2026-12", "currency:CNY"), acme.lines("2026-12")) == (
        lines,
        ["补收 = 5.00"],
    )
    assert books.unproved() == []
    bill = books.issue(draft)
    assert bill.gross == cny("70.00")
    asked = request_credit(
        books.db, bill.bill_id, amounts=None, why="作废", by="a", now=books.tick()
    )
    decide_credit(books.db, asked.credit_note_id, approve=True, by="b", now=books.tick())
    books.issue(acme.bill("2026-12"))
    books.close("2027-01")
    assert acme.lines("2027-01") == ["2026-12 late  补收 = 100.00", "上期结转 = -30.00"]
    books.issue(acme.bill("2027-01"))
    books.close("2027-02")
    assert acme.bills("2027-02") == []
    assert books.unproved() == []


def test_a_month_with_nothing_in_its_own_currency_is_not_replayed(books: Books) -> None:
    """November has 100 yuan beside it and not a dollar: there is no month to suppose prices for."""
    acme = changed(books)
    books.close("2026-10")
    owes(books, acme, 100_00, "2026-11")
    books.close("2026-11")
    assert [bill.part for bill in acme.bills("2026-11")] == ["currency:CNY"]
    with pytest.raises(Conflict, match="没有账单"), books.db.read(consistent=True) as tx:
        replay(tx, acme.customer, BillingMonth(2026, 11), now=books.clock.now())


def test_what_is_overdue_in_two_currencies_is_told_in_both(books: Books) -> None:
    """980 yuan and 100 dollars are overdue: the warning names both, and no sum of them."""
    acme = changed(books, replace(STANDARD, grace_days=60))
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=14 * M)
    acme.uses("2026-11-05 10:00:00", "gpt-4o", input=10 * M)
    for month in ("2026-10", "2026-11"):
        books.close(month)
        books.issue(acme.bill(month))
    bank = Bank(books)
    bank.day("2027-01-20")
    with books.db.read() as tx:
        said = tx.value("SELECT why FROM standing_transition ORDER BY at DESC LIMIT 1")
    assert "980.00 CNY + 100.00 USD" in said


def test_usage_stands_behind_the_bills_in_its_own_currency(books: Books) -> None:
    """
    Split by project, November has a bill of each in dollars and one of 5 yuan beside them. Its
    calls are told day by day with the dollars, and in the pack once; of the yuan there are none.
    """
    split = replace(STANDARD, split=Split.PROJECT)
    acme = changed(books, split)
    books.close("2026-10")
    acme.uses("2026-11-05 10:00:00", "gpt-4o", input=10 * M)
    owes(books, acme, 5_00, "2026-11")
    books.close("2026-11")
    bills = [books.issue(bill) for bill in acme.bills("2026-11")]
    assert [bill.currency for bill in bills] == ["CNY", "USD"]
    with books.db.read() as tx:
        told = {bill.currency: gather_document(tx, bill, SELLER).daily for bill in bills}
        packed = issued_of_month(tx, acme.customer, BillingMonth(2026, 11))
    assert (told["CNY"], [day.quantity for day in told["USD"]]) == ((), [10 * M])
    assert [bill.currency for bill in packed] == ["USD", "CNY"]


def test_a_month_that_is_closed_anew_in_the_other_currency_is_proved(books: Books) -> None:
    """
    November is drawn in dollars, with 100 yuan beside it. Then a contract in yuan is signed that
    holds since the 21st: closed anew, November is in yuan, and the 7 dollars stand beside it.
    """
    acme = changed(books, replace(STANDARD, split=Split.PROJECT))
    books.close("2026-10")
    acme.uses("2026-11-05 10:00:00", "gpt-4o", input=10 * M)
    owes(books, acme, 100_00, "2026-11")
    owes(books, acme, 7_00, "2026-11", "USD")
    books.close("2026-11")
    assert acme.lines("2026-11", "currency:CNY") == ["补收 = 100.00"]
    assert acme.lines("2026-11") == ["补收 = 7.00"]
    follow(books, acme, "CNY", datetime(2026, 11, 20, 16, tzinfo=UTC))
    books.close("2026-11")
    assert acme.lines("2026-11", "currency:USD") == ["补收 = 7.00"]
    assert acme.lines("2026-11") == ["main  gpt-4o  input  10,000,000 = 700.00", "补收 = 100.00"]
    assert books.unproved() == []


def test_terms_of_a_month_are_counted_in_the_currency_of_its_own_contract(books: Books) -> None:
    """
    October is billed in dollars, November in yuan, December in dollars again. A call of October
    for 600 dollars that turns up in November is billed at October's exchange rate, and October's
    steps, which are of dollars, do not move by it. One of 200 on December's bill moves them: of the
    1,100 that are billed in dollars, 100 lie above the first step.
    """
    books.prices(YUAN, currency="USD")
    stepped = replace(STANDARD, tier_discount=TIERS, management_fee_fen=20_000)
    acme = books.customer("acme", currency="USD", commercial=stepped, starts=START)
    follow(books, acme, "CNY", NOVEMBER)
    follow(books, acme, "USD", DECEMBER)
    books.fx("7", "2026-10-31")
    books.fx("6.5", "2026-11-30")
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=90 * M)
    books.close("2026-10")
    assert acme.lines("2026-10")[1:] == ["管理费 = 200.00"]
    books.issue(acme.bill("2026-10"))
    acme.uses("2026-10-31 23:00:00", "gpt-4o", input=60 * M)
    acme.uses("2026-11-05 10:00:00", "gpt-4o", input=10 * M)
    books.close("2026-11")
    assert acme.lines("2026-11") == [
        "main  gpt-4o  input  10,000,000 = 650.00",
        "2026-10 late  main  gpt-4o  input  60,000,000 = 4,200.00",
    ]
    books.issue(acme.bill("2026-11"))
    acme.uses("2026-10-31 23:30:00", "gpt-4o", input=20 * M)
    books.close("2026-12")
    assert acme.lines("2026-12") == [
        "2026-10 late  main  gpt-4o  input  20,000,000 = 200.00",
        "2026-10 late  阶梯折扣 = -10.00",
    ]


def test_what_is_carried_is_given_back_in_its_own_currency(books: Books) -> None:
    """
    October ends 50.00 CNY below zero. November stands under a contract in USD, which cannot give
    yuan back; December's is in CNY again and does.
    """
    books.prices(YUAN, currency="CNY")
    acme = books.customer("acme")
    owes(books, acme, -50_00, "2026-10")
    rate = FxRate.parse("0.14", "CNY", "USD")
    publish_fx(books.db, rate, date(2026, 11, 1), source="测试", by=CLERK, now=books.tick())
    follow(books, acme, "USD", NOVEMBER, book="CNY")
    follow(books, acme, "CNY", DECEMBER, book="CNY")
    acme.uses("2026-11-05 10:00:00", "gpt-4o", input=10 * M)
    acme.uses("2026-12-05 10:00:00", "gpt-4o", input=10 * M)
    for label in ("2026-10", "2026-11", "2026-12"):
        books.close(label)
        books.issue(acme.bill(label))
    assert acme.lines("2026-10") == ["减免 = -50.00", "结转下期 = 50.00"]
    assert acme.lines("2026-11")[1:] == []
    assert acme.bill("2026-11").gross == Money.parse("14.00", "USD")
    assert acme.lines("2026-12")[1:] == ["上期结转 = -50.00"]
    assert acme.owes() == cny("50.00")
    assert books.unproved() == []


def test_what_was_voided_behind_a_change_of_currency_is_owed_in_its_own(books: Books) -> None:
    """
    October is billed in dollars, November in yuan, December in dollars again. October's bill is
    voided when November has begun: its usage stands on November's, in yuan, and its fee of 200
    dollars on December's, once.
    """
    books.prices(YUAN, currency="USD")
    fee = replace(STANDARD, management_fee_fen=200_00)
    acme = books.customer("acme", currency="USD", commercial=fee, starts=START)
    books.fx("7", "2026-10-31")
    follow(books, acme, "CNY", NOVEMBER)
    follow(books, acme, "USD", DECEMBER)
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=90 * M)
    books.close("2026-10")
    bill_id = books.issue(acme.bill("2026-10")).bill_id
    asked = request_credit(books.db, bill_id, amounts=None, why="x", by="a", now=books.tick())
    decide_credit(books.db, asked.credit_note_id, approve=True, by="b", now=books.tick())
    books.tick(2 * 86_400)
    books.close("2026-11")
    late = ["2026-10 late  main  gpt-4o  input  90,000,000 = 6,300.00"]
    assert acme.lines("2026-11") == late
    books.issue(acme.bill("2026-11"))
    books.close("2026-12")
    assert acme.lines("2026-12") == ["2026-10 late  管理费 = 200.00"]
    books.issue(acme.bill("2026-12"))
    books.close("2027-01")
    assert acme.bills("2027-01") == []
    assert books.unproved() == []
