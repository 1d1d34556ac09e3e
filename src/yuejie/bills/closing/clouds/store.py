"""The only SQL about cloud costs that are to be billed, and that were."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from yuejie.bills.closing.clouds.owed import Charged, CloudKey
from yuejie.contracts.agreed.cloud import CloudCategory
from yuejie.db.session import Tx
from yuejie.kernel.ids import BillId, CustomerId
from yuejie.kernel.period import BillingMonth

OPERATOR_READS: Final = {
    "cloud_customers": "closing looks at every customer at once",
}
"""Reads that serve the operator; all others take `customer_id` first."""


@dataclass(frozen=True, slots=True)
class _Charge:
    month: str
    project_id: str
    source: str
    source_name: str
    category: str
    service: str
    currency: str
    billed: int | None
    effective: int | None


# Of each source and period, the newest revision that the epoch knows counts whole.
CHARGED: Final = """
    SELECT s.period AS month, COALESCE(c.project_id, '') AS project_id, s.source,
           k.name AS source_name, c.category, c.service, c.currency,
           CASE WHEN count(c.billed_pico) = count(*) THEN sum(c.billed_pico) END AS billed,
           CASE WHEN count(c.effective_pico) = count(*) THEN sum(c.effective_pico) END AS effective
    FROM (SELECT DISTINCT ON (source, period) statement_id, source, period
          FROM cloud_statement
          WHERE epoch <= %(epoch)s AND period <= %(month)s
          ORDER BY source, period, revision DESC) s
    JOIN cloud_source k USING (source)
    JOIN cloud_charge c USING (statement_id)
    WHERE c.customer_id = %(customer_id)s
    GROUP BY 1, 2, 3, 4, 5, 6, 7
    ORDER BY 1, 3, 2, 5, 6, 7
"""


def charged(tx: Tx, customer_id: CustomerId, month: BillingMonth, epoch: int) -> list[Charged]:
    """Return what clouds ask a customer for, of every month up to one, as known at an epoch."""
    rows = tx.rows(_Charge, CHARGED, customer_id=customer_id, month=str(month), epoch=epoch)
    return [
        Charged(
            BillingMonth.parse(row.month),
            row.project_id,
            row.source,
            row.source_name,
            CloudCategory(row.category),
            row.service,
            row.currency,
            None if row.billed is None else int(row.billed),
            None if row.effective is None else int(row.effective),
        )
        for row in rows
    ]


@dataclass(frozen=True, slots=True)
class _Billed:
    month: str
    project_id: str
    refers_to: str
    currency: str
    quantity: int


BILLED_CLOUD: Final = """
    SELECT l.service_month AS month, COALESCE(l.project_id, '') AS project_id, l.refers_to,
           l.rate_currency AS currency, sum(l.quantity) AS quantity
    FROM bill_line l
    JOIN bill b USING (bill_id)
    WHERE l.customer_id = %(customer_id)s
      AND l.kind = 'cloud'
      AND l.service_month <= %(month)s
      AND b.state <> 'voided'
      AND l.bill_id <> ALL(%(except_bills)s)
    GROUP BY 1, 2, 3, 4
"""


def billed(
    tx: Tx, customer_id: CustomerId, month: BillingMonth, *, except_bills: Iterable[BillId]
) -> Counter[CloudKey]:
    """Return the cloud costs on a customer's bills, leaving out voided ones and those drafts."""
    rows = tx.rows(
        _Billed,
        BILLED_CLOUD,
        customer_id=customer_id,
        month=str(month),
        except_bills=list(except_bills),
    )
    return Counter(
        {
            CloudKey(
                BillingMonth.parse(row.month), row.project_id, row.refers_to, row.currency
            ): int(row.quantity)
            for row in rows
        }
    )


@dataclass(frozen=True, slots=True)
class _Who:
    customer_id: CustomerId


# A revision may take a cost away from somebody: who is in any revision that is new is looked at.
CLOUD_CUSTOMERS: Final = """
    SELECT DISTINCT c.customer_id
    FROM cloud_statement s
    JOIN cloud_statement o ON o.source = s.source AND o.period = s.period
    JOIN cloud_charge c ON c.statement_id = o.statement_id
    WHERE c.customer_id IS NOT NULL
      AND (%(customer_id)s::text IS NULL OR c.customer_id = %(customer_id)s)
      AND s.period <= %(month)s
      AND (s.period = %(month)s OR s.epoch > COALESCE(
            (SELECT max(m.epoch) FROM month_close m
             WHERE m.customer_id = c.customer_id AND m.month < %(month)s), 0))
"""


def cloud_customers(
    tx: Tx, month: BillingMonth, customer_id: CustomerId | None = None
) -> set[CustomerId]:
    """Return who has cloud costs of a month, or earlier ones that no closing has looked at."""
    rows = tx.rows(_Who, CLOUD_CUSTOMERS, month=str(month), customer_id=customer_id)
    return {row.customer_id for row in rows}
