"""The only SQL of the rehearsal: what the database holds when all is over."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from yuejie.db.session import Tx


@dataclass(frozen=True, slots=True)
class _Event:
    event_id: UUID


EVENTS: Final = "SELECT DISTINCT event_id FROM usage_event"


def events(tx: Tx) -> Iterator[bytes]:
    """Yield every call that is stored."""
    for row in tx.stream(_Event, EVENTS, batch=50_000):
        yield row.event_id.bytes


DOUBLED: Final = """
    SELECT count(*) FROM (
        SELECT operation_id
        FROM (SELECT DISTINCT ON (event_id) event_id, operation_id, billable
              FROM usage_event ORDER BY event_id, version DESC) AS newest
        WHERE billable
        GROUP BY operation_id HAVING count(*) > 1
    ) AS twice
"""
ROLLED: Final = """
    SELECT coalesce(sum(quantity), 0)::bigint FROM usage_rollup WHERE meter = 'requests'
"""
COUNTED: Final = """
    SELECT count(*) FROM (
        SELECT DISTINCT ON (event_id) event_id, items
        FROM usage_event ORDER BY event_id, version DESC) AS newest
    WHERE EXISTS (
        SELECT FROM json_array_elements(items) AS item WHERE item ->> 1 = 'requests')
"""
MONTHS: Final = "SELECT DISTINCT month::text AS month FROM usage_rollup ORDER BY 1"
UNREAD: Final = "SELECT count(*) FROM journal WHERE state = 'live'"
FALL_SILENT: Final = """
    UPDATE node SET beat_at = beat_at - INTERVAL '1 minute' WHERE node_id = %(node_id)s
"""
WINDOW: Final = "SELECT spent::text, leased::text FROM allowance_window WHERE number = %(number)s"


@dataclass(frozen=True, slots=True)
class Window:
    """What of a cap is spent, and what is lent."""

    spent: str
    leased: str


def doubled(tx: Tx) -> int:
    """Return how many operations are billed more than once."""
    return int(tx.value(DOUBLED))


def rolled_up(tx: Tx) -> int:
    """Return how many calls the rollups count."""
    return int(tx.value(ROLLED))


def counted(tx: Tx) -> int:
    """Return how many calls the events say should be counted."""
    return int(tx.value(COUNTED))


@dataclass(frozen=True, slots=True)
class _Month:
    month: str


def months(tx: Tx) -> list[str]:
    """Return the months that have usage."""
    return [row.month for row in tx.rows(_Month, MONTHS)]


def unread(tx: Tx) -> int:
    """Return how many journals are not read to their end."""
    return int(tx.value(UNREAD))


def fall_silent(tx: Tx, node_id: UUID) -> None:
    """Let a dead node look as if it had been silent for long: who is in a hurry waits not."""
    tx.run(FALL_SILENT, node_id=node_id)


def window(tx: Tx, number: int) -> Window:
    """Return the one window of an allowance."""
    return tx.row(Window, WINDOW, number=number)
