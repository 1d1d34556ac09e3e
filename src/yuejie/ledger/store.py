"""The only SQL about entries, postings and balances."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from yuejie.db.session import Tx
from yuejie.ledger.posting import Account, Entry, Posting
from yuejie.ledger.statement import Movement, Statement, TrialLine, Written

INSERT_ENTRY: Final = """
    INSERT INTO ledger_entry (key, kind, at, by, refers_to, memo, body_hash)
    VALUES (%(key)s, %(kind)s, %(at)s, %(by)s, %(refers_to)s, %(memo)s, %(body_hash)s)
    ON CONFLICT (key) DO NOTHING
    RETURNING entry_id
"""


@dataclass(frozen=True, slots=True)
class _EntryId:
    entry_id: int


def insert_entry(tx: Tx, entry: Entry) -> int | None:
    """Write an entry's head and return its id; None if its key is taken."""
    row = tx.maybe(
        _EntryId,
        INSERT_ENTRY,
        key=entry.key,
        kind=entry.kind,
        at=entry.at,
        by=entry.by,
        refers_to=entry.refers_to,
        memo=entry.memo,
        body_hash=entry.body_hash,
    )
    return row.entry_id if row else None


INSERT_POSTINGS: Final = """
    INSERT INTO ledger_posting (entry_id, position, account, party, currency, fen)
    SELECT %(entry_id)s, position, account, party, currency, fen
    FROM unnest(%(accounts)s::text[], %(parties)s::text[], %(currencies)s::text[],
                %(fens)s::bigint[]) WITH ORDINALITY AS p(account, party, currency, fen, position)
"""


def insert_postings(tx: Tx, entry_id: int, postings: Sequence[Posting]) -> None:
    """Write the postings of an entry, in their order."""
    tx.run(INSERT_POSTINGS, entry_id=entry_id, **_columns(postings))


MOVE_BALANCES: Final = """
    INSERT INTO ledger_balance AS kept (account, party, currency, fen)
    SELECT account, party, currency, fen
    FROM unnest(%(accounts)s::text[], %(parties)s::text[], %(currencies)s::text[],
                %(fens)s::bigint[]) WITH ORDINALITY AS p(account, party, currency, fen, position)
    ORDER BY position
    ON CONFLICT (account, party, currency) DO UPDATE SET fen = kept.fen + EXCLUDED.fen
"""


def move_balances(tx: Tx, moves: Sequence[Posting]) -> None:
    """Add to balances in the order given, which must be everybody's order."""
    if moves:
        tx.run(MOVE_BALANCES, **_columns(moves))


def _columns(postings: Sequence[Posting]) -> dict[str, list[str] | list[int]]:
    return {
        "accounts": [p.account.value for p in postings],
        "parties": [p.party for p in postings],
        "currencies": [p.currency for p in postings],
        "fens": [p.fen for p in postings],
    }


BODY_HASH_OF: Final = "SELECT body_hash FROM ledger_entry WHERE key = %(key)s"


def body_hash_of(tx: Tx, key: str) -> bytes:
    """Return the hash of the entry that has a key."""
    return bytes(tx.value(BODY_HASH_OF, key=key))


@dataclass(frozen=True, slots=True)
class _Body:
    key: str
    body_hash: bytes


BODIES: Final = "SELECT key, body_hash FROM ledger_entry WHERE key = ANY(%(keys)s)"


def bodies(tx: Tx, keys: Sequence[str]) -> dict[str, bytes]:
    """Return the hashes of the entries that have these keys, as far as there are such."""
    return {row.key: bytes(row.body_hash) for row in tx.rows(_Body, BODIES, keys=list(keys))}


@dataclass(frozen=True, slots=True)
class EntryRow:
    """An entry with its postings as columns."""

    entry_id: int
    key: str
    kind: str
    at: datetime
    by: str
    refers_to: str
    memo: str
    body_hash: bytes
    accounts: list[str]
    parties: list[str]
    currencies: list[str]
    fens: list[int]


ENTRY_COLUMNS: Final = """
           e.entry_id, e.key, e.kind, e.at, e.by, e.refers_to, e.memo, e.body_hash,
           array_remove(array_agg(p.account ORDER BY p.position), NULL) AS accounts,
           array_remove(array_agg(p.party ORDER BY p.position), NULL) AS parties,
           array_remove(array_agg(p.currency ORDER BY p.position), NULL) AS currencies,
           array_remove(array_agg(p.fen ORDER BY p.position), NULL) AS fens
"""

ENTRY_OF: Final = (
    "SELECT "  # noqa: S608 (literals only)
    + ENTRY_COLUMNS
    + """
    FROM ledger_entry e
    LEFT JOIN ledger_posting p USING (entry_id)
    WHERE e.key = %(key)s
    GROUP BY e.entry_id
"""
)


def entry_of(tx: Tx, key: str) -> Entry | None:
    """Return the entry that has a key, whole."""
    row = tx.maybe(EntryRow, ENTRY_OF, key=key)
    return written(row).entry if row else None


ENTRIES_BETWEEN: Final = (
    "SELECT "  # noqa: S608 (literals only)
    + ENTRY_COLUMNS
    + """
    FROM ledger_entry e
    LEFT JOIN ledger_posting p USING (entry_id)
    WHERE e.at >= %(since)s AND e.at < %(until)s AND e.entry_id > %(after)s
    GROUP BY e.entry_id
    ORDER BY e.entry_id
    LIMIT %(limit)s
"""
)


def entries_between(
    tx: Tx, since: datetime, until: datetime, *, after: int = 0, limit: int | None = None
) -> list[Written]:
    """Return the entries that count in a span, in the order they were written."""
    rows = tx.rows(EntryRow, ENTRIES_BETWEEN, since=since, until=until, after=after, limit=limit)
    return [written(row) for row in rows]


EVERY_ENTRY: Final = (
    "SELECT "  # noqa: S608 (literals only)
    + ENTRY_COLUMNS
    + """
    FROM ledger_entry e
    LEFT JOIN ledger_posting p USING (entry_id)
    GROUP BY e.entry_id
    ORDER BY e.entry_id
"""
)


def changed_bodies(tx: Tx) -> Iterator[str]:
    """Yield the keys of entries whose postings no longer hash to what was written."""
    for row in tx.stream(EntryRow, EVERY_ENTRY):
        postings = _postings(row)
        # Not through Entry: an entry that does not balance is a finding, not a crash.
        total = {p.currency: 0 for p in postings}
        for posting in postings:
            total[posting.currency] += posting.fen
        if any(total.values()) or written(row).entry.body_hash != row.body_hash:
            yield row.key


def _postings(row: EntryRow) -> tuple[Posting, ...]:
    columns = zip(row.accounts, row.fens, row.currencies, row.parties, strict=True)
    return tuple(Posting(Account(a), fen, currency, party) for a, fen, currency, party in columns)


def written(row: EntryRow) -> Written:
    """Return a row as an entry; one that does not balance is a bug."""
    entry = Entry(
        key=row.key,
        kind=row.kind,
        at=row.at,
        by=row.by,
        postings=_postings(row),
        refers_to=row.refers_to,
        memo=row.memo,
    )
    return Written(row.entry_id, entry, row.body_hash)


@dataclass(frozen=True, slots=True)
class _Fen:
    fen: int


BALANCE: Final = """
    SELECT fen FROM ledger_balance
    WHERE account = %(account)s AND party = %(party)s AND currency = %(currency)s
"""


def balance(tx: Tx, account: Account, *, party: str, currency: str) -> int:
    """Return what stands on an account for a party, in fen; debit above zero."""
    row = tx.maybe(_Fen, BALANCE, account=account, party=party, currency=currency)
    return row.fen if row else 0


@dataclass(frozen=True, slots=True)
class Balance:
    """What stands on an account for a party."""

    account: str
    party: str
    currency: str
    fen: int


HOLD_BALANCE: Final = """
    SELECT FROM ledger_balance
    WHERE account = %(account)s AND party = %(party)s AND currency = %(currency)s
    FOR UPDATE
"""


def hold_balance(tx: Tx, account: Account, *, party: str, currency: str) -> None:
    """Lock a balance until the transaction ends; one that was never moved is nobody's."""
    tx.run(HOLD_BALANCE, account=account, party=party, currency=currency)


BALANCES_OF: Final = """
    SELECT account, party, currency, fen FROM ledger_balance
    WHERE party = %(party)s
    ORDER BY account, currency
"""


def balances_of(tx: Tx, party: str) -> dict[tuple[Account, str], int]:
    """Return every balance of a party by account and currency, in fen."""
    rows = tx.rows(Balance, BALANCES_OF, party=party)
    return {(Account(row.account), row.currency): row.fen for row in rows}


BALANCES: Final = """
    SELECT account, party, currency, fen FROM ledger_balance
    WHERE (%(party)s::text IS NULL OR party = %(party)s)
      AND (%(account)s::text IS NULL OR account = %(account)s) AND fen <> 0
    ORDER BY account, party, currency
"""


def balances(tx: Tx, *, party: str | None = None, account: Account | None = None) -> list[Balance]:
    """Return what stands where, zeros left out; of one party or on one account if named."""
    return tx.rows(Balance, BALANCES, party=party, account=account)


@dataclass(frozen=True, slots=True)
class _CurrencyFen:
    currency: str
    fen: int


OPENING: Final = """
    SELECT p.currency, sum(p.fen)::bigint AS fen
    FROM ledger_posting p
    JOIN ledger_entry e USING (entry_id)
    WHERE p.party = %(party)s AND p.account = %(account)s AND e.at < %(since)s
    GROUP BY p.currency
    ORDER BY p.currency
"""
MOVEMENTS: Final = """
    SELECT e.entry_id, e.key, e.kind, e.at, e.refers_to, e.memo, p.currency,
           p.fen, 0::bigint AS balance_fen
    FROM ledger_posting p
    JOIN ledger_entry e USING (entry_id)
    WHERE p.party = %(party)s AND p.account = %(account)s
      AND e.at >= %(since)s AND e.at < %(until)s
    ORDER BY e.at, e.entry_id, p.position
"""


def statement(tx: Tx, party: str, account: Account, since: datetime, until: datetime) -> Statement:
    """Return an account of a party between two moments: opening, every movement, running."""
    opening = tx.rows(_CurrencyFen, OPENING, party=party, account=account, since=since)
    moves = tx.rows(Movement, MOVEMENTS, party=party, account=account, since=since, until=until)
    return Statement.of(party, account, {row.currency: row.fen for row in opening}, moves)


def stood(tx: Tx, account: Account, *, party: str, currency: str, before: datetime) -> int:
    """Return what stood on an account of a party just before a moment, in fen; debit above zero."""
    rows = tx.rows(_CurrencyFen, OPENING, party=party, account=account, since=before)
    return next((row.fen for row in rows if row.currency == currency), 0)


TRIAL: Final = """
    SELECT p.account, p.currency,
           coalesce(sum(p.fen) FILTER (WHERE e.at < %(since)s), 0)::bigint AS opening_fen,
           coalesce(sum(p.fen) FILTER (WHERE e.at >= %(since)s AND p.fen > 0), 0)::bigint
               AS debit_fen,
           coalesce(-sum(p.fen) FILTER (WHERE e.at >= %(since)s AND p.fen < 0), 0)::bigint
               AS credit_fen
    FROM ledger_posting p
    JOIN ledger_entry e USING (entry_id)
    WHERE e.at < %(until)s
    GROUP BY p.account, p.currency
    ORDER BY p.account, p.currency
"""


def trial_balance(tx: Tx, since: datetime, until: datetime) -> list[TrialLine]:
    """Return opening, turnover and closing of every account in a span, in the accounts' order."""
    order = {account.value: number for number, account in enumerate(Account)}
    rows = tx.rows(TrialLine, TRIAL, since=since, until=until)
    return sorted(rows, key=lambda row: (row.currency, order[row.account]))


@dataclass(frozen=True, slots=True)
class Unbalanced:
    """An entry that does not sum to zero in a currency."""

    key: str
    currency: str
    fen: int


UNBALANCED: Final = """
    SELECT e.key, p.currency, sum(p.fen)::bigint AS fen
    FROM ledger_posting p
    JOIN ledger_entry e USING (entry_id)
    GROUP BY e.key, p.currency
    HAVING sum(p.fen) <> 0
    ORDER BY e.key
"""


def unbalanced(tx: Tx) -> list[Unbalanced]:
    """Return every entry that does not balance; there should be none."""
    return tx.rows(Unbalanced, UNBALANCED)


@dataclass(frozen=True, slots=True)
class Compared:
    """A balance as kept and as its postings say; None where one side has no row."""

    account: str
    party: str
    currency: str
    kept: int | None
    rebuilt: int | None


COMPARED: Final = """
    SELECT account, party, currency, b.fen AS kept, p.fen::bigint AS rebuilt
    FROM ledger_balance b
    FULL JOIN (
        SELECT account, party, currency, sum(fen) AS fen
        FROM ledger_posting
        GROUP BY account, party, currency
    ) p USING (account, party, currency)
    ORDER BY account, party, currency
"""


def compared(tx: Tx) -> Iterable[Compared]:
    """Stream every balance beside the sum of its postings."""
    return tx.stream(Compared, COMPARED)


LOCK_BALANCES: Final = "LOCK TABLE ledger_balance IN EXCLUSIVE MODE"
FORGET_BALANCES: Final = "DELETE FROM ledger_balance"
SUM_UP: Final = """
    INSERT INTO ledger_balance (account, party, currency, fen)
    SELECT account, party, currency, sum(fen)::bigint
    FROM ledger_posting
    GROUP BY account, party, currency
"""


def lock_balances(tx: Tx) -> None:
    """Wait until nobody moves a balance, and let nobody until the transaction ends."""
    tx.run(LOCK_BALANCES)


def refill_balances(tx: Tx) -> None:
    """Write every balance anew from its postings."""
    tx.run(FORGET_BALANCES)
    tx.run(SUM_UP)
