"""Payables: what each provider account is owed, its bills and credit notes, and paying by two."""

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Depends, Form, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from yuejie.assurance.providers import store
from yuejie.assurance.providers.credit import CreditDraft, enter_credit, void_credit
from yuejie.assurance.providers.owed import (
    CHINESE,
    PURPOSES,
    RECEIVED,
    PaymentFor,
    ProviderBill,
    ProviderPaymentState,
)
from yuejie.assurance.providers.pay import (
    BankSaid,
    BillDraft,
    decide_payment,
    enter_bill,
    find_bill,
    note_paid,
    open_of,
    request_payment,
    void_bill,
)
from yuejie.assurance.providers.payables import payables
from yuejie.contracts.store import accounts
from yuejie.db.session import Tx
from yuejie.kernel.money import Money
from yuejie.kernel.period import BillingMonth
from yuejie.payments.banks.store import accounts as bank_accounts
from yuejie.payments.receipts.receipt import Receipt
from yuejie.payments.receipts.store import open_receipts
from yuejie.web.desk import Db, Now
from yuejie.web.pages.desk.receipts import typed_fen
from yuejie.web.pages.frame.draw import HOUSE_ZONE, caller_of, draw, go
from yuejie.web.pages.frame.entry import refuse_strangers, visit
from yuejie.web.pages.frame.leaf import leaf

routes: Final = APIRouter(
    include_in_schema=False, prefix="/payables", dependencies=[Depends(visit)]
)
ours: Final = [Depends(refuse_strangers)]

HERE: Final = "/payables"
Text = Annotated[str, Form(max_length=500)]
Typed = Annotated[str, Field(max_length=500)]
Currency = Literal["CNY", "USD"]
STATES: Final = {
    **{str(state): word for state, word in CHINESE.items()},
    "received": RECEIVED,
}
HOW: Final = {PaymentFor.BILL: "从银行付", PaymentFor.DRAW: "从余额抵付"}
MOVES: Final = {PaymentFor.TOP_UP: "充值", PaymentFor.REFUND: "收回余额"}
_LAST: Final = datetime.max.replace(tzinfo=UTC)
_STEP: Final = timedelta(microseconds=1)
_OPEN: Final = frozenset({ProviderPaymentState.REQUESTED, ProviderPaymentState.APPROVED})


class PrintedBill(BaseModel):
    """The form of a provider's bill, as it was filled in."""

    account: Typed = ""
    number: Typed = ""
    month: Typed = ""
    currency: Currency = "USD"
    net: Typed = ""
    tax: Typed = ""
    billed_on: date
    due_on: date | Literal[""] = ""

    def draft(self) -> BillDraft:
        """Return what the verb takes. Raises Invalid for what is no amount or no month."""
        return BillDraft(
            account_id=self.account,
            number=self.number,
            month=BillingMonth.parse(self.month),
            net=Money(typed_fen(self.net), self.currency),
            tax=Money(typed_fen(self.tax) if self.tax.strip() else 0, self.currency),
            billed_on=self.billed_on,
            due_on=self.due_on or None,
        )


class PrintedCredit(BaseModel):
    """The form of a provider's credit note, as it was filled in."""

    number: Typed = ""
    net: Typed = ""
    tax: Typed = ""
    credited_on: date
    why: Typed = ""

    def draft(self, bill: ProviderBill) -> CreditDraft:
        """Return what the verb takes, in the currency of the bill."""
        return CreditDraft(
            provider_bill_id=bill.provider_bill_id,
            number=self.number,
            net=Money(typed_fen(self.net), bill.currency),
            tax=Money(typed_fen(self.tax) if self.tax.strip() else 0, bill.currency),
            credited_on=self.credited_on,
            why=self.why,
        )


class Arrived(BaseModel):
    """What the bank says of a payment, as it was filled in; nothing of it for a draw."""

    bank: Typed = ""
    reference: Typed = ""
    amount: Typed = ""
    currency: Currency = "CNY"
    charges: Typed = ""
    receipt: Typed = ""

    def said(self) -> BankSaid | None:
        """Return what the verb takes; None where the bank says nothing."""
        if not self.amount.strip() and not self.receipt:
            return None
        fen = typed_fen(self.amount) if self.amount.strip() else 0
        return BankSaid(
            bank=self.bank,
            reference=self.reference,
            paid=Money(fen, self.currency),
            charges_fen=typed_fen(self.charges) if self.charges.strip() else 0,
            receipt_id=self.receipt,
        )


@routes.get("")
def show_payables(
    request: Request,
    db: Db,
    now: Now,
    account: Annotated[str, Query(max_length=500)] = "",
) -> Response:
    """Show what is owed, what waits for a second person or the bank, then bills and notes."""
    with db.read(consistent=True) as tx:
        named = account or None
        bills, payments = store.bills(tx, named), store.payments(tx, named)
        credits_ = store.credits_of(tx, named)
        known = sorted({each.account_id for each in accounts(tx)})
        left = {each.provider_bill_id: open_of(each, payments, credits_) for each in bills}
        waiting = [each for each in payments if each.state in _OPEN]
        past = [each for each in payments if each.state not in _OPEN]
        return draw(
            request,
            "desk/payables.html",
            asked=account,
            accounts=known,
            payables=payables(tx, named),
            waiting=leaf(request, "waiting", waiting, lambda each: each.payment_id),
            past=leaf(
                request,
                "past",
                past,
                lambda each: _newest(each.requested_at, each.payment_id),
            ),
            bills=leaf(
                request, "bills", bills, lambda each: _newest(each.at, each.provider_bill_id)
            ),
            credits=leaf(
                request,
                "credits",
                credits_,
                lambda each: _newest(each.at, each.provider_credit_id),
            ),
            left=left,
            numbers={each.provider_bill_id: each.number for each in bills},
            banks=bank_accounts(tx),
            receipts=_nobodys(tx) if any(e.purpose is PaymentFor.REFUND for e in waiting) else [],
            purposes=PURPOSES,
            states=STATES,
            how=HOW,
            moves=MOVES,
            today=now.astimezone(HOUSE_ZONE).date(),
        )


def _newest(at: datetime, name: str) -> str:
    return f"{(_LAST - at) // _STEP:020d} {name}"


def _nobodys(tx: Tx) -> list[Receipt]:
    """Return receipts that no customer has been found for: one may be what a provider sent."""
    return [each for each in open_receipts(tx) if each.customer_id is None]


@routes.post("/bills", dependencies=ours)
def enter(request: Request, db: Db, now: Now, form: Annotated[PrintedBill, Form()]) -> Response:
    """Enter a provider's bill as it is printed."""
    made = enter_bill(db, form.draft(), by=caller_of(request).name, now=now)
    return go(request, HERE, f"供应商账单 {made.number} 已入账，{made.due_on} 到期")


@routes.post("/bills/{bill}/void", dependencies=ours)
def void(request: Request, db: Db, now: Now, bill: str, why: Text) -> Response:
    """Take back a bill that was entered by mistake."""
    void_bill(db, bill, why=why, by=caller_of(request).name, now=now)
    return go(request, HERE, "供应商账单已作废并冲销")


@routes.post("/bills/{bill}/pay", dependencies=ours)
def pay(
    request: Request,
    db: Db,
    now: Now,
    bill: str,
    amount: Text,
    how: Annotated[PaymentFor, Form()] = PaymentFor.BILL,
    why: Text = "",
) -> Response:
    """Ask for a bill to be paid, from the bank or out of the balance; another person decides."""
    with db.read() as tx:
        owed = find_bill(tx, bill)
    request_payment(
        db,
        owed.account_id,
        Money(typed_fen(amount), owed.currency),
        how,
        by=caller_of(request).name,
        now=now,
        provider_bill_id=bill,
        why=why,
    )
    return go(request, HERE, f"账单 {owed.number} 的付款已申请，须由另一人审批")


@routes.post("/bills/{bill}/credits", dependencies=ours)
def credit(
    request: Request, db: Db, now: Now, bill: str, form: Annotated[PrintedCredit, Form()]
) -> Response:
    """Enter a credit note behind a bill."""
    with db.read() as tx:
        owed = find_bill(tx, bill)
    made = enter_credit(db, form.draft(owed), by=caller_of(request).name, now=now)
    off, left = Money(made.bill_fen, owed.currency), Money(made.balance_fen, owed.currency)
    return go(request, HERE, f"贷项 {made.number} 已入账：冲减账单 {off}，转入余额 {left}")


@routes.post("/credits/{note}/void", dependencies=ours)
def void_note(request: Request, db: Db, now: Now, note: str, why: Text) -> Response:
    """Take back a credit note that was entered by mistake."""
    void_credit(db, note, why=why, by=caller_of(request).name, now=now)
    return go(request, HERE, "供应商贷项已作废并冲销")


@routes.post("/balance", dependencies=ours)
def move_balance(
    request: Request,
    db: Db,
    now: Now,
    account: Text,
    amount: Text,
    why: Text,
    purpose: Annotated[PaymentFor, Form()] = PaymentFor.TOP_UP,
    currency: Annotated[Currency, Form()] = "USD",
) -> Response:
    """Ask for a balance to be filled, or paid back; another person decides."""
    money = Money(typed_fen(amount), currency)
    by = caller_of(request).name
    request_payment(db, account, money, purpose, by=by, now=now, why=why)
    return go(request, HERE, f"账号 {account} 的{PURPOSES[purpose]}已申请，须由另一人审批")


@routes.post("/payments/{payment}/paid", dependencies=ours)
def paid(
    request: Request, db: Db, now: Now, payment: str, form: Annotated[Arrived, Form()]
) -> Response:
    """Note that the bank has paid, or a refund came in, and book it."""
    done = note_paid(db, payment, form.said(), by=caller_of(request).name, now=now)
    return go(request, HERE, f"{PURPOSES[done.purpose]}已登记并入账")


@routes.post("/payments/{payment}/{decision}", dependencies=ours)
def decide(
    request: Request,
    db: Db,
    now: Now,
    payment: str,
    decision: Literal["approve", "reject"],
    why: Text = "",
) -> Response:
    """Approve what somebody else has asked for, or reject it."""
    approve = decision == "approve"
    decide_payment(db, payment, approve=approve, by=caller_of(request).name, now=now, why=why)
    return go(request, HERE, "付款已批准" if approve else "付款已驳回")
