"""对账单: a customer's receivable over a span of days, as the ledger has it, and its letters."""

from datetime import date, timedelta
from typing import Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from yuejie.kernel.errors import Invalid
from yuejie.kernel.period import zone_of
from yuejie.payments.receivables.show import statement_of_account
from yuejie.web.desk import Db, Now
from yuejie.web.pages.frame.draw import HOUSE_ZONE, caller_of, draw
from yuejie.web.pages.frame.entry import visit
from yuejie.web.pages.money.party import choose, day_of

routes: Final = APIRouter(
    include_in_schema=False, prefix="/payments/statement", dependencies=[Depends(visit)]
)
_DAY: Final = timedelta(days=1)


@routes.get("")
def show_statement(
    request: Request, db: Db, now: Now, customer: str = "", since: str = "", last: str = ""
) -> Response:
    """Show opening, every movement, closing; without days: from last month's first day to today.

    People name the last day, which is included; the room is asked for the day after it.
    """
    with db.read() as tx:
        chosen = choose(tx, caller_of(request), customer)
    zone = zone_of(chosen.party.zone) if chosen.party else HOUSE_ZONE
    today = now.astimezone(zone).date()
    first = day_of(since, "起日") if since else _first_of_last_month(today)
    final = day_of(last, "止日") if last else today
    if final < first:
        raise Invalid(f"止日 {final} 早于起日 {first}，请改正后重试")
    if final == date.max:
        raise Invalid(f"止日 {final} 太晚，请改正后重试")
    until = final + _DAY
    found = None
    if chosen.party:
        party = chosen.party
        found = statement_of_account(db, party.customer_id, first, until, currency=party.currency)
    return draw(
        request,
        "money/statement.html",
        zone=zone,
        chosen=chosen,
        found=found,
        since=first,
        last=final,
        until=until,
        moved=sum(row.fen for row in found.rows) if found else 0,
    )


def _first_of_last_month(today: date) -> date:
    return (today.replace(day=1) - _DAY).replace(day=1)
