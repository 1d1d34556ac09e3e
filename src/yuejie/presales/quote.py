"""A quote: what a prospect's need would cost here, per model and contract type, until when. Pure.

It is one version, kept whole and never changed: the form it answers, the revisions and the rate it
was computed by, every option month by month, and the trace of each figure. Its life is a table;
that it has expired or that a later version stands in its place is computed.
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from hashlib import sha256
from typing import ClassVar, Final

import msgspec

from yuejie.contracts.agreed.pricing import Pricing
from yuejie.contracts.terms import CommercialTerms
from yuejie.kernel.errors import Conflict
from yuejie.presales.compare import Comparison
from yuejie.presales.requirement import Range, Requirement
from yuejie.presales.trace import Figure


class QuoteState(StrEnum):
    """Where a quote is."""

    WAITING = "waiting"
    """Some option earns less than the floor margin; another person decides."""
    READY = "ready"
    """May be given to the prospect."""
    REJECTED = "rejected"
    OFFERED = "offered"
    """The prospect has it."""
    ACCEPTED = "accepted"
    """The prospect said yes; a contract may be drafted from it."""
    WITHDRAWN = "withdrawn"


class QuoteEvent(StrEnum):
    """What can happen to a quote."""

    APPROVE = "approve"
    REJECT = "reject"
    OFFER = "offer"
    ACCEPT = "accept"
    WITHDRAW = "withdraw"
    DRAFT = "draft"
    """A contract was drafted from it; the step's reason is the draft's id."""


S = QuoteState
E = QuoteEvent
NEXT: Final[dict[tuple[QuoteState, QuoteEvent], QuoteState]] = {
    (S.WAITING, E.APPROVE): S.READY,
    (S.WAITING, E.REJECT): S.REJECTED,
    (S.WAITING, E.WITHDRAW): S.WITHDRAWN,
    (S.READY, E.OFFER): S.OFFERED,
    (S.READY, E.WITHDRAW): S.WITHDRAWN,
    (S.OFFERED, E.ACCEPT): S.ACCEPTED,
    (S.OFFERED, E.WITHDRAW): S.WITHDRAWN,
    (S.ACCEPTED, E.DRAFT): S.ACCEPTED,
}
"""The whole life; it begins in `ready`, or in `waiting` below the floor margin."""
CALLED: Final = {
    S.WAITING: "待批准",
    S.READY: "可报出",
    S.REJECTED: "未批准",
    S.OFFERED: "已报出",
    S.ACCEPTED: "已接受",
    S.WITHDRAWN: "已撤回",
}
DONE: Final = {
    "make": "报价",
    E.APPROVE: "批准",
    E.REJECT: "驳回",
    E.OFFER: "报出",
    E.ACCEPT: "接受",
    E.WITHDRAW: "撤回",
    E.DRAFT: "起草合同",
}
"""What each step is called; `make` is the first of all."""


class IllegalQuoteStep(Conflict):
    """The quote's state does not allow that."""

    code: ClassVar[str] = "illegal_transition"


def advance(state: QuoteState, event: QuoteEvent) -> QuoteState:
    """Return the state behind an event, or refuse."""
    try:
        return NEXT[state, event]
    except KeyError:
        raise IllegalQuoteStep(
            f"报价处于“{CALLED[state]}”状态，不能{DONE[event]}，请刷新后核对"
        ) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthVolume:
    """What is expected of a month: calls, tokens in, tokens out."""

    month: str
    requests: Range
    tokens_in: Range
    tokens_out: Range


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A contract that is offered: its terms and what is off the list; `name` is unique.

    `deposit_fen` is what the plan itself asks for; None: what the credit class asks for.
    """

    name: str
    terms: CommercialTerms
    pricing: Pricing
    deposit_fen: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What a quote is computed by, so that it can be computed again.

    `fx_id` and `fx_e8` turn the book's currency into the quote's; None where they are one.
    `cost_fx_e8` turns the cost books' currency into the quote's, for the margin.
    """

    sale_book: str
    sale_revision: int
    book_currency: str
    cost_revisions: dict[str, int]
    fx_id: int | None
    fx_e8: int | None
    fx_on: date | None
    fx_source: str
    cost_fx_e8: dict[str, int]
    fx_policy: str
    tax_mode: str
    tax_ppm: int
    priced_at: datetime
    zone: str
    calendar_known: bool
    """Whether the working days of every month were announced; else some count Monday to Friday."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthCost:
    """What a month comes to, as its bill would say; fen of the quote's currency.

    gross = usage − discount + true-up + fee, plus the tax where prices exclude it.
    `cost_pico` is what the providers charge for it, at the cost books, in picos of the currency.
    """

    month: str
    usage_fen: int
    discount_fen: int
    true_up_fen: int
    fee_fen: int
    net_fen: int
    tax_fen: int
    gross_fen: int
    cost_pico: int
    figure: str = ""
    """The name of `gross_fen` in the trace."""


class OptionKind(StrEnum):
    """Why a model is among the options."""

    RECOMMENDED = "recommended"
    WANTED = "wanted"
    """The prospect asked for it by name."""
    ALTERNATIVE = "alternative"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A model that can serve the need, or why one cannot: `excluded` is then the sentence."""

    model: str
    kind: OptionKind
    backup: str | None
    reasons: tuple[str, ...]
    excluded: str = ""
    figures: tuple[str, ...] = ()
    """The figures of the trace that its sentences name."""
    ground: str = ""
    """On what the grade rests, in the words of who graded it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One model under one plan. The first month three times over, every month as expected.

    `margin_ppm` is of all months as expected: usage after discounts, without tax, less cost; None
    where no cost price is known, which counts as below every floor.
    """

    model: str
    plan: str
    low: MonthCost
    expected: MonthCost
    high: MonthCost
    months: tuple[MonthCost, ...]
    total_fen: int
    deposit_fen: int
    margin_ppm: int | None
    within_budget: bool | None
    """Whether every month as expected is; None without a budget."""
    figure: str = ""
    """The name of `total_fen` in the trace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """Advice that follows from the numbers: what the first month would cost less, exactly.

    `saving_fen` is None where the form does not say enough; `why` then says what is missing.
    """

    name: str
    label: str
    saving_fen: int | None
    why: str
    figure: str = ""
    figures: tuple[str, ...] = ()
    """The figures of the trace that `why` names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What is proposed and why: model, backup, contract type (a plan's name), credit class."""

    model: str
    backup: str | None
    plan: str
    contract_type: str
    credit_class: str
    reasons: tuple[str, ...]
    figures: tuple[str, ...] = ()
    """The figures of the trace that its reasons name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteBody:
    """Everything a quote says."""

    requirement: Requirement
    basis: Basis
    volumes: tuple[MonthVolume, ...]
    choices: tuple[Choice, ...]
    plans: tuple[Plan, ...]
    options: tuple[Option, ...]
    proposal: Proposal
    advice: tuple[Suggestion, ...]
    comparison: Comparison | None
    floor_ppm: int
    trace: tuple[Figure, ...]

    @property
    def below_floor(self) -> tuple[Option, ...]:
        """The options that earn less than the floor margin, or nobody knows what."""
        return tuple(
            each
            for each in self.options
            if each.margin_ppm is None or each.margin_ppm < self.floor_ppm
        )

    @property
    def digest(self) -> str:
        """SHA-256 of the whole body: what was approved is what is offered."""
        return sha256(encode_quote(self).encode()).hexdigest()

    def option(self, model: str, plan: str) -> Option:
        """Return one option; it is there for every model that serves and every plan."""
        return next(o for o in self.options if (o.model, o.plan) == (model, plan))


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """A version of the quotes to a prospect. `valid_until` is the last day it holds, included."""

    quote_id: str
    prospect_id: str
    version: int
    form_version: int
    import_id: str | None
    """The past usage that was replayed, where there is a comparison."""
    state: QuoteState
    body: QuoteBody
    digest: str
    valid_until: date
    made_by: str
    made_at: datetime

    def expired(self, today: date) -> bool:
        """Tell whether it no longer holds, though nobody took it back."""
        return today > self.valid_until and self.state in {S.WAITING, S.READY, S.OFFERED}


def encode_quote(body: QuoteBody) -> str:
    """Write a body as it is kept: JSON, sorted, every field named."""
    return msgspec.json.encode(body, order="sorted").decode()


def decode_quote(text: str | bytes) -> QuoteBody:
    """Read a body as it was kept; a field that did not exist then has its default."""
    return msgspec.json.decode(text, type=QuoteBody)
