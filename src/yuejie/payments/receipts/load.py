"""Import a bank statement: each line once, each line that came in a receipt, all or nothing."""

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Database, Tx
from yuejie.kernel.ids import mint
from yuejie.kernel.money import FEN, plain
from yuejie.ledger.post import post_all
from yuejie.ledger.posting import Account, Entry, credit, debit
from yuejie.payments.banks.account import BankAccount
from yuejie.payments.banks.keep import find_account
from yuejie.payments.receipts import store
from yuejie.payments.receipts.receipt import Receipt, ReceiptState
from yuejie.payments.statements import store as statement_store
from yuejie.payments.statements.known import recognise
from yuejie.payments.statements.line import (
    Direction,
    Problem,
    Statement,
    StatementLine,
    StatementRefused,
    differences,
    identities,
    in_order,
    may_be_same,
    span,
)
from yuejie.payments.statements.read import read_statement

MESSAGES: Final = frozenset({"camt.053", "mt940"})
"""Formats whose references are not the serial numbers that a bank's website prints."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What an import came to. `repeated` lines were there already, or stood twice in the file.

    `gap` says in a sentence that the balances of this file and the one before do not meet.
    """

    file_id: str
    format: str
    lines: int
    repeated: int
    receipts: int
    in_fen: int
    out_fen: int
    again: bool = False
    gap: str = ""


def import_statement(
    db: Database, account: str, body: bytes, name: str, *, by: str, now: datetime
) -> Imported:
    """Take in a statement file of an account; a line that is there already is not taken twice.

    Raises StatementRefused, naming the row, for a file that cannot be read whole, whose balances
    do not follow from each other, that is another account's, or that contradicts what is known.
    """
    statement = read_statement(body, name)
    sha256 = hashlib.sha256(body).digest()
    with db.begin() as tx:
        ours = find_account(tx, account)
        tx.lock_exclusive(f"bank account {ours.account_id}")
        before = statement_store.file_by_hash(tx, ours.account_id, sha256)
        if before is not None:
            return _again(before)
        _refuse_other(statement, ours, name)
        fresh, repeated = _fresh(tx, ours, statement, name)
        opening, closing = span(statement)
        gap = "" if repeated else _gap(tx, ours, statement, opening)
        row = statement_store.FileRow(
            file_id=mint("bsf", now),
            account_id=ours.account_id,
            name=name,
            format=statement.format,
            sha256=sha256,
            lines=len(fresh),
            repeated=repeated,
            opening_fen=opening,
            closing_fen=closing,
            imported_by=by,
            imported_at=now,
        )
        statement_store.insert_file(tx, row)
        written = [(mint("bsl", now), identity, line) for identity, line in fresh.items()]
        statement_store.copy_lines(tx, row.file_id, ours.account_id, written)
        receipts = [
            _receipt(ours, line_id, line, now)
            for line_id, _, line in written
            if line.direction is Direction.IN
        ]
        for receipt in receipts:
            store.insert_receipt(tx, receipt)
        post_all(tx, (booked(receipt, by=by, at=now) for receipt in receipts))
        deed = Deed(by, now, "import", "statement_file", row.file_id)
        facts = {"name": name, "account": ours.number, "lines": row.lines, "repeated": repeated}
        record_deed(tx, deed, became={**facts, "receipts": [each.receipt_id for each in receipts]})
        return _imported(row, [line for *_, line in written], len(receipts), gap)


def _imported(
    row: statement_store.FileRow, lines: Sequence[StatementLine], receipts: int, gap: str
) -> Imported:
    return Imported(
        file_id=row.file_id,
        format=row.format,
        lines=row.lines,
        repeated=row.repeated,
        receipts=receipts,
        in_fen=sum(line.amount_fen for line in lines if line.direction is Direction.IN),
        out_fen=sum(line.amount_fen for line in lines if line.direction is Direction.OUT),
        gap=gap,
    )


def _again(before: statement_store.FileRow) -> Imported:
    """Say that the very same file was imported before: nothing is new."""
    return Imported(
        file_id=before.file_id,
        format=before.format,
        lines=0,
        repeated=before.lines + before.repeated,
        receipts=0,
        in_fen=0,
        out_fen=0,
        again=True,
    )


def _refuse_other(statement: Statement, ours: BankAccount, name: str) -> None:
    """Refuse a file that names another account or another currency."""
    number = statement.number.replace("-", "")
    known = ours.number.replace("-", "")
    if number and not (number.endswith(known) or known.endswith(number)):
        said = f"文件是账号 {statement.number} 的流水，不是 {ours.number}，请核对账户"
        raise StatementRefused([Problem(0, said)], name)
    if statement.currency and statement.currency != ours.currency:
        said = f"文件币种是 {statement.currency}，账户 {ours.number} 是 {ours.currency}"
        raise StatementRefused([Problem(0, said)], name)


def _fresh(
    tx: Tx, ours: BankAccount, statement: Statement, name: str
) -> tuple[Mapping[str, StatementLine], int]:
    """Return the lines that are new by their identity, the oldest first, and how many are not."""
    lines = in_order(statement)
    named = _named(tx, ours, lines)
    known = statement_store.lines_by_identity(tx, ours.account_id, named)
    fresh: dict[str, StatementLine] = {}
    problems = []
    for identity, line in zip(named, lines, strict=True):
        was = known[identity].noun() if identity in known else fresh.get(identity)
        if was is None:
            fresh[identity] = line
        elif apart := differences(was, line):
            said = f"流水号 {line.serial} 与已有的流水内容不同（{'；'.join(apart)}），请核对"
            problems.append(Problem(line.row, said))
    problems += _doubles(tx, ours, statement.format, fresh, named)
    if problems:
        raise StatementRefused(problems, name)
    return fresh, len(lines) - len(fresh)


def _named(tx: Tx, ours: BankAccount, lines: Sequence[StatementLine]) -> list[str]:
    """Name each line as it was named when it was kept, where it was."""
    serials = sorted({line.serial for line in lines if line.sure})
    days = sorted({line.booked_on for line in lines if line.sure})
    kept = statement_store.lines_by_serial(tx, ours.account_id, serials, days) if serials else []
    return recognise(lines, identities(lines), ((each.identity, each.noun()) for each in kept))


def _doubles(
    tx: Tx, ours: BankAccount, kind: str, fresh: Mapping[str, StatementLine], named: Sequence[str]
) -> Iterator[Problem]:
    """Yield lines that are there already under another name, by all that can be told.

    The same days were exported with other columns, or in another format: to take them in would
    count their money twice. A line of those days that this file names as well is accounted for.
    """
    days = sorted({line.booked_on for line in fresh.values()})
    others: dict[tuple[date, str, int], list[statement_store.Elsewhere]] = defaultdict(list)
    for other in statement_store.others_of_days(tx, ours.account_id, days, named) if days else ():
        others[other.booked_on, other.direction, other.amount_fen].append(other)
    for line in fresh.values():
        for other in others.get((line.booked_on, str(line.direction), line.amount_fen), ()):
            one_bank = (other.format in MESSAGES, kind in MESSAGES) == (False, False)
            if may_be_same(other.noun(), line, one_bank=one_bank or other.format == kind):
                said = (
                    f"与 {other.file_name} 第 {other.row_number} 行的流水日期、金额相同，"
                    "只是列或格式不同，疑为同一笔；请按原来的格式重新导出"
                )
                yield Problem(line.row, said)
                break


def _gap(tx: Tx, ours: BankAccount, statement: Statement, opening: int | None) -> str:
    """Say whether days are missing between this file and what was imported before it.

    It may go on where a file of the day before ended, or where one of its own first day did.
    """
    ordered = in_order(statement)
    if opening is None or not ordered:
        return ""
    closing = statement_store.last_closing(tx, ours.account_id, _day_before(ordered[0]))
    on_that_day = statement_store.last_closing(tx, ours.account_id, ordered[0].booked_on)
    if closing is None or opening in {closing, on_that_day}:
        return ""
    return (
        f"上一份流水的余额 {plain(closing, FEN)} 与本文件的期初 {plain(opening, FEN)} 不衔接，"
        "中间可能缺流水，请补导"
    )


def _day_before(line: StatementLine) -> date:
    return date.fromordinal(line.booked_on.toordinal() - 1)


def _receipt(ours: BankAccount, line_id: str, line: StatementLine, now: datetime) -> Receipt:
    return Receipt(
        receipt_id=mint("rcp", now),
        line_id=line_id,
        account_id=ours.account_id,
        currency=ours.currency,
        amount_fen=line.amount_fen,
        received_on=line.booked_on,
        payer_name=line.payer_name,
        payer_number=line.payer_number,
        payer_bank=line.payer_bank,
        into_number=_into(ours, line),
        memo=line.memo,
        customer_id=None,
        state=ReceiptState.RECEIVED,
        created_at=now,
    )


def _into(ours: BankAccount, line: StatementLine) -> str:
    """Return the number of its own that a payer paid into, or "" where it is the account's own."""
    return "" if line.into == ours.number else line.into


def booked(receipt: Receipt, *, by: str, at: datetime) -> Entry:
    """Return what a receipt books: the bank says that the money is there, nobody yet for what."""
    return Entry(
        key=f"receipt:{receipt.receipt_id}:in",
        kind="payment.receive",
        at=at,
        by=by,
        postings=(
            debit(Account.BANK, receipt.amount_fen, receipt.currency, party=receipt.account_id),
            credit(
                Account.SUSPENSE, receipt.amount_fen, receipt.currency, party=receipt.account_id
            ),
        ),
        refers_to=receipt.receipt_id,
        memo=f"{receipt.payer_name} {receipt.memo}".strip(),
    )
