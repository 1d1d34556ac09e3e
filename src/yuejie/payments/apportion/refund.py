"""A refund: money that leaves, back to the account it came from. Pure."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Final, Self

from yuejie.kernel.errors import Conflict
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.two_people import refuse_same
from yuejie.payments.apportion.move import Source


class RefundState(StrEnum):
    """Where a refund is in its life."""

    REQUESTED = "requested"
    APPROVED = "approved"
    REJECTED = "rejected"
    PAID = "paid"
    FAILED = "failed"
    """The bank did not carry it out; the money is where it was."""


class RefundEvent(StrEnum):
    """What can happen to a refund."""

    APPROVE = "approve"
    REJECT = "reject"
    PAY = "pay"
    FAIL = "fail"


S = RefundState
E = RefundEvent

NEXT: Final[dict[tuple[RefundState, RefundEvent], RefundState]] = {
    (S.REQUESTED, E.APPROVE): S.APPROVED,
    (S.REQUESTED, E.REJECT): S.REJECTED,
    (S.APPROVED, E.PAY): S.PAID,
    (S.APPROVED, E.FAIL): S.FAILED,
}
SAID: Final[dict[RefundState, str]] = {
    S.REQUESTED: "待审批",
    S.APPROVED: "已批准待付款",
    S.REJECTED: "已驳回",
    S.PAID: "已退款",
    S.FAILED: "付款失败",
}
_DEEDS: Final[dict[RefundEvent, str]] = {
    E.APPROVE: "批准",
    E.REJECT: "驳回",
    E.PAY: "登记付款",
    E.FAIL: "登记付款失败",
}
LIVE: Final = frozenset({S.REQUESTED, S.APPROVED, S.PAID})
"""States in which the amount is not free for anything else."""


@dataclass(frozen=True, slots=True)
class Refund:
    """So many fen back to the payer of a receipt.

    `source` says where they are now: not apportioned yet, a prepayment, or a deposit.
    """

    refund_id: str
    receipt_id: str
    source: Source
    customer_id: CustomerId | None
    account_id: str
    currency: str
    amount_fen: int
    to_name: str
    to_number: str
    why: str
    state: RefundState
    requested_by: str
    requested_at: datetime
    decided_by: str | None = None
    decided_at: datetime | None = None
    line_id: str | None = None
    paid_on: date | None = None

    def typed(self) -> Self:
        """Return the refund with its words as the words they are, after reading a row."""
        return replace(self, source=Source(self.source), state=RefundState(self.state))


def advance(refund: Refund, event: RefundEvent, *, by: str) -> RefundState:
    """Return the state behind an event; nobody decides what it asked for itself."""
    try:
        became = NEXT[refund.state, event]
    except KeyError:
        raise Conflict(
            f"退款 {refund.refund_id} {SAID[refund.state]}，不能再{_DEEDS[event]}；请刷新后查看"
        ) from None
    if event in {E.APPROVE, E.REJECT}:
        refuse_same(refund.requested_by, by, "退款申请")
    return became
