"""The only SQL of the live bill: usage by hours, what waits, and how far gateways were read."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from yuejie.bills.closing.lines import LineKey
from yuejie.db.session import Tx
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.period import BillingMonth

OPERATOR_READS: Final = {"read_until": "journals belong to gateway nodes"}
"""Reads that serve the operator; all others take `customer_id` first."""


@dataclass(frozen=True, slots=True)
class _Used:
    project_id: str
    model: str
    meter: str
    sale_rate: int
    quantity: int


# Each dimension is a range of the primary key (month, dimension, hour, …), so that the present
# hours are read without those that went before.
USED: Final = """
    SELECT d.project_id, r.model, r.meter, r.sale_rate, sum(r.quantity) AS quantity
    FROM usage_dimension d
    JOIN usage_rollup r
      ON r.dimension_id = d.dimension_id AND r.month = %(month)s
     AND r.hour >= COALESCE(%(since)s, '-infinity'::timestamptz)
     AND r.hour < COALESCE(%(until)s, 'infinity'::timestamptz)
    WHERE d.customer_id = %(customer_id)s
      AND r.epoch <= %(epoch)s
      AND r.sale_rate <> 0
      AND r.state IN ('measured', 'partial')
    GROUP BY d.project_id, r.model, r.meter, r.sale_rate
"""


def used(
    tx: Tx,
    customer_id: CustomerId,
    month: BillingMonth,
    *,
    epoch: int,
    since: datetime | None,
    until: datetime | None,
) -> dict[LineKey, int]:
    """Return what hours of a month come to; the same that closing asks of the whole month."""
    rows = tx.rows(
        _Used,
        USED,
        customer_id=customer_id,
        month=str(month),
        epoch=epoch,
        since=since,
        until=until,
    )
    return {
        LineKey(month, row.project_id, row.model, row.meter, row.sale_rate): int(row.quantity)
        for row in rows
    }


@dataclass(frozen=True, slots=True)
class WaitingRow:
    """How many calls of a customer wait in one state."""

    state: str
    calls: int


WAITING: Final = """
    SELECT state, count(*) AS calls
    FROM (SELECT e.state
          FROM usage_event e
          WHERE e.state IN ('estimated', 'unmeasured', 'unpriced')
            AND e.customer_id = %(customer_id)s AND e.month = ANY(%(months)s) AND e.billable
            AND NOT EXISTS (SELECT FROM usage_event later
                            WHERE later.event_id = e.event_id AND later.version > e.version)
          LIMIT %(limit)s) open_events
    GROUP BY state
    ORDER BY state
"""


def waiting(
    tx: Tx, customer_id: CustomerId, months: Iterable[BillingMonth], *, limit: int
) -> list[WaitingRow]:
    """Return how many calls of some months are on no bill yet; counted no further than `limit`."""
    return tx.rows(
        WaitingRow,
        WAITING,
        customer_id=customer_id,
        months=[str(month) for month in months],
        limit=limit,
    )


READ_UNTIL: Final = "SELECT min(seen_at) FROM journal WHERE state = 'live'"


def read_until(tx: Tx) -> datetime | None:
    """Return until when every living journal was read; None where none lives."""
    found: datetime | None = tx.value(READ_UNTIL)
    return found


UNDECIDED: Final = """
    SELECT count(*) FROM adjustment
    WHERE customer_id = %(customer_id)s AND state = 'proposed' AND service_month <= %(month)s
"""


def undecided(tx: Tx, customer_id: CustomerId, month: BillingMonth) -> int:
    """Return how many adjustments up to a month wait for a second person."""
    return int(tx.value(UNDECIDED, customer_id=customer_id, month=str(month)))
