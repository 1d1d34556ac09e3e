"""A change of prices: what somebody asked for, whole, and what another decided. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from yuejie.contracts.formats.pricelist import PriceList, Remark
from yuejie.kernel.errors import Conflict, Forbidden
from yuejie.kernel.limits import PUBLICATION_LEAD
from yuejie.kernel.two_people import refuse_same


class ChangeState(StrEnum):
    """Where a change is in its life."""

    ASKED = "asked"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


class ChangeDecision(StrEnum):
    """What may be done about a change that waits."""

    APPROVE = "approve"
    REJECT = "reject"
    WITHDRAW = "withdraw"


STATE_NAMES: Final = {
    ChangeState.ASKED: "待审批",
    ChangeState.APPROVED: "已批准",
    ChangeState.REJECTED: "已驳回",
    ChangeState.WITHDRAWN: "已撤回",
}
NEXT: Final = {
    ChangeDecision.APPROVE: ChangeState.APPROVED,
    ChangeDecision.REJECT: ChangeState.REJECTED,
    ChangeDecision.WITHDRAW: ChangeState.WITHDRAWN,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceChange:
    """Lists that would be published, completed, beside the revision that each model stood in.

    `starts_at` is None where the change starts as soon after its approval as a revision may.
    """

    change_id: str
    book_id: str
    starts_at: datetime | None
    source: str
    lists: tuple[PriceList, ...]
    stands: Mapping[str, int]
    remarks: tuple[Remark, ...]
    body_hash: bytes
    why: str
    asked_by: str
    asked_at: datetime
    state: ChangeState = ChangeState.ASKED
    decided_by: str | None = None
    decided_at: datetime | None = None
    decided_why: str = ""
    revision: int | None = None

    @property
    def models(self) -> list[str]:
        """The models whose lists it names."""
        return [prices.model for prices in self.lists]

    def starts(self, now: datetime) -> datetime:
        """Return when it starts if it is approved now."""
        return self.starts_at or now + PUBLICATION_LEAD

    @property
    def lead_minutes(self) -> int:
        """Return how long before its start it has to be approved, in minutes."""
        return PUBLICATION_LEAD.seconds // 60

    def is_late(self, now: datetime) -> bool:
        """Tell whether its start came too near to approve it: calls may have been let in since.

        Not at prices of models that have none: they are let in nowhere.
        """
        alters = any(self.stands.values())
        return alters and self.starts_at is not None and self.starts_at < now + PUBLICATION_LEAD

    def overtaken(self, standing: Mapping[str, int]) -> str | None:
        """Return a model whose list is not the one any more that the change was compared with."""
        for model, revision in self.stands.items():
            if standing.get(model, 0) != revision:
                return model
        return None


def decide(was: PriceChange, decision: ChangeDecision, *, by: str) -> ChangeState:
    """Return the state behind a decision; nobody approves or rejects what it asked for itself."""
    if was.state is not ChangeState.ASKED:
        raise Conflict(f"调价 {was.change_id} {STATE_NAMES[was.state]}，不能再处理")
    if decision is ChangeDecision.WITHDRAW:
        if by != was.asked_by:
            raise Forbidden(f"调价由 {was.asked_by} 提出，只能由其本人撤回")
    else:
        refuse_same(was.asked_by, by, f"调价 {was.change_id} ")
    return NEXT[decision]
