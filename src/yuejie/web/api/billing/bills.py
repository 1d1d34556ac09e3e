"""Bills: list, look, close, issue, take away as a document; and the proof of a month."""

from typing import Annotated, Final
from urllib.parse import quote

from fastapi import Path, Query, Response

from yuejie.assurance.prove import prove_month
from yuejie.bills.bill import Bill, BillState
from yuejie.bills.closing.close import Done, close_month
from yuejie.bills.documents.document import DocumentKind
from yuejie.bills.documents.render import MEDIA_TYPES
from yuejie.bills.find import find_bill, no_such_bill
from yuejie.bills.issue import issue_bill
from yuejie.bills.show import export_bill
from yuejie.bills.store import bills_of_customer, bills_of_month
from yuejie.db.session import Tx
from yuejie.jobs.kinds.close import order_close
from yuejie.kernel.period import BillingMonth, zone_of
from yuejie.web.api.watch.jobs import ACCEPTED, Prefer, accepted, wants_async
from yuejie.web.auth import AnyCaller, Caller, StampingHere, guarded, whose
from yuejie.web.cursor import PAGE, Cursor, Limit, Page, Window, cut
from yuejie.web.desk import Db, DeskHere, Now
from yuejie.web.shapes.billing.bills import (
    BillHead,
    BillOut,
    ClosedOut,
    CloseIn,
    Closing,
    MonthProof,
    ProofOut,
)
from yuejie.web.shapes.wire import Month, Name

routes: Final = guarded("账单")

_ZONE: Final = zone_of("Asia/Shanghai")


@routes.get("/bills", summary="列出账单")
def list_bills(
    db: Db,
    caller: AnyCaller,
    month: Annotated[Month | None, Query(description="账期；不写为全部")] = None,
    customer: Annotated[Name | None, Query(description="客户简称或编号；不写为全部")] = None,
    cursor: Cursor = None,
    limit: Limit = PAGE,
) -> Page[BillHead]:
    """列出账单。客户密钥只见自己已出账的账单。"""
    window = Window.read("bills", cursor, limit)
    label = BillingMonth.parse(month) if month else None
    with db.read() as tx:
        customer_id = whose(tx, caller, customer)
        if customer_id is None:
            found = bills_of_month(tx, label, after=window.after, limit=window.fetch)
        else:
            rows = bills_of_customer(tx, customer_id)
            shown = [r for r in rows if label in {None, r.month} and _may_see(caller, r)]
            found = cut(window, shown, lambda row: row.bill_id)
    return window.page(found, BillHead.of, lambda row: row.bill_id)


@routes.get("/bills/{bill}", summary="查看账单")
def get_bill(db: Db, caller: AnyCaller, bill: Name) -> BillOut:
    """按账单号或编号查看一张账单的每一行。"""
    with db.read() as tx:
        return BillOut.of(visible_bill(tx, caller, bill))


@routes.get(
    "/bills/{bill}/documents/{kind}",
    summary="下载账单",
    response_class=Response,
    responses={200: {"content": {name: {} for name in MEDIA_TYPES.values()}}},
)
def get_document(
    db: Db,
    desk: DeskHere,
    caller: AnyCaller,
    bill: Name,
    kind: Annotated[DocumentKind, Path(description="文件格式")],
    stamping: StampingHere,
) -> Response:
    """下载账单文件：PDF、XLSX、CSV、JSON、纯文本，或 FOCUS 1.2、1.4；同一账单每次字节相同。"""
    with db.read() as tx:
        bill_id = visible_bill(tx, caller, bill).bill_id
    ((name, body),) = export_bill(db, bill_id, desk.seller, [kind], stamping=stamping)
    headers = {"content-disposition": disposition(name), "content-type": MEDIA_TYPES[kind]}
    return Response(body, headers=headers)


@routes.post("/bills/close", summary="关账", response_model=Closing, responses=ACCEPTED)
def close(
    db: Db, caller: AnyCaller, now: Now, body: CloseIn, prefer: Prefer = ""
) -> Closing | Response:
    """把一个月的用量变成账单草稿；默认上个月，默认只试算。重复关账不会多出账单。"""
    month = BillingMonth.parse(body.month) if body.month else BillingMonth.of(now, _ZONE).previous
    if wants_async(prefer) and body.customer is None:
        return accepted(db, order_close(db, month, commit=body.commit, now=now), caller, now)
    closed = close_month(
        db, month, customer=body.customer, commit=body.commit, by=caller.name, now=now
    )
    drawn = [each for each in closed if each.done is not Done.NO_USAGE]
    failed = sum(each.done is Done.FAILED for each in closed)
    said = f"{month} 共 {len(drawn)} 个客户，{failed} 个未能关账"
    return Closing(
        month=str(month),
        committed=body.commit,
        said=said if drawn else f"{month} 无用量数据",
        customers=[ClosedOut.of(each) for each in closed],
    )


@routes.post("/bills/{bill}/issue", summary="出账")
def issue(db: Db, caller: AnyCaller, now: Now, bill: Name) -> BillOut:
    """出账：冻结草稿、编号、封印。出账后永不更改。"""
    return BillOut.of(issue_bill(db, bill, by=caller.name, now=now))


@routes.get("/proofs/{month}", summary="验证一个月", tags=["验证"])
def prove(
    db: Db,
    month: Month,
    customer: Annotated[Name | None, Query(description="只验证这个客户")] = None,
) -> MonthProof:
    """用独立的慢路径从原始事件重算整月，与账单比对到分。用量大时要等几分钟。"""
    proofs = prove_month(db, BillingMonth.parse(month), customer=customer)
    return MonthProof(
        month=month,
        proved=not any(proof.differences for proof in proofs),
        bills=[ProofOut.of(proof) for proof in proofs],
    )


def disposition(name: str) -> str:
    """Write a Content-Disposition for any name: RFC 5987 for the name, ASCII for old clients."""
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "-_. ") else "_" for c in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def visible_bill(tx: Tx, caller: Caller, name: str) -> Bill:
    """Return a bill that the caller may see; another's is as unknown as one that is not there."""
    bill = find_bill(tx, name, caller.customer_id)
    if not _may_see(caller, bill):
        raise no_such_bill(name)
    return bill


def _may_see(caller: Caller, bill: Bill) -> bool:
    """A customer sees its own bills once it was asked about them; a draft may still change."""
    if caller.is_operator:
        return True
    return bill.customer_id == caller.customer_id and bill.state is not BillState.DRAFT
