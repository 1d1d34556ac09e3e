"""From rows of cells to lines of a statement: find the headings, then read each row. Pure.

Every row that is not read is either blank, above the headings, or the foot of the table; anything
else that cannot be read is a problem with its row number, and then nothing is taken at all.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from yuejie.kernel.errors import Invalid
from yuejie.payments.statements.line import (
    Direction,
    Problem,
    Statement,
    StatementLine,
    StatementRefused,
)
from yuejie.payments.statements.words import (
    OPENINGS,
    SUMS,
    TOTALS,
    Cell,
    Column,
    amount,
    currency,
    day_and_time,
    direction,
    heading,
    meaningful,
    refuse_shortened,
    shortened,
    signed,
    tidy,
)

HEADING_ROWS: Final = 20
"""Banks print their own name, the account and the period above the table, in so many rows."""
_LEAST: Final = 3
"""So many known headings make a row of headings."""
_DAYS: Final = (Column.DATE, Column.TIME)
_AMOUNTS: Final = (Column.CREDIT, Column.DEBIT, Column.AMOUNT)


@dataclass(frozen=True, slots=True)
class Table:
    """Where the columns are, and what stood above them."""

    row: int
    at: Mapping[Column, Sequence[int]]
    number: str = ""
    currency: str = ""


@dataclass
class _Reading:
    """What reading has found so far."""

    lines: list[StatementLine] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    numbers: set[str] = field(default_factory=set)
    currencies: set[str] = field(default_factory=set)
    opening: int | None = None
    foot: bool = False
    signed: bool = False
    """Whether some amount has a sign: then those without one came in."""


def read_table(kind: str, rows: Sequence[tuple[int, Sequence[Cell]]]) -> Statement:
    """Read a table of a bank's export. Raises StatementRefused naming every row that is wrong."""
    table = _find(rows)
    reading = _Reading()
    for number, cells in rows:
        if number > table.row:
            _take(reading, table, number, cells)
    if reading.problems:
        raise StatementRefused(reading.problems)
    one_column = Column.CREDIT not in table.at and Column.FLAG not in table.at
    if one_column and reading.lines and not reading.signed:
        said = "缺少列：借贷标志；交易金额都没有正负号，分不清收入与支出"
        raise StatementRefused([Problem(table.row, said)])
    numbers = reading.numbers or ({table.number} if table.number else set())
    if len(numbers) > 1:
        raise StatementRefused([Problem(0, f"含多个账号 {'、'.join(sorted(numbers))}，请分开导出")])
    currencies = reading.currencies or ({table.currency} if table.currency else set())
    if len(currencies) > 1:
        raise StatementRefused([Problem(0, "含多个币种，请按币种分开导出")])
    return Statement(
        format=kind,
        lines=tuple(reading.lines),
        number=next(iter(numbers), ""),
        currency=next(iter(currencies), ""),
        opening_fen=reading.opening,
    )


def _find(rows: Sequence[tuple[int, Sequence[Cell]]]) -> Table:
    """Find the row of headings among the first rows; say what is missing where there is none."""
    best: dict[Column, list[int]] = {}
    where = 0
    for number, cells in rows[:HEADING_ROWS]:
        found: dict[Column, list[int]] = {}
        for position, cell in enumerate(cells):
            column = heading(cell)
            if column is not None:
                found.setdefault(column, []).append(position)
        if len(found) > len(best):
            best, where = found, number
    missing = _missing(best)
    if len(best) < _LEAST or missing:
        said = f"缺少列：{'、'.join(missing)}" if missing else "认不出表头"
        raise StatementRefused(
            [
                Problem(
                    where, f"{said}；前 {HEADING_ROWS} 行须有一行表头，含日期、金额与对方户名等列"
                )
            ]
        )
    own, code = _above([row for row in rows if row[0] < where])
    return Table(where, best, own, code)


def _missing(columns: Mapping[Column, object]) -> list[str]:
    missing = []
    if not any(column in columns for column in _DAYS):
        missing.append("交易日期")
    split = Column.CREDIT in columns or Column.DEBIT in columns
    if not split and Column.AMOUNT not in columns:
        missing.append("收入/支出金额（或交易金额与借贷标志）")
    if split and Column.CREDIT not in columns:
        missing.append("收入金额（贷方发生额）")
    return missing


def _above(rows: Iterable[tuple[int, Sequence[Cell]]]) -> tuple[str, str]:
    """Read the account's number and currency from what stands above the table."""
    number = code = ""
    for row, cells in rows:
        words = [tidy(cell) for cell in cells if tidy(cell)]
        for word, after in zip(words, [*words[1:], ""], strict=False):
            label, _, value = word.partition(":")
            value = value.strip() or after
            meant = heading(label)
            if meant is Column.OWN and not number and any(c.isdigit() for c in value):
                number = value.replace(" ", "")
            elif meant is Column.CURRENCY and not code and ":" not in value:
                try:
                    code = currency(value)
                except Invalid as error:
                    raise StatementRefused([Problem(row, error.sentence)]) from None
    return number, code


def _take(reading: _Reading, table: Table, number: int, cells: Sequence[Cell]) -> None:
    """Read one row into the reading, or note what is wrong with it."""
    words = [tidy(cell) for cell in cells]
    if not any(words):
        return
    if any(map(OPENINGS.fullmatch, words)) and not _names(table, cells):
        _note_opening(reading, table, number, cells)
        return
    said = " ".join(words)
    is_line = _is_line(table, cells) and not SUMS.match(next(filter(None, words)))
    day, time = _moment(table, cells)
    if day is None:
        if is_line:
            reading.problems.append(Problem(number, "没有可识别的交易日期"))
        elif TOTALS.search(said):
            reading.foot = True
        elif not reading.foot and not _is_heading_again(cells):
            reading.problems.append(Problem(number, "没有可识别的交易日期"))
        return
    if reading.foot and TOTALS.search(words[0]) and not is_line:
        return
    try:
        line = _line(table, number, cells, day, time)
        _note_own(reading, table, cells)
    except Invalid as error:
        reading.problems.append(Problem(number, error.sentence))
        return
    if line is None:
        reading.problems.append(Problem(number, "收入、支出金额都为空或为零"))
        return
    reading.lines.append(line)


def _is_line(table: Table, cells: Sequence[Cell]) -> bool:
    """Say whether a row without a day moves money of somebody: then it is no foot of a table.

    Of cells that are merged, all but the first are empty.
    """
    try:
        moved = any(_one(table, cells, each) for each in _AMOUNTS)
    except Invalid:
        return False
    return moved and any(not TOTALS.match(word) for word in _names(table, cells))


def _names(table: Table, cells: Sequence[Cell]) -> list[str]:
    """Return what names a line: its payer, the payer's account, its serial number."""
    named = (_text(table, cells, each) for each in (Column.NAME, Column.NUMBER, Column.SERIAL))
    return [word for word in named if word]


def _note_opening(reading: _Reading, table: Table, number: int, cells: Sequence[Cell]) -> None:
    """Take a row for what stood before the first line; an amount in it is nobody's payment."""
    try:
        moved = any(_one(table, cells, each) for each in _AMOUNTS)
        told = next(_cells(table, cells, Column.BALANCE), None)
        if not reading.lines and tidy(told):
            reading.opening = amount(told)
    except Invalid as error:
        reading.problems.append(Problem(number, error.sentence))
        return
    if moved:
        said = "是期初或结转的余额，不是一笔收支，金额应写在余额列"
        reading.problems.append(Problem(number, said))


def _is_heading_again(cells: Sequence[Cell]) -> bool:
    """Say whether a row repeats the headings, as printed pages do."""
    return sum(heading(cell) is not None for cell in cells) >= _LEAST


def _note_own(reading: _Reading, table: Table, cells: Sequence[Cell]) -> None:
    own = _text(table, cells, Column.OWN).replace(" ", "")
    if own:
        reading.numbers.add(own)
    code = currency(_text(table, cells, Column.CURRENCY))
    if code:
        reading.currencies.add(code)
    if any(signed(cell) for cell in _cells(table, cells, Column.AMOUNT)):
        reading.signed = True


def _moment(table: Table, cells: Sequence[Cell]) -> tuple[date | None, str]:
    """Read the day from whichever column has one, and the time of day."""
    day, time = None, ""
    for column in _DAYS:
        for cell in _cells(table, cells, column):
            found, clock = day_and_time(cell)
            day = day or found
            time = time or clock
    return day, "" if time in {"00:00:00", "00:00"} else time


def _line(
    table: Table, number: int, cells: Sequence[Cell], day: date, time: str
) -> StatementLine | None:
    way, fen = _moved(table, cells)
    if fen == 0:
        return None
    if fen < 0:
        way, fen = way.turned, -fen
    balance = _text(table, cells, Column.BALANCE)
    serial = _text(table, cells, Column.SERIAL)
    refuse_shortened(serial, "流水号")
    sure = meaningful(serial) and not any(map(shortened, _cells(table, cells, Column.SERIAL)))
    return StatementLine(
        row=number,
        booked_on=day,
        booked_time=time,
        direction=way,
        amount_fen=fen,
        balance_fen=amount(next(_cells(table, cells, Column.BALANCE))) if balance else None,
        serial=serial if sure else _text(table, cells, Column.VOUCHER),
        sure=sure,
        payer_name=_text(table, cells, Column.NAME),
        payer_number=_number(table, cells),
        payer_bank=_text(table, cells, Column.BANK),
        into=_text(table, cells, Column.INTO).replace(" ", ""),
        memo=_memo(table, cells),
    )


def _moved(table: Table, cells: Sequence[Cell]) -> tuple[Direction, int]:
    """Return which way the money went and how much; a negative amount went the other way."""
    if Column.CREDIT in table.at:
        credit = _one(table, cells, Column.CREDIT)
        debit = _one(table, cells, Column.DEBIT)
        if credit and debit:
            raise Invalid("同一行既有收入又有支出")
        return (Direction.OUT, debit) if debit else (Direction.IN, credit)
    fen = _one(table, cells, Column.AMOUNT)
    flag = _text(table, cells, Column.FLAG)
    if Column.FLAG not in table.at:
        return Direction.IN, fen
    way = direction(flag)
    if way is None:
        raise Invalid(f"借贷标志“{flag}”不认识，应为借或贷")
    return way, fen


def _one(table: Table, cells: Sequence[Cell], column: Column) -> int:
    """Return the one amount of a kind; two columns of it that differ are not added up."""
    found = {fen for cell in _cells(table, cells, column) if (fen := amount(cell))}
    if len(found) > 1:
        raise Invalid(f"{column}写了两个不同的数，分不清哪个是发生额")
    return found.pop() if found else 0


def _number(table: Table, cells: Sequence[Cell]) -> str:
    """Return the payer's account; one that a spreadsheet has shortened is nobody's."""
    if any(map(shortened, _cells(table, cells, Column.NUMBER))):
        return ""
    number = _text(table, cells, Column.NUMBER).replace(" ", "")
    refuse_shortened(number, "对方账号")
    return number


def _memo(table: Table, cells: Sequence[Cell]) -> str:
    """Join what the payer and the bank wrote; bill numbers may stand in any of it."""
    parts: list[str] = []
    for column in (Column.NOTE, Column.PURPOSE, Column.SUMMARY):
        for cell in _cells(table, cells, column):
            word = tidy(cell)
            if word and word not in parts:
                parts.append(word)
    return " ".join(parts)


def _cells(table: Table, cells: Sequence[Cell], column: Column) -> Iterator[Cell]:
    for position in table.at.get(column, ()):
        if position < len(cells):
            yield cells[position]


def _text(table: Table, cells: Sequence[Cell], column: Column) -> str:
    return next((word for cell in _cells(table, cells, column) if (word := tidy(cell))), "")
