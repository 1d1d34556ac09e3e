"""A month's bill before there is one: quantities at their rates, terms, tax. Pure.

The same functions that draw bills draw this: lines settle once each, terms are functions of the
settled lines, tax is rounded once per tax line. So what is quoted is what would be billed.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from yuejie.bills.bill import BillLine, LineKind, TaxMode
from yuejie.bills.closing.agreed import (
    Ledgered,
    Promise,
    differences,
    spend_of,
    targets_of,
)
from yuejie.bills.closing.lines import LineKey, Place, SaleRate, Tariff, draw_lines, draw_term
from yuejie.bills.closing.taxes import Taxed, TaxRule, tax_parts
from yuejie.contracts.terms import CommercialTerms
from yuejie.kernel.ids import LineId
from yuejie.kernel.money import FX_SCALE, PICO_PER_FEN, PPM, divide
from yuejie.kernel.period import BillingMonth
from yuejie.presales.reckon.tariff import Pricebook, Priced
from yuejie.usage.event import NO_RATE

_WHOLE = ""
"""The one part of a bill that is not split."""
_FEN_E18: Final = PICO_PER_FEN * FX_SCALE
"""One fen in picos × 10⁸."""


@dataclass(frozen=True, slots=True)
class Agreed:
    """What a plan agrees besides prices, from its first day to the first on which it is over."""

    terms: CommercialTerms
    tax_mode: str
    tax_ppm: int
    since: date
    currency: str

    def promise(self, month: BillingMonth) -> Promise:
        """Return what holds for a month, as for a contract of these terms."""
        until = self.terms.ends_on
        over = until is not None and until <= month.first_day
        leaves = until is not None and until <= month.last_day
        return Promise(
            tier_discount=self.terms.tier_discount,
            commitment=None if over else self.terms.commitment,
            management_fee_fen=0 if leaves else self.terms.management_fee_fen,
            since=self.since,
            until=until,
            currency=self.currency,
        )


@dataclass(slots=True)
class Used:
    """What a month used, summed as bill lines are; what it costs us beside it.

    Keys are project (empty where there is none), model, meter and the number of the rate.
    """

    quantities: Counter[tuple[str, str, str, int]] = field(default_factory=Counter)
    cost_e8: int = 0
    """What providers charge, in picos of the bill's currency × 10⁸, exact."""
    cost_known: bool = True
    unpriced: Counter[str] = field(default_factory=Counter)

    def add(self, priced: Priced, cost_fx_e8: Mapping[str, int], *, project: str = "") -> None:
        """Add a call's items at their rates; what has no sale price is counted apart."""
        for gap in priced.sale_gaps:
            self.unpriced[gap] += 1
        if priced.sale_gaps:
            return
        for item in priced.rated.items:
            if item.sale_rate != NO_RATE:
                self.quantities[project, item.model, str(item.meter), item.sale_rate] += (
                    item.quantity
                )
            if item.cost_rate != NO_RATE and priced.cost is not None:
                rate = priced.cost.by_id[item.cost_rate]
                fx = cost_fx_e8.get(rate.currency)
                self.cost_known &= fx is not None
                self.cost_e8 += item.quantity * rate.pico * (fx or 0)
        self.cost_known &= priced.cost_known


@dataclass(frozen=True, slots=True)
class Reckoned:
    """A month as its bill would stand; all fen of the bill's currency."""

    month: BillingMonth
    lines: tuple[BillLine, ...]
    taxed: Taxed

    def of(self, *kinds: LineKind) -> int:
        """Return what the lines of some kinds come to, before tax where it is added."""
        return sum(line.amount_fen for line in self.lines if line.kind in kinds)

    @property
    def gross_fen(self) -> int:
        """What would be owed."""
        return self.taxed.net_fen + self.taxed.tax_fen


def usage_lines(month: BillingMonth, used: Used, book: Pricebook) -> list[BillLine]:
    """Turn quantities into lines, each settled once, in the order of a bill."""
    rows = book.sale.by_id
    rates = {
        rate_id: SaleRate(rate_id, rows[rate_id].pico, rows[rate_id].currency, None, None)
        for _, _, _, rate_id in used.quantities
    }
    places = {name: Place(name, name, "") for name, _, _, _ in used.quantities}
    tariff = Tariff(book.currency, rates, book.fx, places)
    keys = [
        (LineKey(month, project, model, meter, rate_id), quantity)
        for (project, model, meter, rate_id), quantity in sorted(used.quantities.items())
        if quantity
    ]
    return draw_lines(month, keys, tariff, (LineId(f"u{n}") for n in range(len(keys))))


def spend_by_model(lines: list[BillLine]) -> dict[str, int]:
    """Return what usage comes to by model."""
    found: Counter[str] = Counter()
    for line in lines:
        found[line.model] += line.amount_fen
    return dict(found)


def reckon(
    months: Mapping[BillingMonth, Used], book: Pricebook, agreed: Agreed
) -> dict[BillingMonth, Reckoned]:
    """Draw what the bills of consecutive months would be, whatever minimum spans them."""
    lines = {month: usage_lines(month, used, book) for month, used in sorted(months.items())}
    spends = {month: spend_by_model(found) for month, found in lines.items()}

    def spent(month: BillingMonth) -> int:
        return spend_of(spends.get(month, {}), agreed.promise(month))

    return {
        month: _month(month, found, spends[month], book, agreed, spent)
        for month, found in lines.items()
    }


def _month(
    month: BillingMonth,
    lines: list[BillLine],
    by_model: Mapping[str, int],
    book: Pricebook,
    agreed: Agreed,
    spent: Callable[[BillingMonth], int],
) -> Reckoned:
    targets = targets_of(month, agreed.promise(month), by_model, (), (), Ledgered({}), spent)
    tariff = Tariff(book.currency, {}, book.fx, {})
    terms = [
        draw_term(LineId(f"t{n}"), month, key, target, tariff)
        for n, (key, target) in enumerate(differences(month, targets, Ledgered({})))
    ]
    rule = TaxRule(TaxMode(agreed.tax_mode), agreed.tax_ppm, agreed.terms.tax_grouping)
    names = {line.project_id: line.project_name for line in lines}
    taxed = tax_parts({_WHOLE: [*lines, *terms]}, rule, names)[_WHOLE]
    return Reckoned(month, taxed.lines, taxed)


def cost_pico(used: Used) -> int:
    """Return what providers charge, to the pico of the bill's currency, for people."""
    return divide(used.cost_e8, FX_SCALE)


def margin_ppm(
    months: Mapping[BillingMonth, Used], found: Mapping[BillingMonth, Reckoned]
) -> int | None:
    """Return the margin's share of what is earned: usage after discounts, without tax, less cost.

    Fees, minimums and credits belong to no model and are left out, as in margins of real months
    (assurance/margin.py). None without revenue, or where some cost is not known.
    """
    if not all(used.cost_known for used in months.values()):
        return None
    earned = sum(
        line.net_fen
        for each in found.values()
        for line in each.lines
        if line.kind in {LineKind.USAGE, LineKind.TIER_DISCOUNT}
    )
    cost_e8 = sum(used.cost_e8 for used in months.values())
    if earned <= 0:
        return None
    revenue_e8 = earned * _FEN_E18
    return divide((revenue_e8 - cost_e8) * PPM, revenue_e8)
