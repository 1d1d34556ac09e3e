"""The only SQL about statement files and lines, receipts and known payers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final

from yuejie.db.deeds import record_step
from yuejie.db.session import Tx
from yuejie.db.transition import Transition
from yuejie.kernel.ids import CustomerId
from yuejie.payments.receipts.receipt import Receipt, ReceiptState
from yuejie.payments.receipts.score import Candidate
from yuejie.payments.statements.line import SURE, Direction, StatementLine

OPERATOR_READS: Final = {
    "receipt_by_id": "a receipt belongs to nobody until it is apportioned",
    "receipts": "the operator lists receipts",
    "open_receipts": "the clerk judges every receipt",
    "untouched_receipts": "the same",
    "candidates": "the operator decides whose a receipt is",
    "payers_by_number": "finds out whose account it is; there is no customer before it",
    "lines_paying_back": "a line of a statement is the house's; the operator books a refund",
    "receipts_like": "finds the receipt that a claim means",
}
"""Reads that serve the operator or find the customer; all others take `customer_id` first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRow:
    """A statement file as it was imported."""

    file_id: str
    account_id: str
    name: str
    format: str
    sha256: bytes
    lines: int
    repeated: int
    opening_fen: int | None
    closing_fen: int | None
    imported_by: str
    imported_at: datetime


INSERT_FILE: Final = """
    INSERT INTO statement_file (file_id, account_id, name, format, sha256, lines, repeated,
        opening_fen, closing_fen, imported_by, imported_at)
    VALUES (%(file_id)s, %(account_id)s, %(name)s, %(format)s, %(sha256)s, %(lines)s,
        %(repeated)s, %(opening_fen)s, %(closing_fen)s, %(imported_by)s, %(imported_at)s)
"""


def insert_file(tx: Tx, row: FileRow) -> None:
    """Write down that a file was imported."""
    tx.run(
        INSERT_FILE,
        file_id=row.file_id,
        account_id=row.account_id,
        name=row.name,
        format=row.format,
        sha256=row.sha256,
        lines=row.lines,
        repeated=row.repeated,
        opening_fen=row.opening_fen,
        closing_fen=row.closing_fen,
        imported_by=row.imported_by,
        imported_at=row.imported_at,
    )


FILE_BY_HASH: Final = """
    SELECT file_id, account_id, name, format, sha256, lines, repeated, opening_fen, closing_fen,
           imported_by, imported_at
    FROM statement_file
    WHERE account_id = %(account_id)s AND sha256 = %(sha256)s
"""


def file_by_hash(tx: Tx, account_id: str, sha256: bytes) -> FileRow | None:
    """Return the import of the very same file."""
    return tx.maybe(FileRow, FILE_BY_HASH, account_id=account_id, sha256=sha256)


FILES: Final = """
    SELECT file_id, account_id, name, format, sha256, lines, repeated, opening_fen, closing_fen,
           imported_by, imported_at
    FROM statement_file
    WHERE account_id = %(account_id)s
    ORDER BY imported_at DESC
    LIMIT %(limit)s
"""


def files(tx: Tx, account_id: str, *, limit: int = 100) -> list[FileRow]:
    """Return the files imported for an account, the newest first."""
    return tx.rows(FileRow, FILES, account_id=account_id, limit=limit)


@dataclass(frozen=True, slots=True)
class KeptLine:
    """A line as it is kept."""

    line_id: str
    row_number: int
    booked_on: date
    booked_time: str
    direction: str
    amount_fen: int
    balance_fen: int | None
    serial: str
    identity: str
    payer_name: str
    payer_number: str
    payer_bank: str
    into_number: str
    memo: str

    def noun(self) -> StatementLine:
        """Return the line as it was read."""
        return StatementLine(
            row=self.row_number,
            booked_on=self.booked_on,
            booked_time=self.booked_time,
            direction=Direction(self.direction),
            amount_fen=self.amount_fen,
            balance_fen=self.balance_fen,
            serial=self.serial,
            sure=self.identity.startswith(SURE),
            payer_name=self.payer_name,
            payer_number=self.payer_number,
            payer_bank=self.payer_bank,
            into=self.into_number,
            memo=self.memo,
        )


LINES_BY_IDENTITY: Final = """
    SELECT line_id, row_number, booked_on, booked_time, direction, amount_fen, balance_fen,
           serial, identity, payer_name, payer_number, payer_bank, into_number, memo
    FROM statement_line
    WHERE account_id = %(account_id)s AND identity = ANY(%(identities)s)
"""


def lines_by_identity(tx: Tx, account_id: str, identities: Sequence[str]) -> dict[str, KeptLine]:
    """Return which of these lines are there already."""
    rows = tx.rows(KeptLine, LINES_BY_IDENTITY, account_id=account_id, identities=list(identities))
    return {row.identity: row for row in rows}


# What shares a serial was booked with it, so the days' index finds it; the first, by its name.
LINES_BY_SERIAL: Final = """
    SELECT line_id, row_number, booked_on, booked_time, direction, amount_fen, balance_fen,
           serial, identity, payer_name, payer_number, payer_bank, into_number, memo
    FROM statement_line
    WHERE account_id = %(account_id)s
      AND (identity = ANY(%(names)s)
           OR (booked_on = ANY(%(days)s) AND serial = ANY(%(serials)s)
               AND starts_with(identity, %(sure)s)))
    ORDER BY sequence
"""


def lines_by_serial(
    tx: Tx, account_id: str, serials: Sequence[str], days: Sequence[date]
) -> list[KeptLine]:
    """Return the lines that some serials of the bank name, and those of these days beside them."""
    return tx.rows(
        KeptLine,
        LINES_BY_SERIAL,
        account_id=account_id,
        names=[f"{SURE}{serial}" for serial in serials],
        serials=list(serials),
        days=list(days),
        sure=SURE,
    )


@dataclass(frozen=True, slots=True)
class Elsewhere(KeptLine):
    """A line that is there, and the file that it came from."""

    file_name: str
    format: str


OTHERS_OF_DAYS: Final = """
    SELECT l.line_id, l.row_number, l.booked_on, l.booked_time, l.direction, l.amount_fen,
           l.balance_fen, l.serial, l.identity, l.payer_name, l.payer_number, l.payer_bank,
           l.into_number, l.memo, f.name AS file_name, f.format
    FROM statement_line l
    JOIN statement_file f USING (file_id)
    WHERE l.account_id = %(account_id)s AND l.booked_on = ANY(%(days)s)
      AND l.identity <> ALL(%(identities)s)
    ORDER BY l.sequence
"""


def others_of_days(
    tx: Tx, account_id: str, days: Sequence[date], identities: Sequence[str]
) -> list[Elsewhere]:
    """Return the lines of some days that have none of these names, with their files."""
    return tx.rows(
        Elsewhere,
        OTHERS_OF_DAYS,
        account_id=account_id,
        days=list(days),
        identities=list(identities),
    )


LINES_CALLED: Final = """
    SELECT line_id, row_number, booked_on, booked_time, direction, amount_fen, balance_fen,
           serial, identity, payer_name, payer_number, payer_bank, into_number, memo
    FROM statement_line
    WHERE account_id = %(account_id)s AND (line_id = %(name)s OR serial = %(name)s)
      AND %(name)s <> ''
    ORDER BY booked_on, sequence
"""


def lines_called(tx: Tx, account_id: str, name: str) -> list[KeptLine]:
    """Return the lines of an account by an id, or by the bank's serial, which several may share."""
    return tx.rows(KeptLine, LINES_CALLED, account_id=account_id, name=name)


LINES: Final = """
    SELECT line_id, row_number, booked_on, booked_time, direction, amount_fen, balance_fen,
           serial, identity, payer_name, payer_number, payer_bank, into_number, memo
    FROM statement_line
    WHERE account_id = %(account_id)s AND booked_on >= %(since)s AND booked_on < %(until)s
    ORDER BY booked_on, sequence
    LIMIT %(limit)s
"""


def lines(
    tx: Tx, account_id: str, since: date, until: date, *, limit: int = 1000
) -> list[KeptLine]:
    """Return what the bank booked in a span of days."""
    return tx.rows(KeptLine, LINES, account_id=account_id, since=since, until=until, limit=limit)


LINES_PAYING_BACK: Final = """
    SELECT l.line_id, l.row_number, l.booked_on, l.booked_time, l.direction, l.amount_fen,
           l.balance_fen, l.serial, l.identity, l.payer_name, l.payer_number, l.payer_bank,
           l.into_number, l.memo
    FROM statement_line l
    JOIN receipt r USING (account_id)
    WHERE r.receipt_id = %(receipt_id)s AND l.booked_on >= r.received_on
      AND l.direction = 'out' AND l.amount_fen = %(amount_fen)s
      AND (r.payer_number = '' OR l.payer_number IN ('', r.payer_number))
      AND NOT EXISTS (SELECT FROM refund f WHERE f.line_id = l.line_id)
    ORDER BY l.booked_on DESC, l.sequence DESC
    LIMIT %(limit)s
"""


def lines_paying_back(
    tx: Tx, receipt_id: str, *, amount_fen: int, limit: int = 20
) -> list[KeptLine]:
    """Return the lines that may have paid so much of a receipt back, the newest first.

    They left its account since it came in, to its payer as far as the bank says, and no refund was
    booked by them.
    """
    asked = {"receipt_id": receipt_id, "amount_fen": amount_fen, "limit": limit}
    return tx.rows(KeptLine, LINES_PAYING_BACK, **asked)


@dataclass(frozen=True, slots=True)
class _Balance:
    fen: int | None


LAST_CLOSING: Final = """
    SELECT f.closing_fen AS fen
    FROM statement_file f
    WHERE f.account_id = %(account_id)s AND f.closing_fen IS NOT NULL
      AND EXISTS (SELECT FROM statement_line l
                  WHERE l.file_id = f.file_id AND l.booked_on <= %(before)s)
    ORDER BY (SELECT max(sequence) FROM statement_line l WHERE l.file_id = f.file_id) DESC
    LIMIT 1
"""


def last_closing(tx: Tx, account_id: str, before: date) -> int | None:
    """Return the balance at the end of what was imported up to a day, in fen."""
    row = tx.maybe(_Balance, LAST_CLOSING, account_id=account_id, before=before)
    return row.fen if row else None


COPY_LINES: Final = """
    COPY statement_line (line_id, file_id, account_id, row_number, booked_on, booked_time,
        direction, amount_fen, balance_fen, serial, identity, payer_name, payer_number,
        payer_bank, into_number, memo) FROM STDIN
"""


def copy_lines(
    tx: Tx, file_id: str, account_id: str, rows: Iterable[tuple[str, str, StatementLine]]
) -> int:
    """Write lines (id, identity, line) of a file."""
    return tx.copy(
        COPY_LINES,
        (
            (
                line_id,
                file_id,
                account_id,
                line.row,
                line.booked_on,
                line.booked_time,
                str(line.direction),
                line.amount_fen,
                line.balance_fen,
                line.serial,
                identity,
                line.payer_name,
                line.payer_number,
                line.payer_bank,
                line.into,
                line.memo,
            )
            for line_id, identity, line in rows
        ),
    )


INSERT_RECEIPT: Final = """
    INSERT INTO receipt (receipt_id, line_id, account_id, currency, amount_fen, received_on,
        payer_name, payer_number, payer_bank, into_number, memo, customer_id, state, created_at)
    VALUES (%(receipt_id)s, %(line_id)s, %(account_id)s, %(currency)s, %(amount_fen)s,
        %(received_on)s, %(payer_name)s, %(payer_number)s, %(payer_bank)s, %(into_number)s,
        %(memo)s, %(customer_id)s, %(state)s, %(created_at)s)
"""


def insert_receipt(tx: Tx, receipt: Receipt) -> None:
    """Write a receipt down."""
    tx.run(
        INSERT_RECEIPT,
        receipt_id=receipt.receipt_id,
        line_id=receipt.line_id,
        account_id=receipt.account_id,
        currency=receipt.currency,
        amount_fen=receipt.amount_fen,
        received_on=receipt.received_on,
        payer_name=receipt.payer_name,
        payer_number=receipt.payer_number,
        payer_bank=receipt.payer_bank,
        into_number=receipt.into_number,
        memo=receipt.memo,
        customer_id=receipt.customer_id,
        state=str(receipt.state),
        created_at=receipt.created_at,
    )


def _typed(receipt: Receipt) -> Receipt:
    return replace(receipt, state=ReceiptState(receipt.state))


RECEIPT_BY_ID: Final = """
    SELECT receipt_id, line_id, account_id, currency, amount_fen, received_on, payer_name,
           payer_number, payer_bank, into_number, memo, customer_id, state, created_at
    FROM receipt
    WHERE receipt_id = %(receipt_id)s
"""
RECEIPT_HELD: Final = """
    SELECT receipt_id, line_id, account_id, currency, amount_fen, received_on, payer_name,
           payer_number, payer_bank, into_number, memo, customer_id, state, created_at
    FROM receipt
    WHERE receipt_id = %(receipt_id)s
    FOR UPDATE
"""


def receipt_by_id(tx: Tx, receipt_id: str, *, hold: bool = False) -> Receipt | None:
    """Return a receipt; `hold` keeps its row until the transaction ends."""
    sql = RECEIPT_HELD if hold else RECEIPT_BY_ID
    found = tx.maybe(Receipt, sql, receipt_id=receipt_id)
    return _typed(found) if found else None


RECEIPTS: Final = """
    SELECT receipt_id, line_id, account_id, currency, amount_fen, received_on, payer_name,
           payer_number, payer_bank, into_number, memo, customer_id, state, created_at
    FROM receipt
    WHERE (%(state)s::text IS NULL OR state = %(state)s) AND receipt_id > %(after)s
    ORDER BY receipt_id
    LIMIT %(limit)s
"""


def receipts(
    tx: Tx, *, state: ReceiptState | None = None, after: str = "", limit: int = 100
) -> list[Receipt]:
    """Return receipts of a state (or all), the oldest first, from behind `after` on."""
    named = str(state) if state else None
    found = tx.rows(Receipt, RECEIPTS, state=named, after=after, limit=limit)
    return [_typed(each) for each in found]


OPEN_RECEIPTS: Final = """
    SELECT receipt_id, line_id, account_id, currency, amount_fen, received_on, payer_name,
           payer_number, payer_bank, into_number, memo, customer_id, state, created_at
    FROM receipt
    WHERE state IN ('received', 'proposed', 'suspended', 'held') AND receipt_id > %(after)s
    ORDER BY receipt_id
    LIMIT %(limit)s
"""


def open_receipts(tx: Tx, *, after: str = "", limit: int = 1000) -> list[Receipt]:
    """Return the receipts of which something has no place yet, the oldest first."""
    return [_typed(each) for each in tx.rows(Receipt, OPEN_RECEIPTS, after=after, limit=limit)]


UNTOUCHED_RECEIPTS: Final = """
    SELECT receipt_id, line_id, account_id, currency, amount_fen, received_on, payer_name,
           payer_number, payer_bank, into_number, memo, customer_id, state, created_at
    FROM receipt
    WHERE state IN ('received', 'proposed', 'suspended', 'held') AND customer_id IS NULL
      AND NOT EXISTS (SELECT FROM apportionment a WHERE a.receipt_id = receipt.receipt_id)
    ORDER BY receipt_id
    LIMIT %(limit)s
"""


def untouched_receipts(tx: Tx, *, limit: int) -> list[Receipt]:
    """Return the receipts of which nothing was ever placed, the oldest first."""
    return [_typed(each) for each in tx.rows(Receipt, UNTOUCHED_RECEIPTS, limit=limit)]


OF_CUSTOMER: Final = """
    SELECT receipt_id, line_id, account_id, currency, amount_fen, received_on, payer_name,
           payer_number, payer_bank, into_number, memo, customer_id, state, created_at
    FROM receipt
    WHERE customer_id = %(customer_id)s
    ORDER BY received_on DESC, receipt_id DESC
    LIMIT %(limit)s
"""


def receipts_of(tx: Tx, customer_id: CustomerId, *, limit: int = 1000) -> list[Receipt]:
    """Return a customer's receipts, the newest first."""
    found = tx.rows(Receipt, OF_CUSTOMER, customer_id=customer_id, limit=limit)
    return [_typed(each) for each in found]


RECEIPTS_LIKE: Final = """
    SELECT receipt_id, line_id, account_id, currency, amount_fen, received_on, payer_name,
           payer_number, payer_bank, into_number, memo, customer_id, state, created_at
    FROM receipt
    WHERE state IN ('received', 'proposed', 'suspended', 'held') AND customer_id IS NULL
      AND amount_fen = %(amount_fen)s
      AND received_on BETWEEN %(paid_on)s - 3 AND %(paid_on)s + 10
    ORDER BY received_on, receipt_id
    LIMIT 20
"""


def receipts_like(tx: Tx, *, amount_fen: int, paid_on: date) -> list[Receipt]:
    """Return unplaced receipts of an amount that came in about a day."""
    found = tx.rows(Receipt, RECEIPTS_LIKE, amount_fen=amount_fen, paid_on=paid_on)
    return [_typed(each) for each in found]


MOVE: Final = """
    UPDATE receipt SET state = %(became)s, customer_id = %(customer_id)s
    WHERE receipt_id = %(receipt_id)s AND state = %(was)s
"""
NOTE: Final = """
    INSERT INTO receipt_transition (receipt_id, at, event, was, became, by, why)
    VALUES (%(receipt_id)s, %(at)s, %(event)s, %(was)s, %(became)s, %(by)s, %(why)s)
"""


def move(
    tx: Tx, receipt: Receipt, *, was: ReceiptState, event: str, by: str, at: datetime, why: str
) -> bool:
    """Turn a receipt into what it has become, with its transition; False if it was not so."""
    done = tx.run(
        MOVE,
        receipt_id=receipt.receipt_id,
        was=str(was),
        became=str(receipt.state),
        customer_id=receipt.customer_id,
    )
    step = Transition(at, event, was, receipt.state, by, why)
    tx.run(NOTE, receipt_id=receipt.receipt_id, **step.row())
    record_step(tx, step, "receipt", receipt.receipt_id)
    return done == 1


TRANSITIONS: Final = """
    SELECT at, event, was, became, by, why
    FROM receipt_transition
    WHERE receipt_id = %(receipt_id)s
    ORDER BY at
"""


def transitions(tx: Tx, receipt_id: str) -> list[Transition]:
    """Return a receipt's life so far."""
    return tx.rows(Transition, TRANSITIONS, receipt_id=receipt_id)


CLEAR_CANDIDATES: Final = "DELETE FROM receipt_candidate WHERE receipt_id = %(receipt_id)s"
INSERT_CANDIDATE: Final = """
    INSERT INTO receipt_candidate (receipt_id, rank, customer_id, score, reasons, judged_at)
    VALUES (%(receipt_id)s, %(rank)s, %(customer_id)s, %(score)s, %(reasons)s, %(judged_at)s)
"""


def keep_candidates(
    tx: Tx, receipt_id: str, found: Sequence[Candidate], *, judged_at: datetime
) -> None:
    """Write down who a receipt may be from, in place of what was judged before."""
    tx.run(CLEAR_CANDIDATES, receipt_id=receipt_id)
    for rank, candidate in enumerate(found, 1):
        tx.run(
            INSERT_CANDIDATE,
            receipt_id=receipt_id,
            rank=rank,
            customer_id=candidate.customer_id,
            score=candidate.score,
            reasons=list(candidate.reasons),
            judged_at=judged_at,
        )


@dataclass(frozen=True, slots=True)
class CandidateRow:
    """Who a receipt may be from, as last judged."""

    rank: int
    customer_id: CustomerId
    slug: str
    legal_name: str
    score: int
    reasons: list[str]
    judged_at: datetime


CANDIDATES: Final = """
    SELECT r.rank, r.customer_id, c.slug, c.legal_name, r.score, r.reasons, r.judged_at
    FROM receipt_candidate r
    JOIN customer c USING (customer_id)
    WHERE r.receipt_id = %(receipt_id)s
    ORDER BY r.rank
"""


def candidates(tx: Tx, receipt_id: str) -> list[CandidateRow]:
    """Return who a receipt may be from, the best first."""
    return tx.rows(CandidateRow, CANDIDATES, receipt_id=receipt_id)


@dataclass(frozen=True, slots=True)
class PayerRow:
    """An account that has paid for a customer before."""

    customer_id: CustomerId
    payer_number: str
    payer_name: str
    receipt_id: str
    learnt_at: datetime


LEARN: Final = """
    INSERT INTO known_payer (customer_id, payer_number, payer_name, receipt_id, learnt_at)
    VALUES (%(customer_id)s, %(payer_number)s, %(payer_name)s, %(receipt_id)s, %(learnt_at)s)
    ON CONFLICT (customer_id, payer_number) DO NOTHING
"""


def learn(tx: Tx, receipt: Receipt, customer_id: CustomerId, *, at: datetime) -> None:
    """Remember that an account has paid for a customer; what is known stays as it is."""
    tx.run(
        LEARN,
        customer_id=customer_id,
        payer_number=receipt.payer_number,
        payer_name=receipt.payer_name,
        receipt_id=receipt.receipt_id,
        learnt_at=at,
    )


# What was taken back, or returned by the bank, has confirmed nobody.
_PAYERS: Final = """
    SELECT k.customer_id, k.payer_number, k.payer_name, k.receipt_id, k.learnt_at
    FROM known_payer k
    WHERE EXISTS (SELECT FROM receipt r
                  WHERE r.customer_id = k.customer_id AND r.payer_number = k.payer_number
                    AND r.state <> 'returned')
"""
PAYERS_BY_NUMBER: Final = _PAYERS + "AND k.payer_number = %(number)s"


def payers_by_number(tx: Tx, number: str) -> list[PayerRow]:
    """Return for whom an account has paid before."""
    return tx.rows(PayerRow, PAYERS_BY_NUMBER, number=number)


KNOWN_PAYERS: Final = _PAYERS + "AND k.customer_id = %(customer_id)s ORDER BY k.learnt_at"


def known_payers(tx: Tx, customer_id: CustomerId) -> list[PayerRow]:
    """Return the accounts that have paid for a customer; what was taken back has confirmed none."""
    return tx.rows(PayerRow, KNOWN_PAYERS, customer_id=customer_id)
