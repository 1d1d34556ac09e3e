"""What sales asks a quote for: the book, the plans, past usage, prepayment and other offers.

    book = "sale"           fx_policy = "bill"     tax_mode = "inclusive"    valid_days = 30
    models = ["gpt-4o"]     # quote only these of the models that serve; none named: up to four

    [[plan]]                name = "一年期"   type = "one_year"   management_fee = "200.00"
    discount = [{ models = "gpt-4o", discount = "30%" }]
    terms = { payment_days = 30 }             # every commercial term, as in a contract draft

    [usage]                 import = "imp_…"  basis = "now"        # or "then": prices of that time
    [[usage.switch]]        name = "改用 mini"    models = { "gpt-4o" = "gpt-4o-mini" }

    [prepaid]               currency = "USD"
    top_up = { value = "1000.00", from = "customer", why = "采购口述" }
    rates = [{ model = "gpt-4o", input = "5", output = "15" }]
    expires, package, waste, card_fee, fx_spread, capital_per_year, wait_days, vat

    [[offer]]               name, currency, source, fee, deposit, payment_days, sla, tax, rates

Without a plan the three contract types are quoted at list prices with the usual terms.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from yuejie.contracts.contract import TAX_MODES, TAX_PPM
from yuejie.contracts.formats.agreed import (
    DiscountWords,
    OverrideWords,
    fen_of,
    ppm_of,
    pricing_of,
    read_terms,
    words_of,
)
from yuejie.contracts.life.credit import CreditRule, usual_terms
from yuejie.contracts.terms import ContractType, CreditClass
from yuejie.kernel.errors import UNREADABLE, Invalid, said_of
from yuejie.kernel.money import CURRENCIES, Rate, whole
from yuejie.kernel.period import BillingMonth
from yuejie.presales.compare import CompetingRate, Input, Offer, Prepaid, refuse_offers
from yuejie.presales.form import convert
from yuejie.presales.quote import Plan
from yuejie.presales.reckon.propose import TYPES
from yuejie.usage.meters import Meter, per

PLANS_MAX: Final = 4
VALID_DAYS: Final = 30
VALID_DAYS_MAX: Final = 180
_YEARS: Final = {ContractType.ONE_YEAR: 1, ContractType.THREE_YEAR: 3}
_ORIGINS: Final = {"customer": "客户口述", "document": "文件", "assumed": "假设"}
_SWITCHES_MAX: Final = 3
_NAME: Final = re.compile(r"[^.\[\]\r\n]{1,40}\Z")
BASES: Final = ("now", "then")


class _Words(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """A part of what is asked; a word it does not know is refused."""


class _PlanWords(_Words, frozen=True):
    name: str
    type: ContractType = ContractType.OPEN
    management_fee: str | None = None
    terms: dict[str, Any] = {}
    discount: list[DiscountWords] = []
    override: list[OverrideWords] = []


class _InputWords(_Words, frozen=True, rename={"origin": "from"}):
    value: str | int
    origin: str
    why: str


class _SwitchWords(_Words, frozen=True):
    name: str
    models: dict[str, str]


class _UsageWords(_Words, frozen=True, rename={"import_id": "import"}):
    import_id: str
    basis: str = "now"
    switch: list[_SwitchWords] = []


_RateWords = dict[str, str]


class _PrepaidWords(_Words, frozen=True):
    top_up: _InputWords
    currency: str = "USD"
    rates: list[_RateWords] = []
    package: _InputWords | None = None
    expires: bool = False
    waste: _InputWords | None = None
    card_fee: _InputWords | None = None
    fx_spread: _InputWords | None = None
    capital_per_year: _InputWords | None = None
    wait_days: _InputWords | None = None
    vat: _InputWords | None = None


class _OfferWords(_Words, frozen=True):
    name: str
    source: str
    rates: list[_RateWords]
    currency: str = "CNY"
    fee: str = "0.00"
    deposit: str = "0.00"
    payment_days: int = 0
    sla: str | None = None
    tax: str = "0%"
    remark: str = ""


class AskWords(_Words, frozen=True):
    """The whole of what is asked."""

    book: str
    fx_policy: str = "bill"
    tax_mode: str = "inclusive"
    tax: str | None = None
    valid_days: int = VALID_DAYS
    credit_class: CreditClass | None = None
    models: list[str] = []
    plan: list[_PlanWords] = []
    usage: _UsageWords | None = None
    prepaid: _PrepaidWords | None = None
    offer: list[_OfferWords] = []

    def ask(self) -> "Ask":
        """Return what is asked, checked; Invalid names the entry."""
        if self.tax_mode not in TAX_MODES:
            raise Invalid(f"报价要求 tax_mode“{self.tax_mode}”不认识，请写 inclusive 或 exclusive")
        if self.fx_policy != "bill":
            raise Invalid(
                "报价要求 fx_policy 请写 bill（按报价日汇率折算）；要按价目卡报价，"
                "请把 book 写成折算卡的名称"
            )
        if not 1 <= self.valid_days <= VALID_DAYS_MAX:
            raise Invalid(f"报价要求 valid_days（有效天数）须在 1 到 {VALID_DAYS_MAX} 之间")
        if len(self.plan) > PLANS_MAX:
            raise Invalid(f"报价要求最多 {PLANS_MAX} 个方案 plan，现有 {len(self.plan)} 个")
        if len({each.name for each in self.plan}) != len(self.plan):
            raise Invalid("报价要求的方案 plan 名称有重复，请改正")
        for each in self.plan:
            _refuse_name(each.name, "方案 plan")
        offers = tuple(_offer(each) for each in self.offer)
        refuse_offers(offers)
        if (self.prepaid or offers) and self.usage is None:
            raise Invalid("与预付或竞品比较须先导入历史用量，请在 [usage] 写明 import")
        return Ask(
            book=self.book,
            tax_mode=self.tax_mode,
            tax_ppm=TAX_PPM if self.tax is None else ppm_of(self.tax, "报价要求 tax"),
            valid_days=self.valid_days,
            credit_class=self.credit_class,
            models=tuple(dict.fromkeys(self.models)),
            plans=tuple(self.plan),
            replay=None if self.usage is None else _replay(self.usage),
            prepaid=None if self.prepaid is None else _prepaid(self.prepaid),
            offers=offers,
        )


@dataclass(frozen=True, slots=True)
class Switch:
    """What the past usage would have been on other models: theirs → ours."""

    name: str
    models: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Replayed:
    """Which past usage is priced, by today's prices or by those of the time, on which models."""

    import_id: str
    basis: str = "now"
    switches: tuple[Switch, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What a quote is asked for. Plans are words until class and currency are known."""

    book: str
    tax_mode: str = "inclusive"
    tax_ppm: int = TAX_PPM
    valid_days: int = VALID_DAYS
    credit_class: CreditClass | None = None
    models: tuple[str, ...] = ()
    plans: tuple[_PlanWords, ...] = ()
    replay: Replayed | None = None
    prepaid: Prepaid | None = None
    offers: tuple[Offer, ...] = field(default_factory=tuple)

    def plans_of(
        self, rule: CreditRule, first: BillingMonth, book_currency: str
    ) -> tuple[Plan, ...]:
        """Return the plans, each with the usual terms of its type and class but for what it says.

        A plan of a term begins with the first month and ends one or three years later.
        """
        words = self.plans or tuple(
            _PlanWords(name=TYPES[kind], type=kind) for kind in ContractType
        )
        return tuple(_plan(each, rule, first, book_currency) for each in words)


def read_ask(body: bytes, name: str) -> Ask:
    """Read what is asked: JSON where the name ends so, TOML otherwise."""
    try:
        text = body.decode("utf-8-sig")
        facts = msgspec.json.decode(text) if name.endswith(".json") else msgspec.toml.decode(text)
    except UNREADABLE as error:
        raise Invalid(
            f"报价要求 {name} 读不懂：{said_of(error)}；请核对是否为 UTF-8 的 TOML 或 JSON"
        ) from None
    return ask_of(facts)


def ask_of(facts: object) -> Ask:
    """Read what is asked from a table of words."""
    return convert(facts, AskWords, "报价要求").ask()


def _refuse_name(name: str, what: str) -> None:
    """Refuse a name under which figures could not be told apart."""
    if _NAME.match(name) is None:
        raise Invalid(f"报价要求的{what} 名称“{name}”应为 1 到 40 个字，不含 . [ ] 与换行")


def _plan(words: _PlanWords, rule: CreditRule, first: BillingMonth, book_currency: str) -> Plan:
    for name, place in (("type", "plan 的 type"), ("credit_class", "credit_class")):
        if name in words.terms:
            raise Invalid(f"方案“{words.name}”的 terms.{name} 请改写在报价要求的 {place}")
    usual = words_of(usual_terms(words.type, rule, 0))
    years = _YEARS.get(words.type)
    if years is not None:
        usual["ends_on"] = first.first_day.replace(year=first.year + years)
    if words.management_fee is not None:
        usual["management_fee"] = words.management_fee
    terms = read_terms(usual | words.terms | {"type": words.type})
    return Plan(
        name=words.name,
        terms=terms,
        pricing=pricing_of(words.discount, words.override, book_currency),
        deposit_fen=terms.deposit_fen if "deposit" in words.terms else None,
    )


def _replay(words: _UsageWords) -> Replayed:
    if words.basis not in BASES:
        raise Invalid("报价要求 usage.basis 请写 now（按现价）或 then（按当时的价目）")
    if len(words.switch) > _SWITCHES_MAX:
        raise Invalid(f"报价要求 usage.switch（换模型）最多 {_SWITCHES_MAX} 组")
    for each in words.switch:
        _refuse_name(each.name, "换模型 switch")
    if len({each.name for each in words.switch}) != len(words.switch):
        raise Invalid("报价要求的换模型 switch 名称有重复，请改正")
    switches = tuple(Switch(each.name, each.models) for each in words.switch)
    return Replayed(words.import_id, words.basis, switches)


def _prepaid(words: _PrepaidWords) -> Prepaid:
    if words.currency not in CURRENCIES:
        raise Invalid(f"报价要求 prepaid.currency“{words.currency}”不支持，请写 CNY 或 USD")
    top_up = _money(words.top_up, "prepaid.top_up")
    if top_up.value <= 0:
        raise Invalid("报价要求 prepaid.top_up（每次充值的最小金额）须大于零")
    return Prepaid(
        currency=words.currency,
        rates=_rates(words.rates, words.currency, "prepaid.rates"),
        top_up_fen=top_up,
        package_fen=_maybe(_money, words.package, "prepaid.package"),
        expires=words.expires,
        waste_fen=_maybe(_money, words.waste, "prepaid.waste"),
        card_fee_ppm=_maybe(_share, words.card_fee, "prepaid.card_fee"),
        fx_spread_ppm=_maybe(_share, words.fx_spread, "prepaid.fx_spread"),
        capital_ppm_year=_maybe(_share, words.capital_per_year, "prepaid.capital_per_year"),
        wait_days=_maybe(_days, words.wait_days, "prepaid.wait_days"),
        vat_deductible_ppm=_maybe(_share, words.vat, "prepaid.vat"),
    )


def _offer(words: _OfferWords) -> Offer:
    what = f"offer“{words.name}”"
    if words.currency not in CURRENCIES:
        raise Invalid(f"竞品报价“{words.name}”的币种“{words.currency}”不支持，请写 CNY 或 USD")
    return Offer(
        name=words.name,
        currency=words.currency,
        rates=_rates(words.rates, words.currency, f"{what}.rates"),
        source=words.source,
        fee_fen=fen_of(words.fee, f"{what}.fee"),
        deposit_fen=fen_of(words.deposit, f"{what}.deposit"),
        payment_days=words.payment_days,
        sla_ppm=None if words.sla is None else ppm_of(words.sla, f"{what}.sla"),
        tax_ppm=ppm_of(words.tax, f"{what}.tax"),
        remark=words.remark,
    )


def _rates(found: list[_RateWords], currency: str, what: str) -> tuple[CompetingRate, ...]:
    rates = []
    for words in found:
        model = words.get("model", "")
        if not model:
            raise Invalid(f"报价要求 {what} 有一行没有写 model（按本店的模型名）")
        for meter, text in words.items():
            if meter == "model":
                continue
            if meter not in set(Meter):
                raise Invalid(f"报价要求 {what} 的计量项“{meter}”不认识（模型 {model}）")
            pico = Rate.parse(text, currency, per=per(meter)).pico
            rates.append(CompetingRate(model, meter, pico))
    return tuple(rates)


def _origin(words: _InputWords, what: str) -> str:
    if words.origin not in _ORIGINS or not words.why.strip():
        raise Invalid(
            f"报价要求 {what} 须写明出处：from 为 customer（客户口述）、document（文件）"
            "或 assumed（假设），why 写明是哪份文件或什么理由"
        )
    return words.origin


def _money(words: _InputWords, what: str) -> Input:
    fen = fen_of(str(words.value), f"报价要求 {what}")
    if fen < 0:
        raise Invalid(f"报价要求 {what} 不能为负，请改正")
    return Input(fen, _origin(words, what), words.why)


def _share(words: _InputWords, what: str) -> Input:
    return Input(ppm_of(str(words.value), f"报价要求 {what}"), _origin(words, what), words.why)


def _days(words: _InputWords, what: str) -> Input:
    days = whole(str(words.value))
    if days is None:
        raise Invalid(f"报价要求 {what}“{words.value}”应为不小于 0 的整数天数")
    return Input(days, _origin(words, what), words.why)


def _maybe(
    read: Callable[[_InputWords, str], Input], words: _InputWords | None, what: str
) -> Input | None:
    return None if words is None else read(words, what)
