"""Read a customer's usage for a trend, all at one moment: what is summed, and what is live.

The sums hold the hours before `through`; behind it the hours themselves are read, and what came
late to summed hours and is not folded yet. Together that is what the rollups say, at any moment:
so a call is in the figures as soon as it is in the rollups, and once.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from yuejie.customers.customer import Customer
from yuejie.customers.store import keys, projects
from yuejie.db.session import Tx
from yuejie.insights.trend import store
from yuejie.insights.trend.effects import NOTHING, Article, Sold
from yuejie.insights.trend.figures import Sums, total
from yuejie.insights.trend.places import By, Face, Filter, Places, face_of
from yuejie.insights.trend.span import DAY, Bucket, Grain, Period, Tile, end_of, midnight, tiles
from yuejie.insights.trend.store import Live, Scope, SoldRow, Summed, SumRow
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.period import BillingMonth, zone_of
from yuejie.usage.sums.store import KEPT, summed

Found = dict[tuple[date | datetime | None, str], Sums]
"""By bucket and line; a whole period has no bucket."""
_Read = Callable[[Tx, CustomerId, Scope, Summed], list[SumRow]]

_SUMS: Final[dict[Face, _Read]] = {
    Face.MODEL: store.sums_by_model,
    Face.PLACE: store.sums_by_place,
    Face.WHOLE: store.sums_of_whole,
}
_ALL: Final = "all"


class Reader:
    """One customer's usage as one transaction sees it, which sees one moment (`consistent`)."""

    def __init__(self, tx: Tx, customer: Customer) -> None:
        self._tx = tx
        self._id = customer.customer_id
        self.zone: ZoneInfo = zone_of(customer.zone)
        store.give_room(tx)
        self.through = summed(tx).through
        self.places = Places(
            projects(tx, self._id),
            keys(tx, self._id),
            store.providers(tx),
            zone=customer.zone,
        )

    def buckets(
        self,
        grain: Grain,
        wanted: list[Bucket],
        filter_: Filter,
        by: By | None,
        tag_name: str | None,
    ) -> Found:
        """Return the sums of each bucket and line."""
        scope = self.places.scope(filter_, by, str(grain))
        first, last = wanted[0].at, wanted[-1]
        if isinstance(first, datetime):
            rows = self._hours(scope, first, last.until)
        else:
            rows = self._summed(scope, Tile(grain, first, end_of(grain, last)))
            rows += self._live(scope, midnight(first, self.zone), last.until)
        return self._fold(rows, by, filter_, tag_name, hours=grain is Grain.HOUR)

    def _hours(self, scope: Scope, since: datetime, until: datetime) -> list[SumRow]:
        """Read hours: summed as far as they are kept so, else one by one."""
        if face_of(scope) is Face.WHOLE or since < self.through - KEPT:
            span = self._span(since, until, through=since)
            return store.live_sums(self._tx, self._id, scope, span)
        rows = self._live(scope, since, until)
        if since < self.through:
            hours = (since, min(until, self.through))
            months = self._months(*hours)
            summed = Summed(str(Grain.HOUR), *hours, months[0], months[-1])
            rows += _SUMS[face_of(scope)](self._tx, self._id, scope, summed)
        return rows

    def period(
        self, period: Period, filter_: Filter, by: By | None, tag_name: str | None
    ) -> dict[str, Sums]:
        """Return the sums of each line over a period."""
        scope = self.places.scope(filter_, by, _ALL)
        rows: list[SumRow] = []
        for tile in tiles(period):
            rows += self._summed(scope, tile)
        rows += self._live(scope, *period.instants(self.zone))
        return {name: sums for (_, name), sums in self._fold(rows, by, filter_, tag_name).items()}

    def sold(self, period: Period, filter_: Filter) -> dict[str, dict[Article, Sold]]:
        """Return what was billed over a period, by currency and article."""
        scope = self.places.scope(filter_, By.MODEL, _ALL)
        read = store.sold_by_model if face_of(scope) is Face.MODEL else store.sold_of_whole
        rows: list[SoldRow] = []
        for tile in tiles(period):
            rows += read(self._tx, self._id, scope, _cut(tile))
        span = self._span(*period.instants(self.zone))
        rows += store.live_sold(self._tx, self._id, scope, span)
        return self._articles(rows)

    def _summed(self, scope: Scope, tile: Tile) -> list[SumRow]:
        return _SUMS[face_of(scope)](self._tx, self._id, scope, _cut(tile))

    def _live(self, scope: Scope, since: datetime, until: datetime) -> list[SumRow]:
        return store.live_sums(self._tx, self._id, scope, self._span(since, until))

    def _span(self, since: datetime, until: datetime, through: datetime | None = None) -> Live:
        """Return what of a span is not in the sums, as if they went `through` an instant."""
        summed = self.through if through is None else through
        hours = max(since, summed)
        months = self._months(hours, until) if hours < until else []
        return Live(since, hours, until, summed, months)

    def _months(self, since: datetime, until: datetime) -> list[str]:
        month = BillingMonth.of(since, self.zone)
        last = BillingMonth.of(until - timedelta(microseconds=1), self.zone)
        months = [str(month)]
        while month < last:
            month = month.next
            months.append(str(month))
        return months

    def _fold(
        self,
        rows: Iterable[SumRow],
        by: By | None,
        filter_: Filter,
        tag_name: str | None,
        *,
        hours: bool = False,
    ) -> Found:
        """Add up the rows of each bucket and line. Places and times are few, rows are many."""
        found: defaultdict[tuple[int | None, str], list[SumRow]] = defaultdict(list)
        names: dict[str, str] = {}
        for row in rows:
            name = names.get(row.name)
            if name is None:
                name = names[row.name] = self.places.name(row.name, by, filter_, tag_name)
            found[row.at_s, name].append(row)
        times = {at_s: _moment(at_s, hours=hours) for at_s in {at_s for at_s, _ in found}}
        return {(times[at_s], name): _sums(rows) for (at_s, name), rows in found.items()}

    def _articles(self, rows: list[SoldRow]) -> dict[str, dict[Article, Sold]]:
        rates = store.rate_facts(self._tx, sorted({row.sale_rate for row in rows}))
        sold: defaultdict[str, dict[Article, Sold]] = defaultdict(dict)
        for row in rows:
            rate, quantity = rates.get(row.sale_rate), int(row.quantity)
            if rate is None or not quantity:
                continue
            facts = (rate.service_tier, rate.context_above, rate.time_window)
            article, of = Article(row.model, row.meter, *facts), sold[rate.currency]
            of[article] = of.get(article, NOTHING) + Sold(quantity, quantity * rate.pico)
        return dict(sold)


def _cut(tile: Tile) -> Summed:
    """Return what the tables are asked for a tile; the end's month is that of the last day."""
    first, end = (datetime(d.year, d.month, d.day, tzinfo=UTC) for d in (tile.first, tile.end))
    return Summed(str(tile.grain), first, end, f"{first:%Y-%m}", f"{end - DAY:%Y-%m}")


def _moment(at_s: int | None, *, hours: bool) -> date | datetime | None:
    if at_s is None:
        return None
    at = datetime.fromtimestamp(at_s, UTC)
    return at if hours else at.date()


def _sums(rows: list[SumRow]) -> Sums:
    if len(rows) == 1:
        return _of(rows[0])
    return total(map(_of, rows))


def _of(row: SumRow) -> Sums:
    """Read a row; a currency in which there is nothing is not named."""
    charges = {"CNY": row.sale_cny} if row.sale_cny else {}
    if row.sale_usd:
        charges["USD"] = row.sale_usd
    costs = {"CNY": row.cost_cny} if row.cost_cny else {}
    if row.cost_usd:
        costs["USD"] = row.cost_usd
    return Sums(
        row.requests,
        row.failed,
        row.pending,
        row.tokens,
        row.input_side,
        row.cache_reads,
        charges,
        costs,
    )
