"""Propose, decide and withdraw adjustments; charge what a rule computes."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from yuejie.bills.bill import LineKind
from yuejie.bills.correct import store
from yuejie.bills.correct.adjustment import (
    Adjustment,
    AdjustmentState,
    Decision,
    Wanted,
    decide,
)
from yuejie.bills.review.reopen import reopen_dispute
from yuejie.bills.tell import Rejection, of_rejection
from yuejie.contracts.store import contracts_of
from yuejie.customers.enrol import find_customer
from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Database, Tx
from yuejie.kernel.errors import Conflict, Invalid, NotFound
from yuejie.kernel.ids import BillId, CustomerId, mint
from yuejie.kernel.money import Money
from yuejie.kernel.period import BillingMonth
from yuejie.notices.outbox import enqueue

_INSTANT: Final = timedelta(microseconds=1)


def propose_adjustment(db: Database, wanted: Wanted, *, by: str, now: datetime) -> Adjustment:
    """Write an adjustment down for a second person to decide about."""
    with db.begin() as tx:
        return write_proposal(tx, wanted, by=by, at=now)


def write_proposal(tx: Tx, wanted: Wanted, *, by: str, at: datetime) -> Adjustment:
    """Write a proposed adjustment in the transaction of a deed that needs one."""
    wanted.refuse_nonsense()
    _refuse_currency(tx, wanted)
    became = _adjustment(wanted, by=by, at=at)
    store.insert_adjustment(tx, became)
    deed = Deed(by, at, "propose", "adjustment", became.adjustment_id, wanted.why)
    record_deed(tx, deed, became=became)
    return became


def _refuse_currency(tx: Tx, wanted: Wanted) -> None:
    """Refuse an amount in a currency that none of the customer's contracts bills in."""
    known = {version.currency for version in contracts_of(tx, wanted.customer_id)}
    if wanted.currency not in known:
        raise Invalid(
            f"调整的币种 {wanted.currency} 与客户合同的 {'、'.join(sorted(known)) or '（无合同）'}"
            " 不符，请按合同币种填写"
        )


def decide_adjustment(
    db: Database, adjustment_id: str, decision: Decision, *, by: str, now: datetime, why: str = ""
) -> Adjustment:
    """Approve or reject somebody else's adjustment, or withdraw one's own.

    An approved one stands on the next bill that is drawn for its customer. Of one that is rejected
    its drafter is told why; the dispute that it answered waits for an answer again.
    Raises Invalid for a rejection without a reason.
    """
    if decision is Decision.REJECT and not why.strip():
        raise Invalid("驳回调整须写明原因，请补全后重试")
    with db.begin() as tx:
        tx.lock_exclusive(f"close {_find(tx, adjustment_id).customer_id}")
        was = _find(tx, adjustment_id)
        state = decide(was.state, decision, proposed_by=was.proposed_by, by=by)
        now = behind_drawing(tx, was.customer_id, now)
        became = replace(was, state=state, decided_by=by, decided_at=now, decided_why=why)
        if not store.decide_adjustment(tx, became):
            raise Conflict(f"调整 {adjustment_id} 正被另一操作处理，请刷新后重试")
        deed = Deed(by, now, str(decision), "adjustment", adjustment_id, why)
        record_deed(tx, deed, was=was, became=became)
        if state is not AdjustmentState.APPROVED:
            _turn_down(tx, became, by=by, at=now)
        return became


def behind_drawing(tx: Tx, customer_id: CustomerId, now: datetime) -> datetime:
    """Return now, or the moment behind the last drawing where the clock has not come to it.

    Under the customer's lock: what a drawing knew is told by clocks, and those of two nodes differ.
    """
    drawn = store.drawn_last(tx, customer_id)
    return now if drawn is None or drawn <= now else drawn + _INSTANT


def _turn_down(tx: Tx, adjustment: Adjustment, *, by: str, at: datetime) -> None:
    """Say what follows from an adjustment that will stand on no bill."""
    why = adjustment.decided_why or "提出人撤回了调整"
    reopened = reopen_dispute(tx, adjustment.refers_to, adjustment.adjustment_id, why, by=by, at=at)
    if not reopened and adjustment.state is AdjustmentState.REJECTED:
        amount = Money(adjustment.amount_fen, adjustment.currency)
        rejection = Rejection(adjustment.adjustment_id, adjustment.proposed_by, amount, why)
        customer = find_customer(tx, adjustment.customer_id)
        enqueue(tx, of_rejection(customer, rejection), at=at)


def _find(tx: Tx, adjustment_id: str) -> Adjustment:
    found = store.adjustment_by_id(tx, adjustment_id)
    if found is None:
        raise NotFound(f"调整 {adjustment_id} 不存在，请核对编号")
    return found


def charge_by_rule(tx: Tx, wanted: Wanted, *, key: str, by: str, at: datetime) -> bool:
    """Write an amount that a rule computed, approved as it is; a key known already adds nothing."""
    wanted.refuse_nonsense()
    became = _adjustment(wanted, by=by, at=at, key=key)
    if not store.insert_adjustment(tx, became):
        return False
    deed = Deed(by, at, "charge", "adjustment", became.adjustment_id, wanted.why)
    record_deed(tx, deed, became=became)
    return True


def charge_late_fee(  # noqa: PLR0913 - the facts of one fee, each printed on the bill
    tx: Tx,
    customer_id: CustomerId,
    *,
    bill_id: BillId,
    number: str,
    amount_fen: int,
    currency: str,
    days: int,
    month: BillingMonth,
    by: str,
    at: datetime,
    key: str,
) -> bool:
    """Add a late fee for a bill to the next one, once per key; False if it was charged already."""
    wanted = Wanted(
        customer_id=customer_id,
        service_month=month,
        amount_fen=amount_fen,
        currency=currency,
        item=f"逾期违约金 {number} 逾期 {days} 天",
        why=f"账单 {number} 逾期 {days} 天，按合同约定计收",
        kind=LineKind.LATE_FEE,
        refers_to=bill_id,
    )
    return charge_by_rule(tx, wanted, key=key, by=by, at=at)


def _adjustment(wanted: Wanted, *, by: str, at: datetime, key: str | None = None) -> Adjustment:
    by_rule = key is not None
    return Adjustment(
        adjustment_id=mint("adj", at),
        key=key,
        customer_id=wanted.customer_id,
        kind=wanted.kind,
        service_month=wanted.service_month,
        part=wanted.part,
        currency=wanted.currency,
        amount_fen=wanted.amount_fen,
        item=wanted.item,
        why=wanted.why,
        refers_to=wanted.refers_to,
        state=AdjustmentState.APPROVED if by_rule else AdjustmentState.PROPOSED,
        proposed_by=by,
        proposed_at=at,
        decided_by=by if by_rule else None,
        decided_at=at if by_rule else None,
        by_rule=by_rule,
    )
