"""Every step of a bill leaves its trace: in the bill's own life, and in the record of deeds."""

from datetime import datetime
from typing import Any, Final

from yuejie.bills import store
from yuejie.bills.bill import Bill
from yuejie.bills.life import BillEvent
from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Tx
from yuejie.db.transition import Transition

DRAFTED: Final = "draft"
"""A bill begins with this; all that follows is an event of its table."""


def note_step(
    tx: Tx,
    was: Bill | None,
    became: Bill,
    event: BillEvent | None,
    *,
    by: str,
    at: datetime,
    why: str = "",
) -> None:
    """Write what happened to a bill down, beside the change itself; no event: it was drafted.

    An auditor finds the bill's steps where every other deed is, with the bill before and after.
    """
    verb, before = str(event or DRAFTED), str(was.state) if was else ""
    moved = Transition(at, verb, before, str(became.state), by, why)
    store.note_transition(tx, became.bill_id, moved)
    deed = Deed(by, at, verb, "bill", became.bill_id, why)
    record_deed(tx, deed, was=_facts(was) if was else None, became=_facts(became))


def _facts(bill: Bill) -> dict[str, Any]:
    """Return what of a bill is worth comparing; its lines are on the bill."""
    return {
        "state": bill.state,
        "number": bill.number,
        "month": str(bill.month),
        "part": bill.part_name,
        "gross": str(bill.gross),
        "currency": bill.currency,
        "review_until": bill.review_until,
        "due_on": bill.due_on,
    }
