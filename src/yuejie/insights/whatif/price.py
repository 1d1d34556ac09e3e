"""Price usage by a book: from quantities with the facts of their calls to the keys of lines. Pure.

Exact: a unit of usage is what shares every fact that chooses a rate, so pricing it once is pricing
each of its calls.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from yuejie.bills.closing.lines import LineKey, SaleRate
from yuejie.contracts.prices import RateRow
from yuejie.insights.whatif.suppose import PricedBy, Supposition, Swap
from yuejie.kernel.money import PPM, divide
from yuejie.kernel.period import BillingMonth
from yuejie.usage.event import NO_RATE
from yuejie.usage.meters import COUNT_METERS, meter_name


class Unit(NamedTuple):
    """Usage of calls that any price takes alike; the instant and size are those of one of them.

    `sale_rate` is the rate it had, NO_RATE where it had none (a bare count, an import).
    """

    project_id: str
    key_id: str
    model: str
    meter: str
    quantity: int
    service_tier: str = "default"
    context_tokens: int = 0
    started_us: int = 0
    sale_rate: int = NO_RATE
    sale_book: str = ""
    sale_revision: int = 0


@dataclass(slots=True)
class Priced:
    """What usage comes to: quantities by line, the rates they name, and what has no price."""

    quantities: Counter[LineKey] = field(default_factory=Counter)
    rates: dict[int, SaleRate] = field(default_factory=dict)
    gaps: Counter[str] = field(default_factory=Counter)
    """What could not be priced, in words, with how much of it."""


Books = Mapping[tuple[str, int], PricedBy]
"""The books and revisions under which calls were admitted."""


def price(
    units: Iterable[Unit], month: BillingMonth, supposed: Supposition, books: Books
) -> Priced:
    """Return what usage comes to under the supposed prices and models.

    What neither a swap nor a book touches keeps the rate it had. A gap is never priced by guess.
    """
    priced = Priced()
    scaled: Counter[LineKey] = Counter()
    for unit in units:
        swap = supposed.swap_of(unit.model, unit.project_id, unit.key_id, unit.context_tokens)
        prices = supposed.prices
        if swap is None and (prices is None or prices.leaves(unit.model)):
            if unit.sale_rate != NO_RATE:
                key = LineKey(month, unit.project_id, unit.model, unit.meter, unit.sale_rate)
                priced.quantities[key] += unit.quantity
            continue
        found = _rate(unit, swap, supposed, books)
        if found is None:
            if unit.quantity and unit.meter not in COUNT_METERS:
                priced.gaps[_gap(unit, swap, supposed)] += unit.quantity
            continue
        model = swap.target if swap else unit.model
        key = LineKey(month, unit.project_id, model, unit.meter, found.rate_id)
        priced.rates[found.rate_id] = SaleRate(
            found.rate_id, found.pico, found.currency, None, None
        )
        if swap is None or swap.factor(unit.meter) == PPM:
            priced.quantities[key] += unit.quantity
        else:
            scaled[key] += unit.quantity * swap.factor(unit.meter)
    for key, quantity in scaled.items():
        priced.quantities[key] += divide(quantity, PPM)
    return priced


def _rate(unit: Unit, swap: Swap | None, supposed: Supposition, books: Books) -> RateRow | None:
    """Return the rate of a unit, under the meter itself or the one that was named in its place."""
    model, by = swap.target if swap else unit.model, supposed.prices
    if by is None or by.leaves(model):
        by = books[unit.sale_book, unit.sale_revision]
    named = {**supposed.meters, **(swap.meters if swap else {})}
    rate = _find(by, unit, model, unit.meter, swap)
    if rate is None and unit.meter in named:
        rate = _find(by, unit, model, named[unit.meter], swap)
    return rate


def _find(by: PricedBy, unit: Unit, model: str, meter: str, swap: Swap | None) -> RateRow | None:
    rate = by.rate(
        model,
        meter,
        started_us=unit.started_us,
        service_tier=unit.service_tier,
        context_tokens=unit.context_tokens,
    )
    # Another model's cache is not this one's: that its list prices cached tokens like input says
    # nothing about how many it would have cached.
    borrowed = rate is not None and rate.origin.startswith("fallback:")
    return None if swap and borrowed and meter.startswith("cache_") else rate


def _gap(unit: Unit, swap: Swap | None, supposed: Supposition) -> str:
    model = swap.target if swap else unit.model
    by = supposed.prices
    where = f"价目 {unit.sale_book}" if by is None or by.leaves(model) else by.said
    tier = "" if unit.service_tier in {"", "default"} else f"（服务档 {unit.service_tier}）"
    return f"{where} 没有 {model} 的 {unit.meter}（{meter_name(unit.meter)}）单价{tier}"
