"""A customer's word against a line of a proposed bill. Pure."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from yuejie.kernel.errors import Conflict
from yuejie.kernel.ids import BillId, CustomerId, LineId


class DisputeState(StrEnum):
    """Where a dispute is in its life."""

    OPEN = "open"
    ACCEPTED = "accepted"
    """An adjustment was proposed for it; turned down, the dispute is open again."""
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


class Answer(StrEnum):
    """What may become of a dispute."""

    ACCEPT = "accept"
    REJECT = "reject"
    WITHDRAW = "withdraw"
    REOPEN = "reopen"
    """The adjustment that accepted it was rejected or taken back, so it has no answer."""


NEXT: Final[dict[tuple[DisputeState, Answer], DisputeState]] = {
    (DisputeState.OPEN, Answer.ACCEPT): DisputeState.ACCEPTED,
    (DisputeState.OPEN, Answer.REJECT): DisputeState.REJECTED,
    (DisputeState.OPEN, Answer.WITHDRAW): DisputeState.WITHDRAWN,
    (DisputeState.ACCEPTED, Answer.REOPEN): DisputeState.OPEN,
}
SAID: Final[dict[DisputeState, str]] = {
    DisputeState.OPEN: "待答复",
    DisputeState.ACCEPTED: "已接受",
    DisputeState.REJECTED: "已驳回",
    DisputeState.WITHDRAWN: "已撤回",
}
_DEEDS: Final[dict[Answer, str]] = {
    Answer.ACCEPT: "接受",
    Answer.REJECT: "驳回",
    Answer.WITHDRAW: "撤回",
    Answer.REOPEN: "重新打开",
}


@dataclass(frozen=True, slots=True)
class Dispute:
    """Which line, what it should be in the customer's eyes (fen), why, and the answer.

    A redrawn bill has new lines, so the line is also kept in words.
    """

    dispute_id: str
    bill_id: BillId
    customer_id: CustomerId
    line_id: LineId
    line_text: str
    claimed_fen: int | None
    why: str
    state: DisputeState
    raised_by: str
    raised_at: datetime
    answer: str = ""
    adjustment_id: str | None = None
    answered_by: str | None = None
    answered_at: datetime | None = None


def advance(state: DisputeState, answer: Answer) -> DisputeState:
    """Return the state behind an answer, or refuse."""
    try:
        return NEXT[state, answer]
    except KeyError:
        raise Conflict(f"异议已是“{SAID[state]}”状态，不能再{_DEEDS[answer]}") from None
