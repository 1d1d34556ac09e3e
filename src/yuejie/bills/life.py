"""The life of a bill, whole, on one screen.

Nothing leads from an issued bill back to a draft: it is corrected on a later bill, by a credit
note, or voided whole. Overdue and partly paid are computed, so they are no states.
"""

from enum import StrEnum
from typing import Final

from yuejie.bills.bill import BillState
from yuejie.kernel.errors import Conflict

S = BillState


class BillEvent(StrEnum):
    """What can happen to a bill."""

    RECOMPUTE = "recompute"
    """Drafted anew; a confirmation or dispute of the old content is void."""
    PROPOSE = "propose"
    CONFIRM = "confirm"
    DISPUTE = "dispute"
    WITHDRAW = "withdraw"
    """The last open dispute was taken back or answered without a change."""
    ISSUE = "issue"
    PAY = "pay"
    UNPAY = "unpay"
    """A transfer bounced, or an apportionment was undone."""
    WRITE_OFF = "write_off"
    VOID = "void"


E = BillEvent

NEXT: Final[dict[tuple[BillState, BillEvent], BillState]] = {
    (S.DRAFT, E.RECOMPUTE): S.DRAFT,
    (S.DRAFT, E.PROPOSE): S.PROPOSED,
    (S.DRAFT, E.ISSUE): S.ISSUED,
    (S.PROPOSED, E.RECOMPUTE): S.DRAFT,
    (S.PROPOSED, E.CONFIRM): S.CONFIRMED,
    (S.PROPOSED, E.DISPUTE): S.DISPUTED,
    (S.PROPOSED, E.ISSUE): S.ISSUED,
    (S.DISPUTED, E.DISPUTE): S.DISPUTED,
    (S.DISPUTED, E.WITHDRAW): S.PROPOSED,
    (S.DISPUTED, E.RECOMPUTE): S.DRAFT,
    (S.CONFIRMED, E.RECOMPUTE): S.DRAFT,
    (S.CONFIRMED, E.ISSUE): S.ISSUED,
    (S.ISSUED, E.PAY): S.PAID,
    (S.PAID, E.UNPAY): S.ISSUED,
    (S.ISSUED, E.WRITE_OFF): S.WRITTEN_OFF,
    (S.WRITTEN_OFF, E.PAY): S.PAID,
    (S.WRITTEN_OFF, E.UNPAY): S.ISSUED,
    (S.ISSUED, E.VOID): S.VOIDED,
}
"""From DRAFT and PROPOSED a bill is issued only where its contract asks for no confirmation."""


class IllegalTransition(Conflict):
    """The bill's state does not allow that."""

    code = "illegal_transition"


SAID: Final[dict[BillState, str]] = {
    S.DRAFT: "草稿",
    S.PROPOSED: "待确认",
    S.CONFIRMED: "已确认",
    S.DISPUTED: "有异议",
    S.ISSUED: "已出账",
    S.PAID: "已结清",
    S.WRITTEN_OFF: "已核销",
    S.VOIDED: "已作废",
}
_DEEDS: Final[dict[BillEvent, str]] = {
    E.RECOMPUTE: "重算",
    E.PROPOSE: "提交客户确认",
    E.CONFIRM: "确认",
    E.DISPUTE: "提出异议",
    E.WITHDRAW: "撤回异议",
    E.ISSUE: "出账",
    E.PAY: "结清",
    E.UNPAY: "撤销结清",
    E.WRITE_OFF: "核销",
    E.VOID: "作废",
}


def advance(state: BillState, event: BillEvent) -> BillState:
    """Return the state behind an event, or refuse in a sentence."""
    try:
        return NEXT[state, event]
    except KeyError:
        raise IllegalTransition(f"账单{SAID[state]}，不能{_DEEDS[event]}") from None
