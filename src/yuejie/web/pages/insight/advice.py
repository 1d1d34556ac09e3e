"""Advice: what to change, what it saves and how that was computed; yes or no to it, and why."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import Response

from yuejie.customers.store import customers
from yuejie.db.session import Database
from yuejie.insights.advice.advice import (
    CONFIDENCE_NAMES,
    KIND_NAMES,
    MEASURED,
    STATE_NAMES,
    AdviceState,
    Line,
    Measure,
)
from yuejie.insights.advice.answer import accept, dismiss, end
from yuejie.insights.advice.show import Shown, show_advice, show_one, summary_of
from yuejie.kernel.money import PICO, Charge, plain
from yuejie.kernel.period import zone_of
from yuejie.usage.meters import per
from yuejie.web.auth import whose
from yuejie.web.cursor import PAGE, Window
from yuejie.web.desk import Db, Now
from yuejie.web.pages.frame.draw import caller_of, draw, go
from yuejie.web.pages.frame.entry import refuse_strangers, visit
from yuejie.web.pages.insight.whom import Blank

routes: Final = APIRouter(include_in_schema=False, prefix="/advice", dependencies=[Depends(visit)])
ours: Final = [Depends(refuse_strangers)]

Text = Annotated[str, Form(max_length=500)]
State = Annotated[AdviceState | None, Blank]


@routes.get("")
def list_advice(
    request: Request,
    db: Db,
    state: State = None,
    customer: str = "",
    cursor: str | None = None,
) -> Response:
    """Show advice, the newest first, and what all of it would save together."""
    caller = caller_of(request)
    window = Window.read("page:advice", cursor, PAGE)
    with db.read() as tx:
        customer_id = whose(tx, caller, customer or None)
        everybody = customers(tx) if caller.is_operator else []
    found = show_advice(
        db, customer_id, state=state, before=window.after or None, limit=window.fetch
    )
    rows = found[:PAGE]
    return draw(
        request,
        "insight/advice_list.html",
        rows=[(each, _realised(db, each)) for each in rows],
        summary=summary_of(db, customer_id) if customer_id else None,
        states=STATE_NAMES,
        kinds=KIND_NAMES,
        sure=CONFIDENCE_NAMES,
        everybody=everybody,
        asked={"state": state or "", "customer": customer},
        older=window.write(rows[-1].advice.advice_id) if len(found) > PAGE else None,
    )


def _realised(db: Database, shown: Shown) -> Measure | None:
    """Return what the newest measured month of an advice really saved; few are measured."""
    if shown.advice.state not in MEASURED:
        return None
    measures = show_one(db, shown.advice.customer_id, shown.advice.advice_id).measures
    return max(measures, key=lambda each: each.month, default=None)


@routes.get("/{advice}")
def show(request: Request, db: Db, advice: str) -> Response:
    """Show one advice: its saving, its lines, what to change, its life and what came of it."""
    shown = show_one(db, caller_of(request).customer_id, advice)
    figure, currency = shown.advice.figure, shown.advice.currency
    return draw(
        request,
        "insight/advice.html",
        zone=zone_of(shown.customer.zone),
        shown=shown,
        advice=shown.advice,
        figure=figure,
        once="once" in figure.change.facts,
        before=[row_of(line, currency) for line in figure.before],
        after=[row_of(line, currency) for line in figure.after],
        exact=str(Charge(shown.advice.saving_pico, currency)),
        keys=[(each, Charge(int(each.saving_pico), currency)) for each in figure.change.keys],
        states=STATE_NAMES,
        kinds=KIND_NAMES,
        sure=CONFIDENCE_NAMES,
    )


def row_of(line: Line, currency: str) -> dict[str, object]:
    """Write a line as it is added up: quantity times rate is the exact charge."""
    return {
        "line": line,
        "rate": plain(line.pico * per(line.meter), PICO),
        "charge": str(Charge(line.charge_pico, currency)),
    }


@routes.post("/{advice}/accept", dependencies=ours)
def take(request: Request, db: Db, now: Now, advice: str, why: Text = "") -> Response:
    """Take the customer's yes."""
    caller = caller_of(request)
    accept(db, caller.customer_id, advice, why=why, by=caller.name, now=now)
    return go(request, f"/advice/{advice}", "建议已采纳，此后按月核实实际节省")


@routes.post("/{advice}/dismiss", dependencies=ours)
def leave(request: Request, db: Db, now: Now, advice: str, why: Text = "") -> Response:
    """Take the customer's no, and why."""
    caller = caller_of(request)
    dismiss(db, caller.customer_id, advice, why=why, by=caller.name, now=now)
    return go(request, f"/advice/{advice}", "已记下不采纳，90 天内不再提")


@routes.post("/{advice}/end", dependencies=ours)
def stop(request: Request, db: Db, now: Now, advice: str, why: Text = "") -> Response:
    """Measure it no longer."""
    caller = caller_of(request)
    end(db, caller.customer_id, advice, why=why, by=caller.name, now=now)
    return go(request, f"/advice/{advice}", "已结束跟踪")
