"""Bring a partition back: for a correction of what was moved, or to leave ClickHouse altogether."""

from datetime import datetime

from yuejie.db.session import Database
from yuejie.db.warehouse.client import Warehouse
from yuejie.kernel.errors import Conflict
from yuejie.kernel.period import BillingMonth
from yuejie.usage.warehouse import store
from yuejie.usage.warehouse.batch import Batch, NotAsCounted, Place
from yuejie.usage.warehouse.clickhouse import store as far
from yuejie.usage.warehouse.move import NOBODY_ASKED, Progress


def restore_partition(
    db: Database,
    warehouse: Warehouse,
    month: BillingMonth,
    *,
    now: datetime,
    progress: Progress = NOBODY_ASKED,
) -> int:
    """Copy a moved partition back and return its rows; it stays in ClickHouse, unread, as well.

    Nobody sees half of it: until every batch is back with its count and checksum, questions are
    answered from ClickHouse. When the month moves again, only what was added since is sent.
    """
    first_day = month.first_day
    with db.read() as tx:
        known = {each.first_day: each for each in store.partitions(tx)}
        batches = store.batches(tx, first_day)
    if first_day not in known or known[first_day].state != Place.MOVED:
        raise Conflict(f"{month} 的原始用量不在 ClickHouse，无需取回")
    _begin(db, month)
    for done, batch in enumerate(batches, 1):
        _bring(db, warehouse, batch)
        progress(done, len(batches))
    with db.begin() as tx:
        tx.lock_exclusive(store.LOCK)
        return store.end_return(tx, first_day, now)


def _begin(db: Database, month: BillingMonth) -> None:
    with db.begin() as tx:
        tx.lock_exclusive(store.LOCK)
        store.begin_return(tx, month.first_day)


def _bring(db: Database, warehouse: Warehouse, batch: Batch) -> None:
    with db.begin() as tx:
        store.take_time(tx)
        store.copy_back(tx, far.rows_of(warehouse, batch.slice))
        found = store.sum_of_returning(tx, batch.slice)
        if found != batch.sum:
            raise NotAsCounted(
                f"批次 {batch.batch_id} 取回 {found.rows:,} 行，应为 {batch.rows:,} 行且内容一致；"
                "未改动任何数据，请检查 ClickHouse 后重试"
            )
