"""The processes of a node: how each begins, and what the intake does.

The intake sends journals up and brings the snapshot down, each on its own thread, and removes
journal segments that have long been stored.
"""

import ctypes
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Final

import structlog

from yuejie.app import app_url
from yuejie.db.session import Database
from yuejie.gateway.publish import Publisher
from yuejie.intake.ingest import Ingest
from yuejie.intake.keep import prune
from yuejie.kernel.clock import Clock
from yuejie.kernel.errors import DomainError
from yuejie.settings import Settings
from yuejie.supervisor import SUPERVISOR

log = structlog.get_logger()

_RETRY_SECONDS: Final = 0.5
_PRUNE_SECONDS: Final = 3600.0
_PR_SET_PDEATHSIG: Final = 1


def run_intake(settings: Settings, clock: Clock, stop: threading.Event) -> None:
    """Ingest and publish until told to stop; a database that is away is waited for."""
    db = wait_for_database(settings, stop)
    if db is None:
        return
    with db:
        ingest = Ingest(db, settings.home, settings.node, clock)
        publisher = Publisher(db, settings.home, clock)
        threads = [
            threading.Thread(target=_guard, args=(work, stop), name=name)
            for name, work in (
                ("ingest", ingest.run),
                ("publish", publisher.run),
                ("prune", lambda stop: _prune(db, settings, clock, stop)),
            )
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def wait_for_database(settings: Settings, stop: threading.Event) -> Database | None:
    """Open the database as soon as it is there; None when told to stop before."""
    while not stop.is_set():
        try:
            return Database.open(app_url(settings), size=4, name="intake")
        except DomainError as error:
            log.warning("database.waited_for", why=error.sentence)
            stop.wait(_RETRY_SECONDS)
    return None


def _guard(work: Callable[[threading.Event], None], stop: threading.Event) -> None:
    """Let one thread's death end the process; the supervisor starts it afresh."""
    try:
        work(stop)
    finally:
        stop.set()


def _prune(db: Database, settings: Settings, clock: Clock, stop: threading.Event) -> None:
    """Remove old segments once an hour; a database that is away is asked again next time."""
    while not stop.wait(_PRUNE_SECONDS):
        try:
            for path in prune(db, settings.home, now=clock.now()):
                log.info("journal.pruned", path=str(path))
        except DomainError as error:
            log.warning("journal.prune_waits", why=error.sentence)


def die_with_supervisor() -> None:
    """Ask the kernel for SIGTERM when the supervisor dies, also by kill -9 (Linux).

    Without it a node's processes would go on unwatched, and hold the ports of the next start.
    """
    parent = os.environ.get(SUPERVISOR, "")
    if not parent or sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM))
    if str(os.getppid()) != parent:
        sys.exit(1)
