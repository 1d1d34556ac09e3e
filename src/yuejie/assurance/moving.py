"""Move raw events to ClickHouse by themselves: partitions that are old enough, closed and proved.

Nothing is moved that a bill may still ask for: every month with events in a partition must be
closed up to its last event, with nothing on the worklist, and the slow oracle and the rebuild must
agree with every bill and rollup of it. What is in the way is said, and tried again next round.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

import structlog

from yuejie.assurance.prove import prove_month
from yuejie.customers.enrol import find_customer
from yuejie.db.session import Database
from yuejie.db.warehouse.client import Warehouse
from yuejie.kernel.period import BillingMonth, zone_of
from yuejie.usage.rebuild import rebuild
from yuejie.usage.warehouse import store
from yuejie.usage.warehouse.move import NOBODY_ASKED, Moved, Progress, move_partition
from yuejie.usage.warehouse.store import MonthOf

log = structlog.get_logger()

HOT_MONTHS: Final = 3
"""Whole UTC months that stay in PostgreSQL besides this one, for late records and disputes."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Why a partition stays in PostgreSQL for now."""

    month: BillingMonth
    why: tuple[str, ...]


def move_due(
    db: Database,
    warehouse: Warehouse,
    *,
    now: datetime,
    only: BillingMonth | None = None,
    hot: int = HOT_MONTHS,
    progress: Progress = NOBODY_ASKED,
) -> tuple[list[Moved], list[Waiting]]:
    """Prove and move every partition that is due, or the one that is asked for."""
    moved: list[Moved] = []
    waiting: list[Waiting] = []
    for first_day in _due(db, now, hot):
        month = BillingMonth(first_day.year, first_day.month)
        if only is not None and month != only:
            continue
        why = _obstacles(db, first_day, now=now)
        if why:
            log.info("warehouse.waits", partition=str(month), why=why)
            waiting.append(Waiting(month, tuple(why)))
            continue
        moved.append(move_partition(db, warehouse, first_day, now=now, progress=progress))
    return moved, waiting


class Mover:
    """The clerk's errand: one look a day is enough, and the first comes with the clerk."""

    def __init__(self) -> None:
        self._looked: date | None = None

    def __call__(self, db: Database, now: datetime) -> int:
        """Move what is due and return how many partitions were."""
        if db.warehouse is None or self._looked == now.date():
            return 0
        moved, _waiting = move_due(db, db.warehouse, now=now)
        self._looked = now.date()
        return len(moved)


def _due(db: Database, now: datetime, hot: int) -> list[date]:
    month = BillingMonth.of(now, zone_of("UTC"))
    for _ in range(hot):
        month = month.previous
    with db.read() as tx:
        return [day for day in store.standing(tx) if day < month.first_day]


def _obstacles(db: Database, first_day: date, *, now: datetime) -> list[str]:
    """Return what keeps a partition here; proves what was not proved since it was closed."""
    with db.read() as tx:
        store.take_time(tx)
        months = store.months_of(tx, first_day)
    why = [_said(each) for each in months if _said(each)]
    if why:
        return why
    unproved = [m for m in months if m.proved_epoch is None or m.proved_epoch < m.closed_epoch_]
    for label in sorted({each.month for each in unproved}):
        month = BillingMonth.parse(label)
        found = rebuild(db, month)
        if not found.agrees:
            wrong = found.different + found.sums.different
            why.append(f"{label} 的汇总与原始用量有 {wrong} 行不一致")
            continue
        whose = (each for each in unproved if each.month == label)
        why += _prove(db, month, whose, now=now)
    return why


def _said(month: MonthOf) -> str:
    name = f"{month.customer_id} {month.month}"
    if month.open:
        return f"{name} 有 {month.open} 个事件待处理"
    if month.closed_epoch is None:
        return f"{name} 未关账"
    if month.last_epoch > month.closed_epoch:
        return f"{name} 有关账之后到达的用量，待下次关账"
    return ""


def _prove(
    db: Database, month: BillingMonth, whose: Iterable[MonthOf], *, now: datetime
) -> list[str]:
    why = []
    for each in whose:
        proofs = prove_month(db, month, customer=each.customer_id)
        wrong = sum(len(proof.differences) for proof in proofs)
        if wrong:
            why.append(f"{each.customer_id} {month} 的账单与独立重算有 {wrong} 处不同")
            continue
        _note(db, each, len(proofs), now)
    return why


def _note(db: Database, month: MonthOf, bills: int, now: datetime) -> None:
    with db.begin() as tx:
        find_customer(tx, month.customer_id)
        store.note_proof(
            tx,
            month.customer_id,
            month.month,
            epoch=month.closed_epoch_,
            bills=bills,
            at=now,
        )
