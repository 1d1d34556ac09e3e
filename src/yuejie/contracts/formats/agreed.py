"""What a contract agrees, as people write it: amounts "200.00", shares "10%", dates 2027-12-01.

The house file, the command line and the REST API read the same words; every field of
`CommercialTerms` has one, and what is left out has its default.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

import msgspec

from yuejie.contracts.agreed.cloud import CloudBasis, CloudCategory, CloudTerms, ServiceMarkup
from yuejie.contracts.agreed.pricing import FamilyDiscount, Override, Pricing
from yuejie.contracts.contract import TAX_PPM, FxPolicy
from yuejie.contracts.life.credit import CreditRule, usual_terms
from yuejie.contracts.life.draft import DraftBody
from yuejie.contracts.terms import (
    OPERATIONS_MIN,
    STANDARD,
    AvailabilityStep,
    BreakFee,
    CommercialTerms,
    Commitment,
    CommitmentPeriod,
    Confirmation,
    ContractType,
    CreditClass,
    DueBasis,
    FapiaoKind,
    HeadShare,
    LatencyStep,
    PaymentMode,
    Renewal,
    ResponseStep,
    SettlementOrder,
    Sla,
    SlaBasis,
    SlaExclusion,
    Split,
    TaxGrouping,
    TierDiscount,
    TierMode,
    TierStep,
)
from yuejie.contracts.tier import DEFAULT
from yuejie.kernel.errors import UNREADABLE, Invalid, said_of
from yuejie.kernel.ids import BookId
from yuejie.kernel.money import FEN, PICO, PPM, exact, plain, whole_fen
from yuejie.kernel.period import parse_instant, zone_of
from yuejie.usage.meters import per

_PERCENT: Final = PPM // 100


class _Words(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """A part of an agreement as written; a word it does not know is refused."""


class BreakFeeWords(_Words, frozen=True):
    """What leaving costs: a share of what is left of the promise, and a sum."""

    share: str = "0%"
    fixed: str = "0.00"


class StepWords(_Words, frozen=True):
    """One step: above how much, how much off."""

    above: str
    discount: str


class TierWords(_Words, frozen=True):
    """A discount that grows with the month's usage."""

    steps: list[StepWords]
    mode: TierMode = TierMode.GRADUATED


class CommitmentWords(_Words, frozen=True):
    """A minimum spend."""

    amount: str
    period: CommitmentPeriod = CommitmentPeriod.MONTH


class BelowWords(_Words, frozen=True):
    """One step: below which availability, how much of the month's usage is given back."""

    below: str
    credit: str


class AboveWords(_Words, frozen=True):
    """One step: above how many milliseconds, how much of the month's usage is given back."""

    above_ms: int
    credit: str


class MissedWords(_Words, frozen=True):
    """One step: from how many missed responses, how much of the month's usage is given back."""

    missed: int
    credit: str


class SlaWords(_Words, frozen=True):
    """What is promised of the service, and what breaking it costs."""

    availability: str
    steps: list[BelowWords]
    basis: SlaBasis = SlaBasis.OPERATIONS
    exclude: list[SlaExclusion] = []
    operations_min: int = OPERATIONS_MIN
    probed: bool = True
    first_byte_ms: int | None = None
    latency_steps: list[AboveWords] = []
    response_minutes: tuple[int, int, int, int] | None = None
    response_steps: list[MissedWords] = []
    cap: str = "50%"


class CloudWords(_Words, frozen=True):
    """A cloud bill that is passed on; `services` are other mark-ups by the cloud's own names."""

    source: str
    markup: str = "0%"
    basis: CloudBasis = CloudBasis.BILLED
    services: dict[str, str] = {}
    leave_out: list[CloudCategory] = []


class TermsWords(_Words, frozen=True):
    """Every commercial term; the names are those of `CommercialTerms` without their units."""

    type: ContractType = STANDARD.type
    credit_class: CreditClass = STANDARD.credit_class
    payment_mode: PaymentMode = STANDARD.payment_mode
    ends_on: date | None = None
    notice_days: int = STANDARD.notice_days
    renewal: Renewal = STANDARD.renewal
    renewal_months: int = STANDARD.renewal_months
    break_fee: BreakFeeWords = BreakFeeWords()
    credit_limit: str | None = None
    deposit: str = "0.00"
    tier_discount: TierWords | None = None
    commitment: CommitmentWords | None = None
    management_fee: str = "0.00"
    settlement_day: int = STANDARD.settlement_day
    review_days: int = STANDARD.review_days
    payment_days: int = STANDARD.payment_days
    due_basis: DueBasis = STANDARD.due_basis
    late_fee_per_day: str = "0.05%"
    late_fee_cap: str = "20%"
    settlement_order: SettlementOrder = STANDARD.settlement_order
    fapiao_kind: FapiaoKind = STANDARD.fapiao_kind
    fapiao_days: int = STANDARD.fapiao_days
    confirmation: Confirmation = STANDARD.confirmation
    split: Split = STANDARD.split
    head_share: HeadShare = STANDARD.head_share
    tax_grouping: TaxGrouping = STANDARD.tax_grouping
    price_lock_until: date | None = None
    price_notice_days: int = STANDARD.price_notice_days
    purchase_order: str = ""
    grace_days: int = STANDARD.grace_days
    sla: SlaWords | None = None
    clouds: list[CloudWords] = []
    extra: dict[str, str] = {}

    def terms(self) -> CommercialTerms:
        """Return the terms; what makes no sense is refused, naming the field."""
        facts = {
            name: getattr(self, name)
            for name in self.__struct_fields__
            if name not in _MEASURED and name in CommercialTerms.__dataclass_fields__
        }
        limit = self.credit_limit
        terms = CommercialTerms(
            **facts,
            break_fee=BreakFee(
                ppm_of(self.break_fee.share, "break_fee.share"),
                fen_of(self.break_fee.fixed, "break_fee.fixed"),
            ),
            credit_limit_fen=None if limit is None else fen_of(limit, "credit_limit"),
            deposit_fen=fen_of(self.deposit, "deposit"),
            tier_discount=_tier(self.tier_discount),
            commitment=_commitment(self.commitment),
            sla=_sla(self.sla),
            clouds=tuple(_cloud(each) for each in self.clouds),
            management_fee_fen=fen_of(self.management_fee, "management_fee"),
            late_fee_ppm_per_day=ppm_of(self.late_fee_per_day, "late_fee_per_day"),
            late_fee_cap_ppm=ppm_of(self.late_fee_cap, "late_fee_cap"),
        )
        terms.refuse_nonsense()
        return terms


_MEASURED: Final = frozenset({"break_fee", "tier_discount", "commitment", "sla", "clouds"})


class DiscountWords(_Words, frozen=True):
    """How much is off the list for a family of models."""

    models: str
    discount: str


class OverrideWords(_Words, frozen=True):
    """One agreed rate: per million tokens, or per piece."""

    model: str
    meter: str
    rate: str
    service_tier: str = DEFAULT
    context_above: int = 0
    time_window: str = ""


def pricing_of(
    discounts: Sequence[DiscountWords], overrides: Sequence[OverrideWords], currency: str
) -> Pricing:
    """Return what was agreed about prices; rates are in the currency of the book they stand in."""
    pricing = Pricing(
        tuple(_override(each, currency) for each in overrides),
        tuple(
            FamilyDiscount(each.models, ppm_of(each.discount, f"折扣 {each.models}"))
            for each in discounts
        ),
    )
    pricing.refuse_nonsense()
    return pricing


class DraftWords(_Words, frozen=True):
    """A contract to be drafted: `terms` only names what differs from what is usual.

    Usual is what the credit class and the type ask for (contracts/life/credit.py).
    """

    book: str
    starts_at: str
    currency: str = "CNY"
    fx_policy: str = "none"
    tax_mode: str = "inclusive"
    tax_ppm: int = TAX_PPM
    expected_monthly: str = "0.00"
    remark: str = ""
    terms: dict[str, Any] = {}
    discount: list[DiscountWords] = []
    override: list[OverrideWords] = []

    def body(
        self, rules: Mapping[CreditClass, CreditRule], *, zone: str, book_currency: str
    ) -> DraftBody:
        """Return what a draft says; a wrong word is named."""
        expected = fen_of(self.expected_monthly, "expected_monthly")
        body = DraftBody(
            sale_book=BookId(self.book),
            currency=self.currency,
            zone=zone,
            starts_at=parse_instant(self.starts_at, zone_of(zone), "starts_at"),
            fx_policy=self.fx_policy,
            tax_mode=self.tax_mode,
            tax_ppm=self.tax_ppm,
            commercial=_unusual(self.terms, rules, expected),
            pricing=pricing_of(self.discount, self.override, self._priced_in(book_currency)),
            expected_monthly_fen=expected,
            remark=self.remark,
        )
        body.refuse_nonsense()
        return body

    def _priced_in(self, book_currency: str) -> str:
        """Return the currency of the book that agreed rates stand in: the card's under CARD."""
        return self.currency if self.fx_policy == FxPolicy.CARD else book_currency


def read_draft(text: str, name: str) -> DraftWords:
    """Read a draft's file; the first thing that does not fit is named with its place."""
    try:
        return msgspec.toml.decode(text, type=DraftWords)
    except UNREADABLE as error:
        raise Invalid(f"合同草案文件 {name} 写法不对：{said_of(error)}，请改正后重试") from None


def _unusual(
    facts: Mapping[str, Any], rules: Mapping[CreditClass, CreditRule], expected_fen: int
) -> CommercialTerms:
    """Return what is usual for the class and type that the facts name, with what they say."""
    named = read_terms({name: facts[name] for name in ("type", "credit_class") if name in facts})
    usual = usual_terms(named.type, rules[named.credit_class], expected_fen)
    return read_terms(words_of(usual) | dict(facts))


def words_of(terms: CommercialTerms) -> dict[str, Any]:
    """Write terms as people write them; reading the answer gives the same terms."""
    tier, promise = terms.tier_discount, terms.commitment
    words = {
        name: getattr(terms, name)
        for name in TermsWords.__struct_fields__
        if name not in _MEASURED and name in CommercialTerms.__dataclass_fields__
    }
    limit = terms.credit_limit_fen
    return words | {
        "break_fee": {
            "share": percent(terms.break_fee.remaining_commitment_ppm),
            "fixed": plain(terms.break_fee.fixed_fen, FEN),
        },
        "credit_limit": None if limit is None else plain(limit, FEN),
        "deposit": plain(terms.deposit_fen, FEN),
        "tier_discount": tier
        and {
            "mode": tier.mode,
            "steps": [
                {"above": plain(step.above_fen, FEN), "discount": percent(step.discount_ppm)}
                for step in tier.steps
            ],
        },
        "commitment": promise
        and {"amount": plain(promise.amount_fen, FEN), "period": promise.period},
        "management_fee": plain(terms.management_fee_fen, FEN),
        "sla": terms.sla and _sla_words(terms.sla),
        "clouds": [_cloud_words(each) for each in terms.clouds],
        "late_fee_per_day": percent(terms.late_fee_ppm_per_day),
        "late_fee_cap": percent(terms.late_fee_cap_ppm),
    }


def pricing_words(pricing: Pricing) -> dict[str, list[dict[str, Any]]]:
    """Write agreed prices as people write them."""
    return {
        "discount": [
            {"models": each.models, "discount": percent(each.ppm)} for each in pricing.discounts
        ],
        "override": [
            {
                "model": each.model,
                "meter": each.meter,
                "rate": plain(each.pico, _pieces(each.meter)),
                "service_tier": each.service_tier,
                "context_above": each.context_above,
                "time_window": each.time_window,
            }
            for each in pricing.overrides
        ],
    }


def read_terms(facts: Mapping[str, Any]) -> CommercialTerms:
    """Read terms from a table of words, e.g. of a form; a wrong word is named."""
    try:
        return msgspec.convert(facts, TermsWords, strict=False).terms()
    except msgspec.ValidationError as error:
        raise Invalid(
            f"合同条款写法不对：{said_of(error)}；请对照 docs/reference 的合同条款一览"
        ) from None


def fen_of(text: str, what: str) -> int:
    """Read “200.00” as fen."""
    return whole_fen(text, f"{what} 的金额")


def ppm_of(text: str, what: str) -> int:
    """Read “10%” as parts per million; at most four decimals, between 0 and 100 %."""
    if not text.strip().endswith("%"):
        raise Invalid(f"{what} 的比例“{text}”须带百分号，例如 10%，请改正后重试")
    ppm = exact(text.strip().removesuffix("%"), _PERCENT, f"{what} 的比例")
    if not 0 <= ppm <= PPM:
        raise Invalid(f"{what} 的比例“{text}”须在 0% 到 100% 之间，请改正后重试")
    return ppm


def percent(ppm: int) -> str:
    """Write parts per million as “10%”."""
    return f"{plain(ppm, _PERCENT, 0)}%"


def _tier(words: TierWords | None) -> TierDiscount | None:
    if words is None:
        return None
    steps = (
        TierStep(
            fen_of(each.above, "tier_discount.above"),
            ppm_of(each.discount, "tier_discount.discount"),
        )
        for each in words.steps
    )
    return TierDiscount(tuple(steps), words.mode)


def _commitment(words: CommitmentWords | None) -> Commitment | None:
    if words is None:
        return None
    return Commitment(fen_of(words.amount, "commitment.amount"), words.period)


def _sla(words: SlaWords | None) -> Sla | None:
    if words is None:
        return None
    return Sla(
        availability_ppm=ppm_of(words.availability, "sla.availability"),
        steps=tuple(
            AvailabilityStep(
                ppm_of(each.below, "sla.steps.below"), ppm_of(each.credit, "sla.steps.credit")
            )
            for each in words.steps
        ),
        basis=words.basis,
        exclusions=tuple(words.exclude),
        operations_min=words.operations_min,
        probed=words.probed,
        first_byte_ms=words.first_byte_ms,
        latency_steps=tuple(
            LatencyStep(each.above_ms, ppm_of(each.credit, "sla.latency_steps.credit"))
            for each in words.latency_steps
        ),
        response_minutes=words.response_minutes,
        response_steps=tuple(
            ResponseStep(each.missed, ppm_of(each.credit, "sla.response_steps.credit"))
            for each in words.response_steps
        ),
        cap_ppm=ppm_of(words.cap, "sla.cap"),
    )


def _sla_words(sla: Sla) -> dict[str, Any]:
    return {
        "availability": percent(sla.availability_ppm),
        "steps": [
            {"below": percent(step.below_ppm), "credit": percent(step.credit_ppm)}
            for step in sla.steps
        ],
        "basis": sla.basis,
        "exclude": list(sla.exclusions),
        "operations_min": sla.operations_min,
        "probed": sla.probed,
        "first_byte_ms": sla.first_byte_ms,
        "latency_steps": [
            {"above_ms": step.above_ms, "credit": percent(step.credit_ppm)}
            for step in sla.latency_steps
        ],
        "response_minutes": list(sla.response_minutes) if sla.response_minutes else None,
        "response_steps": [
            {"missed": step.missed, "credit": percent(step.credit_ppm)}
            for step in sla.response_steps
        ],
        "cap": percent(sla.cap_ppm),
    }


def _cloud(words: CloudWords) -> CloudTerms:
    return CloudTerms(
        source=words.source,
        markup_ppm=ppm_of(words.markup, "clouds.markup"),
        basis=words.basis,
        services=tuple(
            ServiceMarkup(name, ppm_of(markup, f"clouds.services.{name}"))
            for name, markup in words.services.items()
        ),
        leave_out=tuple(words.leave_out),
    )


def _cloud_words(terms: CloudTerms) -> dict[str, Any]:
    return {
        "source": terms.source,
        "markup": percent(terms.markup_ppm),
        "basis": terms.basis,
        "services": {each.service: percent(each.markup_ppm) for each in terms.services},
        "leave_out": list(terms.leave_out),
    }


def _override(words: OverrideWords, currency: str) -> Override:
    found = Override.parse(words.model, words.meter, words.rate, currency)
    return Override(
        found.model,
        found.meter,
        found.pico,
        words.service_tier,
        words.context_above,
        words.time_window,
    )


def _pieces(meter: str) -> int:
    return PICO // per(meter)
