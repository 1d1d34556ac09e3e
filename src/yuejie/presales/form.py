"""The requirement form as people write it: TOML or JSON, one file, every slip one sentence.

    first_month = "2026-12"     task = "support"      quality = "standard"
    currency = "CNY"            budget = "8000.00"    budget_currency = "USD"
    regions = ["us"]            models = ["gpt-4o"]   term = "one_year"

    [company]   name, industry (general, fintech, ecommerce), uscc, contact
    [volume]    qps + hours ("office", "daytime", "evening", "flat" or 24 numbers),
                or items_per_day; calls_per_item "1.2", days ("workdays", "all"), off_days "30%",
                growth "5%"
    [[volume.promotion]]        name, first, last, factor "3"
    [tokens]    input, output: one number, or { low, expected, high }
    [habits]    can_wait, cached, cache_write, simple: shares "30%"
    [standing]  listed, large, founded_on, adverse
    [buyer]     payment_method, fapiao_kind, taxpayer, may_deduct

Decimals are written in quotes: a TOML or JSON float holds 0.1 only nearly.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final, TypeVar

import msgspec

from yuejie.contracts.formats.agreed import fen_of, percent, ppm_of
from yuejie.contracts.terms import ContractType, FapiaoKind
from yuejie.kernel.errors import UNREADABLE, Invalid, said_of
from yuejie.kernel.money import PPM, Money, exact, plain, whole
from yuejie.kernel.period import BillingMonth
from yuejie.presales.requirement import (
    BUSIEST,
    DAY_HOURS,
    Buyer,
    Company,
    Habits,
    Industry,
    PaymentMethod,
    Promotion,
    Quality,
    Range,
    Requirement,
    Standing,
    TaskType,
    Taxpayer,
    Volume,
)

MILLI: Final = 1_000
_PERCENT: Final = PPM // 100


def _shape(text: str) -> tuple[int, ...]:
    return tuple(int(each) for each in text.split())


SHAPES: Final[dict[str, tuple[int, ...]]] = {
    "flat": (BUSIEST,) * DAY_HOURS,
    "office": _shape("0 0 0 0 0 0 0 0 50 100 100 100 40 70 100 100 100 100 50 20 10 0 0 0"),
    "daytime": _shape("5 3 2 2 2 5 15 35 65 95 100 95 70 80 95 95 90 80 65 60 55 45 30 15"),
    "evening": _shape("30 15 8 5 4 5 10 20 30 40 45 50 55 50 45 45 50 60 75 95 100 100 85 55"),
}
"""Usual daily shapes to begin with, percent of the busiest hour; each is an assumption, said so."""
USUAL_SHAPE: Final = "daytime"
"""Taken where the form gives queries a second and no shape."""


class _Words(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """A part of the form as written; a word it does not know is refused."""


class _RangeWords(_Words, frozen=True):
    low: int | str
    expected: int | str
    high: int | str


_Guess = int | str | _RangeWords


class _CompanyWords(_Words, frozen=True):
    name: str
    industry: Industry = Industry.GENERAL
    uscc: str = ""
    contact: str = ""


class _PromotionWords(_Words, frozen=True):
    name: str
    first: date
    last: date
    factor: int | str


class _VolumeWords(_Words, frozen=True):
    qps: _Guess | None = None
    hours: str | list[int] | None = None
    items_per_day: _Guess | None = None
    calls_per_item: int | str = 1
    days: str = "all"
    off_days: str | None = None
    growth: str = "0%"
    promotion: list[_PromotionWords] = []


class _TokensWords(_Words, frozen=True):
    input: _Guess
    output: _Guess


class _HabitsWords(_Words, frozen=True):
    can_wait: str | None = None
    cached: str | None = None
    cache_write: str | None = None
    simple: str | None = None


class _StandingWords(_Words, frozen=True):
    listed: bool = False
    large: bool = False
    founded_on: date | None = None
    adverse: bool = False


class _BuyerWords(_Words, frozen=True):
    payment_method: PaymentMethod = PaymentMethod.BANK_TRANSFER
    fapiao_kind: FapiaoKind = FapiaoKind.SPECIAL
    taxpayer: Taxpayer = Taxpayer.GENERAL
    may_deduct: bool = True


class FormWords(_Words, frozen=True):
    """The whole form."""

    company: _CompanyWords
    task: TaskType
    volume: _VolumeWords
    tokens: _TokensWords
    first_month: str
    months: int = 12
    quality: Quality = Quality.STANDARD
    currency: str = "CNY"
    zone: str = "Asia/Shanghai"
    budget: str | None = None
    budget_currency: str | None = None
    regions: list[str] = []
    models: list[str] = []
    habits: _HabitsWords = _HabitsWords()
    standing: _StandingWords = _StandingWords()
    buyer: _BuyerWords = _BuyerWords()
    term: ContractType | None = None
    remark: str = ""

    def requirement(self) -> Requirement:
        """Return what it says, checked; Invalid names the field."""
        budget = None
        if self.budget is not None:
            fen = fen_of(self.budget, "需求表 budget")
            budget = Money(fen, self.budget_currency or self.currency)
        found = Requirement(
            company=Company(**msgspec.structs.asdict(self.company)),
            task=self.task,
            quality=self.quality,
            volume=_volume(self.volume),
            tokens_in=_range(self.tokens.input, "tokens.input", 1),
            tokens_out=_range(self.tokens.output, "tokens.output", 1),
            first_month=BillingMonth.parse(self.first_month),
            months=self.months,
            currency=self.currency,
            zone=self.zone,
            budget=budget,
            regions=tuple(dict.fromkeys(self.regions)),
            models=tuple(dict.fromkeys(self.models)),
            habits=_habits(self.habits),
            standing=Standing(**msgspec.structs.asdict(self.standing)),
            buyer=Buyer(**msgspec.structs.asdict(self.buyer)),
            term_wish=self.term,
            remark=self.remark,
        )
        found.refuse_nonsense()
        return found


def read_form(body: bytes, name: str) -> Requirement:
    """Read a form file: JSON where its name ends so, TOML otherwise."""
    try:
        text = body.decode("utf-8-sig")
        facts = msgspec.json.decode(text) if name.endswith(".json") else msgspec.toml.decode(text)
    except UNREADABLE as error:
        raise Invalid(
            f"需求表 {name} 读不懂：{said_of(error)}；请核对是否为 UTF-8 的 TOML 或 JSON"
        ) from None
    return form_of(facts)


def form_of(facts: object) -> Requirement:
    """Read a form from a table of words."""
    return convert(facts, FormWords, "需求表").requirement()


Words = TypeVar("Words", bound=msgspec.Struct)


def convert(facts: object, kind: type[Words], what: str) -> Words:
    """Turn a table into words of a kind; the first that does not fit is named with its place."""
    try:
        return msgspec.convert(facts, kind)
    except msgspec.ValidationError as error:
        raise Invalid(f"{what}{said_of(error)}，请改正后重试") from None


def _range(found: _Guess, what: str, scale: int) -> Range:
    if isinstance(found, _RangeWords):
        low, expected, high = (
            _number(each, what, scale) for each in (found.low, found.expected, found.high)
        )
        return Range(low, expected, high)
    one = _number(found, what, scale)
    return Range(one, one, one)


def _number(text: int | str, what: str, scale: int) -> int:
    return exact(str(text), scale, f"需求表 {what} 的数值") if scale > 1 else _whole(text, what)


def _whole(text: int | str, what: str) -> int:
    number = whole(str(text))
    if number is None:
        raise Invalid(f"需求表 {what} 的数值“{text}”应为不小于 0 的整数，请改正")
    return number


def _volume(words: _VolumeWords) -> Volume:
    hours, named = _hours(words)
    return Volume(
        qps_milli=None if words.qps is None else _range(words.qps, "volume.qps", MILLI),
        hours=hours,
        hours_named=named,
        items_per_day=None
        if words.items_per_day is None
        else _range(words.items_per_day, "volume.items_per_day", 1),
        calls_per_item_milli=_number(words.calls_per_item, "volume.calls_per_item", MILLI),
        off_day_ppm=_off_days(words),
        growth_ppm=_signed(words.growth),
        promotions=tuple(
            Promotion(
                each.name, each.first, each.last, _number(each.factor, "volume.promotion", MILLI)
            )
            for each in words.promotion
        ),
    )


def _hours(words: _VolumeWords) -> tuple[tuple[int, ...], str]:
    """Return the daily shape; items without one are spread evenly over the day."""
    if isinstance(words.hours, list):
        return tuple(words.hours), ""
    if words.hours is None and words.qps is None:
        return (), ""
    named = words.hours or USUAL_SHAPE
    shape = SHAPES.get(named)
    if shape is None:
        raise Invalid(f"需求表 volume.hours“{named}”不认识，请写 {'、'.join(SHAPES)} 或 24 个数")
    return shape, named


def _off_days(words: _VolumeWords) -> int:
    if words.days not in {"workdays", "all"}:
        raise Invalid(
            f"需求表 volume.days“{words.days}”不认识，请写 workdays（工作日）或 all（每天）"
        )
    if words.off_days is not None:
        return ppm_of(words.off_days, "需求表 volume.off_days")
    return PPM if words.days == "all" else 0


def _signed(text: str) -> int:
    stripped = text.strip()
    if stripped.startswith("-"):
        return -ppm_of(stripped[1:], "需求表 volume.growth")
    return ppm_of(stripped, "需求表 volume.growth")


def _habits(words: _HabitsWords) -> Habits:
    shares = {
        f"{name}_ppm": None if text is None else ppm_of(text, f"需求表 habits.{name}")
        for name, text in msgspec.structs.asdict(words).items()
    }
    return Habits(**shares)


def words_of(requirement: Requirement) -> Mapping[str, Any]:
    """Write a requirement as its form; reading the answer gives the same requirement."""
    volume, budget = requirement.volume, requirement.budget
    words: dict[str, Any] = {
        "company": msgspec.to_builtins(requirement.company),
        "task": str(requirement.task),
        "quality": str(requirement.quality),
        "volume": _volume_words(volume),
        "tokens": {
            "input": _range_words(requirement.tokens_in, 1),
            "output": _range_words(requirement.tokens_out, 1),
        },
        "first_month": str(requirement.first_month),
        "months": requirement.months,
        "currency": requirement.currency,
        "zone": requirement.zone,
        "budget": budget and budget.amount,
        "budget_currency": budget and budget.currency,
        "regions": list(requirement.regions),
        "models": list(requirement.models),
        "habits": _habits_words(requirement.habits),
        "standing": msgspec.to_builtins(requirement.standing),
        "buyer": msgspec.to_builtins(requirement.buyer),
        "term": requirement.term_wish and str(requirement.term_wish),
        "remark": requirement.remark,
    }
    return {name: value for name, value in words.items() if value is not None}


def _habits_words(habits: Habits) -> dict[str, str]:
    shares = {
        "can_wait": habits.can_wait_ppm,
        "cached": habits.cached_ppm,
        "cache_write": habits.cache_write_ppm,
        "simple": habits.simple_ppm,
    }
    return {name: percent(ppm) for name, ppm in shares.items() if ppm is not None}


def _volume_words(volume: Volume) -> dict[str, Any]:
    words: dict[str, Any] = {
        "calls_per_item": plain(volume.calls_per_item_milli, MILLI, 0),
        "off_days": percent(volume.off_day_ppm),
        "growth": f"{'-' if volume.growth_ppm < 0 else ''}{percent(abs(volume.growth_ppm))}",
        "promotion": [
            {
                "name": each.name,
                "first": each.first.isoformat(),
                "last": each.last.isoformat(),
                "factor": plain(each.factor_milli, MILLI, 0),
            }
            for each in volume.promotions
        ],
    }
    if volume.qps_milli is not None:
        words["qps"] = _range_words(volume.qps_milli, MILLI)
    if volume.hours:
        words["hours"] = volume.hours_named or list(volume.hours)
    if volume.items_per_day is not None:
        words["items_per_day"] = _range_words(volume.items_per_day, 1)
    return words


def _range_words(found: Range, scale: int) -> str | dict[str, str]:
    low, expected, high = (plain(n, scale, 0) for n in (found.low, found.expected, found.high))
    return low if found.is_one else {"low": low, "expected": expected, "high": high}
