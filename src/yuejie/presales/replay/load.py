"""Take in a file of past usage for a prospect: no customer, no event, only sums.

The readers are those of imports (intake/imports): our CSV and JSONL, the usage exports of OpenAI
and Anthropic, with a mapping file where columns or model names differ. A line that cannot be read
is counted and told; a file without a single good line is refused.
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final

from yuejie.contracts.prices import Book
from yuejie.contracts.store import book_rows
from yuejie.db.session import Database, Tx
from yuejie.intake.imports.drafts import Reader, reader_of
from yuejie.intake.imports.mapping import Mapping
from yuejie.intake.imports.reading import Row, form_of, open_rows
from yuejie.kernel.errors import Invalid
from yuejie.kernel.ids import mint
from yuejie.kernel.period import zone_of
from yuejie.presales.prospects import find_prospect
from yuejie.presales.replay import store
from yuejie.presales.replay.usage import Summing, Usage
from yuejie.presales.store import list_books

EXPORTS: Final = ("openai", "anthropic")
REJECTS_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class Reject:
    """A line that could not be taken, and why."""

    line: int
    why: str


@dataclass(frozen=True, slots=True)
class Loaded:
    """What became of a file: the first lines that were refused, the months it covers."""

    usage: Usage
    months: tuple[str, ...]
    models: tuple[str, ...]
    cells: int
    rejects: tuple[Reject, ...]


def load_usage(
    db: Database,
    named: str,
    path: Path,
    mapping: Mapping,
    *,
    zone: str,
    by: str,
    now: datetime,
    name: str = "",
) -> Loaded:
    """Sum a file and keep the sums under a prospect. `name` is what the file is called there.

    Raises Invalid for a file that is none of ours, or in which nothing is good.
    """
    with db.read() as tx:
        prospect = find_prospect(tx, named)
        summing = Summing.under(_books(tx), zone_of(zone))
    form = mapping.form or form_of(path)
    # Whose calls they were is no matter here, so that a file needs no names of customers.
    plain = replace(mapping, clients={})
    read = reader_of(plain, aggregated=form in EXPORTS)
    rows = refused = 0
    rejects: list[Reject] = []
    with closing(open_rows(path, form)) as file:
        for row in file.rows:
            rows += 1
            why = row.fault or _taken(row, read, summing)
            if why:
                refused += 1
                rejects += [Reject(row.line, why)] if len(rejects) < REJECTS_SHOWN else []
            summing.refuse_too_many()
        sha256 = file.sha256
    if not summing.sums:
        why = f"第 {rejects[0].line} 行：{rejects[0].why}" if rejects else "文件是空的"
        raise Invalid(f"{name or path.name} 没有一行能用（{why}），请核对格式与映射文件")
    usage = Usage(
        import_id=mint("imp", now),
        prospect_id=prospect.prospect_id,
        name=name or path.name,
        sha256=sha256,
        row_count=rows,
        rejected=refused,
        zone=zone,
        made_by=by,
        made_at=now,
    )
    with db.begin() as tx:
        cells = store.insert_usage(tx, usage, summing.cells())
    months = tuple(sorted({key.month for key, _ in summing.sums}))
    models = tuple(sorted({key.model for key, _ in summing.sums}))
    return Loaded(usage, months, models, cells, tuple(rejects))


def _taken(row: Row, read: Reader, summing: Summing) -> str:
    """Add a line to the sums, or return why it cannot be."""
    try:
        summing.add(read(row.fields)[1], row.line)
    except Invalid as error:
        return error.sentence
    return ""


def _books(tx: Tx) -> Iterator[Book]:
    for row in list_books(tx):
        yield Book(book_rows(tx, row))
