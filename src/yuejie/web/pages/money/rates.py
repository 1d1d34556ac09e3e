"""Unit prices: what a token of each model cost a customer on a day."""

from typing import Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from yuejie.contracts.agreed.on_day import rates_of
from yuejie.contracts.documents import words
from yuejie.kernel.period import zone_of
from yuejie.web.desk import Db, Now
from yuejie.web.pages.frame.draw import HOUSE_ZONE, caller_of, draw
from yuejie.web.pages.frame.entry import visit
from yuejie.web.pages.money.party import choose, day_of

routes: Final = APIRouter(include_in_schema=False, prefix="/rates", dependencies=[Depends(visit)])


@routes.get("")
def show(
    request: Request, db: Db, now: Now, customer: str = "", on: str = "", model: str = ""
) -> Response:
    """Show the rates that held on a day of the customer's, today without one."""
    with db.read(consistent=True) as tx:
        chosen = choose(tx, caller_of(request), customer)
        zone = zone_of(chosen.party.zone) if chosen.party else HOUSE_ZONE
        day = day_of(on, "日期") if on else now.astimezone(zone).date()
        who = chosen.party
        found = rates_of(tx, who.customer_id, who.zone, day, model) if who else []
    return draw(
        request,
        "money/rates.html",
        zone=zone,
        chosen=chosen,
        rates=found,
        day=day,
        model=model,
        priced=words.rate,
        per=words.unit,
    )
