"""Move a partition to ClickHouse: plan, send and verify each batch, then drop what is here.

Each step is committed before the next, and each may be repeated: whoever is killed anywhere, the
next round goes on. Calling out and transactions never overlap, but for reading a batch's lines.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import uuid4

import structlog

from yuejie.db.session import Database
from yuejie.db.warehouse.client import Warehouse
from yuejie.kernel.period import BillingMonth
from yuejie.usage.warehouse import store
from yuejie.usage.warehouse.batch import BATCH_ROWS, Batch, NotAsCounted, Slice, Sum, number_of
from yuejie.usage.warehouse.clickhouse import store as far

log = structlog.get_logger()

Progress = Callable[[int, int], None]


def _quiet(_done: int, _of: int) -> None:
    """Tell nobody."""


NOBODY_ASKED: Final = _quiet


@dataclass(frozen=True, slots=True)
class Moved:
    """What moving a partition came to."""

    month: BillingMonth
    rows: int
    batches: int
    sent: int
    """Batches that were sent now; the others had arrived before."""


def move_partition(
    db: Database,
    warehouse: Warehouse,
    first_day: date,
    *,
    now: datetime,
    size: int = BATCH_ROWS,
    progress: Progress = NOBODY_ASKED,
) -> Moved:
    """Move a partition whose months the caller knows to be closed and proved.

    Raises NotAsCounted where ClickHouse does not hold to the row what PostgreSQL counted, or where
    an event was added meanwhile: then everything is still here.
    """
    far.create(warehouse)
    upto = _plan(db, first_day, size=size, now=now)
    with db.read() as tx:
        batches = store.batches(tx, first_day)
    sent = 0
    for done, batch in enumerate(batches, 1):
        if batch.verified_at is None:
            sent += _deliver(db, warehouse, batch)
            _confirm(db, batch, now)
        progress(done, len(batches))
    # Once more and all of them: what was verified months ago is what the drop relies on.
    for batch in batches:
        _check(warehouse, batch)
    with db.begin() as tx:
        tx.lock_exclusive(store.LOCK)
        rows = store.drop_moved(tx, first_day, upto, now)
    log.info("warehouse.moved", partition=number_of(first_day), rows=rows, batches=len(batches))
    return Moved(BillingMonth(first_day.year, first_day.month), rows, len(batches), sent)


def _plan(db: Database, first_day: date, *, size: int, now: datetime) -> int:
    """Write down the batches of what was added behind those known, and up to which epoch."""
    with db.read(consistent=True) as tx:
        store.take_time(tx)
        upto = store.ended_epoch(tx)
        known = store.batches(tx, first_day)
        after = max((batch.upto_epoch for batch in known), default=0)
        if after >= upto:
            return upto
        cut = store.slices(tx, first_day, after=after, upto=upto, size=size)
        planned = []
        for row in cut:
            wanted = Slice(first_day, row.customer_id, after, upto, row.low, row.high)
            months = (row.first_month, row.last_month)
            planned.append((wanted, store.sum_of(tx, wanted), months))
    _write(db, planned, now)
    return upto


def _write(db: Database, planned: list[tuple[Slice, Sum, tuple[str, str]]], now: datetime) -> None:
    with db.begin() as tx:
        tx.lock_exclusive(store.LOCK)
        for wanted, counted, months in planned:
            store.plan(tx, wanted, counted, months, now)


def _deliver(db: Database, warehouse: Warehouse, batch: Batch) -> int:
    """See to it that a batch is there, whole and once; say whether it had to be sent.

    A sending that was cut off leaves all of a block or nothing of it; what else is found there
    (half a batch, or twice) is taken out before the batch is sent again.
    """
    found = far.sum_of(warehouse, batch.slice)
    if found == batch.sum:
        return 0
    if found.rows:
        log.warning("warehouse.broken_batch", batch=batch.batch_id, rows=found.rows)
        far.take_out(warehouse, batch.slice)
    _send(db, warehouse, batch, batch.token)
    if not far.sum_of(warehouse, batch.slice).rows:
        # Taken out, now or by a round that was killed, and still known by its token: so it was
        # skipped. Should two clerks come here at once, the batch is found doubled and sent anew.
        _send(db, warehouse, batch, f"{batch.token}-{uuid4().hex}")
    _check(warehouse, batch)
    return 1


def _send(db: Database, warehouse: Warehouse, batch: Batch, token: str) -> None:
    with db.read(consistent=True) as tx:
        store.take_time(tx)
        far.send(warehouse, batch.slice, store.lines(tx, batch.slice), token=token)


def _check(warehouse: Warehouse, batch: Batch) -> None:
    found = far.sum_of(warehouse, batch.slice)
    if found != batch.sum:
        raise NotAsCounted(
            f"批次 {batch.batch_id}（{batch.customer_id}，{batch.first_day:%Y-%m}）应有 "
            f"{batch.rows:,} 行，ClickHouse 中有 {found.rows:,} 行或内容不同，未删除任何数据；"
            "请再次运行，仍不一致时检查 ClickHouse 的磁盘与日志"
        )


def _confirm(db: Database, batch: Batch, now: datetime) -> None:
    with db.begin() as tx:
        store.mark_verified(tx, batch.batch_id, now)
