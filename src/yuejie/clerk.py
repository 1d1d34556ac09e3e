"""The clerk: what the calendar asks for, done by one clerk at a time.

In part 1 the clerk keeps event partitions ahead of time; reminders, dunning and watches join it
with the money side. Each round is one transaction under an advisory lock, so of several clerks one
does the work and the others find it done.
"""

import threading
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from yuejie.assurance.providers.watch import tell_warnings
from yuejie.db.session import Database
from yuejie.kernel.clock import Clock
from yuejie.kernel.errors import DomainError
from yuejie.kernel.period import BillingMonth, zone_of
from yuejie.usage.store import ensure_partitions

log = structlog.get_logger()

ROUND_SECONDS: Final = 60.0
WATCH: Final = timedelta(hours=1)
"""How often provider accounts are looked at: it sums a month of rollups."""
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


def run(db: Database, clock: Clock, stop: threading.Event) -> None:
    """Make a round a minute until told to stop; a database that is away is waited for."""
    watched = datetime.min.replace(tzinfo=UTC)
    while not stop.is_set():
        try:
            now = clock.now()
            make_round(db, now)
            if now - watched >= WATCH:
                tell_warnings(db, now)
                watched = now
            log.debug("clerk.round")
        except DomainError as error:
            log.warning("clerk.waits", why=error.sentence)
        stop.wait(ROUND_SECONDS)
