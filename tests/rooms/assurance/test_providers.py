"""Provider accounts: warned in time, billed once, paid by two people, in the books to the fen."""

from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.recorded import recorded, steps
from tests.told import told
from yuejie.assurance.providers import store
from yuejie.assurance.providers.credit import CreditDraft, enter_credit
from yuejie.assurance.providers.owed import (
    CHINESE,
    NEXT,
    PaymentFor,
    PaymentStep,
    ProviderBill,
    ProviderPayment,
    ProviderPaymentState,
    advance,
)
from yuejie.assurance.providers.pay import (
    LEDGER_CHECKS,
    BankSaid,
    BillDraft,
    decide_payment,
    enter_bill,
    note_paid,
    open_of,
    request_payment,
    void_bill,
)
from yuejie.assurance.providers.standing import (
    Observation,
    ProviderTerms,
    Spend,
    Standing,
    WarningKind,
    warnings_of,
)
from yuejie.assurance.providers.watch import put_terms, see_balance, standings
from yuejie.contracts.offer import AccountDraft, put_account
from yuejie.contracts.publish import publish_fx
from yuejie.db.session import Database
from yuejie.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from yuejie.kernel.money import PICO_PER_FEN, FxRate, Money
from yuejie.kernel.period import BillingMonth
from yuejie.ledger.check import check_ledger
from yuejie.ledger.posting import Account
from yuejie.ledger.store import balances_of
from yuejie.payments.banks.keep import open_account

NOW = datetime(2026, 11, 5, 2, tzinfo=UTC)
TODAY = date(2026, 11, 5)
TERMS = ProviderTerms(
    "main",
    "USD",
    prepaid=True,
    low_fen=1_000_00,
    low_days=7,
    monthly_ceiling_fen=10_000_00,
    credential_expires_on=date(2026, 12, 31),
)
SEEN = Observation("main", NOW - timedelta(days=1), 8_000_00, "USD", "op")
BILL = BillDraft(
    account_id="main",
    number="INV-1",
    month=BillingMonth(2026, 10),
    net=Money.parse("1000.00", "USD"),
    tax=Money.parse("60.00", "USD"),
    billed_on=date(2026, 11, 1),
)


def spend(*, since_seen: int = 0, week: int = 0, month: int = 0) -> Spend:
    """Return spend, given in whole currency units."""
    return Spend(*(n * 100 * PICO_PER_FEN for n in (since_seen, week, month)))


def warned(terms: ProviderTerms, seen: Observation | None, used: Spend) -> dict[WarningKind, str]:
    standing = Standing(terms, seen, used)
    return {each.kind: each.sentence for each in warnings_of(standing, NOW, TODAY)}


def test_an_account_in_good_order_warns_of_nothing() -> None:
    assert warned(TERMS, SEEN, spend(since_seen=500, week=700, month=500)) == {}


def test_a_low_balance_counts_what_was_used_since_it_was_read() -> None:
    found = warned(TERMS, SEEN, spend(since_seen=7_001, week=700))
    assert found[WarningKind.BALANCE] == "账号 main 余额约 999.00 USD，低于下限 1,000.00，请充值"


def test_a_balance_that_does_not_last_the_week_is_warned_of() -> None:
    found = warned(TERMS, SEEN, spend(since_seen=1_000, week=7_001))
    assert set(found) == {WarningKind.BURN_DOWN}
    assert "还够 6 天" in found[WarningKind.BURN_DOWN]


def test_a_balance_nobody_reads_is_stale_and_one_never_read_too() -> None:
    old = replace(SEEN, at=NOW - timedelta(days=8))
    assert "已 8 天未更新" in warned(TERMS, old, spend())[WarningKind.STALE]
    assert "从未登记余额" in warned(TERMS, None, spend())[WarningKind.STALE]
    assert warned(replace(TERMS, prepaid=False), None, spend()) == {}


@pytest.mark.parametrize(("used", "share"), [(7_999, 0), (8_000, 80), (10_000, 100), (12_000, 100)])
def test_the_providers_ceiling_is_warned_of_at_its_shares(used: int, share: int) -> None:
    found = warned(replace(TERMS, prepaid=False), None, spend(month=used))
    assert (WarningKind.CEILING in found) is bool(share)
    if share:
        assert f"的 {share} %" in found[WarningKind.CEILING]


@pytest.mark.parametrize(
    ("left", "mark"), [(31, None), (30, 30), (8, 30), (7, 7), (1, 1), (0, 1), (-3, 1)]
)
def test_a_credential_is_warned_of_thirty_seven_and_one_day_before(
    left: int, mark: int | None
) -> None:
    terms = replace(TERMS, prepaid=False, credential_expires_on=TODAY + timedelta(days=left))
    found = warnings_of(Standing(terms, None, spend()), NOW, TODAY)
    expected = (
        [] if mark is None else [f"provider:main:credential:{terms.credential_expires_on}:{mark}"]
    )
    assert [each.key for each in found] == expected


def test_a_warning_keeps_its_key_until_its_cause_is_another() -> None:
    low = Standing(TERMS, SEEN, spend(since_seen=7_500))
    lower = Standing(TERMS, SEEN, spend(since_seen=7_600))
    again = Standing(TERMS, replace(SEEN, at=NOW), spend(since_seen=7_600))

    def keys(standing: Standing) -> list[str]:
        return [each.key for each in warnings_of(standing, NOW, TODAY)]

    assert keys(low) == keys(lower) != keys(again)


def test_every_step_of_a_payment_is_in_the_table_or_refused() -> None:
    assert set(CHINESE) == set(ProviderPaymentState)
    for state in ProviderPaymentState:
        for step in PaymentStep:
            if (state, step) in NEXT:
                assert advance(state, step) is NEXT[state, step]
            else:
                with pytest.raises(Conflict):
                    advance(state, step)
    assert not any(was in {"paid", "rejected"} for was, _ in NEXT)


@given(st.integers(1, 10**12), st.integers(0, 10**12), st.integers(0, 10**6), st.booleans())
def test_whatever_is_billed_and_paid_balances(
    net: int,
    tax: int,
    charges: int,
    abroad: bool,  # noqa: FBT001 (hypothesis draws it)
) -> None:
    bill = ProviderBill("b", "main", "1", "2026-10", "USD", net, tax, TODAY, TODAY, "op", NOW)
    assert len(bill.entry().postings) == (3 if tax else 2)
    payment = ProviderPayment(
        payment_id="p",
        account_id="main",
        provider_bill_id="b",
        purpose=PaymentFor.BILL,
        currency="USD",
        fen=bill.gross_fen,
        state=ProviderPaymentState.PAID,
        why="",
        requested_by="a",
        requested_at=NOW,
        bank="bank_1",
        paid_currency="CNY" if abroad else "USD",
        paid_fen=bill.gross_fen * (7 if abroad else 1) + charges,
        charges_fen=charges,
        paid_at=NOW,
    )
    assert payment.entry("b").postings  # an entry that does not balance is a bug


@pytest.fixture
def house(database: Database) -> Database:
    account = AccountDraft(
        account_id="main",
        provider="openai",
        platform="openai",
        base_url="http://127.0.0.1:1",
        region="us",
        credential=b"sealed",
    )
    put_account(database, account, by="op", now=NOW)
    return database


def books(db: Database) -> dict[tuple[str, str], int]:
    with db.read() as tx:
        ours = balances_of(tx, "account:main") | balances_of(tx, "bank_1")
    assert all(each.holds for each in check_ledger(db, LEDGER_CHECKS))
    return {(a.value, c): fen for (a, c), fen in ours.items() if fen}


def pay(db: Database, amount: str, bill: str | None, *, draw: bool = False) -> ProviderPayment:
    purpose = PaymentFor.DRAW if draw else PaymentFor.BILL if bill else PaymentFor.TOP_UP
    money = Money.parse(amount, "USD")
    return request_payment(
        db, "main", money, purpose, by="ann", now=NOW, provider_bill_id=bill, why="余额将尽"
    )


def test_terms_from_before_there_was_a_longest_are_said_to_be_wrong(house: Database) -> None:
    """Whoever had written ten million days met an error of ours with each bill."""
    with house.begin() as tx:
        store.insert_terms(tx, replace(TERMS, net_days=10**7), at=NOW, by="op")
    with pytest.raises(Invalid, match="付款天数不能超过 3660 天"):
        enter_bill(house, BILL, by="ann", now=NOW)
    due = replace(BILL, due_on=date(2026, 12, 1))
    assert enter_bill(house, due, by="ann", now=NOW).due_on == date(2026, 12, 1)


def test_a_bill_is_entered_once_approved_by_another_and_paid_from_yuan(house: Database) -> None:
    bill = enter_bill(house, BILL, by="ann", now=NOW)
    assert enter_bill(house, BILL, by="bob", now=NOW) == bill
    assert bill.due_on == date(2026, 12, 1)
    assert books(house) == {
        ("cost_of_sales", "USD"): 1_000_00,
        ("input_tax", "USD"): 60_00,
        ("provider_payable", "USD"): -1_060_00,
    }
    payment = pay(house, "1060.00", bill.provider_bill_id)
    with pytest.raises(Forbidden, match="须由另一人审批"):
        decide_payment(house, payment.payment_id, approve=True, by="ann", now=NOW)
    with pytest.raises(Conflict, match="付款待审批，不能登记支付"):
        note_paid(house, payment.payment_id, None, by="bob", now=NOW)
    decide_payment(house, payment.payment_id, approve=True, by="bob", now=NOW)
    said = BankSaid(
        bank="bank_1", reference="T1", paid=Money.parse("7552.00", "CNY"), charges_fen=20_00
    )
    note_paid(house, payment.payment_id, said, by="ann", now=NOW)
    assert books(house) == {
        ("cost_of_sales", "USD"): 1_000_00,
        ("input_tax", "USD"): 60_00,
        ("fx_clearing", "USD"): -1_060_00,
        ("fx_clearing", "CNY"): 7_532_00,
        ("bank_charges", "CNY"): 20_00,
        ("bank", "CNY"): -7_552_00,
    }


@pytest.mark.parametrize(("paid", "difference"), [("7552.00", 112_00), ("7300.00", -140_00)])
def test_a_bill_that_is_paid_at_another_rate_than_its_days_gains_or_loses(
    house: Database, paid: str, difference: int
) -> None:
    """
    On the day of the bill a dollar was 7.00 yuan, so the debt of 1,060.00 stood at 7,420.00. With a
    fee of 20.00, 7,532.00 or 7,280.00 were given for it: 112.00 more, or 140.00 less.
    """
    for day, rate in ((BILL.billed_on, "7.00"), (NOW.date(), "7.30")):
        fx = FxRate.parse(rate, "USD", "CNY")
        publish_fx(house, fx, day, source="中国外汇交易中心中间价", by="ann", now=NOW)
    bill = enter_bill(house, BILL, by="ann", now=NOW)
    payment = pay(house, "1060.00", bill.provider_bill_id)
    decide_payment(house, payment.payment_id, approve=True, by="bob", now=NOW)
    said = BankSaid(bank="bank_1", reference="T1", paid=Money.parse(paid, "CNY"), charges_fen=20_00)
    note_paid(house, payment.payment_id, said, by="ann", now=NOW)
    assert books(house) == {
        ("cost_of_sales", "USD"): 1_000_00,
        ("input_tax", "USD"): 60_00,
        ("fx_clearing", "USD"): -1_060_00,
        ("fx_clearing", "CNY"): 7_420_00,
        ("fx_difference", "CNY"): difference,
        ("bank_charges", "CNY"): 20_00,
        ("bank", "CNY"): -said.paid.fen,
    }


def test_a_top_up_is_drawn_down_by_bills_and_no_further(house: Database) -> None:
    bill = enter_bill(house, BILL, by="ann", now=NOW)
    top_up = pay(house, "800.00", None)
    decide_payment(house, top_up.payment_id, approve=True, by="bob", now=NOW)
    said = BankSaid(bank="bank_1", reference="T1", paid=Money.parse("800.00", "USD"))
    note_paid(house, top_up.payment_id, said, by="bob", now=NOW)
    first = pay(house, "700.00", bill.provider_bill_id, draw=True)
    second = pay(house, "360.00", bill.provider_bill_id, draw=True)
    for each in (first, second):
        decide_payment(house, each.payment_id, approve=True, by="bob", now=NOW)
    note_paid(house, first.payment_id, None, by="bob", now=NOW)
    with pytest.raises(Conflict, match=r"预付余额为 100\.00，不足 360\.00"):
        note_paid(house, second.payment_id, None, by="bob", now=NOW)
    found = books(house)
    assert found["provider_prepaid", "USD"] == 100_00
    assert found["provider_payable", "USD"] == -360_00
    assert found["bank", "USD"] == -800_00


def test_a_bill_that_eight_enter_at_once_is_one_however_it_is_spaced(house: Database) -> None:
    def enter(n: int) -> str:
        drawn = replace(BILL, number=f"{' ' * n}{BILL.number}")
        return enter_bill(house, drawn, by="ann", now=NOW).provider_bill_id

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(enter, range(8)))) == 1


def test_no_more_is_asked_for_than_is_open_even_by_eight_at_once(house: Database) -> None:
    bill = enter_bill(house, BILL, by="ann", now=NOW)

    def ask(_: int) -> bool:
        try:
            pay(house, "500.00", bill.provider_bill_id)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(ask, range(8))) == 2
    with house.read() as tx:
        asked = store.payments(tx, provider_bill_id=bill.provider_bill_id)
    assert open_of(bill, asked, ()) == 60_00
    decide_payment(house, asked[0].payment_id, approve=False, by="ann", now=NOW, why="算错")
    with house.read() as tx:
        assert open_of(bill, store.payments(tx), ()) == 560_00


def test_eight_tellers_book_a_payment_once(house: Database) -> None:
    bill = enter_bill(house, BILL, by="ann", now=NOW)
    payment = pay(house, "1060.00", bill.provider_bill_id)
    decide_payment(house, payment.payment_id, approve=True, by="bob", now=NOW)
    said = BankSaid(bank="bank_1", reference="T1", paid=Money.parse("1060.00", "USD"))

    def tell(_: int) -> bool:
        try:
            note_paid(house, payment.payment_id, said, by="bob", now=NOW)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(tell, range(8))) == 1
    assert books(house)["bank", "USD"] == -1_060_00


def test_a_bill_entered_by_mistake_is_voided_and_its_number_is_free_again(house: Database) -> None:
    bill = enter_bill(house, BILL, by="ann", now=NOW)
    other = replace(BILL, net=Money.parse("999.00", "USD"))
    with pytest.raises(Conflict, match="已录入且内容不同"):
        enter_bill(house, other, by="ann", now=NOW)
    with pytest.raises(Invalid, match="必须写明原因"):
        void_bill(house, bill.provider_bill_id, why=" ", by="ann", now=NOW)
    void_bill(house, bill.provider_bill_id, why="金额录错", by="ann", now=NOW)
    with pytest.raises(Conflict, match="已作废"):
        void_bill(house, bill.provider_bill_id, why="再来", by="ann", now=NOW)
    assert books(house) == {}
    again = enter_bill(house, other, by="ann", now=NOW)
    with pytest.raises(Conflict, match="已作废或属于别的账号"):
        pay(house, "1.00", bill.provider_bill_id)
    pay(house, "1.00", again.provider_bill_id)
    with pytest.raises(Conflict, match="已有付款"):
        void_bill(house, again.provider_bill_id, why="又错", by="ann", now=NOW)


def test_who_let_money_go_is_in_the_record_of_deeds(house: Database) -> None:
    """Asked for by one, approved by another, paid; and what was turned down or voided, and why."""
    bill = enter_bill(house, BILL, by="ann", now=NOW)
    payment = pay(house, "1060.00", bill.provider_bill_id)
    decide_payment(house, payment.payment_id, approve=True, by="bob", now=NOW, why="已核对")
    said = BankSaid(bank="bank_1", reference="T1", paid=Money.parse("1060.00", "USD"))
    note_paid(house, payment.payment_id, said, by="ann", now=NOW)
    assert steps(recorded(house, "provider_payment")) == [
        (payment.requested_by, "request", "", "requested", payment.why),
        ("bob", "approve", "requested", "approved", "已核对"),
        ("ann", "pay", "approved", "paid", ""),
    ]
    paid = recorded(house, "provider_payment", "pay")[0].became or {}
    assert (paid["decided_by"], paid["bank_reference"], paid["paid_fen"]) == ("bob", "T1", 1_060_00)

    other = enter_bill(house, replace(BILL, number="B-2"), by="ann", now=NOW)
    again = pay(house, "1.00", other.provider_bill_id)
    decide_payment(house, again.payment_id, approve=False, by="bob", now=NOW, why="重复申请")
    assert steps(recorded(house, "provider_payment", "reject")) == [
        ("bob", "reject", "requested", "rejected", "重复申请")
    ]
    assert [note.facts["why"] for note in told(house)] == ["重复申请"]
    void_bill(house, other.provider_bill_id, why="录错", by="ann", now=NOW)
    (void,) = recorded(house, "provider_bill", "void")
    assert void.was is not None
    assert void.became == {**void.was, "voided_why": "录错"}


def test_a_bill_is_not_voided_while_a_payment_of_it_is_asked_for(house: Database) -> None:
    """The payment is written and not committed when somebody voids the bill: one of both holds."""
    bill = enter_bill(house, BILL, by="ann", now=NOW)
    asked = replace(
        pay(house, "1.00", None),
        payment_id="ppy_of_the_bill",
        provider_bill_id=bill.provider_bill_id,
        purpose=PaymentFor.BILL,
    )
    with ThreadPoolExecutor(1) as pool:
        with house.begin() as tx:
            tx.lock_exclusive(f"provider bill payments {bill.provider_bill_id}")
            store.insert_payment(tx, asked)
            void = pool.submit(
                void_bill, house, bill.provider_bill_id, why="录错", by="bob", now=NOW
            )
            wait([void], timeout=1)
        with pytest.raises(Conflict, match="已有付款"):
            void.result()


@pytest.mark.parametrize(
    ("draft", "sentence"),
    [
        (replace(BILL, number=" "), "号码不能为空"),
        (replace(BILL, net=Money(0, "USD"), tax=Money(0, "USD")), "合计须大于零"),
        (replace(BILL, tax=Money(-1, "USD")), "不能为负"),
        (replace(BILL, tax=Money(0, "CNY")), "须为同一币种"),
        (replace(BILL, due_on=date(2026, 10, 1)), "早于开票日"),
        (replace(BILL, net=Money(1, "EUR"), tax=Money(0, "EUR")), "币种“EUR”不支持"),
    ],
)
def test_a_bill_that_cannot_be_one_is_refused(
    house: Database, draft: BillDraft, sentence: str
) -> None:
    with pytest.raises(Invalid, match=sentence):
        enter_bill(house, draft, by="ann", now=NOW)
    assert books(house) == {}


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (None, "须写明付款银行账户"),
        (BankSaid(bank="b", reference=" ", paid=Money(1, "USD")), "须写明付款银行账户"),
        (BankSaid(bank="b", reference="T", paid=Money(105_999, "USD")), "不符"),
        (BankSaid(bank="b", reference="T", paid=Money(5, "CNY"), charges_fen=5), "大于手续费"),
    ],
)
def test_what_the_bank_says_must_fit(house: Database, said: BankSaid | None, sentence: str) -> None:
    bill = enter_bill(house, BILL, by="ann", now=NOW)
    payment = pay(house, "1060.00", bill.provider_bill_id)
    decide_payment(house, payment.payment_id, approve=True, by="bob", now=NOW)
    with pytest.raises(Invalid, match=sentence):
        note_paid(house, payment.payment_id, said, by="bob", now=NOW)


def test_mistakes_are_one_sentence(house: Database) -> None:
    with pytest.raises(NotFound, match="供应商账号 nobody 不存在"):
        enter_bill(house, replace(BILL, account_id="nobody"), by="ann", now=NOW)
    with pytest.raises(NotFound, match="没有编号为 pbl_x"):
        void_bill(house, "pbl_x", why="x", by="ann", now=NOW)
    with pytest.raises(NotFound, match="没有编号为 ppy_x"):
        decide_payment(house, "ppy_x", approve=True, by="ann", now=NOW)
    money = Money.parse("1.00", "USD")
    with pytest.raises(Invalid, match="充值和退回不对应账单"):
        request_payment(house, "main", money, PaymentFor.BILL, by="ann", now=NOW)
    with pytest.raises(Invalid, match="必须大于零"):
        request_payment(house, "main", Money(0, "USD"), PaymentFor.TOP_UP, by="ann", now=NOW)
    with pytest.raises(Invalid, match="充值和退回没有账单为据，须写明原因"):
        request_payment(house, "main", money, PaymentFor.TOP_UP, by="ann", now=NOW, why=" ")
    bill = enter_bill(house, BILL, by="ann", now=NOW)
    with pytest.raises(Invalid, match="请按该币种申请付款"):
        request_payment(
            house,
            "main",
            Money(1, "CNY"),
            PaymentFor.BILL,
            by="ann",
            now=NOW,
            provider_bill_id=bill.provider_bill_id,
        )
    payment = pay(house, "1.00", bill.provider_bill_id)
    with pytest.raises(Invalid, match="驳回付款必须写明原因"):
        decide_payment(house, payment.payment_id, approve=False, by="ann", now=NOW)


def test_terms_are_versions_and_a_balance_is_seen_once(house: Database) -> None:
    assert put_terms(house, TERMS, by="op", now=NOW)
    assert not put_terms(house, TERMS, by="op", now=NOW)
    assert put_terms(house, replace(TERMS, low_days=9), by="op", now=NOW)
    with house.read() as tx:
        assert [each.low_days for each in store.terms(tx)] == [9]
    see_balance(house, SEEN, now=NOW)
    see_balance(house, SEEN, now=NOW)
    with pytest.raises(Conflict, match="已登记过另一个余额"):
        see_balance(house, replace(SEEN, balance_fen=1), now=NOW)
    with pytest.raises(Invalid, match="以 USD 结算"):
        see_balance(house, replace(SEEN, currency="CNY"), now=NOW)
    with pytest.raises(Invalid, match="在将来"):
        see_balance(house, replace(SEEN, at=NOW + timedelta(days=1)), now=NOW)
    # What was read in dollars says nothing of an account that is settled in yuan since.
    assert put_terms(house, replace(TERMS, currency="CNY", low_fen=10**9), by="op", now=NOW)
    (standing,) = standings(house, NOW)
    assert (standing.seen, standing.left_fen) == (None, None)
    for wrong in (replace(TERMS, low_days=-1), replace(TERMS, currency="EUR")):
        with pytest.raises(Invalid):
            put_terms(house, wrong, by="op", now=NOW)
    with pytest.raises(Invalid, match="没有上限就不要填写"):
        put_terms(house, replace(TERMS, monthly_ceiling_fen=0), by="op", now=NOW)


def test_the_database_keeps_four_eyes_and_what_was_paid(house: Database, owner_url: str) -> None:
    bill = enter_bill(house, BILL, by="ann", now=NOW)
    payment = pay(house, "1060.00", bill.provider_bill_id)
    alone = "UPDATE provider_payment SET state = 'approved', decided_by = requested_by"
    more = "UPDATE provider_payment SET fen = fen + 1"
    with psycopg.connect(owner_url, autocommit=True) as connection:
        with pytest.raises(psycopg.errors.CheckViolation):
            connection.execute(alone.encode())
        with pytest.raises(psycopg.errors.RaiseException, match="only along its life"):
            connection.execute(more.encode())
    decide_payment(house, payment.payment_id, approve=True, by="bob", now=NOW)
    said = BankSaid(bank="bank_1", reference="T1", paid=Money.parse("1060.00", "USD"))
    note_paid(house, payment.payment_id, said, by="bob", now=NOW)
    back = "UPDATE provider_payment SET state = 'approved'"
    with (
        psycopg.connect(owner_url, autocommit=True) as connection,
        pytest.raises(psycopg.errors.RaiseException, match="only along its life"),
    ):
        connection.execute(back.encode())
    assert books(house)["bank", "USD"] == -1_060_00


def test_a_bill_that_the_ledger_does_not_know_is_found(house: Database, owner_url: str) -> None:
    insert = """
        INSERT INTO provider_bill
        VALUES ('pbl_x', 'main', '9', '2026-10', 'USD', 1, 0, '2026-11-01', '2026-11-01', 'x',
                now())
    """
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute(insert.encode())
    found = [each for each in check_ledger(house, LEDGER_CHECKS) if not each.holds]
    assert [each.findings for each in found] == [("供应商账单 pbl_x 没有分录",)]
    assert Account.PROVIDER_PAYABLE.value == "provider_payable"


def test_what_left_our_bank_left_an_account_of_ours(house: Database) -> None:
    """
    Whatever was typed became an account in the ledger: 招行 beside the account that statements are
    imported into, which then held what had left it. Its number or its id names it, and it holds one
    currency.
    """
    ours = open_account(
        house, holder="月结", bank="招行", number="110900000001", currency="USD", by="x", now=NOW
    )
    bill = enter_bill(house, BILL, by="ann", now=NOW)
    payment = pay(house, "1060.00", bill.provider_bill_id)
    decide_payment(house, payment.payment_id, approve=True, by="bob", now=NOW)
    said = BankSaid(bank="招行", reference="T1", paid=Money.parse("1060.00", "USD"))
    with pytest.raises(NotFound, match="没有银行账户“招行”"):
        note_paid(house, payment.payment_id, said, by="ann", now=NOW)
    yuan = replace(said, bank=ours.number, paid=Money.parse("7500.00", "CNY"))
    with pytest.raises(Invalid, match="110900000001 是 USD 账户，与实付币种 CNY 不符"):
        note_paid(house, payment.payment_id, yuan, by="ann", now=NOW)
    done = note_paid(house, payment.payment_id, replace(said, bank=ours.number), by="ann", now=NOW)
    assert done.bank == ours.account_id
    with house.read() as tx:
        assert balances_of(tx, ours.account_id)[Account.BANK, "USD"] == -1_060_00


@pytest.mark.parametrize("day", [date(2026, 11, 7), date(9999, 12, 31)])
def test_a_bill_or_a_note_of_the_future_is_refused(house: Database, day: date) -> None:
    """The end of all days ended in an error of ours, for nothing is due a month behind it."""
    with pytest.raises(Invalid, match=f"开票日 {day} 在将来"):
        enter_bill(house, replace(BILL, billed_on=day), by="ann", now=NOW)
    bill = enter_bill(house, BILL, by="ann", now=NOW)
    note = CreditDraft(
        provider_bill_id=bill.provider_bill_id,
        number="CN-1",
        net=Money.parse("1.00", "USD"),
        tax=Money(0, "USD"),
        credited_on=day,
        why="多收",
    )
    with pytest.raises(Invalid, match=f"贷项日期 {day} 在将来"):
        enter_credit(house, note, by="ann", now=NOW)


@pytest.mark.parametrize("days", [{"net_days": 3_661}, {"low_days": 10**12}])
def test_terms_of_longer_than_ten_years_are_refused(days: dict[str, int]) -> None:
    """A bill under them had no day on which it is due."""
    with pytest.raises(Invalid, match="不能超过 3660 天"):
        replace(TERMS, **days).refuse_nonsense()  # type: ignore[arg-type]  # counts of days only
