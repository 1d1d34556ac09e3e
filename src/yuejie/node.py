"""The processes of a node: how each begins, and what the intake does.

The intake sends journals up, brings the snapshot down and tells the others of its node, each on
its own thread, and removes journal segments that have long been stored.
"""

import ctypes
import os
import signal
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import structlog

from yuejie.app import open_database
from yuejie.db.backup.place import Place
from yuejie.db.session import Database
from yuejie.db.upkeep.pace import Pacer
from yuejie.gateway.publish import Publisher
from yuejie.intake.ingest import Ingest
from yuejie.intake.keep import prune
from yuejie.intake.nodes.beat import Beat, Published
from yuejie.intake.nodes.tails import Tails
from yuejie.kernel.clock import Clock, SystemClock
from yuejie.kernel.errors import DomainError
from yuejie.kernel.ids import uuid7
from yuejie.settings import Settings
from yuejie.supervisor import SUPERVISOR
from yuejie.usage.nodes.home import node_of

log = structlog.get_logger()

_RETRY_SECONDS: Final = 0.5
LAST_SECONDS: Final = 10.0
"""How long an intake that is told to stop goes on reading what dead writers have left."""
_PRUNE_SECONDS: Final = 3600.0
_PR_SET_PDEATHSIG: Final = 1


def run_intake(settings: Settings, clock: Clock, stop: threading.Event) -> None:
    """Ingest, publish and beat until told to stop; a database that is away is waited for.

    Told to stop, what dead writers have left is read to its end, for so long as that may take.
    """
    tails = Tails(settings.home)
    db = wait_for_database(settings, stop, "intake", tails=tails)
    if db is None:
        return
    with db:
        node_id = node_of(settings.home, uuid7(clock.now()))
        ingest = Ingest(db, settings.home, settings.node, clock, tails=tails)
        publisher = Publisher(db, settings.home, clock)
        beat = Beat(
            db,
            settings.home,
            node_id,
            settings.node,
            tails,
            lambda: Published(*publisher.standing),
            SystemClock(),
        )
        threads = [
            threading.Thread(target=_guard, args=(work, stop), name=name)
            for name, work in (
                ("ingest", ingest.run),
                ("publish", publisher.run),
                ("beat", beat.run),
                ("prune", lambda stop: _prune(db, settings, clock, stop)),
            )
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        ingest.finish(LAST_SECONDS)
        beat.attempt(ending=True)


def wait_for_database(
    settings: Settings,
    stop: threading.Event,
    name: str,
    *,
    tails: Tails | None = None,
) -> Database | None:
    """Open the database as soon as it is there; None when told to stop before.

    What the journals hold meanwhile is measured with `tails`.
    """
    pacer = Pacer(name)
    while not stop.is_set():
        if tails is not None:
            tails.measure()
        try:
            return open_database(
                settings,
                size=6,
                name=name,
                statement_seconds=pacer.pace.wall_seconds,
                idle_seconds=pacer.pace.idle_seconds,
                pacing=pacer,
            )
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
            for path in prune(db, settings.home, now=clock.now(), backed_up=_backed_up(settings)):
                log.info("journal.pruned", path=str(path))
        except DomainError as error:
            log.warning("journal.prune_waits", why=error.sentence)


def _backed_up(settings: Settings) -> datetime | None:
    """Return up to when a verified backup holds everything; None where nobody makes any.

    Where backups are wanted and none is there yet, nothing is old enough to be removed.
    """
    if settings.backups.backup is None:
        return None
    bases = Place(settings.backups.backup).bases()
    return bases[-1].began_at if bases else datetime.min.replace(tzinfo=UTC)


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
