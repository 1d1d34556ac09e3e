"""The life of a bill, whole, on one screen.

Part 1 knows drafting and issuing; confirmation, dispute and payment join this table with the
money side. Nothing leads back from ISSUED: an issued bill is corrected on a later one.
"""

from enum import StrEnum
from typing import Final

from yuejie.bills.bill import BillState
from yuejie.kernel.errors import Conflict


class BillEvent(StrEnum):
    """What can happen to a bill."""

    RECOMPUTE = "recompute"
    ISSUE = "issue"


NEXT: Final[dict[tuple[BillState, BillEvent], BillState]] = {
    (BillState.DRAFT, BillEvent.RECOMPUTE): BillState.DRAFT,
    (BillState.DRAFT, BillEvent.ISSUE): BillState.ISSUED,
}


class IllegalTransition(Conflict):
    """The bill's state does not allow that."""

    code = "illegal_transition"


def advance(state: BillState, event: BillEvent) -> BillState:
    """Return the state behind an event, or refuse."""
    try:
        return NEXT[state, event]
    except KeyError:
        raise IllegalTransition(f"账单处于 {state} 状态，不能 {event}") from None
