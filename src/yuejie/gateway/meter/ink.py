"""The journal for coroutines: records of one turn of the loop share a write and a commit.

`written` waits until a record is on disk; `signed` until the kernel has it, where it survives
kill -9. While much is under way, turns are gathered for two milliseconds: a disk that is asked to
commit at every turn costs more processor time than all else together. While little is, nobody waits
for company; and a call that is alone has its beginning committed on the loop's own thread, which
then keeps nobody waiting but those who would wait for the same disk.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Final
from uuid import UUID

from yuejie.usage.journal import Begun, Ended, Journal, JournalBroken, Pace, Returned

BUSY: Final = 16
"""Attempts under way from which on turns are gathered; below, nobody waits for company."""
GATHER_SECONDS: Final = 0.002

_Waiting = list[asyncio.Future[None]]


class Ink:
    """The one writer of a worker's journal."""

    __slots__ = (
        "_broken",
        "_committing",
        "_due",
        "_flushed",
        "_last",
        "_loop",
        "_open",
        "_signing",
        "_writing",
        "journal",
    )

    def __init__(
        self,
        root: Path,
        journal_id: UUID,
        loop: asyncio.AbstractEventLoop,
        broken: Callable[[], None],
        *,
        pace: Pace = Pace(),  # noqa: B008 - never changed
    ) -> None:
        """Open the journal. `broken` is called once when the disk refuses: the worker must die."""
        self._loop = loop
        self._broken = broken
        self._writing: _Waiting = []
        self._signing: _Waiting = []
        self._committing: deque[tuple[int, _Waiting]] = deque()
        self._due = False
        self._flushed = 0.0
        self._last = 0
        self._open = 0
        self.journal = Journal(root, journal_id, self._committed, pace=pace)

    def written(self, record: Begun) -> asyncio.Future[None] | None:
        """Append a record; the future is done when it is on disk. None: it is already."""
        self._open += 1
        self._last = self.journal.append(record)
        if self._open == 1 and not (self._due or self._committing) and self._committed_here():
            return None
        return self._wait(self._writing)

    def signed(self, record: Ended) -> asyncio.Future[None] | None:
        """Append a record; the future is done when the kernel has it. None: it has it already."""
        self._open -= 1
        self._last = self.journal.append(record)
        if not (self._open or self._due):
            self._flush()
            return None
        return self._wait(self._signing)

    def noted(self, record: Returned) -> None:
        """Append a record that nobody waits for."""
        self._last = self.journal.append(record)
        self._wait(self._signing)

    def close(self) -> None:
        """Commit what is left and give the journal up; it is then whole."""
        self._flush()
        self.journal.close()

    def _wait(self, waiting: _Waiting) -> asyncio.Future[None]:
        """Return what is done when the turn's records are flushed, or committed."""
        future = self._loop.create_future()
        waiting.append(future)
        if not self._due:
            self._due = True
            pause = self._flushed + GATHER_SECONDS - self._loop.time()
            if self._open > BUSY and pause > 0:
                self._loop.call_later(pause, self._flush)
            else:
                self._loop.call_soon(self._flush)
        return future

    def _committed_here(self) -> bool:
        """Commit a record at once, if nothing else is under way and the disk is quick."""
        try:
            return self.journal.commit_here()
        except JournalBroken:
            self._broken()
            raise

    def _flush(self) -> None:
        self._due = False
        self._flushed = self._loop.time()
        try:
            self.journal.flush(commit=bool(self._writing))
        except JournalBroken:
            self._broken()
            raise
        if self._writing:
            self._committing.append((self._last, self._writing))
            self._writing = []
        signed, self._signing = self._signing, []
        _release(signed)

    def _committed(self, covered: int) -> None:
        """Called on the commit thread."""
        self._loop.call_soon_threadsafe(self._reached, covered)

    def _reached(self, covered: int) -> None:
        if covered < 0:
            self._broken()
            return
        committing = self._committing
        while committing and committing[0][0] <= covered:
            _release(committing.popleft()[1])


def _release(waiting: _Waiting) -> None:
    for future in waiting:
        if not future.done():
            future.set_result(None)
