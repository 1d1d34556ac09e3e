"""The record of deeds: who did what to which thing and when, and the thing before and after."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import msgspec
from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response, StreamingResponse

from yuejie.customers.enrol import find_customer
from yuejie.db.session import Database
from yuejie.kernel.errors import Invalid
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.period import zone_of
from yuejie.paper.cells import harmless
from yuejie.web.auth import whose
from yuejie.web.cursor import PAGE, Window
from yuejie.web.desk import Db
from yuejie.web.pages.frame.draw import HOUSE_ZONE, caller_of, draw
from yuejie.web.pages.frame.entry import visit
from yuejie.web.store import DeedRow, Sought, deeds_seen

routes: Final = APIRouter(include_in_schema=False, prefix="/deeds", dependencies=[Depends(visit)])

Name = Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")]

_NEWEST: Final = (1 << 63) - 1
_BATCH: Final = 1000
_BYTE_ORDER_MARK: Final = "\N{ZERO WIDTH NO-BREAK SPACE}"
COLUMNS: Final = (
    *("编号", "时间", "谁", "令牌", "做了什么", "对哪一类", "对哪一个"),
    *("之前", "之后", "事由"),
)


class Wished(BaseModel):
    """Which deeds are looked for, as the form has it; days by the reader's clock, both included."""

    by: Name = ""
    verb: Name = ""
    noun: Name = ""
    name: Name = ""
    since: Name = ""
    until: Name = ""
    customer: Name = ""
    cursor: str | None = Field(None, max_length=1_000)

    def sought(self, zone: ZoneInfo) -> Sought:
        """Return what that means. Raises Invalid for a day that is none."""
        return Sought(
            noun=self.noun.strip() or None,
            name=self.name.strip() or None,
            by=self.by.strip() or None,
            verb=self.verb.strip() or None,
            since=_midnight(self.since, timedelta(0), zone),
            until=_midnight(self.until, timedelta(days=1), zone),
        )

    def query(self) -> str:
        """Return what an address asks for the same with."""
        return urlencode({name: value for name, value in self if value and name != "cursor"})


@dataclass(frozen=True, slots=True)
class Reading:
    """Whose deeds are read, and which of them."""

    db: Database
    customer_id: CustomerId | None
    zone: ZoneInfo
    sought: Sought

    def rows(self, *, before: int, limit: int) -> list[DeedRow]:
        """Return the newest before one."""
        with self.db.read() as tx:
            return deeds_seen(tx, self.customer_id, self.sought, before=before, limit=limit)


def _reading(request: Request, db: Database, wished: Wished) -> Reading:
    with db.read() as tx:
        customer_id = whose(tx, caller_of(request), wished.customer or None)
        party = find_customer(tx, customer_id) if customer_id else None
    zone = zone_of(party.zone) if party else HOUSE_ZONE
    return Reading(db, customer_id, zone, wished.sought(zone))


def _midnight(text: str, later: timedelta, zone: ZoneInfo) -> datetime | None:
    if not text:
        return None
    try:
        day = date.fromisoformat(text) + later
    except (ValueError, OverflowError):
        raise Invalid(f"日期“{text}”应写成 2026-10-31，请改正后重试") from None
    return datetime(day.year, day.month, day.day, tzinfo=zone)


@routes.get("")
def list_deeds(request: Request, db: Db, wished: Annotated[Wished, Query()]) -> Response:
    """Show deeds, the newest first, each with what it changed."""
    window = Window.read("page:deeds", wished.cursor, PAGE)
    reading = _reading(request, db, wished)
    rows = reading.rows(before=window.behind(_number) or _NEWEST, limit=window.fetch)
    shown = rows[: window.limit]
    return draw(
        request,
        "house/deeds.html",
        deeds=[(each, changed(each)) for each in shown],
        zone=reading.zone,
        asked=wished,
        query=wished.query(),
        older=window.write(shown[-1].deed_id) if len(rows) > window.limit else None,
    )


@routes.get("/export")
def export(request: Request, db: Db, wished: Annotated[Wished, Query()]) -> Response:
    """Give every deed that is looked for as CSV, batch by batch; no cell computes anything."""
    reading = _reading(request, db, wished)
    first = reading.rows(before=_NEWEST, limit=_BATCH)
    headers = {"content-disposition": 'attachment; filename="deeds.csv"'}
    body = _lines(reading, first)
    return StreamingResponse(body, media_type="text/csv; charset=utf-8", headers=headers)


def _lines(reading: Reading, rows: list[DeedRow]) -> Iterator[str]:
    yield _BYTE_ORDER_MARK + _line(COLUMNS)
    while rows:
        for each in rows:
            yield _line(
                (
                    str(each.deed_id),
                    each.at.astimezone(reading.zone).isoformat(),
                    *map(harmless, (each.by, each.via, each.verb, each.noun, each.name)),
                    harmless(_json(each.was)),
                    harmless(_json(each.became)),
                    harmless(each.why),
                )
            )
        rows = reading.rows(before=rows[-1].deed_id, limit=_BATCH)


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
