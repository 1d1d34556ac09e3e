"""A customer's usage over time: the small API that forecasts, advice and reports build on.

    with db.read(consistent=True) as tx:
        series = read_series(tx, customer, Asked(grain=Grain.DAY, count=90, by=By.MODEL), now=now)
    for line in series.top(5).lines:
        line.values(Measure.CHARGE, series.currency)     # a Fraction per bucket, oldest first

Everything is exact and live: what is in the rollups is in here, once (`reading.py`).
"""

from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import datetime
from fractions import Fraction
from typing import Final

from yuejie.customers.customer import Customer
from yuejie.db.session import Database, Tx
from yuejie.insights.trend.figures import OPERATORS, Measure, Sums, total
from yuejie.insights.trend.places import By, Filter
from yuejie.insights.trend.reading import Reader
from yuejie.insights.trend.span import BUCKETS, Bucket, Grain, buckets_until
from yuejie.kernel.errors import Forbidden, Invalid
from yuejie.kernel.ids import CustomerId

TOP: Final = 10
TOP_MAX: Final = 200
REST: Final = "其余"
EMPTY: Final = Sums()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a trend is of: so many buckets up to an instant (now), by what, of which part.

    `tag_name` says by which tag, where it is by tags; else by the whole set of them.
    """

    grain: Grain = Grain.MONTH
    count: int | None = None
    until: datetime | None = None
    by: By | None = None
    tag_name: str | None = None
    filter: Filter = field(default_factory=Filter)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a trend: the sums of each bucket, oldest first."""

    name: str
    label: str
    sums: tuple[Sums, ...]
    members: int = 1
    """How many lines are in it: of the rest, all that are not shown."""

    @property
    def whole(self) -> Sums:
        """The sums of all buckets together."""
        return total(self.sums)

    def values(self, measure: Measure, currency: str) -> list[Fraction | None]:
        """Return a measure of each bucket exactly; money in that currency's units."""
        return [each.value(measure, currency) for each in self.sums]


@dataclass(frozen=True, slots=True)
class Series:
    """A trend: buckets, and lines that add up to the whole."""

    customer_id: CustomerId
    grain: Grain
    by: By | None
    buckets: tuple[Bucket, ...]
    lines: tuple[Line, ...]
    whole: Line

    @property
    def currencies(self) -> tuple[str, ...]:
        """The currencies in which anything was charged."""
        return tuple(sorted({name for each in self.whole.sums for name in each.charges}))

    @property
    def currency(self) -> str:
        """The currency of the newest charge; empty where nothing was charged."""
        for sums in reversed(self.whole.sums):
            if sums.charges:
                return max(sums.charges, key=lambda name: (sums.charges[name], name))
        return ""

    def top(
        self,
        count: int = TOP,
        measure: Measure = Measure.CHARGE,
        currency: str | None = None,
    ) -> "Series":
        """Keep the lines that are largest over all buckets; the rest becomes one line."""
        if not 1 <= count <= TOP_MAX:
            raise Invalid(f"前几名请写 1 到 {TOP_MAX}，现为 {count}")
        money = self.currency if currency is None else currency
        ranked = sorted(self.lines, key=lambda line: _rank(line, measure, money))
        shown, others = ranked[:count], ranked[count:]
        if others:
            columns = zip(*(line.sums for line in others), strict=True)
            rest = Line("", REST, tuple(total(column) for column in columns), len(others))
            shown = [*shown, rest]
        return replace(self, lines=tuple(shown))


def _rank(line: Line, measure: Measure, currency: str) -> tuple[Fraction, int, str]:
    tokens = sum(each.tokens for each in line.sums)
    if measure is Measure.CHARGE:  # what is nearly always asked: nothing else need be added up
        pico = sum(each.charges.get(currency, 0) for each in line.sums)
        return (Fraction(-pico), -tokens, line.name)
    return (-(line.whole.value(measure, currency) or Fraction(0)), -tokens, line.name)


def read_series(tx: Tx, customer: Customer, asked: Asked, *, now: datetime) -> Series:
    """Read a trend. `tx` sees one moment: `Database.read(consistent=True)`.

    Raises NotFound for a project, key, provider, department or environment that is not there, and
    Invalid for too many buckets.
    """
    reader = Reader(tx, customer)
    count = BUCKETS[asked.grain] if asked.count is None else asked.count
    buckets = buckets_until(asked.grain, asked.until or now, count, reader.zone)
    found = reader.buckets(asked.grain, buckets, asked.filter, asked.by, asked.tag_name)
    places = {bucket.at: place for place, bucket in enumerate(buckets)}
    grid: defaultdict[str, list[Sums]] = defaultdict(lambda: [EMPTY] * len(buckets))
    for (at, name), sums in found.items():
        if at in places:
            grid[name][places[at]] = sums
    whole = [total(column) for column in zip(*grid.values(), strict=True)] if grid else []
    lines = [
        Line(name, reader.places.label(name, asked.by), tuple(sums))
        for name, sums in sorted(grid.items())
        if any(each != EMPTY for each in sums)
    ]
    return Series(
        customer.customer_id,
        asked.grain,
        asked.by,
        tuple(buckets),
        tuple(lines) if asked.by else (),
        Line("", "合计", tuple(whole or [EMPTY] * len(buckets)), len(lines)),
    )


def show_series(db: Database, customer: Customer, asked: Asked, *, now: datetime) -> Series:
    """Read a trend in a transaction of its own."""
    with db.read(consistent=True) as tx:
        return read_series(tx, customer, asked, now=now)


def refuse_operators(measure: Measure, *, is_operator: bool) -> None:
    """Refuse a customer what things cost us."""
    if measure in OPERATORS and not is_operator:
        raise Forbidden("成本与毛利只有运营方可见，请改看费用、token、请求或单价")
