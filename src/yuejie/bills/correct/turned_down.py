"""What was drafted of corrections and turned down by a second person, for whoever drafted it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from yuejie.bills.correct import store
from yuejie.db.session import Tx
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.money import Money


@dataclass(frozen=True, slots=True)
class TurnedDown:
    """An adjustment or a credit note that was rejected: what it said, and why it may not be."""

    name: str
    customer_id: CustomerId
    amount: Money
    """An adjustment as it is on a bill; a credit note with tax."""
    why: str
    drafted_by: str
    drafted_at: datetime
    rejected_by: str
    rejected_at: datetime
    rejected_why: str


def turned_down(tx: Tx, *, limit: int) -> list[TurnedDown]:
    """Return the corrections that were rejected last, the newest first."""
    found = [*_adjustments(tx, limit), *_credits(tx, limit)]
    return sorted(found, key=lambda each: each.rejected_at, reverse=True)[:limit]


def _adjustments(tx: Tx, limit: int) -> Iterator[TurnedDown]:
    for each in store.rejected_adjustments(tx, limit=limit):
        assert each.decided_at is not None, "somebody rejected it then"
        yield TurnedDown(
            name=each.adjustment_id,
            customer_id=each.customer_id,
            amount=Money(each.amount_fen, each.currency),
            why=each.why,
            drafted_by=each.proposed_by,
            drafted_at=each.proposed_at,
            rejected_by=str(each.decided_by),
            rejected_at=each.decided_at,
            rejected_why=each.decided_why,
        )


def _credits(tx: Tx, limit: int) -> Iterator[TurnedDown]:
    for each in store.rejected_credits(tx, limit=limit):
        assert each.decided_at is not None, "somebody rejected it then"
        yield TurnedDown(
            name=each.credit_note_id,
            customer_id=each.customer_id,
            amount=each.gross,
            why=each.why,
            drafted_by=each.requested_by,
            drafted_at=each.requested_at,
            rejected_by=str(each.decided_by),
            rejected_at=each.decided_at,
            rejected_why=each.decided_why,
        )
