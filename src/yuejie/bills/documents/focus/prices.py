"""What a metered line costs in FOCUS' terms: unit prices without tax and their exact products.

Pure. A unit price is written with twelve decimals per pricing unit (a million tokens, or a piece);
where tax is inside the price, taking it out is rounded there, once. Costs are price × quantity with
every decimal, so anyone who multiplies gets the same; they differ from what is billed by less than
a fen per line, for a bill rounds its lines and shares its tax down.
"""

from dataclasses import dataclass
from typing import Final

from yuejie.bills.bill import Bill, BillLine, TaxMode
from yuejie.bills.documents.document import Priced
from yuejie.kernel.money import FX_SCALE, PICO, PPM, divide, plain
from yuejie.usage.meters import per


@dataclass(frozen=True, slots=True)
class Cost:
    """A price per pricing unit (10⁻¹² of the currency unit) times a quantity of plain units."""

    unit_e12: int
    quantity: int
    per: int

    @property
    def e18(self) -> int:
        """The cost in 10⁻¹⁸ of the currency unit, exact: `per` is a million or one."""
        return self.unit_e12 * self.quantity * (PPM // self.per)

    @property
    def unit(self) -> str:
        """The price per pricing unit."""
        return plain(self.unit_e12, PICO)

    @property
    def whole(self) -> str:
        """The cost with every decimal."""
        return written(self.e18)


_E18: Final = PICO * PPM


def written(e18: int) -> str:
    """Write 10⁻¹⁸ of a currency unit as a plain decimal."""
    return plain(e18, _E18)


def of_fen(fen: int) -> int:
    """Return fen as 10⁻¹⁸ of a currency unit."""
    return fen * (_E18 // 100)


@dataclass(frozen=True, slots=True)
class Prices:
    """The prices of one line: agreed and listed, in the bill's currency and in the price's own."""

    contracted: Cost
    listed: Cost
    pricing_contracted: Cost
    pricing_listed: Cost


def prices_of(line: BillLine, bill: Bill, priced: Priced | None) -> Prices:
    """Return what a metered line costs at its agreed rate and at list price, without tax.

    A list price in another currency is not a list price to compare with: it was converted to make
    the rate, and the rate is the list then.
    """
    comparable = priced is not None and priced.list_currency == line.rate_currency
    list_pico = priced.list_pico if priced and comparable else None
    listed = line.rate_pico if list_pico is None else list_pico
    fx = line.fx_e8 or FX_SCALE
    return Prices(
        contracted=_cost(line, bill, line.rate_pico, fx),
        listed=_cost(line, bill, listed, fx),
        pricing_contracted=_cost(line, bill, line.rate_pico, FX_SCALE),
        pricing_listed=_cost(line, bill, listed, FX_SCALE),
    )


def _cost(line: BillLine, bill: Bill, pico: int, fx_e8: int) -> Cost:
    counted = per(line.meter)
    inside = bill.tax_mode is TaxMode.INCLUSIVE and line.tax_line is not None
    with_tax = PPM + bill.tax_ppm if inside else PPM
    unit_e12 = divide(pico * counted * fx_e8 * PPM, FX_SCALE * with_tax)
    return Cost(unit_e12, line.quantity, counted)
