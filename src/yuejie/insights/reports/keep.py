"""Add, change and end a report."""

from datetime import datetime
from typing import Final

from yuejie.customers.enrol import find_customer
from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Database, Tx
from yuejie.insights.reports import store
from yuejie.insights.reports.report import REPORTS, Report, ReportDraft
from yuejie.kernel.errors import Conflict, Invalid, NotFound
from yuejie.kernel.ids import CustomerId, mint

HOUSE_ZONE: Final = "Asia/Shanghai"
"""The operator's own reports are due by its clock."""
_NOUN: Final = "report"


def add_report(
    db: Database, customer_id: CustomerId | None, draft: ReportDraft, *, by: str, now: datetime
) -> Report:
    """Keep a report of a customer's, or of the operator's own, and set its first due instant."""
    with db.begin() as tx:
        _check(tx, customer_id, draft)
        if store.count(tx, customer_id) >= REPORTS:
            raise Invalid(f"报表已有 {REPORTS} 个，请先结束不用的再新增")
        zone = find_customer(tx, customer_id).zone if customer_id else HOUSE_ZONE
        made = Report(
            report_id=mint("rpt", now),
            customer_id=customer_id,
            name=draft.name.strip(),
            spec=draft.spec,
            recipients=draft.recipients,
            schedule=draft.schedule,
            zone=zone,
            next_at=draft.schedule.after(now, zone) if draft.schedule else None,
            made_by=by,
            made_at=now,
        )
        if not store.insert(tx, made):
            raise Conflict(f"报表“{made.name}”已存在，请换个名称，或用 yuejie reports edit 修改")
        record_deed(tx, Deed(by, now, "add", _NOUN, made.report_id), became=made.draft)
        return made


def edit_report(
    db: Database,
    customer_id: CustomerId | None,
    report_id: str,
    draft: ReportDraft,
    *,
    by: str,
    now: datetime,
) -> Report:
    """Let a report say something else; what was made of it stays."""
    with db.begin() as tx:
        was = store.hold(tx, customer_id, report_id)
        if was is None:
            raise no_report(report_id)
        _check(tx, was.customer_id, draft)
        planned = draft.schedule
        same = planned == was.schedule and was.next_at is not None
        due = was.next_at if same else planned.after(now, was.zone) if planned else None
        changed = Report(
            report_id=was.report_id,
            customer_id=was.customer_id,
            name=draft.name.strip(),
            spec=draft.spec,
            recipients=draft.recipients,
            schedule=planned,
            zone=was.zone,
            next_at=due,
            made_by=was.made_by,
            made_at=was.made_at,
        )
        if not store.update(tx, was.customer_id, changed):
            raise Conflict(f"报表“{changed.name}”已存在，请换个名称后重试")
        deed = Deed(by, now, "edit", _NOUN, report_id)
        record_deed(tx, deed, was=was.draft, became=changed.draft)
        return changed


def end_report(
    db: Database, customer_id: CustomerId | None, report_id: str, *, by: str, now: datetime
) -> None:
    """End a report: it is made no more, and its name is free."""
    with db.begin() as tx:
        was = store.hold(tx, customer_id, report_id)
        if was is None or not store.end(tx, was.customer_id, report_id, now):
            raise no_report(report_id)
        record_deed(tx, Deed(by, now, "end", _NOUN, report_id), was=was.draft)


def find_report(tx: Tx, customer_id: CustomerId | None, name: str, *, own: bool = False) -> Report:
    """Return a report by its id or name; with `own` a name means one of that very owner."""
    found = store.report(tx, customer_id, name, own=own)
    if not found:
        raise no_report(name)
    if len(found) > 1 and found[0].report_id != name:
        raise Invalid(f"有多个报表叫“{name}”，请改用编号，或用 --customer 指明客户")
    return found[0]


def no_report(name: str) -> NotFound:
    """Say that there is no such report, or not for whoever asks."""
    return NotFound(f"报表 {name} 不存在或已结束，请用 yuejie reports list 核对")


def _check(tx: Tx, customer_id: CustomerId | None, draft: ReportDraft) -> None:
    """Refuse a report that could not be made or sent."""
    draft.refuse_nonsense(customer_id)
    reached = {each.contact_id for each in store.mail_channels(tx, customer_id, draft.recipients)}
    missing = [each for each in draft.recipients if each not in reached]
    if missing:
        raise Invalid(
            f"收件联系人 {'、'.join(missing)} 不存在、不属于报表所有者或没有邮件渠道，"
            "请先用 yuejie notices contacts 登记"
        )
