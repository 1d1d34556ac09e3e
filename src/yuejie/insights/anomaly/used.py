"""Usage as the watch sees it: each measure summed for a customer, its projects, keys, models."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from yuejie.insights.anomaly.explain import Used
from yuejie.insights.anomaly.finding import Measure, Scope, Series
from yuejie.kernel.ids import CustomerId

Worth = Callable[[str, int], int]
"""What so many picos of a currency are in picos of the contract's."""


@dataclass(frozen=True, slots=True)
class Row:
    """What one key used on one model in one hour."""

    hour: datetime
    project_id: str
    key_id: str
    model: str
    quantities: dict[Measure, int]

    def places(self, customer_id: CustomerId) -> Iterator[tuple[Scope, str]]:
        """Yield everywhere where it counts."""
        yield Scope.CUSTOMER, customer_id
        yield Scope.PROJECT, self.project_id
        yield Scope.KEY, self.key_id
        yield Scope.MODEL, self.model


class Usage:
    """A customer's usage of some hours."""

    def __init__(self, customer_id: CustomerId, rows: Iterable[Row]) -> None:
        self._customer_id = customer_id
        self._by_hour: defaultdict[datetime, list[Row]] = defaultdict(list)
        for row in rows:
            self._by_hour[row.hour].append(row)

    @property
    def first(self) -> datetime | None:
        """The first hour in which anything was used."""
        return min(self._by_hour, default=None)

    def sums(self, since: datetime, until: datetime) -> dict[Series, int]:
        """Sum what was used between two instants, for every series that it counts in."""
        sums: defaultdict[Series, int] = defaultdict(int)
        for row in self._between(since, until):
            for scope, name in row.places(self._customer_id):
                for measure, quantity in row.quantities.items():
                    sums[Series(scope, name, measure)] += quantity
        return dict(sums)

    def within(self, series: Series, since: datetime, until: datetime) -> list[Used]:
        """Return what was used of a series between two instants, by key and model."""
        return [
            Used(row.key_id, row.model, row.quantities[series.measure])
            for row in self._between(since, until)
            if (series.scope, series.name) in row.places(self._customer_id)
        ]

    def total(self, series: Series, since: datetime, until: datetime) -> int:
        """Return how much was used of a series between two instants."""
        return sum(used.quantity for used in self.within(series, since, until))

    def _between(self, since: datetime, until: datetime) -> Iterator[Row]:
        for hour in sorted(self._by_hour):
            if since <= hour < until:
                yield from self._by_hour[hour]
