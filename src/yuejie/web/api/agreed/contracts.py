"""Contracts: drafted, reviewed, signed, written up, renewed, ended; and a customer's own."""

from typing import Annotated, Any, Final, Literal

from fastapi import Body, Path, Query, Response, status

from yuejie.app import signatories
from yuejie.bills.correct.break_fee import approve_leaving
from yuejie.contracts.contract import Contract
from yuejie.contracts.documents.attach import PaperDraft, attach_paper
from yuejie.contracts.documents.framework import ContractText
from yuejie.contracts.documents.store import papers_of
from yuejie.contracts.documents.write_up import (
    MEDIA_TYPES,
    WRITERS,
    PaperKind,
    contract_text,
    draft_text,
)
from yuejie.contracts.life.approve import reject_draft, review_draft
from yuejie.contracts.life.draft import ContractDraft, DraftBody, DraftKind
from yuejie.contracts.life.drafting import (
    draft_contract,
    found,
    revise_draft,
    rework_draft,
    submit_draft,
    withdraw_draft,
)
from yuejie.contracts.life.ending import ask_end, reject_end, renew_contract
from yuejie.contracts.life.store import credit_rules, drafts_of, ends_of, open_drafts, steps_of
from yuejie.contracts.numbers.number import called, contract_named
from yuejie.contracts.numbers.store import every_number, numbers_of
from yuejie.contracts.store import book, contract_versions, contracts, contracts_of
from yuejie.customers.customer import Customer
from yuejie.customers.enrol import find_customer
from yuejie.customers.members.power import Power
from yuejie.db.session import Database, Tx
from yuejie.kernel.errors import NotFound
from yuejie.payments.dunning.sign import sign_draft
from yuejie.web.api.billing.bills import disposition
from yuejie.web.auth import AnyCaller, Caller, guarded, whose
from yuejie.web.cursor import PAGE, Cursor, Limit, Page, Window, cut
from yuejie.web.desk import Db, DeskHere, Now
from yuejie.web.shapes.agreed import (
    DraftIn,
    DraftOut,
    EndIn,
    EndOut,
    PaperOut,
    RenewIn,
    ReviewIn,
    SignIn,
    TermsOut,
)
from yuejie.web.shapes.billing.review import Why
from yuejie.web.shapes.wire import Name

routes: Final = guarded("合同")
Format = Annotated[PaperKind, Path(description="pdf、docx 或 txt")]
Asked = Annotated[Name | None, Query(description="客户简称或编号；运营方不写为全部")]
_FILES: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {name: {} for name in MEDIA_TYPES.values()}}
}


@routes.get("/contract-drafts", summary="列出合同草案")
def list_drafts(db: Db, customer: Asked = None) -> list[DraftOut]:
    """等待处理的草案；写明客户则列出它的全部草案。"""
    with db.read() as tx:
        rows = (
            drafts_of(tx, find_customer(tx, customer).customer_id) if customer else open_drafts(tx)
        )
        numbers = every_number(tx)
    return [DraftOut.of(row, numbers) for row in rows]


@routes.post("/contract-drafts", summary="起草合同", status_code=status.HTTP_201_CREATED)
def draft(db: Db, caller: AnyCaller, now: Now, body: DraftIn) -> DraftOut:
    """起草合同或其变更；没有写的条款按信用分级与合同类型的惯例。"""
    with db.read() as tx:
        who = find_customer(tx, body.customer)
        said = _body(tx, body, who)
        changed = contract_named(tx, body.contract) if body.contract else None
    made = draft_contract(
        db,
        who.customer_id,
        said,
        by=caller.name,
        now=now,
        kind=DraftKind.AMEND if changed else DraftKind.NEW,
        contract_id=changed,
    )
    return out_of(db, made)


@routes.get("/contract-drafts/{draft}", summary="查看合同草案")
def get_draft(db: Db, draft: Name) -> DraftOut:
    """一份草案，含经手记录。"""
    with db.read() as tx:
        drafted = found(tx, draft)
        return DraftOut.of(drafted, numbers_of(tx, drafted.customer_id), steps_of(tx, draft))


@routes.put("/contract-drafts/{draft}", summary="改写合同草案")
def revise(db: Db, caller: AnyCaller, now: Now, draft: Name, body: DraftIn) -> DraftOut:
    """改写尚未提交的草案。"""
    with db.read() as tx:
        who = find_customer(tx, found(tx, draft).customer_id)
        said = _body(tx, body, who)
    return out_of(db, revise_draft(db, draft, said, by=caller.name, now=now))


@routes.post("/contract-drafts/{draft}/review", summary="财务审核")
def review(db: Db, caller: AnyCaller, now: Now, draft: Name, body: ReviewIn) -> DraftOut:
    """评级，给出授信额度与押金；随后待签。"""
    return out_of(db, review_draft(db, draft, body.review(), by=caller.name, now=now))


@routes.post("/contract-drafts/{draft}/sign", summary="签署")
def sign(db: Db, caller: AnyCaller, now: Now, draft: Name, body: SignIn) -> TermsOut:
    """签署审核过的草案，写下合同的一版；起草人不能签署。"""
    return _terms(db, sign_draft(db, draft, digest=body.digest, by=caller.name, now=now))


@routes.get(
    "/contract-drafts/{draft}/documents/{format}",
    summary="下载合同草案",
    response_class=Response,
    responses=_FILES,
)
def get_draft_document(db: Db, desk: DeskHere, draft: Name, format: Format) -> Response:  # noqa: A002 - the path says format
    """把草案写成合同文本，附价目。"""
    with db.read() as tx:
        drafted = found(tx, draft)
        ours, theirs = signatories(desk.seller, find_customer(tx, drafted.customer_id))
        text = draft_text(tx, drafted, seller=ours, customer=theirs)
        name = called(tx, drafted.customer_id, draft)
    return _file(text, name, format)


@routes.get("/contract-drafts/{draft}/papers", summary="合同草案的文件")
def list_papers(db: Db, draft: Name) -> list[PaperOut]:
    """一份草案的生成文本、签署件与附件，不含内容。"""
    with db.read() as tx:
        papers = papers_of(tx, found(tx, draft).customer_id)
    return [PaperOut.of(paper) for paper in papers if paper.draft_id == draft]


@routes.post(
    "/contract-drafts/{draft}/papers", summary="上传文件", status_code=status.HTTP_201_CREATED
)
def attach(
    db: Db,
    caller: AnyCaller,
    now: Now,
    draft: Name,
    name: Annotated[Name, Query(description="文件名", examples=["扫描件.pdf"])],
    body: Annotated[bytes, Body(media_type="application/octet-stream")],
    kind: Annotated[Literal["signed", "attachment"], Query(description="签署件或附件")] = "signed",
) -> PaperOut:
    """为草案保存一个文件，请求体即文件内容；签署件须为 PDF 或图片。"""
    with db.read() as tx:
        customer_id = found(tx, draft).customer_id
    paper = PaperDraft(customer_id=customer_id, kind=kind, name=name, body=body, draft_id=draft)
    return PaperOut.of(attach_paper(db, paper, by=caller.name, now=now))


@routes.post("/contract-drafts/{draft}/{step}", summary="提交、退回、重拟、撤回")
def move(
    db: Db,
    caller: AnyCaller,
    now: Now,
    draft: Name,
    step: Annotated[
        Literal["submit", "reject", "rework", "withdraw"],
        Path(description="submit 提交，reject 退回，rework 重拟，withdraw 撤回"),
    ],
    body: Why,
) -> DraftOut:
    """推进草案一步；退回由财务进行，退回与撤回须写明原因。"""
    caller.needs(Power.REVIEW_CREDIT if step == "reject" else Power.DRAFT_CONTRACTS)
    by = caller.name
    moved: ContractDraft
    match step:
        case "submit":
            moved = submit_draft(db, draft, by=by, now=now)
        case "reject":
            moved = reject_draft(db, draft, by=by, now=now, why=body.why)
        case "rework":
            moved = rework_draft(db, draft, by=by, now=now)
        case "withdraw":
            moved = withdraw_draft(db, draft, by=by, now=now, why=body.why)
    return out_of(db, moved)


@routes.get("/contracts", summary="列出合同")
def list_contracts(
    db: Db, caller: AnyCaller, customer: Asked = None, cursor: Cursor = None, limit: Limit = PAGE
) -> Page[TermsOut]:
    """合同各版与其商务条款；客户只见自己的。"""
    window = Window.read("terms", cursor, limit)
    with db.read() as tx:
        customer_id = whose(tx, caller, customer)
        if customer_id is None:
            rows, numbers = contracts(tx), every_number(tx)
        else:
            rows, numbers = contracts_of(tx, customer_id), numbers_of(tx, customer_id)
    shown = [TermsOut.of(row, numbers) for row in rows]

    def key(row: TermsOut) -> str:
        return f"{row.contract_id} {row.version:08d}"

    return window.page(cut(window, shown, key), TermsOut.model_validate, key)


@routes.get(
    "/contracts/{contract}/documents/{format}",
    summary="下载合同",
    response_class=Response,
    responses=_FILES,
)
def get_document(
    db: Db,
    desk: DeskHere,
    caller: AnyCaller,
    contract: Name,
    format: Format,  # noqa: A002 - the path says format
) -> Response:
    """合同最新一版的文本，附价目；客户只见自己的。"""
    with db.read() as tx:
        newest = visible_contract(tx, caller, contract)[-1]
        ours, theirs = signatories(desk.seller, find_customer(tx, newest.customer_id))
        text = contract_text(tx, newest, seller=ours, customer=theirs)
        name = called(tx, newest.customer_id, newest.contract_id)
    return _file(text, name, format)


@routes.post("/contracts/{contract}/renew", summary="续约")
def renew(db: Db, caller: AnyCaller, now: Now, contract: Name, body: RenewIn) -> TermsOut:
    """按原条款续约：约定自动续约、而已无从提出不续约的；其他的续约经草案由双方签署。"""
    with db.read() as tx:
        name = contract_named(tx, contract)
    done = renew_contract(db, name, by=caller.name, now=now, months=body.months, alone=True)
    return _terms(db, done)


@routes.post(
    "/contracts/{contract}/terminate", summary="提出终止", status_code=status.HTTP_201_CREATED
)
def terminate(db: Db, caller: AnyCaller, now: Now, contract: Name, body: EndIn) -> EndOut:
    """计算止日与解约费并逐句说明，待另一人审批。"""
    with db.read() as tx:
        wish = body.wish(contract_named(tx, contract))
    return EndOut.of(ask_end(db, wish, by=caller.name, now=now))


@routes.get("/contract-ends", summary="列出终止申请")
def list_ends(
    db: Db, customer: Annotated[Name, Query(description="客户简称或编号")]
) -> list[EndOut]:
    """一个客户的终止申请，含已驳回的，旧的在前。"""
    with db.read() as tx:
        rows = ends_of(tx, find_customer(tx, customer).customer_id, rejected=True)
    return [EndOut.of(row) for row in rows]


@routes.post("/contract-ends/{end}/approve", summary="批准终止")
def approve(db: Db, caller: AnyCaller, now: Now, end: Name) -> EndOut:
    """批准他人提出的终止；到止日网关不再接受调用，解约费计入最后一期账单。"""
    return EndOut.of(approve_leaving(db, end, by=caller.name, now=now))


@routes.post("/contract-ends/{end}/reject", summary="驳回终止")
def turn_down(db: Db, caller: AnyCaller, now: Now, end: Name, body: Why) -> EndOut:
    """驳回或撤回待批的终止申请，写明原因；合同照常，可再提出或续约。"""
    return EndOut.of(reject_end(db, end, why=body.why, by=caller.name, now=now))


def visible_contract(tx: Tx, caller: Caller, name: str) -> list[Contract]:
    """Return the versions of a contract that the caller may see; another's is as unknown as none.

    It is named by its number or id. The oldest version is the first. Raises NotFound.
    """
    versions = contract_versions(tx, contract_named(tx, name))
    if not versions or caller.customer_id not in {None, versions[-1].customer_id}:
        raise NotFound(f"合同 {name} 不存在，请核对编号", contract=name)
    return versions


def out_of(db: Database, draft: ContractDraft) -> DraftOut:
    """Write a draft with its number, after a deed."""
    with db.read() as tx:
        return DraftOut.of(draft, numbers_of(tx, draft.customer_id))


def _terms(db: Database, signed: Contract) -> TermsOut:
    with db.read() as tx:
        return TermsOut.of(signed, numbers_of(tx, signed.customer_id))


def _body(tx: Tx, said: DraftIn, who: Customer) -> DraftBody:
    listed = book(tx, said.book)
    if listed is None:
        raise NotFound(f"价目 {said.book} 不存在，请先建立", book=said.book)
    words = said.words()
    return words.body(credit_rules(tx), zone=who.zone, book_currency=listed.currency)


def _file(text: ContractText, name: str, kind: PaperKind) -> Response:
    headers = {
        "content-disposition": disposition(f"合同_{name}.{kind}"),
        "content-type": MEDIA_TYPES[kind],
    }
    return Response(WRITERS[kind](text), headers=headers)
