"""The only SQL that writes billing units; closing reads them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from yuejie.db.session import Tx
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.period import BillingMonth


@dataclass(frozen=True, slots=True)
class _UnitId:
    unit_id: str


UNIT_BY_NAME: Final = """
    SELECT unit_id FROM billing_unit WHERE customer_id = %(customer_id)s AND name = %(name)s
"""


def unit_by_name(tx: Tx, customer_id: CustomerId, name: str) -> str | None:
    """Return the id of a customer's billing unit."""
    row = tx.maybe(_UnitId, UNIT_BY_NAME, customer_id=customer_id, name=name)
    return row.unit_id if row else None


INSERT_UNIT: Final = """
    INSERT INTO billing_unit (unit_id, customer_id, name, created_at)
    VALUES (%(unit_id)s, %(customer_id)s, %(name)s, %(at)s)
"""


def insert_unit(tx: Tx, customer_id: CustomerId, unit_id: str, *, name: str, at: datetime) -> None:
    """Write a billing unit."""
    tx.run(INSERT_UNIT, unit_id=unit_id, customer_id=customer_id, name=name, at=at)


ASSIGN_PROJECT: Final = """
    INSERT INTO billing_unit_project (customer_id, project_id, since, unit_id, assigned_at)
    VALUES (%(customer_id)s, %(project_id)s, %(since)s, %(unit_id)s, %(at)s)
    ON CONFLICT DO NOTHING
"""


def assign_project(
    tx: Tx,
    customer_id: CustomerId,
    project_id: str,
    *,
    unit_id: str,
    since: BillingMonth,
    at: datetime,
) -> bool:
    """Write which unit a project is billed in from a month on; False if somebody just did."""
    done = tx.run(
        ASSIGN_PROJECT,
        customer_id=customer_id,
        project_id=project_id,
        unit_id=unit_id,
        since=str(since),
        at=at,
    )
    return done == 1
