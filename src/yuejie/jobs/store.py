"""The only SQL of jobs: orders, claims under a lease, pieces, files."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from yuejie.db.session import Json, Tx
from yuejie.jobs.job import Became, Job, JobKind, JobState, Order, Piece, PieceState, Upload
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.money import Money

OPERATOR_READS: Final = {
    "standing": "the worker asks about what it works on",
    "jobs": "the operator sees everybody's work",
    "job": "the worker reads what it works on",
    "waiting_jobs": "how much waits, whosever it is, is the operator's to watch",
    "pieces": "of a job that was found for whoever asks",
    "uploads": "the worker reads what it works on",
    "open_job": "asking for the same work again is asking for the job that is there",
    "answer": "of a job that was found for whoever asks",
}
"""A customer finds what its own people asked for (`own_job`); all else is the house's."""


@dataclass(frozen=True, slots=True)
class _JobRow:
    job_id: str
    kind: str
    customer_id: CustomerId | None
    about: str
    asked: dict[str, Any]
    stood: dict[str, Any]
    outcome: dict[str, str]
    state: str
    done: int
    total: int | None
    failed: int
    why: str
    made_by: str
    via: str
    made_at: datetime
    began_at: datetime | None
    run_at: datetime | None
    run_from: int
    cancelled_by: str | None
    ended_at: datetime | None

    def noun(self) -> Job:
        values = {name: getattr(self, name) for name in self.__slots__}
        return Job(**values | {"kind": JobKind(self.kind), "state": JobState(self.state)})


INSERT_JOB: Final = """
    INSERT INTO job (job_id, kind, customer_id, subject, about, asked, stood, outcome, state, done,
                     total, why, made_by, via, made_at, run_from, runs, worker)
    VALUES (%(job_id)s, %(kind)s, %(customer_id)s, %(subject)s, %(about)s, %(asked)s, '{}', '{}',
            'waiting', 0, NULL, '', %(by)s, %(via)s, %(at)s, 0, 0, '')
    ON CONFLICT (kind, subject) WHERE ended_at IS NULL DO NOTHING
"""
INSERT_FILE: Final = """
    INSERT INTO job_file (job_id, position, name, body)
    VALUES (%(job_id)s, %(position)s, %(name)s, %(body)s)
"""


def insert_job(tx: Tx, job_id: str, order: Order, *, by: str, via: str, at: datetime) -> bool:
    """Write an order down with its files; False where the same work is open already."""
    fresh = tx.run(
        INSERT_JOB,
        job_id=job_id,
        kind=order.kind,
        customer_id=order.customer_id,
        subject=order.subject,
        about=order.about,
        asked=Json(dict(order.asked)),
        by=by,
        via=via,
        at=at,
    )
    for position, file in enumerate(order.files, 1) if fresh else ():
        tx.run(INSERT_FILE, job_id=job_id, position=position, name=file.name, body=file.body)
    return fresh == 1


_JOB: Final = """
    SELECT j.job_id, j.kind, j.customer_id, j.about, j.asked, j.stood, j.outcome, j.state, j.done,
           j.total,
           (SELECT count(*) FROM job_piece p
             WHERE p.job_id = j.job_id AND p.state = 'failed') AS failed,
           j.why, j.made_by, j.via, j.made_at, j.began_at, j.run_at, j.run_from, j.cancelled_by,
           j.ended_at
    FROM job j
"""
JOBS: Final = (
    _JOB
    + """
    WHERE (%(state)s::text IS NULL OR j.state = %(state)s)
      AND (%(kind)s::text IS NULL OR j.kind = %(kind)s)
      AND starts_with(j.about, %(about)s)
      AND (NOT %(of_house)s OR j.customer_id IS NULL)
      AND (%(before)s::text IS NULL OR j.job_id < %(before)s)
    ORDER BY j.job_id DESC
    LIMIT %(limit)s
"""
)
WAITING: Final = """
    SELECT count(*) AS count, min(made_at) AS since FROM job WHERE state = 'waiting'
"""
JOB: Final = _JOB + "WHERE j.job_id = %(job_id)s"
OWN_JOB: Final = JOB + " AND j.customer_id = %(customer_id)s"
OPEN_JOB: Final = """
    SELECT job_id FROM job WHERE kind = %(kind)s AND subject = %(subject)s AND ended_at IS NULL
"""


def jobs(
    tx: Tx,
    *,
    state: JobState | None = None,
    kind: JobKind | None = None,
    about: str = "",
    of_house: bool = False,
    before: str | None = None,
    limit: int,
) -> list[Job]:
    """Return jobs, those about something, the newest first, from behind `before` on.

    `of_house`: none that a customer's people asked for.
    """
    asked = {"state": state, "kind": kind, "about": about, "before": before, "limit": limit}
    return [row.noun() for row in tx.rows(_JobRow, JOBS, of_house=of_house, **asked)]


OPEN_OF: Final = """
    SELECT count(*) FROM job WHERE customer_id = %(customer_id)s AND ended_at IS NULL
"""


def count_open(tx: Tx, customer_id: CustomerId) -> int:
    """Count what a customer's people asked for and is not over, one transaction at a time."""
    tx.lock_exclusive(f"jobs:{customer_id}")
    return int(tx.value(OPEN_OF, customer_id=customer_id))


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many jobs nobody has begun, and since when the oldest of them waits."""

    count: int
    since: datetime | None


def waiting_jobs(tx: Tx) -> Waiting:
    """Return how many jobs wait for a worker."""
    return tx.row(Waiting, WAITING)


def job(tx: Tx, job_id: str) -> Job | None:
    """Return one job."""
    row = tx.maybe(_JobRow, JOB, job_id=job_id)
    return row.noun() if row else None


def own_job(tx: Tx, customer_id: CustomerId, job_id: str) -> Job | None:
    """Return a job that a customer's own people asked for."""
    row = tx.maybe(_JobRow, OWN_JOB, customer_id=customer_id, job_id=job_id)
    return row.noun() if row else None


def open_job(tx: Tx, kind: JobKind, subject: str) -> str | None:
    """Return the job that is this work and not over yet."""
    found = tx.rows(_Named, OPEN_JOB, kind=kind, subject=subject)
    return found[0].job_id if found else None


@dataclass(frozen=True, slots=True)
class _Named:
    job_id: str


# Working -----------------------------------------------------------------------------------------

CLAIM: Final = """
    UPDATE job SET state = 'running', worker = %(worker)s, leased_until = %(until)s,
                   began_at = coalesce(began_at, %(now)s), run_at = %(now)s, run_from = done,
                   runs = runs + 1
    WHERE job_id = (
        SELECT job_id FROM job
        WHERE ended_at IS NULL AND (leased_until IS NULL OR leased_until <= %(now)s)
        ORDER BY customer_id IS NOT NULL, job_id LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING job_id, runs
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """A job that is ours for a while, and in how many runs in a row it got nowhere."""

    job_id: str
    runs: int


def claim(tx: Tx, worker: str, *, now: datetime, until: datetime) -> Claim | None:
    """Take the oldest job that nobody works on, or whose worker has not been heard of.

    The house's go before those of customers: a month does not wait for questions about it.
    """
    return tx.maybe(Claim, CLAIM, worker=worker, now=now, until=until)


@dataclass(frozen=True, slots=True)
class Beat:
    """Whether the job that is ours was cancelled."""

    cancelled: bool


BEAT: Final = """
    UPDATE job SET leased_until = %(until)s
    WHERE job_id = %(job_id)s AND worker = %(worker)s AND ended_at IS NULL
    RETURNING cancelled_by IS NOT NULL AS cancelled
"""
STANDING: Final = """
    SELECT cancelled_by IS NOT NULL AS cancelled FROM job
    WHERE job_id = %(job_id)s AND worker = %(worker)s AND ended_at IS NULL
"""
PUT_DOWN: Final = """
    UPDATE job SET worker = '', leased_until = %(until)s, runs = CASE WHEN %(willing)s THEN 0
                                                                      ELSE runs END
    WHERE job_id = %(job_id)s AND worker = %(worker)s AND ended_at IS NULL
"""
MOVE: Final = """
    UPDATE job SET done = %(done)s, total = %(total)s, stood = coalesce(%(stood)s, stood),
                   runs = CASE WHEN %(lasts)s THEN 0 ELSE runs END
    WHERE job_id = %(job_id)s AND worker = %(worker)s AND ended_at IS NULL
"""
HOLD: Final = """
    SELECT job_id FROM job
    WHERE job_id = %(job_id)s AND worker = %(worker)s AND ended_at IS NULL
    FOR UPDATE
"""
END: Final = """
    UPDATE job SET state = %(state)s, outcome = %(outcome)s, why = %(why)s, ended_at = %(now)s,
                   worker = '', leased_until = NULL
    WHERE job_id = %(job_id)s AND worker = %(worker)s AND ended_at IS NULL
"""
DELETE_FILES: Final = "DELETE FROM job_file WHERE job_id = %(job_id)s"


def beat(tx: Tx, job_id: str, worker: str, *, until: datetime) -> Beat | None:
    """Keep a job for longer; None where it is no longer ours."""
    return tx.maybe(Beat, BEAT, job_id=job_id, worker=worker, until=until)


def standing(tx: Tx, job_id: str, worker: str) -> Beat | None:
    """Tell whether a job was cancelled; None where it is no longer ours."""
    return tx.maybe(Beat, STANDING, job_id=job_id, worker=worker)


def put_down(tx: Tx, job_id: str, worker: str, *, until: datetime, willing: bool) -> bool:
    """Leave a job to whoever comes after an instant; `willing`: nothing was wrong with it."""
    asked = {"job_id": job_id, "worker": worker, "until": until, "willing": willing}
    return tx.run(PUT_DOWN, **asked) == 1


def move(
    tx: Tx,
    job_id: str,
    worker: str,
    *,
    done: int,
    total: int | None,
    stood: Mapping[str, Any] | None = None,
    lasts: bool = True,
) -> bool:
    """Write down how far a job is; False where it is no longer ours.

    `lasts`: something is done that whoever goes on after a death finds done; else this run counts
    among those that got nothing done.
    """
    kept = None if stood is None else Json(dict(stood))
    asked = {"job_id": job_id, "worker": worker, "done": done, "total": total, "stood": kept}
    asked["lasts"] = lasts
    return tx.run(MOVE, **asked) == 1


def hold(tx: Tx, job_id: str, worker: str) -> bool:
    """Hold a job's row until the transaction ends; False where it is no longer ours."""
    return bool(tx.rows(_Named, HOLD, job_id=job_id, worker=worker))


def end(
    tx: Tx,
    job_id: str,
    worker: str,
    state: JobState,
    *,
    outcome: Mapping[str, str],
    why: str,
    now: datetime,
) -> bool:
    """End a job and delete what was uploaded for it; False where it is no longer ours."""
    asked = {"job_id": job_id, "worker": worker, "state": state, "why": why, "now": now}
    if tx.run(END, outcome=Json(dict(outcome)), **asked) != 1:
        return False
    tx.run(DELETE_FILES, job_id=job_id)
    return True


CANCEL: Final = """
    UPDATE job SET cancelled_by = %(by)s
    WHERE job_id = %(job_id)s AND ended_at IS NULL AND cancelled_by IS NULL
"""
CANCEL_WAITING: Final = """
    UPDATE job SET state = 'cancelled', ended_at = %(now)s
    WHERE job_id = %(job_id)s AND state = 'waiting'
"""


def cancel(tx: Tx, job_id: str, *, by: str, now: datetime) -> bool:
    """Ask for the end of a job; one that nobody has begun ends at once. False: it is over."""
    if tx.run(CANCEL, job_id=job_id, by=by) != 1:
        return False
    if tx.run(CANCEL_WAITING, job_id=job_id, now=now):
        tx.run(DELETE_FILES, job_id=job_id)
    return True


# Pieces and files --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _PieceRow:
    position: int
    name: str
    refers_to: str
    state: str
    said: str
    sums: list[list[Any]]
    path: str

    def noun(self) -> Piece:
        return Piece(
            self.position,
            self.name,
            self.refers_to,
            PieceState(self.state),
            self.said,
            tuple(Money(int(fen), currency) for fen, currency in self.sums),
            self.path,
        )


COPY_PIECES: Final = """
    COPY job_piece (job_id, position, name, refers_to, state, said, sums, path) FROM STDIN
"""
PIECES: Final = """
    SELECT position, name, refers_to, state, said, sums, path
    FROM job_piece
    WHERE job_id = %(job_id)s AND (%(state)s::text IS NULL OR state = %(state)s)
      AND position > %(after)s
    ORDER BY position
    LIMIT %(limit)s
"""
END_PIECE: Final = """
    UPDATE job_piece SET state = %(state)s, said = %(said)s, sums = %(sums)s, path = %(path)s
    WHERE job_id = %(job_id)s AND position = %(position)s
"""


def add_pieces(tx: Tx, job_id: str, pieces: Iterable[Piece]) -> None:
    """Write pieces down, planned or what became of them."""
    tx.copy(
        COPY_PIECES,
        (
            (
                *(job_id, p.position, p.name, p.refers_to, str(p.state), p.said),
                *(Json(_plain(p.sums)), p.path),
            )
            for p in pieces
        ),
    )


def pieces(
    tx: Tx,
    job_id: str,
    *,
    state: PieceState | None = None,
    after: int = 0,
    limit: int | None = None,
) -> list[Piece]:
    """Return pieces in their order, from behind a position on."""
    found = tx.rows(_PieceRow, PIECES, job_id=job_id, state=state, after=after, limit=limit)
    return [row.noun() for row in found]


def end_piece(tx: Tx, job_id: str, position: int, became: Became) -> None:
    """Write down what became of a piece."""
    tx.run(
        END_PIECE,
        job_id=job_id,
        position=position,
        state=PieceState.FAILED if became.failed else PieceState.DONE,
        said=became.said,
        sums=Json(_plain(became.sums)),
        path=became.path,
    )


def _plain(sums: Sequence[Money]) -> list[list[Any]]:
    return [[each.fen, each.currency] for each in sums]


UPLOADS: Final = "SELECT name, body FROM job_file WHERE job_id = %(job_id)s ORDER BY position"


def uploads(tx: Tx, job_id: str) -> list[Upload]:
    """Return what was handed in; nothing once the job is over."""
    return tx.rows(Upload, UPLOADS, job_id=job_id)


KEEP_ANSWER: Final = """
    INSERT INTO job_answer (job_id, body) VALUES (%(job_id)s, %(body)s::jsonb)
    ON CONFLICT (job_id) DO UPDATE SET body = excluded.body
"""
ANSWER: Final = "SELECT body::text AS body FROM job_answer WHERE job_id = %(job_id)s"


@dataclass(frozen=True, slots=True)
class _Answer:
    body: str


def keep_answer(tx: Tx, job_id: str, body: str) -> None:
    """Keep what a job came to; whoever does it again puts the same in its place."""
    tx.run(KEEP_ANSWER, job_id=job_id, body=body)


def answer(tx: Tx, job_id: str) -> str | None:
    """Return what a job came to, where that is no row of anything."""
    found = tx.maybe(_Answer, ANSWER, job_id=job_id)
    return found.body if found else None
