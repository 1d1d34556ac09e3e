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


# The month's sums hold the hours before `through`; what came late to those and is not folded yet is
# noted, and the hours behind are read themselves. Together that is the rollups, at any moment. Each
# dimension is a range of both primary keys, so that those hours are read without the month's.
USED: Final = """
    WITH bounds AS (
        SELECT through FROM usage_summed
    ), used AS (
        SELECT d.project_id, s.model, s.meter, s.sale_rate, s.state, s.quantity
        FROM usage_dimension d JOIN usage_sum_whole s USING (dimension_id)
        WHERE d.customer_id = %(customer_id)s AND s.grain = 'month' AND s.month = %(month)s
        UNION ALL
        SELECT d.project_id, l.model, l.meter, l.sale_rate, l.state, l.quantity
        FROM bounds, usage_late l JOIN usage_dimension d USING (dimension_id)
        WHERE d.customer_id = %(customer_id)s AND l.month = %(month)s AND l.hour < bounds.through
        UNION ALL
        SELECT d.project_id, r.model, r.meter, r.sale_rate, r.state, r.quantity
        FROM bounds, usage_dimension d CROSS JOIN LATERAL (
            SELECT * FROM usage_rollup u
            WHERE u.month = %(month)s AND u.dimension_id = d.dimension_id
              AND u.hour >= bounds.through
            OFFSET 0) r
        WHERE d.customer_id = %(customer_id)s
    )
    SELECT project_id, model, meter, sale_rate, sum(quantity) AS quantity
    FROM used
    WHERE sale_rate <> 0 AND state IN ('measured', 'partial')
    GROUP BY project_id, model, meter, sale_rate
"""


def used(tx: Tx, customer_id: CustomerId, month: BillingMonth) -> dict[LineKey, int]:
    """Return what a month comes to by now; what closing asks the rollups of a closed epoch.

    `tx` sees one moment, in which everything that is there belongs to the present epoch or an
    earlier one: `Database.read(consistent=True)`.
    """
    rows = tx.rows(_Used, USED, customer_id=customer_id, month=str(month))
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
