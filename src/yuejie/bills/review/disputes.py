"""Raise, withdraw and answer disputes about the lines of a proposed bill.

A dispute holds the bill until it is answered. Accepted, it becomes an adjustment that a second
person approves; the bill is then drawn anew and proposed again. When the last one is rejected or
withdrawn, the bill goes on as it was.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from yuejie.bills.bill import Bill, BillLine, BillState
from yuejie.bills.correct.adjust import write_proposal
from yuejie.bills.correct.adjustment import Wanted
from yuejie.bills.find import hold_bill
from yuejie.bills.life import BillEvent, advance
from yuejie.bills.review import store
from yuejie.bills.review.ask import step
from yuejie.bills.review.dispute import Answer, Dispute, DisputeState
from yuejie.bills.review.dispute import advance as advance_dispute
from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Database, Tx
from yuejie.kernel.errors import Conflict, Invalid, NotFound
from yuejie.kernel.ids import CustomerId, mint
from yuejie.kernel.two_people import refuse_same


@dataclass(frozen=True, slots=True)
class Objection:
    """Which line is wrong, why, and what it should be (fen, as the line is), if that is known."""

    position: int
    why: str
    claimed_fen: int | None = None


def raise_dispute(
    db: Database,
    name: str,
    objection: Objection,
    *,
    by: str,
    now: datetime,
    customer_id: CustomerId | None = None,
) -> Dispute:
    """Hold a proposed bill because of one of its lines.

    Raises NotFound for a bill or line that is not there, IllegalTransition for a bill that is not
    with its customer, Conflict for a line that is disputed already.
    """
    if not objection.why.strip():
        raise Invalid("异议须写明原因，请补全后重试")
    with db.begin() as tx:
        bill = hold_bill(tx, name, customer_id)
        advance(bill.state, BillEvent.DISPUTE)
        line = _line_at(bill, objection.position)
        known = store.disputes_of(tx, bill.customer_id, bill_id=bill.bill_id)
        if any(d.line_id == line.line_id and d.state is DisputeState.OPEN for d in known):
            raise Conflict(f"账单 {bill.name} 第 {line.position} 行已有待处理的异议")
        dispute = Dispute(
            dispute_id=mint("dsp", now),
            bill_id=bill.bill_id,
            customer_id=bill.customer_id,
            line_id=line.line_id,
            line_text=words_of(line),
            claimed_fen=objection.claimed_fen,
            why=objection.why,
            state=DisputeState.OPEN,
            raised_by=by,
            raised_at=now,
        )
        store.insert_dispute(tx, dispute)
        deed = Deed(by, now, "raise", "dispute", dispute.dispute_id, objection.why)
        record_deed(tx, deed, became=dispute)
        step(tx, bill, BillEvent.DISPUTE, by=by, at=now, why=objection.why)
        return dispute


def withdraw_dispute(
    db: Database,
    dispute_id: str,
    *,
    by: str,
    now: datetime,
    customer_id: CustomerId | None = None,
) -> Dispute:
    """Take a dispute back; with the last open one the bill goes on as it was."""
    return _close(db, dispute_id, Answer.WITHDRAW, "", None, by=by, now=now, owner=customer_id)


def reject_dispute(
    db: Database, dispute_id: str, *, answer: str, by: str, now: datetime
) -> Dispute:
    """Answer that the line is right, and why; with the last open one the bill goes on."""
    if not answer.strip():
        raise Invalid("驳回异议须写明答复，请补全后重试")
    return _close(db, dispute_id, Answer.REJECT, answer, None, by=by, now=now)


def accept_dispute(
    db: Database, dispute_id: str, *, amount_fen: int, answer: str, by: str, now: datetime
) -> Dispute:
    """Answer that the line is wrong by so much (fen, negative: less is owed).

    The adjustment waits for a second person; then the bill is reopened and proposed again.
    """
    return _close(db, dispute_id, Answer.ACCEPT, answer, amount_fen, by=by, now=now)


def _close(
    db: Database,
    dispute_id: str,
    deed: Answer,
    answer: str,
    amount_fen: int | None,
    *,
    by: str,
    now: datetime,
    owner: CustomerId | None = None,
) -> Dispute:
    with db.begin() as tx:
        was = _find(tx, dispute_id, owner)
        bill = hold_bill(tx, was.bill_id)
        was = _find(tx, dispute_id, owner)
        if deed is not Answer.WITHDRAW:
            refuse_same(was.raised_by, by, "异议", deed="答复")
        became = replace(
            was,
            state=advance_dispute(was.state, deed),
            answer=answer,
            answered_by=by,
            answered_at=now,
        )
        if amount_fen is not None:
            wanted = _wanted(bill, was, amount_fen, answer)
            adjustment = write_proposal(tx, wanted, by=by, at=now)
            became = replace(became, adjustment_id=adjustment.adjustment_id)
        if not store.answer(tx, became):
            raise Conflict(f"异议 {dispute_id} 正被另一操作处理，请刷新后重试")
        why = was.why if deed is Answer.ACCEPT and not answer.strip() else answer
        told = Deed(by, now, str(deed), "dispute", dispute_id, why)
        record_deed(tx, told, was=was, became=became)
        _go_on(tx, bill, by=by, at=now)
        return became


def _go_on(tx: Tx, bill: Bill, *, by: str, at: datetime) -> None:
    """Let a bill whose disputes changed nothing be with its customer again."""
    disputes = store.disputes_of(tx, bill.customer_id, bill_id=bill.bill_id)
    held = {DisputeState.OPEN, DisputeState.ACCEPTED}
    lines = {line.line_id for line in bill.lines}
    if bill.state is BillState.DISPUTED and not any(
        dispute.state in held and dispute.line_id in lines for dispute in disputes
    ):
        step(tx, bill, BillEvent.WITHDRAW, by=by, at=at, why="异议均已撤回或驳回")


def _wanted(bill: Bill, dispute: Dispute, amount_fen: int, answer: str) -> Wanted:
    line = next((each for each in bill.lines if each.line_id == dispute.line_id), None)
    return Wanted(
        customer_id=bill.customer_id,
        service_month=line.service_month if line else bill.month,
        amount_fen=amount_fen,
        currency=bill.currency,
        item=f"调整：{dispute.line_text}",
        why=answer or dispute.why,
        part=bill.part,
        refers_to=dispute.dispute_id,
    )


def _line_at(bill: Bill, position: int) -> BillLine:
    for line in bill.lines:
        if line.position == position:
            return line
    raise NotFound(f"账单 {bill.name} 没有第 {position} 行，请核对行号")


def words_of(line: BillLine) -> str:
    """Say in words what a line is, for those who no longer see the bill it stood on."""
    if not line.metered:
        return line.item
    return f"{line.service_month} {line.project_name} {line.model} {line.meter}"


def _find(tx: Tx, dispute_id: str, owner: CustomerId | None) -> Dispute:
    found = store.dispute_by_id(tx, dispute_id)
    if found is None or (owner is not None and found.customer_id != owner):
        raise NotFound(f"异议 {dispute_id} 不存在，请核对编号")
    return found
