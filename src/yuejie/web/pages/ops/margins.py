"""Margin of a month: what customers, models and contracts bring beyond what they cost."""

from datetime import datetime
from typing import Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from yuejie.assurance.margin import Margin, MarginBy, show_margins
from yuejie.customers.store import customers
from yuejie.kernel.errors import Invalid, NotFound
from yuejie.kernel.money import plain
from yuejie.kernel.period import BillingMonth
from yuejie.web.cursor import PAGE, Window, cut
from yuejie.web.desk import Db, Now
from yuejie.web.pages.frame.draw import HOUSE_ZONE, draw
from yuejie.web.pages.frame.entry import visit
from yuejie.web.pages.frame.sheet import sheet

routes: Final = APIRouter(include_in_schema=False, prefix="/margins", dependencies=[Depends(visit)])

DIMENSIONS: Final = {
    MarginBy.CUSTOMER: "客户",
    MarginBy.MODEL: "模型",
    MarginBy.CONTRACT: "合同",
}
COLUMNS: Final = ("名称", "调用", "收入（不含税）", "成本（不含税）", "毛利", "毛利率 %", "币种")
CHARTED: Final = 12
_PPM_PER_PERCENT: Final = 10_000


@routes.get("")
def show(
    request: Request,
    db: Db,
    now: Now,
    month: str = "",
    by: str = "customer",
    cursor: str | None = None,
) -> Response:
    """Show a month's margin by one dimension, the largest revenue first."""
    label, kind = _asked(month, by, now)
    window = Window.read(f"page:margins:{label}:{by}", cursor, PAGE)
    unpriced = ""
    try:
        found = show_margins(db, label, kind)
    except NotFound as missing:
        found, unpriced = [], missing.sentence
    placed = [(f"{at:08d}", each) for at, each in enumerate(found)]
    page = cut(window, placed, lambda pair: pair[0])
    shown = page[:PAGE]
    with db.read() as tx:
        names = {each.slug: each.legal_name for each in customers(tx)}
    total = Margin(
        "",
        sum(each.calls for each in found),
        sum(each.revenue_pico for each in found),
        sum(each.cost_pico for each in found),
    )
    return draw(
        request,
        "ops/margins.html",
        rows=[each for _, each in shown],
        charted=[(names.get(e.name, e.name), e.amounts[2].fen) for e in found[:CHARTED]],
        total=total,
        names=names,
        dimensions=DIMENSIONS,
        asked={"month": str(label), "by": by},
        months=_months(now),
        unpriced=unpriced,
        later=window.write(shown[-1][0]) if len(page) > PAGE else None,
    )


@routes.get("/export")
def export(db: Db, now: Now, month: str = "", by: str = "customer") -> Response:
    """Give the month's margins as CSV."""
    label, kind = _asked(month, by, now)
    rows = (
        (
            each.name,
            each.calls,
            *(money.amount for money in each.amounts),
            "" if each.margin_ppm is None else plain(each.margin_ppm, _PPM_PER_PERCENT, 2),
            "CNY",
        )
        for each in show_margins(db, label, kind)
    )
    return sheet(f"margins-{label}-{by}.csv", COLUMNS, rows)


def _asked(month: str, by: str, now: datetime) -> tuple[BillingMonth, MarginBy]:
    if by not in set(MarginBy):
        raise Invalid(f"毛利不能按“{by}”看，请在页面上选择")
    return BillingMonth.parse(month) if month else BillingMonth.of(now, HOUSE_ZONE), MarginBy(by)


def _months(now: datetime) -> list[str]:
    month, found = BillingMonth.of(now, HOUSE_ZONE), []
    for _ in range(13):
        found.append(str(month))
        month = month.previous
    return found
