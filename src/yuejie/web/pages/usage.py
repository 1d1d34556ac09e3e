"""Usage: sums by any dimension over months, as chart and table, and the last requests."""

from datetime import datetime
from typing import Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from yuejie.customers.customer import Customer
from yuejie.customers.enrol import find_customer
from yuejie.customers.store import customers, keys, projects
from yuejie.db.session import Tx
from yuejie.kernel.errors import Invalid
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.period import BillingMonth, zone_of
from yuejie.usage.meters import UNIT_METERS
from yuejie.usage.show import By, Question, UsageLine, show_requests, show_usage
from yuejie.web.auth import whose
from yuejie.web.desk import Db, Now
from yuejie.web.pages.frame.draw import HOUSE_ZONE, caller_of, draw
from yuejie.web.pages.frame.entry import visit

routes: Final = APIRouter(include_in_schema=False, dependencies=[Depends(visit)])

DIMENSIONS: Final = {
    By.DAY: "日",
    By.MODEL: "模型",
    By.PROJECT: "项目",
    By.KEY: "密钥",
    By.DEPARTMENT: "部门",
    By.ENVIRONMENT: "环境",
    By.TAG: "标签",
    By.PROVIDER: "供应商",
    By.METER: "计量项",
}
REQUESTS: Final = 20


@routes.get("/usage")
def usage(
    request: Request,
    db: Db,
    now: Now,
    month: str = "",
    by: str = "day",
    customer: str = "",
) -> Response:
    """Show a month's usage by one dimension, and the last requests."""
    if by not in DIMENSIONS:
        raise Invalid(f"不能按“{by}”汇总，请在页面上选择")
    caller = caller_of(request)
    with db.read() as tx:
        customer_id = whose(tx, caller, customer or None)
        party = find_customer(tx, customer_id) if customer_id else None
        names = _names(tx, By(by), customer_id)
        everybody = customers(tx) if caller.is_operator else []
    zone = zone_of(party.zone) if party else HOUSE_ZONE
    label = BillingMonth.parse(month) if month else BillingMonth.of(now, zone)
    lines = show_usage(db, customer_id, Question(by=(By(by),), first=label, last=label))
    rows = [_row(line, By(by), names) for line in lines]
    return draw(
        request,
        "usage.html",
        zone=zone,
        rows=rows if by == By.DAY else sorted(rows, key=_dearest_first),
        total=total_of(lines),
        dimensions=DIMENSIONS,
        asked={"month": str(label), "by": by, "customer": customer},
        everybody=everybody,
        months=_months(now, party),
        requests=show_requests(db, customer_id, limit=REQUESTS).attempts if customer_id else (),
        with_cost=caller.is_operator,
    )


def _row(line: UsageLine, by: By, names: dict[str, str]) -> dict[str, object]:
    key = line.keys[by]
    return {
        "name": names.get(key, key) or "（空）",
        "requests": line.quantities.get("requests", 0),
        "tokens": _tokens(line),
        "charges": list(line.charges.values()),
        "costs": list(line.costs.values()),
        "fen": sum(charge.settle().fen for charge in line.charges.values()),
    }


def _tokens(line: UsageLine) -> int:
    return sum(n for meter, n in line.quantities.items() if meter not in UNIT_METERS)


def _dearest_first(row: dict[str, object]) -> int:
    fen = row["fen"]
    assert isinstance(fen, int), "settled money is whole fen"
    return -fen


def total_of(lines: list[UsageLine]) -> UsageLine:
    """Sum lines into one without a key."""
    total = UsageLine({})
    for line in lines:
        for meter, quantity in line.quantities.items():
            total.quantities[meter] = total.quantities.get(meter, 0) + quantity
        for sums, more in ((total.charges, line.charges), (total.costs, line.costs)):
            for currency, charge in more.items():
                sums[currency] = sums[currency] + charge if currency in sums else charge
    return total


def _names(tx: Tx, by: By, customer_id: CustomerId | None) -> dict[str, str]:
    """Return what people call projects and keys; everything else is called what it is."""
    if customer_id is None:
        return {}
    if by is By.PROJECT:
        return {each.project_id: each.name for each in projects(tx, customer_id)}
    if by is By.KEY:
        return {each.key_id: f"{each.name} …{each.hint}" for each in keys(tx, customer_id)}
    return {}


def _months(now: datetime, party: Customer | None) -> list[str]:
    """Return the last thirteen months by the customer's calendar, the newest first."""
    month = BillingMonth.of(now, zone_of(party.zone) if party else HOUSE_ZONE)
    found = []
    for _ in range(13):
        found.append(str(month))
        month = month.previous
    return found
