"""The worklist, and how it is worked off: by appending the next version of an event.

Who knows better (a person, a provider's report, a newly approved price) is the caller's matter;
here the correction is written, once, with its difference in the rollups.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Final
from uuid import UUID

from yuejie.db.session import Database
from yuejie.kernel.errors import Invalid
from yuejie.kernel.limits import PAGE, PAGE_MAX
from yuejie.usage import store
from yuejie.usage.event import EventState
from yuejie.usage.journal import Ended
from yuejie.usage.record import Count, supersede
from yuejie.usage.store import EventRow
from yuejie.usage.warehouse.read import refuse_writing

OPEN: Final = frozenset({EventState.ESTIMATED, EventState.UNMEASURED, EventState.UNPRICED})
"""States that wait on the worklist."""
OLDEST: Final = UUID(int=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkFilter:
    """Which part of the worklist; None asks for all."""

    state: str | None = None
    reason: str | None = None
    model: str | None = None
    older_than: timedelta | None = None


@dataclass(frozen=True, slots=True)
class WorkItem:
    """An event that waits for somebody."""

    event: EventRow
    age: timedelta


@dataclass(frozen=True, slots=True)
class WorkPage:
    """Part of the worklist, oldest first, and the cursor for the rest."""

    items: tuple[WorkItem, ...]
    after: UUID | None


def worklist(
    db: Database,
    customer_id: str | None,
    wanted: WorkFilter,
    *,
    now: datetime,
    after: UUID | None = None,
    limit: int = PAGE,
) -> WorkPage:
    """Return events that are not measured or not priced; None is the operator's whole list."""
    if not 1 <= limit <= PAGE_MAX:
        raise Invalid(f"每页条数 {limit} 超出范围，请写 1 到 {PAGE_MAX}")
    filters = {
        "state": wanted.state,
        "reason": wanted.reason,
        "model": wanted.model,
        "until": now - wanted.older_than if wanted.older_than else None,
    }
    with db.read() as tx:
        rows = store.worklist(tx, customer_id, filters, after=after or OLDEST, limit=limit)
    items = tuple(WorkItem(row, now - row.started_at) for row in rows)
    return WorkPage(items, rows[-1].event_id if len(rows) == limit else None)


class Verdict(Enum):
    """What became of a correction."""

    CORRECTED = "corrected"
    SAME = "same"
    """The event says so already."""
    UNKNOWN = "unknown"
    """There is no such event."""
    CLOSED = "closed"
    """The provider measured it when it ended, and says otherwise now; a person must look."""


Decide = Callable[[EventRow], Ended]
"""Given the last version, what the next one says."""


def correct(
    db: Database,
    wanted: Mapping[UUID, Decide],
    *,
    source: str,
    count: Count,
    forced: bool = False,
) -> dict[UUID, Verdict]:
    """Append a version to each event that says something new, all in one transaction.

    An event that was measured in its first version stays unless `forced`: it was never on the
    worklist, and may be on a bill that a customer has checked.
    """
    verdicts: dict[UUID, Verdict] = {}
    changes: list[tuple[EventRow, Ended]] = []
    with db.begin() as tx:
        epoch = store.enter_epoch(tx)
        for event_id in sorted(wanted):
            store.lock_event(tx, event_id)
        refuse_writing(tx, sorted(wanted))
        histories: dict[UUID, list[EventRow]] = {}
        for row in store.versions_of(tx, sorted(wanted)):
            histories.setdefault(row.event_id, []).append(row)
        for event_id, decide in wanted.items():
            history = histories.get(event_id)
            if history is None:
                verdicts[event_id] = Verdict.UNKNOWN
                continue
            became = decide(history[-1])
            verdicts[event_id] = _judge(history, became, forced=forced)
            if verdicts[event_id] is Verdict.CORRECTED:
                changes.append((history[-1], became))
        supersede(tx, changes, epoch=epoch, source=source, count=count)
    return verdicts


def _judge(history: list[EventRow], became: Ended, *, forced: bool) -> Verdict:
    if _says(history[-1]) == _words(became):
        return Verdict.SAME
    settled = history[0].state == EventState.MEASURED and not forced
    return Verdict.CLOSED if settled else Verdict.CORRECTED


def _says(row: EventRow) -> tuple[object, ...]:
    return (row.state, sorted(tuple(item) for item in row.items), row.billable)


def _words(ended: Ended) -> tuple[object, ...]:
    items = sorted((i.model, i.meter, i.quantity, i.sale_rate, i.cost_rate) for i in ended.items)
    return (ended.state, items, ended.billable)
