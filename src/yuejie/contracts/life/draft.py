"""A contract on its way to the signature: what it says, whose turn it is, and its whole life."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import ClassVar, Final

import msgspec

from yuejie.contracts.agreed.pricing import LIST, Pricing
from yuejie.contracts.contract import TAX_PPM, FxPolicy, Terms, refuse_span
from yuejie.contracts.terms import STANDARD, CommercialTerms, refuse_unkept
from yuejie.kernel.errors import Conflict, Invalid
from yuejie.kernel.ids import BookId, ContractId, CustomerId


class DraftState(StrEnum):
    """Where a draft is."""

    DRAFT = "draft"
    """With sales; may be changed."""
    SUBMITTED = "submitted"
    """With finance; frozen."""
    REVIEWED = "reviewed"
    """With whoever signs."""
    REJECTED = "rejected"
    """Sent back; sales takes it up again or drops it."""
    WITHDRAWN = "withdrawn"
    SIGNED = "signed"


class DraftEvent(StrEnum):
    """What can happen to a draft."""

    REVISE = "revise"
    SUBMIT = "submit"
    ACCEPT = "accept"
    REJECT = "reject"
    REWORK = "rework"
    WITHDRAW = "withdraw"
    SIGN = "sign"


NEXT: Final[dict[tuple[DraftState, DraftEvent], DraftState]] = {
    (DraftState.DRAFT, DraftEvent.REVISE): DraftState.DRAFT,
    (DraftState.DRAFT, DraftEvent.SUBMIT): DraftState.SUBMITTED,
    (DraftState.DRAFT, DraftEvent.WITHDRAW): DraftState.WITHDRAWN,
    (DraftState.SUBMITTED, DraftEvent.ACCEPT): DraftState.REVIEWED,
    (DraftState.SUBMITTED, DraftEvent.REJECT): DraftState.REJECTED,
    (DraftState.SUBMITTED, DraftEvent.WITHDRAW): DraftState.WITHDRAWN,
    (DraftState.REVIEWED, DraftEvent.SIGN): DraftState.SIGNED,
    (DraftState.REVIEWED, DraftEvent.REJECT): DraftState.REJECTED,
    (DraftState.REVIEWED, DraftEvent.WITHDRAW): DraftState.WITHDRAWN,
    (DraftState.REJECTED, DraftEvent.REWORK): DraftState.DRAFT,
    (DraftState.REJECTED, DraftEvent.WITHDRAW): DraftState.WITHDRAWN,
}
"""The whole life; nothing leads out of `signed` or `withdrawn`."""
CALLED: Final = {
    DraftState.DRAFT: "起草",
    DraftState.SUBMITTED: "待审",
    DraftState.REVIEWED: "待签",
    DraftState.REJECTED: "退回",
    DraftState.WITHDRAWN: "撤回",
    DraftState.SIGNED: "已签",
}
DONE: Final = {
    "draft": "起草",
    DraftEvent.REVISE: "改写",
    DraftEvent.SUBMIT: "提交",
    DraftEvent.ACCEPT: "审核通过",
    DraftEvent.REJECT: "退回",
    DraftEvent.REWORK: "重拟",
    DraftEvent.WITHDRAW: "撤回",
    DraftEvent.SIGN: "签署",
}
"""What each step is called; `draft` is the first of all."""


class IllegalStep(Conflict):
    """The draft's state does not allow that."""

    code: ClassVar[str] = "illegal_transition"


def advance(state: DraftState, event: DraftEvent) -> DraftState:
    """Return the state behind an event, or refuse."""
    try:
        return NEXT[state, event]
    except KeyError:
        raise IllegalStep(
            f"合同草案处于“{CALLED[state]}”状态，不能{DONE[event]}，请刷新后核对"
        ) from None


class DraftKind(StrEnum):
    """Whether a contract begins, changes, or goes on."""

    NEW = "new"
    AMEND = "amend"
    RENEW = "renew"


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """What finance found: a grade, and the credit it grants. Amounts are fen."""

    grade: str
    limit_fen: int | None
    deposit_fen: int
    comment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftBody:
    """Everything that is to be agreed. `sale_book` is the list book; amounts are fen."""

    sale_book: BookId
    currency: str
    zone: str
    starts_at: datetime
    fx_policy: str = FxPolicy.NONE
    tax_mode: str = "inclusive"
    tax_ppm: int = TAX_PPM
    commercial: CommercialTerms = STANDARD
    pricing: Pricing = LIST
    expected_monthly_fen: int = 0
    """What sales expects to be used in a month; deposits are counted by it."""
    remark: str = ""
    review: Review | None = None

    def terms(self, customer_id: CustomerId) -> Terms:
        """Return the terms as they are signed."""
        return Terms(
            customer_id=customer_id,
            sale_book=self.sale_book,
            currency=self.currency,
            zone=self.zone,
            fx_policy=self.fx_policy,
            tax_mode=self.tax_mode,
            tax_ppm=self.tax_ppm,
            starts_at=self.starts_at,
            commercial=self.commercial,
            pricing=self.pricing,
        )

    def refuse_nonsense(self) -> None:
        """Refuse what nobody could sign, naming the field."""
        refuse_unkept(self)
        self.commercial.refuse_nonsense()
        self.pricing.refuse_nonsense()
        refuse_span(self.commercial, self.starts_at, self.zone)
        if self.expected_monthly_fen < 0:
            raise Invalid("预计月用量不能为负，请改正后重试")

    @property
    def digest(self) -> str:
        """SHA-256 of the whole body: what was reviewed is what is signed."""
        return sha256(encode_body(self).encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractDraft:
    """A draft and who has done which step. `contract_id` is None until a new one is signed."""

    draft_id: str
    customer_id: CustomerId
    kind: DraftKind
    contract_id: ContractId | None
    version: int | None
    """The version that the signature wrote; for amendments until then, the one they start from."""
    state: DraftState
    body: DraftBody
    drafted_by: str
    created_at: datetime
    reviewed_by: str | None = None
    signed_by: str | None = None


@dataclass(frozen=True, slots=True)
class DraftStep:
    """One step that was taken: what the draft said after it stands beside."""

    at: datetime
    by: str
    event: str
    was: str
    became: str
    why: str
    digest: str = field(default="")


def encode_body(body: DraftBody) -> str:
    """Write a body as it is kept: JSON, sorted, every field named."""
    return msgspec.json.encode(body, order="sorted").decode()


def decode_body(text: str | bytes) -> DraftBody:
    """Read a body as it was kept; a field that did not exist then has its default."""
    return msgspec.json.decode(text, type=DraftBody)
