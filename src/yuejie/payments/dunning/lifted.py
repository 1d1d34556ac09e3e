"""Temporary limits, and how their customers stand: what moves a limit reviews in the same breath.

Who may owe more is let in again at once, and who may owe less is held to it: when a limit is
approved, taken back, begins or ends.
"""

from datetime import datetime, timedelta
from typing import Final

import structlog

from yuejie.contracts.life.limits import approve_in, end_in
from yuejie.contracts.life.store import CustomersLimit, limits_turned
from yuejie.db.session import Database
from yuejie.kernel.errors import DomainError
from yuejie.payments.dunning.standing import review_standing

log = structlog.get_logger()

CLERK: Final = "clerk"
_BEHIND: Final = timedelta(minutes=5)
"""A clerk that starts looks back so far; the watch of each minute finds what is older."""


def approve_limit(db: Database, limit_id: str, *, by: str, now: datetime) -> CustomersLimit:
    """Let a temporary limit hold, and its customer go on where that was stopped for its credit."""
    with db.begin() as tx:
        done = approve_in(tx, limit_id, by=by, now=now)
        review_standing(tx, done.customer_id, by=by, now=now)
        return done


def end_limit(db: Database, limit_id: str, *, why: str, by: str, now: datetime) -> CustomersLimit:
    """Take an approved limit back before its end, and hold its customer to what is left."""
    with db.begin() as tx:
        done = end_in(tx, limit_id, why=why, by=by, now=now)
        review_standing(tx, done.customer_id, by=by, now=now)
        return done


class Turns:
    """Reviews customers whose limits have just begun or ended; asked every second."""

    def __init__(self) -> None:
        self._since: datetime | None = None

    def follow(self, db: Database, now: datetime) -> int:
        """Review whoever's limit began or ended since the last time; return how many.

        One that fails is logged and left to the watch of each minute; the others go on.
        """
        since = self._since or now - _BEHIND
        with db.read() as tx:
            turned = limits_turned(tx, since, now)
        for customer_id in turned:
            try:
                with db.begin() as tx:
                    review_standing(tx, customer_id, by=CLERK, now=now)
            except DomainError as error:
                log.warning("payments.limit_failed", customer=customer_id, why=error.sentence)
        self._since = now
        return len(turned)
