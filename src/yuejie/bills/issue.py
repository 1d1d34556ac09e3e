"""Issue a drafted bill: freeze it, number it, seal it."""

from dataclasses import replace
from datetime import datetime

from yuejie.bills import store
from yuejie.bills.bill import Bill
from yuejie.bills.closing.store import epoch_offsets
from yuejie.bills.life import BillEvent, advance
from yuejie.bills.seal import GENESIS, canonical, seal_of
from yuejie.customers.enrol import find_customer
from yuejie.db.session import Database
from yuejie.kernel.errors import Conflict, NotFound
from yuejie.kernel.period import zone_of


def issue_bill(db: Database, name: str, *, by: str, now: datetime) -> Bill:
    """Freeze a draft, give it the next number of the customer's year, and chain its seal.

    Issues of one customer follow each other under a lock, so the chain has no fork.
    Raises NotFound for an unknown bill and IllegalTransition for one that is issued already.
    """
    with db.begin() as tx:
        drafted = find_bill(store.bill_by_name(tx, name), name)
        tx.lock_exclusive(f"close {drafted.customer_id}")
        draft = find_bill(store.bill_by_name(tx, name), name)
        state = advance(draft.state, BillEvent.ISSUE)
        zone = zone_of(find_customer(tx, draft.customer_id).zone)
        year = now.astimezone(zone).year
        issued = replace(
            draft,
            state=state,
            number=f"YJ{year}{store.next_number(tx, year):06d}",
            issued_at=now,
            previous_seal=store.last_seal(tx, draft.customer_id) or GENESIS,
        )
        offsets = epoch_offsets(tx, issued.epoch)
        sealed = replace(issued, seal=seal_of(canonical(issued, offsets)))
        if not store.issue(tx, sealed):
            raise Conflict(f"账单 {name} 正被另一操作处理，请刷新后重试")
        store.note_transition(
            tx,
            sealed.bill_id,
            event=BillEvent.ISSUE,
            was=draft.state,
            became=sealed.state,
            by=by,
            at=now,
        )
        return sealed


def find_bill(bill: Bill | None, name: str) -> Bill:
    """Return the bill, or say that there is none of that name."""
    if bill is None:
        raise NotFound(f"账单 {name} 不存在，请用 yuejie bills list 查看编号")
    return bill
