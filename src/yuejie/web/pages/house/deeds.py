"""The record of deeds: who did what to which thing and when, and the thing before and after."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

import msgspec
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response, StreamingResponse

from yuejie.bills.documents.table import harmless
from yuejie.db.session import Database
from yuejie.kernel.errors import Invalid
from yuejie.web.cursor import PAGE, Window
from yuejie.web.desk import Db
from yuejie.web.pages.frame.draw import HOUSE_ZONE, draw
from yuejie.web.pages.frame.entry import visit
from yuejie.web.store import DeedRow, deeds

routes: Final = APIRouter(include_in_schema=False, prefix="/deeds", dependencies=[Depends(visit)])

_NEWEST: Final = (1 << 63) - 1
_BATCH: Final = 1000
_BYTE_ORDER_MARK: Final = "\N{ZERO WIDTH NO-BREAK SPACE}"
COLUMNS: Final = ("编号", "时间", "谁", "做了什么", "对哪一类", "对哪一个", "之前", "之后", "事由")


@dataclass(frozen=True, slots=True)
class Sought:
    """Which deeds are looked for; days are the house's, both included."""

    by: str = ""
    noun: str = ""
    name: str = ""
    since: str = ""
    until: str = ""

    def rows(self, db: Database, *, before: int, limit: int) -> list[DeedRow]:
        """Return the newest of them before one."""
        with db.read() as tx:
            return deeds(
                tx,
                noun=self.noun.strip() or None,
                name=self.name.strip() or None,
                by=self.by.strip() or None,
                since=_midnight(self.since, timedelta(0)),
                until=_midnight(self.until, timedelta(days=1)),
                before=before,
                limit=limit,
            )


def _midnight(text: str, later: timedelta) -> datetime | None:
    if not text:
        return None
    try:
        day = date.fromisoformat(text) + later
    except (ValueError, OverflowError):
        raise Invalid(f"日期“{text}”应写成 2026-10-31，请改正后重试") from None
    return datetime(day.year, day.month, day.day, tzinfo=HOUSE_ZONE)


@routes.get("")
def list_deeds(
    request: Request,
    db: Db,
    by: str = "",
    noun: str = "",
    name: str = "",
    since: str = "",
    until: str = "",
    cursor: str | None = None,
) -> Response:
    """Show deeds, the newest first, each with what it changed."""
    window = Window.read("page:deeds", cursor, PAGE)
    sought = Sought(by, noun, name, since, until)
    rows = sought.rows(db, before=window.behind(_number) or _NEWEST, limit=window.fetch)
    shown = rows[: window.limit]
    return draw(
        request,
        "house/deeds.html",
        deeds=[(each, changed(each)) for each in shown],
        asked=sought,
        older=window.write(shown[-1].deed_id) if len(rows) > window.limit else None,
    )


@routes.get("/export")
def export(
    db: Db, by: str = "", noun: str = "", name: str = "", since: str = "", until: str = ""
) -> Response:
    """Give every deed that is looked for as CSV, batch by batch; no cell computes anything."""
    sought = Sought(by, noun, name, since, until)
    first = sought.rows(db, before=_NEWEST, limit=_BATCH)
    headers = {"content-disposition": 'attachment; filename="deeds.csv"'}
    body = _lines(db, sought, first)
    return StreamingResponse(body, media_type="text/csv; charset=utf-8", headers=headers)


def _lines(db: Database, sought: Sought, rows: list[DeedRow]) -> Iterator[str]:
    yield _BYTE_ORDER_MARK + _line(COLUMNS)
    while rows:
        for each in rows:
            yield _line(
                (
                    str(each.deed_id),
                    each.at.astimezone(HOUSE_ZONE).isoformat(),
                    *(harmless(text) for text in (each.by, each.verb, each.noun, each.name)),
                    harmless(_json(each.was)),
                    harmless(_json(each.became)),
                    harmless(each.why),
                )
            )
        rows = sought.rows(db, before=rows[-1].deed_id, limit=_BATCH)


def _line(cells: tuple[str, ...]) -> str:
    file = io.StringIO(newline="")
    csv.writer(file, lineterminator="\r\n").writerow(cells)
    return file.getvalue()


def changed(deed: DeedRow) -> list[tuple[str, str, str]]:
    """Return every field that differs, with what it was and became; a fresh thing was nothing."""
    was, became = deed.was or {}, deed.became or {}
    names = [*became, *(name for name in was if name not in became)]
    return [
        (name, _json(was.get(name)), _json(became.get(name)))
        for name in names
        if was.get(name) != became.get(name)
    ]


def _json(value: Any) -> str:  # noqa: ANN401 - a record holds what its noun held
    if value is None:
        return ""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _number(text: str) -> int:
    number = int(text)
    if not 0 < number <= _NEWEST:
        raise ValueError(text)
    return number
