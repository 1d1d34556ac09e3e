"""The log of deliveries: what was said to whom, what the other side answered, and another try."""

from datetime import date, datetime, timedelta
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from yuejie.customers.enrol import find_customer
from yuejie.customers.store import customers
from yuejie.kernel.errors import Invalid
from yuejie.kernel.period import zone_of
from yuejie.notices.log.retry import look, retry
from yuejie.notices.log.store import Wish, log, whole_log
from yuejie.notices.notice import Kind
from yuejie.web.auth import whose
from yuejie.web.cursor import PAGE, Window
from yuejie.web.desk import Db, Now
from yuejie.web.pages.frame.draw import HOUSE_ZONE, caller_of, draw, go
from yuejie.web.pages.frame.entry import refuse_strangers, visit
from yuejie.web.pages.told.words import CHANNELS, DELIVERIES, kind_title

routes: Final = APIRouter(
    include_in_schema=False, prefix="/notices/log", dependencies=[Depends(visit)]
)
ours: Final = [Depends(refuse_strangers)]
TRIES: Final = {"sent": "已收", "retry": "再试", "refused": "拒收"}
Typed = Annotated[str, Field(max_length=200)]


class Asked(BaseModel):
    """The form of the list as it was filled in; what is empty asks for all."""

    customer: Typed = ""
    state: Typed = ""
    channel_kind: Typed = ""
    kind: Typed = ""
    since: Typed = ""
    until: Typed = ""
    cursor: Typed = ""

    def wish(self, before: str, zone: ZoneInfo) -> Wish:
        """Return what the store takes. Raises Invalid for what the page does not offer."""
        if self.state and self.state not in DELIVERIES:
            raise Invalid("没有这种状态，请在页面上选择")
        return Wish(
            state=self.state or None,
            channel_kind=self.channel_kind or None,
            kind=self.kind or None,
            since=_day(self.since, zone),
            until=_day(self.until, zone, 1),
            before=before,
        )

    @property
    def query(self) -> dict[str, str]:
        """Return what was filled in, without where the list had got to."""
        return {name: value for name, value in self.model_dump(exclude={"cursor"}).items() if value}


def _day(text: str, zone: ZoneInfo, later: int = 0) -> datetime | None:
    if not text:
        return None
    try:
        day = date.fromisoformat(text) + timedelta(days=later)
    except (ValueError, OverflowError):
        raise Invalid(f"日期“{text}”应写成 2026-10-31，请改正后重试") from None
    return datetime(day.year, day.month, day.day, tzinfo=zone)


@routes.get("")
def list_log(request: Request, db: Db, asked: Annotated[Asked, Query()]) -> Response:
    """Show deliveries, the newest first."""
    caller = caller_of(request)
    window = Window.read("page:notices", asked.cursor or None, PAGE)
    with db.read() as tx:
        customer_id = whose(tx, caller, asked.customer or None)
        party = find_customer(tx, customer_id) if customer_id else None
        zone = zone_of(party.zone) if party else HOUSE_ZONE
        wish = asked.wish(window.after, zone)
        rows = (
            whole_log(tx, wish, limit=window.fetch)
            if customer_id is None
            else log(tx, customer_id, wish, limit=window.fetch)
        )
        everybody = customers(tx) if caller.is_operator else []
    shown = rows[:PAGE]
    return draw(
        request,
        "told/log.html",
        zone=zone,
        rows=shown,
        asked=asked,
        everybody=everybody,
        names={each.customer_id: each for each in everybody},
        states=DELIVERIES,
        channels=CHANNELS,
        titles={str(kind): kind_title(kind, request.state.visitor.language) for kind in Kind},
        older=window.write(shown[-1].message_id) if len(rows) > PAGE else None,
    )


@routes.get("/{message}")
def show(request: Request, db: Db, now: Now, message: str) -> Response:
    """Show one message: what it says, and how every attempt at it ended."""
    caller = caller_of(request)
    with db.read() as tx:
        found = look(tx, message, caller.customer_id, now=now)
        owner = found.delivery.customer_id
        party = find_customer(tx, owner) if owner else None
    return draw(
        request,
        "told/message.html",
        zone=zone_of(party.zone) if party else HOUSE_ZONE,
        party=party,
        whole=found,
        states=DELIVERIES,
        channels=CHANNELS,
        tries=TRIES,
        titles={str(kind): kind_title(kind, request.state.visitor.language) for kind in Kind},
    )


@routes.post("/{message}/retry", dependencies=ours)
def again(request: Request, db: Db, now: Now, message: str) -> Response:
    """Try again what was given up, under the same id."""
    retry(db, [message], by=caller_of(request).name, now=now)
    return go(request, f"/notices/log/{message}", "将在几秒内重发")
