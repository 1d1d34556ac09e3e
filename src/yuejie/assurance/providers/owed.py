"""What a provider bills us and what we pay it. Pure.

A payment leaves the house by two people: who asks for it does not approve it. Where it is in its
life is a table.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from yuejie.kernel.errors import Conflict, Invalid
from yuejie.kernel.money import CURRENCIES, Money
from yuejie.kernel.two_people import refuse_same
from yuejie.ledger.posting import Account, Entry, Posting, credit, debit

AHEAD: Final = timedelta(days=1)
"""Papers are dated by the provider's calendar, which may be a day ahead of ours."""


def refuse_future(what: str, day: date, now: datetime) -> None:
    """Refuse a paper that is dated on a day that has not begun anywhere."""
    if day > (now + AHEAD).date():
        raise Invalid(f"{what} {day} 在将来，请按票面核对")


class ProviderPaymentState(StrEnum):
    """Where a payment to a provider is in its life. Stored by value."""

    REQUESTED = "requested"
    """Somebody asks for it; nothing has moved."""
    APPROVED = "approved"
    """A second person agrees; the bank may be told."""
    REJECTED = "rejected"
    """It will not be paid."""
    PAID = "paid"
    """The bank has paid; it is in the books."""


class PaymentStep(StrEnum):
    """What can happen to a payment to a provider."""

    APPROVE = "approve"
    REJECT = "reject"
    PAY = "pay"


S = ProviderPaymentState

NEXT: Final[dict[tuple[ProviderPaymentState, PaymentStep], ProviderPaymentState]] = {
    (S.REQUESTED, PaymentStep.APPROVE): S.APPROVED,
    (S.REQUESTED, PaymentStep.REJECT): S.REJECTED,
    (S.APPROVED, PaymentStep.REJECT): S.REJECTED,
    (S.APPROVED, PaymentStep.PAY): S.PAID,
}

CHINESE: Final = {
    S.REQUESTED: "待审批",
    S.APPROVED: "已批准",
    S.REJECTED: "已驳回",
    S.PAID: "已支付",
}
_STEPS: Final = {
    PaymentStep.APPROVE: "批准",
    PaymentStep.REJECT: "驳回",
    PaymentStep.PAY: "登记支付",
}


class PaymentFor(StrEnum):
    """What a payment to a provider is for."""

    BILL = "bill"
    """A bill of theirs, from our bank."""
    TOP_UP = "top_up"
    """A prepaid balance, from our bank."""
    DRAW = "draw"
    """A bill of theirs, out of the prepaid balance; no money leaves."""
    REFUND = "refund"
    """The other way: the provider pays the balance back, or a part of it."""


RECEIVED: Final = "已收到"
"""What a refund is called that came in; in the table it is paid, like what left."""

PURPOSES: Final = {
    PaymentFor.BILL: "付账单",
    PaymentFor.TOP_UP: "充值",
    PaymentFor.DRAW: "抵付",
    PaymentFor.REFUND: "收回余额",
}
WITH_BILL: Final = frozenset({PaymentFor.BILL, PaymentFor.DRAW})
"""What is paid for a bill; the rest moves the balance alone, and says why."""


def advance(state: ProviderPaymentState, step: PaymentStep) -> ProviderPaymentState:
    """Return the state after a step; one that the table does not have is refused."""
    try:
        return NEXT[state, step]
    except KeyError:
        raise Conflict(f"付款{CHINESE[state]}，不能{_STEPS[step]}；请核对付款编号") from None


@dataclass(frozen=True, slots=True)
class ProviderBill:
    """A provider's bill as it was entered: net and tax as printed on it."""

    provider_bill_id: str
    account_id: str
    number: str
    month: str
    currency: str
    net_fen: int
    tax_fen: int
    billed_on: date
    due_on: date
    by: str
    at: datetime
    voided_why: str | None = None

    @property
    def gross_fen(self) -> int:
        """What has to be paid."""
        return self.net_fen + self.tax_fen

    @property
    def key(self) -> str:
        """The key of its entry in the ledger."""
        return f"provider_bill:{self.provider_bill_id}"

    def refuse_nonsense(self) -> None:
        """Refuse a bill that could not be one."""
        if self.currency not in CURRENCIES:
            raise Invalid(f"币种“{self.currency}”不支持，只支持 CNY 和 USD")
        if not self.number.strip():
            raise Invalid("供应商账单的号码不能为空，请按票面填写")
        if self.net_fen < 0 or self.tax_fen < 0 or not self.gross_fen:
            raise Invalid("供应商账单的金额和税额不能为负，合计须大于零；退款请录为原账单的贷项")
        if self.due_on < self.billed_on:
            raise Invalid(f"到期日 {self.due_on} 早于开票日 {self.billed_on}，请改正后重试")

    def entry(self) -> Entry:
        """Return Dr 主营业务成本, Dr 进项税额 / Cr 应付账款, in the books when it was entered."""
        party = party_of(self.account_id)
        return Entry(
            key=self.key,
            kind="provider.bill",
            at=self.at,
            by=self.by,
            postings=(
                debit(Account.COST_OF_SALES, self.net_fen, self.currency, party),
                debit(Account.INPUT_TAX, self.tax_fen, self.currency, party),
                credit(Account.PROVIDER_PAYABLE, self.gross_fen, self.currency, party),
            ),
            memo=f"{self.account_id} {self.month} 账单 {self.number}",
        )


@dataclass(frozen=True, slots=True)
class ProviderCredit:
    """A provider's credit note behind one of its bills: net and tax as printed on it.

    `bill_fen` is what of it was taken off what was open of the bill when it was entered; the rest
    is a balance with the provider, which a draw uses for another bill, or which it pays back.
    """

    provider_credit_id: str
    provider_bill_id: str
    account_id: str
    number: str
    currency: str
    net_fen: int
    tax_fen: int
    bill_fen: int
    credited_on: date
    why: str
    by: str
    at: datetime
    voided_why: str | None = None

    @property
    def gross_fen(self) -> int:
        """What is given back."""
        return self.net_fen + self.tax_fen

    @property
    def balance_fen(self) -> int:
        """What of it became a balance with the provider."""
        return self.gross_fen - self.bill_fen

    @property
    def key(self) -> str:
        """The key of its entry in the ledger."""
        return f"provider_credit:{self.provider_credit_id}"

    def refuse_nonsense(self, bill: ProviderBill, earlier: Iterable["ProviderCredit"]) -> None:
        """Refuse a note that could not be one of this bill, with what was given back before."""
        if not self.number.strip() or not self.why.strip():
            raise Invalid("供应商贷项的号码和原因不能为空，请按票面填写")
        if self.currency != bill.currency:
            raise Invalid(f"账单 {bill.number} 以 {bill.currency} 计价，其贷项也须以该币种录入")
        if self.net_fen < 0 or self.tax_fen < 0 or not self.gross_fen:
            raise Invalid("供应商贷项的金额和税额按正数填写，合计须大于零，请改正后重试")
        if self.credited_on < bill.billed_on:
            raise Invalid(f"贷项日期 {self.credited_on} 早于账单的开票日 {bill.billed_on}，请核对")
        before = [each for each in earlier if each.voided_why is None]
        net = bill.net_fen - sum(each.net_fen for each in before)
        tax = bill.tax_fen - sum(each.tax_fen for each in before)
        if self.net_fen > net or self.tax_fen > tax:
            raise Conflict(
                f"账单 {bill.number} 最多还能冲减金额 {Money(net, bill.currency)}、"
                f"税额 {Money(tax, bill.currency)}，请核对贷项"
            )

    def entry(self) -> Entry:
        """Return Dr 应付账款, Dr 预付账款 / Cr 主营业务成本, Cr 进项税额."""
        party = party_of(self.account_id)
        return Entry(
            key=self.key,
            kind="provider.credit",
            at=self.at,
            by=self.by,
            postings=(
                debit(Account.PROVIDER_PAYABLE, self.bill_fen, self.currency, party),
                debit(Account.PROVIDER_PREPAID, self.balance_fen, self.currency, party),
                credit(Account.COST_OF_SALES, self.net_fen, self.currency, party),
                credit(Account.INPUT_TAX, self.tax_fen, self.currency, party),
            ),
            memo=f"{self.account_id} 贷项 {self.number}",
        )


@dataclass(frozen=True, slots=True)
class ProviderPayment:
    """A payment to a provider: what is settled there, and what our bank gives for it.

    `fen` in `currency` is what the provider gets. `paid_fen` in `paid_currency` is what left our
    bank, `charges_fen` of which the bank kept; both are known when the bank has paid.
    """

    payment_id: str
    account_id: str
    provider_bill_id: str | None
    purpose: PaymentFor
    currency: str
    fen: int
    state: ProviderPaymentState
    why: str
    requested_by: str
    requested_at: datetime
    decided_by: str | None = None
    decided_at: datetime | None = None
    bank: str = ""
    bank_reference: str = ""
    paid_currency: str | None = None
    paid_fen: int | None = None
    charges_fen: int = 0
    paid_at: datetime | None = None

    @property
    def key(self) -> str:
        """The key of its entry in the ledger."""
        return f"provider_payment:{self.payment_id}"

    @property
    def said(self) -> str:
        """What its state is called."""
        arrived = self.purpose is PaymentFor.REFUND and self.state is ProviderPaymentState.PAID
        return RECEIVED if arrived else CHINESE[self.state]

    def refuse_same_person(self, by: str) -> None:
        """Refuse that who asked for a payment also lets it go."""
        what = f"付款申请 {self.payment_id} "
        refuse_same(self.requested_by, by, what, payment=self.payment_id)

    def entry(self, by: str, *, carried_fen: int | None = None) -> Entry:
        """Return what a payment that was made does in the books.

        A payment in another currency passes through 外币兑换, so that each currency balances.
        `carried_fen` is what the debt was worth in the currency that was paid when it arose, None
        where no rate says so: what was given beyond is a loss of exchange, what less a gain.
        """
        assert self.paid_at is not None, "only what was paid is in the books"
        party = party_of(self.account_id)
        if self.purpose is PaymentFor.REFUND:
            return self._refunded(party, by)
        owed = (
            Account.PROVIDER_PREPAID
            if self.purpose is PaymentFor.TOP_UP
            else Account.PROVIDER_PAYABLE
        )
        settled = debit(owed, self.fen, self.currency, party)
        return Entry(
            key=self.key,
            kind="provider.payment",
            at=self.paid_at,
            by=by,
            postings=(settled, *self._source(party, carried_fen)),
            memo=f"付 {self.account_id} {Money(self.fen, self.currency)} {self.currency}"
            f" {self.bank_reference}".rstrip(),
        )

    def _refunded(self, party: str, by: str) -> Entry:
        """Return Dr 银行存款, Dr 手续费 / Cr 预付账款: what came back of the balance."""
        assert self.paid_at is not None
        assert self.paid_currency is not None
        assert self.paid_fen is not None
        currency = self.paid_currency
        exchanged: tuple[Posting, ...] = ()
        if currency != self.currency:
            exchanged = (
                debit(Account.FX_CLEARING, self.fen, self.currency, party),
                credit(Account.FX_CLEARING, self.paid_fen, currency, party),
            )
        return Entry(
            key=self.key,
            kind="provider.refund",
            at=self.paid_at,
            by=by,
            postings=(
                debit(Account.BANK, self.paid_fen - self.charges_fen, currency, self.bank),
                debit(Account.BANK_CHARGES, self.charges_fen, currency, self.bank),
                *exchanged,
                credit(Account.PROVIDER_PREPAID, self.fen, self.currency, party),
            ),
            memo=f"{self.account_id} 退回 {Money(self.fen, self.currency)} {self.currency}"
            f" {self.bank_reference}".rstrip(),
        )

    def _source(self, party: str, carried_fen: int | None) -> tuple[Posting, ...]:
        if self.purpose is PaymentFor.DRAW:
            return (credit(Account.PROVIDER_PREPAID, self.fen, self.currency, party),)
        currency, left = self.paid_currency, self.paid_fen
        assert currency is not None
        assert left is not None
        charges = debit(Account.BANK_CHARGES, self.charges_fen, currency, self.bank)
        bank = credit(Account.BANK, left, currency, self.bank)
        if currency == self.currency:
            return (charges, bank)
        exchanged = left - self.charges_fen
        worth = exchanged if carried_fen is None else carried_fen
        return (
            credit(Account.FX_CLEARING, self.fen, self.currency, party),
            debit(Account.FX_CLEARING, worth, currency, party),
            debit(Account.FX_DIFFERENCE, exchanged - worth, currency, party),
            charges,
            bank,
        )


def party_of(account_id: str) -> str:
    """Return the ledger's name of a provider account."""
    return f"account:{account_id}"
