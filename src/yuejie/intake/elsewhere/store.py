"""Tables of another gateway's SQLite file, opened for reading only."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

from yuejie.kernel.errors import Invalid

MAGIC: Final = b"SQLite format 3\x00"
QUERIES: Final = {
    "newapi": "SELECT * FROM logs",
    "newapi-keys": "SELECT * FROM tokens",
    "litellm": 'SELECT * FROM "LiteLLM_SpendLogs"',
    "litellm-keys": 'SELECT * FROM "LiteLLM_VerificationToken"',
}
"""What is read of a database, by what is asked for; the names are those programs' own."""


def sqlite_rows(path: Path, wanted: str) -> Iterator[dict[str, str]]:
    """Yield the rows of a table as texts."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
            rows = database.execute(QUERIES[wanted])
            names = [column[0] for column in rows.description]
            for row in rows:
                yield {name: _text(value) for name, value in zip(names, row, strict=True)}
    except sqlite3.Error as error:
        raise Invalid(f"读不了 {path.name}：{error}；请确认它是该程序的 SQLite 数据库") from error


def _text(value: object) -> str:
    if value is None:
        return ""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
