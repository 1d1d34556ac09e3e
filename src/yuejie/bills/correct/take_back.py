"""Request, approve and reject credit notes; the whole of a bill is voided by one."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from yuejie.bills.bill import Bill, BillState
from yuejie.bills.correct import store
from yuejie.bills.correct.credit import (
    VERSION,
    CreditedLine,
    CreditNote,
    CreditState,
    partly,
    seal_of_credit,
    whole,
)
from yuejie.bills.find import find_bill, hold_bill
from yuejie.bills.issue import debt
from yuejie.bills.life import BillEvent
from yuejie.bills.pay import mark_unpaid, move
from yuejie.bills.seal import GENESIS
from yuejie.bills.tell import Rejection, of_rejection
from yuejie.customers.enrol import find_customer
from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Database, Tx
from yuejie.kernel.errors import Conflict, Invalid, NotFound
from yuejie.kernel.ids import mint
from yuejie.kernel.money import Money
from yuejie.kernel.period import zone_of
from yuejie.kernel.two_people import refuse_same
from yuejie.ledger.post import post
from yuejie.ledger.posting import Entry
from yuejie.notices.outbox import enqueue


def request_credit(
    db: Database,
    name: str,
    *,
    amounts: Mapping[int, int] | None,
    why: str,
    by: str,
    now: datetime,
) -> CreditNote:
    """Ask for a credit note: of the given fen (with tax) per line position, or of the whole bill.

    Raises NotFound for an unknown bill, Conflict for one that is not issued or is touched already
    where the whole is asked for, Invalid for amounts that are not left.
    """
    if not why.strip():
        raise Invalid("冲减须写明原因，请补全后重试")
    with db.begin() as tx:
        bill = hold_bill(tx, name)
        if bill.state not in {BillState.ISSUED, BillState.PAID, BillState.WRITTEN_OFF}:
            raise Conflict(f"账单 {bill.name} 未出账或已作废，不能开具冲减单；草稿请直接重算")
        note = _note(bill, _lines(tx, bill, amounts), why, by=by, at=now, whole=amounts is None)
        store.insert_credit(tx, note)
        deed = Deed(by, now, "request", "credit_note", note.credit_note_id, why)
        record_deed(tx, deed, became=note)
        return note


def _lines(tx: Tx, bill: Bill, amounts: Mapping[int, int] | None) -> tuple[CreditedLine, ...]:
    earlier = store.credits_of(tx, bill.customer_id, bill_id=bill.bill_id)
    live = [note for note in earlier if note.state is not CreditState.REJECTED]
    if amounts is not None:
        return partly(bill, amounts, live)
    if live:
        raise Conflict(f"账单 {bill.name} 已有冲减单，不能整张作废；请冲减余下各行")
    if bill.state is not BillState.ISSUED and bill.gross.fen:
        raise Conflict(f"账单 {bill.name} 已结清或核销，不能整张作废；请先撤销认款")
    return whole(bill)


def _note(
    bill: Bill, lines: tuple[CreditedLine, ...], why: str, *, by: str, at: datetime, whole: bool
) -> CreditNote:
    return CreditNote(
        credit_note_id=mint("cn", at),
        number=None,
        bill_id=bill.bill_id,
        customer_id=bill.customer_id,
        whole=whole,
        net=Money(sum(line.net_fen for line in lines), bill.currency),
        tax=Money(sum(line.tax_fen for line in lines), bill.currency),
        lines=lines,
        why=why,
        state=CreditState.REQUESTED,
        requested_by=by,
        requested_at=at,
    )


def decide_credit(
    db: Database, name: str, *, approve: bool, by: str, now: datetime, why: str = ""
) -> CreditNote:
    """Approve or reject somebody else's credit note; approved, it is numbered, sealed and booked.

    Of one that is rejected, who asked for it is told why.
    Raises Forbidden for the one who asked, Conflict for one that is decided already, Invalid for a
    rejection without a reason.
    """
    if not approve and not why.strip():
        raise Invalid("驳回冲减单须写明原因，请补全后重试")
    with db.begin() as tx:
        asked = _find(tx, name)
        tx.lock_exclusive(f"close {asked.customer_id}")
        was = _find(tx, name)
        if was.state is not CreditState.REQUESTED:
            asked_for = "批准" if approve else "驳回"
            raise Conflict(f"冲减单 {name} 已有审批结果，不能再{asked_for}；请刷新后查看")
        refuse_same(was.requested_by, by, "冲减单")
        bill = find_bill(tx, was.bill_id)
        note = replace(
            was, state=CreditState.REJECTED, decided_by=by, decided_at=now, decided_why=why
        )
        if approve:
            note = _approved(tx, note, bill)
        if not store.decide_credit(tx, note):
            raise Conflict(f"冲减单 {name} 正被另一操作处理，请刷新后重试")
        verb = "approve" if approve else "reject"
        deed = Deed(by, now, verb, "credit_note", note.credit_note_id, why)
        record_deed(tx, deed, was=was, became=note)
        if not approve:
            rejection = Rejection(note.credit_note_id, note.requested_by, note.gross, why)
            customer = find_customer(tx, note.customer_id)
            enqueue(tx, of_rejection(customer, rejection), at=now)
        return note


def _approved(tx: Tx, note: CreditNote, bill: Bill) -> CreditNote:
    """Number, seal and book a credit note; a whole one voids its bill."""
    assert note.decided_at is not None, "it has just been decided"
    assert note.decided_by is not None, "somebody decided"
    year = note.decided_at.astimezone(zone_of(find_customer(tx, bill.customer_id).zone)).year
    numbered = replace(
        note,
        state=CreditState.APPROVED,
        number=f"YJC{year}{store.next_number(tx, year):06d}",
        previous_seal=store.last_seal(tx, note.customer_id) or GENESIS,
        seal_form=VERSION,
    )
    sealed = replace(numbered, seal=seal_of_credit(numbered, bill))
    post(tx, _entry(sealed, bill))
    if note.whole:
        if bill.state is BillState.PAID and not bill.gross.fen:
            mark_unpaid(tx, bill.bill_id, by=note.decided_by, at=note.decided_at, why=note.why)
        move(tx, bill.bill_id, BillEvent.VOID, by=note.decided_by, at=note.decided_at, why=note.why)
    return sealed


def _entry(note: CreditNote, bill: Bill) -> Entry:
    """Return the mirror of what issuing booked, as far as it is taken back."""
    assert note.decided_at is not None, "only what is approved is booked"
    taken = {line.line_id: line for line in note.lines}
    part = replace(
        bill,
        lines=tuple(
            replace(
                line,
                net_fen=taken[line.line_id].net_fen,
                tax_fen=taken[line.line_id].tax_fen,
            )
            for line in bill.lines
            if line.line_id in taken
        ),
        net=note.net,
        tax=note.tax,
        gross=note.gross,
    )
    booked = debt(part, by=str(note.decided_by), at=note.decided_at)
    return replace(
        booked,
        key=f"credit:{note.credit_note_id}",
        kind="bill.credit",
        postings=tuple(-posting for posting in booked.postings),
        refers_to=note.credit_note_id,
        memo=f"{note.number} 冲减 {bill.number}",
    )


def _find(tx: Tx, name: str) -> CreditNote:
    note = store.credit_by_name(tx, name)
    if note is None:
        raise NotFound(f"冲减单 {name} 不存在，请核对编号")
    return note
