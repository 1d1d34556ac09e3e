"""Receivables, letters, waivers and standings on the wire."""

from datetime import date

from pydantic import Field

from yuejie.kernel.money import Money
from yuejie.payments.apportion.shares import OpenAmount
from yuejie.payments.apportion.waiver import Waiver, WaiverKind
from yuejie.payments.receivables.show import AccountRow, AccountStatement, Debtor, Position
from yuejie.web.shapes.customers import Text
from yuejie.web.shapes.money.receipts import amount
from yuejie.web.shapes.wire import Amount, In, Out


class WaiverIn(In):
    """申请减免一张账单的全部未付金额。"""

    kind: WaiverKind = Field(description="short_pay 手续费差额，write_off 坏账核销")
    why: Text = Field(description="原因")


class WaiverOut(Out):
    """减免。"""

    waiver_id: str = Field(description="编号")
    kind: str = Field(description="类型")
    bill_id: str = Field(description="账单")
    amount: Amount = Field(description="金额")
    state: str = Field(description="requested 待审批，approved 已批准，rejected 已驳回")
    requested_by: str = Field(description="谁申请")
    decided_by: str | None = Field(description="谁审批")
    why: str = Field(description="原因")

    @classmethod
    def of(cls, waiver: Waiver) -> "WaiverOut":
        """Write a waiver."""
        return cls(
            waiver_id=waiver.waiver_id,
            kind=str(waiver.kind),
            bill_id=waiver.bill_id,
            amount=amount(waiver.amount_fen, waiver.currency),
            state=str(waiver.state),
            requested_by=waiver.requested_by,
            decided_by=waiver.decided_by,
            why=waiver.why,
        )


class OpenOut(Out):
    """一张已出账的账单与其未付金额。"""

    bill: str = Field(description="账单号")
    month: str = Field(description="账期")
    gross: Amount = Field(description="金额")
    credited: Amount = Field(description="冲减")
    apportioned: Amount = Field(description="已认款")
    open: Amount = Field(description="未付；负数为多付")
    due_on: date | None = Field(description="应付日；空为待定")
    state: str = Field(description="账单状态")

    @classmethod
    def of(cls, row: OpenAmount) -> "OpenOut":
        """Write an open amount."""
        return cls(
            bill=row.number,
            month=row.month,
            gross=amount(row.gross_fen, row.currency),
            credited=amount(row.credited_fen, row.currency),
            apportioned=amount(row.apportioned_fen, row.currency),
            open=amount(row.open_fen, row.currency),
            due_on=row.due_on,
            state=row.state,
        )


class AgedOut(Out):
    """一个客户的账龄。"""

    customer_id: str = Field(description="客户")
    customer: str = Field(description="客户简称")
    legal_name: str = Field(description="客户全称")
    currency: str = Field(description="币种")
    ages: dict[str, str] = Field(
        description="not_due 未到期，0-30、31-60、61-90、91-180、over-180 逾期天数"
    )
    total: str = Field(description="合计")
    overdue: str = Field(description="其中逾期")

    @classmethod
    def of(cls, debtor: Debtor) -> "AgedOut":
        """Write a customer's ages."""
        customer, row = debtor.customer, debtor.aged
        return cls(
            customer_id=customer.customer_id,
            customer=customer.slug,
            legal_name=customer.legal_name,
            currency=row.currency,
            ages={str(age): Money(fen, row.currency).amount for age, fen in row.fen.items()},
            total=Money(row.total_fen, row.currency).amount,
            overdue=Money(row.overdue_fen, row.currency).amount,
        )


class AccountRowOut(Out):
    """对账单的一行。"""

    on: date = Field(description="日期")
    what: str = Field(description="事项")
    memo: str = Field(description="说明")
    amount: Amount = Field(description="增加为正，减少为负")
    balance: Amount = Field(description="余额")

    @classmethod
    def of(cls, row: AccountRow, currency: str) -> "AccountRowOut":
        """Write a row."""
        return cls(
            on=row.on,
            what=row.what,
            memo=row.memo,
            amount=amount(row.fen, currency),
            balance=amount(row.balance_fen, currency),
        )


class StatementOut(Out):
    """对账单：期初、每笔往来、期末。"""

    since: date = Field(description="从哪天起")
    until: date = Field(description="到哪天为止，不含")
    opening: Amount = Field(description="期初应收")
    rows: list[AccountRowOut] = Field(description="往来")
    closing: Amount = Field(description="期末应收")
    prepayment: Amount = Field(description="预收款余额")
    deposit: Amount = Field(description="押金余额")
    open: list[OpenOut] = Field(description="期末未结清的账单")

    @classmethod
    def of(cls, found: AccountStatement) -> "StatementOut":
        """Write a statement of account."""
        return cls(
            since=found.since,
            until=found.until,
            opening=amount(found.opening_fen, found.currency),
            rows=[AccountRowOut.of(row, found.currency) for row in found.rows],
            closing=amount(found.closing_fen, found.currency),
            prepayment=amount(found.prepayment_fen, found.currency),
            deposit=amount(found.deposit_fen, found.currency),
            open=[OpenOut.of(row) for row in found.open],
        )


class StandingOut(Out):
    """客户的授信使用与服务状态。"""

    state: str = Field(description="normal 正常，warned 已预警，suspended 已停服")
    reason: str = Field(
        description="停服原因：overdue 逾期，credit_limit 授信用完，prepayment 预付余额用完，"
        "空为没有停服"
    )
    limit: Amount | None = Field(description="授信额度；空为不限")
    used: Amount = Field(description="已用：未付账单、未出账账单、未关账用量")
    available: Amount = Field(description="可用：授信额度加预收款加押金减已用")
    prepayment: Amount = Field(description="预收款")
    deposit: Amount = Field(description="押金")
    percent: int = Field(description="已用百分比")

    @classmethod
    def of(cls, found: Position) -> "StandingOut":
        """Write how a customer stands."""
        credit = found.credit
        return cls(
            state=str(found.standing.state),
            reason=found.standing.reason,
            limit=Amount.of_fen(credit.limit_fen, credit.currency),
            used=amount(credit.used_fen, credit.currency),
            available=amount(credit.available_fen, credit.currency),
            prepayment=amount(credit.prepayment_fen, credit.currency),
            deposit=amount(credit.deposit_fen, credit.currency),
            percent=credit.percent,
        )


class ReprieveIn(In):
    """延停。"""

    until: date = Field(description="延停到哪天，含")
    why: Text = Field(description="原因")
