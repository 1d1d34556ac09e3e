"""Nouns of the warehouse: a partition, where it lies, and the batches it is moved in."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from yuejie.kernel.errors import Conflict
from yuejie.kernel.period import BillingMonth

BATCH_ROWS: Final = 200_000
"""Versions of events in a batch: some 90 MB as text, and one block of ClickHouse."""


class Place(StrEnum):
    """Where the events of a partition lie. Stored by value; never renamed."""

    HERE = "here"
    MOVED = "moved"
    DELETED = "deleted"
    """Past their term; the rollups still say what they came to."""


class EventsElsewhere(Conflict):
    """What was asked needs raw events that were moved; it is refused before it is half answered."""

    code = "events_elsewhere"


class NotAsCounted(Conflict):
    """ClickHouse counts or sums a batch otherwise than PostgreSQL; nothing was dropped."""

    code = "not_as_counted"


@dataclass(frozen=True, slots=True)
class Partition:
    """A partition of which something is known to the warehouse."""

    first_day: date
    state: str
    upto_epoch: int
    rows: int
    changed_at: datetime

    @property
    def number(self) -> int:
        """Return the partition as ClickHouse numbers it: 202610."""
        return number_of(self.first_day)

    @property
    def month(self) -> BillingMonth:
        """Return the UTC month of its event ids."""
        return BillingMonth(self.first_day.year, self.first_day.month)


@dataclass(frozen=True, slots=True)
class Slice:
    """What a batch consists of: the same rows whenever it is read, for both epochs are over."""

    first_day: date
    customer_id: str
    after_epoch: int
    upto_epoch: int
    low: UUID
    high: UUID


@dataclass(frozen=True, slots=True)
class Sum:
    """How many rows, and the sum of their hashes: the order does not matter, a double does."""

    rows: int
    checksum: str


@dataclass(frozen=True, slots=True)
class Batch:
    """A slice with what PostgreSQL counted of it."""

    batch_id: int
    first_day: date
    customer_id: str
    after_epoch: int
    upto_epoch: int
    low: UUID
    high: UUID
    first_month: str
    last_month: str
    rows: int
    checksum: str
    verified_at: datetime | None

    @property
    def slice(self) -> Slice:
        """Return which rows it consists of."""
        return Slice(
            self.first_day,
            self.customer_id,
            self.after_epoch,
            self.upto_epoch,
            self.low,
            self.high,
        )

    @property
    def sum(self) -> Sum:
        """Return what it must come to."""
        return Sum(self.rows, self.checksum)

    @property
    def token(self) -> str:
        """Return by which ClickHouse knows it again, should it be sent twice."""
        return f"yuejie-{self.batch_id}-{self.rows}-{self.checksum}"


def number_of(first_day: date) -> int:
    """Return a partition as ClickHouse numbers it: 202610 for October 2026."""
    return first_day.year * 100 + first_day.month


def day_of(event_id: UUID) -> date:
    """Return the first day of the UTC month a UUIDv7 was minted in, from its milliseconds."""
    return datetime.fromtimestamp((event_id.int >> 80) // 1000, tz=UTC).date().replace(day=1)


def refuse_moved(moved: Iterable[Partition], ids: Iterable[UUID]) -> None:
    """Refuse to touch events that lie elsewhere; raises EventsElsewhere, naming the partition."""
    away = {partition.first_day: partition for partition in moved}
    for event_id in ids:
        found = away.get(day_of(event_id))
        if found is not None:
            raise EventsElsewhere(
                f"事件 {event_id} 属于 {found.month}，该月原始用量{_said(found)}，本次未写入"
            )


def refuse_elsewhere(partitions: Iterable[Partition], what: str) -> None:
    """Refuse a question that reads PostgreSQL alone where it would be answered in part."""
    for found in partitions:
        raise EventsElsewhere(f"{what}需要 {found.month} 的原始用量，它们{_said(found)}")


def _said(found: Partition) -> str:
    if found.state == Place.DELETED:
        return f"已于 {found.changed_at:%Y-%m-%d} 按保留期限删除"
    return f"已移入 ClickHouse；请先运行 yuejie usage warehouse restore {found.month}"
