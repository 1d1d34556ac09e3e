"""The only SQL about forecasts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from yuejie.db.session import Tx
from yuejie.kernel.ids import CustomerId


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose usage: a customer's, or of a project with its subtree, or of a model."""

    project_id: str | None = None
    model: str | None = None


@dataclass(frozen=True, slots=True)
class HourRow:
    """What an hour came to in a currency; only what is billed has a worth."""

    hour: datetime
    currency: str | None
    tokens: int
    requests: int
    pico: int


HOURS: Final = """
    WITH RECURSIVE below AS (
        SELECT project_id FROM project
        WHERE customer_id = %(customer_id)s AND project_id = %(project_id)s
        UNION
        SELECT p.project_id FROM below JOIN project p ON p.parent_id = below.project_id)
    SELECT r.hour, sale.currency,
           coalesce(sum(r.quantity) FILTER (WHERE r.meter <> ALL (%(pieces)s)), 0) AS tokens,
           coalesce(sum(r.quantity) FILTER (WHERE r.meter = 'requests'), 0) AS requests,
           coalesce(sum(r.quantity * sale.pico)
                    FILTER (WHERE r.state IN ('measured', 'partial')), 0) AS pico
    FROM usage_dimension d
    JOIN usage_rollup r USING (dimension_id)
    LEFT JOIN rate sale ON sale.rate_id = r.sale_rate
    WHERE d.customer_id = %(customer_id)s
      AND (%(project_id)s::text IS NULL OR d.project_id IN (SELECT project_id FROM below))
      AND (%(model)s::text IS NULL OR r.model = %(model)s)
      AND r.month = ANY (%(months)s) AND r.hour >= %(since)s AND r.hour < %(until)s
    GROUP BY r.hour, sale.currency
    ORDER BY r.hour, sale.currency
"""


def hours(
    tx: Tx,
    customer_id: CustomerId,
    asked: Asked,
    since: datetime,
    until: datetime,
    *,
    months: Sequence[str],
    pieces: Sequence[str],
) -> list[HourRow]:
    """Return what a customer used between two instants, hour by hour."""
    return tx.rows(
        HourRow,
        HOURS,
        customer_id=customer_id,
        project_id=asked.project_id,
        model=asked.model,
        since=since,
        until=until,
        months=list(months),
        pieces=list(pieces),
    )
