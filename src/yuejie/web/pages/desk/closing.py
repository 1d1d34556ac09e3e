"""The month-end cockpit: how far the bills are, what stands in the way, and the month's jobs."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import Response

from yuejie.bills.bill import Bill, BillState
from yuejie.bills.correct.store import open_adjustments, open_credits
from yuejie.bills.life import SAID as STATES
from yuejie.bills.review.ready import to_issue, to_propose
from yuejie.bills.store import bills_of_month
from yuejie.contracts.store import books, contracts, month_fx
from yuejie.customers.store import customers
from yuejie.db.session import Database, Tx
from yuejie.jobs.job import KIND_NAMES, STATE_NAMES, JobKind
from yuejie.jobs.kinds.close import order_close
from yuejie.jobs.kinds.issue import order_move
from yuejie.jobs.kinds.prove import order_proof
from yuejie.jobs.store import jobs
from yuejie.kernel.errors import NotFound
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.money import Money
from yuejie.kernel.period import BillingMonth, zone_of
from yuejie.usage.store import open_counts
from yuejie.web.desk import Db, Now
from yuejie.web.pages.frame.draw import HOUSE_ZONE, draw
from yuejie.web.pages.frame.entry import refuse_strangers, visit
from yuejie.web.pages.ops.jobs import begin

routes: Final = APIRouter(include_in_schema=False, prefix="/closing", dependencies=[Depends(visit)])
ours: Final = [Depends(refuse_strangers)]

OPEN_CALLS: Final = {
    "unmeasured": "未计量的调用，没有计入账单",
    "unpriced": "没有价格的调用，没有计入账单",
    "estimated": "只有估算的调用，没有计入账单",
}
STEPS: Final = (
    BillState.DRAFT,
    BillState.PROPOSED,
    BillState.DISPUTED,
    BillState.CONFIRMED,
    BillState.ISSUED,
    BillState.PAID,
)
"""How far a bill is, in the order of the month's work."""


RECENT: Final = 5
"""Jobs of the month that are shown; all are under /jobs."""


@routes.get("")
def show_month(request: Request, db: Db, now: Now, month: str = "") -> Response:
    """Show how far a month is; the last one where none is named."""
    label = BillingMonth.parse(month) if month else BillingMonth.of(now, HOUSE_ZONE).previous
    return draw(request, "desk/closing.html", **_facts(db, label))


@routes.post("/{month}/try", dependencies=ours)
def try_close(request: Request, db: Db, now: Now, month: str) -> Response:
    """Say what closing would do; nothing is written."""
    label = BillingMonth.parse(month)
    return begin(request, db, order_close(db, label, commit=False, now=now), now)


@routes.post("/{month}/close", dependencies=ours)
def close(request: Request, db: Db, now: Now, month: str) -> Response:
    """Draw up the bills of a month; done again, it draws nothing twice."""
    label = BillingMonth.parse(month)
    return begin(request, db, order_close(db, label, commit=True, now=now), now)


@routes.post("/{month}/propose", dependencies=ours)
def propose_all(request: Request, db: Db, now: Now, month: str) -> Response:
    """Put every draft to its customer where the contract asks for a yes."""
    return begin(request, db, order_move(JobKind.PROPOSE, BillingMonth.parse(month)), now)


@routes.post("/{month}/issue", dependencies=ours)
def issue_all(request: Request, db: Db, now: Now, month: str) -> Response:
    """Issue whatever is ready: confirmed, or a draft that nobody has to confirm."""
    return begin(request, db, order_move(JobKind.ISSUE, BillingMonth.parse(month)), now)


@routes.post("/{month}/proof", dependencies=ours)
def prove(
    request: Request,
    db: Db,
    now: Now,
    month: str,
    customer: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """Compute a month again from raw events, customer by customer."""
    order = order_proof(db, BillingMonth.parse(month), customer or None)
    return begin(request, db, order, now)


def _facts(db: Database, month: BillingMonth) -> dict[str, Any]:
    with db.read(consistent=True) as tx:
        bills = bills_of_month(tx, month)
        waiting = open_counts(tx, str(month))
        parties = customers(tx)
        return {
            "month": month,
            "steps": [(state, _of(bills, state)) for state in STEPS],
            "states": STATES,
            "names": {party.customer_id: party for party in parties},
            "to_propose": len(to_propose(tx, bills)),
            "to_issue": len(to_issue(tx, bills)),
            "open_calls": [(OPEN_CALLS[state], n) for state, n in sorted(waiting.items())],
            "no_fx": _missing_fx(tx, month),
            "approvals": len(open_adjustments(tx)) + len(open_credits(tx)),
            "bills": len(bills),
            "jobs": jobs(tx, about=str(month), of_house=True, limit=RECENT),
            "kinds": KIND_NAMES,
            "job_states": STATE_NAMES,
        }


def _of(bills: Iterable[Bill], state: BillState) -> tuple[int, list[Money]]:
    found = [bill for bill in bills if bill.state is state]
    return len(found), _sums(found)


def _sums(bills: Iterable[Bill]) -> list[Money]:
    sums: dict[str, int] = defaultdict(int)
    for bill in bills:
        sums[bill.currency] += bill.gross.fen
    return [Money(fen, currency) for currency, fen in sorted(sums.items())]


def _missing_fx(tx: Tx, month: BillingMonth) -> list[tuple[str, list[CustomerId]]]:
    """Return why charges of the month could not be put into a contract's currency, and whose."""
    priced = {book.book_id: book.currency for book in books(tx)}
    pairs: dict[tuple[str, str], set[CustomerId]] = defaultdict(set)
    for each in contracts(tx):
        span = month.span(zone_of(each.zone))
        ended = each.ends_at is not None and each.ends_at <= span.start
        if each.starts_at < span.end and not ended and priced[each.sale_book] != each.currency:
            pairs[priced[each.sale_book], each.currency].add(each.customer_id)
    missing = []
    for (base, quote), whose in sorted(pairs.items()):
        try:
            month_fx(tx, base=base, quote=quote, month=month)
        except NotFound as error:
            missing.append((error.sentence, sorted(whose)))
    return missing
