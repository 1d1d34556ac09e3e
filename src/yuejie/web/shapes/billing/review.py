"""The life of a bill, disputes, adjustments and credit notes on the wire."""

from typing import Literal

from pydantic import Field

from yuejie.bills.bill import LineKind
from yuejie.bills.correct.adjustment import Adjustment, Wanted
from yuejie.bills.correct.credit import CreditNote
from yuejie.bills.review.dispute import Dispute
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.money import Money
from yuejie.kernel.period import BillingMonth
from yuejie.web.shapes.customers import Text
from yuejie.web.shapes.wire import Amount, In, Instant, Month, Name, Out


class Why(In):
    """一件事的原因或依据。"""

    why: Text = Field("", description="原因或依据；运营方代客户确认、撤回账单时必填")


class DisputeIn(In):
    """对账单一行的异议。"""

    position: int = Field(description="行号", ge=1)
    why: Text = Field(description="原因")
    claimed: Text | None = Field(
        None, description="客户认为该行应是多少，两位小数；不知道就不写", examples=["120.00"]
    )


class DisputeOut(Out):
    """异议与答复。"""

    dispute_id: str = Field(description="编号")
    bill_id: str = Field(description="账单")
    line: str = Field(description="哪一行，用文字写明")
    claimed_fen: int | None = Field(description="客户认为应是多少，分")
    why: str = Field(description="原因")
    state: str = Field(
        description="open 待处理，accepted 已接受，rejected 已驳回，withdrawn 已撤回"
    )
    raised_by: str = Field(description="谁提出")
    raised_at: Instant = Field(description="何时提出")
    answer: str = Field(description="答复")
    adjustment_id: str | None = Field(description="接受后提出的调整")

    @classmethod
    def of(cls, dispute: Dispute) -> "DisputeOut":
        """Write a dispute."""
        return cls(
            dispute_id=dispute.dispute_id,
            bill_id=dispute.bill_id,
            line=dispute.line_text,
            claimed_fen=dispute.claimed_fen,
            why=dispute.why,
            state=str(dispute.state),
            raised_by=dispute.raised_by,
            raised_at=dispute.raised_at,
            answer=dispute.answer,
            adjustment_id=dispute.adjustment_id,
        )


class AcceptIn(In):
    """接受异议：调整多少。"""

    amount: Text = Field(description="调整金额，负数为减免", examples=["-12.50"])
    answer: Text = Field("", description="答复")


class RejectIn(In):
    """驳回异议。"""

    answer: Text = Field(description="答复，写明依据")


class AdjustmentIn(In):
    """提出一笔调整；须由另一人审批，然后出现在该客户的下一张账单上。"""

    customer: Name = Field(description="客户简称或编号")
    month: Month = Field(description="属于哪个账期")
    kind: Literal["adjustment", "sla_credit", "break_fee"] = Field("adjustment", description="类型")
    amount: Text = Field(description="金额，负数为减免；含税与否同合同计价", examples=["-30.00"])
    currency: Literal["CNY", "USD"] = Field("CNY", description="币种，同合同")
    item: Text = Field(description="账单上印的名目")
    why: Text = Field(description="原因")

    def wanted(self, customer_id: CustomerId) -> Wanted:
        """Return what the verb takes."""
        return Wanted(
            customer_id=customer_id,
            service_month=BillingMonth.parse(self.month),
            amount_fen=Money.parse(self.amount, self.currency).fen,
            currency=self.currency,
            item=self.item,
            why=self.why,
            kind=LineKind(self.kind),
        )


class AdjustmentOut(Out):
    """一笔调整。"""

    adjustment_id: str = Field(description="编号")
    customer_id: str = Field(description="客户")
    kind: str = Field(description="类型")
    month: Month
    amount: Amount = Field(description="金额")
    item: str = Field(description="名目")
    why: str = Field(description="原因")
    state: str = Field(
        description="proposed 待审批，approved 已批准，rejected 已驳回，withdrawn 已撤回"
    )
    proposed_by: str = Field(description="谁提出")
    decided_by: str | None = Field(description="谁审批")
    decided_why: str = Field(description="审批时写明的原因，驳回必有")

    @classmethod
    def of(cls, adjustment: Adjustment) -> "AdjustmentOut":
        """Write an adjustment."""
        return cls(
            adjustment_id=adjustment.adjustment_id,
            customer_id=adjustment.customer_id,
            kind=str(adjustment.kind),
            month=str(adjustment.service_month),
            amount=Amount.of(Money(adjustment.amount_fen, adjustment.currency)),
            item=adjustment.item,
            why=adjustment.why,
            state=str(adjustment.state),
            proposed_by=adjustment.proposed_by,
            decided_by=adjustment.decided_by,
            decided_why=adjustment.decided_why,
        )


class DecisionIn(In):
    """审批时的说明。"""

    why: Text = Field("", description="原因；驳回必写")


class RejectionIn(In):
    """驳回的原因。"""

    why: Text = Field(description="原因")


class CreditIn(In):
    """请求开具冲减单：逐行写明冲减多少，或整张作废。"""

    lines: dict[int, Text] | None = Field(
        None, description="行号 → 冲减金额（含税，与该行同号）；不写则整张作废"
    )
    why: Text = Field(description="原因")


class CreditOut(Out):
    """冲减单：批准后编号、封印、入账，账单本身不变。"""

    credit_note_id: str = Field(description="编号")
    number: str | None = Field(description="冲减单号；批准后才有")
    bill_id: str = Field(description="账单")
    whole: bool = Field(description="是否整张作废")
    net: Amount = Field(description="不含税")
    tax: Amount = Field(description="税额")
    gross: Amount = Field(description="价税合计")
    why: str = Field(description="原因")
    state: str = Field(description="requested 待审批，approved 已批准，rejected 已驳回")
    requested_by: str = Field(description="谁提出")
    decided_by: str | None = Field(description="谁审批")
    decided_why: str = Field(description="审批时写明的原因，驳回必有")
    seal: str | None = Field(description="封印")

    @classmethod
    def of(cls, note: CreditNote) -> "CreditOut":
        """Write a credit note."""
        return cls(
            credit_note_id=note.credit_note_id,
            number=note.number,
            bill_id=note.bill_id,
            whole=note.whole,
            net=Amount.of(note.net),
            tax=Amount.of(note.tax),
            gross=Amount.of(note.gross),
            why=note.why,
            state=str(note.state),
            requested_by=note.requested_by,
            decided_by=note.decided_by,
            decided_why=note.decided_why,
            seal=note.seal.hex() if note.seal else None,
        )


class UnitIn(In):
    """把一个项目（及其下级）从某月起单独出账。"""

    project: Name = Field(description="项目名")
    unit: Name = Field(description="出账单元名，例如子公司")
    since: Month = Field(description="从哪个账期起")


class UnitOut(Out):
    """出账单元。"""

    unit_id: str = Field(description="编号")
