"""The record of deeds: who did what to which thing and when, and the thing before and after."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response, StreamingResponse

from yuejie.customers.enrol import find_customer
from yuejie.db.session import Database, Tx
from yuejie.kernel.errors import Invalid
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.period import zone_of
from yuejie.paper.cells import harmless
from yuejie.web.auth import whose
from yuejie.web.cursor import PAGE, Window
from yuejie.web.desk import Db
from yuejie.web.pages.frame.draw import HOUSE_ZONE, caller_of, draw
from yuejie.web.pages.frame.entry import visit
from yuejie.web.record.store import ids_called
from yuejie.web.record.told import (
    Told,
    as_written,
    lines_of,
    nouns_and_verbs,
    tell_deeds,
)
from yuejie.web.record.who import signed_as
from yuejie.web.record.words import verbs_called
from yuejie.web.store import Sought, deeds_seen

routes: Final = APIRouter(include_in_schema=False, prefix="/deeds", dependencies=[Depends(visit)])

Name = Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")]

_NEWEST: Final = (1 << 63) - 1
_BATCH: Final = 1000
_BYTE_ORDER_MARK: Final = "\N{ZERO WIDTH NO-BREAK SPACE}"
COLUMNS: Final = (
    *("编号", "时间", "谁", "令牌", "做了什么", "对哪一个", "改动", "事由"),
    *("动作代码", "类别代码", "内部编号", "之前（原样）", "之后（原样）"),
)
"""In words for people, then as it is kept, for programs."""


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

    def sought(self, tx: Tx, customer_id: CustomerId | None, zone: ZoneInfo) -> Sought:
        """Return what that means. Raises Invalid for a day that is none."""
        name, who, verb = self.name.strip(), self.by.strip(), self.verb.strip()
        return Sought(
            noun=self.noun.strip() or None,
            called=ids_called(tx, customer_id, name) if name else None,
            signers=signed_as(who) if who else None,
            verbs=verbs_called(verb) if verb else None,
            since=_midnight(self.since, timedelta(0), zone),
            until=_midnight(self.until, timedelta(days=1), zone),
        )

    def query(self) -> str:
        """Return what an address asks for the same with."""
        return urlencode({name: value for name, value in self if value and name != "cursor"})


@dataclass(frozen=True, slots=True)
class Reading:
    """Whose deeds are read, which of them, and in which words."""

    db: Database
    customer_id: CustomerId | None
    zone: ZoneInfo
    language: str
    sought: Sought

    def told(self, *, before: int, limit: int) -> list[Told]:
        """Return the newest before one, in words."""
        with self.db.read() as tx:
            rows = deeds_seen(tx, self.customer_id, self.sought, before=before, limit=limit)
            return tell_deeds(tx, self.customer_id, rows, language=self.language, zone=self.zone)


def _reading(request: Request, db: Database, wished: Wished) -> Reading:
    with db.read() as tx:
        customer_id = whose(tx, caller_of(request), wished.customer or None)
        party = find_customer(tx, customer_id) if customer_id else None
        zone = zone_of(party.zone) if party else HOUSE_ZONE
        language = request.state.visitor.language
        return Reading(db, customer_id, zone, language, wished.sought(tx, customer_id, zone))


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
    told = reading.told(before=window.behind(_number) or _NEWEST, limit=window.fetch)
    shown = told[: window.limit]
    nouns, verbs = nouns_and_verbs(reading.language)
    return draw(
        request,
        "house/deeds.html",
        deeds=shown,
        nouns=nouns,
        verbs=verbs,
        zone=reading.zone,
        asked=wished,
        query=wished.query(),
        older=window.write(shown[-1].row.deed_id) if len(told) > window.limit else None,
    )


@routes.get("/export")
def export(request: Request, db: Db, wished: Annotated[Wished, Query()]) -> Response:
    """Give every deed that is looked for as CSV, batch by batch; no cell computes anything."""
    reading = _reading(request, db, wished)
    first = reading.told(before=_NEWEST, limit=_BATCH)
    headers = {"content-disposition": 'attachment; filename="deeds.csv"'}
    body = _lines(reading, first)
    return StreamingResponse(body, media_type="text/csv; charset=utf-8", headers=headers)


def _lines(reading: Reading, told: list[Told]) -> Iterator[str]:
    yield _BYTE_ORDER_MARK + _line(COLUMNS)
    while told:
        for each in told:
            yield _line(_cells(each, reading.zone))
        told = reading.told(before=told[-1].row.deed_id, limit=_BATCH)


def _cells(told: Told, zone: ZoneInfo) -> tuple[str, ...]:
    row = told.row
    words = (row.by, row.via, told.what, told.thing, "；".join(lines_of(told.changes)), row.why)
    kept = (row.verb, row.noun, row.name, as_written(row.was), as_written(row.became))
    return (
        str(row.deed_id),
        row.at.astimezone(zone).isoformat(),
        *map(harmless, words),
        *map(harmless, kept),
    )


def _line(cells: tuple[str, ...]) -> str:
    file = io.StringIO(newline="")
    csv.writer(file, lineterminator="\r\n").writerow(cells)
    return file.getvalue()


def _number(text: str) -> int:
    number = int(text)
    if not 0 < number <= _NEWEST:
        raise ValueError(text)
    return number
