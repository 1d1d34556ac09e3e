"""How a month would differ: line by line, and why, in steps that add up exactly. Pure.

Each step composes the month anew with one more thing supposed, so what each adds is exact and the
steps telescope: their sums are the difference of the totals, to the fen.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from yuejie.bills.bill import Bill, BillLine
from yuejie.kernel.money import Money


class Cause(StrEnum):
    """What a difference comes from."""

    MAPPING = "mapping"
    """Other models, at the prices of the day."""
    PRICES = "prices"
    """Other prices."""
    MAPPING_AND_PRICES = "mapping_and_prices"
    """Both at once, where the prices of the day do not know the other model."""
    TERMS = "terms"
    """Other discounts, fees, minimum, credits, parts."""
    TAX = "tax"
    """Another rate of tax, or tax on top instead of inside."""


CAUSE_NAMES = {
    Cause.MAPPING: "模型替换（按原价目）",
    Cause.PRICES: "单价",
    Cause.MAPPING_AND_PRICES: "模型替换与单价",
    Cause.TERMS: "合同条款",
    Cause.TAX: "计税方式",
}


@dataclass(frozen=True, slots=True)
class Step:
    """What one cause changes in the totals, in fen."""

    cause: Cause
    net_fen: int
    tax_fen: int

    @property
    def gross_fen(self) -> int:
        """What it changes in what is owed."""
        return self.net_fen + self.tax_fen


class LineName(NamedTuple):
    """What makes lines of two bills comparable: neither rates nor positions do."""

    kind: str
    service_month: str
    project: str
    model: str
    meter: str
    item: str


@dataclass(frozen=True, slots=True)
class Side:
    """What lines of one name come to on one side; `rates` are picos per unit, each once."""

    amount_fen: int = 0
    quantity: int = 0
    rates: tuple[int, ...] = ()
    rate_currency: str = ""


NOTHING = Side()


@dataclass(frozen=True, slots=True)
class LineChange:
    """Lines of one name, as they are and as they would be, before tax where tax is on top."""

    name: LineName
    was: Side
    became: Side

    @property
    def change_fen(self) -> int:
        """What it changes."""
        return self.became.amount_fen - self.was.amount_fen


class Totals(NamedTuple):
    """What the bills of a month come to."""

    net: Money
    tax: Money
    gross: Money


def totals_of(bills: Iterable[Bill], currency: str) -> Totals:
    """Add up the parts of a month."""
    net = tax = 0
    for bill in bills:
        net, tax = net + bill.net.fen, tax + bill.tax.fen
    return Totals(Money(net, currency), Money(tax, currency), Money(net + tax, currency))


def step(cause: Cause, before: Iterable[Bill], after: Iterable[Bill], currency: str) -> Step:
    """Return what one more supposition changes."""
    was, became = totals_of(before, currency), totals_of(after, currency)
    return Step(cause, became.net.fen - was.net.fen, became.tax.fen - was.tax.fen)


def line_changes(before: Sequence[Bill], after: Sequence[Bill]) -> list[LineChange]:
    """Return every line of either side, those that change most first; their changes add up."""
    was, became = _sides(before), _sides(after)
    found = [
        LineChange(name, was.get(name, NOTHING), became.get(name, NOTHING))
        for name in was.keys() | became.keys()
    ]
    return sorted(found, key=lambda each: (-abs(each.change_fen), each.name))


def _sides(bills: Iterable[Bill]) -> dict[LineName, Side]:
    grouped: dict[LineName, list[BillLine]] = defaultdict(list)
    for bill in bills:
        for line in bill.lines:
            grouped[_name(line)].append(line)
    return {name: _side(lines) for name, lines in grouped.items()}


def _side(lines: Sequence[BillLine]) -> Side:
    metered = [line for line in lines if line.metered]
    return Side(
        amount_fen=sum(line.amount_fen for line in lines),
        quantity=sum(line.quantity for line in metered),
        rates=tuple(sorted({line.rate_pico for line in metered})),
        rate_currency=metered[0].rate_currency if metered else "",
    )


def _name(line: BillLine) -> LineName:
    return LineName(
        line.kind.value,
        str(line.service_month),
        line.project_name,
        line.model,
        line.meter,
        line.item,
    )
