"""A report on paper: what it is about, a chart, the rows, and what to know about them."""

from decimal import Decimal
from pathlib import Path
from typing import Final

from yuejie.insights.reports.forms.words import value, written
from yuejie.insights.reports.report import Form
from yuejie.insights.reports.result import Cell, Result
from yuejie.kernel.period import parse_instant, zone_of
from yuejie.paper.chart import Chart, Series, draw
from yuejie.paper.printable import printed
from yuejie.paper.template import Template

_PAPER: Final = Template(Path(__file__).with_name("report.typ"))
ROWS: Final = 300
"""More rows are for a spreadsheet; the paper says how many it leaves out."""
_POINTS: Final = 400
"""A year of days; more points are drawn as no chart."""
_WIDE: Final = 8
"""So many columns stand upright; more lie on their side."""


def to_pdf(result: Result) -> bytes:
    """Set a report on A4; the same result gives the same bytes."""
    dated = parse_instant(result.made_at, zone_of(result.zone))
    return _PAPER.to_pdf(_data(result), dated=dated)


def chart_of(result: Result) -> Chart | None:
    """Return what can be drawn of a report: over time in stacks or lines, else in bars."""
    if not result.chart_series or not 0 < len(result.chart_labels) <= _POINTS:
        return None
    figures = [figure or 0 for _, figures in result.chart_series for figure in figures]
    if not any(figures):
        return None
    over_time = result.grain != "合计"
    stacks = over_time and result.chart_form is not Form.SHARE and min(figures) >= 0
    unit = {Form.MONEY: result.currency, Form.SHARE: "%", Form.COUNT: ""}[result.chart_form]
    return Chart(
        title=f"{result.chart_title}{'' if over_time else '（从大到小）'}",
        kind="stacked" if stacks else "line" if over_time else "bar",
        labels=result.chart_labels,
        series=tuple(
            Series(name, tuple(_drawn(each, result.chart_form) for each in row))
            for name, row in result.chart_series
        ),
        unit=unit,
    )


def _drawn(figure: int | None, form: Form) -> Decimal | None:
    if figure is None:
        return None
    return value(figure, form) * (100 if form is Form.SHARE else 1)


def _data(result: Result) -> dict[str, object]:
    """Return everything the template shows, as text."""
    chart = chart_of(result)
    shown = result.rows[:ROWS]
    more = len(result.rows) - len(shown)
    return {
        "title": printed(result.report),
        "owner": printed(result.owner),
        "period": f"{result.period}（{result.first} 至 {result.last}）",
        "facts": _facts(result),
        "figures": _figures(result),
        "chart": draw(chart, "svg").decode() if chart else None,
        "wide": len(result.columns) > _WIDE,
        "columns": [
            {
                "title": column.title,
                "wide": column.form is None and column.code != "time",
                "number": column.form is not None,
            }
            for column in result.columns
        ],
        "rows": [_cells(result, row) for row in shown],
        "total": _total(result),
        "count": f"{len(result.rows):,}",
        "more": f"另有 {more:,} 行，见所附 XLSX" if more else "",
        "notes": [printed(note) for note in result.notes],
        "hash": result.sha256.hex(),
        "made_at": result.made_at,
    }


def _facts(result: Result) -> list[tuple[str, str]]:
    facts = [("对象", result.owner), ("时区", result.zone), ("币种", result.currency)]
    facts += [("粒度", result.grain), ("生成时间", result.made_at)]
    facts += [(f"筛选 {name}", kept) for name, kept in result.filters]
    return [(name, printed(text)) for name, text in facts]


def _figures(result: Result) -> list[tuple[str, str]]:
    """Return the first totals, large."""
    both = zip(result.columns, result.total, strict=True)
    found = [(column, cell) for column, cell in both if column.form is not None]
    return [
        (
            f"{column.title}（{result.currency}）" if column.form is Form.MONEY else column.title,
            written(cell, column),
        )
        for column, cell in found[:4]
    ]


def _cells(result: Result, row: tuple[Cell, ...]) -> list[str]:
    both = zip(result.columns, row, strict=True)
    return [printed(written(cell, column)) for column, cell in both]


def _total(result: Result) -> list[str]:
    cells = _cells(result, result.total)
    return ["合计", *cells[1:]] if result.columns[0].form is None else cells
