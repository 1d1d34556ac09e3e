"""Compare any two periods: what changed, where, and why.

Charges are subtracted only within a currency. Where the periods were charged in different
currencies (a contract moved from USD to CNY), each is told in its own and nothing is subtracted;
where both have two, each currency is explained by itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Final

from yuejie.customers.customer import Customer
from yuejie.db.session import Database, Tx
from yuejie.insights.trend.effects import Article, Decomposition, Sold, decompose
from yuejie.insights.trend.figures import Measure, Sums, total
from yuejie.insights.trend.places import By, Filter
from yuejie.insights.trend.reading import Reader
from yuejie.insights.trend.series import EMPTY
from yuejie.insights.trend.span import Period

ROWS_MAX: Final = 1_000
"""Lines that are told; the largest changes come first."""


@dataclass(frozen=True, slots=True)
class Side:
    """One period: what was used in it, and over how many days figures per day are."""

    period: Period
    days: int
    sums: Sums

    def per_day(self, measure: Measure, currency: str) -> Fraction | None:
        """Return a measure per day, of the days that have begun."""
        value = self.sums.value(measure, currency)
        return None if value is None or not self.days else value / self.days


@dataclass(frozen=True, slots=True)
class Change:
    """One line in both periods."""

    name: str
    label: str
    before: Sums
    after: Sums

    def by(self, measure: Measure, currency: str) -> Fraction | None:
        """Return how much a measure changed; None where one side has none."""
        was, now = (each.value(measure, currency) for each in (self.before, self.after))
        return None if was is None or now is None else now - was


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two periods beside each other."""

    before: Side
    after: Side
    by: By | None
    changes: tuple[Change, ...]
    why: tuple[Decomposition, ...]
    """By currency; empty where the currencies of the periods differ."""
    why_not: str = ""
    """Why nothing is explained, in a sentence."""

    @property
    def currencies(self) -> tuple[str, ...]:
        """The currencies in which anything was charged in either period."""
        return tuple(sorted({*self.before.sums.charges, *self.after.sums.charges}))


@dataclass(frozen=True, slots=True)
class Periods:
    """What is compared with what."""

    before: Period
    after: Period


def compare(
    tx: Tx,
    customer: Customer,
    periods: Periods,
    *,
    by: By | None = None,
    tag_name: str | None = None,
    wanted: Filter,
    now: datetime,
) -> Comparison:
    """Compare two periods. `tx` sees one moment: `Database.read(consistent=True)`."""
    reader = Reader(tx, customer)
    sides, found, sold = [], [], []
    for period in (periods.before, periods.after):
        lines = reader.period(period, wanted, by, tag_name)
        found.append(lines)
        days = period.days_begun(now, reader.zone)
        sides.append(Side(period, days, total(lines.values())))
        sold.append(reader.sold(period, wanted))
    changes = [
        Change(
            name,
            reader.places.label(name, by),
            found[0].get(name, EMPTY),
            found[1].get(name, EMPTY),
        )
        for name in sorted(found[0].keys() | found[1].keys())
    ]
    why, why_not = _explained(sold[0], sold[1])
    return Comparison(sides[0], sides[1], by, _ranked(changes) if by else (), why, why_not)


def show_comparison(
    db: Database,
    customer: Customer,
    periods: Periods,
    *,
    by: By | None = None,
    tag_name: str | None = None,
    wanted: Filter,
    now: datetime,
) -> Comparison:
    """Compare two periods in a transaction of its own."""
    with db.read(consistent=True) as tx:
        return compare(tx, customer, periods, by=by, tag_name=tag_name, wanted=wanted, now=now)


_BySold = Mapping[str, Mapping[Article, Sold]]


def _explained(before: _BySold, after: _BySold) -> tuple[tuple[Decomposition, ...], str]:
    if before and after and before.keys() != after.keys():
        was, now = ("、".join(sorted(each)) for each in (before, after))
        return (), f"两期计费币种不同（先 {was}，后 {now}），不能相减，也就不分解；请分别查看"
    return tuple(
        decompose(currency, before.get(currency, {}), after.get(currency, {}))
        for currency in sorted(before.keys() | after.keys())
    ), ""


def _ranked(changes: list[Change]) -> tuple[Change, ...]:
    """Put the largest changes of charges first, whatever their currency; then those in tokens."""

    def size(change: Change) -> tuple[int, int, str]:
        currencies = {*change.before.charges, *change.after.charges}
        pico = max(
            (
                abs(change.after.charges.get(each, 0) - change.before.charges.get(each, 0))
                for each in currencies
            ),
            default=0,
        )
        return (-pico, -abs(change.after.tokens - change.before.tokens), change.name)

    return tuple(sorted(changes, key=size)[:ROWS_MAX])
