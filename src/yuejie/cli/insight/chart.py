"""A chart of plain text: columns of the past, and of what is to come with its range.

    12.3 ┤    █
         │  █ █ ░ ░
     6.1 ┤█ █ █ ▒ ▒
         │█ █ █ ▓ ▓
       0 ┼──────────
          11-01

Solid is what was; dark what is to come at least (nine times in ten), middling up to what is
likely, light up to what it stays below (nine times in ten).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

HEIGHT: Final = 12
LEGEND: Final = "█ 实际   ▓ 预测下限   ▒ 到预测值   ░ 到预测上限（80 % 区间）"
_EIGHTHS: Final = " ▁▂▃▄▅▆▇█"
_APART: Final = 8
"""Columns between the labels of the time axis."""


@dataclass(frozen=True, slots=True)
class Column:
    """A step of time: what was used, and on top of it what is to come, where anything is."""

    label: str
    used: int
    low: int | None = None
    middle: int | None = None
    high: int | None = None


def chart(
    columns: Sequence[Column],
    write: Callable[[int], str],
    *,
    line: int | None = None,
    height: int = HEIGHT,
) -> list[str]:
    """Return the lines of a chart; `write` writes a value for its axis, `line` is drawn across.

    A bound, or a line, that lies far above everything else is cut off, or not drawn.
    """
    most = max((max(each.used, each.middle or 0, each.high or 0) for each in columns), default=0)
    if most <= 0:
        return []
    usual = max(max(each.used, each.middle or 0) for each in columns) or most
    most = min(max(most, line or 0), 3 * usual)
    marks = {height - 1: write(most), height // 2: write(most // 2)}
    wide = max(len(mark) for mark in (*marks.values(), "0"))
    lines = []
    for row in range(height - 1, -1, -1):
        cells = "".join(_cell(each, row, most / height) for each in columns)
        if line is not None and row == min(int(line * height / most), height):
            cells = cells.replace(" ", "┄")
        mark = marks.get(row, "")
        lines.append(f"{mark:>{wide}} {'┤' if mark else '│'}{cells}".rstrip())
    lines.append(f"{'0':>{wide}} ┼{'─' * len(columns)}")
    lines.append(f"{'':>{wide}}  {_labels(columns)}".rstrip())
    return lines


def _cell(column: Column, row: int, step: float) -> str:
    bottom, middle = row * step, (row + 0.5) * step
    if column.used > bottom and column.used >= middle:
        return "█" if column.used >= bottom + step else _part(column.used - bottom, step, column)
    if column.middle is None:
        return _part(column.used - bottom, step, column) if column.used > bottom else " "
    if column.low is not None and column.low >= middle:
        return "▓"
    if column.middle >= middle:
        return "▒"
    if column.high is not None and column.high >= middle:
        return "░"
    return " "


def _part(above: float, step: float, column: Column) -> str:
    """Return a cell that is partly filled; beneath what is to come it is full or not at all."""
    if column.middle is not None:
        return "█"
    return _EIGHTHS[max(1, min(8, round(8 * above / step)))]


def _labels(columns: Sequence[Column]) -> str:
    text = ""
    for place, each in enumerate(columns):
        if place % _APART == 0 and len(text) <= place:
            text = text.ljust(place) + each.label
    return text[: len(columns) + _APART]
