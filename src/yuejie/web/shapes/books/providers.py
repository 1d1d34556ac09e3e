"""Provider accounts, providers' bills and payments on the wire."""

from datetime import date

from pydantic import Field

from yuejie.assurance.providers.credit import CreditDraft
from yuejie.assurance.providers.owed import (
    PaymentFor,
    ProviderBill,
    ProviderCredit,
    ProviderPayment,
)
from yuejie.assurance.providers.pay import BankSaid, BillDraft
from yuejie.assurance.providers.payables import Payable
from yuejie.assurance.providers.standing import ProviderTerms, Standing
from yuejie.kernel.money import Money
from yuejie.kernel.period import BillingMonth
from yuejie.web.shapes.wire import Amount, In, Instant, Month, Name, Out

Decimal = Field(description="十进制文字，两位小数", max_length=40, examples=["100.00"])


class TermsIn(In):
    """一个账号的条款。"""

    currency: str = Field(description="币种", examples=["USD"])
    prepaid: bool = Field(default=False, description="预付费")
    low: str = Field(default="0", description="余额低于多少告警", max_length=40)
    low_days: int = Field(default=7, ge=0, description="余额不够几天告警")
    monthly_ceiling: str | None = Field(default=None, description="供应商每月上限", max_length=40)
    credential_expires_on: date | None = Field(default=None, description="凭证到期日")
    net_days: int = Field(default=30, ge=0, description="账单付款天数")

    def terms(self, account_id: str) -> ProviderTerms:
        """Read the terms."""
        ceiling = self.monthly_ceiling
        return ProviderTerms(
            account_id=account_id,
            currency=self.currency,
            prepaid=self.prepaid,
            low_fen=Money.parse(self.low, self.currency).fen,
            low_days=self.low_days,
            monthly_ceiling_fen=Money.parse(ceiling, self.currency).fen if ceiling else None,
            credential_expires_on=self.credential_expires_on,
            net_days=self.net_days,
        )


class BalanceIn(In):
    """在供应商控制台看到的余额。"""

    balance: str = Decimal
    currency: str = Field(description="币种")
    at: Instant | None = Field(default=None, description="看到的时刻；不填为现在")


class StandingOut(Out):
    """一个账号现在的情况。"""

    account: str = Field(description="供应商账号")
    currency: str = Field(description="币种")
    prepaid: bool = Field(description="预付费")
    left: Amount | None = Field(description="估计余额：登记的余额减去其后的用量")
    daily: Amount = Field(description="近 7 天的日均用量")
    days_left: int | None = Field(description="还够几天")
    seen_at: Instant | None = Field(description="余额何时登记")
    credential_expires_on: date | None = Field(description="凭证到期日")

    @classmethod
    def of(cls, each: Standing) -> "StandingOut":
        """Write how an account stands."""
        terms = each.terms
        return cls(
            account=terms.account_id,
            currency=terms.currency,
            prepaid=terms.prepaid,
            left=Amount.of_fen(each.left_fen, terms.currency),
            daily=Amount.of(Money(each.daily_fen, terms.currency)),
            days_left=each.days_left,
            seen_at=each.seen.at if each.seen else None,
            credential_expires_on=terms.credential_expires_on,
        )


class WarnedOut(Out):
    """一条应当告警的事。"""

    key: str = Field(description="同一原因只有一个编号")
    kind: str = Field(description="种类", examples=["burn_down"])
    account_id: str = Field(description="供应商账号")
    sentence: str = Field(description="一句话")


class BillIn(In):
    """一张供应商账单。"""

    account: Name = Field(description="供应商账号")
    number: Name = Field(description="账单号码")
    month: Month
    currency: str = Field(description="币种")
    net: str = Decimal
    tax: str = Field(default="0", description="税额", max_length=40)
    billed_on: date = Field(description="开票日")
    due_on: date | None = Field(default=None, description="到期日；不填按条款的付款天数")

    def draft(self) -> BillDraft:
        """Read the bill."""
        return BillDraft(
            account_id=self.account,
            number=self.number,
            month=BillingMonth.parse(self.month),
            net=Money.parse(self.net, self.currency),
            tax=Money.parse(self.tax, self.currency),
            billed_on=self.billed_on,
            due_on=self.due_on,
        )


class WhyIn(In):
    """为什么。"""

    why: str = Field(description="原因", min_length=1, max_length=500)


class ProviderBillOut(Out):
    """一张已录入的供应商账单。"""

    provider_bill_id: str = Field(description="编号")
    account: str = Field(description="供应商账号")
    number: str = Field(description="账单号码")
    month: str = Field(description="用量月份")
    net: Amount = Field(description="不含税")
    tax: Amount = Field(description="税额")
    gross: Amount = Field(description="合计")
    open: Amount = Field(description="未付也未申请的，已减贷项")
    billed_on: date = Field(description="开票日")
    due_on: date = Field(description="到期日")
    voided_why: str | None = Field(description="作废原因；空为有效")

    @classmethod
    def of(cls, bill: ProviderBill, open_fen: int) -> "ProviderBillOut":
        """Write a provider's bill."""

        def amount(fen: int) -> Amount:
            return Amount.of(Money(fen, bill.currency))

        return cls(
            provider_bill_id=bill.provider_bill_id,
            account=bill.account_id,
            number=bill.number,
            month=bill.month,
            net=amount(bill.net_fen),
            tax=amount(bill.tax_fen),
            gross=amount(bill.gross_fen),
            open=amount(open_fen),
            billed_on=bill.billed_on,
            due_on=bill.due_on,
            voided_why=bill.voided_why,
        )


class CreditIn(In):
    """一张供应商账单的贷项，金额按正数写。"""

    provider_bill_id: Name = Field(description="账单编号")
    number: Name = Field(description="贷项号码")
    currency: str = Field(description="币种")
    net: str = Decimal
    tax: str = Field(default="0", description="税额", max_length=40)
    credited_on: date = Field(description="贷项日期")
    why: str = Field(description="供应商为什么退", min_length=1, max_length=500)

    def draft(self) -> CreditDraft:
        """Read the credit note."""
        return CreditDraft(
            provider_bill_id=self.provider_bill_id,
            number=self.number,
            net=Money.parse(self.net, self.currency),
            tax=Money.parse(self.tax, self.currency),
            credited_on=self.credited_on,
            why=self.why,
        )


class CreditOut(Out):
    """一张已录入的供应商贷项。"""

    provider_credit_id: str = Field(description="编号")
    provider_bill_id: str = Field(description="账单编号")
    account: str = Field(description="供应商账号")
    number: str = Field(description="贷项号码")
    gross: Amount = Field(description="合计")
    off_bill: Amount = Field(description="其中冲减该账单的")
    to_balance: Amount = Field(description="其中转入余额的")
    credited_on: date = Field(description="贷项日期")
    why: str = Field(description="供应商为什么退")
    voided_why: str | None = Field(description="作废原因；空为有效")

    @classmethod
    def of(cls, each: ProviderCredit) -> "CreditOut":
        """Write a credit note."""

        def amount(fen: int) -> Amount:
            return Amount.of(Money(fen, each.currency))

        return cls(
            provider_credit_id=each.provider_credit_id,
            provider_bill_id=each.provider_bill_id,
            account=each.account_id,
            number=each.number,
            gross=amount(each.gross_fen),
            off_bill=amount(each.bill_fen),
            to_balance=amount(each.balance_fen),
            credited_on=each.credited_on,
            why=each.why,
            voided_why=each.voided_why,
        )


class PayableOut(Out):
    """一个账号一个币种的应付和余额。"""

    account: str = Field(description="供应商账号")
    owed: Amount = Field(description="应付")
    asked: Amount = Field(description="其中已申请未付的")
    prepaid: Amount = Field(description="在供应商处的余额")

    @classmethod
    def of(cls, each: Payable) -> "PayableOut":
        """Write how an account stands in the books."""

        def amount(fen: int) -> Amount:
            return Amount.of(Money(fen, each.currency))

        return cls(
            account=each.account_id,
            owed=amount(each.owed_fen),
            asked=amount(each.asked_fen),
            prepaid=amount(each.prepaid_fen),
        )


class PaymentIn(In):
    """申请一笔付款。"""

    account: Name = Field(description="供应商账号")
    amount: str = Decimal
    currency: str = Field(description="币种")
    purpose: PaymentFor = Field(
        description="付账单 bill，充值 top_up，从余额抵付 draw，收回余额 refund"
    )
    provider_bill_id: Name | None = Field(default=None, description="账单编号；充值和收回时不填")
    why: str = Field(default="", description="原因；充值和收回必填", max_length=500)


class DecisionIn(In):
    """审批一笔付款。"""

    approve: bool = Field(description="批准或驳回")
    why: str = Field(default="", description="原因；驳回必填", max_length=500)


class PaidIn(In):
    """银行已付，或退款已到；抵付时全部不填。"""

    bank: str = Field(default="", description="付款银行账户", max_length=200)
    reference: str = Field(default="", description="银行流水号", max_length=200)
    amount: str | None = Field(default=None, description="实付金额，含手续费", max_length=40)
    currency: str = Field(default="CNY", description="实付币种")
    charges: str = Field(default="0", description="其中的手续费", max_length=40)
    receipt_id: str = Field(default="", description="退款已作为到账导入时，该到账", max_length=200)

    def said(self) -> BankSaid | None:
        """Read what the bank says; None where it says nothing."""
        if self.amount is None and not self.receipt_id:
            return None
        return BankSaid(
            bank=self.bank,
            reference=self.reference,
            paid=Money.parse(self.amount or "0", self.currency),
            charges_fen=Money.parse(self.charges, self.currency).fen,
            receipt_id=self.receipt_id,
        )


class PaymentOut(Out):
    """一笔对供应商的付款。"""

    payment_id: str = Field(description="编号")
    account: str = Field(description="供应商账号")
    purpose: str = Field(description="用途")
    provider_bill_id: str | None = Field(description="账单编号")
    amount: Amount = Field(description="金额")
    state: str = Field(description="状态")
    why: str = Field(description="原因")
    requested_by: str = Field(description="谁申请")
    decided_by: str | None = Field(description="谁审批")
    paid: Amount | None = Field(description="实付，含手续费")
    bank_reference: str = Field(description="银行流水号")

    @classmethod
    def of(cls, each: ProviderPayment) -> "PaymentOut":
        """Write a payment."""
        return cls(
            payment_id=each.payment_id,
            account=each.account_id,
            purpose=each.purpose.value,
            provider_bill_id=each.provider_bill_id,
            amount=Amount.of(Money(each.fen, each.currency)),
            state=each.state.value,
            why=each.why,
            requested_by=each.requested_by,
            decided_by=each.decided_by,
            paid=Amount.of_fen(each.paid_fen, each.paid_currency or each.currency),
            bank_reference=each.bank_reference,
        )
