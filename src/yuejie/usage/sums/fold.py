"""Fold completed hours into the sums of days and months, and what came late to them.

First it is said, while nobody adds usage, up to which hour what is added is to be noted; then, in
a transaction of its own, the hours up to there are folded. Whoever dies in between leaves a few
hours for which notes are taken although they are read from the rollups: the next round folds them.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

from yuejie.db.session import Database
from yuejie.kernel.period import BillingMonth
from yuejie.usage.store import lock_epoch
from yuejie.usage.sums import store

AFTER_HOUR: Final = timedelta(minutes=2)
"""By then most calls of an hour have ended and arrived; the others come late and are noted."""
STEP: Final = timedelta(hours=24)
"""Most hours of one transaction."""
CELLS: Final = 500_000
"""About so many rollup rows of one transaction, so that it takes a minute of the largest house: of
a wide house that is behind a few hours at a time, and of everybody at least one."""
METERS: Final = 4
"""Meters of a call, of which the width of an hour is guessed."""
LATE: Final = 100_000
"""Late differences of one transaction."""
_HOUR_S: Final = 3600
_HOUR: Final = timedelta(seconds=_HOUR_S)


def fold_due(db: Database, now: datetime) -> int:
    """Fold the next hours that are complete, else what came late; 0 when there is neither.

    Doing it twice does nothing more. A clerk asks every second, for which one read is the price.
    """
    target = _whole_hour(now - AFTER_HOUR)
    with db.read() as tx:
        known, late = store.summed(tx), store.late_waits(tx)
    if known.through < max(known.late_before, target):
        return int(fold_step(db, target))
    return _fold_late(db) if late else 0


def fold_usage(db: Database, now: datetime) -> datetime:
    """Fold everything that is due, step by step, and return how far the sums now go."""
    while fold_due(db, now):
        pass
    with db.read() as tx:
        return store.summed(tx).through


def fold_step(db: Database, target: datetime) -> bool:
    """Fold the next hours up to a target, a day at most, and say whether there were any."""
    announce(db, target)
    return _fold(db)


def announce(db: Database, target: datetime) -> None:
    """Let what is added before the next step's end be noted, from now on, by everybody."""
    with db.begin() as tx:
        tx.lock_exclusive(store.SUMS_LOCK)
        known = store.summed(tx)
        if known.through < known.late_before or known.through >= target:
            return
        # Whoever added usage without a note has committed once the epoch's lock is ours.
        lock_epoch(tx)
        months = store.next_months(tx, known.through)
        start = max(known.through, _before(months)) if months else target - STEP
        width = store.dimensions_between(tx, start, start + STEP) * METERS
        hours = min(STEP, max(CELLS // max(width, 1), 1) * _HOUR)
        store.announce(tx, min(target, start + hours))


def _fold(db: Database) -> bool:
    with db.begin() as tx:
        tx.lock_exclusive(store.SUMS_LOCK)
        known = store.summed(tx)
        if known.through == known.late_before:
            return False
        store.give_room(tx)
        store.fold_hours(tx)
        store.forget_hours(tx)
        return True


def _fold_late(db: Database) -> int:
    with db.begin() as tx:
        tx.lock_exclusive(store.SUMS_LOCK)
        store.give_room(tx)
        return store.fold_late(tx, limit=LATE)


def _before(months: list[str]) -> datetime:
    """Return an instant before the first month's first hour in any zone: nothing is skipped."""
    first = BillingMonth.parse(months[0]).first_day
    return datetime(first.year, first.month, first.day, tzinfo=UTC) - timedelta(days=1)


def _whole_hour(instant: datetime) -> datetime:
    second = int(instant.timestamp())
    return datetime.fromtimestamp(second - second % _HOUR_S, UTC)
