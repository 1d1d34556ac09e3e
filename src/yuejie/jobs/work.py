"""A job under way: how a kind of work reads what was asked and says how far it is.

Between pieces it finds out whether it may go on: not when somebody cancelled, when its lease was
lost, or when its process is about to end. Then `Stop` goes up through the kind, which leaves
nothing half done, for each piece is a transaction of its own.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Self

from yuejie.db.errors import DatabaseBusy, SerializationConflict
from yuejie.db.session import Database, Tx
from yuejie.jobs import store
from yuejie.jobs.job import Became, Job, Piece, PieceState
from yuejie.kernel.clock import Clock
from yuejie.kernel.errors import DomainError, Unavailable
from yuejie.kernel.money import Money

EVERY_SECONDS: Final = 1.0
"""How often progress is written down at most."""
TRIES: Final = 3
"""How often a piece is tried that lost against another transaction."""


class Why(Enum):
    """Why a job is not gone on with."""

    CANCELLED = "cancelled"
    LOST = "lost"
    LEAVING = "leaving"


class Stop(Exception):
    """No further piece is begun."""

    def __init__(self, why: Why) -> None:
        super().__init__(why)
        self.why = why


@dataclass(slots=True)
class Work:
    """A job in the hands of one worker."""

    db: Database
    clock: Clock
    job: Job
    worker: str
    stopped: Callable[[], Why | None]
    """Whether and why no further piece is begun; asked between pieces."""
    _done: int = 0
    _total: int | None = None
    _told: float = field(default=0.0)

    def __post_init__(self) -> None:
        """Go on from where the job stands."""
        self._done, self._total = self.job.done, self.job.total

    @property
    def is_planned(self) -> bool:
        """Whether a run before this one has planned the work."""
        return bool(self.job.stood)

    def instant(self) -> datetime:
        """Return the instant of the next piece: work goes on for minutes, each deed has its own."""
        return self.clock.now()

    def go_on(self) -> None:
        """Raise Stop where no further piece may be begun."""
        why = self.stopped()
        if why is not None:
            raise Stop(why)

    def plan(self, pieces: Sequence[tuple[str, str]], stood: Mapping[str, Any]) -> None:
        """Write down what there is to do, by name and what it refers to, all at once."""
        planned = (
            Piece(number, name, refers_to, PieceState.WAITING, "")
            for number, (name, refers_to) in enumerate(pieces, 1)
        )
        with self.db.begin() as tx:
            if not store.move(
                tx, self.job.job_id, self.worker, done=0, total=len(pieces), stood=stood
            ):
                raise Stop(Why.LOST)
            store.add_pieces(tx, self.job.job_id, planned)
        self._done, self._total = 0, len(pieces)

    def pieces(self, state: PieceState | None = None) -> list[Piece]:
        """Return every piece, or those in one state."""
        with self.db.read() as tx:
            return store.pieces(tx, self.job.job_id, state=state)

    def waiting(self) -> list[Piece]:
        """Return the pieces that nobody has done; the others are what is done, whoever did it."""
        found = self.pieces(PieceState.WAITING)
        if self._total is not None:
            self._done = self._total - len(found)
        return found

    def sums(self) -> str:
        """Say what the pieces that were done come to, by currency: `16.00 CNY`; no sums, nothing.

        Refused pieces come to nothing.
        """
        found: Counter[str] = Counter()
        for piece in self.pieces(PieceState.DONE):
            for each in piece.sums:
                found[each.currency] += each.fen
        return "、".join(f"{Money(fen, unit)} {unit}" for unit, fen in sorted(found.items()))

    def attempt(self, piece: Piece, deed: Callable[[], Became]) -> None:
        """Do a piece and write down what became of it; what a rule refuses ends this piece alone.

        Raises Unavailable where the database is away, and Stop.
        """
        self.go_on()
        self.note(piece, _tried(deed))

    def note(self, piece: Piece, became: Became) -> None:
        """Write down what became of a piece, and once a second how far the job is."""
        self._done += 1
        last = self._done == self._total
        with self.db.begin() as tx:
            if not store.hold(tx, self.job.job_id, self.worker):
                raise Stop(Why.LOST)
            store.end_piece(tx, self.job.job_id, piece.position, became)
            if self._is_due() or last:
                self._move(tx)

    def far(
        self,
        done: int,
        total: int,
        stood: Mapping[str, Any],
        refused: Sequence[Piece] = (),
        *,
        at_once: bool = False,
    ) -> bool:
        """Write down how far work without planned pieces is, at most once a second.

        Returns whether it was written down; what was `refused` then is as well.
        """
        if not (self._is_due() or at_once):
            return False
        self._done, self._total = min(done, total), total
        with self.db.begin() as tx:
            self._move(tx, stood)
            store.add_pieces(tx, self.job.job_id, refused)
        return True

    def tell(self, done: int, total: int) -> None:
        """Say how far work is that reads and begins anew when gone on with; ask whether to go on.

        Raises Stop.
        """
        self.go_on()
        if not (self._is_due() or done == total):
            return
        self._done, self._total = min(done, total), total
        with self.db.begin() as tx:
            self._move(tx, lasts=False)

    def keep_answer(self, body: bytes) -> None:
        """Keep what the work came to, as JSON, where that is no row of anything."""
        with self.db.begin() as tx:
            if not store.hold(tx, self.job.job_id, self.worker):
                raise Stop(Why.LOST)
            store.keep_answer(tx, self.job.job_id, body.decode())

    def _move(self, tx: Tx, stood: Mapping[str, Any] | None = None, *, lasts: bool = True) -> None:
        if not store.move(
            tx,
            self.job.job_id,
            self.worker,
            done=self._done,
            total=self._total,
            stood=stood,
            lasts=lasts,
        ):
            raise Stop(Why.LOST)
        self._told = time.monotonic()

    def _is_due(self) -> bool:
        return time.monotonic() - self._told >= EVERY_SECONDS

    @contextmanager
    def files(self) -> Iterator[list[Path]]:
        """Lay what was uploaded into a folder of its own, under its names, while it is read."""
        with self.db.read() as tx:
            uploads = store.uploads(tx, self.job.job_id)
        with TemporaryDirectory(prefix="yuejie-job-") as folder:
            found = []
            for number, upload in enumerate(uploads, 1):
                path = Path(folder) / str(number) / (Path(upload.name).name or "file")
                path.parent.mkdir()
                path.write_bytes(upload.body)
                found.append(path)
            yield found


def _tried(deed: Callable[[], Became]) -> Became:
    for left in range(TRIES - 1, -1, -1):
        try:
            return deed()
        except (SerializationConflict, DatabaseBusy) as error:
            if not left:
                return Became(error.sentence, failed=True)
        except Unavailable:
            raise
        except DomainError as error:
            return Became(error.sentence, failed=True)
    raise AssertionError("the last try returns or raises")


class Lease:
    """Keeps a job ours while one of its pieces takes long, on a thread of its own."""

    def __init__(self, beat: Callable[[], Why | None], every: float) -> None:
        """Beat every so many seconds until it is let go."""
        self._beat = beat
        self._every = every
        self._why: Why | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lease", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    @property
    def why(self) -> Why | None:
        """Why the job is not gone on with, as far as the last beat knew."""
        return self._why

    def _run(self) -> None:
        while not self._over.wait(self._every):
            why = self._beat()
            if why is not None:
                self._why = why
                return
