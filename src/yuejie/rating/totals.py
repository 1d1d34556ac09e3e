"""Sums of charges, and what is left between the two books. Exact in any order and grouping."""

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeVar

from yuejie.kernel.errors import Invalid
from yuejie.kernel.money import (
    FX_SCALE,
    PICO_PER_FEN,
    PPM,
    Charge,
    FxRate,
    Money,
    divide,
)
from yuejie.usage.event import NO_RATE


class Priced(Protocol):
    """Anything that says what one unit is worth; a `RateRow` does."""

    @property
    def pico(self) -> int: ...  # noqa: D102
    @property
    def currency(self) -> str: ...  # noqa: D102


class LineKey(NamedTuple):
    """What becomes one line: project × model × meter × rate."""

    project_id: str
    model: str
    meter: str
    rate_id: int


Key = TypeVar("Key", bound=Hashable)


def line_charges(
    rows: Iterable[tuple[LineKey, int]], rates: Mapping[int, Priced]
) -> dict[LineKey, Charge]:
    """Sum quantities by line and return what each line is worth."""
    quantities: dict[LineKey, int] = {}
    for key, quantity in rows:
        quantities[key] = quantities.get(key, 0) + quantity
    return {
        key: _charge(quantity, rates[key.rate_id])
        for key, quantity in quantities.items()
        if key.rate_id != NO_RATE
    }


def sum_by(
    rows: Iterable[tuple[Key, int, int]], rates: Mapping[int, Priced]
) -> dict[tuple[Key, str], Charge]:
    """Sum (key, rate, quantity) into charges by key and currency."""
    sums: dict[tuple[Key, str], int] = {}
    for key, rate_id, quantity in rows:
        if rate_id == NO_RATE:
            continue
        rate = rates[rate_id]
        slot = (key, rate.currency)
        sums[slot] = sums.get(slot, 0) + quantity * rate.pico
    return {slot: Charge(pico, slot[1]) for slot, pico in sums.items()}


def total(charges: Iterable[Charge], currency: str) -> Charge:
    """Add charges of one currency; another currency among them is refused."""
    return sum(charges, start=Charge(0, currency))


@dataclass(frozen=True, slots=True)
class Margin:
    """Sale minus cost, exact, in units of 10⁻²⁰ of the sale's currency."""

    sale_e20: int
    cost_e20: int
    currency: str

    @property
    def e20(self) -> int:
        """The margin, exact."""
        return self.sale_e20 - self.cost_e20

    @property
    def money(self) -> Money:
        """The margin to the fen, for people; nobody owes a margin."""
        return Money(divide(self.e20, PICO_PER_FEN * FX_SCALE), self.currency)

    @property
    def ppm(self) -> int | None:
        """The margin as parts per million of the sale; None where nothing was sold."""
        return divide(self.e20 * PPM, self.sale_e20) if self.sale_e20 > 0 else None

    def __add__(self, other: "Margin") -> "Margin":
        if self.currency != other.currency:
            raise Invalid(f"不能把 {self.currency} 与 {other.currency} 的毛利直接相加")
        return Margin(self.sale_e20 + other.sale_e20, self.cost_e20 + other.cost_e20, self.currency)


def margin(sale: Charge, cost: Charge, fx: FxRate | None = None) -> Margin:
    """Return what is left of a sale after its cost.

    `fx` joins the two currencies in the direction cost → sale; where they are one, it is not used.
    """
    if sale.currency == cost.currency:
        return Margin(sale.pico * FX_SCALE, cost.pico * FX_SCALE, sale.currency)
    if fx is None or (fx.base, fx.quote) != (cost.currency, sale.currency):
        raise Invalid(
            f"计算毛利需要 {cost.currency}→{sale.currency} 的汇率，请先登记",
            base=cost.currency,
            quote=sale.currency,
        )
    return Margin(sale.pico * FX_SCALE, cost.pico * fx.e8, sale.currency)


def _charge(quantity: int, rate: Priced) -> Charge:
    return Charge(quantity * rate.pico, rate.currency)
