"""Contract drafts: sales writes, finance reviews the credit, an administrator signs."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, Request, UploadFile
from pydantic import BaseModel
from starlette.responses import Response

from yuejie.app import ask_to_sign, signatories
from yuejie.contracts.contract import Contract
from yuejie.contracts.documents.attach import PaperDraft, attach_paper
from yuejie.contracts.documents.compare import changes
from yuejie.contracts.documents.store import has_signed_copy, papers_of
from yuejie.contracts.documents.write_up import PaperKind, contract_text, draft_text
from yuejie.contracts.esign.ask import SigningForm
from yuejie.contracts.esign.errand import resume_signing
from yuejie.contracts.esign.life import OPEN as BEFORE_THE_SIGNER
from yuejie.contracts.esign.store import signings_of_draft
from yuejie.contracts.formats.agreed import fen_of
from yuejie.contracts.life.approve import reject_draft, review_draft
from yuejie.contracts.life.draft import NEXT, ContractDraft, DraftEvent, DraftState, Review
from yuejie.contracts.life.drafting import (
    draft_contract,
    found,
    rework_draft,
    submit_draft,
    withdraw_draft,
)
from yuejie.contracts.life.store import credit_rules, drafts, steps_of, writers_of
from yuejie.contracts.numbers.number import called, draft_named
from yuejie.contracts.numbers.store import every_number
from yuejie.contracts.store import book, books, contract_versions
from yuejie.contracts.terms import ContractType
from yuejie.customers.enrol import find_customer
from yuejie.customers.store import customers
from yuejie.db.session import Tx
from yuejie.kernel.errors import Invalid, NotFound
from yuejie.kernel.money import Money
from yuejie.kernel.period import zone_of
from yuejie.payments.dunning.sign import sign_draft
from yuejie.web.cursor import PAGE, Window
from yuejie.web.desk import Db, DeskHere, Now
from yuejie.web.pages.frame.draw import HOUSE_ZONE, caller_of, draw, go
from yuejie.web.pages.frame.entry import refuse_strangers, visit
from yuejie.web.pages.house import words
from yuejie.web.pages.house.drafting import DraftForm

routes: Final = APIRouter(include_in_schema=False, prefix="/drafts", dependencies=[Depends(visit)])
ours: Final = [Depends(refuse_strangers)]

Text = Annotated[str, Form(max_length=1000)]

OPEN: Final = (DraftState.DRAFT, DraftState.SUBMITTED, DraftState.REVIEWED)
"""What waits for somebody; shown where no state is asked for."""


@routes.get("")
def list_drafts(
    request: Request, db: Db, state: str = "", customer: str = "", cursor: str | None = None
) -> Response:
    """Show drafts, the newest first: those that wait, or those of a state or a customer."""
    window = Window.read("page:drafts", cursor, PAGE)
    states = [state] if state in words.DRAFT_STATES else [str(each) for each in OPEN]
    with db.read() as tx:
        names = {each.customer_id: each for each in customers(tx)}
        rows = drafts(
            tx,
            states=None if state == "all" else states,
            customer_id=find_customer(tx, customer).customer_id if customer else None,
            before=window.after or None,
            limit=window.fetch,
        )
        numbers = every_number(tx)
    shown = rows[: window.limit]
    return draw(
        request,
        "house/drafts.html",
        drafts=shown,
        names=names,
        numbers=numbers,
        states=words.DRAFT_STATES,
        kinds=words.DRAFT_KINDS,
        types=words.TYPES,
        asked={"state": state, "customer": customer},
        older=window.write(shown[-1].draft_id) if len(rows) > window.limit else None,
    )


@routes.get("/new")
def show_form(request: Request, db: Db, now: Now, customer: str = "") -> Response:
    """Show the form of a new draft."""
    with db.read() as tx:
        everybody = customers(tx)
        lists = [each for each in books(tx) if each.kind == "sale"]
        rules = credit_rules(tx)
    return draw(
        request,
        "house/draft_form.html",
        everybody=everybody,
        books=lists,
        rules=rules,
        asked=customer,
        today=now.astimezone(HOUSE_ZONE).date(),
        words=words,
    )


@routes.post("", dependencies=ours)
def draft(request: Request, db: Db, now: Now, form: Annotated[DraftForm, Form()]) -> Response:
    """Write a new contract down."""
    if not form.customer or not form.book:
        raise Invalid("起草合同须选择客户和销售价目，请补全；还没有销售价目请先在“价目”建立")
    with db.read() as tx:
        who = find_customer(tx, form.customer)
        listed = book(tx, form.book)
        if listed is None:
            raise NotFound(f"价目 {form.book} 不存在，请先建立", book=form.book)
        said = form.words(now.astimezone(zone_of(who.zone)).date())
        body = said.body(credit_rules(tx), zone=who.zone, book_currency=listed.currency)
    made = draft_contract(db, who.customer_id, body, by=caller_of(request).name, now=now)
    return go(request, f"/drafts/{made.draft_id}", "合同草案已起草，核对后提交财务审核")


@routes.get("/{draft}")
def show_draft(request: Request, db: Db, desk: DeskHere, draft: str) -> Response:
    """Show a draft as its signer reads it, whose turn it is, its papers and its life."""
    with db.read(consistent=True) as tx:
        draft = draft_named(tx, draft)
        drafted = found(tx, draft)
        who = find_customer(tx, drafted.customer_id)
        ours_, theirs = signatories(desk.seller, who)
        text = draft_text(tx, drafted, seller=ours_, customer=theirs)
        was = _before(tx, drafted)
        changed = (
            changes(contract_text(tx, was, seller=ours_, customer=theirs), text) if was else []
        )
        lacks_copy = (
            was is not None
            and was.terms.type is not ContractType.OPEN
            and not has_signed_copy(tx, who.customer_id, draft)
        )
        papers = [each for each in papers_of(tx, who.customer_id) if each.draft_id == draft]
        steps = steps_of(tx, draft)
        signings = signings_of_draft(tx, who.customer_id, draft)
        writers = writers_of(tx, draft)
        rule = credit_rules(tx)[drafted.body.commercial.credit_class]
        number = called(tx, who.customer_id, drafted.contract_id or draft)
    body = drafted.body
    limit = body.commercial.credit_limit_fen
    return draw(
        request,
        "house/draft.html",
        zone=zone_of(who.zone),
        draft=drafted,
        number=number,
        body=body,
        deal=body.commercial,
        customer=who,
        text=text,
        changed=changed,
        lacks_copy=lacks_copy,
        papers=papers,
        steps=steps,
        signings=signings,
        signing_now=next((each for each in signings if each.state in BEFORE_THE_SIGNER), None),
        platforms={name: words.PLATFORMS[name] for name in desk.signing.platforms},
        formats=[str(kind) for kind in PaperKind],
        least=Money(rule.deposit_fen(body.expected_monthly_fen), body.currency),
        limit=None if limit is None else Money(limit, body.currency),
        deposit=Money(body.commercial.deposit_fen, body.currency),
        expected=Money(body.expected_monthly_fen, body.currency),
        next={event for state, event in NEXT if state is drafted.state},
        why_not=_why_not(drafted, writers, caller_of(request).name, three=rule.needs_three(limit)),
        events=DraftEvent,
        words=words,
    )


def _before(tx: Tx, drafted: ContractDraft) -> Contract | None:
    """Return the version that a change starts from; a new contract starts from none."""
    if drafted.contract_id is None or drafted.version is None:
        return None
    signed = drafted.state is DraftState.SIGNED
    before = drafted.version - 1 if signed else drafted.version
    versions = contract_versions(tx, drafted.contract_id)
    return next((each for each in versions if each.version == before), None)


def _why_not(drafted: ContractDraft, writers: set[str], by: str, *, three: bool) -> str:
    """Say why whoever looks may not sign: the first two of up to three people are known."""
    if by in writers:
        return "drafter" if drafted.drafted_by == by else "writer"
    if three and drafted.reviewed_by == by:
        return "reviewer"
    return ""


@routes.post("/{draft}/submit", dependencies=ours)
def submit(request: Request, db: Db, now: Now, draft: str) -> Response:
    """Hand a draft to finance."""
    done = submit_draft(db, draft, by=caller_of(request).name, now=now)
    return go(request, f"/drafts/{done.draft_id}", "草案已提交，等待财务审核")


@routes.post("/{draft}/rework", dependencies=ours)
def rework(request: Request, db: Db, now: Now, draft: str) -> Response:
    """Take a rejected draft up again."""
    done = rework_draft(db, draft, by=caller_of(request).name, now=now)
    return go(request, f"/drafts/{done.draft_id}", "草案已重新拟定，改好后再提交")


@routes.post("/{draft}/withdraw", dependencies=ours)
def withdraw(request: Request, db: Db, now: Now, draft: str, why: Text = "") -> Response:
    """Drop a draft for good."""
    done = withdraw_draft(db, draft, by=caller_of(request).name, now=now, why=why)
    return go(request, f"/drafts/{done.draft_id}", "草案已撤回")


@routes.post("/{draft}/review", dependencies=ours)
def review(
    request: Request,
    db: Db,
    now: Now,
    draft: str,
    grade: Text = "",
    credit_limit: Text = "",
    deposit: Text = "",
    comment: Text = "",
) -> Response:
    """Grant credit; the limit and deposit written here are what is signed."""
    verdict = Review(
        grade=grade,
        limit_fen=fen_of(credit_limit, "授信额度") if credit_limit.strip() else None,
        deposit_fen=fen_of(deposit, "押金") if deposit.strip() else 0,
        comment=comment,
    )
    done = review_draft(db, draft, verdict, by=caller_of(request).name, now=now)
    return go(request, f"/drafts/{done.draft_id}", "已审核，等待管理员签署")


@routes.post("/{draft}/reject", dependencies=ours)
def reject(request: Request, db: Db, now: Now, draft: str, why: Text = "") -> Response:
    """Send a draft back to sales."""
    done = reject_draft(db, draft, by=caller_of(request).name, now=now, why=why)
    return go(request, f"/drafts/{done.draft_id}", "草案已退回销售")


@routes.post("/{draft}/sign", dependencies=ours)
def sign(request: Request, db: Db, now: Now, draft: str, digest: Text = "") -> Response:
    """Sign what was read on the page: changed meanwhile, it is refused."""
    if not digest:
        raise Invalid("签署须带上所读内容的摘要，请刷新草案页面后重试")
    signed = sign_draft(db, draft, digest=digest, by=caller_of(request).name, now=now)
    with db.read() as tx:
        number = called(tx, signed.customer_id, signed.contract_id)
    return go(request, f"/drafts/{draft}", f"已签署：合同 {number} 第 {signed.version} 版")


class WhoSigns(BaseModel):
    """Who is asked to sign on a platform, as the page's form says it."""

    person: Text = ""
    mobile: Text = ""
    platform: Text = ""
    checked: Text = ""


@routes.post("/{draft}/signings", dependencies=ours)
def ask_customer(
    request: Request,
    db: Db,
    desk: DeskHere,
    now: Now,
    draft: str,
    who: Annotated[WhoSigns, Form()],
) -> Response:
    """Ask the customer's person to sign on a platform."""
    form = SigningForm(
        person=who.person.strip(),
        mobile=who.mobile.strip(),
        platform=desk.signing.named(who.platform),
        checked=who.checked,
    )
    ask_to_sign(db, desk.seller, draft, form, by=caller_of(request).name, now=now)
    return go(request, f"/drafts/{draft}", "已发起电子签，签署地址稍后显示在这里")


@routes.post("/{draft}/signings/{signing}/resume", dependencies=ours)
def resume(
    request: Request, db: Db, now: Now, draft: str, signing: str, why: Text = ""
) -> Response:
    """Go on asking about a request whose task somebody has seen on the platform."""
    resume_signing(db, signing, why=why, by=caller_of(request).name, now=now)
    return go(request, f"/drafts/{draft}", "已继续查询，签署件回来后显示在这里")


@routes.post("/{draft}/papers", dependencies=ours)
def attach(
    request: Request, db: Db, now: Now, draft: str, file: UploadFile, kind: Text = "attachment"
) -> Response:
    """Keep a signed scan or an attachment with a draft."""
    if kind not in words.PAPER_KINDS or kind == "generated":
        raise Invalid("文件类别请选择签署件或附件")
    with db.read() as tx:
        customer_id = found(tx, draft).customer_id
    paper = PaperDraft(
        customer_id=customer_id,
        kind=kind,
        name=file.filename or "",
        body=file.file.read(),
        draft_id=draft,
    )
    kept = attach_paper(db, paper, by=caller_of(request).name, now=now)
    return go(request, f"/drafts/{draft}", f"文件 {kept.name} 已保存")
