"""Tickets: the queue and the list, one with what was said, and opening one."""

from datetime import datetime, timedelta
from typing import Annotated, Final, NamedTuple

from fastapi import APIRouter, Depends, File, Form, Request, UploadFile
from starlette.responses import Response

from yuejie.customers.enrol import find_customer
from yuejie.customers.store import customers
from yuejie.kernel.errors import Invalid
from yuejie.kernel.limits import TICKET_FILE_BYTES, TICKET_FILES
from yuejie.kernel.period import zone_of
from yuejie.support.rota import store as rota
from yuejie.support.rota.keep import person_on_duty
from yuejie.support.tickets.answer import OVER, Said, speak
from yuejie.support.tickets.grade import grade_ticket
from yuejie.support.tickets.open import TicketDraft, open_ticket
from yuejie.support.tickets.show import Shown, show_queue, show_ticket, show_tickets
from yuejie.support.tickets.ticket import (
    HOUSE_MINUTES,
    KIND_NAMES,
    SEVERITY_NAMES,
    STATE_NAMES,
    Enclosed,
    Severity,
    TicketEvent,
    TicketKind,
    TicketState,
)
from yuejie.web.api.support.tickets import asking
from yuejie.web.auth import whose
from yuejie.web.cursor import PAGE, Window
from yuejie.web.desk import Db, Now
from yuejie.web.pages.frame.draw import HOUSE_ZONE, caller_of, draw, go
from yuejie.web.pages.frame.entry import refuse_strangers, visit
from yuejie.web.pages.insight.whom import Blank

routes: Final = APIRouter(include_in_schema=False, prefix="/tickets", dependencies=[Depends(visit)])
ours: Final = [Depends(refuse_strangers)]

State = Annotated[TicketState | None, Blank]
Text = Annotated[str, Form(max_length=100_000)]
Short = Annotated[str, Form(max_length=1_000)]
Line = Annotated[int | None, Form(), Blank]
Papers = Annotated[list[UploadFile] | None, File()]

ANSWERS: Final = {
    TicketEvent.ANSWER: "答复",
    TicketEvent.ASK: "请客户补充",
    TicketEvent.RESOLVE: "答复并解决",
}
STATES: Final = STATE_NAMES | {TicketState.WAITING: "待客户补充"}
"""As both sides read them: on the customer's own page it is its own turn."""
_MINUTE: Final = 60


def _files(files: Papers = None) -> list[Enclosed]:
    """Return the files chosen; a field without a file is none."""
    chosen = [each for each in files or [] if each.filename]
    if len(chosen) > TICKET_FILES:
        raise Invalid(f"一次最多附 {TICKET_FILES} 个文件，请分几次留言")
    return [
        Enclosed(each.filename or "file", each.file.read(TICKET_FILE_BYTES + 1)) for each in chosen
    ]


FilesHere = Annotated[list[Enclosed], Depends(_files)]


@routes.get("")
def list_tickets(
    request: Request,
    db: Db,
    now: Now,
    state: State = None,
    customer: str = "",
    every: str = "",
    cursor: str | None = None,
) -> Response:
    """Show a customer's tickets; the operator's queue, or everybody's."""
    caller = caller_of(request)
    window = Window.read("page:tickets", cursor, PAGE)
    with db.read() as tx:
        customer_id = whose(tx, caller, customer or None)
        party = find_customer(tx, customer_id) if customer_id else None
        everybody = customers(tx) if caller.is_operator else []
        duty = person_on_duty(tx, now) if caller.is_operator else ""
        adviser = rota.adviser(tx, customer_id) if customer_id else ""
    as_queue = caller.is_operator and not (every or state or customer or cursor)
    if as_queue:
        found = show_queue(db)
    else:
        before = window.after or None
        found = show_tickets(db, customer_id, state=state, before=before, limit=window.fetch)
    rows = found[:PAGE]
    return draw(
        request,
        "support/tickets.html",
        zone=zone_of(party.zone) if party and not caller.is_operator else HOUSE_ZONE,
        rows=[(each, left(each.clock.due_at, now) if each.clock else None) for each in rows],
        as_queue=as_queue,
        everybody=everybody,
        duty=duty,
        adviser=adviser,
        states=STATES,
        kinds=KIND_NAMES,
        grades=SEVERITY_NAMES,
        asked={"state": state or "", "customer": customer, "every": every},
        older=window.write(rows[-1].ticket.ticket_id)
        if len(found) > PAGE and not as_queue
        else None,
    )


def left(due: datetime, now: datetime) -> tuple[bool, int]:
    """Return whether a moment is past, and the whole minutes until it or since."""
    late = now > due
    return late, int(((now - due) if late else (due - now)).total_seconds()) // _MINUTE


def minutes_of(span: timedelta | None) -> int | None:
    """Return a span as minutes, begun ones as whole."""
    return None if span is None else -(-int(span.total_seconds()) // _MINUTE)


@routes.get("/new")
def new_ticket(
    request: Request,
    db: Db,
    customer: str = "",
    bill: str = "",
    line: str = "",
    call: str = "",
) -> Response:
    """Show the form, with the call or the bill's line that it was come from."""
    caller = caller_of(request)
    if customer or not caller.is_operator:
        asking(db, caller, customer)
    with db.read() as tx:
        everybody = customers(tx) if caller.is_operator else []
    return draw(
        request,
        "support/ticket_new.html",
        everybody=everybody,
        kinds=KIND_NAMES,
        grades=SEVERITY_NAMES,
        minutes=dict(zip(Severity, HOUSE_MINUTES, strict=True)),
        asked={
            "customer": customer,
            "bill": bill,
            "line": line,
            "call": call,
            "kind": TicketKind.BILLING if bill else TicketKind.PROBLEM,
        },
        megabytes=TICKET_FILE_BYTES // 1024 // 1024,
        most=TICKET_FILES,
    )


class _About(NamedTuple):
    call: str
    bill: str
    line: int | None


def _about(call: Short = "", bill: Short = "", line: Line = None) -> _About:
    return _About(call, bill, line)


def _draft(
    about: Annotated[_About, Depends(_about)],
    files: FilesHere,
    kind: Short = TicketKind.QUESTION,
    severity: Short = Severity.S4,
    subject: Short = "",
    text: Text = "",
) -> TicketDraft:
    """Return what the form asks for."""
    if kind not in KIND_NAMES or severity not in SEVERITY_NAMES:
        raise Invalid("请从页面上选择类别与级别")
    return TicketDraft(
        kind=TicketKind(kind),
        severity=Severity(severity),
        subject=subject,
        text=text,
        request=about.call,
        bill=about.bill,
        line=about.line,
        files=files,
    )


@routes.post("", dependencies=ours)
def open_one(
    request: Request,
    db: Db,
    now: Now,
    draft: Annotated[TicketDraft, Depends(_draft)],
    customer: str = "",
    whom: Short = "",
) -> Response:
    """Open a ticket; whoever is on duty hears of it at once."""
    caller = caller_of(request)
    party = asking(db, caller, customer or whom)
    made = open_ticket(db, party, draft, by=caller.name, now=now)
    return go(request, f"/tickets/{made.ticket_id}", "工单已提交，值班人已收到通知")


@routes.get("/{ticket}")
def show_one(request: Request, db: Db, now: Now, ticket: str) -> Response:
    """Show what was said on a ticket, until when we answer, and what it went through."""
    caller = caller_of(request)
    shown = show_ticket(db, caller.customer_id, ticket)
    return draw(
        request,
        "support/ticket.html",
        zone=HOUSE_ZONE if caller.is_operator else zone_of(shown.customer.zone),
        shown=shown,
        left=left(shown.clock.due_at, now) if shown.clock else None,
        responded=minutes_of(shown.responded_in),
        resolved=minutes_of(shown.resolved_in),
        files=_by_message(shown),
        over=shown.ticket.state in OVER,
        states=STATES if caller.is_operator else STATE_NAMES,
        kinds=KIND_NAMES,
        grades=SEVERITY_NAMES,
        answers=ANSWERS,
        most=TICKET_FILES,
    )


def _by_message(shown: Shown) -> dict[str, list[object]]:
    found: dict[str, list[object]] = {each.message_id: [] for each in shown.messages}
    for each in shown.files:
        found[each.message_id].append(each)
    return found


@routes.post("/{ticket}/reply", dependencies=ours)
def reply(
    request: Request, db: Db, now: Now, ticket: str, files: FilesHere, text: Text = ""
) -> Response:
    """Take the customer's word; what was over is open again."""
    caller = caller_of(request)
    event = TicketEvent.REOPEN if caller.is_operator else TicketEvent.REPLY
    said = Said(event, text, files)
    done = speak(db, ticket, said, customer_id=caller.customer_id, by=caller.name, now=now)
    again = done.state is TicketState.REOPENED
    return go(request, f"/tickets/{ticket}", "工单已重新打开" if again else "留言已提交")


@routes.post("/{ticket}/close", dependencies=ours)
def close(request: Request, db: Db, now: Now, ticket: str) -> Response:
    """Close a ticket: the customer's at any time, by us once it is resolved."""
    caller = caller_of(request)
    said = Said(TicketEvent.CLOSE)
    speak(db, ticket, said, customer_id=caller.customer_id, by=caller.name, now=now)
    return go(request, f"/tickets/{ticket}", "工单已关闭")


@routes.post("/{ticket}/answer", dependencies=ours)
def answer(
    request: Request,
    db: Db,
    now: Now,
    ticket: str,
    files: FilesHere,
    event: Short = TicketEvent.ANSWER,
    text: Text = "",
) -> Response:
    """Say something as ours; the clock stops and the customer hears of it."""
    if event not in ANSWERS:
        raise Invalid("请从页面上选择答复、请客户补充或答复并解决")
    said = Said(TicketEvent(event), text, files)
    done = speak(db, ticket, said, customer_id=None, by=caller_of(request).name, now=now)
    return go(request, f"/tickets/{ticket}", f"已发给客户，工单{STATES[done.state]}")


@routes.post("/{ticket}/severity", dependencies=ours)
def grade(
    request: Request, db: Db, now: Now, ticket: str, severity: Short, why: Text = ""
) -> Response:
    """Give a ticket another severity; the customer reads why."""
    if severity not in SEVERITY_NAMES:
        raise Invalid("请从页面上选择类别与级别")
    by = caller_of(request).name
    grade_ticket(db, ticket, Severity(severity), why=why, by=by, now=now)
    return go(request, f"/tickets/{ticket}", "级别已更改，客户在工单上看到原因")
