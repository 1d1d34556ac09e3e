"""Long work: what is under way, how far it is, what became of each piece."""

from datetime import datetime, timedelta
from typing import Any, Final

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from yuejie.customers.store import customers
from yuejie.db.session import Database
from yuejie.jobs import store
from yuejie.jobs.job import (
    KIND_NAMES,
    STATE_NAMES,
    UNITS,
    Job,
    JobKind,
    JobState,
    Order,
    PieceState,
)
from yuejie.jobs.start import cancel_job, find_job, start_job
from yuejie.kernel.errors import Invalid
from yuejie.kernel.money import Money
from yuejie.web.api.watch.jobs import cancels
from yuejie.web.auth import Caller, may, permit
from yuejie.web.cursor import PAGE, Window
from yuejie.web.desk import Db, Now
from yuejie.web.pages.frame.draw import caller_of, draw, go
from yuejie.web.pages.frame.entry import refuse_strangers, visit
from yuejie.web.pages.frame.sheet import sheet

routes: Final = APIRouter(include_in_schema=False, prefix="/jobs", dependencies=[Depends(visit)])
ours: Final = [Depends(refuse_strangers)]

PIECES: Final = {
    PieceState.WAITING: "等待",
    PieceState.DONE: "已办",
    PieceState.FAILED: "未办成",
}
_CLOSING: Final = ("回到月结工作台", "/closing")
NEXT: Final = {
    JobKind.TRY: _CLOSING,
    JobKind.CLOSE: _CLOSING,
    JobKind.PROPOSE: _CLOSING,
    JobKind.ISSUE: _CLOSING,
    JobKind.PROVE: _CLOSING,
    JobKind.USAGE: ("查看用量", "/usage"),
    JobKind.STATEMENT: ("回到银行", "/bank"),
    JobKind.REPORT: ("查看对账", "/reconciliations"),
    JobKind.CLOUD: ("查看云账单", "/clouds"),
    JobKind.WHAT_IF: ("查看结果", "/what-if"),
    JobKind.MAKE_REPORT: ("查看报表", "/reports"),
    JobKind.CLOUD_TRIAL: ("查看结果", "/clouds"),
}
"""Where one goes on when the work is over; what it came to may say it better."""
COLUMNS: Final = ("名称", "结果", "说明", "金额", "币种")


def begin(request: Request, db: Database, order: Order, now: datetime) -> Response:
    """Begin work for whoever sent a form, and lead to its page at once."""
    started = start_job(db, order, by=caller_of(request).name, now=now)
    with db.read() as tx:
        found = find_job(tx, started.job_id)
    return go(request, page_of(found), started.said)


@routes.get("")
def list_jobs(
    request: Request,
    db: Db,
    now: Now,
    state: str = "",
    kind: str = "",
    cursor: str | None = None,
    moving: bool = Query(default=False),  # noqa: FBT001 - a query of the page itself
) -> Response:
    """Show jobs, the newest first. `moving`: as of one job, below."""
    window = Window.read(f"page:jobs:{state}:{kind}", cursor, PAGE)
    if (state and state not in set(JobState)) or (kind and kind not in set(JobKind)):
        raise Invalid("没有这种任务或状态，请在页面上选择")
    with db.read() as tx:
        found = store.jobs(
            tx,
            state=JobState(state) if state else None,
            kind=JobKind(kind) if kind else None,
            before=window.after or None,
            limit=window.fetch,
        )
    shown = found[:PAGE]
    is_moving = any(each.is_open for each in shown)
    answer = draw(
        request,
        "ops/jobs.html",
        jobs=[(each, seconds_of(each.took(now))) for each in shown],
        is_moving=is_moving,
        kinds=KIND_NAMES,
        states=STATE_NAMES,
        asked={"state": state, "kind": kind},
        older=window.write(shown[-1].job_id) if len(found) > PAGE else None,
    )
    return reloaded(answer) if moving and not is_moving else answer


@routes.get("/{job}")
def show_job(
    request: Request,
    db: Db,
    now: Now,
    job: str,
    state: str = "",
    cursor: str | None = None,
    moving: bool = Query(default=False),  # noqa: FBT001 - a query of the page itself
) -> Response:
    """Show one job. `moving` is what the page asks while it is open; over, it is loaded whole."""
    window = Window.read(f"page:job:{job}:{state}", cursor, PAGE)
    if state and state not in set(PieceState):
        raise Invalid("没有这种结果，请在页面上选择")
    with db.read(consistent=True) as tx:
        found = find_job(tx, job)
        rows = store.pieces(
            tx,
            job,
            state=PieceState(state) if state else None,
            after=window.behind(int) or 0,
            limit=window.fetch,
        )
        wrong = store.pieces(tx, job, state=PieceState.FAILED, limit=PAGE) if not state else []
        names = {party.slug: party.legal_name for party in customers(tx)}
    answer = draw(
        request,
        "ops/job.html",
        **far_of(request, found, now),
        rows=rows[:PAGE],
        wrong=wrong,
        later=window.write(rows[PAGE - 1].position) if len(rows) > PAGE else None,
        names=names,
        pieces=PIECES,
        next=next_of(found),
        asked={name: word for name, word in (("state", state), ("cursor", cursor)) if word},
    )
    return reloaded(answer) if moving and not found.is_open else answer


def far_of(request: Request, job: Job, now: datetime) -> dict[str, Any]:
    """Return what a page is given to show how far a job is."""
    left = job.left(now)
    return {
        "job": job,
        "took": seconds_of(job.took(now)),
        "left": seconds_of(left) if left is not None else None,
        "is_late": job.is_late(now),
        "may_cancel": may_cancel(caller_of(request), job),
        "kinds": KIND_NAMES,
        "states": STATE_NAMES,
        "units": UNITS,
    }


def reloaded(answer: Response) -> Response:
    """Have the browser load the page anew: nothing of it moves any more."""
    answer.headers["hx-refresh"] = "true"
    return answer


@routes.post("/{job}/cancel", dependencies=ours)
def cancel(request: Request, db: Db, now: Now, job: str) -> Response:
    """Begin no further piece; what is done stays."""
    caller = caller_of(request)
    with db.read() as tx:
        permit(caller, cancels(find_job(tx, job, caller.customer_id).kind))
    was = cancel_job(db, job, by=caller.name, now=now)
    said = "正在取消：当前一件办完即停" if was.is_open else "已取消"
    return go(request, page_of(was), said)


def page_of(job: Job) -> str:
    """Return where a job is followed: what a question asked for, where the question was asked."""
    match job.kind:
        case JobKind.WHAT_IF:
            return f"/what-if?job={job.job_id}"
        case JobKind.MAKE_REPORT:
            return f"/reports/{job.asked['report']}?job={job.job_id}"
        case _:
            return f"/jobs/{job.job_id}"


@routes.get("/{job}/export")
def export(db: Db, job: str) -> Response:
    """Give what became of every piece as a table."""
    with db.read() as tx:
        found = find_job(tx, job)
        rows = store.pieces(tx, job)
    none = (None,)
    lines = (
        (each.name, PIECES[each.state], each.said, *_cells(one))
        for each in rows
        for one in each.sums or none
    )
    return sheet(f"{found.job_id}.csv", COLUMNS, lines)


def _cells(one: Money | None) -> tuple[str, str]:
    return (one.amount, one.currency) if one is not None else ("", "")


def seconds_of(span: timedelta) -> int:
    """Return whole seconds; a clock that was set back gives none."""
    return max(int(span.total_seconds()), 0)


def next_of(job: Job) -> tuple[str, str]:
    """Return what the next page is called, and where it is."""
    word, path = NEXT[job.kind]
    return word, job.outcome.get("path") or path


def may_cancel(caller: Caller, job: Job) -> bool:
    """Tell whether the button is drawn."""
    return may(caller, cancels(job.kind))
