"""The intake process of a node: journals go up, the snapshot comes down, each on its own thread."""

import threading
from collections.abc import Callable
from typing import Final

import structlog

from yuejie.app import app_url
from yuejie.db.session import Database
from yuejie.gateway.publish import Publisher
from yuejie.intake.ingest import Ingest
from yuejie.kernel.clock import Clock
from yuejie.kernel.errors import DomainError
from yuejie.settings import Settings

log = structlog.get_logger()

_RETRY_SECONDS: Final = 0.5


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
            for name, work in (("ingest", ingest.run), ("publish", publisher.run))
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
