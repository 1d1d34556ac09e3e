"""Proposals: made from a quote, kept version by version; the register of certificates."""

from typing import Annotated, Final

from fastapi import Path, Query, Response, status

from yuejie.presales.proposal import store
from yuejie.presales.proposal.make import (
    file_name,
    make_proposal,
    read_file,
    register_certificate,
    withdraw_certificate,
)
from yuejie.presales.proposal.proposal import MEDIA_TYPES, Language, ProposalFile
from yuejie.presales.proposal.traced.show import trace_proposal
from yuejie.presales.prospects import find_prospect
from yuejie.web.api.billing.bills import disposition
from yuejie.web.auth import AnyCaller, guarded
from yuejie.web.cursor import PAGE, Cursor, Limit, Page, Window, cut
from yuejie.web.desk import Db, DeskHere, Now
from yuejie.web.shapes.presales.proposals import (
    CertificateIn,
    CertificateOut,
    ProposalIn,
    ProposalOut,
    ProposalTraceOut,
    WithdrawIn,
    Withdrawn,
)
from yuejie.web.shapes.wire import Name

routes: Final = guarded("售前")


@routes.get("/prospects/{prospect}/proposals", summary="列出方案书")
def list_proposals(
    db: Db, prospect: Name, cursor: Cursor = None, limit: Limit = PAGE
) -> Page[ProposalOut]:
    """一个潜在客户的方案书，每一版都在，旧的在前。"""
    window = Window.read("proposals", cursor, limit)
    with db.read() as tx:
        known = store.proposals_of(tx, find_prospect(tx, prospect).prospect_id)
    rows = cut(window, known, lambda row: row.proposal_id)
    return window.page(rows, ProposalOut.model_validate, lambda row: row.proposal_id)


@routes.post(
    "/quotes/{quote_id}/proposals", summary="出具方案书", status_code=status.HTTP_201_CREATED
)
def make(
    db: Db, desk: DeskHere, caller: AnyCaller, now: Now, quote_id: Name, body: ProposalIn
) -> ProposalOut:
    """把报价写成 PDF 与 DOCX 并存为新的一版；低于毛利底线的报价须先获批准。"""
    seller = desk.seller.legal_name
    note = make_proposal(db, body.wish(quote_id), seller=seller, by=caller.name, now=now)
    return ProposalOut.model_validate(note)


@routes.get(
    "/proposals/{proposal}/files/{file}",
    summary="下载方案书",
    response_class=Response,
    responses={200: {"content": {each: {} for each in MEDIA_TYPES.values()}}},
)
def download(
    db: Db, proposal: Name, file: Annotated[ProposalFile, Path(description="pdf 或 docx")]
) -> Response:
    """下载一版的文件，与出具时逐字节相同。"""
    note, body = read_file(db, proposal, file)
    headers = {"content-disposition": disposition(file_name(note, file))}
    return Response(body, media_type=MEDIA_TYPES[file], headers=headers)


@routes.get("/proposals/{proposal}/trace", summary="方案书里每个数字从哪里来")
def read_trace(
    db: Db,
    proposal: Name,
    language: Annotated[Language, Query(description="用哪种语言说")] = Language.ZH,
) -> ProposalTraceOut:
    """每个数字怎样印的、在哪一节、由什么算出、最终依据哪些输入；与文件同时留存。"""
    return ProposalTraceOut.of(trace_proposal(db, proposal, language=language))


@routes.get("/certificates", summary="列出资质证书")
def list_certificates(db: Db, cursor: Cursor = None, limit: Limit = PAGE) -> Page[CertificateOut]:
    """登记的资质证书，含过期与撤下的。"""
    window = Window.read("certificates", cursor, limit)
    with db.read() as tx:
        rows = cut(window, store.certificates(tx), lambda row: row.certificate_id)
    return window.page(rows, CertificateOut.model_validate, lambda row: row.certificate_id)


@routes.post("/certificates", summary="登记资质证书", status_code=status.HTTP_201_CREATED)
def register(db: Db, caller: AnyCaller, now: Now, body: CertificateIn) -> CertificateOut:
    """登记证书的编号与有效期；只有登记且有效的才会印在方案书上。"""
    made = register_certificate(db, body.certificate(), by=caller.name, now=now)
    return CertificateOut.model_validate(made)


@routes.post("/certificates/{certificate}/withdraw", summary="撤下资质证书")
def withdraw(db: Db, caller: AnyCaller, now: Now, certificate: Name, body: WithdrawIn) -> Withdrawn:
    """此后的方案书不再印它；已出具的不变。"""
    withdraw_certificate(db, certificate, why=body.why, by=caller.name, now=now)
    return Withdrawn(withdrawn=certificate)
