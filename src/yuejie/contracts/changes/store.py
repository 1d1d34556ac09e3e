"""The only SQL about changes of prices that wait for a second person."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from yuejie.contracts.changes.change import ChangeState, PriceChange
from yuejie.contracts.formats.pricelist import PriceList, Remark
from yuejie.db.session import Tx

OPERATOR_READS: Final = {
    "change_by_id": "the operator decides about one it names",
    "open_changes": "each desk works off what waits for it",
    "count_open": "the same",
    "price_changes": "the operator looks through those of a book, which is nobody's",
    "are_unpriced": "a list is everybody's, and so are the calls that it would price",
}
"""Prices are the operator's: no customer reads what may become of them."""


@dataclass(frozen=True, slots=True)
class _Row:
    change_id: str
    book_id: str
    starts_at: datetime | None
    source: str
    lists: str
    stands: str
    remarks: str
    body_hash: bytes
    why: str
    asked_by: str
    asked_at: datetime
    state: str
    decided_by: str | None
    decided_at: datetime | None
    decided_why: str
    revision: int | None


def _change(row: _Row) -> PriceChange:
    return PriceChange(
        change_id=row.change_id,
        book_id=row.book_id,
        starts_at=row.starts_at,
        source=row.source,
        lists=msgspec.json.decode(row.lists, type=tuple[PriceList, ...]),
        stands=msgspec.json.decode(row.stands, type=dict[str, int]),
        remarks=msgspec.json.decode(row.remarks, type=tuple[Remark, ...]),
        body_hash=row.body_hash,
        why=row.why,
        asked_by=row.asked_by,
        asked_at=row.asked_at,
        state=ChangeState(row.state),
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        decided_why=row.decided_why,
        revision=row.revision,
    )


CHANGE_BY_ID: Final = """
    SELECT change_id, book_id, starts_at, source, lists::text AS lists, stands::text AS stands,
           remarks::text AS remarks, body_hash, why, asked_by, asked_at, state, decided_by,
           decided_at, decided_why, revision
    FROM price_change
    WHERE change_id = %(change_id)s
"""


def change_by_id(tx: Tx, change_id: str) -> PriceChange | None:
    """Return a change by its id."""
    row = tx.maybe(_Row, CHANGE_BY_ID, change_id=change_id)
    return _change(row) if row else None


OPEN_CHANGES: Final = """
    SELECT change_id, book_id, starts_at, source, lists::text AS lists, stands::text AS stands,
           remarks::text AS remarks, body_hash, why, asked_by, asked_at, state, decided_by,
           decided_at, decided_why, revision
    FROM price_change
    WHERE state = 'asked'
    ORDER BY change_id
"""


def open_changes(tx: Tx) -> list[PriceChange]:
    """Return every change that waits for a second person, the oldest first."""
    return [_change(row) for row in tx.rows(_Row, OPEN_CHANGES)]


COUNT_OPEN: Final = "SELECT count(*) FROM price_change WHERE state = 'asked'"


def count_open(tx: Tx) -> int:
    """Return how many changes wait for a second person."""
    return int(tx.value(COUNT_OPEN))


PRICE_CHANGES: Final = """
    SELECT change_id, book_id, starts_at, source, lists::text AS lists, stands::text AS stands,
           remarks::text AS remarks, body_hash, why, asked_by, asked_at, state, decided_by,
           decided_at, decided_why, revision
    FROM price_change
    WHERE (%(book_id)s::text IS NULL OR book_id = %(book_id)s)
      AND (%(state)s::text IS NULL OR state = %(state)s)
      AND (%(before)s::text IS NULL OR change_id < %(before)s)
    ORDER BY change_id DESC
    LIMIT %(limit)s
"""


def price_changes(
    tx: Tx,
    *,
    book_id: str | None = None,
    state: ChangeState | None = None,
    before: str | None = None,
    limit: int,
) -> list[PriceChange]:
    """Return changes, of a book or in a state where that is asked for, the newest first."""
    rows = tx.rows(
        _Row,
        PRICE_CHANGES,
        book_id=book_id,
        state=str(state) if state else None,
        before=before,
        limit=limit,
    )
    return [_change(row) for row in rows]


ARE_UNPRICED: Final = """
    SELECT EXISTS (
        SELECT FROM usage_event e
        WHERE e.state = 'unpriced' AND e.started_at >= %(since)s
          AND (e.model = ANY(%(models)s)
               OR EXISTS (SELECT FROM json_array_elements(e.items) i
                          WHERE i ->> 0 = ANY(%(models)s)))
          AND NOT EXISTS (SELECT FROM usage_event later
                          WHERE later.event_id = e.event_id AND later.version > e.version))
"""


def are_unpriced(tx: Tx, models: Sequence[str], *, since: datetime) -> bool:
    """Tell whether calls from an instant on wait for a price of some models."""
    return bool(tx.value(ARE_UNPRICED, models=list(models), since=since))


INSERT_CHANGE: Final = """
    INSERT INTO price_change (change_id, book_id, starts_at, source, lists, stands, remarks,
                              body_hash, why, asked_by, asked_at)
    VALUES (%(change_id)s, %(book_id)s, %(starts_at)s, %(source)s, %(lists)s::jsonb,
            %(stands)s::jsonb, %(remarks)s::jsonb, %(body_hash)s, %(why)s, %(asked_by)s,
            %(asked_at)s)
"""


def insert_change(tx: Tx, change: PriceChange) -> None:
    """Write down what somebody asks for."""
    tx.run(
        INSERT_CHANGE,
        change_id=change.change_id,
        book_id=change.book_id,
        starts_at=change.starts_at,
        source=change.source,
        lists=msgspec.json.encode(change.lists).decode(),
        stands=msgspec.json.encode(change.stands).decode(),
        remarks=msgspec.json.encode(change.remarks).decode(),
        body_hash=change.body_hash,
        why=change.why,
        asked_by=change.asked_by,
        asked_at=change.asked_at,
    )


DECIDE_CHANGE: Final = """
    UPDATE price_change
    SET state = %(state)s, decided_by = %(decided_by)s, decided_at = %(decided_at)s,
        decided_why = %(decided_why)s, revision = %(revision)s
    WHERE change_id = %(change_id)s AND state = 'asked'
"""


def decide_change(tx: Tx, became: PriceChange) -> bool:
    """Write what was decided; False if another was first."""
    decided = tx.run(
        DECIDE_CHANGE,
        change_id=became.change_id,
        state=str(became.state),
        decided_by=became.decided_by,
        decided_at=became.decided_at,
        decided_why=became.decided_why,
        revision=became.revision,
    )
    return decided == 1
