"""Exported tables of other gateways, row by row: CSV, JSON lines, or the SQLite file itself."""

from collections.abc import Iterator
from pathlib import Path

from yuejie.intake.elsewhere.store import MAGIC, sqlite_rows
from yuejie.intake.imports.reading import Fields, Row, open_rows
from yuejie.kernel.errors import Invalid


def rows_of_table(path: Path, wanted: str) -> Iterator[Fields]:
    """Yield the rows of an export; a line that cannot be read refuses the file."""
    with path.open("rb") as file:
        magic = file.read(len(MAGIC))
    if magic == MAGIC:
        yield from sqlite_rows(path, wanted)
        return
    opened = open_rows(path, "jsonl" if magic[:1] == b"{" else "csv")
    try:
        for row in opened.rows:
            yield _sound(row)
    finally:
        opened.close()


def _sound(row: Row) -> Fields:
    if row.fault:
        raise Invalid(f"第 {row.line} 行读不懂：{row.fault}")
    return row.fields
