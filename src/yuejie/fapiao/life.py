"""The lives of a fapiao, of a red fapiao and of an errand, whole, on one screen.

A fapiao (数电票) cannot be voided; it is undone by red fapiao only, wholly or in part. Whether the
provider is being called, retried or waited for is the errand's business and no state of these.
"""

from enum import StrEnum
from typing import Final

from yuejie.kernel.errors import Conflict


class IllegalFapiaoTransition(Conflict):
    """The fapiao's state does not allow that."""

    code = "illegal_transition"


class FapiaoState(StrEnum):
    """Where a fapiao is in its life."""

    REQUESTED = "requested"
    APPROVED = "approved"
    """A second person agreed; an errand carries it to the provider."""
    ISSUED = "issued"
    REJECTED = "rejected"
    """Declined by us or finally refused by the provider; its tax lines are free again."""
    PARTLY_REVERSED = "partly_reversed"
    REVERSED = "reversed"


class FapiaoEvent(StrEnum):
    """What can happen to a fapiao."""

    APPROVE = "approve"
    DECLINE = "decline"
    ISSUE = "issue"
    FAIL = "fail"
    REVERSE_PART = "reverse_part"
    REVERSE = "reverse"


class RedState(StrEnum):
    """Where a red fapiao (红字发票) is in its life."""

    REQUESTED = "requested"
    APPROVED = "approved"
    """A second person agreed; the form is on its way to the tax office (Nuonuo: 15 申请中)."""
    WAITING = "waiting"
    """The form (红字信息确认单) waits for the other side, 72 hours at most (02, 03)."""
    CONFIRMED = "confirmed"
    """No confirmation needed, or given (01, 04); the tax office issues by itself."""
    ISSUED = "issued"
    VOID = "void"
    """Declined, denied, withdrawn, expired or failed; the lines are as before."""


class RedEvent(StrEnum):
    """What can happen to a red fapiao."""

    APPROVE = "approve"
    DECLINE = "decline"
    WAIT = "wait"
    CONFIRM = "confirm"
    ISSUE = "issue"
    VOID = "void"


_F, _E, _R, _V = FapiaoState, FapiaoEvent, RedState, RedEvent

NEXT: Final[dict[tuple[FapiaoState, FapiaoEvent], FapiaoState]] = {
    (_F.REQUESTED, _E.APPROVE): _F.APPROVED,
    (_F.REQUESTED, _E.DECLINE): _F.REJECTED,
    (_F.APPROVED, _E.ISSUE): _F.ISSUED,
    (_F.APPROVED, _E.FAIL): _F.REJECTED,
    (_F.ISSUED, _E.REVERSE_PART): _F.PARTLY_REVERSED,
    (_F.ISSUED, _E.REVERSE): _F.REVERSED,
    (_F.PARTLY_REVERSED, _E.REVERSE_PART): _F.PARTLY_REVERSED,
    (_F.PARTLY_REVERSED, _E.REVERSE): _F.REVERSED,
}

RED_NEXT: Final[dict[tuple[RedState, RedEvent], RedState]] = {
    (_R.REQUESTED, _V.APPROVE): _R.APPROVED,
    (_R.REQUESTED, _V.DECLINE): _R.VOID,
    (_R.APPROVED, _V.WAIT): _R.WAITING,
    (_R.APPROVED, _V.CONFIRM): _R.CONFIRMED,
    (_R.APPROVED, _V.ISSUE): _R.ISSUED,
    (_R.APPROVED, _V.VOID): _R.VOID,
    (_R.WAITING, _V.CONFIRM): _R.CONFIRMED,
    (_R.WAITING, _V.ISSUE): _R.ISSUED,
    (_R.WAITING, _V.VOID): _R.VOID,
    (_R.CONFIRMED, _V.ISSUE): _R.ISSUED,
    (_R.CONFIRMED, _V.VOID): _R.VOID,
}

IN_FORCE: Final = frozenset(FapiaoState) - {FapiaoState.REJECTED}
"""States in which a fapiao takes up its tax lines."""
STANDING: Final = frozenset({FapiaoState.ISSUED, FapiaoState.PARTLY_REVERSED})
"""States in which a fapiao can be reversed."""
RED_PENDING: Final = frozenset(
    {RedState.REQUESTED, RedState.APPROVED, RedState.WAITING, RedState.CONFIRMED}
)
"""States in which a red form blocks another one."""


def advance(state: FapiaoState, event: FapiaoEvent) -> FapiaoState:
    """Return the state behind an event, or refuse."""
    try:
        return NEXT[state, event]
    except KeyError:
        raise IllegalFapiaoTransition(
            f"发票处于 {state} 状态，不能 {event}；请刷新后核对"
        ) from None


def advance_red(state: RedState, event: RedEvent) -> RedState:
    """Return a red fapiao's state behind an event, or refuse."""
    try:
        return RED_NEXT[state, event]
    except KeyError:
        raise IllegalFapiaoTransition(
            f"红字发票处于 {state} 状态，不能 {event}；请刷新后核对"
        ) from None
