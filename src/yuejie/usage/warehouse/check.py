"""What lies where, and whether ClickHouse still holds every batch to the row."""

from dataclasses import dataclass
from datetime import date

from yuejie.db.session import Database
from yuejie.db.warehouse.client import Warehouse
from yuejie.kernel.period import BillingMonth
from yuejie.usage.warehouse import store
from yuejie.usage.warehouse.batch import Place
from yuejie.usage.warehouse.clickhouse import store as far
from yuejie.usage.warehouse.move import NOBODY_ASKED, Progress


@dataclass(frozen=True, slots=True)
class Lying:
    """A partition: where it lies, how much of it is there, and what that takes."""

    month: BillingMonth
    place: str
    rows: int
    """As batches count them; 0 while nothing was moved."""
    batches: int
    verified: int
    bytes: int | None
    """On ClickHouse's disk, compressed; None without a warehouse."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """A batch that is not there as it was counted."""

    batch_id: int
    month: BillingMonth
    customer_id: str
    expected: int
    found: int


def show_partitions(db: Database) -> list[Lying]:
    """Return every partition, oldest first, and where it lies."""
    with db.read() as tx:
        places = {each.first_day: each.state for each in store.partitions(tx)}
        days = sorted({*store.standing(tx), *places})
        batches = {day: store.batches(tx, day) for day in days}
    sizes = {each.partition: each.bytes for each in _sizes(db.warehouse)}
    return [
        Lying(
            month := BillingMonth(day.year, day.month),
            places.get(day, Place.HERE),
            sum(batch.rows for batch in batches[day]),
            len(batches[day]),
            sum(batch.verified_at is not None for batch in batches[day]),
            sizes.get(month.year * 100 + month.month, 0) if db.warehouse else None,
        )
        for day in days
    ]


def _sizes(warehouse: Warehouse | None) -> list[far.Size]:
    if warehouse is None:
        return []
    far.create(warehouse)
    return far.sizes(warehouse)


def check_batches(
    db: Database,
    warehouse: Warehouse,
    *,
    only: date | None = None,
    progress: Progress = NOBODY_ASKED,
) -> tuple[int, list[Wrong]]:
    """Count and sum every verified batch again; return how many, and those that differ."""
    with db.read() as tx:
        days = [each.first_day for each in store.partitions(tx)] if only is None else [only]
        batches = [b for day in days for b in store.batches(tx, day) if b.verified_at]
    wrong = []
    for done, batch in enumerate(batches, 1):
        found = far.sum_of(warehouse, batch.slice)
        if found != batch.sum:
            month = BillingMonth(batch.first_day.year, batch.first_day.month)
            wrong.append(Wrong(batch.batch_id, month, batch.customer_id, batch.rows, found.rows))
        progress(done, len(batches))
    return len(batches), wrong
