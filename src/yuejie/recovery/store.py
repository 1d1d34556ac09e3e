"""The only SQL about restorations, and what a proof has to know of a house."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from yuejie.db.session import Tx

OPERATOR_READS: Final = {
    "months": "a proof covers every customer",
    "events": "a restore counts everybody's",
}


@dataclass(frozen=True, slots=True)
class Restoration:
    """A return from a backup."""

    restored_at: datetime
    reached: datetime | None
    backup: str
    is_alone: bool
    by: str
    reopened_at: datetime | None
    reopened_by: str


SUPERSEDE: Final = """
    UPDATE restoration SET reopened_at = %(at)s, reopened_by = 'superseded'
    WHERE reopened_at IS NULL
"""
NOTE: Final = """
    INSERT INTO restoration (restored_at, reached, backup, is_alone, by)
    VALUES (%(at)s, %(reached)s, %(backup)s, %(is_alone)s, %(by)s)
"""


def note(
    tx: Tx, *, at: datetime, reached: datetime | None, backup: str, is_alone: bool, by: str
) -> None:
    """Write down that the database came back, and shut lending with it."""
    tx.run(SUPERSEDE, at=at)
    tx.run(NOTE, at=at, reached=reached, backup=backup, is_alone=is_alone, by=by)


LATEST: Final = """
    SELECT restored_at, reached, backup, is_alone, by, reopened_at, reopened_by
    FROM restoration ORDER BY restoration_id DESC LIMIT 1
"""


def latest(tx: Tx) -> Restoration | None:
    """Return how the database last came back, if it ever did."""
    return tx.maybe(Restoration, LATEST)


REOPEN: Final = """
    UPDATE restoration SET reopened_at = %(at)s, reopened_by = %(by)s WHERE reopened_at IS NULL
"""


def reopen(tx: Tx, *, at: datetime, by: str) -> bool:
    """Lend again; False when lending is not shut."""
    return tx.run(REOPEN, at=at, by=by) == 1


@dataclass(frozen=True, slots=True)
class Unread:
    """A journal from before the restore that is not read to its end."""

    journal_id: UUID
    node: str
    state: str


UNREAD: Final = """
    SELECT journal_id, node, state FROM journal
    WHERE state = 'live' AND journal_id < uuid_floor(%(at)s)
    ORDER BY journal_id
"""


def unread(tx: Tx, at: datetime) -> list[Unread]:
    """Return the journals begun before an instant that are still read from."""
    return tx.rows(Unread, UNREAD, at=at)


@dataclass(frozen=True, slots=True)
class _Month:
    month: str


MONTHS: Final = """
    SELECT month FROM usage_rollup UNION SELECT month FROM bill ORDER BY month DESC
"""


def months(tx: Tx) -> list[str]:
    """Return the months that have usage or bills, the newest first."""
    return [row.month for row in tx.rows(_Month, MONTHS)]


EVENTS: Final = "SELECT count(*) FROM usage_event"


def events(tx: Tx) -> int:
    """Count events, every version of them."""
    return int(tx.value(EVENTS))
