"""Read raw events wherever they lie.

A partition lies wholly in one place, so what both places answer is put together and never held
against each other. Every read first keeps partitions from coming and going.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from heapq import merge
from itertools import islice
from typing import Any, Final
from uuid import UUID

from yuejie.db.session import Tx
from yuejie.kernel.period import BillingMonth
from yuejie.usage import store as near
from yuejie.usage.store import EventRow, RollupRow
from yuejie.usage.warehouse import store
from yuejie.usage.warehouse.batch import (
    EventsElsewhere,
    Partition,
    Place,
    day_of,
    refuse_elsewhere,
    refuse_moved,
)
from yuejie.usage.warehouse.clickhouse import store as far
from yuejie.usage.warehouse.clickhouse.store import Wanted

_EVER: Final = ("0000-00", "9999-99")
hold_partitions = store.hold_partitions


@dataclass(frozen=True, slots=True)
class Away:
    """Where a customer's moved events of some months are."""

    partitions: tuple[int, ...]
    newest: date | None

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self.partitions)


def away(tx: Tx, customer_id: str, first: str = _EVER[0], last: str = _EVER[1]) -> Away:
    """Return the partitions to be read there; raises EventsElsewhere where some were deleted."""
    return _away(_found(tx, customer_id, first, last, Place.DELETED))


def still_away(tx: Tx, customer_id: str, last: str = _EVER[1]) -> Away:
    """Return the same for a list of what there is, of which what was deleted is no part."""
    hold_partitions(tx)
    found = store.away(tx, customer_id, _EVER[0], last)
    return _away([each for each in found if each.state == Place.MOVED])


def _found(tx: Tx, customer_id: str, first: str, last: str, *refused: Place) -> list[Partition]:
    hold_partitions(tx)
    found = store.away(tx, customer_id, first, last)
    refuse_elsewhere((each for each in found if each.state in refused), "这项计算")
    return found


def _away(found: Sequence[Partition]) -> Away:
    newest = max((each.first_day for each in found), default=None)
    return Away(tuple(each.number for each in found), newest)


def refuse_partial(tx: Tx, customer_id: str | None, first: str, last: str, what: str) -> None:
    """Refuse what reads PostgreSQL alone, where some of these months' events are not there.

    None asks for everybody's. Raises EventsElsewhere, which says how to bring them back.
    """
    hold_partitions(tx)
    refuse_elsewhere(store.away(tx, customer_id, first, last), what)


def refuse_deleted(tx: Tx, customer_id: str, oldest: UUID, newest: UUID, what: str) -> None:
    """Refuse a list that would leap over events between two ids which are past their term."""
    found = _between(tx, customer_id, oldest, newest)
    refuse_elsewhere((each for each in found if each.state == Place.DELETED), what)


def sought(
    tx: Tx, customer_id: str, wanted: Wanted, here: Sequence[EventRow], *, limit: int
) -> list[EventRow]:
    """Put moved calls that are what is asked for among those from here, the newest first."""
    # A page that is full here reaches back no further than its last call.
    oldest = here[-1].event_id if len(here) >= limit else wanted.first
    found = _between(tx, customer_id, oldest, wanted.before)
    there = [each.number for each in found if each.state == Place.MOVED]
    if not there:
        return list(here)
    moved = map(_row, far.sought(tx, customer_id, there, wanted, limit=limit))
    return list(islice(merge(here, moved, key=_newest_first, reverse=True), limit))


def _newest_first(row: EventRow) -> int:
    return row.event_id.int


def _between(tx: Tx, customer_id: str, oldest: UUID, newest: UUID) -> list[Partition]:
    """Return the partitions away that hold a customer's events between two ids."""
    hold_partitions(tx)
    low = day_of(oldest)
    # The newest may be the end of all ids, which is no date.
    return [
        each
        for each in store.away(tx, customer_id, *_EVER)
        if low <= each.first_day and _first_id(each) <= newest.int
    ]


def _first_id(partition: Partition) -> int:
    day = partition.first_day
    return int(datetime(day.year, day.month, 1, tzinfo=UTC).timestamp()) * 1000 << 80


def refuse_writing(tx: Tx, ids: Sequence[UUID]) -> None:
    """Refuse to write versions of events that are not here to be compared with."""
    refuse_moved((each for each in store.partitions(tx) if each.state != Place.HERE), ids)


def recent(tx: Tx, customer_id: str, *, before: UUID, limit: int) -> list[EventRow]:
    """Return a customer's last events before an id, newest first, each in its last version."""
    there = still_away(tx, customer_id)
    rows = near.recent(tx, customer_id, before=before, limit=limit)
    if there.newest is None or (len(rows) == limit and day_of(rows[-1].event_id) > there.newest):
        return rows
    moved = far.recent(tx, customer_id, there.partitions, before=before, limit=limit)
    both = merge(rows, map(_row, moved), key=_newest_first, reverse=True)
    return list(islice(both, limit))


def events_of_operation(tx: Tx, customer_id: str | None, operation_id: UUID) -> list[EventRow]:
    """Return every attempt of a call, in every version."""
    hold_partitions(tx)
    day = day_of(operation_id)
    days = {day, BillingMonth(day.year, day.month).next.first_day}
    known = [p for p in store.partitions(tx) if p.first_day in days and p.state == Place.MOVED]
    rows = near.events_of_operation(tx, customer_id, operation_id)
    if known:
        numbers = [each.number for each in known]
        rows += map(_row, far.events_of_operation(tx, customer_id, numbers, operation_id))
    return sorted(rows, key=lambda row: (row.attempt, row.event_id.int, row.version))


def compared(tx: Tx, customer_id: str, month: str) -> Iterator[RollupRow]:
    """Yield every rollup row of a month beside what the events say, in the order of its bytes."""
    there = away(tx, customer_id, month, month)
    rows = near.compared(tx, customer_id, month)
    if not there:
        return rows
    moved = far.rebuilt(tx, customer_id, there.partitions, month)
    return _summed(merge(rows, (RollupRow(*each, 0) for each in moved), key=_rollup_key))


def _summed(rows: Iterator[RollupRow]) -> Iterator[RollupRow]:
    """Put rows of one key together; what both places count of it adds up."""
    last: RollupRow | None = None
    for row in rows:
        if last is not None and _rollup_key(last) == _rollup_key(row):
            last = RollupRow(
                *_rollup_key(last), last.rebuilt + row.rebuilt, last.stored + row.stored
            )
            continue
        if last is not None:
            yield last
        last = row
    if last is not None:
        yield last


def _rollup_key(row: RollupRow) -> tuple[int, datetime, str, str, int, int, str, int]:
    return (
        row.dimension_id,
        row.hour,
        row.model,
        row.meter,
        row.sale_rate,
        row.cost_rate,
        row.state,
        row.epoch,
    )


def _row(fields: dict[str, Any]) -> EventRow:
    return EventRow(**fields)


__all__ = [
    "Away",
    "EventsElsewhere",
    "Wanted",
    "away",
    "compared",
    "events_of_operation",
    "hold_partitions",
    "recent",
    "refuse_deleted",
    "refuse_partial",
    "refuse_writing",
    "sought",
    "still_away",
]
