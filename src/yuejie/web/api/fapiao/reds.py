"""Red fapiao: request, approve, withdraw, note by hand; answer the buyer's own forms."""

from typing import Annotated, Final

from fastapi import Query, Response, status

from yuejie.fapiao.fapiao import find_red
from yuejie.fapiao.issuing.store import file_of
from yuejie.fapiao.issuing.upload import upload_red
from yuejie.fapiao.reversing.buyer import approve_answer, propose_answer
from yuejie.fapiao.reversing.by_hand import end_form, file_form, note_buyers_form
from yuejie.fapiao.reversing.reverse import approve_red, request_red, withdraw_red
from yuejie.fapiao.reversing.store import pending_reds, red_by_name, reds_of_customer
from yuejie.web.api.fapiao.requests import MEDIA, Form, file_response, visible_fapiao
from yuejie.web.auth import AnyCaller, guarded, whose
from yuejie.web.desk import Db, Now
from yuejie.web.shapes.money.fapiao import RedIn, RedOut, UploadIn, WhyIn
from yuejie.web.shapes.money.forms import AnswerIn, EndedIn, FiledIn, SeenIn
from yuejie.web.shapes.wire import Name

routes: Final = guarded("红冲")


@routes.get("/red-fapiao", summary="列出红字发票")
def list_reds(
    db: Db,
    caller: AnyCaller,
    customer: Annotated[Name | None, Query(description="客户；运营不写则列出处理中的")] = None,
) -> list[RedOut]:
    """客户的红字发票；运营不写客户时列出全部处理中的确认单。"""
    with db.read() as tx:
        customer_id = whose(tx, caller, customer)
        found = pending_reds(tx) if customer_id is None else reds_of_customer(tx, customer_id)
    return [RedOut.of(each if caller.customer_id is None else each.told) for each in found]


@routes.get(
    "/red-fapiao/{red}/files/{form}",
    summary="下载红字发票文件",
    response_class=Response,
    responses={200: {"content": {name: {} for name in MEDIA.values()}}},
)
def get_file(db: Db, caller: AnyCaller, red: Name, form: Form) -> Response:
    """下载归档的红字发票 XML、OFD 或 PDF，与税局所给一字节不差。"""
    with db.read() as tx:
        found = red_by_name(tx, red)
        if found is not None and caller.customer_id not in {None, found.customer_id}:
            found = None
        found = find_red(found, red)
        body = file_of(tx, found.red_id, form)
    return file_response(found, body, form)


@routes.post("/fapiao/{fapiao}/reverse", summary="申请红冲", status_code=status.HTTP_201_CREATED)
def reverse(db: Db, caller: AnyCaller, now: Now, fapiao: Name, body: RedIn) -> RedOut:
    """申请全额或部分红冲；须运营方另一人批准后才提交税局。客户只能申请自己的。"""
    with db.read() as tx:
        visible_fapiao(tx, caller, fapiao)
    return RedOut.of(request_red(db, body.wish(fapiao), by=caller.name, now=now))


@routes.post("/red-fapiao/{red}/approve", summary="批准红冲")
def approve(db: Db, caller: AnyCaller, now: Now, red: Name) -> RedOut:
    """批准红冲，提交红字信息确认单；不能批准自己的申请。"""
    return RedOut.of(approve_red(db, red, by=caller.name, now=now))


@routes.post("/red-fapiao/{red}/withdraw", summary="撤回红冲")
def withdraw(db: Db, caller: AnyCaller, now: Now, red: Name, body: WhyIn) -> RedOut:
    """撤回尚未确认的确认单；已提交的由税局撤销后作废。"""
    return RedOut.of(withdraw_red(db, red, why=body.why, by=caller.name, now=now))


@routes.post("/red-fapiao/{red}/filed", summary="登记手工提交的确认单")
def file(db: Db, caller: AnyCaller, now: Now, red: Name, body: FiledIn) -> RedOut:
    """登记已在电子税务局提交的确认单：编号与提交时间，72 小时由此起算；再登记一次即更正。"""
    return RedOut.of(file_form(db, red, body.filed(), by=caller.name, now=now))


@routes.post("/red-fapiao/{red}/ended", summary="登记手工确认单的结果")
def end(db: Db, caller: AnyCaller, now: Now, red: Name, body: EndedIn) -> RedOut:
    """登记税局所示的结果：已确认、对方否认、逾期作废或已撤销；服务商办理的自动获知，不须登记。"""
    return RedOut.of(end_form(db, red, body.ended, why=body.why, by=caller.name, now=now))


@routes.post(
    "/fapiao/{fapiao}/buyers-form",
    summary="登记购方发起的确认单",
    status_code=status.HTTP_201_CREATED,
)
def note(db: Db, caller: AnyCaller, now: Now, fapiao: Name, body: SeenIn) -> RedOut:
    """登记在电子税务局看到的、购方发起待我方确认的红字确认单；服务商办理的自动查到。"""
    return RedOut.of(note_buyers_form(db, body.seen(fapiao), by=caller.name, now=now))


@routes.post("/red-fapiao/{red}/answer", summary="拟定对购方确认单的答复")
def propose(db: Db, caller: AnyCaller, now: Now, red: Name, body: AnswerIn) -> RedOut:
    """拟定确认或拒绝购方发起的确认单；须另一人批准后才提交税局。"""
    done = propose_answer(db, red, agree=body.agree, why=body.why, by=caller.name, now=now)
    return RedOut.of(done)


@routes.post("/red-fapiao/{red}/answer/approve", summary="批准对购方确认单的答复")
def let_answer(
    db: Db,
    caller: AnyCaller,
    now: Now,
    red: Name,
    agree: Annotated[
        bool | None, Query(description="所批准的答复：true 确认，false 拒绝；已改成另一种时不批准")
    ] = None,
) -> RedOut:
    """批准拟定的答复，提交税局；不能批准自己拟定的。"""
    return RedOut.of(approve_answer(db, red, agree=agree, by=caller.name, now=now))


@routes.post("/red-fapiao/{red}/upload", summary="登记手工开具的红字发票")
def upload(db: Db, caller: AnyCaller, now: Now, red: Name, body: UploadIn) -> RedOut:
    """登记手工开具的红字发票并归档。"""
    return RedOut.of(upload_red(db, red, body.upload(), by=caller.name, now=now))
