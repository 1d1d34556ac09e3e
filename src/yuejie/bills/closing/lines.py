"""From quantities to lines: what should have been billed minus what was billed.

Pure. Each difference of quantity becomes one line on its own rate and settles once.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from yuejie.bills.bill import BillLine, LineKind
from yuejie.bills.closing.agreed import Target, TermKey
from yuejie.contracts.fx import MonthFx
from yuejie.kernel.ids import LineId
from yuejie.kernel.money import FX_SCALE, PICO_PER_FEN, Charge, Money, Rate, divide
from yuejie.kernel.period import BillingMonth


class LineKey(NamedTuple):
    """What makes a line: the month the usage belongs to, and project × model × meter × rate."""

    month: BillingMonth
    project_id: str
    model: str
    meter: str
    sale_rate: int


@dataclass(frozen=True, slots=True)
class SaleRate:
    """A rate as the book has it; `list_pico` is the list price a card rate was converted from."""

    rate_id: int
    pico: int
    currency: str
    list_pico: int | None
    list_currency: str | None


@dataclass(frozen=True, slots=True)
class Place:
    """How a project is called on the bill."""

    project_id: str
    name: str
    department: str
    parent_id: str | None = None


@dataclass(frozen=True, slots=True)
class PrintedRow:
    """What is printed on a customer's bills, by service month, kind, reference and place."""

    month: str
    kind: str
    refers_to: str
    project_id: str
    model: str
    amount_fen: int


def owed(target: Mapping[LineKey, int], billed: Mapping[LineKey, int]) -> list[tuple[LineKey, int]]:
    """Return what is still to bill, per key, in the order of the printed lines; never zero."""
    keys = sorted(target.keys() | billed.keys())
    differences = ((key, target.get(key, 0) - billed.get(key, 0)) for key in keys)
    return [(key, quantity) for key, quantity in differences if quantity]


@dataclass(frozen=True, slots=True)
class Tariff:
    """What turns a quantity into an amount: rates, the months' exchange rates, the currency."""

    currency: str
    rates: Mapping[int, SaleRate]
    fx: Mapping[BillingMonth, MonthFx]
    places: Mapping[str, Place]


def draw_lines(
    month: BillingMonth,
    quantities: Iterable[tuple[LineKey, int]],
    tariff: Tariff,
    ids: Iterable[LineId],
) -> list[BillLine]:
    """Turn quantities into lines, this month's first, then the late ones by their month."""
    ordered = sorted(quantities, key=lambda pair: (pair[0].month != month, _shown(pair[0], tariff)))
    return [
        _line(line_id, position, month, key, quantity, tariff)
        for position, ((key, quantity), line_id) in enumerate(zip(ordered, ids, strict=False), 1)
    ]


def _shown(key: LineKey, tariff: Tariff) -> tuple[object, ...]:
    place = tariff.places[key.project_id]
    return (key.month, place.name, key.project_id, key.model, key.meter, key.sale_rate)


def _line(
    line_id: LineId,
    position: int,
    month: BillingMonth,
    key: LineKey,
    quantity: int,
    tariff: Tariff,
) -> BillLine:
    rate = tariff.rates[key.sale_rate]
    place = tariff.places[key.project_id]
    charge = Rate(rate.pico, rate.currency).charge(quantity)
    fx = tariff.fx.get(key.month) if rate.currency != tariff.currency else None
    amount = charge.settle(fx.rate if fx else None)
    both = {amount.currency: amount}
    for other in (charge, _listed(rate, quantity)):
        if other is not None and other.currency not in both:
            both[other.currency] = other.settle()
    usd, cny = both.get("USD"), both.get("CNY")
    return BillLine(
        line_id=line_id,
        position=position,
        kind=LineKind.USAGE if key.month == month else LineKind.LATE,
        service_month=key.month,
        project_id=key.project_id,
        project_name=place.name,
        department=place.department,
        model=key.model,
        meter=key.meter,
        sale_rate=key.sale_rate,
        quantity=quantity,
        rate_pico=rate.pico,
        rate_currency=rate.currency,
        charge_pico=charge.pico,
        fx_id=fx.fx_id if fx else None,
        fx_e8=fx.rate.e8 if fx else None,
        amount_fen=amount.fen,
        usd_fen=usd.fen if usd else None,
        cny_fen=cny.fen if cny else None,
    )


def draw_term(
    line_id: LineId, month: BillingMonth, key: TermKey, target: Target, tariff: Tariff
) -> BillLine:
    """Turn what a contract adds into a line; it has a position when its bill is put together.

    The amount in the other currency is for reference, at the month's rate where there is one.
    """
    fx = tariff.fx.get(month)
    money = Money(target.amount_fen, tariff.currency)
    both = {money.currency: money}
    if fx is not None and fx.rate.quote == tariff.currency:
        base = divide(target.amount_fen * FX_SCALE, fx.rate.e8)
        both[fx.rate.base] = Money(base, fx.rate.base)
    usd, cny = both.get("USD"), both.get("CNY")
    return BillLine(
        line_id=line_id,
        position=0,
        kind=key.kind,
        service_month=month,
        project_id="",
        project_name="",
        department="",
        model="",
        meter="",
        sale_rate=0,
        quantity=1,
        rate_pico=0,
        rate_currency=tariff.currency,
        charge_pico=target.amount_fen * PICO_PER_FEN,
        fx_id=None,
        fx_e8=None,
        amount_fen=target.amount_fen,
        usd_fen=usd.fen if usd else None,
        cny_fen=cny.fen if cny else None,
        item=target.item,
        refers_to=key.refers_to,
    )


def _listed(rate: SaleRate, quantity: int) -> Charge | None:
    """Return what the usage comes to at list price, for the bill's second currency column."""
    if rate.list_pico is None or rate.list_currency is None:
        return None
    return Rate(rate.list_pico, rate.list_currency).charge(quantity)
