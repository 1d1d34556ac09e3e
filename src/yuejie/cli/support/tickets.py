"""`yuejie tickets …`."""

from datetime import datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import click

from yuejie.assurance.sla.words import duration
from yuejie.cli.frame import Frame, as_json, frame, give_json, put, say, show_table
from yuejie.customers.enrol import find_customer
from yuejie.support.rota.duty import HOUSE_ZONE
from yuejie.support.tickets.answer import Said, speak
from yuejie.support.tickets.grade import grade_ticket
from yuejie.support.tickets.open import TicketDraft, open_ticket
from yuejie.support.tickets.show import (
    Listed,
    Shown,
    show_file,
    show_queue,
    show_ticket,
    show_tickets,
)
from yuejie.support.tickets.ticket import (
    EVENT_NAMES,
    KIND_NAMES,
    SEVERITY_NAMES,
    STATE_NAMES,
    Enclosed,
    Severity,
    Side,
    TicketEvent,
    TicketKind,
    TicketState,
)

_COLUMNS: Final = ("编号", "客户", "级别", "标题", "状态", "提交", "时限")
_EVENTS: Final = {event.value: name for event, name in EVENT_NAMES.items()}
as_text: Final = click.option("--text", required=True, help="内容")
as_files: Final = click.option(
    "--file",
    "files",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="附件，可写多次",
)


@click.group()
def tickets() -> None:
    """工单：按级别 7×24 计时，可关联请求或账单行。"""


@tickets.command("open")
@click.argument("customer")
@click.option("--subject", required=True, help="一句话标题")
@as_text
@click.option("--severity", type=click.Choice([each.value for each in Severity]), default="s4")
@click.option(
    "--kind",
    type=click.Choice([each.value for each in TicketKind]),
    default="question",
    help="problem 故障、billing 账单、question 咨询、review 接入评审",
)
@click.option("--request", default="", help="关联的请求编号 req_…")
@click.option("--bill", default="", help="关联的账单号")
@click.option("--line", type=int, help="账单的第几行")
@as_files
@frame
def open_one(
    house: Frame, /, customer: str, files: tuple[Path, ...], line: int | None, **told: str
) -> None:
    """代客户提交一张工单。"""
    draft = TicketDraft(
        kind=TicketKind(told["kind"]),
        severity=Severity(told["severity"]),
        subject=told["subject"],
        text=told["text"],
        request=told["request"],
        bill=told["bill"],
        line=line,
        files=_read(files),
    )
    with house.database() as db:
        with db.read() as tx:
            who = find_customer(tx, customer)
        made = open_ticket(db, who, draft, by=house.by, now=house.now())
        shown = show_ticket(db, who.customer_id, made.ticket_id)
    due = f"，请在 {_local(shown.clock.due_at)} 前首次响应" if shown.clock else ""
    say(f"工单 {made.ticket_id} 已提交{due}")


def _read(files: tuple[Path, ...]) -> list[Enclosed]:
    return [Enclosed(each.name, each.read_bytes()) for each in files]


@tickets.command("list")
@click.option("--customer", help="客户；不写则全部")
@click.option("--state", type=click.Choice([each.value for each in TicketState]), help="状态")
@click.option("--limit", default=50, help="最多几条")
@as_json
@frame
def list_tickets(
    house: Frame, customer: str | None, state: str | None, limit: int, *, json: bool
) -> None:
    """列出工单，新的在前。"""
    with house.database() as db:
        customer_id = None
        if customer:
            with db.read() as tx:
                customer_id = find_customer(tx, customer).customer_id
        wanted = TicketState(state) if state else None
        found = show_tickets(db, customer_id, state=wanted, limit=limit)
    _give(found, "工单", "没有工单", house.now(), json=json)


@tickets.command("queue")
@click.option("--limit", default=50, help="最多几条")
@as_json
@frame
def queue(house: Frame, limit: int, *, json: bool) -> None:
    """列出等我方响应的工单，先到时限的在前。"""
    with house.database() as db:
        found = show_queue(db, limit=limit)
    _give(found, "等我方响应", "没有等我方响应的工单", house.now(), json=json)


def _give(found: list[Listed], title: str, none: str, now: datetime, *, json: bool) -> None:
    if json:
        give_json(found)
    elif found:
        show_table(title, _COLUMNS, [_row(each, now) for each in found])
    else:
        say(none)


def _row(each: Listed, now: datetime) -> tuple[object, ...]:
    late = "（已超时）" if each.is_late(now) else ""
    ticket = each.ticket
    return (
        ticket.ticket_id,
        each.customer.slug,
        ticket.severity.upper(),
        ticket.subject,
        STATE_NAMES[ticket.state],
        _local(ticket.opened_at),
        f"{_local(each.clock.due_at)}{late}" if each.clock else "",
    )


@tickets.command("grade")
@click.argument("ticket_id")
@click.argument("severity", type=click.Choice([each.value for each in Severity]))
@click.option("--why", required=True, help="原因，客户在工单上看到")
@as_json
@frame
def grade(house: Frame, ticket_id: str, severity: str, why: str, *, json: bool) -> None:
    """更改工单级别；正在走的响应时限只会提前，不会放宽。"""
    with house.database() as db:
        became = grade_ticket(
            db, ticket_id, Severity(severity), why=why, by=house.by, now=house.now()
        )
    if json:
        give_json(became)
        return
    say(f"工单 {ticket_id} 现为 {SEVERITY_NAMES[became.severity]}")


@tickets.command("show")
@click.argument("ticket_id")
@as_json
@frame
def show(house: Frame, ticket_id: str, *, json: bool) -> None:
    """一张工单：留言、附件、时限、经历。"""
    with house.database() as db:
        shown = show_ticket(db, None, ticket_id)
    if json:
        give_json(shown)
        return
    for line in _lines(shown):
        say(line)


def _lines(shown: Shown) -> list[str]:
    ticket = shown.ticket
    grade = SEVERITY_NAMES[ticket.severity]
    lines = [
        f"{ticket.subject}（{STATE_NAMES[ticket.state]}）",
        (
            f"  {shown.customer.legal_name}　{KIND_NAMES[ticket.kind]}　{grade}　"
            f"提交 {_local(ticket.opened_at)}　顾问 {shown.adviser or '未指定'}"
        ),
    ]
    if ticket.request:
        lines.append(f"  请求　{ticket.request}")
    if shown.bill:
        row = f" 第 {ticket.line_position} 行" if ticket.line_position else ""
        lines.append(f"  账单　{shown.bill}{row}")
    if shown.clock:
        lines.append(f"  时限　{_local(shown.clock.due_at)}")
    if shown.responded_in is not None:
        late = "，超时" if shown.late else ""
        lines.append(f"  首次响应　{duration(int(shown.responded_in.total_seconds()))}{late}")
    if shown.resolved_in is not None:
        lines.append(f"  解决用时　{duration(int(shown.resolved_in.total_seconds()))}")
    for said in shown.messages:
        side = "客户" if said.side == Side.CUSTOMER else "我方"
        lines += ["", f"{_local(said.at)}　{side}　{said.by}", said.text]
        lines += [
            f"  附件 {each.file_id}　{each.name}　{each.size:,} 字节"
            for each in shown.files
            if each.message_id == said.message_id
        ]
    lines.append("")
    lines += [
        f"{_local(step.at)}　{_EVENTS[step.event]}　{step.by}　{step.why}".rstrip()
        for step in shown.steps
    ]
    return lines


def _local(at: datetime, zone: ZoneInfo = HOUSE_ZONE) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M}"


@tickets.command("file")
@click.argument("ticket_id")
@click.argument("file_id")
@click.option("--out", type=click.Path(path_type=Path), default=Path(), help="写到哪里")
@frame
def file(house: Frame, ticket_id: str, file_id: str, out: Path) -> None:
    """取回一个附件。"""
    with house.database() as db:
        found = show_file(db, None, ticket_id, file_id)
    say(f"已写出 {put(found.body, found.name, out)}")


@tickets.command("answer")
@click.argument("ticket_id")
@as_text
@as_files
@frame
def answer(house: Frame, ticket_id: str, text: str, files: tuple[Path, ...]) -> None:
    """答复客户；计时停止。"""
    _speak(house, ticket_id, Said(TicketEvent.ANSWER, text, _read(files)))


@tickets.command("ask")
@click.argument("ticket_id")
@as_text
@as_files
@frame
def ask(house: Frame, ticket_id: str, text: str, files: tuple[Path, ...]) -> None:
    """请客户补充；等客户期间不计时。"""
    _speak(house, ticket_id, Said(TicketEvent.ASK, text, _read(files)))


@tickets.command("resolve")
@click.argument("ticket_id")
@as_text
@as_files
@frame
def resolve(house: Frame, ticket_id: str, text: str, files: tuple[Path, ...]) -> None:
    """写明解决办法；客户七天内没有留言则自行关闭。"""
    _speak(house, ticket_id, Said(TicketEvent.RESOLVE, text, _read(files)))


@tickets.command("close")
@click.argument("ticket_id")
@click.option("--text", default="", help="说明")
@frame
def close(house: Frame, ticket_id: str, text: str) -> None:
    """关闭已解决的工单。"""
    _speak(house, ticket_id, Said(TicketEvent.CLOSE, text))


def _speak(house: Frame, ticket_id: str, said: Said) -> None:
    with house.database() as db:
        done = speak(db, ticket_id, said, customer_id=None, by=house.by, now=house.now())
    say(f"工单 {ticket_id} {STATE_NAMES[done.state]}")
