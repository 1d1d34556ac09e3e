"""Unit prices: what a token of each model cost a customer on a day."""

from datetime import datetime, time, timedelta
from typing import Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from yuejie.contracts.agreed.on_day import rates_on
from yuejie.contracts.documents import words
from yuejie.kernel.period import Span, zone_of
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
        span = Span(
            datetime.combine(day, time(), zone),
            datetime.combine(day + timedelta(days=1), time(), zone),
        )
        found = rates_on(tx, chosen.party.customer_id, span) if chosen.party else []
    wanted = model.strip().casefold()
    return draw(
        request,
        "money/rates.html",
        zone=zone,
        chosen=chosen,
        rates=[each for each in found if wanted in each.rate.model.casefold()],
        day=day,
        model=model,
        priced=words.rate,
        per=words.unit,
    )
