"""A revision of a price book beside what held before it: what rises, falls, comes and goes."""

from dataclasses import dataclass
from typing import Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from yuejie.contracts.prices import RateRow
from yuejie.contracts.store import BookRow, RevisionNote, book, rates, revisions
from yuejie.db.session import Database
from yuejie.kernel.errors import NotFound
from yuejie.kernel.money import PPM, Rate, divide, plain
from yuejie.usage.meters import per
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
KINDS: Final = {"up": "涨价", "down": "降价", "new": "新增", "gone": "取消", "same": "不变"}
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
Key = tuple[str, str, str, int, str]


@dataclass(frozen=True, slots=True)
class Change:
    """A price before and after; None where there was or is none."""

    key: Key
    currency: str
    was: int | None
    became: int | None

    @property
    def kind(self) -> str:
        """Say what happened to it."""
        if self.was is None:
            return "new"
        if self.became is None:
            return "gone"
        return "same" if self.was == self.became else ("up" if self.became > self.was else "down")

    @property
    def ppm(self) -> int | None:
        """By how much it changed, in millionths of what it was."""
        if not self.was or self.became is None:
            return None
        return divide((self.became - self.was) * PPM, self.was)

    def written(self, pico: int | None) -> str:
        """Write a price per million tokens, or per piece."""
        return "" if pico is None else Rate(pico, self.currency).per(per(self.key[1]))


def changes(rows: list[RateRow], revision: int) -> list[Change]:
    """Compare a revision with what each model it names cost before; other models stay as they are.

    Prices that a meter borrows from another follow it, and are not listed by themselves.
    """
    own = [row for row in rows if not row.origin.startswith("fallback:")]
    named = {row.model for row in own if row.revision == revision}
    last: dict[str, int] = {}
    for row in own:
        if row.revision < revision and row.model in named:
            last[row.model] = max(last.get(row.model, 0), row.revision)
    was = {_key(row): row for row in own if last.get(row.model) == row.revision}
    became = {_key(row): row for row in own if row.revision == revision}
    return [
        Change(
            key,
            (became.get(key) or was[key]).currency,
            was[key].pico if key in was else None,
            became[key].pico if key in became else None,
        )
        for key in sorted(was.keys() | became.keys())
    ]


def _key(row: RateRow) -> Key:
    return (row.model, row.meter, row.service_tier, row.context_above, row.time_window)


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
    order = list(KINDS)
    placed = [
        (f"{order.index(each.kind)}{at:08d}", each)
        for at, each in enumerate(found)
        if not kind or each.kind == kind
    ]
    page = cut(window, placed, lambda pair: pair[0])
    shown = page[:PAGE]
    return draw(
        request,
        "ops/revision.html",
        book=row,
        note=note,
        changes=[each for _, each in shown],
        counts={name: sum(each.kind == name for each in found) for name in order},
        kinds=KINDS,
        asked=kind,
        now=now,
        later=window.write(shown[-1][0]) if len(page) > PAGE else None,
    )


@routes.get("/export")
def export(db: Db, book: str, revision: int) -> Response:
    """Give what a revision changes as CSV."""
    _, _, found = _found(db, book, revision)
    rows = (
        (
            *each.key,
            each.written(each.was),
            each.written(each.became),
            "" if each.ppm is None else plain(each.ppm, _PPM_PER_PERCENT, 2),
            each.currency,
        )
        for each in found
    )
    return sheet(f"{book}-{revision}.csv", COLUMNS, rows)


def _found(db: Database, named: str, revision: int) -> tuple[BookRow, RevisionNote, list[Change]]:
    with db.read() as tx:
        row = book(tx, named)
        note = next((n for n in revisions(tx, named) if n.revision == revision), None)
        if row is None or note is None:
            raise NotFound(f"价目 {named} 没有第 {revision} 版，请在价目页核对")
        return row, note, changes(rates(tx, named), revision)
