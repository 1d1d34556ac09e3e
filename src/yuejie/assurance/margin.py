"""What we earn: usage at sale rates less the same usage at cost rates, in one currency.

Revenue is usage at the rates that were written down for it, before fees, minimums, packages and
credits, which belong to no model; tax is in it where the contract's prices include it, and is
taken out. Cost is every attempt's, also those that no customer pays for. Cloud bills stand beside
usage: what the cloud asks for is the cost, that times the agreed mark-up the revenue.
"""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum

from yuejie.assurance import store
from yuejie.assurance.clouds.worth import CloudWorth, cloud_worth
from yuejie.assurance.store import WorthRow
from yuejie.contracts.fx import LOOK_BACK, month_rate
from yuejie.contracts.store import fx_rows
from yuejie.db.session import Database, Tx
from yuejie.kernel.money import FX_SCALE, PPM, Charge, Money, divide
from yuejie.kernel.period import BillingMonth


class MarginBy(StrEnum):
    """What margins are shown for."""

    CUSTOMER = "customer"
    MODEL = "model"
    CONTRACT = "contract"


@dataclass(frozen=True, slots=True)
class Margin:
    """What was earned on something in a month, in picos of CNY, without tax."""

    name: str
    calls: int
    revenue_pico: int
    cost_pico: int

    @property
    def margin_pico(self) -> int:
        """Revenue less cost; negative is a loss."""
        return self.revenue_pico - self.cost_pico

    @property
    def amounts(self) -> tuple[Money, Money, Money]:
        """Revenue, cost and their difference, to the fen, as they are written beside each other."""
        revenue, cost = (Charge(n, "CNY").settle() for n in (self.revenue_pico, self.cost_pico))
        return revenue, cost, revenue - cost

    @property
    def margin_ppm(self) -> int | None:
        """The margin's share of the revenue, None without revenue."""
        if self.revenue_pico <= 0:
            return None
        return divide(self.margin_pico * PPM, self.revenue_pico)


def show_margins(db: Database, month: BillingMonth, by: MarginBy) -> list[Margin]:
    """Return the month's margins, the largest revenue first; a missing exchange rate refuses."""
    with db.read(consistent=True) as tx:
        rows = store.worth(tx, str(month))
        clouds = list(cloud_worth(tx, str(month)))
        used = {name for r in rows for name in (r.sale_currency, r.cost_currency) if name}
        rates = _rates(tx, used | {each.currency for each in clouds}, month)
    return _margins(rows, clouds, by, rates)


def _rates(tx: Tx, foreign: AbstractSet[str], month: BillingMonth) -> dict[str, int]:
    """Return what one unit of each currency is worth in CNY, times FX_SCALE."""
    rates = {"CNY": FX_SCALE}
    for name in sorted(foreign - {"CNY"}):
        first = month.first_day - LOOK_BACK
        known = fx_rows(tx, base=name, quote="CNY", first=first, last=month.last_day)
        rates[name] = month_rate(known, base=name, quote="CNY", month=month).rate.e8
    return rates


def _margins(
    rows: Iterable[WorthRow],
    clouds: Iterable[CloudWorth],
    by: MarginBy,
    rates: Mapping[str, int],
) -> list[Margin]:
    sums: dict[str, list[int]] = {}
    for row in rows:
        name = {
            MarginBy.CUSTOMER: row.customer,
            MarginBy.MODEL: row.model,
            MarginBy.CONTRACT: row.contract_id,
        }[by]
        cell = sums.setdefault(name, [0, 0, 0])
        cell[0] += int(row.calls)
        if row.sale_currency:
            gross = divide(int(row.sale_pico) * rates[row.sale_currency], FX_SCALE)
            cell[1] += divide(gross * PPM, PPM + row.included_tax_ppm)
        if row.cost_currency:
            cell[2] += divide(int(row.cost_pico) * rates[row.cost_currency], FX_SCALE)
    for each in clouds:
        name = {
            MarginBy.CUSTOMER: each.customer,
            MarginBy.MODEL: each.name,
            MarginBy.CONTRACT: each.contract_id,
        }[by]
        cell = sums.setdefault(name, [0, 0, 0])
        cost = divide(each.cost_pico * rates[each.currency], FX_SCALE)
        cell[1] += divide(cost * each.sale_ppm, PPM + each.included_tax_ppm)
        cell[2] += cost
    found = [Margin(name, *cell) for name, cell in sums.items()]
    return sorted(found, key=lambda m: (-m.revenue_pico, m.name))
