"""The only SQL about journals and the identity of outside events."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from yuejie.db.session import Tx
from yuejie.usage.journal import START, Position
from yuejie.usage.rows import jsonb

OPERATOR_READS: Final = {
    "known_externals": "a source names its own ids; whose they are is compared by the verb",
}


@dataclass(frozen=True, slots=True)
class JournalRow:
    """How far a journal is in the database."""

    journal_id: UUID
    node: str
    state: str
    segment: int
    position: int
    open_segment: int
    open_position: int
    note: str
    seen_at: datetime

    @property
    def offset(self) -> Position:
        """Everything before this place is stored."""
        return Position(self.segment, self.position)

    @property
    def open_offset(self) -> Position:
        """The oldest begun call without its end lies behind this place."""
        return Position(self.open_segment, self.open_position)


ADD_JOURNAL: Final = """
    INSERT INTO journal (journal_id, node, state, segment, position, open_segment, open_position,
                         seen_at)
    VALUES (%(journal_id)s, %(node)s, 'live', %(segment)s, %(position)s, %(segment)s,
            %(position)s, %(now)s)
    ON CONFLICT DO NOTHING
"""
JOURNAL: Final = """
    SELECT journal_id, node, state, segment, position, open_segment, open_position, note, seen_at
    FROM journal WHERE journal_id = %(journal_id)s
"""


def journal(tx: Tx, journal_id: UUID, *, node: str, now: datetime) -> JournalRow:
    """Return a journal's row, made now if it is the first time we see it."""
    tx.run(
        ADD_JOURNAL,
        journal_id=journal_id,
        node=node,
        segment=START.segment,
        position=START.offset,
        now=now,
    )
    return tx.row(JournalRow, JOURNAL, journal_id=journal_id)


JOURNALS: Final = """
    SELECT journal_id, node, state, segment, position, open_segment, open_position, note, seen_at
    FROM journal ORDER BY journal_id
"""


def journals(tx: Tx) -> list[JournalRow]:
    """Return every journal, the oldest first."""
    return tx.rows(JournalRow, JOURNALS)


TIMELINE: Final = "SELECT left(pg_walfile_name(pg_current_wal_insert_lsn()), 8)"


def timeline(tx: Tx) -> str:
    """Return which life of the database this is: another after each promotion and each restore."""
    return str(tx.value(TIMELINE))


HOLD_JOURNAL: Final = """
    SELECT journal_id, node, state, segment, position, open_segment, open_position, note, seen_at
    FROM journal WHERE journal_id = %(journal_id)s
    FOR UPDATE
"""


def hold_journal(tx: Tx, journal_id: UUID) -> JournalRow:
    """Return a journal's row and keep others from moving it."""
    return tx.row(JournalRow, HOLD_JOURNAL, journal_id=journal_id)


MOVE_JOURNAL: Final = """
    UPDATE journal
    SET state = %(state)s, segment = %(segment)s, position = %(position)s,
        open_segment = %(open_segment)s, open_position = %(open_position)s, note = %(note)s,
        seen_at = greatest(seen_at, %(seen_at)s::timestamptz)
    WHERE journal_id = %(journal_id)s
"""


@dataclass(frozen=True, slots=True)
class Move:
    """Where a journal gets to."""

    journal_id: UUID
    state: str
    at: Position
    open_at: Position
    seen_at: datetime | None = None
    """When all that was there had been read; None leaves it."""
    note: str = ""


def move_journal(tx: Tx, move: Move) -> None:
    """Move on a journal that this transaction holds."""
    tx.run(
        MOVE_JOURNAL,
        journal_id=move.journal_id,
        state=move.state,
        segment=move.at.segment,
        position=move.at.offset,
        open_segment=move.open_at.segment,
        open_position=move.open_at.offset,
        note=move.note,
        seen_at=move.seen_at,
    )


PARK_JOURNAL: Final = """
    UPDATE journal SET state = 'parked', note = %(note)s, seen_at = %(now)s
    WHERE journal_id = %(journal_id)s AND state = 'live'
"""


def park_journal(tx: Tx, journal_id: UUID, *, note: str, now: datetime) -> bool:
    """Give up waiting for a journal that can no longer be read; False when it is not live."""
    return tx.run(PARK_JOURNAL, journal_id=journal_id, note=note, now=now) == 1


@dataclass(frozen=True, slots=True)
class ExternalRow:
    """An outside event that is stored already."""

    external_id: str
    customer_id: str
    body_hash: bytes
    event_id: UUID


KNOWN_EXTERNALS: Final = """
    SELECT external_id, customer_id, body_hash, event_id
    FROM external_event
    WHERE source = %(source)s
      AND external_id IN (SELECT jsonb_array_elements_text(%(external_ids)s::jsonb))
"""


def known_externals(tx: Tx, source: str, ids: Sequence[str]) -> dict[str, ExternalRow]:
    """Return which of a source's ids are stored."""
    rows = tx.rows(
        ExternalRow, KNOWN_EXTERNALS, source=source, external_ids=jsonb(list(ids)).decode()
    )
    return {row.external_id: row for row in rows}


ADD_EXTERNALS: Final = """
    INSERT INTO external_event (source, external_id, customer_id, body_hash, event_id)
    SELECT %(source)s, row ->> 0, row ->> 1, decode(row ->> 2, 'hex'), (row ->> 3)::uuid
    FROM jsonb_array_elements(%(rows)s::jsonb) AS row
    ON CONFLICT DO NOTHING
"""


def add_externals(tx: Tx, source: str, rows: Iterable[ExternalRow]) -> int:
    """Write ids down for ever and return how many; fewer than given means another was first."""
    written = sorted(
        (row.external_id, row.customer_id, row.body_hash.hex(), row.event_id.hex) for row in rows
    )
    return tx.run(ADD_EXTERNALS, source=source, rows=jsonb(written).decode())
