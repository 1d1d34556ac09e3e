"""What a prospect needs: one version of its form, read and checked. Pure.

Everything is a whole number: shares in ppm, factors and queries per second in thousandths, money in
fen. Where the prospect gave one number instead of a range, low = expected = high.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from yuejie.contracts.terms import ContractType, FapiaoKind
from yuejie.kernel.errors import Invalid
from yuejie.kernel.money import CURRENCIES, PPM, Money
from yuejie.kernel.period import BillingMonth, zone_of
from yuejie.kernel.uscc import check_uscc

MONTHS_MAX: Final = 36
"""A plan beyond the longest contract says nothing."""
PROMOTIONS_MAX: Final = 50
FACTOR_MAX: Final = 1_000_000
"""A promotion of a thousand times the usual is a slip of the pen; thousandths."""
QPS_MAX: Final = 100_000_000
"""A hundred thousand calls a second, in thousandths."""
ITEMS_MAX: Final = 10**10
DAY_HOURS: Final = 24
BUSIEST: Final = 100
"""The weight of the busiest hour; the others are percent of it."""
TOKENS_MAX: Final = 10_000_000
"""Larger than any context window."""


class Industry(StrEnum):
    """Which template a proposal is written from."""

    GENERAL = "general"
    FINTECH = "fintech"
    ECOMMERCE = "ecommerce"


class TaskType(StrEnum):
    """What the models are to do."""

    SUPPORT = "support"
    """Answering customers, chat."""
    WRITING = "writing"
    EXTRACTION = "extraction"
    """Classifying, tagging, taking facts out of text."""
    TRANSLATION = "translation"
    CODE = "code"
    REASONING = "reasoning"
    VISION = "vision"
    EMBEDDING = "embedding"


class Quality(StrEnum):
    """How good the answers have to be; a higher one serves for a lower one."""

    BASIC = "basic"
    STANDARD = "standard"
    ADVANCED = "advanced"


QUALITIES: Final = tuple(Quality)


class PaymentMethod(StrEnum):
    """How the prospect pays today, or wants to."""

    BANK_TRANSFER = "bank_transfer"
    CARD = "card"
    OTHER = "other"


class Taxpayer(StrEnum):
    """一般纳税人 or 小规模纳税人; only the first deducts input VAT."""

    GENERAL = "general"
    SMALL_SCALE = "small_scale"


@dataclass(frozen=True, slots=True)
class Range:
    """Three estimates of one number."""

    low: int
    expected: int
    high: int

    @property
    def is_one(self) -> bool:
        """Whether only one number was given."""
        return self.low == self.high


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """Who asks. `uscc` is the registration number, where it was given."""

    name: str
    industry: Industry = Industry.GENERAL
    uscc: str = ""
    contact: str = ""


@dataclass(frozen=True, slots=True)
class Promotion:
    """Days of more traffic, e.g. 618: both days belong to it; `factor_milli` 3000 is threefold."""

    name: str
    first: date
    last: date
    factor_milli: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """How many calls: queries per second with a daily shape, or items a day; exactly one of both.

    `hours` are 24 weights of the local hours, 100 for the busiest, in which `qps_milli` holds.
    `off_day_ppm` is what a day that is no working day has of a working day's traffic.
    Growth is from month to month and compounds from the first month.
    """

    qps_milli: Range | None = None
    hours: tuple[int, ...] = ()
    hours_named: str = ""
    """Which of the usual shapes was taken, or nothing where the prospect gave its own."""
    items_per_day: Range | None = None
    calls_per_item_milli: int = 1_000
    off_day_ppm: int = PPM
    growth_ppm: int = 0
    promotions: tuple[Promotion, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """What of the calls could be served otherwise; each a share the prospect gives, never ours.

    `can_wait_ppm` of the calls may come back within a day; `cached_ppm` of the input tokens repeat
    what was sent shortly before, `cache_write_ppm` of them are written to the cache for that;
    `simple_ppm` of the calls would do with a basic model. None: not said, so nothing is computed.
    """

    can_wait_ppm: int | None = None
    cached_ppm: int | None = None
    cache_write_ppm: int | None = None
    simple_ppm: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the credit class is proposed by."""

    listed: bool = False
    large: bool = False
    founded_on: date | None = None
    adverse: bool = False
    """On a list of defaulters, or late payments known to us."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Buyer:
    """How the prospect pays, and what of the VAT it gets back."""

    payment_method: PaymentMethod = PaymentMethod.BANK_TRANSFER
    fapiao_kind: FapiaoKind = FapiaoKind.SPECIAL
    taxpayer: Taxpayer = Taxpayer.GENERAL
    may_deduct: bool = True
    """Whether the usage serves what input VAT may be deducted for."""

    @property
    def deducts(self) -> bool:
        """Whether VAT on a fapiao comes back: general taxpayer, special fapiao, allowed."""
        general, special = Taxpayer.GENERAL, FapiaoKind.SPECIAL
        return self.taxpayer is general and self.fapiao_kind is special and self.may_deduct


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One version of what a prospect needs.

    `budget` is for a month. `regions` are those in which the models may run, by the regions of the
    provider accounts; none named: anywhere. `models` are those the prospect asks for by name.
    """

    company: Company
    task: TaskType
    quality: Quality = Quality.STANDARD
    volume: Volume
    tokens_in: Range
    tokens_out: Range
    first_month: BillingMonth
    months: int = 12
    currency: str = "CNY"
    zone: str = "Asia/Shanghai"
    budget: Money | None = None
    regions: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    habits: Habits = field(default_factory=Habits)
    standing: Standing = field(default_factory=Standing)
    buyer: Buyer = field(default_factory=Buyer)
    term_wish: ContractType | None = None
    remark: str = ""

    def refuse_nonsense(self) -> None:
        """Refuse what nothing could be computed from, naming the field."""
        zone_of(self.zone)
        if not self.company.name.strip():
            raise Invalid("需求表 company.name（公司名称）不能为空，请填写")
        if self.company.uscc:
            check_uscc(self.company.uscc)
        if self.currency not in CURRENCIES:
            raise Invalid(f"需求表 currency（币种）“{self.currency}”不支持，请写 CNY 或 USD")
        if not 1 <= self.months <= MONTHS_MAX:
            raise Invalid(f"需求表 months（月数）须在 1 到 {MONTHS_MAX} 之间（现为 {self.months}）")
        if self.budget is not None and self.budget.fen <= 0:
            raise Invalid("需求表 budget（每月预算）须大于零；没有预算请不要填写")
        _refuse_volume(self.volume)
        _refuse_range("tokens.input（每次输入 token）", self.tokens_in, 1, TOKENS_MAX)
        least = 0 if self.task is TaskType.EMBEDDING else 1
        _refuse_range("tokens.output（每次输出 token）", self.tokens_out, least, TOKENS_MAX)
        _refuse_habits(self.habits)


def _refuse_volume(volume: Volume) -> None:
    if (volume.qps_milli is None) == (volume.items_per_day is None):
        raise Invalid(
            "需求表 volume 须在 qps（每秒请求）与 items_per_day（每天件数）中填且只填一项"
        )
    if volume.qps_milli is not None:
        _refuse_range("volume.qps（忙时每秒请求，千分之一）", volume.qps_milli, 1, QPS_MAX)
    if volume.qps_milli is not None or volume.hours:
        _refuse_hours(volume.hours)
    if volume.items_per_day is not None:
        _refuse_range("volume.items_per_day（每天件数）", volume.items_per_day, 1, ITEMS_MAX)
    if not 1 <= volume.calls_per_item_milli <= FACTOR_MAX:
        raise Invalid("需求表 volume.calls_per_item（每件调用次数）须在 0.001 到 1000 之间")
    if not 0 <= volume.off_day_ppm <= PPM:
        raise Invalid("需求表 volume.off_days（非工作日占工作日的比例）须在 0% 到 100% 之间")
    if not -PPM < volume.growth_ppm <= PPM:
        raise Invalid("需求表 volume.growth（每月增长）须大于 -100%、不超过 100%")
    _refuse_promotions(volume.promotions)


def _refuse_hours(hours: tuple[int, ...]) -> None:
    if len(hours) != DAY_HOURS or any(not 0 <= each <= BUSIEST for each in hours):
        raise Invalid("需求表 volume.hours 须为 24 个 0 到 100 的整数，依次为 0 点到 23 点的忙闲")
    if max(hours) != BUSIEST:
        raise Invalid("需求表 volume.hours 中最忙的一小时须写 100，qps 即指这一小时")


def _refuse_promotions(promotions: tuple[Promotion, ...]) -> None:
    if len(promotions) > PROMOTIONS_MAX:
        raise Invalid(f"需求表 volume.promotion（大促）最多 {PROMOTIONS_MAX} 个")
    for each in promotions:
        if each.last < each.first:
            raise Invalid(f"大促“{each.name}”的止日 {each.last} 早于起日 {each.first}，请改正")
        if not 1 <= each.factor_milli <= FACTOR_MAX:
            raise Invalid(f"大促“{each.name}”的倍数须在 0.001 到 1000 之间")


def _refuse_range(what: str, found: Range, least: int, most: int) -> None:
    if not least <= found.low <= found.expected <= found.high <= most:
        raise Invalid(
            f"需求表 {what}须从低到高，且在 {least} 到 {most} 之间"
            f"（现为 {found.low}、{found.expected}、{found.high}）"
        )


def _refuse_habits(habits: Habits) -> None:
    for name, ppm in (
        ("can_wait（可等待的调用）", habits.can_wait_ppm),
        ("cached（重复的输入）", habits.cached_ppm),
        ("cache_write（写入缓存的输入）", habits.cache_write_ppm),
        ("simple（简单的调用）", habits.simple_ppm),
    ):
        if ppm is not None and not 0 <= ppm <= PPM:
            raise Invalid(f"需求表 habits.{name}的比例须在 0% 到 100% 之间")
    if (habits.cached_ppm or 0) + (habits.cache_write_ppm or 0) > PPM:
        raise Invalid("需求表 habits.cached 与 habits.cache_write 之和不能超过 100%")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prospect:
    """A company that may become a customer. Its forms and quotes are kept under it."""

    prospect_id: str
    slug: str
    name: str
    made_by: str
    made_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """One version of a prospect's requirement, as it was kept."""

    prospect_id: str
    version: int
    requirement: Requirement
    digest: str
    made_by: str
    made_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Grade:
    """The operator's judgement of a model: which quality it gives, for which tasks, and why."""

    model_id: str
    quality: Quality
    tasks: tuple[TaskType, ...]
    source: str
    made_by: str
    made_at: datetime

    def serves(self, task: TaskType, quality: Quality) -> bool:
        """Tell whether a model is good enough for a task."""
        return task in self.tasks and QUALITIES.index(self.quality) >= QUALITIES.index(quality)
