"""Signatures asked of a platform: for a reviewed draft, and the callbacks that come of it."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request, Response, status
from starlette.exceptions import HTTPException

from yuejie.app import ask_to_sign
from yuejie.contracts.documents.store import paper_body, paper_by_id
from yuejie.contracts.esign.ask import SigningForm
from yuejie.contracts.esign.callback import Called, hear_callback
from yuejie.contracts.esign.errand import found_signing, resume_signing
from yuejie.contracts.esign.store import signings_of_draft, steps_of_signing
from yuejie.contracts.life.drafting import found
from yuejie.kernel.errors import NotFound
from yuejie.kernel.limits import CALLBACK_BYTES
from yuejie.web.api.billing.bills import disposition
from yuejie.web.auth import AnyCaller, guarded
from yuejie.web.desk import Db, DeskHere, Now
from yuejie.web.shapes.billing.review import Why
from yuejie.web.shapes.signings import SigningIn, SigningOut
from yuejie.web.shapes.wire import Name

asking: Final = guarded("合同")
calling: Final = APIRouter(include_in_schema=False)


@asking.get("/contract-drafts/{draft}/signings", summary="列出草案的电子签请求")
def list_signings(db: Db, draft: Name) -> list[SigningOut]:
    """一份草案的电子签请求，旧的在前。"""
    with db.read() as tx:
        customer_id = found(tx, draft).customer_id
        rows = signings_of_draft(tx, customer_id, draft)
        return [SigningOut.of(row, steps_of_signing(tx, row.signing_id)) for row in rows]


@asking.post(
    "/contract-drafts/{draft}/signings",
    summary="发起电子签",
    status_code=status.HTTP_201_CREATED,
)
def ask(
    db: Db, desk: DeskHere, caller: AnyCaller, now: Now, draft: Name, body: SigningIn
) -> SigningOut:
    """把审核过的草案生成 PDF，交给平台请客户签署；签署件回来后即可签署草案。"""
    form = SigningForm(
        person=body.person,
        mobile=body.mobile,
        platform=desk.signing.named(body.platform),
        checked=body.checked,
    )
    return SigningOut.of(ask_to_sign(db, desk.seller, draft, form, by=caller.name, now=now))


@asking.get("/signings/{signing}", summary="查看电子签请求")
def get_signing(db: Db, signing: Name) -> SigningOut:
    """一次电子签请求，含经历。"""
    with db.read() as tx:
        return SigningOut.of(found_signing(tx, signing), steps_of_signing(tx, signing))


@asking.post("/signings/{signing}/resume", summary="继续查询电子签")
def resume(db: Db, caller: AnyCaller, now: Now, signing: Name, body: Why) -> SigningOut:
    """平台上确有该任务时，继续查询一次失败的请求；绝不重新发起。"""
    return SigningOut.of(resume_signing(db, signing, why=body.why, by=caller.name, now=now))


@asking.get(
    "/contract-papers/{paper}/file",
    summary="下载合同文件",
    response_class=Response,
    responses={200: {"content": {"application/octet-stream": {}}}},
)
def get_paper(db: Db, paper: Name) -> Response:
    """一份生成文本、签署件或附件的原样字节，其 SHA-256 即所列。"""
    with db.read() as tx:
        kept = paper_by_id(tx, paper)
        if kept is None:
            raise NotFound(f"合同文件 {paper} 不存在，请核对编号", paper=paper)
        body = paper_body(tx, kept.customer_id, kept)
    headers = {"content-disposition": disposition(kept.name), "content-type": kept.media_type}
    return Response(body, headers=headers)


async def _called(request: Request) -> Called:
    """Read a callback, of which no more than a platform would ever write is read."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > CALLBACK_BYTES:
            raise HTTPException(413, headers={"x-limit": str(CALLBACK_BYTES)})
    return Called(dict(request.headers), dict(request.query_params), body)


@calling.post("/signing/callbacks/{platform}")
def called_back(
    db: Db, desk: DeskHere, now: Now, platform: Name, called: Annotated[Called, Depends(_called)]
) -> dict[str, str]:
    """Take a platform's callback; once its signature holds we ask the platform at once."""
    hear_callback(db, desk.signing.platforms, platform, called, now=now)
    return {"code": "200", "msg": "success"}


routes: Final = APIRouter(routes=[*asking.routes, *calling.routes])
