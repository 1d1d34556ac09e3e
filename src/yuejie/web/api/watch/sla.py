"""SLA: what a month's service was, and what is given back."""

from typing import Annotated, Final

from fastapi import Query, Response

from yuejie.assurance.sla.report import SlaReport, report_customer
from yuejie.assurance.sla.words import report_letter
from yuejie.db.session import Database
from yuejie.kernel.errors import Invalid
from yuejie.kernel.period import BillingMonth
from yuejie.payments.letters.render import to_pdf
from yuejie.web.api.billing.bills import disposition
from yuejie.web.auth import AnyCaller, Caller, guarded, whose
from yuejie.web.desk import Db, DeskHere, Now
from yuejie.web.shapes.watch.sla import SlaReportOut
from yuejie.web.shapes.wire import Month, Name

routes: Final = guarded("服务质量")

Whose = Annotated[Name | None, Query(description="哪个客户；客户自己查询可不写")]
_PDF: Final = "application/pdf"


@routes.get("/sla/{month}", summary="服务质量月报")
def get_report(db: Db, caller: AnyCaller, month: Month, customer: Whose = None) -> SlaReportOut:
    """一个月的可用率、首字节时间、失败与责任、停服与赔付。"""
    return SlaReportOut.of(_report(db, caller, month, customer))


@routes.get(
    "/sla/{month}/pdf",
    summary="服务质量月报 PDF",
    response_class=Response,
    responses={200: {"content": {_PDF: {}}}},
)
def get_paper(
    db: Db, desk: DeskHere, caller: AnyCaller, now: Now, month: Month, customer: Whose = None
) -> Response:
    """下载服务质量月报。"""
    report = _report(db, caller, month, customer)
    body = to_pdf(report_letter(report, desk.seller, now=now))
    name = f"服务质量月报_{report.customer.slug}_{month}.pdf"
    return Response(body, media_type=_PDF, headers={"content-disposition": disposition(name)})


def _report(db: Database, caller: Caller, month: str, customer: str | None) -> SlaReport:
    with db.read(consistent=True) as tx:
        customer_id = whose(tx, caller, customer)
        if customer_id is None:
            raise Invalid("请用 customer 指明一个客户，例如 ?customer=acme")
        return report_customer(tx, customer_id, BillingMonth.parse(month))
