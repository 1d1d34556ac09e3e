"""A bill's line: its days, the calls of a day, the rate in force, and the sum that gives it."""

from datetime import date, timedelta
from typing import Final
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from yuejie.bills.trail.follow import every_call, follow_day, follow_line
from yuejie.bills.trail.trail import LineTrail
from yuejie.contracts.numbers.number import called
from yuejie.customers.customer import Customer
from yuejie.customers.enrol import find_customer
from yuejie.db.session import Database
from yuejie.kernel.errors import Invalid
from yuejie.kernel.money import FX_SCALE, Rate, plain
from yuejie.kernel.period import zone_of
from yuejie.usage.meters import meter_name, per, per_name
from yuejie.web.api.billing.bills import visible_bill
from yuejie.web.auth import Caller
from yuejie.web.cursor import PAGE, Window
from yuejie.web.desk import Db
from yuejie.web.pages.frame.draw import caller_of, draw
from yuejie.web.pages.frame.entry import visit
from yuejie.web.pages.frame.sheet import sheet
from yuejie.web.pages.trail.clouds import show_cloud_line

routes: Final = APIRouter(
    include_in_schema=False, prefix="/bills/{bill}/lines", dependencies=[Depends(visit)]
)
COLUMNS: Final = (
    "请求编号",
    "尝试",
    "版本",
    "时间",
    "密钥",
    "标签",
    "合同",
    "合同版次",
    "模型",
    "计量项",
    "本行数量",
    "单价",
    "单价单位",
    "计费额",
    "币种",
)


@routes.get("/{position}")
def show_line(
    request: Request, db: Db, bill: str, position: int, cursor: str | None = None
) -> Response:
    """Show the days of a line with the sum that gives it, and the rate that was in force.

    Of a cloud's line: the rows of the cloud's own bill behind it.
    """
    if (cloud := show_cloud_line(request, db, bill, position, cursor)) is not None:
        return cloud
    party, trail = _found(db, caller_of(request), bill, position)
    with db.read() as tx:
        contract = called(tx, party.customer_id, trail.bill.contract_id)
    return draw(
        request,
        "trail/line.html",
        zone=zone_of(party.zone),
        customer=party,
        trail=trail,
        rate=rate_words(trail),
        contract=contract,
    )


@routes.get("/{position}/calls.csv")
def export(request: Request, db: Db, bill: str, position: int, day: str = "") -> Response:
    """Give every call of a line, or of one of its days, as CSV: the column adds up to the line."""
    party, trail = _found(db, caller_of(request), bill, position)
    zone = zone_of(party.zone)
    wanted = _day(day) if day else None
    line = trail.line
    rate = Rate(line.rate_pico, line.rate_currency)
    meter = line.meter
    fixed = (rate.per(per(meter)), f"{line.rate_currency}/{per_name(meter)}")
    rows = (
        (
            f"req_{each.operation_id.hex}",
            each.attempt,
            each.version,
            each.started_at.astimezone(zone).isoformat(timespec="milliseconds"),
            each.key,
            each.tags,
            each.contract_id,
            each.contract_version,
            line.model,
            meter_name(meter),
            each.adds,
            *fixed,
            str(trail.charge(each.adds)),
            line.rate_currency,
        )
        for each in every_call(db, trail, zone, wanted)
    )
    name = f"{trail.bill.name}-{position}{f'-{wanted}' if wanted else ''}.csv"
    return sheet(name, COLUMNS, rows)


@routes.get("/{position}/{day}")
def show_day(
    request: Request, db: Db, bill: str, position: int, day: str, cursor: str | None = None
) -> Response:
    """Show the calls of a day that the line bills, in the order in which they began."""
    wanted = _day(day)
    party, trail = _found(db, caller_of(request), bill, position)
    window = Window.read(f"page:line:{trail.bill.bill_id}:{position}:{day}", cursor, PAGE)
    after = window.behind(_place)
    zone = zone_of(party.zone)
    with db.read() as tx:
        page = follow_day(tx, trail, wanted, zone, after=after, limit=PAGE)
        contract = called(tx, party.customer_id, trail.bill.contract_id)
    return draw(
        request,
        "trail/day.html",
        zone=zone,
        customer=party,
        trail=trail,
        rate=rate_words(trail),
        contract=contract,
        day=wanted,
        quantity=next((int(each.quantity) for each in trail.days if each.day == wanted), 0),
        page_of=page,
        first=after is None,
        later=window.write(f"{page.after[0]}:{page.after[1]}") if page.after else None,
    )


def _found(db: Database, caller: Caller, bill: str, position: int) -> tuple[Customer, LineTrail]:
    with db.read(consistent=True) as tx:
        found = visible_bill(tx, caller, bill)
        party = find_customer(tx, found.customer_id)
        return party, follow_line(tx, found, position, zone_of(party.zone))


def rate_words(trail: LineTrail) -> dict[str, str]:
    """Return a line's rate as people write it: how much, per what, and the list price behind it."""
    row, line = trail.rate, trail.line
    units = per(line.meter)
    listed = ""
    if row.list_pico is not None and row.list_currency is not None:
        listed = f"{Rate(row.list_pico, row.list_currency).per(units)} {row.list_currency}"
    return {
        "amount": Rate(line.rate_pico, line.rate_currency).per(units),
        "currency": line.rate_currency,
        "listed": listed,
        "exact": str(trail.charge(line.quantity)),
        "units": f"{units:,}",
        "fx": plain(line.fx_e8, FX_SCALE) if line.fx_e8 else "",
    }


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
        day + timedelta(days=1)  # it ends where another begins
    except (ValueError, OverflowError):
        raise Invalid(f"日期“{text}”应写成 2026-10-31，请改正后重试") from None
    return day


def _place(text: str) -> tuple[UUID, int]:
    event_id, version = text.split(":")
    return UUID(event_id), int(version)
