"""Tickets: open, read, say something."""

from typing import Annotated, Final

from fastapi import Query, Response, status

from yuejie.customers.customer import Customer
from yuejie.customers.enrol import find_customer
from yuejie.db.session import Database
from yuejie.kernel.errors import Invalid
from yuejie.support.tickets.answer import speak
from yuejie.support.tickets.grade import grade_ticket
from yuejie.support.tickets.open import open_ticket
from yuejie.support.tickets.show import show_file, show_queue, show_ticket, show_tickets
from yuejie.support.tickets.ticket import Severity, TicketEvent, TicketState
from yuejie.web.api.billing.bills import disposition
from yuejie.web.auth import AnyCaller, Caller, guarded, whose
from yuejie.web.cursor import PAGE, Cursor, Limit, Page, Window
from yuejie.web.desk import Db, Now
from yuejie.web.shapes.support.tickets import GradeIn, SaidIn, TicketIn, TicketOut, TicketWhole
from yuejie.web.shapes.wire import Name

routes: Final = guarded("工单", prefix="/tickets")
Whose = Annotated[Name | None, Query(description="客户；运营方不填为全部")]
State = Annotated[TicketState | None, Query(description="只列某个状态")]
Queue = Annotated[bool, Query(description="运营方：只列等我方响应的，先到时限的在前")]
_BYTES: Final = "application/octet-stream"


@routes.get("", summary="列出工单")
def list_tickets(
    db: Db,
    caller: AnyCaller,
    *,
    customer: Whose = None,
    state: State = None,
    queue: Queue = False,
    cursor: Cursor = None,
    limit: Limit = PAGE,
) -> Page[TicketOut]:
    """新的在前。"""
    window = Window.read("tickets", cursor, limit)
    with db.read() as tx:
        customer_id = whose(tx, caller, customer)
    if queue and customer_id is None:
        found = show_queue(db, limit=limit)
        return Page(items=[TicketOut.of(each) for each in found], next_cursor=None)
    found = show_tickets(
        db, customer_id, state=state, before=window.after or None, limit=min(window.fetch, 1_000)
    )
    return window.page(found, TicketOut.of, lambda each: each.ticket.ticket_id)


@routes.post("", summary="提交工单", status_code=status.HTTP_201_CREATED)
def post_ticket(db: Db, caller: AnyCaller, now: Now, body: TicketIn) -> TicketWhole:
    """提交后按级别 7×24 计时，值班人立即收到通知。"""
    who = asking(db, caller, body.customer)
    made = open_ticket(db, who, body.draft(), by=caller.name, now=now)
    return TicketWhole.of(show_ticket(db, who.customer_id, made.ticket_id))


def asking(db: Database, caller: Caller, customer: str | None) -> Customer:
    """Return whose ticket it is to be. Raises NotFound for whom the caller may not see."""
    with db.read() as tx:
        customer_id = whose(tx, caller, customer or None)
        if customer_id is None:
            raise Invalid("请用 customer 指明一个客户，例如 acme")
        return find_customer(tx, customer_id)


@routes.get("/{ticket}", summary="查看工单")
def get_ticket(db: Db, caller: AnyCaller, ticket: Name) -> TicketWhole:
    """一张工单的留言、附件、时限与经历。"""
    return TicketWhole.of(show_ticket(db, caller.customer_id, ticket))


@routes.get(
    "/{ticket}/files/{file}",
    summary="取回附件",
    response_class=Response,
    responses={200: {"content": {_BYTES: {}}}},
)
def get_file(db: Db, caller: AnyCaller, ticket: Name, file: Name) -> Response:
    """取回工单的附件；一律作为下载，不在浏览器中打开。"""
    found = show_file(db, caller.customer_id, ticket, file)
    headers = {"content-disposition": disposition(found.name)}
    return Response(found.body, media_type=_BYTES, headers=headers)


@routes.post("/{ticket}/reply", summary="客户留言")
def post_reply(db: Db, caller: AnyCaller, now: Now, ticket: Name, body: SaidIn) -> TicketWhole:
    """客户留言；已解决或已关闭的工单由此重新打开，重新计时。"""
    event = TicketEvent.REOPEN if caller.is_operator else TicketEvent.REPLY
    return _said(db, caller, now, ticket, body, event)


@routes.post("/{ticket}/close", summary="关闭工单")
def post_close(db: Db, caller: AnyCaller, now: Now, ticket: Name, body: SaidIn) -> TicketWhole:
    """客户随时可关闭；我方只关闭已解决的。"""
    return _said(db, caller, now, ticket, body, TicketEvent.CLOSE)


@routes.post("/{ticket}/answer", summary="答复")
def post_answer(db: Db, caller: AnyCaller, now: Now, ticket: Name, body: SaidIn) -> TicketWhole:
    """答复客户；计时停止，客户收到通知。"""
    return _said(db, caller, now, ticket, body, TicketEvent.ANSWER)


@routes.post("/{ticket}/ask", summary="请客户补充")
def post_ask(db: Db, caller: AnyCaller, now: Now, ticket: Name, body: SaidIn) -> TicketWhole:
    """请客户补充；等客户期间不计时。"""
    return _said(db, caller, now, ticket, body, TicketEvent.ASK)


@routes.post("/{ticket}/resolve", summary="解决")
def post_resolve(db: Db, caller: AnyCaller, now: Now, ticket: Name, body: SaidIn) -> TicketWhole:
    """写明解决办法；客户七天内没有留言则自行关闭。"""
    return _said(db, caller, now, ticket, body, TicketEvent.RESOLVE)


@routes.post("/{ticket}/severity", summary="更改级别")
def post_severity(db: Db, caller: AnyCaller, now: Now, ticket: Name, body: GradeIn) -> TicketWhole:
    """更改工单级别并写明原因，客户在工单上看到；正在走的响应时限只会提前，不会放宽。"""
    severity = Severity(body.severity)
    grade_ticket(db, ticket, severity, why=body.why, by=caller.name, now=now)
    return TicketWhole.of(show_ticket(db, caller.customer_id, ticket))


def _said(
    db: Database, caller: Caller, now: Now, ticket: str, body: SaidIn, event: TicketEvent
) -> TicketWhole:
    customer_id, said = caller.customer_id, body.said(event)
    speak(db, ticket, said, customer_id=customer_id, by=caller.name, now=now)
    return TicketWhole.of(show_ticket(db, customer_id, ticket))
