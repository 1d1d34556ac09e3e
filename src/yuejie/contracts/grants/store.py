"""The only SQL about packages and vouchers."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from yuejie.contracts.grants.grant import Grant, GrantKind
from yuejie.db.session import Tx
from yuejie.kernel.ids import CustomerId

OPERATOR_READS: Final = {
    "grant_by_id": "the operator approves one it names",
    "open_grants": "the operator works off what waits for approval",
}
"""Reads that serve the operator; all others take `customer_id` first."""


@dataclass(frozen=True, slots=True)
class _Row:
    grant_id: str
    customer_id: CustomerId
    kind: str
    name: str
    amount_fen: int
    paid_fen: int
    currency: str
    models: list[str]
    starts_on: date
    ends_on: date
    created_at: datetime
    asked_by: str
    approved_by: str | None
    why: str


def _grant(row: _Row) -> Grant:
    return Grant(
        grant_id=row.grant_id,
        customer_id=row.customer_id,
        kind=GrantKind(row.kind),
        name=row.name,
        amount_fen=row.amount_fen,
        paid_fen=row.paid_fen,
        currency=row.currency,
        models=tuple(row.models),
        starts_on=row.starts_on,
        ends_on=row.ends_on,
        created_at=row.created_at,
        asked_by=row.asked_by,
        approved_by=row.approved_by,
        why=row.why,
    )


GRANTS_OF: Final = """
    SELECT grant_id, customer_id, kind, name, amount_fen, paid_fen, currency, models, starts_on,
           ends_on, created_at, asked_by, approved_by, why
    FROM customer_grant
    WHERE customer_id = %(customer_id)s AND approved_by IS NOT NULL
    ORDER BY ends_on, starts_on, grant_id
"""


def grants_of(tx: Tx, customer_id: CustomerId) -> list[Grant]:
    """Return a customer's approved packages and vouchers, the one that ends first first."""
    return [_grant(row) for row in tx.rows(_Row, GRANTS_OF, customer_id=customer_id)]


GRANTS_KNOWN: Final = """
    SELECT g.grant_id, g.customer_id, g.kind, g.name, g.amount_fen, g.paid_fen, g.currency,
           g.models, g.starts_on, g.ends_on, g.created_at, g.asked_by, g.approved_by, g.why
    FROM customer_grant g
    WHERE g.customer_id = %(customer_id)s AND g.approved_by IS NOT NULL
      AND NOT EXISTS (SELECT FROM deed d
                      WHERE d.noun = 'grant' AND d.verb = 'approve' AND d.name = g.grant_id
                        AND d.at > %(at)s)
    ORDER BY g.ends_on, g.starts_on, g.grant_id
"""


def grants_known(tx: Tx, customer_id: CustomerId, at: datetime) -> list[Grant]:
    """Return those that were approved by an instant, in the same order."""
    rows = tx.rows(_Row, GRANTS_KNOWN, customer_id=customer_id, at=at)
    return [_grant(row) for row in rows]


GRANT_BY_ID: Final = """
    SELECT grant_id, customer_id, kind, name, amount_fen, paid_fen, currency, models, starts_on,
           ends_on, created_at, asked_by, approved_by, why
    FROM customer_grant
    WHERE grant_id = %(grant_id)s
"""


def grant_by_id(tx: Tx, grant_id: str) -> Grant | None:
    """Return a package or voucher, approved or not."""
    row = tx.maybe(_Row, GRANT_BY_ID, grant_id=grant_id)
    return _grant(row) if row else None


OPEN_GRANTS: Final = """
    SELECT grant_id, customer_id, kind, name, amount_fen, paid_fen, currency, models, starts_on,
           ends_on, created_at, asked_by, approved_by, why
    FROM customer_grant
    WHERE approved_by IS NULL AND rejected_by IS NULL
    ORDER BY grant_id
"""


def open_grants(tx: Tx) -> list[Grant]:
    """Return what waits for a second person's approval, the oldest first."""
    return [_grant(row) for row in tx.rows(_Row, OPEN_GRANTS)]


INSERT_GRANT: Final = """
    INSERT INTO customer_grant (grant_id, customer_id, kind, name, amount_fen, paid_fen, currency,
                                models, starts_on, ends_on, created_at, asked_by, approved_by, why)
    VALUES (%(grant_id)s, %(customer_id)s, %(kind)s, %(name)s, %(amount_fen)s, %(paid_fen)s,
            %(currency)s, %(models)s, %(starts_on)s, %(ends_on)s, %(created_at)s, %(asked_by)s,
            NULL, %(why)s)
"""


def insert_grant(tx: Tx, grant: Grant) -> None:
    """Write a package or voucher that waits for approval."""
    tx.run(
        INSERT_GRANT,
        grant_id=grant.grant_id,
        customer_id=grant.customer_id,
        kind=str(grant.kind),
        name=grant.name,
        amount_fen=grant.amount_fen,
        paid_fen=grant.paid_fen,
        currency=grant.currency,
        models=list(grant.models),
        starts_on=grant.starts_on,
        ends_on=grant.ends_on,
        created_at=grant.created_at,
        asked_by=grant.asked_by,
        why=grant.why,
    )


APPROVE_GRANT: Final = """
    UPDATE customer_grant SET approved_by = %(by)s
    WHERE grant_id = %(grant_id)s AND approved_by IS NULL AND rejected_by IS NULL
"""


def approve_grant(tx: Tx, grant_id: str, *, by: str) -> bool:
    """Write who approved; False if it is decided already."""
    return tx.run(APPROVE_GRANT, grant_id=grant_id, by=by) == 1


REJECT_GRANT: Final = """
    UPDATE customer_grant
    SET rejected_by = %(by)s, rejected_at = %(at)s, rejected_why = %(why)s
    WHERE grant_id = %(grant_id)s AND approved_by IS NULL AND rejected_by IS NULL
"""


def reject_grant(tx: Tx, grant_id: str, *, by: str, at: datetime, why: str) -> bool:
    """Write who turned it down, and why; False if it is decided already."""
    return tx.run(REJECT_GRANT, grant_id=grant_id, by=by, at=at, why=why) == 1
