"""From a file of rows to rows of cells: xlsx, xls, HTML that calls itself xls, and CSV.

What a bank calls `.xls` may be any of the four, so the content decides, never the name.
"""

import csv
import io
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from html.parser import HTMLParser
from typing import Final, Literal

import openpyxl
import xlrd
from xlrd.compdoc import CompDocError
from xlrd.formula import FormulaError

from yuejie.kernel.limits import STATEMENT_LINES
from yuejie.paper.table import ENCODINGS, decoded
from yuejie.payments.statements.line import Problem, StatementRefused
from yuejie.payments.statements.words import Cell, heading

Row = tuple[int, list[Cell]]
"""The number of a row, from 1, and its cells."""

ZIP: Final = b"PK\x03\x04"
BIFF: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_UTF16: Final = (b"\xff\xfe", b"\xfe\xff")
_DELIMITERS: Final = (",", "\t", ";", "|")
_SNIFFED: Final = 40
_HEADS: Final = 3
"""So many known headings make a row of headings."""
_PARTS: Final = 1_000
_UNPACKED_BYTES: Final = 256 * 1024 * 1024
"""Sheets are read as they come; a hundred thousand lines are less than that."""
_WHOLE_BYTES: Final = 64 * 1024 * 1024
"""Everything else of a workbook is read at once."""
_PROLOGUE: Final = 64 * 1024
# Nothing here is unfinished: `NotImplementedError` is what zipfile raises of a way of packing that
# it does not know, and a damaged byte may name one.
BROKEN: Final = (
    *(zipfile.BadZipFile, zlib.error, struct.error, EOFError, SyntaxError, NotImplementedError),
    *(AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError),
    ArithmeticError,
)
"""What libraries raise of a damaged file; damaged at random it was each of these."""
_SPAN: Final = 1_000
"""No bank's table is wider; a page may say anything."""
_CELLS: Final = 4_000_000
"""One cell in the last column makes sixteen thousand of each row."""


def rows_of(body: bytes) -> tuple[str, list[Row]]:
    """Return what kind of file it is, and its rows. Raises StatementRefused for none of these."""
    if body.startswith(ZIP):
        return "xlsx", _xlsx(body)
    if body.startswith(BIFF):
        return "xls", _xls(body)
    text = text_of(body)
    if "<table" in text[:65536].lower():
        return "html", _bounded(_html(text))
    return "csv", _bounded(_csv(text))


def text_of(body: bytes) -> str:
    """Read a file that is text, UTF-16 too. Raises StatementRefused where it is none."""
    text = decoded(body, ("utf-16",) if body.startswith(_UTF16) else ENCODINGS)
    if text is None:
        raise StatementRefused(
            [Problem(0, "编码不是 UTF-8 也不是 GBK/GB18030，请从网银重新导出 xlsx 或 csv")]
        )
    return text


def _bounded(rows: Iterator[Row]) -> list[Row]:
    kept: list[Row] = []
    cells = 0
    for row in rows:
        cells += len(row[1])
        if cells > _CELLS:
            raise StatementRefused([Problem(row[0], "列数过多，不是网银导出的流水，请重新导出")])
        if len(kept) >= STATEMENT_LINES:
            raise StatementRefused([Problem(row[0], f"超过 {STATEMENT_LINES} 行，请分段导出")])
        kept.append(row)
    return kept


def _refuse_bomb(body: bytes) -> None:
    """Refuse a workbook that unpacks to far more than a bank ever wrote, before it unpacks."""
    with zipfile.ZipFile(io.BytesIO(body)) as parts:
        found = parts.infolist()
        if any(_declares(parts, each) for each in found[:_PARTS]):
            raise StatementRefused([Problem(0, "xlsx 含 DTD 或实体声明，不是网银导出的流水")])
    whole = [each for each in found if not each.filename.startswith("xl/worksheets/")]
    if (
        len(found) > _PARTS
        or sum(each.file_size for each in found) > _UNPACKED_BYTES
        or sum(each.file_size for each in whole) > _WHOLE_BYTES
    ):
        raise StatementRefused([Problem(0, "xlsx 解开后过大，不是网银导出的流水，请重新导出")])


def _declares(parts: zipfile.ZipFile, part: zipfile.ZipInfo) -> bool:
    """Tell whether a part begins with a document type: Excel writes none, entities need one."""
    if not part.filename.endswith((".xml", ".rels")):
        return False
    with parts.open(part) as file:
        begun = file.read(_PROLOGUE).replace(b"\0", b"").upper()
    return b"<!DOCTYPE" in begun or b"<!ENTITY" in begun


def _only(sheets: Iterable[tuple[str, Iterator[Row]]]) -> list[Row]:
    """Return the one sheet that holds lines, whichever it is; a second one is refused by name.

    Where there is none, the first that holds anything says best what is missing.
    """
    first: list[Row] = []
    found: tuple[str, list[Row]] | None = None
    for name, rows in sheets:
        kept = _bounded(rows)
        if not first and any(any(cells) for _, cells in kept):
            first = kept
        if not _has_lines(kept):
            continue
        if found is not None:
            said = f"工作表 {found[0]}、{name} 都有流水，请分开导出后逐个导入"
            raise StatementRefused([Problem(0, said)])
        found = name, kept
    return found[1] if found else first


def _has_lines(rows: list[Row]) -> bool:
    """Tell whether something stands below a row of headings."""
    heads = (place for place, (_, cells) in enumerate(rows[:_SNIFFED]) if _known(cells) >= _HEADS)
    begins = next(heads, None)
    return begins is not None and any(any(cells) for _, cells in rows[begins + 1 :])


def _xlsx(body: bytes) -> list[Row]:
    try:
        _refuse_bomb(body)
        book = openpyxl.load_workbook(io.BytesIO(body), read_only=True, data_only=True)
        return _only(_sheets(book))
    except BROKEN as error:
        raise StatementRefused([Problem(0, f"xlsx 文件损坏（{error}），请重新导出")]) from error


def _sheets(book: openpyxl.Workbook) -> Iterator[tuple[str, Iterator[Row]]]:
    for sheet in book.worksheets:
        # Banks' own writers often leave out or misstate the size of a sheet.
        sheet.reset_dimensions()
        rows = enumerate(sheet.iter_rows(values_only=True), 1)
        yield sheet.title, ((number, [_plain(cell) for cell in cells]) for number, cells in rows)


def _plain(cell: object) -> Cell:
    return cell if isinstance(cell, Cell) else str(cell)


def _xls(body: bytes) -> list[Row]:
    try:
        book = xlrd.open_workbook(file_contents=body, logfile=io.StringIO())
    except (xlrd.biffh.XLRDError, CompDocError, FormulaError, *BROKEN) as error:
        raise StatementRefused([Problem(0, f"xls 文件读不出（{error}），请另存为 xlsx")]) from error
    return _only((sheet.name, _rows_of(sheet, book.datemode)) for sheet in book.sheets())


def _rows_of(sheet: xlrd.sheet.Sheet, datemode: Literal[0, 1]) -> Iterator[Row]:
    for number in range(sheet.nrows):
        yield number + 1, [_cell(cell, datemode) for cell in sheet.row(number)]


def _cell(cell: xlrd.sheet.Cell, datemode: Literal[0, 1]) -> Cell:
    value = cell.value
    if cell.ctype in {xlrd.XL_CELL_EMPTY, xlrd.XL_CELL_BLANK, xlrd.XL_CELL_ERROR}:
        return None
    if cell.ctype == xlrd.XL_CELL_DATE and isinstance(value, float):
        try:
            return xlrd.xldate.xldate_as_datetime(value, datemode)
        except (xlrd.xldate.XLDateError, OverflowError):
            return str(value)
    return value if isinstance(value, float) else str(value)


class _Tables(HTMLParser):
    """Collects the cells of every table of a page, row by row, each in its own column.

    Of a merged cell the first place holds what it says, and the others are empty, as in xlsx:
    what is meant for several rows is not taken to move money in each of them.
    """

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.rows: list[list[str]] = []
        self._cell: list[str] | None = None
        self._spans = (1, 1)
        self._below: dict[int, int] = {}
        """For how many rows more each column is taken by a cell above."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self._close()
            self.rows.append([])
        elif tag == "table":
            self._below = {}
        elif tag in {"td", "th"}:
            self._close()
            self._cell = []
            said = dict(attrs)
            self._spans = (_span(said.get("rowspan")), _span(said.get("colspan")))
            if not self.rows:
                self.rows.append([])

    def handle_endtag(self, tag: str) -> None:
        if tag in {"td", "th", "tr", "table"}:
            self._close()

    def handle_data(self, data: str) -> None:
        if self._cell is not None:
            self._cell.append(data)

    def _close(self) -> None:
        if self._cell is None:
            return
        row = self.rows[-1]
        while self._below.get(len(row), 0):
            self._below[len(row)] -= 1
            row.append("")
        rows, columns = self._spans
        for place in range(columns):
            self._below[len(row)] = rows - 1
            row.append("" if place else "".join(self._cell))
        self._cell = None


def _span(said: str | None) -> int:
    """Read over how many rows or columns a cell goes; what is no such number is one."""
    return min(int(said), _SPAN) if said and said.isascii() and said.isdigit() and int(said) else 1


def _html(text: str) -> Iterator[Row]:
    page = _Tables()
    page.feed(text)
    page.close()
    for number, cells in enumerate(page.rows, 1):
        yield number, list(cells)


def _csv(text: str) -> Iterator[Row]:
    mark = _delimiter(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark)
    begins = 1
    try:
        for cells in reader:
            if reader.line_num > begins and any(_swallowed(cell, mark) for cell in cells):
                why = "引号没有成对，后面的行被读进了一格，请重新导出"
                raise StatementRefused([Problem(begins, why)])
            yield begins, list(cells)
            begins = reader.line_num + 1
    except csv.Error as error:
        raise StatementRefused([Problem(begins, f"CSV 格式不对（{error}），请重新导出")]) from error


def _swallowed(cell: str, mark: str) -> bool:
    """Tell whether a cell holds whole lines of the table, with their money: a quote was left open.

    A memo may go on over several lines; none of them has cells of its own.
    """
    return any(line.count(mark) > 1 for line in cell.splitlines()[1:])


def _delimiter(text: str) -> str:
    """Return the mark that makes a line of headings out of an early line.

    Amounts hold commas and padded numbers hold tabs, so counting marks would be misled.
    """
    early = text.splitlines()[:_SNIFFED]

    def headings(mark: str) -> int:
        return max((_known(line.split(mark)) for line in early), default=0)

    return max(_DELIMITERS, key=headings)


def _known(cells: Iterable[Cell]) -> int:
    return sum(
        heading(cell.strip('"') if isinstance(cell, str) else cell) is not None for cell in cells
    )
