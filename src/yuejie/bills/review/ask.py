"""Put a bill to the customer, take its yes, or draw it anew."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from yuejie.bills import store
from yuejie.bills.bill import Bill, BillState
from yuejie.bills.closing.close import Done, redraw, save_drafts
from yuejie.bills.correct.store import decided_last
from yuejie.bills.due import contract_of, local_day, proposed_dates
from yuejie.bills.find import find_bill, hold_bill
from yuejie.bills.life import BillEvent, advance
from yuejie.bills.note import note_step
from yuejie.bills.review import store as review_store
from yuejie.bills.review.ready import refuse_unanswered
from yuejie.bills.seal import proposal
from yuejie.bills.tell import of_proposal, of_review_end
from yuejie.contracts.terms import Confirmation
from yuejie.db.session import Database, Tx
from yuejie.kernel.errors import Conflict, DomainError, Invalid
from yuejie.kernel.ids import CustomerId
from yuejie.notices.outbox import enqueue

_REMINDED: Final = timedelta(days=4)
_LAST_DAYS: Final = frozenset({0, 2})
"""Days before the end of the review on which a customer that is silent hears of it again."""


def propose_bill(db: Database, name: str, *, by: str, now: datetime) -> Bill:
    """Put a draft to its customer: its content is frozen by a hash, and review begins.

    Raises NotFound, IllegalTransition for what is no draft, Invalid for a draft without lines,
    Conflict while a dispute of it has no answer.
    """
    with db.begin() as tx:
        was = hold_bill(tx, name)
        became = advance(was.state, BillEvent.PROPOSE)
        if not was.lines:
            raise Invalid(f"账单 {was.name} 没有明细行，无需提交确认")
        refuse_unanswered(tx, was)
        dated = proposed_dates(was, contract_of(tx, was).terms, local_day(tx, was, now))
        proposed = replace(dated, state=became, proposed_hash=proposal(dated))
        if not store.propose(tx, proposed):
            raise Conflict(f"账单 {was.name} 正被另一操作处理，请刷新后重试")
        note_step(tx, was, proposed, BillEvent.PROPOSE, by=by, at=now)
        number = review_store.proposals(tx, was.customer_id, was.bill_id)
        enqueue(tx, of_proposal(proposed, number), at=now)
        return proposed


def confirm_bill(
    db: Database,
    name: str,
    *,
    by: str,
    now: datetime,
    customer_id: CustomerId | None = None,
    why: str = "",
) -> Bill:
    """Take the customer's yes to a proposed bill, as it was frozen.

    `customer_id` is the customer that speaks, None for the operator on its behalf, who says why.
    Raises NotFound also for another customer's bill, Conflict while a dispute of it has no answer.
    """
    if customer_id is None and not why.strip():
        raise Invalid("运营方代客户确认须写明依据（例如客户邮件），请补全后重试")
    with db.begin() as tx:
        was = hold_bill(tx, name, customer_id)
        if proposal(was) != was.proposed_hash and was.proposed_hash is not None:
            raise Conflict(f"账单 {was.name} 与提交确认的内容不一致，请重新提交确认")
        refuse_unanswered(tx, was)
        step(tx, was, BillEvent.CONFIRM, by=by, at=now, why=why)
        return find_bill(tx, was.bill_id)


def reopen_bill(db: Database, name: str, *, by: str, now: datetime, why: str) -> Bill:
    """Take a bill back that is not issued yet and draw it anew, with what was approved since.

    Usage stays what it was at the month's closing; what arrived later is on the next bill.
    A confirmation of the old content is void.
    """
    if not why.strip():
        raise Invalid("撤回账单须写明原因，请补全后重试")
    with db.begin() as tx:
        was = hold_bill(tx, name)
        # What was approved is on it, also where the clock of whoever approved is a little ahead.
        now = max(now, was.closed_at, decided_last(tx, was.customer_id) or now)
        step(tx, was, BillEvent.RECOMPUTE, by=by, at=now, why=why)
        draft = find_bill(tx, was.bill_id)
        drawn = redraw(tx, draft, now=now)
        done, bills = save_drafts(tx, [drawn], [draft], by=by, now=now)
        assert done in {Done.REDRAFTED, Done.UNCHANGED}, done
        return bills[0]


def remind_of_review(db: Database, *, now: datetime) -> int:
    """Tell the customers whose review is about to end, once for each of the last days."""
    told = 0
    with db.read() as tx:
        asked = review_store.silent_bills(tx, (now + _REMINDED).date())
    for row in asked:
        with db.begin() as tx:
            bill = find_bill(tx, row.bill_id)
            days = (row.review_until - local_day(tx, bill, now)).days
            if bill.state is BillState.PROPOSED and days in _LAST_DAYS:
                number = review_store.proposals(tx, bill.customer_id, bill.bill_id)
                told += enqueue(tx, of_review_end(bill, number, days), at=now)
    return told


def deem_confirmed(db: Database, *, now: datetime) -> list[Bill]:
    """Confirm the bills whose customers were silent until the end of the review.

    Only where the contract says that silence is a yes; the others keep waiting.
    """
    with db.read() as tx:
        # Yesterday everywhere: the customer's own date is looked at below.
        silent = review_store.silent_bills(tx, (now + timedelta(days=1)).date())
    confirmed: list[Bill] = []
    for row in silent:
        with db.begin() as tx:
            was = hold_bill(tx, row.bill_id)
            terms = contract_of(tx, was).terms
            over = was.review_until is not None and local_day(tx, was, now) > was.review_until
            if terms.confirmation is not Confirmation.DEEMED or not over:
                continue
            try:
                refuse_unanswered(tx, was)
                why = f"{was.review_until} 前未提出异议，按合同视为确认"
                step(tx, was, BillEvent.CONFIRM, by="clerk", at=now, why=why)
            except DomainError:
                continue
            confirmed.append(find_bill(tx, was.bill_id))
    return confirmed


def step(tx: Tx, was: Bill, event: BillEvent, *, by: str, at: datetime, why: str) -> None:
    """Advance a bill by one event that changes nothing else of it, and write the transition."""
    became = advance(was.state, event)
    if not store.move(tx, was.bill_id, was=was.state, became=became):
        raise Conflict(f"账单 {was.name} 正被另一操作处理，请刷新后重试")
    note_step(tx, was, replace(was, state=became), event, by=by, at=at, why=why)
