"""Fapiao: titles, what may be requested, requests, approval, files."""

from typing import Annotated, Final, Literal

from fastapi import Path, Query, Response, status

from yuejie.db.session import Database, Tx
from yuejie.fapiao.fapiao import Fapiao, Party, RedFapiao, find_fapiao
from yuejie.fapiao.issuing.stop import retry_errand, stop_errand
from yuejie.fapiao.issuing.store import (
    errand_by_id,
    file_of,
    files_of,
    newest_watch,
    open_errands,
)
from yuejie.fapiao.issuing.upload import upload_fapiao
from yuejie.fapiao.request import (
    Selling,
    approve_fapiao,
    decline_fapiao,
    request_fapiao,
    what_is_available,
)
from yuejie.fapiao.store import (
    all_fapiao,
    fapiao_by_name,
    fapiao_of_customer,
    titles_of_customer,
)
from yuejie.fapiao.title import Title
from yuejie.fapiao.titles import alter_title, find_title, open_title, retire_title
from yuejie.kernel.errors import Invalid, NotFound
from yuejie.kernel.ids import CustomerId
from yuejie.web.auth import AnyCaller, Caller, guarded, whose
from yuejie.web.cursor import PAGE, Cursor, Limit, Page, Window
from yuejie.web.desk import Db, Desk, DeskHere, Now
from yuejie.web.shapes.money.fapiao import (
    AvailableOut,
    ErrandOut,
    FapiaoHead,
    FapiaoOut,
    RequestIn,
    TitleIn,
    TitleOut,
    UploadIn,
    WatchOut,
    WhyIn,
)
from yuejie.web.shapes.wire import Name

routes: Final = guarded("发票")

Form = Annotated[Literal["xml", "ofd", "pdf"], Path(description="文件格式")]
Errand = Annotated[int, Path(description="任务编号", ge=0, lt=1 << 63)]
Asked = Annotated[Name | None, Query(description="客户简称或编号；客户自己可不写")]
MEDIA: Final = {"xml": "application/xml", "ofd": "application/ofd", "pdf": "application/pdf"}


@routes.get("/fapiao/available", summary="可开票金额")
def get_available(db: Db, caller: AnyCaller, customer: Asked = None) -> AvailableOut:
    """可开票金额与欠票，逐张账单说明。"""
    with db.read() as tx:
        return AvailableOut.of(what_is_available(tx, _customer(tx, caller, customer)))


@routes.get("/fapiao/titles", summary="列出抬头")
def list_titles(db: Db, caller: AnyCaller, customer: Asked = None) -> list[TitleOut]:
    """客户的发票抬头，默认的在前。"""
    with db.read() as tx:
        found = titles_of_customer(tx, _customer(tx, caller, customer))
    return [TitleOut.of(title) for title in found]


@routes.post("/fapiao/titles", summary="登记抬头", status_code=status.HTTP_201_CREATED)
def add_title(db: Db, caller: AnyCaller, now: Now, body: TitleIn) -> TitleOut:
    """登记发票抬头；税号、联行号校验不过会拒绝，可疑之处会提醒。"""
    with db.read() as tx:
        customer_id = _customer(tx, caller, body.customer)
    kept = open_title(db, customer_id, body.draft(), by=caller.name, now=now)
    return TitleOut.of(kept.title, kept.warnings)


@routes.put("/fapiao/titles/{title}", summary="修改抬头")
def put_title(db: Db, caller: AnyCaller, now: Now, title: Name, body: TitleIn) -> TitleOut:
    """修改抬头；已申请和已开具的发票不变。"""
    with db.read() as tx:
        own_title(tx, caller, title)
    kept = alter_title(db, title, body.draft(), by=caller.name, now=now)
    return TitleOut.of(kept.title, kept.warnings)


@routes.post("/fapiao/titles/{title}/retire", summary="停用抬头")
def retire(db: Db, caller: AnyCaller, now: Now, title: Name) -> TitleOut:
    """停用抬头：不再用于新的申请。"""
    with db.read() as tx:
        own_title(tx, caller, title)
    return TitleOut.of(retire_title(db, title, by=caller.name, now=now))


@routes.get("/fapiao", summary="列出发票")
def list_fapiao(
    db: Db,
    caller: AnyCaller,
    customer: Asked = None,
    cursor: Cursor = None,
    limit: Limit = PAGE,
) -> Page[FapiaoHead]:
    """列出发票，按申请的先后。"""
    window = Window.read("fapiao", cursor, limit)
    with db.read() as tx:
        customer_id = whose(tx, caller, customer)
        if customer_id is None:
            found = all_fapiao(tx, after=window.after, limit=window.fetch)
        else:
            found = fapiao_of_customer(tx, customer_id, after=window.after, limit=window.fetch)
    return window.page(found, FapiaoHead.of, lambda row: row.fapiao_id)


@routes.post("/fapiao", summary="申请发票", status_code=status.HTTP_201_CREATED)
def request(
    db: Db, desk: DeskHere, caller: AnyCaller, now: Now, body: RequestIn
) -> list[FapiaoHead]:
    """申请发票：合并多张账单，或开一张的一部分；超过 2000 行自动分张。须另一人批准。"""
    with db.read() as tx:
        customer_id = _customer(tx, caller, body.customer)
    drawn = request_fapiao(db, customer_id, body.wish(), selling_of(desk), by=caller.name, now=now)
    return [FapiaoHead.of(each) for each in drawn]


@routes.get("/fapiao/{fapiao}", summary="查看发票")
def get_fapiao(db: Db, caller: AnyCaller, fapiao: Name) -> FapiaoOut:
    """按编号、申请号或发票号码查看，连同每一行和归档文件。"""
    with db.read() as tx:
        found = visible_fapiao(tx, caller, fapiao)
        return FapiaoOut.whole(found, files_of(tx, found.fapiao_id))


@routes.get(
    "/fapiao/{fapiao}/files/{form}",
    summary="下载发票文件",
    response_class=Response,
    responses={200: {"content": {name: {} for name in MEDIA.values()}}},
)
def get_file(db: Db, caller: AnyCaller, fapiao: Name, form: Form) -> Response:
    """下载归档的 XML、OFD 或 PDF，与税局所给一字节不差。"""
    with db.read() as tx:
        found = visible_fapiao(tx, caller, fapiao)
        body = file_of(tx, found.fapiao_id, form)
    return file_response(found, body, form)


@routes.post("/fapiao/{fapiao}/approve", summary="批准发票申请")
def approve(db: Db, desk: DeskHere, caller: AnyCaller, now: Now, fapiao: Name) -> FapiaoHead:
    """批准申请，交给服务商开具；不能批准自己的申请。"""
    provider = desk.fapiao.provider
    return FapiaoHead.of(approve_fapiao(db, fapiao, provider=provider, by=caller.name, now=now))


@routes.post("/fapiao/{fapiao}/decline", summary="退回发票申请")
def decline(db: Db, caller: AnyCaller, now: Now, fapiao: Name, body: WhyIn) -> FapiaoHead:
    """退回申请，已批准但尚未开出也未发出的亦可；其计税行可以重新申请。"""
    return FapiaoHead.of(decline_fapiao(db, fapiao, why=body.why, by=caller.name, now=now))


@routes.post("/fapiao/{fapiao}/upload", summary="登记手工开具的发票")
def upload(db: Db, caller: AnyCaller, now: Now, fapiao: Name, body: UploadIn) -> FapiaoHead:
    """登记手工开具的发票并归档；号码、金额、购买方与申请不符会拒绝。"""
    return FapiaoHead.of(upload_fapiao(db, fapiao, body.upload(), by=caller.name, now=now))


@routes.get("/fapiao-errands", summary="开票任务")
def list_errands(db: Db) -> list[ErrandOut]:
    """未完成的开票任务：待办、已发出待查询、搁置。"""
    with db.read() as tx:
        return [ErrandOut.of(each) for each in open_errands(tx)]


@routes.post("/fapiao-errands/{errand}/stop", summary="停止开票任务")
def stop(db: Db, caller: AnyCaller, now: Now, errand: Errand, body: WhyIn) -> ErrandOut:
    """停止待办或搁置的开票任务，此后可手工开具或退回申请；已发出的不能停止。"""
    stop_errand(db, errand, why=body.why, by=caller.name, now=now)
    return _errand_at(db, errand)


@routes.post("/fapiao-errands/{errand}/retry", summary="重试开票任务")
def retry(db: Db, caller: AnyCaller, now: Now, errand: Errand, body: WhyIn) -> ErrandOut:
    """对搁置的开票任务再查询一次；服务商没有这张单时才重新提交。"""
    retry_errand(db, errand, why=body.why, by=caller.name, now=now)
    return _errand_at(db, errand)


@routes.get("/fapiao-limit", summary="额度与登录状态")
def get_limit(db: Db, desk: DeskHere) -> WatchOut | None:
    """最近一次查到的发票总额度与开票员登录状态。"""
    with db.read() as tx:
        seen = newest_watch(tx, desk.fapiao.provider)
    return WatchOut.of(seen) if seen else None


def file_response(subject: Fapiao | RedFapiao, body: bytes | None, form: str) -> Response:
    """Return a file of the archive as a download, or say that there is none."""
    if body is None:
        raise NotFound(f"发票 {subject.number or subject.key} 还没有 {form.upper()} 文件")
    headers = {
        "content-disposition": f'attachment; filename="{subject.number}.{form}"',
        "content-type": MEDIA[form],
    }
    return Response(body, headers=headers)


def _errand_at(db: Database, errand_id: int) -> ErrandOut:
    """Return an errand as it stands behind a deed."""
    with db.read() as tx:
        found = errand_by_id(tx, errand_id)
    if found is None:
        raise NotFound(f"开票任务 {errand_id} 不存在，请核对编号")
    return ErrandOut.of(found)


def selling_of(desk: Desk) -> Selling:
    """Return the seller as its fapiao name it."""
    party = Party(name=desk.seller.legal_name, tax_number=desk.seller.uscc)
    return Selling(party=party, code=desk.fapiao.code, item=desk.fapiao.item)


def visible_fapiao(tx: Tx, caller: Caller, name: str) -> Fapiao:
    """Return a fapiao that the caller may see; another's is as unknown as none."""
    found = fapiao_by_name(tx, name)
    if found is not None and caller.customer_id not in {None, found.customer_id}:
        found = None
    return find_fapiao(found, name)


def own_title(tx: Tx, caller: Caller, title: str) -> Title:
    """Return a title that the caller may see; another's is as unknown as none."""
    found = find_title(tx, title)
    if caller.customer_id not in {None, found.customer_id}:
        raise NotFound(f"发票抬头 {title} 不存在，请核对编号")
    return found


def _customer(tx: Tx, caller: Caller, asked: str | None) -> CustomerId:
    found = whose(tx, caller, asked)
    if found is None:
        raise Invalid("请写明客户（customer）")
    return found
