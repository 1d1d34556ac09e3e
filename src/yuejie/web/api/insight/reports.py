"""Saved reports, and what was made of them."""

from typing import Annotated, Final

from fastapi import Query, Response, status

from yuejie.db.session import Database
from yuejie.insights.reports import store
from yuejie.insights.reports.keep import add_report, edit_report, end_report, find_report
from yuejie.insights.reports.run import PDF, XLSX, file_of, kept_result, run_by_hand
from yuejie.jobs.kinds.make_report import order_report_run
from yuejie.web.api.billing.bills import disposition
from yuejie.web.api.watch.jobs import ACCEPTED, Prefer, accepted, wants_async
from yuejie.web.auth import AnyCaller, Caller, guarded, whose
from yuejie.web.cursor import PAGE, Cursor, Limit, Page, Window
from yuejie.web.desk import Db, Now
from yuejie.web.shapes.insight.reports import (
    ReportAsked,
    ReportIn,
    ReportOut,
    ResultOut,
    RunIn,
    RunOut,
)
from yuejie.web.shapes.wire import Name

routes: Final = guarded("报表")
Whose = Annotated[Name | None, Query(description="客户；运营方不填为全部")]
Ended = Annotated[bool, Query(description="连已结束的")]


@routes.get("/reports", summary="列出报表")
def list_reports(
    db: Db,
    caller: AnyCaller,
    customer: Whose = None,
    cursor: Cursor = None,
    limit: Limit = PAGE,
    *,
    ended: Ended = False,
) -> Page[ReportOut]:
    """保存的报表，旧的在前。"""
    window = Window.read("reports", cursor, limit)
    with db.read() as tx:
        customer_id = whose(tx, caller, customer)
        found = store.reports(tx, customer_id, ended=ended, after=window.after, limit=window.fetch)
    return window.page(found, ReportOut.of, lambda report: report.report_id)


@routes.post("/reports", summary="新增报表", status_code=status.HTTP_201_CREATED)
def post_report(db: Db, caller: AnyCaller, now: Now, body: ReportAsked) -> ReportOut:
    """保存一个报表；写了 schedule 就按时生成，连同 PDF 与 XLSX 以邮件发送。"""
    with db.read() as tx:
        customer_id = whose(tx, caller, body.customer)
    return ReportOut.of(add_report(db, customer_id, body.draft(), by=caller.name, now=now))


@routes.get("/reports/{report}", summary="查看报表")
def get_report(db: Db, caller: AnyCaller, report: Name) -> ReportOut:
    """按编号或名称查看一个报表。"""
    with db.read() as tx:
        return ReportOut.of(find_report(tx, caller.customer_id, report))


@routes.put("/reports/{report}", summary="修改报表")
def put_report(db: Db, caller: AnyCaller, now: Now, report: Name, body: ReportIn) -> ReportOut:
    """改成这样；已生成的都留着。"""
    with db.read() as tx:
        found = find_report(tx, caller.customer_id, report)
    return ReportOut.of(
        edit_report(db, found.customer_id, found.report_id, body.draft(), by=caller.name, now=now)
    )


@routes.post("/reports/{report}/end", summary="结束报表")
def post_end(db: Db, caller: AnyCaller, now: Now, report: Name) -> ReportOut:
    """不再生成；名称可以再用。"""
    with db.read() as tx:
        found = find_report(tx, caller.customer_id, report)
    end_report(db, found.customer_id, found.report_id, by=caller.name, now=now)
    with db.read() as tx:
        return ReportOut.of(find_report(tx, caller.customer_id, found.report_id))


@routes.post("/reports/{report}/run", summary="现在生成", response_model=RunOut, responses=ACCEPTED)
def post_run(
    db: Db, caller: AnyCaller, now: Now, report: Name, body: RunIn, prefer: Prefer = ""
) -> RunOut | Response:
    """生成并留存，不发给任何人。在后台生成的，办完之后在历次生成里。"""
    with db.read() as tx:
        found = find_report(tx, caller.customer_id, report)
    if wants_async(prefer):
        order = order_report_run(found, body.at or now, caller.customer_id)
        return accepted(db, order, caller, now)
    made = run_by_hand(db, found, at=body.at or now, by=caller.name, now=now)
    return RunOut.of(made.run)


@routes.get("/reports/{report}/runs", summary="历次生成")
def list_runs(
    db: Db, caller: AnyCaller, report: Name, cursor: Cursor = None, limit: Limit = PAGE
) -> Page[RunOut]:
    """何时生成、哪段时间、多少行、内容的哈希；新的在前。"""
    window = Window.read("report-runs", cursor, limit)
    with db.read() as tx:
        found = find_report(tx, caller.customer_id, report)
        runs = store.runs(
            tx, found.customer_id, found.report_id, before=window.after, limit=window.fetch
        )
    return window.page(runs, RunOut.of, lambda run: run.run_id)


@routes.get("/report-runs/{run}", summary="报表内容")
def get_result(db: Db, caller: AnyCaller, run: Name) -> ResultOut:
    """某次生成的每一行。"""
    with db.read() as tx:
        return ResultOut.of(kept_result(tx, caller.customer_id, run))


@routes.get(
    "/report-runs/{run}/pdf",
    summary="下载报表 PDF",
    response_class=Response,
    responses={200: {"content": {PDF: {}}}},
)
def get_paper(db: Db, caller: AnyCaller, run: Name) -> Response:
    """有图有表的 PDF，与当时发送的逐字节相同；行数很多时只列前面的。"""
    return _file(db, caller, run, "pdf")


@routes.get(
    "/report-runs/{run}/xlsx",
    summary="下载报表 XLSX",
    response_class=Response,
    responses={200: {"content": {XLSX: {}}}},
)
def get_sheet(db: Db, caller: AnyCaller, run: Name) -> Response:
    """全部各行的 XLSX，与当时发送的逐字节相同。"""
    return _file(db, caller, run, "xlsx")


def _file(db: Database, caller: Caller, run: str, form: str) -> Response:
    with db.read() as tx:
        result = kept_result(tx, caller.customer_id, run)
    name, media_type, body = file_of(result, form)
    return Response(body, media_type=media_type, headers={"content-disposition": disposition(name)})
