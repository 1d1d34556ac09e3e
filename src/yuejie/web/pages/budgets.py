"""Budgets as a customer sees them: caps, what is used of them, what is left."""

from typing import Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from yuejie.budgets.allowance import PERIODS, Mode, amount_text
from yuejie.budgets.show import Standing, standings
from yuejie.customers.enrol import find_customer
from yuejie.kernel.errors import Invalid
from yuejie.kernel.period import zone_of
from yuejie.web.auth import whose
from yuejie.web.desk import Db, Now
from yuejie.web.pages.frame.draw import caller_of, draw
from yuejie.web.pages.frame.entry import visit

routes: Final = APIRouter(include_in_schema=False, dependencies=[Depends(visit)])

MODES: Final = {Mode.SOFT: "只提醒", Mode.HARD: "硬限额", Mode.PACED: "放行后计"}


@routes.get("/budgets")
def budgets(request: Request, db: Db, now: Now, customer: str = "") -> Response:
    """Show how every allowance of a customer stands."""
    with db.read() as tx:
        customer_id = whose(tx, caller_of(request), customer or None)
        party = find_customer(tx, customer_id) if customer_id else None
    if party is None:
        raise Invalid("请先选择客户，再查看其额度")
    found = standings(db, party, now=now)
    return draw(
        request,
        "budgets.html",
        zone=zone_of(party.zone),
        customer=party,
        standings=found,
        periods=PERIODS,
        modes=MODES,
        texts=[texts_of(each) for each in found],
    )


def texts_of(standing: Standing) -> dict[str, str]:
    """Write the amounts of a standing in their unit."""
    measure, unit = standing.allowance.measure, standing.unit
    return {
        "cap": amount_text(standing.cap, measure, unit),
        "spent": amount_text(standing.spent, measure, unit),
        "reserved": amount_text(standing.reserved, measure, unit),
        "left": amount_text(standing.left, measure, unit),
    }
