"""Delete what is past its term: logs, and raw events of each customer by its own term.

A dry run finds the same and touches nothing. What was moved is first unread (from then on every
question about it is refused by name), then taken off ClickHouse's disk, and only then written down
as gone; a round that was killed between is finished by the next.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

import structlog

from yuejie.db.session import Database
from yuejie.db.warehouse.client import Warehouse
from yuejie.keeping import store
from yuejie.keeping.kinds import RULES, Kind
from yuejie.keeping.store import Deletion, Owner
from yuejie.keeping.terms import Terms, before, terms_of
from yuejie.usage.warehouse import store as places
from yuejie.usage.warehouse.batch import number_of
from yuejie.usage.warehouse.clickhouse import store as far
from yuejie.usage.warehouse.store import MonthOf

log = structlog.get_logger()

CLERK: Final = "clerk"
_EVENTS: Final = RULES[Kind.EVENT]
_LOGS: Final = RULES[Kind.LOG]
_WHY: Final = "保留期满"


@dataclass(frozen=True, slots=True)
class Due:
    """Something past its term; `stays` says why it is not deleted all the same."""

    kind: str
    customer_id: str | None
    what: str
    rows: int
    stays: str = ""


def apply_terms(db: Database, *, now: datetime, dry_run: bool, by: str = CLERK) -> list[Due]:
    """Delete what is past its term, or with `dry_run` say what would be; return it by kind."""
    with db.read() as tx:
        known = terms_of(tx)
        logs = store.log_counts(tx, before(now, known.months(_LOGS)), now)
        moved = store.owners(tx)
        standing = [day for day in places.standing(tx) if _past(known, None, day, now)]
    due = [Due(Kind.LOG, None, row.what, row.gone) for row in logs if row.gone]
    elsewhere = [
        _judged(each) for each in moved if _past(known, each.customer_id, each.first_day, now)
    ]
    here = list(_standing(db, standing, known, now))
    if not dry_run:
        _delete_logs(db, before(now, known.months(_LOGS)), by=by, now=now)
        for owner, found in elsewhere:
            if not found.stays:
                _unread(db, owner, by=by, now=now)
        for day, found in here:
            if not found.stays:
                _drop(db, day, found, by=by, now=now)
        purge(db, now=now)
    return [*due, *(found for _, found in elsewhere), *(found for _, found in here)]


def _past(known: Terms, customer_id: str | None, first_day: date, now: datetime) -> bool:
    """Whether a whole partition lies before what is kept; None asks for the house's term."""
    until = before(now, known.months(_EVENTS, customer_id))
    return (first_day.year, first_day.month) < (until.year, until.month)


def _judged(owner: Owner) -> tuple[Owner, Due]:
    what = f"{owner.first_day:%Y-%m} 原始用量（ClickHouse）"
    stays = "保全中" if owner.preserved else ""
    return owner, Due(Kind.EVENT, owner.customer_id, what, owner.rows, stays)


def _standing(
    db: Database, days: list[date], known: Terms, now: datetime
) -> Iterator[tuple[date, Due]]:
    """Judge partitions in PostgreSQL: one goes whole, when it is past everybody's term."""
    for day in days:
        with db.read() as tx:
            places.take_time(tx)
            months = places.months_of(tx, day)
            preserved = {p.customer_id for p in store.preservations(tx, None) if not p.lifted_at}
        if months:
            what = f"{day:%Y-%m} 原始用量（PostgreSQL）"
            rows = sum(each.rows for each in months)
            yield (
                day,
                Due(Kind.EVENT, None, what, rows, _obstacle(months, known, preserved, now, day)),
            )


def _obstacle(
    months: list[MonthOf], known: Terms, preserved: set[str], now: datetime, day: date
) -> str:
    for each in months:
        if each.customer_id in preserved:
            return f"客户 {each.customer_id} 保全中"
        if not _past(known, each.customer_id, day, now):
            return f"客户 {each.customer_id} 的期限未满"
        if each.open or each.closed_epoch is None or each.last_epoch > each.closed_epoch:
            return f"客户 {each.customer_id} 的 {each.month} 还有未出账的用量"
    return ""


def _delete_logs(db: Database, until: datetime, *, by: str, now: datetime) -> None:
    with db.begin() as tx:
        for row in store.delete_logs(tx, until, now):
            if row.gone:
                store.note_deletion(tx, Deletion(Kind.LOG, None, row.what, row.gone, now, by, _WHY))


def _unread(db: Database, owner: Owner, *, by: str, now: datetime) -> None:
    """Take a customer's moved events of a partition out of every answer, for good."""
    with db.begin() as tx:
        if store.delete_moved(tx, owner.customer_id, owner.first_day, now):
            what = f"usage_event {number_of(owner.first_day)}"
            store.note_deletion(
                tx, Deletion(Kind.EVENT, owner.customer_id, what, owner.rows, now, by, _WHY)
            )


def _drop(db: Database, day: date, found: Due, *, by: str, now: datetime) -> None:
    with db.begin() as tx:
        places.take_time(tx)
        rows = store.delete_partition(tx, day, now)
        what = f"usage_event {number_of(day)}"
        store.note_deletion(tx, Deletion(found.kind, None, what, rows, now, by, _WHY))


def purge(db: Database, *, now: datetime) -> int:
    """Take deleted batches off ClickHouse's disk and return how many are gone."""
    with db.read() as tx:
        waiting = store.unpurged(tx)
    if not waiting or db.warehouse is None:
        return 0
    done = 0
    for each in waiting:
        if each.all_gone:
            far.drop_partition(db.warehouse, number_of(each.first_day))
        done += _purge(db, db.warehouse, each.first_day, dropped=each.all_gone, now=now)
    return done


def _purge(db: Database, warehouse: Warehouse, day: date, *, dropped: bool, now: datetime) -> int:
    with db.read() as tx:
        batches = places.deleted_batches(tx, day)
    for batch in batches:
        if not dropped:
            far.take_out(warehouse, batch.slice)
        _note_purged(db, batch.batch_id, now)
    log.info("keeping.purged", partition=number_of(day), batches=len(batches))
    return len(batches)


def _note_purged(db: Database, batch_id: int, now: datetime) -> None:
    with db.begin() as tx:
        store.mark_purged(tx, batch_id, now)


def keep_terms(db: Database, now: datetime) -> list[Due]:
    """Do the clerk's round: delete what is past its term."""
    return apply_terms(db, now=now, dry_run=False)
