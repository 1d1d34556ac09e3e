"""An amount that is added to a customer's next bill: an adjustment, a credit, a fee.

What a person proposes, another person decides. What a rule computes (a late fee, an SLA credit)
is approved as it is written, and carries a key, so that computing it again adds nothing.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from yuejie.bills.bill import LineKind
from yuejie.kernel.errors import Conflict, Forbidden, Invalid
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.money import CURRENCIES
from yuejie.kernel.period import BillingMonth
from yuejie.kernel.two_people import refuse_same


class AdjustmentState(StrEnum):
    """Where an adjustment is in its life."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


class Decision(StrEnum):
    """What may be done about a proposed adjustment."""

    APPROVE = "approve"
    REJECT = "reject"
    WITHDRAW = "withdraw"


NEXT: Final[dict[tuple[AdjustmentState, Decision], AdjustmentState]] = {
    (AdjustmentState.PROPOSED, Decision.APPROVE): AdjustmentState.APPROVED,
    (AdjustmentState.PROPOSED, Decision.REJECT): AdjustmentState.REJECTED,
    (AdjustmentState.PROPOSED, Decision.WITHDRAW): AdjustmentState.WITHDRAWN,
}
SAID: Final[dict[AdjustmentState, str]] = {
    AdjustmentState.PROPOSED: "待审批",
    AdjustmentState.APPROVED: "已批准",
    AdjustmentState.REJECTED: "已驳回",
    AdjustmentState.WITHDRAWN: "已撤回",
}
_DEEDS: Final[dict[Decision, str]] = {
    Decision.APPROVE: "批准",
    Decision.REJECT: "驳回",
    Decision.WITHDRAW: "撤回",
}
KINDS: Final = frozenset(
    {LineKind.ADJUSTMENT, LineKind.LATE_FEE, LineKind.SLA_CREDIT, LineKind.BREAK_FEE}
)


@dataclass(frozen=True, slots=True)
class Adjustment:
    """`amount_fen` is as lines are: with tax where prices include it, before tax otherwise."""

    adjustment_id: str
    key: str | None
    customer_id: CustomerId
    kind: LineKind
    service_month: BillingMonth
    part: str
    currency: str
    amount_fen: int
    item: str
    why: str
    refers_to: str
    state: AdjustmentState
    proposed_by: str
    proposed_at: datetime
    decided_by: str | None = None
    decided_at: datetime | None = None
    by_rule: bool = False
    decided_why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is asked for: how much, for which month, in which words on the bill, and why."""

    customer_id: CustomerId
    service_month: BillingMonth
    amount_fen: int
    currency: str
    item: str
    why: str
    kind: LineKind = LineKind.ADJUSTMENT
    part: str = ""
    refers_to: str = ""

    def refuse_nonsense(self) -> None:
        """Refuse what could stand on no bill."""
        if self.kind not in KINDS:
            raise Invalid(f"调整类型“{self.kind}”不认识，请写 adjustment、sla_credit 或 break_fee")
        if self.amount_fen == 0:
            raise Invalid("调整金额不能为零，请填写正数（加收）或负数（减免）")
        if self.currency not in CURRENCIES:
            raise Invalid(f"调整币种“{self.currency}”不支持，请写 CNY 或 USD")
        if not self.item.strip() or not self.why.strip():
            raise Invalid("调整须写明账单上的名目与原因，请补全后重试")


def decide(
    state: AdjustmentState, decision: Decision, *, proposed_by: str, by: str
) -> AdjustmentState:
    """Return the state behind a decision; nobody decides what it proposed itself.

    Raises Conflict for one that is decided already, Forbidden for the same person twice.
    """
    try:
        became = NEXT[state, decision]
    except KeyError:
        raise Conflict(f"调整已是“{SAID[state]}”状态，不能再{_DEEDS[decision]}") from None
    if decision is Decision.WITHDRAW and by != proposed_by:
        raise Forbidden(f"调整由 {proposed_by} 提出，只能由其本人撤回")
    if decision is not Decision.WITHDRAW:
        refuse_same(proposed_by, by, "调整")
    return became
