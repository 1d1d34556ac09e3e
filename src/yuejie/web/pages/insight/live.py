"""The live bill: what would be owed if the month ended now; its figures follow each second."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from yuejie.bills.bill import Bill, BillLine
from yuejie.bills.live.board import Board
from yuejie.bills.live.live import Live
from yuejie.db.session import Database
from yuejie.kernel.errors import NotFound
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.period import zone_of
from yuejie.web.desk import Db, Now
from yuejie.web.pages.frame.draw import caller_of, draw
from yuejie.web.pages.frame.entry import visit
from yuejie.web.pages.insight.whom import choose, query_of, whom

routes: Final = APIRouter(include_in_schema=False, dependencies=[Depends(visit)])

LINES: Final = 200
"""Lines of usage that are shown of each part, the dearest; sums are of all."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a month as it is shown: a bill, its dearest usage, and what its terms make."""

    bill: Bill
    usage: list[BillLine]
    terms: list[BillLine]
    hidden: int


def part_of(bill: Bill, lines: int = LINES) -> Part:
    """Choose what is shown of a bill, in printed order."""
    usage = [line for line in bill.lines if line.metered]
    dearest = sorted(usage, key=lambda line: (-abs(line.amount_fen), line.position))[:lines]
    return Part(
        bill,
        sorted(dearest, key=lambda line: line.position),
        [line for line in bill.lines if not line.metered],
        len(usage) - len(dearest),
    )


def seen(request: Request, db: Database, customer_id: CustomerId, now: datetime) -> Live:
    """Look at a customer's live bill; whoever looks in the same second sees the same."""
    board: Board = request.app.state.board
    return board.show(db, customer_id, now=now)


@routes.get("/live")
def live(request: Request, db: Db, now: Now, customer: str = "") -> Response:
    """Show the bill as it stands: total, lines, terms, tax, and what is not final."""
    party = whom(db, caller_of(request), customer)
    if party is None:
        return choose(request, db, "实时账单")
    zone = zone_of(party.zone)
    try:
        found = seen(request, db, party.customer_id, now)
    except NotFound as without_contract:
        sentence = without_contract.sentence
        return draw(request, "insight/nothing.html", title="实时账单", sentence=sentence)
    return draw(
        request,
        "insight/live.html",
        zone=zone,
        customer=party,
        live=found,
        until=f"{found.used_until.astimezone(zone):%m-%d %H:%M:%S}",
        months=[part_of(each) for each in (*found.bills, *found.beside)],
        earlier=found.earlier,
        query=query_of(request, party),
    )
