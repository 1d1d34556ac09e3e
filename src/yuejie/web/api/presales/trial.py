"""Trials: anybody may ask for one; sales decides; whoever holds the claim fetches the key."""

from typing import Annotated, Final

from fastapi import APIRouter, Path, Query, Request, Response, status

from yuejie.contracts.numbers.number import number_of
from yuejie.db.session import Tx
from yuejie.presales.trial import store
from yuejie.presales.trial.ask import ask_trial, claim_hash, decline_trial
from yuejie.presales.trial.convert import convert_by_draft
from yuejie.presales.trial.grant import claim_key, grant_trial
from yuejie.presales.trial.pdf import TrialPaper, file_name, to_pdf
from yuejie.presales.trial.report import TrialReport, find_trial, read_report, report_of
from yuejie.presales.trial.trial import RequestState, Trial
from yuejie.web.api.billing.bills import disposition
from yuejie.web.auth import API, AnyCaller, Caller, guarded, whose
from yuejie.web.cursor import PAGE, Cursor, Limit, Page, Window
from yuejie.web.desk import Db, DeskHere, Now, address_of
from yuejie.web.shapes.presales.trial import (
    ClaimIn,
    ClaimOut,
    ConvertIn,
    ConvertOut,
    DeclineIn,
    GrantTrialIn,
    TrialAsk,
    TrialAsked,
    TrialOut,
    TrialRequestOut,
)
from yuejie.web.shapes.wire import Name

open_routes: Final = APIRouter(prefix=API, include_in_schema=False)
"""What anybody may do: ask, and fetch the key that was granted; the tag says how."""
routes: Final = guarded("试用")


@open_routes.post("/trial-requests", summary="申请试用", status_code=status.HTTP_201_CREATED)
def ask(db: Db, desk: DeskHere, now: Now, request: Request, body: TrialAsk) -> TrialAsked:
    """申请试用，不需要令牌；每个来源每天有限次。领取码只显示一次，批准后凭它领取密钥。"""
    receipt = ask_trial(
        db,
        body.asked(),
        peer=address_of(request),
        pepper=desk.pepper,
        credential_key=desk.credential_key,
        now=now,
    )
    return TrialAsked.of(receipt)


@open_routes.post("/trial-requests/{request_id}/claim", summary="领取试用密钥")
def claim(db: Db, desk: DeskHere, now: Now, request_id: Name, body: ClaimIn) -> ClaimOut:
    """凭领取码领取试用密钥，只显示一次；审核中或未批准时说明原因。"""
    trial, issued = claim_key(db, request_id, claim_hash(body.claim), pepper=desk.pepper, now=now)
    return ClaimOut(
        trial_id=trial.trial_id,
        key=issued.secret,
        models=list(trial.models),
        tokens=trial.tokens,
        ends_at=trial.ends_at,
    )


@routes.get("/trial-requests", summary="列出试用申请")
def list_requests(
    db: Db,
    *,
    state: Annotated[RequestState | None, Query(description="只看这一状态")] = None,
    cursor: Cursor = None,
    limit: Limit = PAGE,
) -> Page[TrialRequestOut]:
    """试用申请，新的在前。"""
    window = Window.read("trial-requests", cursor, limit)
    with db.read() as tx:
        rows = store.requests(tx, state=state, before=window.after or None, limit=window.fetch)
    return window.page(rows, TrialRequestOut.of, lambda row: row.request_id)


@routes.post("/trial-requests/{request_id}/approve", summary="批准试用")
def approve(
    db: Db, desk: DeskHere, caller: AnyCaller, now: Now, request_id: Name, body: GrantTrialIn
) -> TrialOut:
    """批准试用：建客户、零价合同与硬额度，立即开始；申请人以邮件得知各阶段。"""
    made = grant_trial(
        db,
        request_id,
        slug=body.customer or "",
        credential_key=desk.credential_key,
        by=caller.name,
        now=now,
    )
    return TrialOut.of(report_of(db, made.trial_id, now=now), with_costs=True)


@routes.post("/trial-requests/{request_id}/decline", summary="婉拒试用")
def decline(
    db: Db, caller: AnyCaller, now: Now, request_id: Name, body: DeclineIn
) -> TrialRequestOut:
    """婉拒试用，写明原因。"""
    return TrialRequestOut.of(decline_trial(db, request_id, why=body.why, by=caller.name, now=now))


@routes.get("/trials", summary="列出试用")
def list_trials(db: Db, now: Now, *, cursor: Cursor = None, limit: Limit = PAGE) -> Page[TrialOut]:
    """试用及其用量，新的在前。"""
    window = Window.read("trials", cursor, limit)
    with db.read(consistent=True) as tx:
        rows = store.trials(tx, before=window.after or None, limit=window.fetch)
        shown = [read_report(tx, each, now=now) for each in rows]
    return window.page(
        shown, lambda row: TrialOut.of(row, with_costs=True), lambda row: row.trial.trial_id
    )


@routes.get("/trials/{trial}", summary="一个试用")
def show(db: Db, caller: AnyCaller, now: Now, trial: Name) -> TrialOut:
    """一个试用的用量与按目录价的参考金额；按编号或客户。"""
    return TrialOut.of(_seen(db, caller, now, trial), with_costs=caller.is_operator)


@routes.get(
    "/trials/{trial}/papers/{sheet}",
    summary="下载试用报告或账单样张",
    response_class=Response,
    responses={200: {"content": {"application/pdf": {}}}},
)
def download(
    db: Db,
    desk: DeskHere,
    caller: AnyCaller,
    now: Now,
    trial: Name,
    sheet: Annotated[TrialPaper, Path(description="report 报告，specimen 账单样张（试用）")],
) -> Response:
    """下载 PDF；样张标明“试用”，不编号、不盖章，不是账单。"""
    found = _seen(db, caller, now, trial)
    body = to_pdf(found, sheet, desk.seller.legal_name)
    headers = {"content-disposition": disposition(file_name(found, sheet))}
    return Response(body, media_type="application/pdf", headers=headers)


@routes.post("/customers/{customer}/trial/convert", summary="转为正式合同")
def convert(db: Db, caller: AnyCaller, now: Now, customer: Name, body: ConvertIn) -> ConvertOut:
    """签署审核过的草案接续试用：密钥不变，自草案的起始时间起计费。"""
    signed = convert_by_draft(db, customer, body.draft, by=caller.name, now=now)
    with db.read() as tx:
        number = number_of(tx, signed.customer_id, signed.contract_id)
    return ConvertOut(
        contract_id=signed.contract_id,
        number=number,
        version=signed.version,
        starts_at=signed.starts_at,
    )


def _seen(db: Db, caller: Caller, now: Now, name: str) -> TrialReport:
    """Return a trial's report if the caller may see it; another's is as one that is not there."""
    with db.read(consistent=True) as tx:
        return read_report(tx, _own_trial(tx, caller, name), now=now)


def _own_trial(tx: Tx, caller: Caller, name: str) -> Trial:
    """Find a trial; a customer that names another's hears the same as of a name that is nobody's.

    It is not told who has a trial, who is a customer without one, nor whose a number is.
    """
    trial = store.trial_by_id(tx, name)
    if trial is not None and trial.customer_id == caller.customer_id:
        return trial
    if not caller.is_operator:
        whose(tx, caller, name)
    return find_trial(tx, name)
