"""A claim (认领): what a customer says it paid, when, from where, for which bills. Pure."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from yuejie.kernel.errors import Conflict, Invalid
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.two_people import refuse_same


class ClaimState(StrEnum):
    """Where a claim is in its life."""

    OPEN = "open"
    ACCEPTED = "accepted"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Claim:
    """`document` names what was shown for it (a 回单); `receipt_id` the money it is about."""

    claim_id: str
    customer_id: CustomerId
    payer_name: str
    payer_number: str
    amount_fen: int
    paid_on: date
    bill_numbers: tuple[str, ...]
    document: str
    receipt_id: str | None
    state: ClaimState
    claimed_by: str
    claimed_at: datetime
    decided_by: str | None = None
    decided_at: datetime | None = None
    answer: str = ""

    def typed(self) -> "Claim":
        """Return the claim with its words as the words they are, after reading a row."""
        return replace(self, state=ClaimState(self.state), bill_numbers=tuple(self.bill_numbers))


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """What the customer fills in."""

    payer_name: str
    payer_number: str = ""
    amount_fen: int
    paid_on: date
    bill_numbers: tuple[str, ...] = ()
    document: str = ""

    def refuse_nonsense(self) -> None:
        """Refuse what no receipt could be found by."""
        if self.amount_fen <= 0:
            raise Invalid("认领金额须大于零，请按银行回单填写")
        if not self.payer_name.strip():
            raise Invalid("认领缺少付款人户名，请按银行回单填写")


NEXT: Final[dict[tuple[ClaimState, bool], ClaimState]] = {
    (ClaimState.OPEN, True): ClaimState.ACCEPTED,
    (ClaimState.OPEN, False): ClaimState.REJECTED,
}
"""By whether it is accepted; what is decided stays so."""


def decide(claim: Claim, *, accept: bool, by: str) -> ClaimState:
    """Return the state behind a decision; nobody accepts what it claimed itself."""
    try:
        became = NEXT[claim.state, accept]
    except KeyError:
        deed = "确认" if accept else "驳回"
        raise Conflict(f"认领 {claim.claim_id} 已有审核结果，不能再{deed}；请刷新后查看") from None
    refuse_same(claim.claimed_by, by, "认领", deed="审核")
    return became
