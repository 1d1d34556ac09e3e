"""What is under way in a worker: deadlines by one sweep a second, not by a timer per read."""

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from yuejie.kernel.limits import DRAIN_SECONDS, DRAINS, FIRST_BYTE_SECONDS, STREAM_SECONDS

SWEEP_SECONDS: Final = 1
_NS: Final = 1_000_000_000
LONGEST_NS: Final = (FIRST_BYTE_SECONDS + STREAM_SECONDS) * _NS
DRAIN_NS: Final = DRAIN_SECONDS * _NS


class Cut(StrEnum):
    """Why the gateway itself ended an attempt. Shown on the worklist."""

    TOO_LONG = "stream_too_long"
    DRAINED_OUT = "drain_cut"
    STOPPING = "worker_stopped"


@dataclass(slots=True, eq=False)
class Running:
    """One operation under way."""

    task: "asyncio.Task[Any]"
    deadline_ns: int
    cut: Cut | None = None

    def end(self, why: Cut) -> None:
        """Wake the operation wherever it waits; it writes down how far it came."""
        if self.cut is None:
            self.cut = why
            self.task.cancel()


@dataclass(slots=True)
class Live:
    """Every operation of this worker."""

    running: set[Running] = field(default_factory=set)
    draining: dict[Running, None] = field(default_factory=dict)
    stopping: bool = False
    _empty: asyncio.Event = field(default_factory=asyncio.Event)

    def enter(self, task: "asyncio.Task[Any]") -> Running:
        """An operation begins."""
        running = Running(task, time.monotonic_ns() + LONGEST_NS)
        self.running.add(running)
        return running

    def leave(self, running: Running) -> None:
        """An operation is over."""
        self.running.discard(running)
        self.draining.pop(running, None)
        if self.stopping and not self.running:
            self._empty.set()

    def drain(self, running: Running) -> None:
        """The client has gone; the upstream is read on, within bounds."""
        running.deadline_ns = min(running.deadline_ns, time.monotonic_ns() + DRAIN_NS)
        self.draining[running] = None
        if len(self.draining) > DRAINS:
            oldest = next(iter(self.draining))
            del self.draining[oldest]
            oldest.end(Cut.DRAINED_OUT)

    def sweep(self) -> None:
        """End what has taken too long."""
        now_ns = time.monotonic_ns()
        late = [running for running in self.running if running.deadline_ns <= now_ns]
        for running in late:
            running.end(Cut.DRAINED_OUT if running in self.draining else Cut.TOO_LONG)

    async def stop(self, seconds: int) -> None:
        """Let what is under way finish, for so long; then end it where it stands."""
        self.stopping = True
        for patience in (seconds, SWEEP_SECONDS):
            if not self.running:
                return
            with suppress(TimeoutError):
                await asyncio.wait_for(self._empty.wait(), patience)
            for running in tuple(self.running):
                running.end(Cut.STOPPING)
