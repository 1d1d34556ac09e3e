"""A waiver: what we give up of a bill, small (a bank's fee) or lost (a bad debt). Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from yuejie.kernel.errors import Conflict
from yuejie.kernel.ids import BillId, CustomerId
from yuejie.kernel.limits import SHORT_PAY_CNY_FEN, SHORT_PAY_USD_FEN
from yuejie.kernel.two_people import refuse_same
from yuejie.payments.apportion.move import Source

SHORT_PAY_FEN: Final[Mapping[str, int]] = {"CNY": SHORT_PAY_CNY_FEN, "USD": SHORT_PAY_USD_FEN}
"""Up to how much a difference may be a bank's fee, by the currency of the bill."""


class WaiverKind(StrEnum):
    """Why something is given up."""

    SHORT_PAY = "short_pay"
    WRITE_OFF = "write_off"


WAIVED_BY: Final[Mapping[WaiverKind, Source]] = {
    WaiverKind.SHORT_PAY: Source.BANK_CHARGES,
    WaiverKind.WRITE_OFF: Source.BAD_DEBT,
}
"""What pays a bill in its customer's stead, by the kind of the waiver."""


class WaiverState(StrEnum):
    """Where a waiver is in its life."""

    REQUESTED = "requested"
    APPROVED = "approved"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Waiver:
    """So many fen of a bill, asked for by one person and decided by another."""

    waiver_id: str
    kind: WaiverKind
    customer_id: CustomerId
    bill_id: BillId
    currency: str
    amount_fen: int
    why: str
    state: WaiverState
    requested_by: str
    requested_at: datetime
    decided_by: str | None = None
    decided_at: datetime | None = None

    def typed(self) -> "Waiver":
        """Return the waiver with its words as the words they are, after reading a row."""
        return replace(self, kind=WaiverKind(self.kind), state=WaiverState(self.state))


NEXT: Final[dict[tuple[WaiverState, bool], WaiverState]] = {
    (WaiverState.REQUESTED, True): WaiverState.APPROVED,
    (WaiverState.REQUESTED, False): WaiverState.REJECTED,
}
"""By whether it is approved; what is decided stays so."""


def decide(waiver: Waiver, *, approve: bool, by: str) -> WaiverState:
    """Return the state behind a decision; nobody decides what it asked for itself."""
    try:
        became = NEXT[waiver.state, approve]
    except KeyError:
        deed = "批准" if approve else "驳回"
        raise Conflict(
            f"减免申请 {waiver.waiver_id} 已有审批结果，不能再{deed}；请刷新后查看"
        ) from None
    refuse_same(waiver.requested_by, by, "减免申请")
    return became
