"""Calls by what one looks for, and one call: its attempts, meters, rates, every version of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import RedirectResponse, Response

from yuejie.contracts.auto.routed import asked_of
from yuejie.contracts.numbers.store import numbers_of
from yuejie.customers.enrol import find_customer
from yuejie.customers.names import names_of
from yuejie.customers.store import keys, projects
from yuejie.kernel.errors import Invalid
from yuejie.kernel.limits import (
    PACK_ROWS,
    REFUSED_DAYS,
    REFUSED_OF_CUSTOMER,
    REFUSED_OF_REASON,
    REFUSED_OF_WORKER,
)
from yuejie.kernel.money import Charge, Rate
from yuejie.kernel.period import zone_of
from yuejie.usage.calls.look import Sought, every_call, look_for_calls
from yuejie.usage.event import BILLED
from yuejie.usage.meters import COUNT_METERS, UNIT_METERS, per
from yuejie.usage.refusals.look import TurnedAway, look_up
from yuejie.usage.refusals.reason import PARTY_NAMES
from yuejie.usage.show import Attempt, PricedItem, parse_request_id
from yuejie.web.api.watch.refusals import HOUSE_ZONE
from yuejie.web.cursor import PAGE, Window
from yuejie.web.desk import Db
from yuejie.web.pages.frame.draw import caller_of, draw
from yuejie.web.pages.frame.entry import visit
from yuejie.web.pages.frame.sheet import sheet
from yuejie.web.pages.insight.whom import choose, query_of, whom
from yuejie.web.pages.usage import STATES

routes: Final = APIRouter(
    include_in_schema=False, prefix="/requests", dependencies=[Depends(visit)]
)
COLUMNS: Final = (
    "请求编号",
    "尝试",
    "时间",
    "账期",
    "项目",
    "密钥",
    "标签",
    "模型",
    "状态",
    "HTTP",
    "耗时毫秒",
    "token",
    "计费额",
    "币种",
)
Typed = Annotated[str, Field(max_length=200)]


class Asked(BaseModel):
    """The form of the list as it was filled in; what is empty asks for all."""

    customer: Typed = ""
    since: Typed = ""
    until: Typed = ""
    model: Typed = ""
    project: Typed = ""
    key: Typed = ""
    tag: Typed = ""
    state: Typed = ""
    failed: Typed = ""
    id: Typed = ""
    cursor: Typed = ""

    def sought(self, zone: ZoneInfo) -> Sought:
        """Return what the verb takes. Raises Invalid for days that cannot be read."""
        return Sought(
            since=_midnight(self.since, zone) if self.since else None,
            until=_midnight(self.until, zone, timedelta(days=1)) if self.until else None,
            model=self.model or None,
            project=self.project or None,
            key=self.key or None,
            tag=self.tag or None,
            state=self.state or None,
            failed=True if self.failed else None,
        )

    @property
    def query(self) -> dict[str, str]:
        """Return what was filled in, without where the list had got to."""
        return {
            name: value
            for name, value in self.model_dump(exclude={"cursor", "id"}).items()
            if value
        }


def _midnight(text: str, zone: ZoneInfo, later: timedelta = timedelta()) -> datetime:
    """Read a day, or an hour of it; the whole of what is named is meant."""
    try:
        if "T" in text:
            hour = datetime.fromisoformat(text).replace(tzinfo=None)
            return hour.replace(tzinfo=zone) + (timedelta(hours=1) if later else timedelta())
        day = date.fromisoformat(text) + later
    except (ValueError, OverflowError):
        raise Invalid(f"日期“{text}”应写成 2026-10-31，请改正后重试") from None
    return datetime(day.year, day.month, day.day, tzinfo=zone)


@routes.get("")
def list_calls(request: Request, db: Db, asked: Annotated[Asked, Query()]) -> Response:
    """Show a customer's calls that are looked for, the newest first; an id leads to its call."""
    if asked.id.strip():
        wanted = parse_request_id(asked.id)
        return RedirectResponse(f"/requests/req_{wanted.hex}", HTTPStatus.SEE_OTHER)
    party = whom(db, caller_of(request), asked.customer)
    if party is None:
        return choose(request, db, "请求")
    window = Window.read("page:requests", asked.cursor or None, PAGE)
    zone = zone_of(party.zone)
    sought = asked.sought(zone)
    found = look_for_calls(db, party.customer_id, sought, before=window.behind(UUID))
    with db.read() as tx:
        named = keys(tx, party.customer_id)
        places = projects(tx, party.customer_id)
    return draw(
        request,
        "trail/requests.html",
        zone=zone,
        customer=party,
        attempts=[(each, tokens_of(each)) for each in found.attempts],
        asked=asked,
        keys={str(each.key_id): f"{each.name} …{each.hint}" for each in named},
        projects={str(each.project_id): each.name for each in places},
        states=STATES,
        older=window.write(found.before),
        query=query_of(request, party),
    )


@routes.get("/export")
def export(request: Request, db: Db, asked: Annotated[Asked, Query()]) -> Response:
    """Give the calls that are looked for as CSV, as many as a spreadsheet opens."""
    party = whom(db, caller_of(request), asked.customer)
    if party is None:
        return choose(request, db, "请求")
    zone = zone_of(party.zone)
    with db.read() as tx:
        named = {str(each.key_id): each.name for each in keys(tx, party.customer_id)}
        places = {str(each.project_id): each.name for each in projects(tx, party.customer_id)}
    found = every_call(db, party.customer_id, asked.sought(zone), most=PACK_ROWS)
    return sheet("requests.csv", COLUMNS, _cells(found, zone, named, places))


def _cells(
    found: Iterator[Attempt], zone: ZoneInfo, named: dict[str, str], places: dict[str, str]
) -> Iterator[tuple[object, ...]]:
    for each in found:
        event = each.event
        yield (
            f"req_{event.operation_id.hex}",
            event.attempt,
            event.started_at.astimezone(zone).isoformat(timespec="milliseconds"),
            event.month,
            places.get(event.project_id, event.project_id),
            named.get(event.key_id, event.key_id),
            event.tags,
            event.model,
            STATES.get(event.state, event.state),
            event.http_status,
            each.latency_ms,
            tokens_of(each),
            str(each.charge) if each.charge else "",
            each.charge.currency if each.charge else "",
        )


def tokens_of(attempt: Attempt) -> int:
    """Return how many tokens an attempt used, of whatever kind."""
    return sum(int(each.quantity) for each in attempt.items if each.meter not in UNIT_METERS)


@dataclass(frozen=True, slots=True)
class ItemRow:
    """An item as the page writes it. `was` is the quantity of the version before, if it differs."""

    model: str
    meter: str
    quantity: int
    was: int | None
    rate: str
    currency: str
    units: int
    charge: Charge | None
    cost_rate: str
    cost: Charge | None


@routes.get("/{request_id}")
def show(request: Request, db: Db, request_id: str) -> Response:
    """Show a call with every attempt, or why there is none; what it cost us is the operator's."""
    caller = caller_of(request)
    operation = parse_request_id(request_id)
    found = look_up(db, caller.customer_id, operation)
    if found.refused is not None:
        return _refused(request, db, found.refused)
    attempts = found.attempts
    with db.read() as tx:
        party = find_customer(tx, attempts[0].event.customer_id)
        named = {str(each.key_id): each.name for each in keys(tx, party.customer_id)}
        places = {str(each.project_id): each.name for each in projects(tx, party.customer_id)}
        numbers = numbers_of(tx, party.customer_id)
    return draw(
        request,
        "trail/request.html",
        zone=zone_of(party.zone),
        customer=party,
        request_id=f"req_{operation.hex}",
        attempts=[(each, _rows(each)) for each in attempts],
        asked=asked_of(attempts[0].event.facts, attempts[0].event.model),
        charge=next((a.charge for a in attempts if a.event.billable and a.charge), None),
        keys=named,
        projects=places,
        numbers=numbers,
        states=STATES,
        with_cost=caller.is_operator,
    )


def _refused(request: Request, db: Db, found: TurnedAway) -> Response:
    """Show why a call was turned away; whose it is stays empty where nobody knows."""
    call = found.call
    with db.read() as tx:
        party = find_customer(tx, call.customer_id) if call.customer_id else None
        names = names_of(tx, party) if party else {}
    return draw(
        request,
        "trail/refused.html",
        zone=zone_of(party.zone if party else HOUSE_ZONE),
        customer=party,
        found=found,
        call=call,
        names=names,
        parties=PARTY_NAMES,
        bounds=(REFUSED_DAYS, REFUSED_OF_REASON, REFUSED_OF_CUSTOMER, REFUSED_OF_WORKER),
        is_operator=caller_of(request).is_operator,
    )


def _rows(attempt: Attempt) -> list[ItemRow]:
    """Return the items that were counted in tokens or pieces; that it was a call goes unsaid."""
    billed = attempt.event.state in BILLED
    before: dict[tuple[str, str], int] = {}
    if attempt.superseded:
        for model, meter, quantity, *_ in attempt.superseded[-1].items:
            before[model, meter] = before.get((model, meter), 0) + int(quantity)
    return [
        _row(each, billed=billed, was=before.get((each.model, each.meter), 0))
        if attempt.superseded
        else _row(each, billed=billed, was=None)
        for each in attempt.items
        if each.meter not in COUNT_METERS or (each.sale and each.sale.pico)
    ]


def _row(item: PricedItem, *, billed: bool, was: int | None) -> ItemRow:
    units = per(item.meter)
    quantity = int(item.quantity)
    sale, cost = item.sale, item.cost
    return ItemRow(
        model=item.model,
        meter=item.meter,
        quantity=quantity,
        was=was if was != quantity else None,
        rate=Rate(sale.pico, sale.currency).per(units) if sale else "",
        currency=sale.currency if sale else "",
        units=units,
        charge=Charge(quantity * sale.pico, sale.currency) if sale and billed else None,
        cost_rate=f"{Rate(cost.pico, cost.currency).per(units)} {cost.currency}" if cost else "",
        cost=Charge(quantity * cost.pico, cost.currency) if cost and billed else None,
    )
