"""What all dialects share: a row as text by column, and what is said about columns."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from yuejie.clouds.charge import CellWrong, CloudRow, Metric
from yuejie.kernel.errors import UNREADABLE

Cells = Mapping[str, str]
"""A row: text by column, empty where the cell is; nested values are JSON, or dotted columns."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one kind of file is read.

    `used` are the columns something is computed from, `dropped` those deliberately not kept, with
    the reason; every other column, known or not, is kept with its row as it stood.
    """

    name: str
    needs: frozenset[str]
    """Columns without which a file is not of this kind."""
    used: frozenset[str]
    dropped: Mapping[str, str]
    metrics: tuple[Metric, ...]
    """What a file may state; the first is meant where nobody says otherwise."""
    read: Callable[[Cells, int, Metric], CloudRow]
    spelling: Callable[[str], str] = str
    """The name by which a column is known here, where files write it in more than one way."""

    def fits(self, columns: Iterable[str]) -> bool:
        """Tell whether a file with these columns is of this kind."""
        return self.needs <= {self.called(name) for name in columns}

    def called(self, column: str) -> str:
        """Return the name by which this dialect knows a column."""
        return self.spelling(column)

    def kept(self, cells: Cells) -> dict[str, str]:
        """Return what is kept of a row beside what is computed from it."""
        return {name: text for name, text in cells.items() if text and name not in self.dropped}


def pairs(text: str, column: str) -> dict[str, str]:
    """Read tags: an object, a list of key and value, or Azure's pairs without braces."""
    if not text:
        return {}
    body = text if text[:1] in "{[" else f"{{{text}}}"
    try:
        found = json.loads(body)
    except UNREADABLE:
        raise CellWrong(column, f"标签“{text[:60]}”不是 JSON") from None
    if isinstance(found, list):
        return {
            str(each.get("key", "")): _text(each.get("value"))
            for each in found
            if isinstance(each, dict)
        }
    return {str(name): _text(value) for name, value in found.items()}


def _text(value: object) -> str:
    return "" if value is None else value if isinstance(value, str) else json.dumps(value)
