"""The rota: who is on duty now and later, and who advises whom."""

from datetime import date, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import Response

from yuejie.customers.members.store import members
from yuejie.customers.store import customers
from yuejie.kernel.errors import Invalid
from yuejie.kernel.period import parse_instant
from yuejie.support.rota import store
from yuejie.support.rota.duty import HOUSE_ZONE, WEEK, on_duty, week_of
from yuejie.support.rota.keep import name_adviser, put_override, put_weeks, remove_duty
from yuejie.web.desk import Db, Now
from yuejie.web.pages.frame.draw import caller_of, draw, go
from yuejie.web.pages.frame.entry import refuse_strangers, visit

routes: Final = APIRouter(include_in_schema=False, prefix="/rota", dependencies=[Depends(visit)])
ours: Final = [Depends(refuse_strangers)]

Text = Annotated[str, Form(max_length=200)]
AHEAD: Final = timedelta(days=371)
SHOWN: Final = 8
"""Weeks at a glance."""


@routes.get("")
def show_rota(request: Request, db: Db, now: Now) -> Response:
    """Show who is on duty now, week by week, and who advises whom."""
    with db.read() as tx:
        duties = store.duties(tx, since=now, until=now + AHEAD)
        advisers = store.advisers(tx)
        parties = customers(tx)
        people = [
            each.name
            for each in members(tx)
            if each.customer_id is None and each.revoked_at is None
        ]
    today = now.astimezone(HOUSE_ZONE).date()
    spans = [week_of(today + WEEK * number) for number in range(SHOWN)]
    weekly = [each for each in duties if not each.is_override]
    return draw(
        request,
        "support/rota.html",
        now=on_duty(duties, now),
        weeks=[(span, on_duty(weekly, max(span.start, now))) for span in spans],
        duties=duties,
        parties=parties,
        advisers=advisers,
        people=people,
        today=today,
    )


@routes.post("/weeks", dependencies=ours)
def weeks(
    request: Request,
    db: Db,
    now: Now,
    people: Annotated[list[str] | None, Form()] = None,
    first: Text = "",
    weeks: Annotated[int, Form(ge=1, le=53)] = 1,
) -> Response:
    """Put people on duty in turn."""
    by = caller_of(request).name
    made = put_weeks(db, people or [], first=_day(first), weeks=weeks, by=by, now=now)
    return go(request, "/rota", f"已排 {len(made)} 周")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Invalid("请选择从哪一天所在的周起，例如 2026-12-07") from None


@routes.post("/overrides", dependencies=ours)
def override(
    request: Request, db: Db, now: Now, person: Text = "", starts: Text = "", ends: Text = ""
) -> Response:
    """Put somebody on duty for a while."""
    start, end = (parse_instant(text, HOUSE_ZONE) for text in (starts, ends))
    by = caller_of(request).name
    made = put_override(db, person, start=start, end=end, by=by, now=now)
    return go(request, "/rota", f"已排 {made.person} 替班")


@routes.post("/advisers", dependencies=ours)
def adviser(request: Request, db: Db, now: Now, customer: Text = "", person: Text = "") -> Response:
    """Name who advises a customer."""
    name = name_adviser(db, customer, person, by=caller_of(request).name, now=now)
    return go(request, "/rota", f"{customer} 的顾问是 {name}")


@routes.post("/{duty}/remove", dependencies=ours)
def remove(request: Request, db: Db, now: Now, duty: str) -> Response:
    """Take a duty off the rota."""
    remove_duty(db, duty, by=caller_of(request).name, now=now)
    return go(request, "/rota", "值班已撤下")
