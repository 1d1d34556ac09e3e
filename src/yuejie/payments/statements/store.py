"""The only SQL about statement files and the lines that were kept of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from yuejie.db.session import Tx
from yuejie.payments.statements.line import SURE, Direction, StatementLine

OPERATOR_READS: Final = {
    "lines_paying_back": "a line of a statement is the house's; the operator books a refund",
}
"""Reads that serve the operator; a statement is nobody's before it is a receipt."""


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
