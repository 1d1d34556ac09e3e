"""Open a ticket: about a call, a bill, a line of a bill, or nothing named."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from yuejie.bills.bill import BillState
from yuejie.bills.find import find_bill, no_such_bill
from yuejie.customers.customer import Customer
from yuejie.db.session import Database, Tx
from yuejie.kernel.errors import Conflict, Invalid, NotFound
from yuejie.kernel.ids import CustomerId, mint
from yuejie.kernel.ids import request_id as request_id_of
from yuejie.kernel.limits import TICKET_FILE_BYTES, TICKET_FILES, TICKET_TEXT, TICKETS_ALIVE
from yuejie.support.tickets import store
from yuejie.support.tickets.tell import tell_opened
from yuejie.support.tickets.ticket import (
    Enclosed,
    Severity,
    Side,
    Ticket,
    TicketKind,
    TicketState,
)
from yuejie.support.tickets.timing import begin_clock
from yuejie.usage.refusals.look import turned_away
from yuejie.usage.show import parse_request_id
from yuejie.usage.warehouse.read import events_of_operation

SUBJECT: Final = 120
NAME: Final = 100
_UNPRINTED: Final = {*(chr(code) for code in range(32)), "\x7f", "/", "\\"}


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketDraft:
    """What somebody asks. `request` is a request id, `bill` a number or id, `line` its row."""

    kind: TicketKind
    severity: Severity
    subject: str
    text: str
    request: str = ""
    bill: str = ""
    line: int | None = None
    files: Sequence[Enclosed] = ()


def open_ticket(
    db: Database, customer: Customer, draft: TicketDraft, *, by: str, now: datetime
) -> Ticket:
    """Write a ticket down, let its clock run, and tell whoever is on duty.

    Raises NotFound for a call or bill that is not the customer's, in the words for one that is
    not there; Invalid for what nobody could read or keep.
    """
    subject, text = checked_subject(draft.subject), checked_text(draft.text)
    files = checked_files(draft.files)
    if draft.request.strip() and draft.bill.strip():
        raise Invalid("一张工单只关联一次请求或一张账单，请去掉其中一个")
    if draft.line is not None and not draft.bill.strip():
        raise Invalid("写了行号，也请写账单号")
    request_id = _request_of(db, customer.customer_id, draft)
    with db.begin() as tx:
        tx.lock_exclusive(f"tickets {customer.customer_id}")
        _refuse_flood(tx, customer)
        bill_id = _bill_of(tx, customer.customer_id, draft)
        ticket = Ticket(
            ticket_id=mint("tkt", now),
            customer_id=customer.customer_id,
            kind=draft.kind,
            severity=draft.severity,
            subject=subject,
            request_id=request_id,
            bill_id=bill_id,
            line_position=draft.line,
            state=TicketState.OPEN,
            state_at=now,
            opened_by=by,
            opened_at=now,
        )
        store.insert(tx, ticket)
        add_message(tx, ticket, Side.CUSTOMER, text, files, by=by, at=now)
        clock = begin_clock(tx, ticket, is_first=True, at=now)
        tell_opened(tx, ticket, clock, at=now)
    return ticket


def _refuse_flood(tx: Tx, customer: Customer) -> None:
    if store.alive_count(tx, customer.customer_id) >= TICKETS_ALIVE:
        raise Conflict(f"未关闭的工单已有 {TICKETS_ALIVE} 张，请先关闭已解决的，或在原工单上留言")


def _request_of(db: Database, customer_id: CustomerId, draft: TicketDraft) -> UUID | None:
    """Return the call a ticket is about, found wherever its events lie: before anything is held."""
    if not draft.request.strip():
        return None
    wanted = parse_request_id(draft.request)
    with db.read() as tx:
        if not events_of_operation(tx, customer_id, wanted) and not turned_away(
            tx, customer_id, wanted
        ):
            said = request_id_of(wanted.bytes)
            raise NotFound(f"请求 {said} 不存在，或用量尚未入库，请两秒后再试")
    return wanted


def _bill_of(tx: Tx, customer_id: CustomerId, draft: TicketDraft) -> str | None:
    name = draft.bill.strip()
    if not name:
        return None
    bill = find_bill(tx, name, customer_id)
    if bill.state is BillState.DRAFT:
        raise no_such_bill(name)
    if draft.line is not None and draft.line not in {line.position for line in bill.lines}:
        raise NotFound(f"账单 {bill.name} 没有第 {draft.line} 行，请核对行号")
    return bill.bill_id


def add_message(
    tx: Tx,
    ticket: Ticket,
    side: Side,
    text: str,
    files: Sequence[Enclosed],
    *,
    by: str,
    at: datetime,
) -> str:
    """Write down what somebody says, with its files; returns the message's id."""
    message = store.Message(mint("tms", at), str(side), by, at, text)
    store.insert_message(tx, ticket.ticket_id, side, message)
    for each in files:
        store.insert_file(tx, message.message_id, mint("tfl", at), each)
    return message.message_id


def checked_subject(subject: str) -> str:
    """Return a subject in one line. Raises Invalid."""
    line = " ".join(subject.split())
    if not 0 < len(line) <= SUBJECT or "\0" in line:
        raise Invalid(f"请用一句话写明标题，最多 {SUBJECT} 个字符")
    return line


def checked_text(text: str) -> str:
    """Return what somebody says, without blank ends. Raises Invalid."""
    said = text.replace("\r\n", "\n").strip()
    if not 0 < len(said) <= TICKET_TEXT or "\0" in said:
        raise Invalid(f"请写明内容，最多 {TICKET_TEXT:,} 个字符；更长的日志请作为附件")
    return said


def checked_files(files: Sequence[Enclosed]) -> list[Enclosed]:
    """Return files under names that no system takes for a path. Raises Invalid."""
    if len(files) > TICKET_FILES:
        raise Invalid(f"一次最多附 {TICKET_FILES} 个文件，请分几次留言")
    found = []
    for each in files:
        if len(each.body) > TICKET_FILE_BYTES:
            size = TICKET_FILE_BYTES // 1024 // 1024
            raise Invalid(f"附件“{each.name[:NAME]}”超过 {size} MB，请压缩或截取后再附")
        name = "".join("_" if char in _UNPRINTED else char for char in each.name.strip())
        found.append(Enclosed(name.strip(". ")[-NAME:] or "file", each.body))
    return found
