"""`yuejie jobs …`: long work that a clerk does."""

from datetime import datetime
from typing import Final

import click

from yuejie.cli.frame import Frame, as_json, frame, give_json, say, show_table
from yuejie.jobs import store
from yuejie.jobs.job import (
    KIND_NAMES,
    POWERS,
    STATE_NAMES,
    UNITS,
    Job,
    JobKind,
    JobState,
    PieceState,
    span_said,
)
from yuejie.jobs.start import cancel_job, find_job
from yuejie.kernel.period import zone_of

_COLUMNS: Final = ("编号", "任务", "状态", "进度", "未办成", "谁", "提交于", "用时")
_ZONE: Final = zone_of("Asia/Shanghai")
_SHOWN: Final = 50


@click.group()
def jobs() -> None:
    """后台任务：关账、出账、验证、导入等要办一会儿的事。"""


@jobs.command("list")
@click.option("--state", type=click.Choice([each.value for each in JobState]), help="状态")
@click.option("--kind", type=click.Choice([each.value for each in JobKind]), help="做什么")
@click.option("--limit", default=_SHOWN, help="最多几个")
@as_json
@frame
def list_jobs(house: Frame, state: str | None, kind: str | None, limit: int, *, json: bool) -> None:
    """列出后台任务，新的在前。"""
    with house.database() as db, db.read() as tx:
        found = store.jobs(
            tx,
            state=JobState(state) if state else None,
            kind=JobKind(kind) if kind else None,
            limit=limit,
        )
    if json:
        give_json(found)
    elif found:
        show_table("后台任务", _COLUMNS, [_row(each, house.now()) for each in found])
    else:
        say("没有后台任务")


def _row(job: Job, now: datetime) -> tuple[object, ...]:
    return (
        job.job_id,
        f"{KIND_NAMES[job.kind]} {job.about}",
        STATE_NAMES[job.state],
        "" if job.percent is None else f"{job.percent}%",
        job.failed,
        job.made_by,
        f"{job.made_at.astimezone(_ZONE):%m-%d %H:%M}",
        span_said(job.took(now)),
    )


@jobs.command("show")
@click.argument("job_id")
@click.option("--failed", is_flag=True, help="只看未办成的")
@click.option("--limit", default=_SHOWN, help="最多几件")
@as_json
@frame
def show(house: Frame, job_id: str, limit: int, *, failed: bool, json: bool) -> None:
    """一个后台任务：进度、估计还需多久、逐件结果。"""
    with house.database() as db, db.read() as tx:
        job = find_job(tx, job_id)
        state = PieceState.FAILED if failed else None
        pieces = store.pieces(tx, job_id, state=state, limit=limit)
    if json:
        give_json({"job": job, "pieces": pieces})
        return
    of = "" if job.total is None else f" / {job.total:,}"
    say(f"{KIND_NAMES[job.kind]} {job.about}：{STATE_NAMES[job.state]}")
    say(f"已办 {job.done:,}{of} {UNITS[job.kind]}，未办成 {job.failed:,} 件")
    left = job.left(house.now())
    tail = f"，估计还需 {span_said(left)}" if left is not None else ""
    say(f"由 {job.made_by} 提交，用时 {span_said(job.took(house.now()))}{tail}")
    for sentence in filter(None, (job.outcome.get("said"), job.why)):
        say(sentence)
    if pieces:
        rows = [
            (each.position, each.name, "  ".join(f"{s} {s.currency}" for s in each.sums), each.said)
            for each in pieces
        ]
        show_table("逐件结果", ["件", "名称", "金额", "结果"], rows)


@jobs.command("cancel")
@click.argument("job_id")
@frame
def cancel(house: Frame, job_id: str) -> None:
    """取消：当前一件办完即停，已办成的保留。"""
    with house.database() as db:
        with db.read() as tx:
            power = POWERS[find_job(tx, job_id).kind]
        if power is not None:
            house.needs(power)
        job = cancel_job(db, job_id, by=house.by, now=house.now())
    say("正在取消：当前一件办完即停" if job.is_open else "已取消")
