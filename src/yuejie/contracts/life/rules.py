"""When a contract may change, and how (product.md D2): pure.

open         anything, from the first of the next month
one_year     by an amendment that both sides signed
three_year   the same, and upward only (`upward`), until its term is over: what begins behind that
             is a bargain of its own
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final

from yuejie.contracts.agreed.pricing import Override, Pricing
from yuejie.contracts.contract import Contract, Terms
from yuejie.contracts.life.upward import discounts_less, lock_shrinks, promises_shrink, worsened
from yuejie.contracts.prices import RateRow
from yuejie.contracts.terms import CommercialTerms, ContractType
from yuejie.kernel.errors import Conflict
from yuejie.kernel.ids import BookId
from yuejie.kernel.period import BillingMonth, zone_of

_RANK = (ContractType.OPEN, ContractType.ONE_YEAR, ContractType.THREE_YEAR)
ANOTHER: Final = "双方仍要如此约定的，请另签新合同接替本合同"

_UNHEARD: Final = "\0"
"""Of no model's name, and of no family's: what both are yet to be."""

Place = tuple[str, str, str, int, str]
"""Model, meter, service tier, context step and time window of a rate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """A contract as it stands: its newest version, what was agreed about prices, and its list.

    `rows` are the rates of the book above, in force or announced, before the contract's discounts;
    `charged` is what the contract itself charges now. `since` is the first day of the term.
    """

    contract: Contract
    number: str
    since: date
    pricing: Pricing
    rows: Sequence[RateRow]
    charged: Mapping[Place, int]
    sale_book: BookId


def place_of(at: RateRow | Override) -> Place:
    """Return which rate of a list it is."""
    return at.model, at.meter, at.service_tier, at.context_above, at.time_window


def refuse_amendment(held: InForce, became: Terms, *, now: datetime, both_signed: bool) -> None:
    """Refuse a change that the contract in force does not allow, with every reason.

    `both_signed` says that a signed copy of the amendment is at hand.
    """
    reasons = [*_reasons(held, became, now)]
    if held.contract.terms.type is not ContractType.OPEN and not both_signed:
        reasons.append("定期合同的变更须双方签署，请先上传签署件或完成电子签")
    _refuse(held, [*reasons, *_worse(held, became)])


def refuse_unsignable(held: InForce, became: Terms, *, now: datetime) -> None:
    """Refuse what no signature could make an amendment of the contract in force."""
    _refuse(held, [*_reasons(held, became, now), *_worse(held, became)])


def _refuse(held: InForce, reasons: Sequence[str]) -> None:
    if reasons:
        raise Conflict(f"合同 {held.number} 不能这样变更：{'；'.join(reasons)}")


def _reasons(held: InForce, became: Terms, now: datetime) -> Iterator[str]:
    """Yield what no change of any contract may be."""
    was = held.contract
    if became.customer_id != was.customer_id:
        yield "客户不同，请为另一客户新立合同"
    if became.currency != was.currency or became.zone != was.zone:
        yield "币种和时区不能变更，请终止后另签"
    if was.terms.type is ContractType.OPEN:
        month = BillingMonth.of(now, zone_of(was.zone)).next
        if became.starts_at < month.span(zone_of(was.zone)).start:
            yield f"无期限合同的变更自次月起生效，最早 {month.first_day}"


def _worse(held: InForce, became: Terms) -> Iterator[str]:
    """Yield what a contract of three years may not give up while its term runs, and the way out."""
    was = held.contract
    if was.terms.type is not ContractType.THREE_YEAR:
        return
    if was.ends_at is not None and became.starts_at >= was.ends_at:
        return
    became = replace(became, commercial=_as_it_goes_on(held, became))
    found = [*_shorter(held, became), *worsened(was.terms, became.commercial)]
    found += [*_dearer(held, became)]
    if found:
        yield from (f"三年合同的{each}" for each in found)
        yield ANOTHER


def _as_it_goes_on(held: InForce, became: Terms) -> CommercialTerms:
    """Return what an amendment says of a term that was renewed ahead.

    One that begins before holds for both; naming the end of the term that runs takes nothing off
    the next.
    """
    was, said = held.contract, became.commercial
    if became.starts_at < was.starts_at and said.ends_on == held.since:
        return replace(said, ends_on=was.terms.ends_on)
    return said


def _shorter(held: InForce, became: Terms) -> Iterator[str]:
    """Yield what would be promised for less time, or less by the customer."""
    old, new = held.contract.terms, became.commercial
    if _RANK.index(new.type) < _RANK.index(old.type):
        yield "类型不能改为较短的类型"
    if promises_shrink(old, new, since=held.since):
        yield "承诺消费只能增加，承诺周期不能改，合同期延长则整期承诺按天增加"
    begins = became.starts_at.astimezone(zone_of(became.zone)).date()
    if lock_shrinks(old, new, begins=begins):
        yield f"锁价期不能短于 {old.price_lock_until}"


def _dearer(held: InForce, became: Terms) -> Iterator[str]:
    """Yield what would make usage dearer, or fewer models available."""
    was = held.contract
    if became.sale_book != held.sale_book:
        yield f"价目不能更换，请保持 {held.sale_book}，要让价请约定折扣或单价"
    if became.fx_policy != was.fx_policy:
        yield "汇率方式不能更换"
    if became.tax_mode == "exclusive" and was.tax_mode == "inclusive":
        yield "含税价不能改为不含税价"
    if _offers_less(held, became.pricing):
        yield "可用模型不能减少"
    if discounts_less(was.terms.tier_discount, became.commercial.tier_discount) or _rises(
        held, became.pricing
    ):
        yield "价格不能上涨：折扣不能减少，约定单价不能提高或取消"


def _offers_less(held: InForce, new: Pricing) -> bool:
    models = {row.model for row in held.rows} | set(held.pricing.models)
    return any(held.pricing.offers(each) and not new.offers(each) for each in models) or bool(
        new.models and not held.pricing.models
    )


def _rises(held: InForce, new: Pricing) -> bool:
    """Tell whether some rate could cost the customer more than was agreed, now or later.

    A discount is judged by the list, rate by rate, and for what the list is yet to have. An agreed
    rate stays one and never rises, for without it the list decides; nor may it be above what is
    charged now, where that is locked.
    """
    old, kept = held.pricing, {place_of(each) for each in new.overrides}
    if any(place_of(each) not in kept for each in old.overrides):
        return True
    if any(new.discount_of(each) < old.discount_of(each) for each in _known(held, new)):
        return True
    for row in held.rows:
        if not old.offers(row.model):
            continue
        agreed = new.derive(row).pico
        if agreed > old.derive(row).pico:
            return True
        if new.override_of(row) and agreed > held.charged.get(place_of(row), agreed):
            return True
    return False


def _known(held: InForce, new: Pricing) -> Iterator[str]:
    """Yield every model that has a rate, and one of each family that is yet to have it.

    Rates that are agreed for all of a model's meters today are none for the next one.
    """
    old = held.pricing
    yield from {row.model for row in held.rows if old.offers(row.model)}
    yield from old.models
    if not old.models:
        yield from _to_come([each.models for each in (*old.discounts, *new.discounts)])


def _to_come(families: Sequence[str]) -> Iterator[str]:
    """Yield a name of each family that no list has, and of two that overlap one of both.

    What stands for `*` is longer than any family is written: no row of `?` fits it.
    """
    long = _UNHEARD * (max(map(len, families), default=0) + 1)
    names = {each: each.replace("*", long).replace("?", _UNHEARD) for each in families}
    yield from (name for each, name in names.items() if name != each)
    heads = [name for each, name in names.items() if each.endswith("*")]
    tails = [name for each, name in names.items() if each.startswith("*")]
    yield from (head + tail for head in heads for tail in tails)
