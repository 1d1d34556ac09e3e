"""A revision of a price book beside what held before it: what rises, falls, comes and goes."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from yuejie.contracts.changes.compare import KINDS, Difference, differences
from yuejie.contracts.store import BookRow, RevisionNote, book, rates, revisions
from yuejie.db.session import Database
from yuejie.kernel.errors import NotFound
from yuejie.kernel.money import plain
from yuejie.web.cursor import PAGE, Window, cut
from yuejie.web.desk import Db, Now
from yuejie.web.pages.frame.draw import draw
from yuejie.web.pages.frame.entry import visit
from yuejie.web.pages.frame.sheet import sheet

routes: Final = APIRouter(
    include_in_schema=False,
    prefix="/prices/{book}/revisions/{revision}",
    dependencies=[Depends(visit)],
)
COLUMNS: Final = (
    "模型",
    "计量项",
    "服务档",
    "长上下文",
    "时段",
    "原单价",
    "新单价",
    "变动 %",
    "币种",
)
_PPM_PER_PERCENT: Final = 10_000


def lines_of(found: Iterable[Difference]) -> Iterator[tuple[object, ...]]:
    """Yield differences as the rows of a sheet with `COLUMNS`."""
    for each in found:
        share = "" if each.ppm is None else plain(each.ppm, _PPM_PER_PERCENT, 2)
        was, became = each.written(each.was), each.written(each.became)
        yield (*each.key, was, became, share, each.currency)


def leaf_of(
    found: Sequence[Difference], kind: str, window: Window
) -> tuple[list[Difference], str | None, dict[str, int]]:
    """Return a leaf of differences, the changed first, where the next begins, and how many of each.

    The place of each in the order is its key, so that a leaf begins where the last ended.
    """
    order = list(KINDS)
    placed = [
        (f"{order.index(each.kind)}{at:08d}", each)
        for at, each in enumerate(found)
        if not kind or each.kind == kind
    ]
    page = cut(window, placed, lambda pair: pair[0])
    shown = page[: window.limit]
    later = window.write(shown[-1][0]) if len(page) > window.limit else None
    counts = {name: sum(each.kind == name for each in found) for name in order}
    return [each for _, each in shown], later, counts


@routes.get("")
def show(
    request: Request,
    db: Db,
    now: Now,
    book: str,
    revision: int,
    kind: str = "",
    cursor: str | None = None,
) -> Response:
    """Show what a revision changes, the changed first."""
    window = Window.read(f"page:revision:{book}:{revision}:{kind}", cursor, PAGE)
    row, note, found = _found(db, book, revision)
    shown, later, counts = leaf_of(found, kind, window)
    return draw(
        request,
        "ops/revision.html",
        book=row,
        note=note,
        changes=shown,
        counts=counts,
        kinds=KINDS,
        asked=kind,
        now=now,
        later=later,
    )


@routes.get("/export")
def export(db: Db, book: str, revision: int) -> Response:
    """Give what a revision changes as CSV."""
    _, _, found = _found(db, book, revision)
    return sheet(f"{book}-{revision}.csv", COLUMNS, lines_of(found))


def _found(
    db: Database, named: str, revision: int
) -> tuple[BookRow, RevisionNote, list[Difference]]:
    with db.read() as tx:
        row = book(tx, named)
        note = next((n for n in revisions(tx, named) if n.revision == revision), None)
        if row is None or note is None:
            raise NotFound(f"价目 {named} 没有第 {revision} 版，请在价目页核对")
        return row, note, differences(rates(tx, named), revision)
