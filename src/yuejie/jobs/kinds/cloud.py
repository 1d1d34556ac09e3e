"""Take a large delivery of cloud bills in, whole or not at all, or tell what that would change."""

from collections.abc import Mapping

from yuejie.clouds.charge import Metric
from yuejie.clouds.deliver import Delivered, deliver
from yuejie.clouds.keep import find_source
from yuejie.clouds.told import decode_delivered, encode_delivered
from yuejie.db.session import Database, Tx
from yuejie.jobs.job import Job, JobKind, Order, Upload
from yuejie.jobs.start import answer_of, digest, named
from yuejie.jobs.work import Work


def order_delivery(
    db: Database,
    source: str,
    metric: Metric | None,
    files: tuple[Upload, ...],
    *,
    commit: bool = True,
    seen: str = "",
) -> Order:
    """Ask for files to be taken in, or tried; raises NotFound for a source that is not registered.

    `seen` is the digest by which a page knows the files of a trial again.
    """
    with db.read() as tx:
        find_source(tx, source)
    wanted = metric.value if metric else ""
    asked = {"source": source, "metric": wanted, "files": named(files), "seen": seen}
    whole: list[str | bytes] = [part for file in files for part in (file.name, file.body)]
    subject = digest(source, wanted, *whole)
    about = f"{source} {'、'.join(file.name for file in files)}"
    kind = JobKind.CLOUD if commit else JobKind.CLOUD_TRIAL
    return Order(kind, subject, about, asked, files)


def run(work: Work) -> Mapping[str, str]:
    """Take the delivery in, or try it; files that are refused end the job with their sentence.

    Nothing is written before all of it is: whoever goes on after a death begins anew.
    """
    asked = work.job.asked
    commit = work.job.kind is JobKind.CLOUD
    with work.files() as paths:
        told = deliver(
            work.db,
            asked["source"],
            paths,
            metric=Metric(asked["metric"]) if asked["metric"] else None,
            commit=commit,
            by=work.job.made_by,
            now=work.instant(),
            tell=work.tell,
        )
    if commit:
        path = f"/clouds?month={told.changes[-1].period}"
        return {"said": delivered_said(told), "path": path}
    work.keep_answer(encode_delivered(told))
    return {"said": "试算通过，还没有写入", "path": f"/clouds/trials/{work.job.job_id}"}


def tried_of(tx: Tx, job: Job) -> Delivered:
    """Return what a trial came to. Raises Conflict while there is none."""
    return decode_delivered(answer_of(tx, job, JobKind.CLOUD_TRIAL))


def delivered_said(told: Delivered) -> str:
    """Say what a delivery came to."""
    changed = [change for change in told.changes if not change.unchanged]
    if not changed:
        return "与已导入的完全相同，没有变化"
    periods = "、".join(f"{each.period} 第 {each.revision} 次" for each in changed)
    return f"已导入：{periods}；差额列入下一份账单，已出账单不动"
