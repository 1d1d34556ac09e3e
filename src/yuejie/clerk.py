"""The clerk: what the calendar asks for, done by one clerk at a time, and the post.

Each round is one transaction under an advisory lock, so of several clerks one does the work and
the others find it done. Messages are delivered on a thread of their own: a robot that does not
answer delays no round.
"""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import structlog

from yuejie.db.session import Database
from yuejie.kernel.clock import Clock
from yuejie.kernel.errors import DomainError
from yuejie.kernel.period import BillingMonth, zone_of
from yuejie.notices.channels.parcel import Courier
from yuejie.notices.deliver import deliver_due
from yuejie.notices.deprecations import announce_deprecations
from yuejie.usage.store import ensure_partitions

log = structlog.get_logger()

ROUND_SECONDS: Final = 60.0
POST_SECONDS: Final = 1.0
"""How long the post rests when nothing is due."""
FOREWARN_ROUNDS: Final = 60
"""Who uses an ending model is a sum over thirty days: asked once an hour."""
_BEHIND: Final = timedelta(days=31)
_MONTHS: Final = 5
"""Last month, this one and three ahead: a clerk may be away for a quarter."""


def make_round(db: Database, now: datetime) -> None:
    """Do what is due now; doing it twice does nothing more."""
    month = BillingMonth.of(now - _BEHIND, zone_of("UTC"))
    days = []
    for _ in range(_MONTHS):
        days.append(month.first_day)
        month = month.next
    with db.begin() as tx:
        tx.lock_exclusive("clerk")
        ensure_partitions(tx, days)


def run(db: Database, clock: Clock, stop: threading.Event, post: Courier) -> None:
    """Make a round a minute until told to stop; a database that is away is waited for."""
    carrier = threading.Thread(target=_carry, args=(db, clock, stop, post), name="post")
    carrier.start()
    rounds = 0
    try:
        while not stop.is_set():
            _waited_for(lambda: make_round(db, clock.now()))
            if rounds % FOREWARN_ROUNDS == 0:
                _waited_for(lambda: announce_deprecations(db, clock.now()))
            rounds += 1
            log.debug("clerk.round")
            stop.wait(ROUND_SECONDS)
    finally:
        stop.set()
        carrier.join()


def _carry(db: Database, clock: Clock, stop: threading.Event, post: Courier) -> None:
    """Deliver whatever is due; this thread's death ends the process, which is started afresh."""
    try:
        while not stop.is_set():
            if not _waited_for(lambda: deliver_due(db, post, clock.now())):
                stop.wait(POST_SECONDS)
    finally:
        stop.set()


def _waited_for(work: Callable[[], int | None]) -> int:
    """Do a piece of work; what a database that is away keeps us from is done next time."""
    try:
        return work() or 0
    except DomainError as error:
        log.warning("clerk.waits", why=error.sentence)
        return 0
