"""Calls that have ended, made by the thousand: rated as the gateway rates, at the real prices."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from yuejie.contracts.prices import Book
from yuejie.contracts.store import book, book_rows, contract_at
from yuejie.customers.customer import Customer
from yuejie.customers.enrol import find_customer
from yuejie.customers.store import project_by_name
from yuejie.db.session import Database, Tx
from yuejie.kernel.ids import uuid7_at
from yuejie.kernel.period import BillingMonth, local_hour, zone_of
from yuejie.rating.price import rate_items
from yuejie.usage.event import Item
from yuejie.usage.journal import Begun, Ended, EndedItem
from yuejie.usage.meters import Meter
from yuejie.usage.record import unix_us

MODELS: Final = {"gpt-4o": "openai-main", "gemini-1.5-pro": "google-main"}
"""Models of the demo, with the account that serves each."""
PREFIXES: Final = {"openai-main": "openai/", "google-main": "gemini_api/"}
METERS: Final = (Meter.INPUT, Meter.CACHE_READ, Meter.OUTPUT, Meter.REQUESTS)
TOOK: Final = timedelta(seconds=1)
_VARIETY: Final = 997
"""Sizes repeat after so many calls; a prime, so that every customer meets all of them."""


@dataclass(frozen=True, slots=True)
class Caller:
    """A customer's project that calls one model: all that its calls have in common."""

    customer: str
    project: str
    contract: str
    version: int
    model: str
    deployment: str
    sale_revision: int
    cost_revision: int
    sizes: tuple[tuple[EndedItem, ...], ...]

    def call(self, number: int, started_us: int, month: str, hour_s: int) -> Ended:
        """Return the n-th call, ended."""
        event = uuid7_at(started_us // 1000)
        begun = Begun(
            event,
            event,
            1,
            started_us,
            month,
            hour_s,
            self.customer,
            self.project,
            "key_bench",
            "",
            self.deployment,
            "openai.chat",
            self.model,
            False,  # noqa: FBT003 - records are written by position
            self.contract,
            self.version,
            "sale",
            self.sale_revision,
            "cost",
            self.cost_revision,
        )
        items = self.sizes[number % _VARIETY]
        return Ended(begun, started_us + 1_000_000, "measured", "", True, items)  # noqa: FBT003 - the same


def callers(db: Database, slugs: Sequence[str], at: datetime) -> list[Caller]:
    """Return every customer with every model, priced as at an instant."""
    with db.read() as tx:
        sale, cost = _book(tx, "sale"), _book(tx, "cost")
        sizes = {model: _sizes(model, sale, cost, at) for model in MODELS}
        return [
            _caller(tx, find_customer(tx, slug), model, sizes[model], (sale, cost), at)
            for model in MODELS
            for slug in slugs
        ]


def spread(
    callers: Sequence[Caller], month: BillingMonth, zone: str, events: int
) -> Iterator[list[Ended]]:
    """Yield a month's calls hour by hour, the callers in turn."""
    span = month.span(zone_of(zone))
    hours = int((span.end - span.start) / timedelta(hours=1))
    number = 0
    for index in range(hours):
        start = span.start + timedelta(hours=index)
        hour_s, start_us = int(start.timestamp()), unix_us(start)
        until = events * (index + 1) // hours
        step_us = 3_600_000_000 // max(until - number, 1)
        label, first = str(month), number
        yield [
            callers[n % len(callers)].call(n, start_us + (n - first) * step_us, label, hour_s)
            for n in range(first, until)
        ]
        number = until


def lively(callers: Sequence[Caller], now: datetime, zone: str, events: int) -> Iterator[Ended]:
    """Yield calls of the last minutes, the callers in turn, five thousand a second."""
    started = unix_us(now) - events * 200
    month = str(BillingMonth.of(now, zone_of(zone)))
    hour_s = int(local_hour(now, zone_of(zone)).timestamp())
    for number in range(events):
        yield callers[number % len(callers)].call(number, started + number * 200, month, hour_s)


def quantity(callers: Sequence[Caller], events: int) -> int:
    """Return the sum of everything that the first so many calls used."""
    whole, rest = divmod(events, len(callers) * _VARIETY)
    sums = [[sum(item.quantity for item in size) for size in each.sizes] for each in callers]
    total = whole * sum(map(sum, sums))
    return total + sum(sums[n % len(callers)][n % _VARIETY] for n in range(rest))


def _caller(
    tx: Tx,
    customer: Customer,
    model: str,
    sizes: tuple[tuple[EndedItem, ...], ...],
    books: tuple[Book, Book],
    at: datetime,
) -> Caller:
    contract = contract_at(tx, customer.customer_id, at)
    project = project_by_name(tx, customer.customer_id, "main")
    assert contract is not None and project is not None  # noqa: PT018, S101 - the house was made so
    sale, cost = (each.revision_at(unix_us(at)) or 0 for each in books)
    return Caller(
        customer.customer_id,
        project.project_id,
        contract.contract_id,
        contract.version,
        model,
        f"{MODELS[model]}/{model}",
        sale,
        cost,
        sizes,
    )


def _sizes(model: str, sale: Book, cost: Book, at: datetime) -> tuple[tuple[EndedItem, ...], ...]:
    """Rate one call and vary its quantities: tokens of four kinds, and the request itself."""
    at_us = unix_us(at)
    rated = rate_items(
        [Item(model, meter, 1) for meter in METERS],
        sale=sale,
        cost=cost,
        sale_model=model,
        cost_prefix=PREFIXES[MODELS[model]],
        sale_revision=sale.revision_at(at_us) or 0,
        cost_revision=cost.revision_at(at_us) or 0,
        started_us=at_us,
        service_tier="default",
        context_tokens=2_000,
        billable=True,
    )
    assert not rated.unpriced, rated.unpriced  # noqa: S101 - the seed prices these models
    return tuple(
        tuple(
            EndedItem(item.model, item.meter, tokens, item.sale_rate, item.cost_rate)
            for item, tokens in zip(
                rated.items, (200 + n, 7 * n % 300, 50 + 11 * n % 700, 1), strict=True
            )
        )
        for n in range(_VARIETY)
    )


def _book(tx: Tx, book_id: str) -> Book:
    row = book(tx, book_id)
    assert row is not None  # noqa: S101 - the house was made so
    return Book(book_rows(tx, row))
