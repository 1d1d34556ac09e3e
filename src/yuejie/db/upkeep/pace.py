"""How long work may hold a connection: a budget per kind of work, and who exceeded it.

The server ends a statement at its wall (`statement_timeout`); long before, work that is over its
budget is told once in the log and counted, by name: a page's route, a duty, a process.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

import structlog
from prometheus_client import Counter, Histogram

from yuejie.db.session import IDLE_SECONDS

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Pace:
    """A kind of work: what one transaction should take, and where the server ends it."""

    budget_ms: int
    wall_seconds: int
    """The longest statement."""
    idle_seconds: int = IDLE_SECONDS
    """The longest silence within a transaction. Where every node takes the same locks it is short:
    a node that was cut off while it held them must not keep the others waiting."""


PAGE: Final = Pace(300, 60)
"""What somebody waits for, eyes on the screen."""
CALL: Final = Pace(100, 5, 5)
"""What a customer's call waits for."""
INGEST: Final = Pace(2_000, 120, 10)
DUTY: Final = Pace(10_000, 120)
"""What the calendar asks for."""
COMMAND: Final = Pace(60_000, 120)
"""What a person started and watches."""
PACES: Final = {
    "gateway": CALL,
    "console": PAGE,
    "intake": INGEST,
    "clerk": DUTY,
}
"""By process; every other is a command."""
_SECONDS: Final = (0.005, 0.025, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 120.0)

HELD: Final = Histogram(
    "yuejie_database_transaction_seconds",
    "How long transactions held their connection, by process.",
    ["process"],
    buckets=_SECONDS,
)
OVER: Final = Counter(
    "yuejie_database_over_budget",
    "Transactions that took longer than their budget, by process and work.",
    ["process", "work"],
)
Work = str | Callable[[], str]
_work: ContextVar[Work] = ContextVar("work", default="")


def pace_of(process: str) -> Pace:
    """Return the pace of a process's work."""
    return PACES.get(process, COMMAND)


@contextmanager
def working_on(work: Work) -> Iterator[None]:
    """Name what is being done, for whoever wonders what was slow: a route or a duty."""
    token = _work.set(work)
    try:
        yield
    finally:
        _work.reset(token)


class Pacer:
    """Measures the transactions of one process, and tells which were over their budget."""

    def __init__(self, process: str) -> None:
        self.process = process
        self.pace = pace_of(process)

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Measure one transaction."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self._took(time.perf_counter() - began)

    def _took(self, seconds: float) -> None:
        HELD.labels(self.process).observe(seconds)
        if seconds * 1000 <= self.pace.budget_ms:
            return
        named = _work.get() or self.process
        work = named if isinstance(named, str) else named()
        OVER.labels(self.process, work).inc()
        log.warning(
            "database.over_budget",
            process=self.process,
            work=work,
            took_ms=round(seconds * 1000),
            budget_ms=self.pace.budget_ms,
        )
