"""A bill as a spreadsheet: real numbers, real dates, sums that are formulas.

Names are written as strings and nothing else, so none can become a formula or a link. Numbers go in
as decimals: a spreadsheet keeps fifteen digits, which is enough for every amount up to ten
trillion. Formulas carry the value they give, for readers that do not compute.
"""

import io
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Final

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.worksheet import Worksheet

from yuejie.bills.documents import wording
from yuejie.bills.documents.advice import how_to_check
from yuejie.bills.documents.columns import (
    AMOUNT,
    DAYS,
    LINES,
    MONEY,
    SUBTOTALS,
    TEXT,
    Column,
    Row,
    Value,
    yuan,
)
from yuejie.bills.documents.document import BillDocument, Subtotal
from yuejie.paper.printable import printable

_ACCENT: Final = "#1C4A7D"
_FONT: Final = {"font_name": "微软雅黑", "font_size": 10, "valign": "vcenter"}
_A4: Final = 9
_ROW_HEIGHT: Final = 20
_ROWS_IN_MEMORY: Final = 5_000
"""So many rows are held, some 10 MB; more go through files, row by row."""
_ROWS_PER_SHEET: Final = 1_000_000
"""A sheet ends at 1,048,576 rows; what is more goes on a sheet of its own."""


def to_xlsx(
    document: BillDocument,
    rows_per_sheet: int = _ROWS_PER_SHEET,
    rows_in_memory: int = _ROWS_IN_MEMORY,
) -> bytes:
    """Write the workbook: 账单, 明细, 每日用量, 说明."""
    file = io.BytesIO()
    # Files of the system's, made and removed for each sheet, take a third of the time of a bill.
    few = len(document.bill.lines) + len(document.daily) <= rows_in_memory
    with Workbook(file, {"in_memory" if few else "constant_memory": True}) as workbook:
        workbook.set_properties(
            {
                "title": f"账单 {wording.number(document)}",
                "author": printable(document.seller.legal_name),
                "created": document.dated.astimezone(UTC).replace(tzinfo=None),
            }
        )
        looks = _Looks(workbook)
        _overview(_sheet(workbook, "账单"), looks, document)
        lines = document.bill.lines
        _table(_sheet(workbook, "明细", wide=True), looks, LINES, lines, total="合计（随筛选变化）")
        for at in range(0, max(len(document.daily), 1), rows_per_sheet):
            name = f"每日用量 {at // rows_per_sheet + 1}" if at else "每日用量"
            days = document.daily[at : at + rows_per_sheet]
            _table(_sheet(workbook, name, wide=True), looks, DAYS, days)
        _notes(_sheet(workbook, "说明"), looks, document)
    return file.getvalue()


class _Looks:
    """The formats of one workbook, each made once."""

    def __init__(self, workbook: Workbook) -> None:
        self._workbook = workbook
        self._made: dict[tuple[str, bool], Format] = {}
        self.title = workbook.add_format({**_FONT, "font_size": 18, "bold": True, "color": _ACCENT})
        head = {**_FONT, "bold": True, "color": _ACCENT, "bg_color": "#F4F6F9", "bottom": 1}
        self.text_head = workbook.add_format({**head, "indent": 1})
        self.number_head = workbook.add_format({**head, "align": "right"})
        self.label = workbook.add_format({**_FONT, "color": "#667180", "indent": 1})
        self.text = workbook.add_format({**_FONT, "indent": 1})
        self.wrapped = workbook.add_format({**_FONT, "indent": 1, "text_wrap": True})

    def cell(self, look: str, *, total: bool = False) -> Format:
        """Return the format of a cell; totals are bold under a line."""
        made = self._made.get((look, total))
        if made is None:
            edge = {"top": 1, "bold": True} if total else {"bottom": 1, "bottom_color": "#D9DEE5"}
            place = {"indent": 1} if look == TEXT else {"align": "right"}
            made = self._workbook.add_format({**_FONT, "num_format": look, **edge, **place})
            self._made[look, total] = made
        return made


def _sheet(workbook: Workbook, name: str, *, wide: bool = False) -> Worksheet:
    sheet = workbook.add_worksheet(name)
    sheet.set_paper(_A4)
    sheet.fit_to_pages(1, 0)
    sheet.hide_gridlines(2)
    sheet.set_default_row(_ROW_HEIGHT)
    sheet.set_footer("&L&A&R第 &P 页 / 共 &N 页")
    if wide:
        sheet.set_landscape()
    return sheet


def _put(sheet: Worksheet, row: int, at: int, value: Value, look: Format) -> None:
    """Write a cell as what it is; a text stays a text whatever it begins with."""
    match value:
        case str():
            sheet.write_string(row, at, value, look)
        case int() | Decimal():
            sheet.write_number(row, at, value, look)  # type: ignore[arg-type] # exact all the same
        case date():
            sheet.write_datetime(row, at, datetime.combine(value, time()), look)
        case None:
            sheet.write_blank(row, at, None, look)


def _table(
    sheet: Worksheet,
    looks: _Looks,
    columns: Sequence[Column[Row]],
    rows: Sequence[Row],
    total: str = "",
) -> None:
    """Fill a sheet with one table: frozen titles, filters, and totals below where wanted."""
    for at, column in enumerate(columns):
        sheet.set_column(at, at, column.width)
    sheet.freeze_panes(1, 0)
    sheet.repeat_rows(0)
    sheet.autofilter(0, 0, max(len(rows), 1), len(columns) - 1)
    _rows(sheet, 0, looks, columns, rows)
    if total:
        _total(sheet, len(rows) + 1, looks, columns, rows, total, "SUBTOTAL(9,")


def _rows(
    sheet: Worksheet, top: int, looks: _Looks, columns: Sequence[Column[Row]], rows: Iterable[Row]
) -> None:
    for at, column in enumerate(columns):
        head = looks.text_head if column.look == TEXT else looks.number_head
        sheet.write_string(top, at, column.title, head)
    cells = [(at, column.value, looks.cell(column.look)) for at, column in enumerate(columns)]
    for row, what in enumerate(rows, top + 1):
        for at, value, look in cells:
            _put(sheet, row, at, value(what), look)


def _total(
    sheet: Worksheet,
    row: int,
    looks: _Looks,
    columns: Sequence[Column[Row]],
    rows: Sequence[Row],
    label: str,
    function: str,
) -> None:
    """Write the totals of the rows right above; a column with a gap has none."""
    for at, column in enumerate(columns):
        look = looks.cell(column.look, total=True)
        values = [column.value(what) for what in rows] if column.summed else []
        known = [value for value in values if isinstance(value, int | Decimal)]
        if known and len(known) == len(rows):
            letter = xl_col_to_name(at)
            formula = f"={function}{letter}{row - len(rows) + 1}:{letter}{row})"
            sheet.write_formula(row, at, formula, look, sum(known, Decimal(0)))
        else:
            _put(sheet, row, at, label if at == 0 else None, look)


def _overview(sheet: Worksheet, looks: _Looks, document: BillDocument) -> None:
    """Write the first sheet from top to bottom; in constant memory there is no way back up."""
    for at, column in enumerate(SUBTOTALS):
        sheet.set_column(at, at, column.width)
    sheet.set_row(0, 32)
    draft = "（草稿）" if document.is_draft else ""
    sheet.write_string(0, 0, f"费用账单{draft} {document.bill.month}", looks.title)
    row = _pairs(sheet, 2, looks, _facts(document))
    row = _owed(sheet, row + 1, looks, document)
    row = _pairs(sheet, row, looks, [("大写金额", wording.in_capitals(document.bill.gross))])
    row = _pairs(sheet, row, looks, _rates(document))
    row = _pairs(sheet, row + 1, looks, wording.paid_into(document))
    row = _summary(sheet, row + 1, looks, "按项目", document.by_project())
    _summary(sheet, row + 1, looks, "按模型", document.by_model())


def _facts(document: BillDocument) -> list[tuple[str, str]]:
    bill, customer = document.bill, document.customer
    return [
        ("账单编号", wording.number(document)),
        ("状态", wording.STATES[bill.state]),
        ("账期", str(bill.month)),
        ("客户", customer.legal_name),
        ("客户税号", customer.uscc or wording.NONE),
        ("服务方", document.seller.legal_name),
        ("服务方税号", document.seller.uscc),
        ("合同", document.contract),
        ("关账时间" if document.is_draft else "出账时间", wording.moment(document.dated)),
        ("应付日", str(document.due_on) if document.due_on else wording.NONE),
        ("币种", bill.currency),
        ("计价", wording.TAX_MODES[bill.tax_mode]),
    ]


def _rates(document: BillDocument) -> list[tuple[str, str]]:
    return [
        ("汇率", f"{wording.fx(used)}（{used.on_date}，{used.source}）") for used in document.fx
    ]


def _pairs(sheet: Worksheet, row: int, looks: _Looks, pairs: Iterable[tuple[str, str]]) -> int:
    for label, text in pairs:
        sheet.write_string(row, 0, label, looks.label)
        sheet.write_string(row, 1, text, looks.text)
        row += 1
    return row


def _owed(sheet: Worksheet, row: int, looks: _Looks, document: BillDocument) -> int:
    """Write what the bill comes to: the sum of the lines, the tax, and net plus tax."""
    bill, look = document.bill, looks.cell(MONEY)
    letter = xl_col_to_name(AMOUNT)
    lines = f"=SUM(明细!{letter}2:{letter}{len(bill.lines) + 1})"
    labels = ("明细合计", "不含税金额", f"税额 {wording.tax_rate(bill.tax_ppm)}", "价税合计")
    for at, label in enumerate(labels):
        sheet.write_string(row + at, 0, label, looks.label)
        match at:
            case 0:
                sheet.write_formula(row, 1, lines, look, yuan(document.charged.fen))
            case 1:
                _put(sheet, row + 1, 1, yuan(bill.net.fen), look)
            case 2:
                _put(sheet, row + 2, 1, yuan(bill.tax.fen), look)
            case _:
                sum_of_both = f"=B{row + 2}+B{row + 3}"
                total = looks.cell(MONEY, total=True)
                sheet.write_formula(row + 3, 1, sum_of_both, total, yuan(bill.gross.fen))
    return row + len(labels)


def _summary(
    sheet: Worksheet, row: int, looks: _Looks, title: str, parts: Sequence[Subtotal]
) -> int:
    counted = any(part.requests is not None for part in parts)
    titles = (title, SUBTOTALS[1].title if counted else "")
    first = [replace(c, title=t) for c, t in zip(SUBTOTALS, titles, strict=False)]
    columns = [*first, *SUBTOTALS[2:]]
    _rows(sheet, row, looks, columns, parts)
    _total(sheet, row + len(parts) + 1, looks, columns, parts, "合计", "SUM(")
    return row + len(parts) + 2


def _notes(sheet: Worksheet, looks: _Looks, document: BillDocument) -> None:
    """Say how to check the bill, and what it is sealed with."""
    sheet.set_column(0, 0, 14)
    sheet.set_column(1, 1, 110)
    sheet.write_string(0, 0, "如何核对", looks.title)
    seal = document.bill.seal
    proof = [
        ("本账单 SHA-256", seal.hex() if seal else wording.NONE),
        ("上一账单", wording.previous_seal(document.bill)),
        ("提示", "本账单不是发票，发票另行开具。"),
    ]
    for row, (label, text) in enumerate([*how_to_check(document), *proof], 2):
        sheet.write_string(row, 0, label, looks.label)
        sheet.write_string(row, 1, text, looks.wrapped)
