"""The fapiao desk: requests to decide, what is issued by hand, red forms and their clock."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Depends, File, Form, Request, UploadFile
from starlette.responses import Response

from yuejie.contracts.terms import FapiaoKind
from yuejie.customers.store import customers
from yuejie.fapiao.fapiao import RedFapiao
from yuejie.fapiao.issuing.errand import HOLD_SAID, Errand, ErrandKind, ErrandState
from yuejie.fapiao.issuing.store import newest_watch, open_errands
from yuejie.fapiao.issuing.upload import Upload, upload_fapiao, upload_red
from yuejie.fapiao.issuing.watch import IDENTITY_SAID, LOGIN_SAID
from yuejie.fapiao.life import RED_SAID, FapiaoState, RedState
from yuejie.fapiao.request import MANUAL, approve_fapiao, decline_fapiao
from yuejie.fapiao.reversing.buyer import approve_answer, propose_answer
from yuejie.fapiao.reversing.by_hand import Filed, Seen, end_form, file_form, note_buyers_form
from yuejie.fapiao.reversing.form import (
    AGREE,
    ANSWERS,
    FORM_STATES,
    REASON_WORDS,
    FormEnd,
    RedReason,
    read_pick,
)
from yuejie.fapiao.reversing.reverse import RedWish, approve_red, request_red, withdraw_red
from yuejie.fapiao.reversing.store import pending_reds
from yuejie.fapiao.store import all_fapiao
from yuejie.kernel.period import parse_instant
from yuejie.web.cursor import PAGE, Window
from yuejie.web.desk import Db, DeskHere, Now
from yuejie.web.pages.frame.draw import HOUSE_ZONE, caller_of, draw, go
from yuejie.web.pages.frame.entry import refuse_strangers, visit
from yuejie.web.pages.frame.leaf import leaf

routes: Final = APIRouter(
    include_in_schema=False, prefix="/fapiao-desk", dependencies=[Depends(visit)]
)
ours: Final = [Depends(refuse_strangers)]

MOST: Final = 1_000
"""Approved requests that are looked at; the page shows a leaf of them."""

Text = Annotated[str, Form(max_length=1000)]
Paper = Annotated[UploadFile | None, File()]
Answer = Annotated[Literal["agree", "deny"], Form()]

HERE: Final = "/fapiao-desk"
KINDS: Final = {FapiaoKind.SPECIAL: "专票", FapiaoKind.ORDINARY: "普票"}
FORMS: Final = {code: words for code, (words, _) in FORM_STATES.items()}
REASONS: Final = {str(reason): words for reason, words in REASON_WORDS.items()}
ERRANDS: Final = {
    ErrandKind.ISSUE: "开具",
    ErrandKind.FILES: "取文件",
    ErrandKind.DELIVER: "送达",
    ErrandKind.RED: "红冲",
    ErrandKind.WITHDRAW: "撤销",
    ErrandKind.ANSWER: "答复购方",
}
ERRAND_STATES: Final = {
    ErrandState.WAITING: "待办",
    ErrandState.SENT: "已发出，待查询",
    ErrandState.DONE: "已办",
    ErrandState.PARKED: "搁置，须人工处理",
}
ENDS: Final = {
    FormEnd.CONFIRMED: "双方已确认",
    FormEnd.DENIED: "被否认",
    FormEnd.LAPSED: "超过 72 小时作废",
    FormEnd.WITHDRAWN: "发起方已撤销",
}


def _papers(
    xml: Paper = None,
    ofd: Paper = None,
    pdf: Paper = None,
    number: Text = "",
    issued_at: Text = "",
) -> Upload:
    """Return the files chosen and what was typed; a field without a file is no file."""
    given = {"xml": xml, "ofd": ofd, "pdf": pdf}
    files = {form: paper.file.read() for form, paper in given.items() if paper and paper.filename}
    at = parse_instant(issued_at, HOUSE_ZONE, "开票时间") if issued_at.strip() else None
    return Upload(files, number.strip(), at)


PapersHere = Annotated[Upload, Depends(_papers)]


@routes.get("")
def show_desk(
    request: Request, db: Db, desk: DeskHere, now: Now, cursor: str | None = None
) -> Response:
    """Show what waits at the desk: to decide, to issue by hand, to be confirmed by buyers."""
    window = Window.read("page:fapiao-desk", cursor, PAGE)
    with db.read(consistent=True) as tx:
        found = all_fapiao(tx, state=FapiaoState.REQUESTED, after=window.after, limit=window.fetch)
        approved = all_fapiao(tx, state=FapiaoState.APPROVED, limit=MOST)
        reds = pending_reds(tx)
        errands = open_errands(tx)
        watch = newest_watch(tx, desk.fapiao.provider)
        names = {party.customer_id: party for party in customers(tx)}
    requested = found[:PAGE]
    return draw(
        request,
        "desk/fapiao.html",
        requested=requested,
        older=window.write(requested[-1].fapiao_id) if len(found) > PAGE else None,
        approved=leaf(request, "approved", approved, lambda each: each.fapiao_id),
        reds=leaf(request, "reds", reds, lambda each: each.red_id),
        hours={red.red_id: _hours_left(red, now) for red in reds},
        errands=leaf(request, "errands", errands, lambda each: f"{each.errand_id:020d}"),
        watch=watch,
        names=names,
        by_hand=MANUAL,
        provider=desk.fapiao.provider,
        kinds=KINDS,
        red_states=RED_SAID,
        forms=FORMS,
        red_reasons=REASONS,
        errand_words=ERRANDS,
        errand_states=ERRAND_STATES,
        holds=HOLD_SAID,
        ends=ENDS,
        answers=ANSWERS,
        followed=_followed(errands),
        logins=LOGIN_SAID,
        identities=IDENTITY_SAID,
    )


@routes.post("/requests/{fapiao}/approve", dependencies=ours)
def approve(request: Request, db: Db, desk: DeskHere, now: Now, fapiao: str) -> Response:
    """Let a request be issued; who asked for it may not."""
    by = caller_of(request).name
    done = approve_fapiao(db, fapiao, provider=desk.fapiao.provider, by=by, now=now)
    then = "请手工开具后上传文件" if done.provider == MANUAL else "已交服务商开具"
    return go(request, HERE, f"发票申请 {done.key} 已批准，{then}")


@routes.post("/requests/{fapiao}/decline", dependencies=ours)
def decline(request: Request, db: Db, now: Now, fapiao: str, why: Text) -> Response:
    """Send a request back; its tax lines may be asked for again."""
    done = decline_fapiao(db, fapiao, why=why, by=caller_of(request).name, now=now)
    return go(request, HERE, f"发票申请 {done.key} 已退回")


@routes.post("/requests/{fapiao}/upload", dependencies=ours)
def upload(request: Request, db: Db, now: Now, fapiao: str, papers: PapersHere) -> Response:
    """Note what was issued by hand; its files are checked against the request and kept."""
    done = upload_fapiao(db, fapiao, papers, by=caller_of(request).name, now=now)
    return go(request, HERE, f"发票 {done.number} 已登记并归档")


@routes.post("/reds", dependencies=ours)
def ask_red(
    request: Request,
    db: Db,
    now: Now,
    fapiao: Text,
    reason: Annotated[RedReason, Form()],
    why: Text,
) -> Response:
    """Ask for a whole fapiao to be reversed."""
    wish = RedWish(fapiao=fapiao.strip(), reason=reason, why=why)
    red = request_red(db, wish, by=caller_of(request).name, now=now)
    return go(request, HERE, f"发票 {red.blue_number} 的红冲已申请，须由另一人批准")


@routes.post("/reds/{red}/approve", dependencies=ours)
def approve_one(request: Request, db: Db, now: Now, red: str) -> Response:
    """Let a red form go to the tax office; who asked for it may not."""
    done = approve_red(db, red, by=caller_of(request).name, now=now)
    return go(request, HERE, f"红冲 {done.key} 已批准")


@routes.post("/reds/{red}/withdraw", dependencies=ours)
def withdraw(request: Request, db: Db, now: Now, red: str, why: Text) -> Response:
    """Take a red form back that nobody has confirmed."""
    done = withdraw_red(db, red, why=why, by=caller_of(request).name, now=now)
    said = "已撤回" if done.state is RedState.VOID else "已向税局申请撤销"
    return go(request, HERE, f"红冲 {done.key} {said}")


@routes.post("/reds/{red}/upload", dependencies=ours)
def upload_one(request: Request, db: Db, now: Now, red: str, papers: PapersHere) -> Response:
    """Note a red fapiao that was issued by hand."""
    done = upload_red(db, red, papers, by=caller_of(request).name, now=now)
    return go(request, HERE, f"红字发票 {done.number} 已登记并归档")


@routes.post("/reds/{red}/filed", dependencies=ours)
def file(
    request: Request,
    db: Db,
    now: Now,
    red: str,
    number: Text,
    filed_at: Text,
    needs_nobody: Text = "",
) -> Response:
    """Note that a form was filed by hand, from when its 72 hours count."""
    filed = Filed(
        number=number.strip(),
        filed_at=parse_instant(filed_at, HOUSE_ZONE, "提交时间"),
        needs_nobody=bool(needs_nobody),
    )
    done = file_form(db, red, filed, by=caller_of(request).name, now=now)
    return go(request, HERE, f"红冲 {done.key} 的确认单 {done.form_number} 已登记")


@routes.post("/reds/{red}/ended", dependencies=ours)
def end(
    request: Request,
    db: Db,
    now: Now,
    red: str,
    ended: Annotated[FormEnd, Form()],
    why: Text = "",
) -> Response:
    """Note what became of a form that is followed by hand."""
    done = end_form(db, red, ended, why=why, by=caller_of(request).name, now=now)
    return go(request, HERE, f"红冲 {done.key} 的确认单结果已登记")


@routes.post("/reds/{red}/answer", dependencies=ours)
def propose(
    request: Request,
    db: Db,
    now: Now,
    red: str,
    answer: Answer,
    why: Text = "",
) -> Response:
    """Propose what a form that the buyer started is answered with."""
    by = caller_of(request).name
    done = propose_answer(db, red, agree=answer == AGREE, why=why, by=by, now=now)
    return go(request, HERE, f"红冲 {done.key} 的答复已拟定，须由另一人批准")


@routes.post("/reds/{red}/answer/approve", dependencies=ours)
def let_answer(
    request: Request,
    db: Db,
    now: Now,
    red: str,
    answer: Answer,
) -> Response:
    """Let the answer go out that the page showed; who proposed it may not."""
    by = caller_of(request).name
    done = approve_answer(db, red, agree=answer == AGREE, by=by, now=now)
    return go(request, HERE, f"红冲 {done.key} 的答复已批准")


@routes.post("/buyers-forms", dependencies=ours)
def note(
    request: Request,
    db: Db,
    now: Now,
    fapiao: Text,
    number: Text,
    filed_at: Text,
    reason: Annotated[RedReason, Form()],
    lines: Text = "",
) -> Response:
    """Note a form that the buyer started, as a person saw it on the tax office's site."""
    seen = Seen(
        fapiao=fapiao.strip(),
        number=number.strip(),
        filed_at=parse_instant(filed_at, HOUSE_ZONE, "提交时间"),
        reason=reason,
        picks=tuple(read_pick(line) for line in lines.split()),
    )
    red = note_buyers_form(db, seen, by=caller_of(request).name, now=now)
    return go(request, HERE, f"购方对发票 {red.blue_number} 发起的确认单已登记，请由两人答复")


def _followed(errands: Sequence[Errand]) -> set[str]:
    """Return the ids of red forms that a provider follows; people follow the others."""
    under_way = {ErrandState.WAITING, ErrandState.SENT}
    return {each.subject_id for each in errands if each.state in under_way}


def _hours_left(red: RedFapiao, now: datetime) -> int | None:
    """Return the whole hours until a form lapses, below zero when it has; None: no clock runs."""
    if red.expires_at is None or red.state is not RedState.WAITING:
        return None
    return (red.expires_at - now) // timedelta(hours=1)
