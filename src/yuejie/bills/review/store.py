"""The only SQL about disputes, and about bills that wait for the customer's word."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from yuejie.bills.review.dispute import Dispute, DisputeState
from yuejie.db.session import Tx
from yuejie.kernel.ids import BillId, CustomerId, LineId

OPERATOR_READS: Final = {
    "dispute_by_id": "the operator answers one it names",
    "open_disputes": "the operator works off what waits for an answer",
    "emptied": "the operator proposes and issues a month",
    "count_bills": "the operator's day begins with how many wait",
    "count_answered": "the same",
    "silent_bills": "the clerk looks at everybody's review dates",
}
"""Reads that serve the operator; all others take `customer_id` first."""


@dataclass(frozen=True, slots=True)
class _Row:
    dispute_id: str
    bill_id: BillId
    customer_id: CustomerId
    line_id: LineId
    line_text: str
    claimed_fen: int | None
    why: str
    state: str
    raised_by: str
    raised_at: datetime
    answer: str
    adjustment_id: str | None
    answered_by: str | None
    answered_at: datetime | None


def _dispute(row: _Row) -> Dispute:
    return Dispute(
        dispute_id=row.dispute_id,
        bill_id=row.bill_id,
        customer_id=row.customer_id,
        line_id=row.line_id,
        line_text=row.line_text,
        claimed_fen=row.claimed_fen,
        why=row.why,
        state=DisputeState(row.state),
        raised_by=row.raised_by,
        raised_at=row.raised_at,
        answer=row.answer,
        adjustment_id=row.adjustment_id,
        answered_by=row.answered_by,
        answered_at=row.answered_at,
    )


INSERT_DISPUTE: Final = """
    INSERT INTO bill_dispute (dispute_id, bill_id, customer_id, line_id, line_text, claimed_fen,
                              why, state, raised_by, raised_at)
    VALUES (%(dispute_id)s, %(bill_id)s, %(customer_id)s, %(line_id)s, %(line_text)s,
            %(claimed_fen)s, %(why)s, 'open', %(raised_by)s, %(raised_at)s)
"""


def insert_dispute(tx: Tx, dispute: Dispute) -> None:
    """Write a dispute down."""
    tx.run(
        INSERT_DISPUTE,
        dispute_id=dispute.dispute_id,
        bill_id=dispute.bill_id,
        customer_id=dispute.customer_id,
        line_id=dispute.line_id,
        line_text=dispute.line_text,
        claimed_fen=dispute.claimed_fen,
        why=dispute.why,
        raised_by=dispute.raised_by,
        raised_at=dispute.raised_at,
    )


DISPUTE_BY_ID: Final = """
    SELECT dispute_id, bill_id, customer_id, line_id, line_text, claimed_fen, why, state, raised_by,
           raised_at, answer, adjustment_id, answered_by, answered_at
    FROM bill_dispute
    WHERE dispute_id = %(dispute_id)s
"""


def dispute_by_id(tx: Tx, dispute_id: str) -> Dispute | None:
    """Return a dispute."""
    row = tx.maybe(_Row, DISPUTE_BY_ID, dispute_id=dispute_id)
    return _dispute(row) if row else None


DISPUTES_OF: Final = """
    SELECT dispute_id, bill_id, customer_id, line_id, line_text, claimed_fen, why, state, raised_by,
           raised_at, answer, adjustment_id, answered_by, answered_at
    FROM bill_dispute
    WHERE customer_id = %(customer_id)s
      AND (%(bill_id)s::text IS NULL OR bill_id = %(bill_id)s)
    ORDER BY raised_at, dispute_id
"""


def disputes_of(tx: Tx, customer_id: CustomerId, *, bill_id: BillId | None = None) -> list[Dispute]:
    """Return a customer's disputes, or those of one bill, the oldest first."""
    rows = tx.rows(_Row, DISPUTES_OF, customer_id=customer_id, bill_id=bill_id)
    return [_dispute(row) for row in rows]


OPEN_DISPUTES: Final = """
    SELECT dispute_id, bill_id, customer_id, line_id, line_text, claimed_fen, why, state, raised_by,
           raised_at, answer, adjustment_id, answered_by, answered_at
    FROM bill_dispute
    WHERE state = 'open'
    ORDER BY raised_at, dispute_id
"""


def open_disputes(tx: Tx) -> list[Dispute]:
    """Return every dispute that waits for an answer, the oldest first."""
    return [_dispute(row) for row in tx.rows(_Row, OPEN_DISPUTES)]


UNANSWERED: Final = """
    SELECT count(*) FROM bill_dispute
    WHERE customer_id = %(customer_id)s AND bill_id = %(bill_id)s AND state = 'open'
"""


def unanswered(tx: Tx, customer_id: CustomerId, bill_id: BillId) -> int:
    """Return how many disputes of a bill wait for an answer, also of lines that are gone."""
    return int(tx.value(UNANSWERED, customer_id=customer_id, bill_id=bill_id))


ANSWER: Final = """
    UPDATE bill_dispute
    SET state = %(state)s, answer = %(answer)s, adjustment_id = %(adjustment_id)s,
        answered_by = %(by)s, answered_at = %(at)s
    WHERE dispute_id = %(dispute_id)s AND state = 'open'
"""


def answer(tx: Tx, dispute: Dispute) -> bool:
    """Write the answer that a dispute has got; False if it was answered by now."""
    done = tx.run(
        ANSWER,
        dispute_id=dispute.dispute_id,
        state=str(dispute.state),
        answer=dispute.answer,
        adjustment_id=dispute.adjustment_id,
        by=dispute.answered_by,
        at=dispute.answered_at,
    )
    return done == 1


REOPEN: Final = """
    UPDATE bill_dispute
    SET state = 'open', answer = '', adjustment_id = NULL, answered_by = NULL, answered_at = NULL
    WHERE dispute_id = %(dispute_id)s AND adjustment_id = %(adjustment_id)s AND state = 'accepted'
"""


def reopen(tx: Tx, dispute_id: str, adjustment_id: str) -> None:
    """Take the answer of a dispute away that an adjustment was, under the customer's lock."""
    tx.run(REOPEN, dispute_id=dispute_id, adjustment_id=adjustment_id)


PROPOSALS: Final = """
    SELECT count(*)
    FROM bill_transition t
    JOIN bill b USING (bill_id)
    WHERE b.customer_id = %(customer_id)s AND b.bill_id = %(bill_id)s AND t.event = 'propose'
"""


def proposals(tx: Tx, customer_id: CustomerId, bill_id: BillId) -> int:
    """Return how often a bill was put to its customer."""
    return int(tx.value(PROPOSALS, customer_id=customer_id, bill_id=bill_id))


@dataclass(frozen=True, slots=True)
class SilentBill:
    """A proposed bill whose review ended before a day, without a word."""

    bill_id: BillId
    customer_id: CustomerId
    review_until: date


SILENT_BILLS: Final = """
    SELECT bill_id, customer_id, review_until
    FROM bill
    WHERE state = 'proposed' AND review_until < %(today)s
    ORDER BY bill_id
"""


def silent_bills(tx: Tx, today: date) -> list[SilentBill]:
    """Return the bills whose customers said nothing until the end of the review."""
    return tx.rows(SilentBill, SILENT_BILLS, today=today)


@dataclass(frozen=True, slots=True)
class _Named:
    bill_id: BillId


EMPTIED: Final = """
    SELECT b.bill_id FROM bill b
    WHERE b.bill_id = ANY(%(bills)s) AND b.state = 'draft' AND b.gross_fen = 0
      AND NOT EXISTS (SELECT FROM bill_line l WHERE l.bill_id = b.bill_id)
"""


def emptied(tx: Tx, bills: Iterable[BillId]) -> set[BillId]:
    """Return the drafts among some bills that a closing anew has left nothing of."""
    return {row.bill_id for row in tx.rows(_Named, EMPTIED, bills=list(bills))}


@dataclass(frozen=True, slots=True)
class _Count:
    state: str
    bills: int


COUNT_BILLS: Final = """
    SELECT state, count(*) AS bills FROM bill
    WHERE state IN ('draft', 'proposed', 'confirmed') GROUP BY state
"""


def count_bills(tx: Tx) -> dict[str, int]:
    """Return how many bills wait in each state from the draft up to issuing."""
    return {row.state: row.bills for row in tx.rows(_Count, COUNT_BILLS)}


COUNT_ANSWERED: Final = """
    SELECT count(*) FROM bill b
    WHERE b.state = 'disputed'
      AND NOT EXISTS (
          SELECT FROM bill_dispute d LEFT JOIN adjustment a USING (adjustment_id)
          WHERE d.bill_id = b.bill_id AND (d.state = 'open' OR a.state = 'proposed'))
"""


def count_answered(tx: Tx) -> int:
    """Return how many disputed bills wait only to be drawn anew: all is answered and decided."""
    return int(tx.value(COUNT_ANSWERED))
