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


SAID: Final[dict[FapiaoState, str]] = {
    _F.REQUESTED: "待批准",
    _F.APPROVED: "开具中",
    _F.ISSUED: "已开具",
    _F.REJECTED: "已退回",
    _F.PARTLY_REVERSED: "部分红冲",
    _F.REVERSED: "已红冲",
}
RED_SAID: Final[dict[RedState, str]] = {
    _R.REQUESTED: "待批准",
    _R.APPROVED: "提交中",
    _R.WAITING: "待对方确认",
    _R.CONFIRMED: "已确认，待开具",
    _R.ISSUED: "已开具",
    _R.VOID: "已作废",
}
_DEEDS: Final[dict[FapiaoEvent, str]] = {
    _E.APPROVE: "批准",
    _E.DECLINE: "退回",
    _E.ISSUE: "开具",
    _E.FAIL: "退回",
    _E.REVERSE_PART: "红冲",
    _E.REVERSE: "红冲",
}
_RED_DEEDS: Final[dict[RedEvent, str]] = {
    _V.APPROVE: "批准",
    _V.DECLINE: "撤回",
    _V.WAIT: "提交",
    _V.CONFIRM: "确认",
    _V.ISSUE: "开具",
    _V.VOID: "作废",
}


def advance(state: FapiaoState, event: FapiaoEvent) -> FapiaoState:
    """Return the state behind an event, or refuse."""
    try:
        return NEXT[state, event]
    except KeyError:
        raise IllegalFapiaoTransition(
            f"发票处于“{SAID[state]}”状态，不能{_DEEDS[event]}；请刷新后核对"
        ) from None


def advance_red(state: RedState, event: RedEvent) -> RedState:
    """Return a red fapiao's state behind an event, or refuse."""
    try:
        return RED_NEXT[state, event]
    except KeyError:
        raise IllegalFapiaoTransition(
            f"红字发票处于“{RED_SAID[state]}”状态，不能{_RED_DEEDS[event]}；请刷新后核对"
        ) from None
