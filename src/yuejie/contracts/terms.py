"""What a contract agrees commercially, beyond its price book: class, credit, fees, days, fapiao.

Pure data, frozen with the version that was signed; a change is another version. Amounts are fen of
the contract's currency, shares are parts per million (ppm), days are calendar days unless a name
says otherwise. Every default is what product.md E4 calls standard: five days to review, seven to
pay, ten to the fapiao, all counted from the bill's date and rolling to the next working day.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Final

import msgspec

from yuejie.contracts.agreed.cloud import CloudTerms, refuse_clouds
from yuejie.kernel.errors import Invalid
from yuejie.kernel.money import PPM

SETTLEMENT_DAY_MAX: Final = 28
"""Every month has such a day."""
REVIEW_DAYS: Final = 5
PAYMENT_DAYS: Final = 7
FAPIAO_DAYS: Final = 10
LATE_FEE_PPM: Final = 500
"""0.05 % a day (每日万分之五), the usual rate of Chinese supply contracts."""
LATE_FEE_CAP_PPM: Final = 200_000
"""Late fees stop at a fifth of the overdue sum; courts cut what exceeds the loss (民法典 585)."""
OPERATIONS_MIN: Final = 1_000
"""Of fewer calls, one alone would break a promise of 99.9 %; that says nothing of a month."""
SLA_CAP_PPM: Final = 500_000
"""A month's SLA credit stops at half of what its usage costs."""
TERM_DAYS_MAX: Final = 3_650
"""No days of a contract are more than ten years; what is, was mistyped."""
RENEWAL_MONTHS_MAX: Final = 120
ORDER_LENGTH: Final = 100
"""Of a purchase order's number, so that it fits the remark of a fapiao beside those of bills."""
CLAUSES_MAX: Final = 50
CLAUSE_NAME_LENGTH: Final = 100
CLAUSE_LENGTH: Final = 5_000
"""Of one clause that is only printed: two pages of the contract."""
COUNT_MAX: Final = 10**9
"""Of calls, milliseconds and missed responses that a promise of service counts."""
RESPONSE_MINUTES_MAX: Final = 60 * 24 * 366
YEARS: Final = range(2000, 2200)
"""In which a day that a contract names lies."""

_UNKEPT: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


class ContractType(StrEnum):
    """How long one is bound (D2)."""

    OPEN = "open"
    """No term: cancel at any time."""
    ONE_YEAR = "one_year"
    """Thirty days' notice."""
    THREE_YEAR = "three_year"
    """No cancellation but against a break fee."""


class Renewal(StrEnum):
    """What happens when the term is over."""

    NONE = "none"
    """The contract ends."""
    ASKED = "asked"
    """It ends unless both renew it; the account manager is reminded."""
    AUTO = "auto"
    """It goes on for `renewal_months` unless somebody gave notice in time."""


class CreditClass(StrEnum):
    """How far the customer is trusted (D1)."""

    LISTED = "listed"
    MEDIUM = "medium"
    STARTUP = "startup"
    HIGH_RISK = "high_risk"


class PaymentMode(StrEnum):
    """Whether money comes after use, before it, or the balance first and then credit."""

    POSTPAID = "postpaid"
    PREPAID_MONTHLY = "prepaid_monthly"
    PREPAID = "prepaid"


class DueBasis(StrEnum):
    """From which day the payment days count."""

    BILL_DATE = "bill_date"
    FAPIAO_RECEIPT = "fapiao_receipt"


class Confirmation(StrEnum):
    """What the customer's silence means."""

    NONE = "none"
    """Bills are issued without being asked about."""
    REQUIRED = "required"
    """Somebody at the customer says yes, line by line or as a whole."""
    DEEMED = "deemed"
    """Silence until the end of the review days is a yes; only where the contract says so."""


class SettlementOrder(StrEnum):
    """Which comes first, money or fapiao."""

    PAY_FIRST = "pay_first"
    FAPIAO_FIRST = "fapiao_first"


class FapiaoKind(StrEnum):
    """数电专票 or 数电普票."""

    SPECIAL = "special"
    ORDINARY = "ordinary"


class Split(StrEnum):
    """How a month becomes bills (E3)."""

    MERGED = "merged"
    PROJECT = "project"
    DEPARTMENT = "department"
    UNIT = "unit"
    """By billing unit: a subsidiary or department with a fapiao title of its own."""


class HeadShare(StrEnum):
    """Where fees, minimum, discounts and credits of the whole customer go when bills are split."""

    HEAD = "head"
    APPORTIONED = "apportioned"
    """By net usage of each part."""


class TaxGrouping(StrEnum):
    """How bill lines group into tax lines, and so into the lines of a fapiao."""

    SINGLE = "single"
    MODEL = "model"
    PROJECT = "project"


class TierMode(StrEnum):
    """Whether a discount step applies to what lies above it, or to the whole month."""

    GRADUATED = "graduated"
    VOLUME = "volume"


class CommitmentPeriod(StrEnum):
    """Over which time a minimum is promised."""

    MONTH = "month"
    YEAR = "year"
    TERM = "term"


@dataclass(frozen=True, slots=True)
class TierStep:
    """From `above_fen` of a month's usage on, this share off."""

    above_fen: int
    discount_ppm: int


@dataclass(frozen=True, slots=True)
class TierDiscount:
    """A discount that grows with the month's usage, before packages (HOUSE 9)."""

    steps: tuple[TierStep, ...]
    mode: TierMode = TierMode.GRADUATED


@dataclass(frozen=True, slots=True)
class Commitment:
    """A minimum spend; what is missing at the end of the period is billed as a true-up line.

    Spend is usage after tier discount, before packages, fees and credits, as it stands on bills.
    """

    amount_fen: int
    period: CommitmentPeriod = CommitmentPeriod.MONTH


@dataclass(frozen=True, slots=True)
class BreakFee:
    """What leaving early costs: a share of what the rest of the term was promised, plus a sum."""

    remaining_commitment_ppm: int = 0
    fixed_fen: int = 0


class SlaBasis(StrEnum):
    """How a month's availability is counted."""

    OPERATIONS = "operations"
    """The share of calls that were answered."""
    WINDOWS = "windows"
    """The mean over five-minute windows; one without calls counts as wholly available."""


class SlaExclusion(StrEnum):
    """Failures that a contract does not hold against us; such calls are then not counted at all."""

    PROVIDER = "provider"
    """The provider failed, broke off or did not answer in time."""
    THROTTLED = "throttled"
    """The provider said 429: too many calls for what it gives us."""
    REFUSED = "refused"
    """The provider said 403 or 404: our right or our name for a model, or what the call names."""


@dataclass(frozen=True, slots=True)
class AvailabilityStep:
    """Below this availability, this share of the month's usage is given back."""

    below_ppm: int
    credit_ppm: int


@dataclass(frozen=True, slots=True)
class LatencyStep:
    """Above so many milliseconds, this share of the month's usage is given back."""

    above_ms: int
    credit_ppm: int


@dataclass(frozen=True, slots=True)
class ResponseStep:
    """From so many missed first responses in a month, this share of its usage is given back."""

    missed: int
    credit_ppm: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sla:
    """What we promise of a month's service, and what it costs us to break it.

    Of each table the step counts that is reached last; the credits add up, as far as the cap.
    Latency is the 95th percentile of the time to the first byte of streamed calls that worked.
    """

    availability_ppm: int
    steps: tuple[AvailabilityStep, ...]
    basis: SlaBasis = SlaBasis.OPERATIONS
    exclusions: tuple[SlaExclusion, ...] = ()
    operations_min: int = OPERATIONS_MIN
    """Of fewer counted calls nothing is judged, except the minutes in which nobody was served."""
    probed: bool = True
    """Minutes in which the gateway was seen down from outside lower availability as well."""
    first_byte_ms: int | None = None
    latency_steps: tuple[LatencyStep, ...] = ()
    response_minutes: tuple[int, int, int, int] | None = None
    """Within which a ticket of severity S1 to S4 is answered first, day and night; None: as the
    house answers everybody."""
    response_steps: tuple[ResponseStep, ...] = ()
    cap_ppm: int = SLA_CAP_PPM


@dataclass(frozen=True, slots=True, kw_only=True)
class CommercialTerms:
    """Everything that is agreed besides book, currency, zone and tax; see the fields' types."""

    type: ContractType = ContractType.OPEN
    credit_class: CreditClass = CreditClass.MEDIUM
    payment_mode: PaymentMode = PaymentMode.POSTPAID
    ends_on: date | None = None
    """The first day on which the contract no longer holds, in its zone; None: open end."""
    notice_days: int = 0
    """Days between giving notice and leaving."""
    renewal: Renewal = Renewal.NONE
    renewal_months: int = 12
    """Counted by the day that was agreed; a month without it is held to its last day."""
    break_fee: BreakFee = BreakFee()
    credit_limit_fen: int | None = None
    """None: no limit is watched."""
    deposit_fen: int = 0
    tier_discount: TierDiscount | None = None
    commitment: Commitment | None = None
    management_fee_fen: int = 0
    """Each month, whether or not anything was used while the contract holds."""
    settlement_day: int = 0
    """On which day of the next month the clerk closes a month and puts its bill to the customer;
    0: when finance does."""
    review_days: int = REVIEW_DAYS
    payment_days: int = PAYMENT_DAYS
    """Net days of the contract; D1's net 30 or net 15 stand here."""
    due_basis: DueBasis = DueBasis.BILL_DATE
    late_fee_ppm_per_day: int = LATE_FEE_PPM
    late_fee_cap_ppm: int = LATE_FEE_CAP_PPM
    settlement_order: SettlementOrder = SettlementOrder.PAY_FIRST
    fapiao_kind: FapiaoKind = FapiaoKind.SPECIAL
    fapiao_days: int = FAPIAO_DAYS
    confirmation: Confirmation = Confirmation.NONE
    split: Split = Split.MERGED
    head_share: HeadShare = HeadShare.HEAD
    tax_grouping: TaxGrouping = TaxGrouping.SINGLE
    price_lock_until: date | None = None
    price_notice_days: int = 0
    purchase_order: str = ""
    grace_days: int = 3
    """Days after the due date before anything is suspended."""
    sla: Sla | None = None
    """What availability and latency are promised, and what is given back when they are not kept."""
    clouds: tuple[CloudTerms, ...] = ()
    """Which cloud bills are passed on, at which mark-up."""
    extra: dict[str, str] = field(default_factory=dict)
    """Clauses that are printed and nothing computes from."""

    @property
    def waits_in_a_circle(self) -> bool:
        """Tell whether payment waits for the fapiao, and the fapiao for the payment."""
        first = self.settlement_order is SettlementOrder.PAY_FIRST
        return first and self.due_basis is DueBasis.FAPIAO_RECEIPT

    def refuse_nonsense(self, was: "CommercialTerms | None" = None) -> None:
        """Refuse terms that no bill could be drawn from, naming the field.

        `was` is what the contract said before: a circle that is agreed already goes on, and its
        bills are due by their own date, so that no renewal stumbles over it.
        """
        if self.waits_in_a_circle and not (was is not None and was.waits_in_a_circle):
            raise Invalid(
                "合同条款“付款起算”为收到发票，而“结算顺序”为先款后票，款项永无到期之日；"
                "请把付款起算写为 bill_date，或把结算顺序写为 fapiao_first"
            )
        for name, value in (
            ("押金", self.deposit_fen),
            ("管理费", self.management_fee_fen),
            ("授信额度", self.credit_limit_fen or 0),
            ("通知天数", self.notice_days),
            ("涨价通知天数", self.price_notice_days),
            ("中途解约的固定费用", self.break_fee.fixed_fen),
            ("中途解约的比例", self.break_fee.remaining_commitment_ppm),
            ("对账天数", self.review_days),
            ("付款天数", self.payment_days),
            ("开票天数", self.fapiao_days),
            ("宽限天数", self.grace_days),
            ("违约金日费率", self.late_fee_ppm_per_day),
            ("违约金上限", self.late_fee_cap_ppm),
        ):
            if value < 0:
                raise Invalid(f"合同条款“{name}”不能为负（现为 {value}），请改正后重试")
        self._refuse_spans()
        self._refuse_texts(was)
        if not 0 <= self.settlement_day <= SETTLEMENT_DAY_MAX:
            raise Invalid(
                f"合同条款“结算日”须为每月 1 至 {SETTLEMENT_DAY_MAX} 日"
                f"（现为 {self.settlement_day}）；由财务择日出账请写 0"
            )
        if self.renewal is not Renewal.NONE and self.renewal_months < 1:
            raise Invalid("合同条款“续约月数”须不少于 1，或把续约方式写为 none")
        if self.commitment is not None and self.commitment.amount_fen <= 0:
            raise Invalid("合同条款“承诺消费”须大于零；没有承诺消费请不要填写")
        if self.tier_discount is not None:
            _refuse_steps(self.tier_discount.steps)
            if was is None or self.tier_discount != was.tier_discount:
                _refuse_falling(self.tier_discount.steps)
        if self.sla is not None:
            _refuse_sla(self.sla)
        refuse_clouds(self.clouds)

    def _refuse_spans(self) -> None:
        """Refuse days, months and shares beyond what any contract says."""
        for name, days in (
            ("通知天数", self.notice_days),
            ("涨价通知天数", self.price_notice_days),
            ("对账天数", self.review_days),
            ("付款天数", self.payment_days),
            ("开票天数", self.fapiao_days),
            ("宽限天数", self.grace_days),
        ):
            if days > TERM_DAYS_MAX:
                raise Invalid(f"合同条款“{name}”不能超过 {TERM_DAYS_MAX} 天（现为 {days}）")
        months = self.renewal_months
        if months > RENEWAL_MONTHS_MAX:
            raise Invalid(f"合同条款“续约月数”不能超过 {RENEWAL_MONTHS_MAX} 个月（现为 {months}）")
        for name, ppm in (
            ("中途解约的比例", self.break_fee.remaining_commitment_ppm),
            ("违约金日费率", self.late_fee_ppm_per_day),
            ("违约金上限", self.late_fee_cap_ppm),
        ):
            if ppm > PPM:
                raise Invalid(f"合同条款“{name}”不能超过 100%（现为 {ppm} ppm），请改正后重试")
        for name, day in (("止日", self.ends_on), ("锁价期", self.price_lock_until)):
            if day is not None and day.year not in YEARS:
                raise Invalid(
                    f"合同条款“{name}”{day} 有误：日期须在 {YEARS[0]} 年至 {YEARS[-1]} 年之间"
                )

    def _refuse_texts(self, was: "CommercialTerms | None") -> None:
        """Refuse words that nothing keeps; and new ones that no paper has room for."""
        refuse_unkept(self)
        if was is not None and (self.purchase_order, self.extra) == (was.purchase_order, was.extra):
            return
        order = self.purchase_order.replace("\N{IDEOGRAPHIC SPACE}", " ")
        if len(order) > ORDER_LENGTH or not order.isprintable():
            raise Invalid(
                f"合同条款“采购订单号”须为一行文字，不超过 {ORDER_LENGTH} 个字符，且没有不可见字符"
            )
        if len(self.extra) > CLAUSES_MAX:
            raise Invalid(
                f"合同条款“其他约定”不能超过 {CLAUSES_MAX} 条（现为 {len(self.extra)} 条）"
            )
        for name, clause in self.extra.items():
            if not 0 < len(name.strip()) <= CLAUSE_NAME_LENGTH or len(clause) > CLAUSE_LENGTH:
                raise Invalid(
                    f"合同条款“其他约定”每条须有名称，名称不超过 {CLAUSE_NAME_LENGTH} 个字符，"
                    f"内容不超过 {CLAUSE_LENGTH} 个字符"
                )


def refuse_unkept(said: object) -> None:
    """Refuse characters that no database keeps and no paper shows, wherever they stand."""
    for text in _texts(msgspec.to_builtins(said)):
        found = _UNKEPT.search(text)
        if found is not None:
            code = f"U+{ord(found[0]):04X}"
            raise Invalid(f"合同条款里有不可见的控制字符 {code}，请去掉后重试")


def _texts(said: object) -> Iterator[str]:
    if isinstance(said, str):
        yield said
    elif isinstance(said, dict):
        for name, value in said.items():
            yield from (str(name), *_texts(value))
    elif isinstance(said, list | tuple):
        for each in said:
            yield from _texts(each)


def _refuse_steps(steps: tuple[TierStep, ...]) -> None:
    above = [step.above_fen for step in steps]
    if not steps or above != sorted(set(above)) or above[0] < 0:
        raise Invalid("合同条款“阶梯折扣”的档位须从低到高、互不相同且不为负，请改正后重试")
    if any(not 0 <= step.discount_ppm <= PPM for step in steps):
        raise Invalid("合同条款“阶梯折扣”的折扣须在 0 到 1000000 ppm 之间（10% 写作 100000）")


def _refuse_falling(steps: tuple[TierStep, ...]) -> None:
    """Refuse a discount that falls where more is used: a slip, for it is one that grows."""
    shares = [step.discount_ppm for step in steps]
    if shares != sorted(shares):
        raise Invalid("合同条款“阶梯折扣”的折扣须随用量增加而不减少，请核对各档")


def _refuse_sla(sla: Sla) -> None:
    """Refuse a promise that could not be judged."""
    below = [step.below_ppm for step in sla.steps]
    if not 0 < sla.availability_ppm <= PPM:
        raise Invalid("合同条款“SLA”承诺的可用率须大于 0% 且不超过 100%，例如 99.9%")
    if not below or below != sorted(set(below), reverse=True) or below[-1] <= 0:
        raise Invalid("合同条款“SLA”的赔付档位须从高到低、互不相同且大于 0%，至少一档")
    if below[0] > sla.availability_ppm:
        raise Invalid("合同条款“SLA”的第一档不能高于承诺的可用率，请改正后重试")
    if not 0 <= sla.cap_ppm <= PPM or sla.operations_min < 1:
        raise Invalid("合同条款“SLA”的赔付上限须在 0% 到 100% 之间，最少调用次数须不少于 1")
    if len(set(sla.exclusions)) != len(sla.exclusions):
        raise Invalid("合同条款“SLA”的除外情形有重复，请改正后重试")
    counted = (
        sla.operations_min,
        sla.first_byte_ms or 0,
        *(step.above_ms for step in sla.latency_steps),
        *(step.missed for step in sla.response_steps),
    )
    if max(counted) > COUNT_MAX or max(sla.response_minutes or (0,)) > RESPONSE_MINUTES_MAX:
        raise Invalid(
            f"合同条款“SLA”的次数与毫秒数不能超过 {COUNT_MAX}，"
            f"响应分钟数不能超过 {RESPONSE_MINUTES_MAX}（一年）"
        )
    _refuse_latency(sla)
    _refuse_responses(sla)
    for table in (sla.steps, sla.latency_steps, sla.response_steps):
        shares = [step.credit_ppm for step in table]
        if shares != sorted(shares) or any(not 0 <= share <= PPM for share in shares):
            raise Invalid("合同条款“SLA”的赔付比例须在 0% 到 100% 之间，且随档位加重而不减少")


def _refuse_latency(sla: Sla) -> None:
    above = [step.above_ms for step in sla.latency_steps]
    if sla.first_byte_ms is None and not above:
        return
    if sla.first_byte_ms is None or not above:
        raise Invalid("合同条款“SLA”的首字节时间与时延档位须一起填写，或都不填写")
    if sla.first_byte_ms <= 0 or above != sorted(set(above)) or above[0] < sla.first_byte_ms:
        raise Invalid(
            "合同条款“SLA”的首字节时间须大于零，时延档位须从低到高、互不相同且不低于首字节时间"
        )


def _refuse_responses(sla: Sla) -> None:
    minutes, missed = sla.response_minutes, [step.missed for step in sla.response_steps]
    if missed and minutes is None:
        raise Invalid("合同条款“SLA”写了响应超时的赔付，也须写明 S1 至 S4 的响应分钟数")
    if minutes is not None and (min(minutes) < 1 or list(minutes) != sorted(minutes)):
        raise Invalid("合同条款“SLA”的响应分钟数须不少于 1，且从 S1 到 S4 不减少")
    if missed and (missed[0] < 1 or missed != sorted(set(missed))):
        raise Invalid("合同条款“SLA”的响应超时档位须从 1 次起、从低到高、互不相同")


STANDARD: Final = CommercialTerms()
"""Pay after use, no minimum, no fee, no confirmation: what a contract says that says nothing."""


def encode_terms(terms: CommercialTerms) -> str:
    """Write terms as they are kept: JSON, sorted, every field named."""
    return msgspec.json.encode(terms, order="sorted").decode()


def decode_terms(text: str | bytes) -> CommercialTerms:
    """Read terms as they were kept; a field that did not exist then has its default."""
    try:
        return msgspec.json.decode(text, type=CommercialTerms)
    except msgspec.ValidationError as error:
        raise Invalid(f"合同条款读不懂：{error}；请对照 docs/reference 的合同条款一览") from error
