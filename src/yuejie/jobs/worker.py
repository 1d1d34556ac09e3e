"""Work on jobs: claim one, do its pieces under a lease, end it.

A worker that dies leaves a lease that runs out; the next goes on with the piece that was under
way. A worker that lost its lease writes nothing more, and whatever verb it still was in holds its
own locks. A job whose workers die again and again without getting anything done is given up.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import uuid4

import structlog

from yuejie.db.deeds import VIA
from yuejie.db.errors import CommitUncertain, SerializationConflict
from yuejie.db.session import Database
from yuejie.db.upkeep.pace import working_on
from yuejie.jobs import store
from yuejie.jobs.job import Job, JobKind, JobState
from yuejie.jobs.kinds import (
    close,
    cloud,
    issue,
    make_report,
    prove,
    report,
    statement,
    usage,
    what_if,
)
from yuejie.jobs.start import find_job
from yuejie.jobs.store import Claim
from yuejie.jobs.work import Lease, Stop, Why, Work
from yuejie.kernel.clock import Clock
from yuejie.kernel.errors import DomainError, Unavailable

log = structlog.get_logger()

LEASE: Final = timedelta(seconds=15)
"""A worker that was not heard of for so long is taken for dead."""
BEAT_SECONDS: Final = 3.0
REST: Final = timedelta(seconds=5)
"""How long a job rests when the database was away in the middle of a piece."""
MOST_RUNS: Final = 5
"""Runs in a row that got nothing done; the next would not either."""
_BUG: Final = "程序出错，已记入日志；已办成的保留，请联系运维后重新开始"
_GIVEN_UP: Final = "办理进程反复中断，已放弃；已办成的保留，请联系运维查看日志后重新开始"

Outcome = Mapping[str, str]
KINDS: Final[dict[JobKind, Callable[[Work], Outcome]]] = {
    JobKind.TRY: close.run,
    JobKind.CLOSE: close.run,
    JobKind.PROPOSE: issue.run,
    JobKind.ISSUE: issue.run,
    JobKind.PROVE: prove.run,
    JobKind.USAGE: usage.run,
    JobKind.STATEMENT: statement.run,
    JobKind.REPORT: report.run,
    JobKind.CLOUD: cloud.run,
    JobKind.WHAT_IF: what_if.run,
    JobKind.MAKE_REPORT: make_report.run,
    JobKind.CLOUD_TRIAL: cloud.run,
}
"""How each kind of work is done: it returns what it came to."""


@dataclass(frozen=True, slots=True)
class Worker:
    """Works on one job at a time; as many of them as there are threads for."""

    db: Database
    clock: Clock
    leaving: Callable[[], bool] = lambda: False
    """Whether the process is about to end."""
    beat_seconds: float = BEAT_SECONDS

    def work(self) -> int:
        """Work on one job until it is over or put down; return how many there were to work on.

        Raises Unavailable where the database is away.
        """
        name = uuid4().hex
        now = self.clock.now()
        with self.db.begin() as tx:
            claim = store.claim(tx, name, now=now, until=now + LEASE)
            if claim is None:
                return 0
            job = find_job(tx, claim.job_id)
        log.info("job.claimed", job=job.job_id, kind=job.kind, runs=claim.runs)
        token = VIA.set(job.via)
        try:
            self._carry(job, claim, name)
        finally:
            VIA.reset(token)
        return 1

    def _carry(self, job: Job, claim: Claim, name: str) -> None:
        if claim.runs > MOST_RUNS:
            self._end(job, name, JobState.FAILED, why=_GIVEN_UP)
            return
        if job.cancelled_by is not None:
            self._end(job, name, JobState.CANCELLED)
            return
        with (
            working_on(f"job:{job.kind}"),
            Lease(lambda: self._beat(job, name), self.beat_seconds) as lease,
        ):
            work = Work(self.db, self.clock, job, name, lambda: self._stopped(job, name, lease))
            self._do(work)

    def _do(self, work: Work) -> None:
        job, name = work.job, work.worker
        try:
            outcome = KINDS[job.kind](work)
        except Stop as stop:
            if stop.why is Why.CANCELLED:
                self._end(job, name, JobState.CANCELLED)
            elif stop.why is Why.LEAVING:
                self._put_down(job, name, timedelta(), willing=True)
            log.info("job.stopped", job=job.job_id, why=stop.why.value)
        except (Unavailable, CommitUncertain, SerializationConflict) as error:
            log.warning("job.rests", job=job.job_id, why=error.sentence)
            self._put_down(job, name, REST, willing=False)
        except DomainError as error:
            self._end(job, name, JobState.FAILED, why=error.sentence)
        except Exception:
            log.exception("job.broken", job=job.job_id, kind=job.kind)
            self._end(job, name, JobState.FAILED, why=_BUG)
        else:
            self._end(job, name, JobState.DONE, outcome=outcome)

    def _stopped(self, job: Job, name: str, lease: Lease) -> Why | None:
        """Ask before each piece: the process, the last beat, and whether somebody cancelled."""
        if self.leaving():
            return Why.LEAVING
        return lease.why or self._cancelled(job, name)

    def _cancelled(self, job: Job, name: str) -> Why | None:
        with self.db.read() as tx:
            found = store.standing(tx, job.job_id, name)
        if found is None:
            return Why.LOST
        return Why.CANCELLED if found.cancelled else None

    def _beat(self, job: Job, name: str) -> Why | None:
        """Keep the lease; while the database is away nobody else can take it either."""
        try:
            with self.db.begin() as tx:
                found = store.beat(tx, job.job_id, name, until=self.clock.now() + LEASE)
        except (Unavailable, CommitUncertain):
            return None
        if found is None:
            return Why.LOST
        return Why.CANCELLED if found.cancelled else None

    def _put_down(self, job: Job, name: str, rest: timedelta, *, willing: bool) -> None:
        with self.db.begin() as tx:
            until = self.clock.now() + rest
            store.put_down(tx, job.job_id, name, until=until, willing=willing)

    def _end(
        self,
        job: Job,
        name: str,
        state: JobState,
        *,
        outcome: Outcome | None = None,
        why: str = "",
    ) -> None:
        with self.db.begin() as tx:
            now = self.clock.now()
            ended = store.end(tx, job.job_id, name, state, outcome=outcome or {}, why=why, now=now)
        log.info("job.ended", job=job.job_id, kind=job.kind, state=state, ours=ended)
