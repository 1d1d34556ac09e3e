"""The whole life of a request for signature."""

from enum import StrEnum
from typing import ClassVar, Final

from yuejie.contracts.esign.port import SigningState
from yuejie.kernel.errors import Conflict


class SigningEvent(StrEnum):
    """What can happen to a request for signature."""

    TAKE = "take"
    """A job goes to the platform with it."""
    BEGIN = "begin"
    """The platform has it, and named it."""
    WAIT = "wait"
    """The signer has not finished, or the platform could not be asked."""
    COMPLETE = "complete"
    REFUSE = "refuse"
    """The signer declined, or the task was revoked or ran out."""
    FAIL = "fail"
    """A person has to look."""
    RESUME = "resume"
    """A person has looked: the platform has the task, so it is asked on."""


_S = SigningState
_E = SigningEvent
NEXT: Final[dict[tuple[SigningState, SigningEvent], SigningState]] = {
    (_S.ASKED, _E.TAKE): _S.STARTING,
    (_S.ASKED, _E.FAIL): _S.FAILED,
    (_S.STARTING, _E.BEGIN): _S.RUNNING,
    (_S.STARTING, _E.FAIL): _S.FAILED,
    (_S.RUNNING, _E.WAIT): _S.RUNNING,
    (_S.RUNNING, _E.COMPLETE): _S.COMPLETED,
    (_S.RUNNING, _E.REFUSE): _S.REFUSED,
    (_S.RUNNING, _E.FAIL): _S.FAILED,
    (_S.FAILED, _E.RESUME): _S.RUNNING,
}
"""No road leads back to `asked` or `starting`: what may have begun is never begun again."""
SAID: Final[dict[SigningState, str]] = {
    _S.ASKED: "待发起",
    _S.STARTING: "发起中",
    _S.RUNNING: "签署中",
    _S.COMPLETED: "完成",
    _S.REFUSED: "拒签",
    _S.FAILED: "失败",
}
_DEEDS: Final[dict[SigningEvent, str]] = {
    _E.TAKE: "发起",
    _E.BEGIN: "登记已发起",
    _E.WAIT: "等待",
    _E.COMPLETE: "完成",
    _E.REFUSE: "登记拒签",
    _E.FAIL: "登记失败",
    _E.RESUME: "恢复查询",
}
OPEN: Final = frozenset({_S.ASKED, _S.STARTING, _S.RUNNING})
"""States in which a text may come before the signer."""


class IllegalSigning(Conflict):
    """The request's state does not allow that."""

    code: ClassVar[str] = "illegal_transition"


def advance(state: SigningState, event: SigningEvent) -> SigningState:
    """Return the state behind an event, or refuse."""
    try:
        return NEXT[state, event]
    except KeyError:
        raise IllegalSigning(
            f"签署请求处于“{SAID[state]}”状态，不能{_DEEDS[event]}，请刷新后核对"
        ) from None
