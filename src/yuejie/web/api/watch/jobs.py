"""Long work: begin it, see how far it is, cancel it.

Whoever asks with `Prefer: respond-async` (RFC 7240) where a route knows it gets 202 and the job's
address at once; whoever does not waits, as ever.
"""

from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import Header, Query, Response, status

from yuejie.customers.members.power import Power
from yuejie.db.session import Database
from yuejie.jobs import store
from yuejie.jobs.job import POWERS, JobKind, JobState, Order, PieceState, Upload
from yuejie.jobs.kinds.cloud import tried_of
from yuejie.jobs.kinds.issue import order_move
from yuejie.jobs.kinds.prove import order_proof
from yuejie.jobs.kinds.usage import order_usage
from yuejie.jobs.kinds.what_if import told_of
from yuejie.jobs.start import cancel_job, find_job, start_job
from yuejie.kernel.errors import Invalid
from yuejie.kernel.period import BillingMonth
from yuejie.web.auth import API, AnyCaller, Caller, Who, guarded, permit
from yuejie.web.cursor import PAGE, Cursor, Limit, Page, Window
from yuejie.web.desk import Db, Now
from yuejie.web.shapes.books.clouds import CloudDeliveredOut
from yuejie.web.shapes.insight.whatif import WhatIfOut
from yuejie.web.shapes.money.receipts import bytes_of
from yuejie.web.shapes.watch.jobs import JobIn, JobOut, PieceOut, UsageFileIn
from yuejie.web.shapes.wire import Name

routes: Final = guarded("后台任务")

ASYNC: Final = "respond-async"
LINES: Final = 200
Lines = Annotated[int, Query(ge=0, le=100_000, description="至多给几行，变化大的优先")]
Prefer = Annotated[
    str,
    Header(
        max_length=200,
        description="respond-async：立即答复 202，在后台办，进度见 Location；不写则等到办完",
    ),
]
ACCEPTED: Final[dict[int | str, dict[str, Any]]] = {
    202: {"model": JobOut, "description": "已在后台开始，进度见 Location"}
}
"""What a route that knows `Prefer` may answer as well."""


def wants_async(prefer: str) -> bool:
    """Tell whether a request would rather not wait."""
    return ASYNC in {each.split(";")[0].strip().lower() for each in prefer.split(",")}


def accepted(
    db: Database, order: Order, caller: Caller, now: datetime, *, asked: bool = True
) -> Response:
    """Begin work and answer at once where to look for it."""
    started = start_job(db, order, by=caller.name, now=now)
    with db.read() as tx:
        body = JobOut.of(find_job(tx, started.job_id)).model_dump_json()
    headers = {"location": f"{API}/jobs/{started.job_id}"}
    if asked:
        headers["preference-applied"] = ASYNC
    return Response(
        body,
        status_code=status.HTTP_202_ACCEPTED,
        headers=headers,
        media_type="application/json",
    )


@routes.get("/jobs", summary="列出后台任务")
def list_jobs(
    db: Db,
    state: Annotated[JobState | None, Query(description="状态；不写则全部")] = None,
    kind: Annotated[JobKind | None, Query(description="做什么；不写则全部")] = None,
    cursor: Cursor = None,
    limit: Limit = PAGE,
) -> Page[JobOut]:
    """列出后台任务，新的在前。"""
    window = Window.read("jobs", cursor, limit)
    with db.read() as tx:
        found = store.jobs(
            tx, state=state, kind=kind, before=window.after or None, limit=window.fetch
        )
    return window.page(found, JobOut.of, lambda job: job.job_id)


@routes.post(
    "/jobs",
    summary="在后台办",
    status_code=status.HTTP_202_ACCEPTED,
    response_model=JobOut,
)
def post_job(db: Db, caller: AnyCaller, now: Now, body: JobIn) -> Response:
    """提交确认、全部出账或验证一个月；同样的任务正在进行时答复那一个，不重复开始。"""
    month, kind = BillingMonth.parse(body.month), JobKind(body.kind)
    if kind is JobKind.PROVE:
        order = order_proof(db, month, body.customer)
    elif body.customer is not None:
        raise Invalid("customer 只用于 prove，请去掉后重试")
    else:
        order = order_move(kind, month)
    return accepted(db, order, caller, now, asked=False)


@routes.get("/jobs/{job}", summary="查看后台任务")
def get_job(db: Db, caller: AnyCaller, job: Name) -> JobOut:
    """进度、结果，或为什么没有办成；客户只看到自己的人要办的。"""
    with db.read() as tx:
        return JobOut.of(find_job(tx, job, caller.customer_id))


@routes.get("/jobs/{job}/what-if", summary="假如的结果", tags=["假如"])
def get_what_if(db: Db, caller: AnyCaller, job: Name, lines: Lines = LINES) -> WhatIfOut:
    """在后台重放的月份：办完之后在这里取结果，与当时等着的答复相同。"""
    with db.read() as tx:
        return WhatIfOut.of(told_of(tx, find_job(tx, job, caller.customer_id)), lines)


@routes.get("/jobs/{job}/cloud-trial", summary="云账单试算的结果", tags=["云账单"])
def get_cloud_trial(db: Db, job: Name) -> CloudDeliveredOut:
    """在后台试算的云账单：办完之后在这里取结果，什么也没有写入。"""
    with db.read() as tx:
        return CloudDeliveredOut.of(tried_of(tx, find_job(tx, job)))


@routes.get("/jobs/{job}/pieces", summary="逐件结果")
def list_pieces(
    db: Db,
    caller: AnyCaller,
    job: Name,
    state: Annotated[PieceState | None, Query(description="failed 只看未办成的")] = None,
    cursor: Cursor = None,
    limit: Limit = PAGE,
) -> Page[PieceOut]:
    """每个客户、每张账单、每一步的结果；导入用量只列未导入的行。"""
    window = Window.read("job-pieces", cursor, limit)
    with db.read() as tx:
        find_job(tx, job, caller.customer_id)
        after = window.behind(int) or 0
        found = store.pieces(tx, job, state=state, after=after, limit=window.fetch)
    return window.page(found, PieceOut.of, lambda piece: str(piece.position))


@routes.post("/jobs/{job}/cancel", summary="取消后台任务")
def post_cancel(db: Db, caller: AnyCaller, now: Now, job: Name) -> JobOut:
    """当前一件办完即停，已办成的保留；与开始它所需的职权相同。"""
    with db.read() as tx:
        permit(caller, cancels(find_job(tx, job, caller.customer_id).kind))
    return JobOut.of(cancel_job(db, job, by=caller.name, now=now))


def cancels(kind: JobKind) -> Who | Power:
    """Return who may cancel a kind of work: whoever may begin it."""
    power = POWERS[kind]
    if power is None:
        return Who.OWN
    return Who.SPEAKS if power is Power.SPEAK else power


@routes.post(
    "/usage/imports",
    summary="导入用量文件",
    status_code=status.HTTP_202_ACCEPTED,
    response_model=JobOut,
    tags=["用量"],
)
def import_usage(db: Db, caller: AnyCaller, now: Now, body: UsageFileIn) -> Response:
    """在后台导入一份用量文件；每行只记一次，未导入的行与原因见任务的 pieces。"""
    file = Upload(body.name, bytes_of(body.content, "content"))
    return accepted(db, order_usage(file, body.mapping), caller, now, asked=False)
