"""The only SQL about errands, exchanges, files, tokens and the watch."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from typing import Final

from yuejie.db.session import Tx
from yuejie.fapiao.issuing.errand import Errand
from yuejie.kernel.errors import Conflict
from yuejie.kernel.ids import ContractId, CustomerId

OPERATOR_READS: Final = {
    "owner_of": "an errand names its fapiao, and asks whose it is",
    "files_of": "reached through a fapiao, whose reader was checked",
    "file_of": "reached through a fapiao, whose reader was checked",
    "bills_due": "finance works off everybody's fapiao",
}
"""Reads that serve the operator; all others take `customer_id` first."""

# days --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DueBill:
    """A bill of which some was promised on a fapiao by a day, and is on none that was issued."""

    bill_id: str
    customer_id: CustomerId
    number: str
    month: str
    state: str
    contract_id: ContractId
    contract_version: int
    fapiao_by: date
    left_fen: int


BILLS_DUE: Final = """
    SELECT * FROM (
        SELECT b.bill_id, b.customer_id, b.number, b.month, b.state, b.contract_id,
               b.contract_version, b.fapiao_by, (
                   COALESCE((SELECT sum(t.gross_fen) FROM bill_tax_line t
                             WHERE t.bill_id = b.bill_id), 0)
                   - COALESCE((SELECT sum(c.net_fen + c.tax_fen)
                               FROM credit_note n
                               JOIN credit_note_line c USING (credit_note_id)
                               JOIN bill_line l USING (line_id)
                               WHERE n.bill_id = b.bill_id AND n.state = 'approved'
                                 AND l.tax_line IS NOT NULL), 0)
                   - COALESCE((SELECT sum(l.gross_fen)
                               FROM fapiao_line l JOIN fapiao f USING (fapiao_id)
                               WHERE l.customer_id = b.customer_id AND l.bill_id = b.bill_id
                                 AND f.number IS NOT NULL), 0)
                   - COALESCE((SELECT sum(r.gross_fen)
                               FROM fapiao_red h
                               JOIN fapiao_red_line r USING (red_id)
                               JOIN fapiao_line l
                                 ON l.fapiao_id = r.fapiao_id AND l.position = r.blue_position
                               WHERE h.customer_id = b.customer_id AND h.state = 'issued'
                                 AND l.bill_id = b.bill_id), 0))::bigint AS left_fen
        FROM bill b
        WHERE b.currency = 'CNY' AND b.state IN ('issued', 'paid', 'written_off')
          AND b.fapiao_by BETWEEN %(first)s AND %(last)s) AS promised
    WHERE left_fen > 0
    ORDER BY fapiao_by, bill_id
"""


def bills_due(tx: Tx, *, first: date, last: date) -> list[DueBill]:
    """Return the bills whose fapiao is promised between two days, and is not issued for all."""
    return tx.rows(DueBill, BILLS_DUE, first=first, last=last)


# errands -----------------------------------------------------------------------------------------

ADD_ERRAND: Final = """
    INSERT INTO fapiao_errand (what, subject_id, key, provider, state, next_at, made_at)
    VALUES (%(what)s, %(subject_id)s, %(key)s, %(provider)s, %(state)s, %(at)s, %(at)s)
    ON CONFLICT DO NOTHING
"""


def add_errand(
    tx: Tx,
    what: str,
    subject_id: str,
    key: str,
    provider: str,
    *,
    at: datetime,
    state: str = "waiting",
) -> None:
    """Write an errand down; one that is under way already stays the only one.

    One that begins as `sent` calls nothing, and only asks: somebody else did what it is about.
    """
    tx.run(
        ADD_ERRAND,
        what=what,
        subject_id=subject_id,
        key=key,
        provider=provider,
        state=state,
        at=at,
    )


DUE_ERRAND: Final = """
    SELECT errand_id, what, subject_id, key, provider, state, hold, attempts, asked, next_at, why,
           made_at
    FROM fapiao_errand
    WHERE state IN ('waiting', 'sent') AND provider = %(provider)s AND next_at <= %(now)s
    ORDER BY next_at, errand_id
    LIMIT 1
    FOR UPDATE SKIP LOCKED
"""
TAKE_ERRAND: Final = """
    UPDATE fapiao_errand
    SET state = %(state)s, next_at = %(until)s, attempts = attempts + 1, asked = %(asked)s
    WHERE errand_id = %(errand_id)s
"""


def due_errand(tx: Tx, provider: str, now: datetime) -> Errand | None:
    """Return the errand that has been due longest and that nobody holds."""
    return tx.maybe(Errand, DUE_ERRAND, provider=provider, now=now)


def take_errand(tx: Tx, errand: Errand, *, state: str, asked: int, until: datetime) -> None:
    """Note that an errand's call or question leaves now, and until when nobody else may try."""
    tx.run(TAKE_ERRAND, errand_id=errand.errand_id, state=state, asked=asked, until=until)


MOVE_ERRAND: Final = """
    UPDATE fapiao_errand
    SET state = %(state)s, hold = %(hold)s, next_at = %(next_at)s, why = %(why)s
    WHERE errand_id = %(errand_id)s AND state IN ('waiting', 'sent')
"""


def move_errand(
    tx: Tx, errand_id: int, state: str, *, next_at: datetime, hold: str = "", why: str = ""
) -> bool:
    """Note what became of an errand, unless it has ended already."""
    moved = tx.run(
        MOVE_ERRAND, errand_id=errand_id, state=state, next_at=next_at, hold=hold, why=why
    )
    return bool(moved)


HURRY_KEY: Final = """
    UPDATE fapiao_errand SET next_at = %(now)s, asked = GREATEST(asked - 1, 0)
    WHERE key = %(key)s AND state = 'sent' AND next_at > %(now)s
"""


def hurry_key(tx: Tx, key: str, *, now: datetime) -> int:
    """Ask about a key now instead of later; a hint may come twice, early, or for nothing.

    The question that it brings about is not counted: hints, which anybody may send, would use up
    how often is asked before a person has to look.
    """
    return tx.run(HURRY_KEY, key=key, now=now)


PARK_ELSEWHERE: Final = """
    UPDATE fapiao_errand
    SET state = 'parked', hold = '', why = '已不再使用 ' || provider || '，请向它核实后停止或重试'
    WHERE state IN ('waiting', 'sent') AND provider <> %(provider)s AND next_at < %(before)s
"""


def park_elsewhere(tx: Tx, provider: str, *, before: datetime) -> int:
    """Leave to a person what has long been due at another provider than the one that is run."""
    return tx.run(PARK_ELSEWHERE, provider=provider, before=before)


RELEASE_HELD: Final = """
    UPDATE fapiao_errand SET next_at = %(now)s, hold = ''
    WHERE provider = %(provider)s AND state = 'waiting' AND hold = ANY(%(holds)s)
"""


def release_held(tx: Tx, provider: str, holds: Sequence[str], *, now: datetime) -> int:
    """Let errands go on whose obstacle is gone."""
    return tx.run(RELEASE_HELD, provider=provider, holds=list(holds), now=now)


ASK_ABOUT_ALL: Final = """
    UPDATE fapiao_errand SET state = 'sent', next_at = %(now)s, hold = ''
    WHERE state = 'waiting' AND what <> ALL(%(repeatable)s)
"""


def ask_about_all(tx: Tx, repeatable: Sequence[str], *, now: datetime) -> int:
    """Take every call that was still to leave for one that may have left; return of how many."""
    return tx.run(ASK_ABOUT_ALL, repeatable=list(repeatable), now=now)


END_ERRAND: Final = """
    UPDATE fapiao_errand SET state = 'done', hold = '', why = %(why)s
    WHERE errand_id = %(errand_id)s AND state = ANY(%(states)s)
"""


def end_errand(tx: Tx, errand_id: int, states: Sequence[str], *, why: str) -> bool:
    """End an errand that is in one of those states, and say whether it was."""
    return bool(tx.run(END_ERRAND, errand_id=errand_id, states=list(states), why=why))


RETRY_PARKED: Final = """
    UPDATE fapiao_errand SET state = 'sent', next_at = %(now)s, attempts = 0, asked = 0, why = ''
    WHERE errand_id = %(errand_id)s AND state = 'parked'
"""


def retry_parked(tx: Tx, errand_id: int, *, now: datetime) -> bool:
    """Ask once more about a parked errand; nothing is ever called anew without asking first."""
    return bool(tx.run(RETRY_PARKED, errand_id=errand_id, now=now))


ERRAND_BY_ID: Final = """
    SELECT errand_id, what, subject_id, key, provider, state, hold, attempts, asked, next_at, why,
           made_at
    FROM fapiao_errand
    WHERE errand_id = %(errand_id)s
"""


def errand_by_id(tx: Tx, errand_id: int) -> Errand | None:
    """Return an errand by its number."""
    return tx.maybe(Errand, ERRAND_BY_ID, errand_id=errand_id)


ERRANDS_OF: Final = """
    SELECT errand_id, what, subject_id, key, provider, state, hold, attempts, asked, next_at, why,
           made_at
    FROM fapiao_errand
    WHERE subject_id = %(subject_id)s
    ORDER BY errand_id
"""


def errands_of(tx: Tx, subject_id: str) -> list[Errand]:
    """Return every errand of a fapiao or red fapiao."""
    return tx.rows(Errand, ERRANDS_OF, subject_id=subject_id)


OPEN_ERRANDS: Final = """
    SELECT errand_id, what, subject_id, key, provider, state, hold, attempts, asked, next_at, why,
           made_at
    FROM fapiao_errand
    WHERE state <> 'done'
    ORDER BY errand_id
"""


def open_errands(tx: Tx) -> list[Errand]:
    """Return every errand that has not been done."""
    return tx.rows(Errand, OPEN_ERRANDS)


# exchanges ---------------------------------------------------------------------------------------

INSERT_EXCHANGE: Final = """
    INSERT INTO fapiao_exchange (errand_id, at, call, request, request_hash, response,
                                 response_hash, outcome)
    VALUES (%(errand_id)s, %(at)s, %(call)s, %(request)s, %(request_hash)s, %(response)s,
            %(response_hash)s, %(outcome)s)
"""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One call and what came back, byte for byte; secrets are in headers, which are not kept."""

    call: str
    request: bytes
    response: bytes
    outcome: str


def insert_exchange(tx: Tx, errand_id: int, exchange: Exchange, *, at: datetime) -> None:
    """Keep an exchange with the hashes of both sides."""
    tx.run(
        INSERT_EXCHANGE,
        errand_id=errand_id,
        at=at,
        call=exchange.call,
        request=exchange.request,
        request_hash=sha256(exchange.request).digest(),
        response=exchange.response,
        response_hash=sha256(exchange.response).digest(),
        outcome=exchange.outcome,
    )


# files -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FileNote:
    """A file of the archive without its bytes."""

    subject_id: str
    format: str
    sha256: bytes
    source: str
    kept_at: datetime
    by: str


INSERT_FILE: Final = """
    INSERT INTO fapiao_file (subject_id, customer_id, format, body, sha256, source, kept_at, by)
    VALUES (%(subject_id)s, %(customer_id)s, %(format)s, %(body)s, %(sha256)s, %(source)s, %(at)s,
            %(by)s)
    ON CONFLICT (subject_id, format) DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file as it came, and where from."""

    format: str
    body: bytes
    source: str


def insert_file(
    tx: Tx, customer_id: CustomerId, subject_id: str, file: NewFile, *, by: str, at: datetime
) -> bool:
    """Keep a file for ever, and say whether it is the first of its format."""
    kept = tx.run(
        INSERT_FILE,
        subject_id=subject_id,
        customer_id=customer_id,
        format=file.format,
        body=file.body,
        sha256=sha256(file.body).digest(),
        source=file.source,
        by=by,
        at=at,
    )
    return bool(kept)


OWNER_OF: Final = """
    SELECT customer_id FROM fapiao WHERE fapiao_id = %(subject_id)s
    UNION ALL
    SELECT customer_id FROM fapiao_red WHERE red_id = %(subject_id)s
"""


def owner_of(tx: Tx, subject_id: str) -> CustomerId:
    """Return whose fapiao or red fapiao it is."""
    return CustomerId(tx.value(OWNER_OF, subject_id=subject_id))


FILES_OF: Final = """
    SELECT subject_id, format, sha256, source, kept_at, by
    FROM fapiao_file WHERE subject_id = %(subject_id)s ORDER BY format
"""


def files_of(tx: Tx, subject_id: str) -> list[FileNote]:
    """Return what the archive holds of a fapiao."""
    return tx.rows(FileNote, FILES_OF, subject_id=subject_id)


@dataclass(frozen=True, slots=True)
class _Body:
    body: bytes
    sha256: bytes


FILE_OF: Final = """
    SELECT body, sha256 FROM fapiao_file
    WHERE subject_id = %(subject_id)s AND format = %(format)s
"""


def file_of(tx: Tx, subject_id: str, form: str) -> bytes | None:
    """Return a file of the archive. Raises Conflict for one that does not fit its hash."""
    found = tx.maybe(_Body, FILE_OF, subject_id=subject_id, format=form)
    if found is None:
        return None
    if sha256(found.body).digest() != found.sha256:
        raise Conflict(f"发票 {subject_id} 的 {form} 归档文件与哈希不符，请从备份恢复后重试")
    return found.body


@dataclass(frozen=True, slots=True)
class Damaged:
    """A file of the archive that is not what was archived."""

    number: str
    format: str


DAMAGED: Final = """
    SELECT COALESCE(b.number, r.number, f.subject_id) AS number, f.format
    FROM fapiao_file f
    LEFT JOIN fapiao b ON b.fapiao_id = f.subject_id
    LEFT JOIN fapiao_red r ON r.red_id = f.subject_id
    WHERE f.customer_id = %(customer_id)s AND sha256(f.body) <> f.sha256
    ORDER BY 1, 2
"""


def damaged(tx: Tx, customer_id: CustomerId) -> list[Damaged]:
    """Return the files of a customer's archive that do not fit their hashes: none."""
    return tx.rows(Damaged, DAMAGED, customer_id=customer_id)


# tokens and the watch ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TokenRow:
    """A provider's token as it is kept: encrypted."""

    fetched_at: datetime
    expires_at: datetime
    sealed: bytes


FRESHEST: Final = """
    SELECT fetched_at, expires_at, sealed FROM fapiao_token
    WHERE provider = %(provider)s ORDER BY fetched_at DESC LIMIT 1
"""
TOKENS_SINCE: Final = """
    SELECT count(*) FROM fapiao_token WHERE provider = %(provider)s AND fetched_at > %(since)s
"""
KEEP_FETCHED: Final = """
    INSERT INTO fapiao_token (provider, fetched_at, expires_at, sealed)
    VALUES (%(provider)s, %(fetched_at)s, %(expires_at)s, %(sealed)s)
"""


def newest_token(tx: Tx, provider: str) -> TokenRow | None:
    """Return the token that was fetched last."""
    return tx.maybe(TokenRow, FRESHEST, provider=provider)


def tokens_since(tx: Tx, provider: str, since: datetime) -> int:
    """Return how many tokens were fetched after an instant."""
    return int(tx.value(TOKENS_SINCE, provider=provider, since=since))


def insert_token(tx: Tx, provider: str, row: TokenRow) -> None:
    """Keep a token that was fetched."""
    tx.run(
        KEEP_FETCHED,
        provider=provider,
        fetched_at=row.fetched_at,
        expires_at=row.expires_at,
        sealed=row.sealed,
    )


@dataclass(frozen=True, slots=True)
class Watch:
    """What was last heard of the drawer and of the issuing limit; amounts net, in fen."""

    provider: str
    at: datetime
    login: str
    identity: str
    total_fen: int | None
    used_fen: int | None
    available_fen: int | None


NEWEST_WATCH: Final = """
    SELECT provider, at, login, identity, total_fen, used_fen, available_fen
    FROM fapiao_watch WHERE provider = %(provider)s ORDER BY at DESC LIMIT 1
"""
WATCHES_SINCE: Final = """
    SELECT count(*) FROM fapiao_watch WHERE provider = %(provider)s AND at > %(since)s
"""
INSERT_WATCH: Final = """
    INSERT INTO fapiao_watch (provider, at, login, identity, total_fen, used_fen, available_fen)
    VALUES (%(provider)s, %(at)s, %(login)s, %(identity)s, %(total_fen)s, %(used_fen)s,
            %(available_fen)s)
"""


def newest_watch(tx: Tx, provider: str) -> Watch | None:
    """Return what was last heard."""
    return tx.maybe(Watch, NEWEST_WATCH, provider=provider)


def watches_since(tx: Tx, provider: str, since: datetime) -> int:
    """Return how often was asked after an instant."""
    return int(tx.value(WATCHES_SINCE, provider=provider, since=since))


def insert_watch(tx: Tx, watch: Watch) -> None:
    """Keep what was heard."""
    tx.run(
        INSERT_WATCH,
        provider=watch.provider,
        at=watch.at,
        login=watch.login,
        identity=watch.identity,
        total_fen=watch.total_fen,
        used_fen=watch.used_fen,
        available_fen=watch.available_fen,
    )
