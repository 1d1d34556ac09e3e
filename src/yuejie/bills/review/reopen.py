"""A dispute whose answer came to nothing waits for another one."""

from dataclasses import replace
from datetime import datetime

from yuejie.bills.bill import BillState
from yuejie.bills.find import find_bill
from yuejie.bills.life import BillEvent
from yuejie.bills.review import store
from yuejie.bills.review.ask import step
from yuejie.bills.review.dispute import Answer, advance
from yuejie.bills.tell import of_reopening
from yuejie.customers.enrol import find_customer
from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Tx
from yuejie.notices.outbox import enqueue


def reopen_dispute(
    tx: Tx, dispute_id: str, adjustment_id: str, why: str, *, by: str, at: datetime
) -> bool:
    """Open a dispute that an adjustment answered which was turned down, and tell who handles it.

    Called under the customer's lock. False where that adjustment answered no dispute. What was
    answered stays in the record of deeds; a bill that is not issued yet is held again.
    """
    was = store.dispute_by_id(tx, dispute_id)
    if was is None or was.adjustment_id != adjustment_id:
        return False
    became = replace(
        was,
        state=advance(was.state, Answer.REOPEN),
        answer="",
        adjustment_id=None,
        answered_by=None,
        answered_at=None,
    )
    store.reopen(tx, dispute_id, adjustment_id)
    deed = Deed(by, at, str(Answer.REOPEN), "dispute", dispute_id, why)
    record_deed(tx, deed, was=was, became=became)
    customer, bill = find_customer(tx, was.customer_id), find_bill(tx, was.bill_id)
    if bill.state is BillState.PROPOSED:
        step(tx, bill, BillEvent.DISPUTE, by=by, at=at, why=why)
    enqueue(tx, of_reopening(customer, bill, was, why), at=at)
    return True
