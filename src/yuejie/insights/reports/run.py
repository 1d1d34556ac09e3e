"""Make reports that are due, once per due instant, and those that a person asks for.

A report is made outside of any transaction that writes: reading and setting take seconds. What was
made, its mails and the next due instant are then written together or not at all, so a clerk that
dies makes it again and nobody hears twice. Instants that passed while no clerk was there are made
up for once, by the latest of them.
"""

import zlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final

import structlog

from yuejie.db.session import Database, Tx
from yuejie.insights.reports import store
from yuejie.insights.reports.forms.paper import to_pdf
from yuejie.insights.reports.forms.sheet import to_xlsx
from yuejie.insights.reports.make import Tell, make, untold
from yuejie.insights.reports.report import Report, Run
from yuejie.insights.reports.result import Result, decode_result
from yuejie.insights.reports.span import Days
from yuejie.kernel.errors import DomainError, NotFound
from yuejie.kernel.ids import CustomerId, mint
from yuejie.notices.notice import ATTACHMENT_BYTES, Attachment, Audience, Kind, Notice
from yuejie.notices.outbox import enqueue

log = structlog.get_logger()

CLERK: Final = "clerk"
AT_ONCE: Final = 20
"""So many reports are made in a round; the rest wait for the next, a minute later."""
PDF: Final = "application/pdf"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FORMATS: Final = {"pdf": (to_pdf, PDF), "xlsx": (to_xlsx, XLSX)}
_LEVEL: Final = 6


@dataclass(frozen=True, slots=True)
class Made:
    """A run and what it says."""

    run: Run
    result: Result


def run_due(db: Database, now: datetime) -> int:
    """Make the reports whose hour has come and return how many were sent."""
    with db.read() as tx:
        waiting = store.due(tx, now, limit=AT_ONCE)
    return sum(_run_due(db, report, now) for report in waiting)


def _run_due(db: Database, report: Report, now: datetime) -> bool:
    """Make one; a report that cannot be made says so to its owner and waits for its next hour."""
    assert report.schedule is not None, "what is due has a schedule"
    due_at = report.schedule.latest(now, report.zone)
    try:
        with db.read(consistent=True) as tx:
            result, days = make(tx, report, due_at)
        files = _attachments(result)
    except DomainError as error:
        log.warning("report.failed", report=report.report_id, why=error.sentence)
        return _give_up(db, report, due_at, error.sentence, now)
    with db.begin() as tx:
        if not _move_on(tx, report, now):
            return False
        channels = [each.channel_id for each in _channels(tx, report)]
        run = _run_of(report, result, days, due_at=due_at, by=CLERK, now=now, sent=len(channels))
        if not store.insert_run(tx, run, zlib.compress(result.encoded, _LEVEL)):
            return False
        addressed: list[str | None] = [*channels]
        for channel in addressed or [None]:
            _tell(tx, report, result, run, files, channel)
    log.info("report.sent", report=report.report_id, run=run.run_id, rows=run.rows)
    return True


def _move_on(tx: Tx, report: Report, now: datetime) -> bool:
    """Set the next due instant, unless another clerk did or somebody changed the report."""
    assert report.schedule is not None, "what is due has a schedule"
    assert report.next_at is not None, "what is due has an instant"
    to = report.schedule.after(now, report.zone)
    return store.move_on(tx, report.customer_id, report.report_id, was=report.next_at, to=to)


def _give_up(db: Database, report: Report, due_at: datetime, why: str, now: datetime) -> bool:
    """Tell the owner, once, why a report was not made this time."""
    with db.begin() as tx:
        if _move_on(tx, report, now):
            facts = {"report": report.name, "why": why}
            key = f"report:{report.report_id}:{_stamp(due_at)}:failed"
            audience = Audience.OPERATOR if report.customer_id is None else Audience.CUSTOMER
            told = Notice(Kind.REPORT_FAILED, audience, facts, key, report.customer_id)
            enqueue(tx, told, at=now)
    return False


def run_by_hand(
    db: Database,
    report: Report,
    *,
    at: datetime,
    by: str,
    now: datetime,
    run_id: str | None = None,
    tell: Tell = untold,
) -> Made:
    """Make a report as of an instant, keep it, and send it to nobody.

    Under a number that was kept before, that stays; `tell` hears how far the reading is.
    """
    with db.read(consistent=True) as tx:
        result, days = make(tx, report, at, tell=tell)
    with db.begin() as tx:
        run = _run_of(report, result, days, due_at=None, by=by, now=now, sent=0)
        if run_id is not None:
            run = replace(run, run_id=run_id)
        if store.hold(tx, report.customer_id, report.report_id) is None:
            raise NotFound(f"报表 {report.name} 已结束，没有生成")
        store.insert_run(tx, run, zlib.compress(result.encoded, _LEVEL))
    return Made(run, result)


def kept_result(tx: Tx, customer_id: CustomerId | None, run_id: str) -> Result:
    """Return what was made in a run, after comparing it with its hash."""
    kept = store.content(tx, customer_id, run_id)
    if kept is None:
        raise NotFound(f"报表记录 {run_id} 不存在，请用 yuejie reports history 核对")
    body = zlib.decompress(kept.content)
    assert sha256(body).digest() == kept.sha256, "what is kept is what was made"
    return decode_result(body)


def file_of(result: Result, form: str) -> tuple[str, str, bytes]:
    """Return a report's file: its name, media type and bytes."""
    write, media_type = FORMATS[form]
    safe = "".join(char if char.isalnum() or char in "-_" else "_" for char in result.report)
    return f"{safe}_{result.first}_{result.last}.{form}", media_type, write(result)


def _attachments(result: Result) -> tuple[Attachment, ...]:
    """Return the files that fit into one mail; the PDF always does."""
    files: list[Attachment] = []
    for form in FORMATS:
        name, media_type, body = file_of(result, form)
        if sum(len(each.body) for each in files) + len(body) <= ATTACHMENT_BYTES:
            files.append(Attachment(name, media_type, body))
    return tuple(files)


def _channels(tx: Tx, report: Report) -> list[store.MailChannel]:
    return store.mail_channels(tx, report.customer_id, report.recipients)


def _tell(
    tx: Tx,
    report: Report,
    result: Result,
    run: Run,
    files: tuple[Attachment, ...],
    channel: str | None,
) -> None:
    """Put a report into the outbox for one address, or for all who subscribe to reports."""
    facts = {
        "report": result.report,
        "span": f"{result.first} ~ {result.last}",
        "rows": f"{len(result.rows):,}",
        "run": run.run_id,
    }
    assert run.due_at is not None, "what is sent by itself was due"
    key = f"report:{report.report_id}:{_stamp(run.due_at)}:{channel or 'all'}"
    audience = Audience.OPERATOR if report.customer_id is None else Audience.CUSTOMER
    told = Notice(Kind.REPORT_READY, audience, facts, key, report.customer_id, files)
    enqueue(tx, told, at=run.made_at, only_channel=channel)


def _run_of(
    report: Report,
    result: Result,
    days: Days,
    *,
    due_at: datetime | None,
    by: str,
    now: datetime,
    sent: int,
) -> Run:
    return Run(
        run_id=mint("rrn", now),
        report_id=report.report_id,
        customer_id=report.customer_id,
        due_at=due_at,
        since=days.since,
        until=days.until,
        made_at=now,
        made_by=by,
        rows=len(result.rows),
        sha256=result.sha256,
        sent=sent,
    )


def _stamp(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y%m%dT%H%MZ}"
