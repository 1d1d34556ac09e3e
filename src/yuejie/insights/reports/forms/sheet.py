"""A report as a spreadsheet: real numbers under formats, a native chart, a head that stays.

Rows are written one after the other and forgotten (constant memory). Names are written as strings
and nothing else, and one that a spreadsheet would compute (= + - @) gets an apostrophe, so that it
stays text also where the sheet is saved as CSV and opened again.
"""

import io
from collections.abc import Iterator
from datetime import UTC
from itertools import chain
from typing import Final

from xlsxwriter import Workbook
from xlsxwriter.chart import Chart
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from yuejie.insights.reports.forms.words import NOTHING, value
from yuejie.insights.reports.report import Form
from yuejie.insights.reports.result import Cell, Column, Result
from yuejie.kernel.period import parse_instant, zone_of
from yuejie.paper.cells import harmless
from yuejie.paper.printable import printable

_ACCENT: Final = "#1C4A7D"
_FONT: Final = {"font_name": "微软雅黑", "font_size": 10, "valign": "vcenter"}
_NUMBERS: Final = {Form.MONEY: "#,##0.00", Form.COUNT: "#,##0", Form.SHARE: "0.0%"}
_A4: Final = 9
_NARROW: Final = 10
_WIDE: Final = 40
_SAMPLE: Final = 200
"""So many rows are looked at to choose the width of a column."""


class _Looks:
    """The formats of a workbook; each is made once."""

    def __init__(self, workbook: Workbook) -> None:
        def look(**more: object) -> Format:
            return workbook.add_format(_FONT | more)

        total = {"bold": True, "bg_color": "#F4F6F9", "top": 1, "top_color": _ACCENT}
        head = {"bold": True, "font_color": "#FFFFFF", "bg_color": _ACCENT, "text_wrap": True}
        self.title = look(bold=True, font_size=16, font_color=_ACCENT)
        self.label = look(font_color="#667180")
        self.text = look()
        self.wrapped = look(text_wrap=True)
        self.head = look(**head)
        self.head_right = look(**head, align="right")
        self.total_text = look(**total)
        self.figures = {form: look(num_format=how) for form, how in _NUMBERS.items()}
        self.lefts = {form: look(num_format=how, align="left") for form, how in _NUMBERS.items()}
        self.totals = {form: look(num_format=how, **total) for form, how in _NUMBERS.items()}
        self.missing = look(align="right", font_color="#667180")


def to_xlsx(result: Result) -> bytes:
    """Write the workbook: 概览 with a chart, 明细, 图表数据; the same result, the same bytes."""
    file = io.BytesIO()
    made_at = parse_instant(result.made_at, zone_of(result.zone))
    with Workbook(file, {"constant_memory": True}) as workbook:
        workbook.set_properties(
            {
                "title": printable(result.report),
                "author": printable(result.owner),
                "created": made_at.astimezone(UTC).replace(tzinfo=None),
            }
        )
        looks = _Looks(workbook)
        overview, rows = workbook.add_worksheet("概览"), workbook.add_worksheet("明细")
        drawn = workbook.add_worksheet("图表数据")
        _overview(workbook, overview, looks, result)
        _rows(rows, looks, result)
        _drawn(drawn, looks, result)
    return file.getvalue()


def _overview(workbook: Workbook, sheet: Worksheet, looks: _Looks, result: Result) -> None:
    sheet.hide_gridlines(2)
    _on_one_page(sheet)
    sheet.set_column(0, 0, 18)
    sheet.set_column(1, 1, 90)
    sheet.write_string(0, 0, _text(result.report), looks.title)
    row = 2
    for label, text in _facts(result):
        sheet.write_string(row, 0, label, looks.label)
        sheet.write_string(row, 1, _text(text), looks.wrapped)
        row += 1
    for column, cell in zip(result.columns, result.total, strict=True):
        if column.form is not None:
            sheet.write_string(row, 0, f"合计 {_titled(column, result)}", looks.label)
            if cell is None:
                sheet.write_string(row, 1, NOTHING, looks.text)
            else:
                sheet.write(row, 1, value(int(cell), column.form), looks.lefts[column.form])
            row += 1
    for note in result.notes:
        sheet.write_string(row, 0, "说明", looks.label)
        sheet.write_string(row, 1, _text(note), looks.wrapped)
        row += 1
    chart = _chart(workbook, result)
    if chart is not None:
        sheet.insert_chart(row + 1, 0, chart)


def _on_one_page(sheet: Worksheet) -> None:
    """Print a sheet on its side, as wide as one page."""
    sheet.set_landscape()
    sheet.set_paper(_A4)
    sheet.fit_to_pages(1, 0)


def _facts(result: Result) -> list[tuple[str, str]]:
    return [
        ("对象", result.owner),
        ("期间", f"{result.period}（{result.first} 至 {result.last}）"),
        ("时区", result.zone),
        ("粒度", result.grain),
        ("币种", result.currency),
        *((f"筛选 {name}", kept) for name, kept in result.filters),
        ("行数", f"{len(result.rows):,}"),
        ("生成时间", result.made_at),
        ("内容 SHA-256", result.sha256.hex()),
    ]


def _rows(sheet: Worksheet, looks: _Looks, result: Result) -> None:
    """Write head, rows and total; the head stays, and rows can be filtered."""
    _on_one_page(sheet)
    sheet.repeat_rows(0)
    sheet.freeze_panes(1, sum(1 for column in result.columns if column.form is None))
    for at, column in enumerate(result.columns):
        sheet.set_column(at, at, _width(result, at))
        title = (
            f"{column.title}（{result.currency}）" if column.form is Form.MONEY else column.title
        )
        sheet.write_string(0, at, _text(title), looks.head_right if column.form else looks.head)
    for number, row in enumerate(result.rows, 1):
        _row(sheet, number, row, result.columns, looks)
    last = len(result.rows)
    if last:
        sheet.autofilter(0, 0, last, len(result.columns) - 1)
    for at, (column, cell) in enumerate(zip(result.columns, result.total, strict=True)):
        if column.form is None:
            sheet.write_string(last + 1, at, "" if at else "合计", looks.total_text)
        elif cell is None:
            sheet.write_string(last + 1, at, NOTHING, looks.total_text)
        else:
            shown = value(int(cell), column.form)
            sheet.write(last + 1, at, shown, looks.totals[column.form])


def _titled(column: Column, result: Result) -> str:
    return f"{column.title}（{result.currency}）" if column.form is Form.MONEY else column.title


def _row(
    sheet: Worksheet,
    number: int,
    row: tuple[Cell, ...],
    columns: tuple[Column, ...],
    looks: _Looks,
) -> None:
    for at, (column, cell) in enumerate(zip(columns, row, strict=True)):
        if column.form is None:
            sheet.write_string(number, at, _text(str(cell or "")), looks.text)
        else:
            _figure(sheet, (number, at), cell, column.form, looks)


def _figure(
    sheet: Worksheet, place: tuple[int, int], cell: Cell, form: Form, looks: _Looks
) -> None:
    if cell is None:
        sheet.write_string(*place, NOTHING, looks.missing)
    else:
        sheet.write(*place, value(int(cell), form), looks.figures[form])


def _drawn(sheet: Worksheet, looks: _Looks, result: Result) -> None:
    """Write what the chart draws: a row per label, a column per series."""
    names = [name for name, _ in result.chart_series]
    _on_one_page(sheet)
    sheet.set_column(0, len(names), 16)
    sheet.freeze_panes(1, 1)
    for at, name in enumerate(["", *names]):
        sheet.write_string(0, at, _text(name), looks.head)
    for number, label in enumerate(result.chart_labels, 1):
        sheet.write_string(number, 0, _text(label), looks.text)
        for at, (_, figures) in enumerate(result.chart_series, 1):
            figure, form = figures[number - 1], result.chart_form
            if figure is not None:
                sheet.write(number, at, value(figure, form), looks.figures[form])


def _chart(workbook: Workbook, result: Result) -> Chart | None:
    """Return a native chart over the sheet 图表数据, or None where there is nothing to draw."""
    points = len(result.chart_labels)
    if not points or not result.chart_series:
        return None
    over_time = result.grain != "合计"
    shares = result.chart_form is Form.SHARE
    stacked = {"type": "line"} if shares else {"type": "column", "subtype": "stacked"}
    chart = workbook.add_chart(stacked if over_time else {"type": "bar"})
    assert chart is not None, "both kinds of chart are known"
    for at in range(1, len(result.chart_series) + 1):
        chart.add_series(
            {
                "name": ["图表数据", 0, at],
                "categories": ["图表数据", 1, 0, points, 0],
                "values": ["图表数据", 1, at, points, at],
                "gap": 60,
            }
        )
    chart.set_title({"name": result.chart_title, "name_font": {"size": 12}})
    chart.set_legend({"position": "bottom"} if over_time else {"none": True})
    figures = {"num_format": _NUMBERS[result.chart_form], "major_gridlines": {"visible": True}}
    if over_time:
        chart.set_y_axis(figures)
    else:
        chart.set_x_axis(figures)
        chart.set_y_axis({"reverse": True})
    chart.set_size({"width": 900, "height": 380})
    return chart


def _width(result: Result, at: int) -> int:
    """Choose a width by what stands in a column; an ideograph is as wide as two letters."""
    column = result.columns[at]
    if column.form is not None:
        return 16
    seen = chain([column.title], _names(result, at))
    return max(_NARROW, min(_WIDE, max(map(_halves, seen)) + 2))


def _names(result: Result, at: int) -> Iterator[str]:
    return (str(row[at] or "") for row in result.rows[:_SAMPLE])


def _halves(text: str) -> int:
    return sum(1 if char.isascii() else 2 for char in text)


def _text(text: str) -> str:
    return harmless(printable(text))
