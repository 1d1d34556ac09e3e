"""The only SQL of the documents: what stands behind a bill by day, and what bills are called."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

from yuejie.bills.documents.document import Priced
from yuejie.db.session import Tx
from yuejie.kernel.ids import BillId, CustomerId
from yuejie.kernel.period import BillingMonth

OPERATOR_READS: Final = {
    "names_of_bills": "a list of something else says which bills it is about",
}
"""Reads that serve the operator; all others take `customer_id` first."""


@dataclass(frozen=True, slots=True)
class DailyRow:
    """What a bill's month used in a day, per project, model, meter and rate."""

    day: date
    project_id: str
    model: str
    meter: str
    sale_rate: int
    quantity: int


DAILY_USAGE: Final = """
    SELECT (r.hour AT TIME ZONE %(zone)s)::date AS day, d.project_id, r.model, r.meter,
           r.sale_rate, sum(r.quantity) AS quantity
    FROM usage_rollup r
    JOIN usage_dimension d USING (dimension_id)
    WHERE d.customer_id = %(customer_id)s AND r.month = %(month)s AND r.epoch <= %(epoch)s
      AND r.state IN ('measured', 'partial')
      AND (r.sale_rate <> 0 OR r.meter = 'requests')
    GROUP BY 1, 2, 3, 4, 5
    HAVING sum(r.quantity) <> 0
    ORDER BY 1, 2, 3, 4, 5
"""


def daily_usage(
    tx: Tx, customer_id: CustomerId, month: BillingMonth, *, epoch: int, zone: str
) -> list[DailyRow]:
    """Return the daily usage behind a bill, as it was known at the bill's epoch."""
    return tx.rows(
        DailyRow,
        DAILY_USAGE,
        customer_id=customer_id,
        month=str(month),
        epoch=epoch,
        zone=zone,
    )


PRICED: Final = """
    SELECT DISTINCT r.rate_id, COALESCE(l.rate_id, r.rate_id) AS list_id,
           COALESCE(l.pico, r.pico) AS list_pico, COALESCE(l.currency, r.currency) AS list_currency,
           r.service_tier, r.context_above, r.time_window, COALESCE(m.owner, '') AS owner
    FROM bill b
    JOIN bill_line line USING (bill_id)
    JOIN rate r ON r.rate_id = line.sale_rate
    LEFT JOIN rate l ON l.rate_id = r.list_rate
    LEFT JOIN model m ON m.model_id = line.model
    WHERE b.customer_id = %(customer_id)s AND b.bill_id = %(bill_id)s
"""


def priced(tx: Tx, customer_id: CustomerId, bill_id: BillId) -> dict[int, Priced]:
    """Return where the rates of a bill's lines stand, by rate."""
    rows = tx.rows(Priced, PRICED, customer_id=customer_id, bill_id=bill_id)
    return {row.rate_id: row for row in rows}


@dataclass(frozen=True, slots=True)
class _Numbered:
    month: str
    number: str


NUMBERS_BEFORE: Final = """
    SELECT month, number FROM bill
    WHERE customer_id = %(customer_id)s AND month < %(month)s AND part = %(part)s
      AND number IS NOT NULL AND state <> 'voided'
    ORDER BY month, issued_at
"""


def numbers_before(
    tx: Tx, customer_id: CustomerId, month: BillingMonth, part: str
) -> dict[BillingMonth, str]:
    """Return the numbers of a part's bills of earlier months, by month."""
    rows = tx.rows(_Numbered, NUMBERS_BEFORE, customer_id=customer_id, month=str(month), part=part)
    return {BillingMonth.parse(row.month): row.number for row in rows}


OPEN_PARTS: Final = """
    SELECT count(*) FROM bill b
    WHERE b.customer_id = %(customer_id)s AND b.month = %(month)s AND b.number IS NULL
      AND (b.gross_fen <> 0 OR EXISTS (
          SELECT FROM bill_line l
          WHERE l.customer_id = b.customer_id AND l.bill_id = b.bill_id))
"""


def open_parts(tx: Tx, customer_id: CustomerId, month: BillingMonth) -> int:
    """Return how many bills of a customer's month that say anything are not issued."""
    return int(tx.value(OPEN_PARTS, customer_id=customer_id, month=str(month)))


DRAWN_BY: Final = """
    SELECT coalesce(-sum(line.amount_fen), 0)
    FROM bill b JOIN bill_line line USING (bill_id)
    WHERE b.customer_id = %(customer_id)s AND b.month <= %(month)s AND b.state <> 'voided'
      AND line.kind IN ('package', 'voucher') AND line.refers_to = %(grant_id)s
"""


def drawn_by(tx: Tx, customer_id: CustomerId, grant_id: str, month: BillingMonth) -> int:
    """Return what bills up to a month's have drawn of a package, in fen."""
    found = tx.value(DRAWN_BY, customer_id=customer_id, grant_id=grant_id, month=str(month))
    return int(found)


NAMES_OF_BILLS: Final = """
    SELECT bill_id, COALESCE(number, legal_name || ' ' || month) AS name
    FROM bill JOIN customer USING (customer_id) WHERE bill_id = ANY(%(bill_ids)s)
"""


@dataclass(frozen=True, slots=True)
class _NameRow:
    bill_id: BillId
    name: str


def names_of_bills(tx: Tx, bill_ids: Iterable[str | None]) -> dict[str, str]:
    """Return what people call each of some bills: its number, or its customer and month."""
    asked = sorted({each for each in bill_ids if each})
    return {row.bill_id: row.name for row in tx.rows(_NameRow, NAMES_OF_BILLS, bill_ids=asked)}
