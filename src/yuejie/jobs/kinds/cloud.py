"""Take a large delivery of cloud bills in, whole or not at all: one piece."""

from collections.abc import Mapping
from typing import Final

from yuejie.clouds.charge import Metric
from yuejie.clouds.deliver import Delivered, deliver
from yuejie.clouds.keep import find_source
from yuejie.db.session import Database
from yuejie.jobs.job import Became, JobKind, Order, Upload
from yuejie.jobs.start import digest, named
from yuejie.jobs.work import Work

DELIVER: Final = "导入账单文件"


def order_delivery(
    db: Database, source: str, metric: Metric | None, files: tuple[Upload, ...]
) -> Order:
    """Ask for files to be taken in; raises NotFound for a source that is not registered."""
    with db.read() as tx:
        find_source(tx, source)
    wanted = metric.value if metric else ""
    asked = {"source": source, "metric": wanted, "files": named(files)}
    whole: list[str | bytes] = [part for file in files for part in (file.name, file.body)]
    subject = digest(source, wanted, *whole)
    about = f"{source} {'、'.join(file.name for file in files)}"
    return Order(JobKind.CLOUD, subject, about, asked, files)


def run(work: Work) -> Mapping[str, str]:
    """Take the delivery in; files that are refused end the job with their sentence."""
    if not work.is_planned:
        work.plan([(DELIVER, "")], {"steps": 1})
    path = "/clouds"
    for piece in work.waiting():
        work.go_on()
        asked = work.job.asked
        with work.files() as paths:
            told = deliver(
                work.db,
                asked["source"],
                paths,
                metric=Metric(asked["metric"]) if asked["metric"] else None,
                commit=True,
                by=work.job.made_by,
                now=work.instant(),
            )
        path = f"/clouds?month={told.changes[-1].period}"
        work.note(piece, Became(delivered_said(told), path=path))
    return {"said": "", "path": path}


def delivered_said(told: Delivered) -> str:
    """Say what a delivery came to."""
    changed = [change for change in told.changes if not change.unchanged]
    if not changed:
        return "与已导入的完全相同，没有变化"
    periods = "、".join(f"{each.period} 第 {each.revision} 次" for each in changed)
    return f"已导入：{periods}；差额列入下一份账单，已出账单不动"
