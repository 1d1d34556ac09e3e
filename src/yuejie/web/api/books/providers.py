"""Provider accounts: what is left, what they bill, what we pay. The operator's alone."""

from typing import Annotated, Final

from fastapi import Query, status

from yuejie.assurance.providers import store
from yuejie.assurance.providers.credit import enter_credit, void_credit
from yuejie.assurance.providers.owed import ProviderBill
from yuejie.assurance.providers.pay import (
    decide_payment,
    enter_bill,
    left_of_bill,
    note_paid,
    open_of,
    request_payment,
    void_bill,
)
from yuejie.assurance.providers.payables import payables
from yuejie.assurance.providers.standing import Observation
from yuejie.assurance.providers.watch import due_warnings, put_terms, see_balance, standings
from yuejie.kernel.money import Money
from yuejie.web.auth import AnyCaller, guarded
from yuejie.web.cursor import PAGE, Cursor, Limit, Page, Window, cut
from yuejie.web.desk import Db, Now
from yuejie.web.shapes.books.providers import (
    BalanceIn,
    BillIn,
    CreditIn,
    CreditOut,
    DecisionIn,
    PaidIn,
    PayableOut,
    PaymentIn,
    PaymentOut,
    ProviderBillOut,
    StandingOut,
    TermsIn,
    WarnedOut,
    WhyIn,
)
from yuejie.web.shapes.wire import Name

routes: Final = guarded("供应商", prefix="/providers")

Account = Annotated[Name | None, Query(description="供应商账号；不填则全部")]


@routes.get("/standings", summary="列出账号情况")
def list_standings(db: Db, now: Now) -> list[StandingOut]:
    """列出登记过条款的账号：余额、日均消耗、还够几天。"""
    return [StandingOut.of(each) for each in standings(db, now)]


@routes.get("/warnings", summary="列出告警")
def list_warnings(db: Db, now: Now) -> list[WarnedOut]:
    """现在应当告警的事：余额、消耗、上限、凭证到期。"""
    return [WarnedOut.model_validate(each) for each in due_warnings(db, now)]


@routes.put("/{account_id}/terms", summary="登记条款")
def write_terms(db: Db, caller: AnyCaller, now: Now, account_id: Name, body: TermsIn) -> bool:
    """登记一个账号的条款；答复说明是否有改动。"""
    return put_terms(db, body.terms(account_id), by=caller.name, now=now)


@routes.post("/{account_id}/balances", summary="登记余额", status_code=status.HTTP_201_CREATED)
def write_balance(db: Db, caller: AnyCaller, now: Now, account_id: Name, body: BalanceIn) -> None:
    """登记在供应商控制台看到的余额。"""
    fen = Money.parse(body.balance, body.currency).fen
    seen = Observation(account_id, body.at or now, fen, body.currency, caller.name)
    see_balance(db, seen, now=now)


@routes.get("/bills", summary="列出供应商账单")
def list_bills(
    db: Db, account: Account = None, cursor: Cursor = None, limit: Limit = PAGE
) -> Page[ProviderBillOut]:
    """列出供应商账单，含已作废的。"""
    window = Window.read("provider_bills", cursor, limit)
    with db.read() as tx:
        rows = cut(window, store.bills(tx, account), lambda row: row.provider_bill_id)
        paid, back = store.payments(tx, account), store.credits_of(tx, account)

    def shown(bill: ProviderBill) -> ProviderBillOut:
        return ProviderBillOut.of(bill, open_of(bill, paid, back))

    return window.page(rows, shown, lambda row: row.provider_bill_id)


@routes.post("/bills", summary="录入供应商账单", status_code=status.HTTP_201_CREATED)
def write_bill(db: Db, caller: AnyCaller, now: Now, body: BillIn) -> ProviderBillOut:
    """录入供应商账单并入账；同一号码只入账一次，内容不同则拒绝。"""
    made = enter_bill(db, body.draft(), by=caller.name, now=now)
    with db.read() as tx:
        return ProviderBillOut.of(made, left_of_bill(tx, made))


@routes.post("/bills/{provider_bill_id}/void", summary="作废供应商账单")
def void(db: Db, caller: AnyCaller, now: Now, provider_bill_id: Name, body: WhyIn) -> None:
    """作废录错的供应商账单，冲销其分录；有付款的不能作废。"""
    void_bill(db, provider_bill_id, why=body.why, by=caller.name, now=now)


@routes.get("/credits", summary="列出供应商贷项")
def list_credits(
    db: Db, account: Account = None, cursor: Cursor = None, limit: Limit = PAGE
) -> Page[CreditOut]:
    """列出供应商贷项，含已作废的。"""
    window = Window.read("provider_credits", cursor, limit)
    with db.read() as tx:
        rows = cut(window, store.credits_of(tx, account), lambda row: row.provider_credit_id)
    return window.page(rows, CreditOut.of, lambda row: row.provider_credit_id)


@routes.post("/credits", summary="录入供应商贷项", status_code=status.HTTP_201_CREATED)
def write_credit(db: Db, caller: AnyCaller, now: Now, body: CreditIn) -> CreditOut:
    """录入一张账单的贷项并入账：先冲该账单未付的，其余成为在供应商处的余额，抵付或退回都须两人。"""
    return CreditOut.of(enter_credit(db, body.draft(), by=caller.name, now=now))


@routes.post("/credits/{provider_credit_id}/void", summary="作废供应商贷项")
def void_note(db: Db, caller: AnyCaller, now: Now, provider_credit_id: Name, body: WhyIn) -> None:
    """作废录错的供应商贷项，冲销其分录；余额已用的不能作废。"""
    void_credit(db, provider_credit_id, why=body.why, by=caller.name, now=now)


@routes.get("/payables", summary="列出供应商应付")
def list_payables(db: Db, account: Account = None) -> list[PayableOut]:
    """列出每个账号和币种的应付、已申请未付和在供应商处的余额。"""
    with db.read(consistent=True) as tx:
        return [PayableOut.of(each) for each in payables(tx, account)]


@routes.get("/payments", summary="列出付款")
def list_payments(
    db: Db, account: Account = None, cursor: Cursor = None, limit: Limit = PAGE
) -> Page[PaymentOut]:
    """列出对供应商的付款。"""
    window = Window.read("provider_payments", cursor, limit)
    with db.read() as tx:
        rows = cut(window, store.payments(tx, account), lambda row: row.payment_id)
    return window.page(rows, PaymentOut.of, lambda row: row.payment_id)


@routes.post("/payments", summary="申请付款", status_code=status.HTTP_201_CREATED)
def write_payment(db: Db, caller: AnyCaller, now: Now, body: PaymentIn) -> PaymentOut:
    """申请一笔付款：付账单、充值、抵付，或收回余额；须由另一人批准。"""
    made = request_payment(
        db,
        body.account,
        Money.parse(body.amount, body.currency),
        body.purpose,
        by=caller.name,
        now=now,
        provider_bill_id=body.provider_bill_id,
        why=body.why,
    )
    return PaymentOut.of(made)


@routes.post("/payments/{payment_id}/decision", summary="审批付款")
def decide(db: Db, caller: AnyCaller, now: Now, payment_id: Name, body: DecisionIn) -> PaymentOut:
    """批准或驳回；申请人不能批准自己的申请。"""
    made = decide_payment(
        db, payment_id, approve=body.approve, by=caller.name, now=now, why=body.why
    )
    return PaymentOut.of(made)


@routes.post("/payments/{payment_id}/paid", summary="登记支付")
def paid(db: Db, caller: AnyCaller, now: Now, payment_id: Name, body: PaidIn) -> PaymentOut:
    """登记银行已付或退款已到，并入账。"""
    return PaymentOut.of(note_paid(db, payment_id, body.said(), by=caller.name, now=now))
