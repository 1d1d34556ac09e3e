"""Figures as people read them. Pure."""

from decimal import Decimal
from typing import Final

from yuejie.insights.reports.report import Form
from yuejie.insights.reports.result import Cell, Column
from yuejie.kernel.money import FEN, PPM

NOTHING: Final = "—"
_PER_CENT: Final = 10_000
"""Parts per million in one per cent."""


def written(cell: Cell, column: Column) -> str:
    """Write a cell: thousands apart, fen as yuan, shares as per cent."""
    if cell is None:
        return NOTHING if column.form else ""
    if isinstance(cell, str):
        return cell
    number = value(cell, column.form)
    if column.form is Form.MONEY:
        return f"{number:,.2f}"
    return f"{Decimal(cell) / _PER_CENT:,.1f}%" if column.form is Form.SHARE else f"{number:,}"


def value(figure: int, form: Form | None) -> Decimal:
    """Return a figure as the number it stands for: yuan, pieces, or a fraction of one."""
    scale = {Form.MONEY: FEN, Form.SHARE: PPM}.get(form or Form.COUNT, 1)
    return Decimal(figure) / scale
