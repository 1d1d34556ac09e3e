"""The only SQL of the hand-over: which entries finance has, in which batch; what is accrued."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from yuejie.db.session import Tx
from yuejie.ledger.posting import Account
from yuejie.ledger.statement import Written
from yuejie.ledger.store import ENTRY_COLUMNS, EntryRow, written


@dataclass(frozen=True, slots=True)
class BatchRow:
    """What was carried over at once: up to the end of which month, for which system."""

    batch_id: str
    month: str
    system: str
    codes: str
    entries: int
    vouchers: int
    debit_fen: int
    at: datetime
    by: str


OPEN_ENTRIES: Final = (
    "SELECT "  # noqa: S608 (literals only)
    + ENTRY_COLUMNS
    + """
    FROM ledger_entry e
    LEFT JOIN ledger_posting p USING (entry_id)
    WHERE e.at < %(until)s
      AND NOT EXISTS (SELECT FROM finance_batch_entry b WHERE b.entry_id = e.entry_id)
    GROUP BY e.entry_id
    ORDER BY e.entry_id
"""
)


def open_entries(tx: Tx, until: datetime) -> list[Written]:
    """Return the entries that count before a moment and that finance has not got yet."""
    return [written(row) for row in tx.rows(EntryRow, OPEN_ENTRIES, until=until)]


BATCH_ENTRIES: Final = (
    "SELECT "  # noqa: S608 (literals only)
    + ENTRY_COLUMNS
    + """
    FROM finance_batch_entry b
    JOIN ledger_entry e USING (entry_id)
    LEFT JOIN ledger_posting p USING (entry_id)
    WHERE b.batch_id = %(batch_id)s
    GROUP BY e.entry_id
    ORDER BY e.entry_id
"""
)


def batch_entries(tx: Tx, batch_id: str) -> list[Written]:
    """Return the entries of a batch."""
    return [written(row) for row in tx.rows(EntryRow, BATCH_ENTRIES, batch_id=batch_id)]


INSERT_BATCH: Final = """
    INSERT INTO finance_batch (batch_id, month, system, codes, entries, vouchers, debit_fen, at, by)
    VALUES (%(batch_id)s, %(month)s, %(system)s, %(codes)s, %(entries)s, %(vouchers)s,
            %(debit_fen)s, %(at)s, %(by)s)
"""
INSERT_BATCH_ENTRIES: Final = """
    INSERT INTO finance_batch_entry (entry_id, batch_id)
    SELECT unnest(%(entry_ids)s::bigint[]), %(batch_id)s
"""


def insert_batch(tx: Tx, batch: BatchRow, entry_ids: list[int]) -> None:
    """Write a batch down; an entry that is in one already is refused by its key."""
    tx.run(INSERT_BATCH, **{name: getattr(batch, name) for name in BatchRow.__slots__})
    tx.run(INSERT_BATCH_ENTRIES, entry_ids=entry_ids, batch_id=batch.batch_id)


BATCHES: Final = """
    SELECT batch_id, month, system, codes, entries, vouchers, debit_fen, at, by
    FROM finance_batch
    WHERE (%(batch_id)s::text IS NULL OR batch_id = %(batch_id)s)
    ORDER BY at, batch_id
"""


def batches(tx: Tx) -> list[BatchRow]:
    """Return every batch, the oldest first."""
    return tx.rows(BatchRow, BATCHES, batch_id=None)


def batch(tx: Tx, batch_id: str) -> BatchRow | None:
    """Return a batch by its id."""
    return tx.maybe(BatchRow, BATCHES, batch_id=batch_id)


BATCHES_OF: Final = """
    SELECT batch_id, month, system, codes, entries, vouchers, debit_fen, at, by
    FROM finance_batch f
    WHERE EXISTS (SELECT FROM finance_batch_entry b JOIN ledger_entry e USING (entry_id)
                  WHERE b.batch_id = f.batch_id AND e.at >= %(since)s AND e.at < %(until)s)
    ORDER BY at, batch_id
"""


def batches_of(tx: Tx, since: datetime, until: datetime) -> list[BatchRow]:
    """Return the batches in which entries of a span went over, the oldest first."""
    return tx.rows(BatchRow, BATCHES_OF, since=since, until=until)


@dataclass(frozen=True, slots=True)
class _CarriedIn:
    key: str
    batch_id: str


CARRIED_IN: Final = """
    SELECT e.key, b.batch_id
    FROM ledger_entry e
    JOIN finance_batch_entry b USING (entry_id)
    WHERE e.key = ANY(%(keys)s)
    ORDER BY e.key
"""


def carried_in(tx: Tx, keys: list[str]) -> list[tuple[str, str]]:
    """Return in which batch each of some entries went over; of those that did."""
    return [(row.key, row.batch_id) for row in tx.rows(_CarriedIn, CARRIED_IN, keys=keys)]


@dataclass(frozen=True, slots=True)
class AccruedRow:
    """What has been accrued for a party in a month, in how many entries."""

    party: str
    currency: str
    fen: int
    entries: int


ACCRUED: Final = """
    SELECT p.party, p.currency, sum(p.fen)::bigint AS fen, count(*) AS entries
    FROM ledger_entry e
    JOIN ledger_posting p USING (entry_id)
    WHERE e.kind = 'accrual' AND e.refers_to = %(refers_to)s AND p.account = %(account)s
    GROUP BY p.party, p.currency
"""


def accrued(tx: Tx, refers_to: str) -> list[AccruedRow]:
    """Return what is accrued for a month, by party."""
    return tx.rows(AccruedRow, ACCRUED, refers_to=refers_to, account=Account.UNBILLED)
