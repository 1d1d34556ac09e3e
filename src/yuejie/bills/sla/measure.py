"""Measure a customer's month under a promise: one reading, the same for the same epoch."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from yuejie.bills.sla import store
from yuejie.bills.sla.ending import Ending, ending_of
from yuejie.bills.sla.store import Bucket, EndedRow
from yuejie.bills.sla.verdict import FirstByte, Measured
from yuejie.contracts.terms import Sla, SlaBasis
from yuejie.db.session import Tx
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.period import BillingMonth, Span

WINDOW_SECONDS: Final = 300


def measure(
    tx: Tx, customer_id: CustomerId, month: BillingMonth, sla: Sla, *, held: Span, epoch: int
) -> Measured:
    """Return what a promise asks about the part of a month in which it held, as of an epoch."""
    windows = sla.basis is SlaBasis.WINDOWS
    by: Bucket = "window" if windows else "month"
    rows = store.ended(tx, customer_id, str(month), held=held, epoch=epoch, by=by)
    rows += store.turned_away(tx, customer_id, held=held, epoch=epoch, by=by)
    first = FirstByte()
    if sla.latency_steps:
        first = store.first_byte(tx, customer_id, str(month), held=held, epoch=epoch)
    by_window = endings_by(rows)
    return Measured(
        calls=sum(by_window.values(), Counter()),
        minutes=store.minutes(tx, held),
        first_byte=first,
        windows=tuple(by_window.values()) if windows else (),
        windows_whole=windows_of(held),
        missed=store.missed(tx, customer_id, held=held, epoch=epoch),
    )


def windows_of(held: Span) -> int:
    """Return how many five-minute windows a span has."""
    return int((held.end - held.start).total_seconds()) // WINDOW_SECONDS


def endings_by(rows: Iterable[EndedRow]) -> dict[datetime | None, Counter[Ending]]:
    """Sum rows by their span of time and by how the calls ended."""
    found: dict[datetime | None, Counter[Ending]] = defaultdict(Counter)
    for row in rows:
        found[row.since][ending_of(row.outcome, row.http_status, row.reason)] += row.calls
    return found
