"""Reconciliation with providers, and margins: the operator's alone."""

from typing import Annotated, Final

from fastapi import Path, Query, Response, status

from yuejie.assurance.margin import MarginBy, show_margins
from yuejie.assurance.reconcile.run import import_report, reconcile_month, show_run
from yuejie.assurance.reconcile.store import latest_runs, reports
from yuejie.assurance.reconcile.table import TableKind, write_table
from yuejie.jobs.kinds.report import order_report
from yuejie.kernel.period import BillingMonth
from yuejie.web.api.billing.bills import disposition
from yuejie.web.api.watch.jobs import ACCEPTED, Prefer, accepted, wants_async
from yuejie.web.auth import AnyCaller, guarded
from yuejie.web.cursor import PAGE, Cursor, Limit, Page, Window, cut
from yuejie.web.desk import Db, Now
from yuejie.web.shapes.books.reconcile import (
    MarginOut,
    ReconciledOut,
    ReconcileIn,
    ReconciliationOut,
    ReportIn,
    ReportOut,
)
from yuejie.web.shapes.wire import Month, Name

routes: Final = guarded("对账")

_MEDIA: Final = {
    TableKind.CSV: "text/csv; charset=utf-8",
    TableKind.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

Account = Annotated[Name | None, Query(description="供应商账号；不填则全部")]
MonthAsked = Annotated[Month | None, Query(description="月份；不填则全部")]


@routes.post(
    "/reconciliations/reports",
    summary="导入供应商报告",
    status_code=status.HTTP_201_CREATED,
    response_model=ReportOut,
    responses=ACCEPTED,
)
def add_report(
    db: Db, caller: AnyCaller, now: Now, body: ReportIn, prefer: Prefer = ""
) -> ReportOut | Response:
    """导入一份用量或费用报告；同一文件重复导入不再改动，有一行不合格则整份不导入。

    respond-async：在后台导入，随即对账。
    """
    if wants_async(prefer):
        return accepted(db, order_report(body.sent(now), body.mapping), caller, now)
    return ReportOut.filed(import_report(db, body.sent(now), by=caller.name, now=now))


@routes.get("/reconciliations/reports", summary="列出供应商报告")
def list_reports(
    db: Db,
    account: Account = None,
    month: MonthAsked = None,
    cursor: Cursor = None,
    limit: Limit = PAGE,
) -> Page[ReportOut]:
    """列出存档的报告。"""
    window = Window.read("reports", cursor, limit)
    with db.read() as tx:
        rows = cut(window, reports(tx, account, month), lambda row: row.report_id)
    return window.page(rows, ReportOut.of, lambda row: row.report_id)


@routes.post("/reconciliations", summary="对账")
def run(db: Db, caller: AnyCaller, now: Now, body: ReconcileIn) -> list[ReconciledOut]:
    """用最新的报告对一个账号的一个月对账，每个币种一份结论。"""
    month = BillingMonth.parse(body.month)
    found = reconcile_month(db, body.account, month, by=caller.name, now=now)
    return [ReconciledOut.of(*show_run(db, each.reconciliation_id)) for each in found]


@routes.get("/reconciliations", summary="列出对账")
def list_runs(
    db: Db,
    account: Account = None,
    month: MonthAsked = None,
    cursor: Cursor = None,
    limit: Limit = PAGE,
) -> Page[ReconciliationOut]:
    """列出每个账号每月最近一次对账。"""
    window = Window.read("reconciliations", cursor, limit)
    with db.read() as tx:
        rows = cut(window, latest_runs(tx, account, month), lambda row: row.reconciliation_id)
    return window.page(rows, ReconciliationOut.of, lambda row: row.reconciliation_id)


@routes.get("/reconciliations/{reconciliation_id}", summary="查看对账")
def read_run(db: Db, reconciliation_id: Name) -> ReconciledOut:
    """一次对账的结论和全部差异。"""
    return ReconciledOut.of(*show_run(db, reconciliation_id))


@routes.get(
    "/reconciliations/{reconciliation_id}/tables/{table}",
    summary="下载对账表",
    response_class=Response,
    responses={200: {"content": {name: {} for name in _MEDIA.values()}}},
)
def get_table(
    db: Db,
    reconciliation_id: Name,
    table: Annotated[TableKind, Path(description="文件格式")],
) -> Response:
    """下载全部差异：CSV 或 XLSX。"""
    row, differences = show_run(db, reconciliation_id)
    name = f"reconciliation-{row.account_id}-{row.month}-{row.currency}.{table}"
    headers = {
        "content-disposition": disposition(name),
        "content-type": _MEDIA[table],
    }
    return Response(write_table(table, row, differences), headers=headers)


@routes.get("/margins/{month}", summary="毛利")
def read_margins(
    db: Db,
    month: Month,
    by: Annotated[MarginBy, Query(description="按什么")] = MarginBy.CUSTOMER,
) -> list[MarginOut]:
    """一个月的毛利：用量按销售价减成本价，不含税，折合人民币。"""
    return [MarginOut.of(each) for each in show_margins(db, BillingMonth.parse(month), by)]
