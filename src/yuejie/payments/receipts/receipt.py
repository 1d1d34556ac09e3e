"""A receipt: money that came in on one line of a statement; and its life as a table. Pure."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from yuejie.kernel.errors import Conflict
from yuejie.kernel.ids import CustomerId


class ReceiptState(StrEnum):
    """Where a receipt is in its life. How much of it is left is computed, so it is no state."""

    RECEIVED = "received"
    """In the books; nobody has looked at it yet."""
    PROPOSED = "proposed"
    """It is probably somebody's; a person decides."""
    SUSPENDED = "suspended"
    """Nobody knows whose it is, or something of it is still to be placed."""
    HELD = "held"
    """Paid by somebody who may not pay for the customer: no 代付协议 is on file."""
    APPORTIONED = "apportioned"
    """Every fen of it has its place."""
    RETURNED = "returned"
    """It went back: bounced, or refunded whole."""


class ReceiptEvent(StrEnum):
    """What can happen to a receipt."""

    PROPOSE = "propose"
    SUSPEND = "suspend"
    HOLD = "hold"
    APPORTION = "apportion"
    UNDO = "undo"
    """An apportionment was taken back: something of it is to be placed again."""
    RETURN = "return"


S = ReceiptState
E = ReceiptEvent

NEXT: Final[dict[tuple[ReceiptState, ReceiptEvent], ReceiptState]] = {
    (S.RECEIVED, E.PROPOSE): S.PROPOSED,
    (S.RECEIVED, E.SUSPEND): S.SUSPENDED,
    (S.RECEIVED, E.HOLD): S.HELD,
    (S.RECEIVED, E.APPORTION): S.APPORTIONED,
    (S.RECEIVED, E.RETURN): S.RETURNED,
    (S.PROPOSED, E.PROPOSE): S.PROPOSED,
    (S.PROPOSED, E.SUSPEND): S.SUSPENDED,
    (S.PROPOSED, E.HOLD): S.HELD,
    (S.PROPOSED, E.APPORTION): S.APPORTIONED,
    (S.PROPOSED, E.RETURN): S.RETURNED,
    (S.SUSPENDED, E.PROPOSE): S.PROPOSED,
    (S.SUSPENDED, E.SUSPEND): S.SUSPENDED,
    (S.SUSPENDED, E.HOLD): S.HELD,
    (S.SUSPENDED, E.APPORTION): S.APPORTIONED,
    (S.SUSPENDED, E.RETURN): S.RETURNED,
    (S.HELD, E.PROPOSE): S.PROPOSED,
    (S.HELD, E.SUSPEND): S.SUSPENDED,
    (S.HELD, E.HOLD): S.HELD,
    (S.HELD, E.APPORTION): S.APPORTIONED,
    (S.HELD, E.RETURN): S.RETURNED,
    (S.APPORTIONED, E.UNDO): S.SUSPENDED,
    (S.APPORTIONED, E.SUSPEND): S.SUSPENDED,
    (S.APPORTIONED, E.RETURN): S.RETURNED,
}
"""A held receipt is apportioned only by a judgement that has found the paper; see match.py.
One that has its place is suspended again when a refund of some of it comes to nothing."""
SAID: Final[dict[ReceiptState, str]] = {
    S.RECEIVED: "已到账",
    S.PROPOSED: "待确认",
    S.SUSPENDED: "待认领",
    S.HELD: "代付待核",
    S.APPORTIONED: "已认款",
    S.RETURNED: "已退回",
}
_DEEDS: Final[dict[ReceiptEvent, str]] = {
    E.PROPOSE: "提出匹配",
    E.SUSPEND: "挂待认领",
    E.HOLD: "挂代付待核",
    E.APPORTION: "认款",
    E.UNDO: "撤销认款",
    E.RETURN: "退回",
}
OPEN: Final = frozenset({S.RECEIVED, S.PROPOSED, S.SUSPENDED, S.HELD})
"""States in which something of a receipt has no place yet."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """Money that came in. `received_on` is the day the bank booked it: late fees stop there."""

    receipt_id: str
    line_id: str
    account_id: str
    currency: str
    amount_fen: int
    received_on: date
    payer_name: str
    payer_number: str
    payer_bank: str
    into_number: str
    memo: str
    customer_id: CustomerId | None
    state: ReceiptState
    created_at: datetime


class IllegalTransition(Conflict):
    """The receipt's state does not allow that."""

    code = "illegal_transition"


def advance(state: ReceiptState, event: ReceiptEvent) -> ReceiptState:
    """Return the state behind an event, or refuse in a sentence."""
    try:
        return NEXT[state, event]
    except KeyError:
        raise IllegalTransition(f"到账{SAID[state]}，不能{_DEEDS[event]}") from None
