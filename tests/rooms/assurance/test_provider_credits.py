"""What a provider gives back: off the bill while it is open, else a balance that two people use."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.recorded import recorded
from tests.rooms.assurance.test_providers import BILL, NOW, TODAY, books, house
from yuejie.assurance.providers import store
from yuejie.assurance.providers.credit import CreditDraft, enter_credit, void_credit
from yuejie.assurance.providers.owed import (
    PaymentFor,
    ProviderBill,
    ProviderCredit,
    ProviderPayment,
    ProviderPaymentState,
)
from yuejie.assurance.providers.pay import (
    LEDGER_CHECKS,
    BankSaid,
    decide_payment,
    enter_bill,
    note_paid,
    open_of,
    request_payment,
    void_bill,
)
from yuejie.assurance.providers.payables import payables
from yuejie.contracts.publish import publish_fx
from yuejie.db.session import Database
from yuejie.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from yuejie.kernel.money import FxRate, Money
from yuejie.ledger.check import check_ledger

__all__ = ["house"]


def usd(amount: str) -> Money:
    return Money.parse(amount, "USD")


def note(bill: ProviderBill, net: str = "200.00", tax: str = "12.00") -> CreditDraft:
    return CreditDraft(
        provider_bill_id=bill.provider_bill_id,
        number=" CN-1 ",
        net=usd(net),
        tax=usd(tax),
        credited_on=date(2026, 11, 4),
        why="十月多收",
    )


def asked(
    db: Database, amount: str, purpose: PaymentFor, bill: ProviderBill | None = None
) -> ProviderPayment:
    """Let Ann ask for a payment, and Bob approve it."""
    made = request_payment(
        db,
        "main",
        usd(amount),
        purpose,
        by="ann",
        now=NOW,
        provider_bill_id=bill.provider_bill_id if bill else None,
        why="按约定",
    )
    with pytest.raises(Forbidden):
        decide_payment(db, made.payment_id, approve=True, by="ann", now=NOW)
    return decide_payment(db, made.payment_id, approve=True, by="bob", now=NOW)


def paid(db: Database, bill: ProviderBill, amount: str = "1060.00") -> None:
    said = BankSaid(bank="bank_1", reference="T1", paid=usd(amount))
    made = asked(db, amount, PaymentFor.BILL, bill)
    note_paid(db, made.payment_id, said, by="ann", now=NOW)


def test_a_note_behind_a_paid_bill_is_a_balance_that_pays_the_next(house: Database) -> None:
    """
    A bill of 1,060 is paid when its provider gives 212 back. There was no way to say so: the bill
    could not be voided. The next bill is paid by 212 of the balance, and 848 from the bank.
    """
    bill = enter_bill(house, BILL, by="ann", now=NOW)
    paid(house, bill)
    made = enter_credit(house, note(bill), by="ann", now=NOW)
    assert (made.number, made.bill_fen, made.balance_fen) == ("CN-1", 0, 212_00)
    assert enter_credit(house, note(bill), by="bob", now=NOW) == made
    assert [each.verb for each in recorded(house, "provider_credit")] == ["enter"]
    assert books(house) == {
        ("cost_of_sales", "USD"): 800_00,
        ("input_tax", "USD"): 48_00,
        ("provider_prepaid", "USD"): 212_00,
        ("bank", "USD"): -1_060_00,
    }
    following = enter_bill(house, replace(BILL, number="INV-2"), by="ann", now=NOW)
    draw = asked(house, "212.00", PaymentFor.DRAW, following)
    with house.read() as tx:
        (stands,) = payables(tx, "main")
    assert (stands.owed_fen, stands.asked_fen, stands.prepaid_fen) == (1_060_00, 212_00, 212_00)
    note_paid(house, draw.payment_id, None, by="ann", now=NOW)
    paid(house, following, "848.00")
    assert books(house) == {
        ("cost_of_sales", "USD"): 1_800_00,
        ("input_tax", "USD"): 108_00,
        ("bank", "USD"): -1_908_00,
    }


def test_a_note_behind_an_open_bill_is_taken_off_it(house: Database) -> None:
    """Of 1,060, 900 are asked for: 160 of the note are taken off the bill, 52 are a balance."""
    bill = enter_bill(house, BILL, by="ann", now=NOW)
    asked(house, "900.00", PaymentFor.BILL, bill)
    made = enter_credit(house, note(bill), by="ann", now=NOW)
    assert (made.bill_fen, made.balance_fen) == (160_00, 52_00)
    with house.read() as tx:
        notes = store.credits_of(tx, None, bill.provider_bill_id)
        assert open_of(bill, store.payments(tx), notes) == 0
    with pytest.raises(Conflict, match=r"只剩 0\.00 未付或未申请"):
        asked(house, "1.00", PaymentFor.BILL, bill)
    with pytest.raises(Conflict, match="已有付款"):
        void_bill(house, bill.provider_bill_id, why="x", by="ann", now=NOW)
    void_credit(house, made.provider_credit_id, why="录错", by="ann", now=NOW)
    assert books(house)["provider_payable", "USD"] == -1_060_00
    with house.read() as tx:
        assert open_of(bill, store.payments(tx), store.credits_of(tx)) == 160_00
    with pytest.raises(Conflict, match="已作废，无需重复"):
        void_credit(house, made.provider_credit_id, why="录错", by="ann", now=NOW)


def test_what_was_asked_for_beyond_a_bill_is_not_approved(house: Database) -> None:
    """A console that an upgrade had not reached asked for 1,060 of which a note had taken 212."""
    bill = enter_bill(house, BILL, by="ann", now=NOW)
    whole = request_payment(
        house,
        "main",
        usd("1060.00"),
        PaymentFor.BILL,
        by="ann",
        now=NOW,
        provider_bill_id=bill.provider_bill_id,
    )
    decide_payment(house, whole.payment_id, approve=False, by="ann", now=NOW, why="等贷项")
    enter_credit(house, note(bill), by="ann", now=NOW)
    with house.begin() as tx:
        store.insert_payment(tx, replace(whole, payment_id="ppy_old"))
    with pytest.raises(Conflict, match=r"账单 INV-1 .+超出 212\.00"):
        decide_payment(house, "ppy_old", approve=True, by="bob", now=NOW)
    again = enter_credit(house, replace(note(bill, "1", "0"), number="CN-2"), by="ann", now=NOW)
    assert (again.bill_fen, again.balance_fen) == (0, 1_00)
    decide_payment(house, "ppy_old", approve=False, by="bob", now=NOW, why="超出")
    paid(house, bill, "848.00")
    assert books(house)["bank", "USD"] == -848_00


def test_what_a_provider_pays_back_takes_two_people(house: Database) -> None:
    """212 dollars come back as 1,500 yuan, of which our bank keeps 10."""
    bill = enter_bill(house, BILL, by="ann", now=NOW)
    paid(house, bill)
    enter_credit(house, note(bill), by="ann", now=NOW)
    with pytest.raises(Conflict, match=r"预付余额为 212\.00，不足 212\.01"):
        asked(house, "212.01", PaymentFor.REFUND)
    back, again = (asked(house, "212.00", PaymentFor.REFUND) for _ in range(2))
    said = BankSaid(
        bank="bank_1", reference="R7", paid=Money.parse("1500.00", "CNY"), charges_fen=10_00
    )
    note_paid(house, back.payment_id, said, by="ann", now=NOW)
    assert books(house) == {
        ("cost_of_sales", "USD"): 800_00,
        ("input_tax", "USD"): 48_00,
        ("bank", "USD"): -1_060_00,
        ("bank", "CNY"): 1_490_00,
        ("bank_charges", "CNY"): 10_00,
        ("fx_clearing", "USD"): 212_00,
        ("fx_clearing", "CNY"): -1_500_00,
    }
    with pytest.raises(Conflict, match=r"预付余额为 0\.00，不足 212\.00"):
        note_paid(house, again.payment_id, said, by="ann", now=NOW)
    small = replace(said, paid=usd("200.00"), charges_fen=0)
    with pytest.raises(Conflict):
        note_paid(house, again.payment_id, small, by="ann", now=NOW)


def test_a_balance_that_is_used_keeps_its_note(house: Database) -> None:
    bill = enter_bill(house, BILL, by="ann", now=NOW)
    paid(house, bill)
    made = enter_credit(house, note(bill), by="ann", now=NOW)
    back = asked(house, "12.00", PaymentFor.REFUND)
    said = BankSaid(bank="bank_1", reference="R7", paid=usd("12.00"))
    note_paid(house, back.payment_id, said, by="ann", now=NOW)
    with pytest.raises(Conflict, match=r"预付余额为 200\.00，不足 212\.00"):
        void_credit(house, made.provider_credit_id, why="录错", by="ann", now=NOW)
    with pytest.raises(Invalid, match="必须写明原因"):
        void_credit(house, made.provider_credit_id, why=" ", by="ann", now=NOW)
    with pytest.raises(NotFound, match="没有编号为 pcr_x 的供应商贷项"):
        void_credit(house, "pcr_x", why="录错", by="ann", now=NOW)


def test_a_bill_gives_back_no_more_than_it_was_even_by_eight_at_once(house: Database) -> None:
    bill = enter_bill(house, BILL, by="ann", now=NOW)
    paid(house, bill)

    def enter(n: int) -> bool:
        draft = replace(note(bill, "400.00", "20.00"), number=f"CN-{n}")
        try:
            enter_credit(house, draft, by="ann", now=NOW)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(enter, range(8))) == 2
    assert books(house)["provider_prepaid", "USD"] == 840_00


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda d: replace(d, number=" "), "号码和原因不能为空"),
        (lambda d: replace(d, why=" "), "号码和原因不能为空"),
        (lambda d: replace(d, tax=Money(0, "CNY")), "同一币种"),
        (lambda d: replace(d, net=Money(1, "CNY"), tax=Money(0, "CNY")), "以 USD 计价"),
        (lambda d: replace(d, net=usd("-1.00")), "按正数填写"),
        (lambda d: replace(d, net=usd("0"), tax=usd("0")), "合计须大于零"),
        (lambda d: replace(d, credited_on=date(2026, 10, 31)), "早于账单的开票日"),
        (lambda d: replace(d, net=usd("1000.01")), r"最多还能冲减金额 1,000\.00、税额 60\.00"),
        (lambda d: replace(d, tax=usd("60.01")), "最多还能冲减"),
        (lambda d: replace(d, provider_bill_id="pbl_x"), "没有编号为 pbl_x"),
    ],
)
def test_a_note_that_cannot_be_one_is_refused(
    house: Database,
    change: Callable[[CreditDraft], CreditDraft],
    sentence: str,
) -> None:
    bill = enter_bill(house, BILL, by="ann", now=NOW)
    with pytest.raises((Conflict, Invalid, NotFound), match=sentence):
        enter_credit(house, change(note(bill)), by="ann", now=NOW)
    assert books(house)["provider_payable", "USD"] == -1_060_00


def test_a_note_stands_behind_a_bill_that_is_there(house: Database) -> None:
    bill = enter_bill(house, BILL, by="ann", now=NOW)
    made = enter_credit(house, note(bill), by="ann", now=NOW)
    with pytest.raises(Conflict, match="已有贷项，请先作废贷项"):
        void_bill(house, bill.provider_bill_id, why="录错", by="ann", now=NOW)
    with pytest.raises(Conflict, match="贷项 CN-1 已录入且内容不同"):
        enter_credit(house, note(bill, "1.00"), by="ann", now=NOW)
    void_credit(house, made.provider_credit_id, why="录错", by="ann", now=NOW)
    void_bill(house, bill.provider_bill_id, why="录错", by="ann", now=NOW)
    with pytest.raises(Conflict, match="已作废，不能再录入贷项"):
        enter_credit(house, note(bill), by="ann", now=NOW)
    assert books(house) == {}


def test_a_note_that_the_ledger_does_not_know_is_found(house: Database, owner_url: str) -> None:
    bill = enter_bill(house, BILL, by="ann", now=NOW)
    insert = f"""
        INSERT INTO provider_credit
        VALUES ('pcr_x', '{bill.provider_bill_id}', 'main', '9', 'USD', 1, 0, 1, '2026-11-01', 'x',
                'x', now())
    """  # noqa: S608 - an id of ours
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute(insert.encode())
    found = [each.findings for each in check_ledger(house, LEDGER_CHECKS) if not each.holds]
    assert found == [("供应商贷项 pcr_x 没有分录",)]


@pytest.mark.parametrize(
    ("statement", "finding"),
    [
        ("UPDATE provider_credit SET tax_fen = 0 WHERE number = 'CN-1'", "贷项 .+ 与它的分录不符"),
        ("UPDATE provider_credit SET bill_fen = 1 WHERE number = 'CN-1'", "贷项 .+ 与它的分录不符"),
        ("DELETE FROM provider_credit WHERE number = 'CN-1'", "分录 provider_credit:.+ 没有单据"),
        ("DELETE FROM provider_credit_void", "贷项 .+ 的作废与冲销分录不符"),
        (
            """INSERT INTO provider_credit_void SELECT provider_credit_id, 'x', 'x', now()
               FROM provider_credit WHERE number = 'CN-1'""",
            "贷项 .+ 的作废与冲销分录不符",
        ),
        ("UPDATE provider_bill SET net_fen = 99900", "账单 .+ 与它的分录不符"),
        ("UPDATE provider_payment SET fen = 1 WHERE purpose = 'refund'", "付款 .+ 与它的分录不符"),
        ("UPDATE provider_payment SET paid_fen = paid_fen + 1", "付款 .+ 与它的分录不符"),
        ("UPDATE provider_payment SET paid_currency = 'USD'", "付款 .+ 与它的分录不符"),
        ("UPDATE provider_payment SET paid_currency = NULL", "付款 .+ 与它的分录不符"),
        ("UPDATE provider_credit SET currency = 'CNY'", "贷项 .+ 与它的分录不符"),
        (
            "UPDATE provider_payment SET purpose = 'draw' WHERE purpose = 'bill'",
            "付款 .+ 与它的分录不符",
        ),
        (
            """DELETE FROM provider_payment_transition;
               DELETE FROM provider_payment WHERE purpose = 'refund'""",
            "provider_payment:.+ 没有单据",
        ),
    ],
)
def test_what_somebody_changes_past_the_application_is_found(
    house: Database, owner_url: str, statement: str, finding: str
) -> None:
    """Only that there was an entry was looked at: a note of another amount had one as well."""
    fx, day = FxRate.parse("7.2", "USD", "CNY"), date(2026, 11, 1)
    publish_fx(house, fx, day, source="中国外汇交易中心中间价", by="ann", now=NOW)
    bill = enter_bill(house, BILL, by="ann", now=NOW)
    said = BankSaid(bank="bank_1", reference="T1", paid=Money.parse("7000.00", "CNY"))
    note_paid(
        house, asked(house, "1000.00", PaymentFor.BILL, bill).payment_id, said, by="ann", now=NOW
    )
    wrong = enter_credit(house, replace(note(bill), number="CN-0"), by="ann", now=NOW)
    void_credit(house, wrong.provider_credit_id, why="录错", by="ann", now=NOW)
    enter_credit(house, note(bill), by="ann", now=NOW)
    back = asked(house, "100.00", PaymentFor.REFUND)
    said = BankSaid(bank="bank_1", reference="R7", paid=Money.parse("700.00", "CNY"))
    note_paid(house, back.payment_id, said, by="ann", now=NOW)
    assert books(house)["fx_difference", "CNY"] == -200_00
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute(b"ALTER TABLE provider_payment DISABLE TRIGGER USER")
        connection.execute(statement.encode())
    found = [said for each in check_ledger(house, LEDGER_CHECKS) for said in each.findings]
    assert [said for said in found if re.search(finding, said)], found


@given(st.integers(1, 10**12), st.integers(0, 10**12), st.data(), st.integers(0, 99), st.booleans())
def test_whatever_is_given_back_balances(
    net: int,
    tax: int,
    data: st.DataObject,
    charges: int,
    abroad: bool,  # noqa: FBT001 (hypothesis draws it)
) -> None:
    off = data.draw(st.integers(0, net + tax))
    made = ProviderCredit("c", "b", "main", "1", "USD", net, tax, off, TODAY, "x", "op", NOW)
    assert made.entry().postings  # an entry that does not balance is a bug
    back = ProviderPayment(
        payment_id="p",
        account_id="main",
        provider_bill_id=None,
        purpose=PaymentFor.REFUND,
        currency="USD",
        fen=net,
        state=ProviderPaymentState.PAID,
        why="x",
        requested_by="a",
        requested_at=NOW,
        bank="bank_1",
        paid_currency="CNY" if abroad else "USD",
        paid_fen=net * (7 if abroad else 1),
        charges_fen=min(charges, net - 1),
        paid_at=NOW,
    )
    assert back.entry("b").postings
