"""The only SQL about what was owed at a moment that is past."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from yuejie.db.session import Tx
from yuejie.kernel.ids import BillId, CustomerId
from yuejie.kernel.period import zone_of
from yuejie.payments.apportion.shares import OpenAmount

OPERATOR_READS: Final = {"owed_by_all": "the operator ages every receivable at once"}
"""Reads that serve the operator; all others take `customer_id` first."""


@dataclass(frozen=True, slots=True)
class _Owed:
    bill_id: BillId
    customer_id: CustomerId
    number: str
    month: str
    currency: str
    gross_fen: int
    credited_fen: int
    apportioned_fen: int
    issued_at: datetime
    due_on: date | None
    state: str
    zone: str

    def noun(self) -> OpenAmount:
        """Return the bill as it stood, issued on its customer's day."""
        return OpenAmount(
            bill_id=self.bill_id,
            customer_id=self.customer_id,
            number=self.number,
            month=self.month.strip(),
            currency=self.currency,
            gross_fen=self.gross_fen,
            credited_fen=self.credited_fen,
            apportioned_fen=self.apportioned_fen,
            issued_on=self.issued_at.astimezone(zone_of(self.zone)).date(),
            due_on=self.due_on,
            state=self.state,
        )


# A bill that was voided since was owed until then. What was given up is apportioned as well.
_STOOD: Final = """
    b.issued_at < %(before)s
      AND (b.state IN ('issued', 'paid', 'written_off')
           OR b.state = 'voided'
              AND EXISTS (SELECT FROM bill_transition t
                          WHERE t.bill_id = b.bill_id AND t.became = 'voided'
                            AND t.at >= %(before)s))
"""
OWED_BY: Final = (
    """
    SELECT b.bill_id, b.customer_id, b.number, b.month, b.currency, b.gross_fen,
           COALESCE((SELECT sum(n.gross_fen) FROM credit_note n
                     WHERE n.bill_id = b.bill_id AND n.state = 'approved'
                       AND n.decided_at < %(before)s), 0)::bigint AS credited_fen,
           COALESCE((SELECT sum(a.amount_fen) FROM apportionment a
                     WHERE a.bill_id = b.bill_id AND a.at < %(before)s), 0)::bigint
               AS apportioned_fen,
           b.issued_at, b.due_on, b.state, c.zone
    FROM bill b
    JOIN customer c USING (customer_id)
    WHERE b.customer_id = %(customer_id)s AND """  # noqa: S608 - literals only
    + _STOOD
    + "ORDER BY b.month, b.part"
)
# The same of everybody at once: the sums are made once, and not bill by bill.
OWED_BY_ALL: Final = (
    """
    SELECT b.bill_id, b.customer_id, b.number, b.month, b.currency, b.gross_fen,
           COALESCE(n.fen, 0)::bigint AS credited_fen,
           COALESCE(a.fen, 0)::bigint AS apportioned_fen,
           b.issued_at, b.due_on, b.state, c.zone
    FROM bill b
    JOIN customer c USING (customer_id)
    LEFT JOIN (SELECT bill_id, sum(gross_fen) AS fen FROM credit_note
               WHERE state = 'approved' AND decided_at < %(before)s
               GROUP BY bill_id) n USING (bill_id)
    LEFT JOIN (SELECT bill_id, sum(amount_fen) AS fen FROM apportionment
               WHERE bill_id IS NOT NULL AND at < %(before)s
               GROUP BY bill_id) a USING (bill_id)
    WHERE """  # noqa: S608 - literals only
    + _STOOD
    + "ORDER BY b.customer_id, b.month, b.part"
)


def owed_by(tx: Tx, customer_id: CustomerId, before: datetime) -> list[OpenAmount]:
    """Return a customer's bills with what was open of each just before a moment."""
    rows = tx.rows(_Owed, OWED_BY, customer_id=customer_id, before=before)
    return [row.noun() for row in rows]


def owed_by_all(tx: Tx, before: datetime) -> list[OpenAmount]:
    """Return everybody's bills with what was open of each just before a moment."""
    return [row.noun() for row in tx.rows(_Owed, OWED_BY_ALL, before=before)]
