"""Begin work, cancel it, look at it."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final

from yuejie.db.deeds import VIA, Deed, record_deed
from yuejie.db.session import Database, Tx
from yuejie.jobs import store
from yuejie.jobs.job import KIND_NAMES, STATE_NAMES, Job, JobKind, Order, Upload
from yuejie.kernel.errors import Conflict, Invalid, NotFound
from yuejie.kernel.ids import CustomerId, mint
from yuejie.kernel.limits import JOBS_OF_CUSTOMER

AT_ONCE_BYTES: Final = 256 * 1024
"""The plain rule: a file of at most so much is taken in while its sender waits, a larger one is a
job. Some thousand rows are as much, and are read and written within a second."""
UPLOAD_BYTES: Final = 8 * 1024 * 1024
"""Largest upload of a job, all files together: what a request may carry. Usage may be gzipped."""


@dataclass(frozen=True, slots=True)
class Started:
    """The job of an order; not `fresh` where the same work was under way already."""

    job_id: str
    fresh: bool

    @property
    def said(self) -> str:
        """Say what became of the order."""
        return "已开始，可以离开本页" if self.fresh else "同样的任务正在进行，没有重复开始"


def start_job(db: Database, order: Order, *, by: str, now: datetime) -> Started:
    """Write work down for a clerk to do; work that is open already is not begun twice.

    Raises Invalid for files that are too large, Conflict for one too many of a customer's.
    """
    if sum(len(file.body) for file in order.files) > UPLOAD_BYTES:
        raise Invalid(f"文件超过上限 {UPLOAD_BYTES} 字节，请拆分或压缩后重试")
    with db.begin() as tx:
        job_id = mint("job", now)
        if store.insert_job(tx, job_id, order, by=by, via=VIA.get(), at=now):
            _refuse_crowd(tx, order.customer_id)
            record_deed(
                tx,
                Deed(by, now, "start", "job", job_id),
                became={"kind": order.kind, "about": order.about},
            )
            return Started(job_id, fresh=True)
        open_one = store.open_job(tx, order.kind, order.subject)
    if open_one is None:
        raise Conflict("同样的任务刚刚结束，没有重复开始；请查看结果后再试")
    return Started(open_one, fresh=False)


def _refuse_crowd(tx: Tx, customer_id: CustomerId | None) -> None:
    """Refuse a customer more open work than is kept for it; what the house asks for is its own."""
    if customer_id is not None and store.count_open(tx, customer_id) > JOBS_OF_CUSTOMER:
        raise Conflict(
            f"贵单位已有 {JOBS_OF_CUSTOMER} 个后台任务没有办完，请等办完或取消一些后再试"
        )


def find_job(tx: Tx, job_id: str, customer_id: CustomerId | None = None) -> Job:
    """Return a job, of a customer only what its own people asked for; raises NotFound."""
    found = store.job(tx, job_id) if customer_id is None else store.own_job(tx, customer_id, job_id)
    if found is None:
        raise NotFound(f"没有编号为 {job_id} 的后台任务，请核对编号", job=job_id)
    return found


def cancel_job(db: Database, job_id: str, *, by: str, now: datetime) -> Job:
    """Ask for the end of a job: what is done stays, no further piece is begun.

    Raises NotFound, and Conflict for a job that is over.
    """
    with db.begin() as tx:
        was = find_job(tx, job_id)
        if store.cancel(tx, job_id, by=by, now=now):
            record_deed(tx, Deed(by, now, "cancel", "job", job_id))
        elif not was.is_open:
            raise Conflict(f"任务{STATE_NAMES[was.state]}，无法取消", job=job_id)
        return find_job(tx, job_id)


def answer_of(tx: Tx, job: Job, kind: JobKind) -> bytes:
    """Return what a job of a kind came to. Raises NotFound for another kind, Conflict: not yet."""
    if job.kind is not kind:
        raise NotFound(f"任务 {job.job_id} 不是“{KIND_NAMES[kind]}”，没有这种结果，请核对编号")
    body = store.answer(tx, job.job_id)
    if body is None:
        raise Conflict(f"任务{STATE_NAMES[job.state]}，还没有结果；请查看它的进度", job=job.job_id)
    return body.encode()


def named(files: tuple[Upload, ...]) -> list[dict[str, object]]:
    """Return what stays of files when they are gone: names, sizes, hashes."""
    return [
        {
            "name": file.name,
            "size": len(file.body),
            "sha256": sha256(file.body).hexdigest(),
        }
        for file in files
    ]


def digest(*parts: str | bytes) -> str:
    """Return one hash of several things, so that the same upload is the same work."""
    whole = sha256()
    for part in parts:
        raw = part.encode() if isinstance(part, str) else part
        whole.update(len(raw).to_bytes(8, "big") + raw)
    return whole.hexdigest()
