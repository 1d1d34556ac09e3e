"""Look for calls: by time, model, project, key, tag, state, and whether they failed."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from yuejie.db.session import Database, Tx
from yuejie.kernel.errors import Invalid
from yuejie.kernel.limits import PAGE, PAGE_MAX
from yuejie.usage.calls import store
from yuejie.usage.show import NEWEST, Attempt, RequestPage, attempts_of
from yuejie.usage.store import EventRow
from yuejie.usage.warehouse import read
from yuejie.usage.warehouse.read import Wanted, hold_partitions, refuse_deleted

MARGIN: Final = timedelta(days=1)
"""An id is made when its call begins; a day either way is more than any clock is wrong."""
_OLDEST: Final = UUID(int=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """Which calls; None asks for all. A project stands for its whole subtree."""

    since: datetime | None = None
    until: datetime | None = None
    model: str | None = None
    project: str | None = None
    key: str | None = None
    tag: str | None = None
    state: str | None = None
    failed: bool | None = None


def look_for_calls(
    db: Database,
    customer_id: str,
    sought: Sought,
    *,
    before: UUID | None = None,
    limit: int = PAGE,
) -> RequestPage:
    """Return a customer's calls that are looked for, the newest first, one page of them."""
    if not 1 <= limit <= PAGE_MAX:
        raise Invalid(f"每页条数 {limit} 超出范围，请写 1 到 {PAGE_MAX}")
    first = id_at(sought.since, -MARGIN) if sought.since else _OLDEST
    last = id_at(sought.until, MARGIN) if sought.until else NEWEST
    top = min(before, last) if before else last
    with db.read() as tx:
        rows = _look(tx, customer_id, sought, (first, top), limit + 1)
        # What was deleted must not be missing in silence: at the end of the list, nor between two
        # calls of a page.
        oldest = rows[-1].event_id if len(rows) > limit else first
        refuse_deleted(tx, customer_id, oldest, top, "查找调用")
        shown = rows[:limit]
        attempts = attempts_of(tx, [[row] for row in shown])
    return RequestPage(attempts, shown[-1].event_id if len(rows) > limit else None)


def _look(
    tx: Tx, customer_id: str, asked: Sought, ids: tuple[UUID, UUID], limit: int
) -> list[EventRow]:
    """Look wherever the calls lie; no partition comes or goes meanwhile."""
    hold_partitions(tx)
    first, before = ids
    here = store.sought(tx, customer_id, asdict(asked), first=first, before=before, limit=limit)
    projects = store.subtree(tx, customer_id, asked.project) if asked.project else []
    if asked.project and not projects:
        return here
    wanted = Wanted(
        first=first,
        before=before,
        since=asked.since,
        until=asked.until,
        projects=projects,
        key=asked.key or "",
        tag=asked.tag or "",
        model=asked.model or "",
        state=asked.state or "",
        failed=asked.failed,
    )
    return read.sought(tx, customer_id, wanted, here, limit=limit)


def every_call(db: Database, customer_id: str, sought: Sought, *, most: int) -> Iterator[Attempt]:
    """Yield calls page by page, at most so many: none is held for long."""
    before: UUID | None = None
    left = most
    while left > 0:
        page = look_for_calls(db, customer_id, sought, before=before, limit=min(PAGE_MAX, left))
        yield from page.attempts
        left -= len(page.attempts)
        before = page.before
        if before is None:
            break


def show_answers(db: Database, since: datetime) -> list[store.AnswersRow]:
    """Return how each deployment answered since an instant."""
    with db.read() as tx:
        return store.answers(tx, since, id_at(since, -MARGIN))


def id_at(instant: datetime, margin: timedelta) -> UUID:
    """Return the least id of a call that began then, or a margin away where the calendar has it."""
    try:
        edge = instant + margin
    except OverflowError:
        edge = instant
    return UUID(int=max(int(edge.timestamp()), 0) * 1000 << 80)
