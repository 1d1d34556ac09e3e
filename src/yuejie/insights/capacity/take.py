"""Take completed hours into the projection of busiest minutes, from the events, once.

An hour is taken five minutes after its end and once more a day later, when journals of nodes that
were away have come; each hour is one statement, whose answer is a row per lane, and one
transaction takes at most a day of them. What comes later than that is seen by a rebuild.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from yuejie.db.session import Database, Tx
from yuejie.insights.capacity import store
from yuejie.insights.capacity.store import Cursor
from yuejie.kernel.errors import Invalid
from yuejie.usage.meters import UNIT_METERS

HOURS: Final = 24
"""Hours of one transaction; who is far behind catches up over several rounds."""
HISTORY: Final = timedelta(days=62)
"""So far back a house begins that never took an hour."""
KEPT: Final = timedelta(days=400)
AFTER: Final = timedelta(minutes=5)
SETTLED: Final = timedelta(hours=26)
_HOUR: Final = timedelta(hours=1)
_IDS_BEFORE: Final = timedelta(minutes=30)
_IDS_AFTER: Final = timedelta(minutes=1)
"""How far an attempt's id may lie from its beginning: it is named first, and waits at most so."""
_LOCK: Final = "capacity"


@dataclass(frozen=True, slots=True)
class Taken:
    """What was done: hours taken for the first time, and for good."""

    hours: int
    settled: int


def take_hours(db: Database, now: datetime) -> Taken:
    """Take what is complete, a day of hours at most of each kind."""
    with db.begin() as tx:
        tx.lock_exclusive(_LOCK)
        was = store.cursor(tx) or _begin(tx, now)
        upto = min(_floor(now - AFTER), was.hours_through + HOURS * _HOUR)
        upto = max(upto, was.hours_through)
        settle = min(_floor(now - SETTLED), upto, was.settled_through + HOURS * _HOUR)
        settle = max(settle, was.settled_through)
        first = _each(tx, was.hours_through, upto)
        # What is taken first as late as this is settled at once.
        again = _each(tx, was.settled_through, min(settle, was.hours_through))
        store.move_cursor(tx, Cursor(upto, settle))
        store.forget_hours(tx, now - KEPT)
        return Taken(first, again)


def rebuild_hours(db: Database, since: datetime, now: datetime, *, check: bool) -> list[datetime]:
    """Compute hours again from `since`, and return those that differ; `check` changes nothing."""
    start, different = _floor(since), []
    with db.read() as tx:
        known = store.cursor(tx)
    if known is None:
        raise Invalid("还没有取得过任何小时；请先执行 yuejie capacity take")
    if now - start > KEPT:
        raise Invalid(f"只保存 {KEPT.days} 天的高峰，请写更近的日期")
    hour = start
    while hour < known.hours_through:
        if _differs(db, hour, check=check):
            different.append(hour)
        hour += _HOUR
    return different


def _differs(db: Database, hour: datetime, *, check: bool) -> bool:
    with db.begin() as tx:
        tx.lock_exclusive(_LOCK)
        rows = _peaks(tx, hour)
        same = rows == store.stored_hour(tx, hour)
        if not same and not check:
            store.put_hour(tx, hour, rows)
        return not same


def _begin(tx: Tx, now: datetime) -> Cursor:
    first = store.first_event(tx, now - HISTORY)
    start = _floor(max(first, now - HISTORY) if first else now - AFTER)
    return Cursor(start, start)


def _each(tx: Tx, since: datetime, until: datetime) -> int:
    count, hour = 0, since
    while hour < until:
        store.put_hour(tx, hour, _peaks(tx, hour))
        count, hour = count + 1, hour + _HOUR
    return count


def _peaks(tx: Tx, hour: datetime) -> list[store.HourRow]:
    end = hour + _HOUR
    ids = (hour - _IDS_BEFORE, end + _IDS_AFTER)
    return store.peaks_of_hour(tx, hour, end, ids=ids, pieces=sorted(UNIT_METERS))


def _floor(instant: datetime) -> datetime:
    return instant.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
