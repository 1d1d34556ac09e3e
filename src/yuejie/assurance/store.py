"""The only SQL of assurance: raw events as a bill could know them, whole books, bill lines."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from yuejie.assurance.oracle import BookRow, Key, RawEvent
from yuejie.db.session import Tx
from yuejie.kernel.ids import BillId, CustomerId

OPERATOR_READS: Final = {
    "book_rows": "books belong to the house",
    "worth": "margins are the operator's alone",
}
"""Reads that serve the operator; all others take `customer_id` first."""

BOOK_ROWS: Final = """
    SELECT r.rate_id, r.book_id, r.revision,
           (extract(epoch FROM v.starts_at) * 1000000)::bigint AS starts_us,
           r.model, r.meter, r.pico, r.currency, r.service_tier, r.context_above, r.time_window
    FROM rate r
    JOIN book_revision v USING (book_id, revision)
"""


def book_rows(tx: Tx) -> list[BookRow]:
    """Return every rate of every book."""
    return tx.rows(BookRow, BOOK_ROWS)


@dataclass(frozen=True, slots=True)
class _Event:
    event_id: UUID
    month: str
    project_id: str
    model: str
    billable: bool
    state: str
    started_us: int
    sale_book: str
    sale_revision: int
    service_tier: str
    context_tokens: int
    items: list[list[str | int]]


RAW_EVENTS: Final = """
    SELECT DISTINCT ON (e.event_id)
           e.event_id, e.month, d.project_id, e.model, e.billable, e.state,
           (extract(epoch FROM e.started_at) * 1000000)::bigint AS started_us,
           e.sale_book, e.sale_revision, e.service_tier, e.context_tokens, e.items
    FROM usage_event e
    JOIN usage_dimension d USING (dimension_id)
    WHERE e.customer_id = %(customer_id)s AND e.month = ANY(%(months)s) AND e.epoch <= %(epoch)s
    ORDER BY e.event_id, e.version DESC
"""


def raw_events(
    tx: Tx, customer_id: CustomerId, months: Iterable[str], epoch: int
) -> Iterator[RawEvent]:
    """Stream the newest version of each event known at an epoch."""
    rows = tx.stream(_Event, RAW_EVENTS, customer_id=customer_id, months=list(months), epoch=epoch)
    for row in rows:
        yield RawEvent(
            event_id=str(row.event_id),
            month=row.month,
            project_id=row.project_id,
            model=row.model,
            billable=row.billable,
            state=row.state,
            started_us=row.started_us,
            sale_book=row.sale_book,
            sale_revision=row.sale_revision,
            service_tier=row.service_tier,
            context_tokens=row.context_tokens,
            items=[(str(i[0]), str(i[1]), int(i[2]), int(i[3]), int(i[4])) for i in row.items],
        )


@dataclass(frozen=True, slots=True)
class _Billed:
    month: str
    project_id: str
    model: str
    meter: str
    sale_rate: int
    quantity: int


BILLED_BEFORE: Final = """
    SELECT l.service_month AS month, l.project_id, l.model, l.meter, l.sale_rate,
           sum(l.quantity) AS quantity
    FROM bill_line l
    JOIN bill b USING (bill_id)
    WHERE l.customer_id = %(customer_id)s AND l.service_month = ANY(%(months)s)
      AND b.bill_id <> %(bill_id)s AND b.epoch < %(epoch)s
    GROUP BY l.service_month, l.project_id, l.model, l.meter, l.sale_rate
"""


def billed_before(
    tx: Tx, customer_id: CustomerId, bill_id: BillId, months: Iterable[str], epoch: int
) -> dict[Key, int]:
    """Return what earlier closings had billed for those months."""
    rows = tx.rows(
        _Billed,
        BILLED_BEFORE,
        customer_id=customer_id,
        bill_id=bill_id,
        months=list(months),
        epoch=epoch,
    )
    return {
        Key(row.month, row.project_id, row.model, row.meter, row.sale_rate): int(row.quantity)
        for row in rows
    }


@dataclass(frozen=True, slots=True)
class WorthRow:
    """What a customer's usage of a model in a month is worth at both rates, exactly.

    `included_tax_ppm` is the tax that the contract's prices contain; zero where it comes on top.
    """

    customer: str
    contract_id: str
    model: str
    calls: int
    included_tax_ppm: int
    sale_currency: str | None
    sale_pico: int
    cost_currency: str | None
    cost_pico: int


WORTH: Final = """
    SELECT c.slug AS customer, coalesce(k.contract_id, '') AS contract_id, r.model,
           coalesce(sum(r.quantity) FILTER (WHERE r.meter = 'requests'), 0)::bigint AS calls,
           CASE WHEN k.tax_mode = 'inclusive' THEN k.tax_ppm ELSE 0 END AS included_tax_ppm,
           sale.currency AS sale_currency,
           coalesce(sum(r.quantity * sale.pico), 0)::numeric(38,0) AS sale_pico,
           cost.currency AS cost_currency,
           coalesce(sum(r.quantity * cost.pico), 0)::numeric(38,0) AS cost_pico
    FROM usage_rollup r
    JOIN usage_dimension d USING (dimension_id)
    JOIN customer c USING (customer_id)
    LEFT JOIN LATERAL (
        SELECT contract_id, tax_mode, tax_ppm FROM contract
        WHERE customer_id = d.customer_id AND starts_at <= %(ends)s
        ORDER BY starts_at DESC, signed_at DESC, version DESC LIMIT 1
    ) k ON TRUE
    LEFT JOIN rate sale ON sale.rate_id = r.sale_rate
    LEFT JOIN rate cost ON cost.rate_id = r.cost_rate
    WHERE r.month = %(month)s AND r.state IN ('measured', 'partial')
    GROUP BY 1, 2, 3, 5, 6, 8
    ORDER BY 1, 2, 3, 5, 6, 8
"""


def worth(tx: Tx, month: str, ends: datetime) -> list[WorthRow]:
    """Return what everybody's usage of a month is worth, under the contract at its end."""
    return tx.rows(WorthRow, WORTH, month=month, ends=ends)
