"""Approve a package or voucher between the drawings of its customer's bills.

A drawing knows what was approved by the instant it says (0125); under the customer's lock nothing
is approved while it is drawn. Drafts that nobody has been shown are drawn anew, so that none is
issued without what covers its month.
"""

from datetime import datetime

from yuejie.bills.bill import BillState
from yuejie.bills.closing.close import redraw_month
from yuejie.bills.correct.adjust import behind_drawing
from yuejie.bills.correct.store import decided_last
from yuejie.bills.store import bills_of_customer
from yuejie.contracts.grants.give import approve_in, found_grant
from yuejie.contracts.grants.grant import Grant
from yuejie.db.session import Database, Tx
from yuejie.kernel.errors import Conflict
from yuejie.kernel.period import BillingMonth

_UNSAID = {BillState.DRAFT, BillState.VOIDED}


def approve_grant(db: Database, grant_id: str, *, by: str, now: datetime) -> Grant:
    """Let a package or voucher hold from a month on that no bill has told of.

    Raises Conflict where a month that it would cover stands on a bill: whether that is ever looked
    at again, and the grant drawn there, is chance. Drafts of such months have it at once. Raises
    Forbidden for whoever asked for it.
    """
    with db.begin() as tx:
        grant = found_grant(tx, grant_id)
        owner = grant.customer_id
        tx.lock_exclusive(f"close {owner}")
        _refuse_billed(tx, grant)
        now = behind_drawing(tx, owner, now)
        done = approve_in(tx, grant_id, by=by, now=now)
        now = max(now, decided_last(tx, owner) or now)
        drafts = [bill for bill in bills_of_customer(tx, owner) if bill.state is BillState.DRAFT]
        for month in sorted({bill.month for bill in drafts if bill.month >= _first(grant)}):
            redraw_month(tx, owner, month, by=by, now=now)
        return done


def _refuse_billed(tx: Tx, grant: Grant) -> None:
    told = [
        bill.month
        for bill in bills_of_customer(tx, grant.customer_id)
        if bill.state not in _UNSAID and bill.month >= _first(grant)
    ]
    if told:
        raise Conflict(
            f"客户 {max(told)} 的账单已提交或出具，套餐或代金券的起日 {grant.starts_on} 在它之前；"
            f"请驳回后重新提出，起日最早写 {max(told).next.first_day}"
        )


def _first(grant: Grant) -> BillingMonth:
    return BillingMonth(grant.starts_on.year, grant.starts_on.month)
