"""Why calls were turned away: by reason, key and model, by hour, and what to do about it."""

from datetime import timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from yuejie.customers.enrol import find_customer
from yuejie.customers.names import names_of
from yuejie.customers.store import customers
from yuejie.kernel.period import zone_of
from yuejie.usage.refusals.reason import PARTY_NAMES, REASONS, Party
from yuejie.usage.refusals.show import By, Question, show_refusals, total
from yuejie.web.api.watch.refusals import HOUSE_ZONE, SOON
from yuejie.web.auth import whose
from yuejie.web.desk import Db, Now
from yuejie.web.pages.frame.draw import caller_of, draw
from yuejie.web.pages.frame.entry import visit
from yuejie.web.pages.insight.whom import Blank

routes: Final = APIRouter(
    include_in_schema=False, prefix="/refusals", dependencies=[Depends(visit)]
)
SPANS: Final = {24: "24 小时", 168: "7 天", 720: "30 天"}
HOURS: Final = 48
"""Rows by the hour that are shown: the newest."""


@routes.get("")
def list_refusals(
    request: Request,
    db: Db,
    now: Now,
    customer: str = "",
    reason: Annotated[str | None, Blank] = None,
    hours: int = 24,
) -> Response:
    """Show what was turned away in the last hours."""
    caller = caller_of(request)
    span = hours if hours in SPANS else min(SPANS)
    until = now + SOON
    since = until - timedelta(hours=span)
    code = reason if reason in REASONS else None
    with db.read() as tx:
        customer_id = whose(tx, caller, customer or None)
        party = find_customer(tx, customer_id) if customer_id else None
        everybody = customers(tx) if caller.is_operator else []
        zone = party.zone if party else HOUSE_ZONE
        by = (By.KEY, By.MODEL) if party else (By.CUSTOMER, By.KEY, By.MODEL)
        rows = show_refusals(tx, customer_id, Question(since, until, by, code), zone=zone)
        hourly = show_refusals(tx, customer_id, Question(since, until, (By.HOUR,), code), zone=zone)
        names = names_of(tx, party) if party else {}
    return draw(
        request,
        "insight/refusals.html",
        zone=zone_of(zone),
        rows=rows,
        hourly=hourly[:HOURS],
        calls=total(rows),
        ours=total(each for each in rows if each.reason.party is Party.OURS),
        names=names,
        who={each.customer_id: each.legal_name for each in everybody},
        parties=PARTY_NAMES,
        reasons=REASONS,
        spans=SPANS,
        everybody=everybody,
        asked={"customer": customer, "reason": code or "", "hours": span},
    )
