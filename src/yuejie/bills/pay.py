"""Move an issued bill along as its money comes, goes back, or is given up.

Called by payments inside its own transaction; each is a compare-and-set with its transition.
"""

from dataclasses import replace
from datetime import datetime

from yuejie.bills import store
from yuejie.bills.find import find_bill
from yuejie.bills.life import BillEvent, advance
from yuejie.bills.note import note_step
from yuejie.db.session import Tx
from yuejie.kernel.errors import Conflict
from yuejie.kernel.ids import BillId


def mark_paid(tx: Tx, bill_id: BillId, *, by: str, at: datetime, why: str) -> None:
    """Note that nothing of a bill is open any more."""
    move(tx, bill_id, BillEvent.PAY, by=by, at=at, why=why)


def mark_unpaid(tx: Tx, bill_id: BillId, *, by: str, at: datetime, why: str) -> None:
    """Note that a paid bill is open again: a transfer bounced, an apportionment was undone."""
    move(tx, bill_id, BillEvent.UNPAY, by=by, at=at, why=why)


def mark_written_off(tx: Tx, bill_id: BillId, *, by: str, at: datetime, why: str) -> None:
    """Note that what is open is given up as a bad debt; it may still be paid."""
    move(tx, bill_id, BillEvent.WRITE_OFF, by=by, at=at, why=why)


def move(tx: Tx, bill_id: BillId, event: BillEvent, *, by: str, at: datetime, why: str) -> None:
    """Advance a bill by one event and write the transition; nothing else of it changes."""
    bill = find_bill(tx, bill_id)
    became = advance(bill.state, event)
    if not store.move(tx, bill.bill_id, was=bill.state, became=became):
        raise Conflict(f"账单 {bill.name} 正被另一操作处理，请刷新后重试")
    note_step(tx, bill, replace(bill, state=became), event, by=by, at=at, why=why)
