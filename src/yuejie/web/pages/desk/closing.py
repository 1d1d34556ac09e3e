"""The month-end cockpit: what closing would do, did and could not, and how far the bills are."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from yuejie.assurance.prove import prove_month
from yuejie.bills.bill import Bill, BillState
from yuejie.bills.closing.close import Done, close_month
from yuejie.bills.correct.store import open_adjustments, open_credits
from yuejie.bills.issue import issue_bill
from yuejie.bills.life import SAID as STATES
from yuejie.bills.review.ask import propose_bill
from yuejie.bills.store import bills_of_month
from yuejie.contracts.store import books, contracts, month_fx
from yuejie.contracts.terms import Confirmation
from yuejie.customers.store import customers
from yuejie.db.session import Database, Tx
from yuejie.kernel.errors import DomainError, NotFound
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.money import Money
from yuejie.kernel.period import BillingMonth, zone_of
from yuejie.usage.store import open_counts
from yuejie.web.desk import Db, Now
from yuejie.web.pages.frame.draw import HOUSE_ZONE, caller_of, draw, redraw
from yuejie.web.pages.frame.entry import refuse_strangers, visit

routes: Final = APIRouter(include_in_schema=False, prefix="/closing", dependencies=[Depends(visit)])
ours: Final = [Depends(refuse_strangers)]

DONE: Final = {
    Done.WOULD_DRAFT: "将出草稿",
    Done.DRAFTED: "已出草稿",
    Done.REDRAFTED: "已重出草稿",
    Done.UNCHANGED: "没有变化",
    Done.ALREADY_ISSUED: "已出账",
    Done.NO_USAGE: "没有用量",
    Done.FAILED: "未能关账",
}
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


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one bill when all of a kind were moved; `why` is the sentence of a refusal."""

    bill: Bill
    went: bool
    why: str = ""


@routes.get("")
def show_month(request: Request, db: Db, now: Now, month: str = "") -> Response:
    """Show how far a month is; the last one where none is named."""
    label = BillingMonth.parse(month) if month else BillingMonth.of(now, HOUSE_ZONE).previous
    return draw(request, "desk/closing.html", **_facts(db, label))


@routes.post("/{month}/try", dependencies=ours)
def try_close(request: Request, db: Db, now: Now, month: str) -> Response:
    """Say what closing would do; nothing is written."""
    return _close(request, db, now, month, commit=False)


@routes.post("/{month}/close", dependencies=ours)
def close(request: Request, db: Db, now: Now, month: str) -> Response:
    """Draw up the bills of a month; done again, it draws nothing twice."""
    return _close(request, db, now, month, commit=True)


def _close(request: Request, db: Database, now: datetime, month: str, *, commit: bool) -> Response:
    label = BillingMonth.parse(month)
    by = caller_of(request).name
    closed = close_month(db, label, customer=None, commit=commit, by=by, now=now)
    told = sorted(
        (each for each in closed if each.done is not Done.NO_USAGE),
        key=lambda each: (each.done is not Done.FAILED, each.customer),
    )
    return redraw(
        request,
        "desk/closing.html",
        **_facts(db, label)
        | {
            "closed": told,
            "sums": _sums(bill for each in told for bill in each.bills),
            "committed": commit,
            "failed": sum(each.done is Done.FAILED for each in told),
        },
    )


@routes.post("/{month}/propose", dependencies=ours)
def propose_all(request: Request, db: Db, now: Now, month: str) -> Response:
    """Put every draft to its customer where the contract asks for a yes."""
    by = caller_of(request).name
    return _move(
        request, db, month, _to_propose, lambda name: propose_bill(db, name, by=by, now=now)
    )


@routes.post("/{month}/issue", dependencies=ours)
def issue_all(request: Request, db: Db, now: Now, month: str) -> Response:
    """Issue whatever is ready: confirmed, or a draft that nobody has to confirm."""
    by = caller_of(request).name
    return _move(request, db, month, _to_issue, lambda name: issue_bill(db, name, by=by, now=now))


@routes.get("/{month}/proof")
def prove(
    request: Request, db: Db, month: str, customer: Annotated[str, Query(max_length=200)] = ""
) -> Response:
    """Compute a month again from raw events, and show what was found, bill by bill."""
    label = BillingMonth.parse(month)
    proofs = prove_month(db, label, customer=customer or None)
    with db.read() as tx:
        names = {party.slug: party for party in customers(tx)}
    return draw(
        request,
        "desk/proof.html",
        month=label,
        proofs=sorted(proofs, key=lambda proof: (not proof.differences, proof.customer)),
        names=names,
        events=sum(proof.events for proof in proofs),
        wrong=sum(bool(proof.differences) for proof in proofs),
    )


def _move(
    request: Request,
    db: Database,
    month: str,
    pick: Callable[[Tx, list[Bill]], list[Bill]],
    deed: Callable[[str], Bill],
) -> Response:
    """Do a deed to every bill picked, each in a transaction of its own, and tell of each."""
    label = BillingMonth.parse(month)
    with db.read() as tx:
        bills = pick(tx, bills_of_month(tx, label))
    outcomes: list[Outcome] = []
    for bill in bills:
        try:
            outcomes.append(Outcome(deed(bill.bill_id), went=True))
        except DomainError as error:
            outcomes.append(Outcome(bill, went=False, why=error.sentence))
    outcomes.sort(key=lambda each: each.went)  # what was refused is what one must read
    return redraw(request, "desk/closing.html", **_facts(db, label) | {"outcomes": outcomes})


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
            "by_slug": {party.slug: party for party in parties},
            "to_propose": len(_to_propose(tx, bills)),
            "to_issue": len(_to_issue(tx, bills)),
            "open_calls": [(OPEN_CALLS[state], n) for state, n in sorted(waiting.items())],
            "no_fx": _missing_fx(tx, month),
            "approvals": len(open_adjustments(tx)) + len(open_credits(tx)),
            "bills": len(bills),
            "done_words": DONE,
            "closed": None,
            "outcomes": None,
        }


def _of(bills: Iterable[Bill], state: BillState) -> tuple[int, list[Money]]:
    found = [bill for bill in bills if bill.state is state]
    return len(found), _sums(found)


def _sums(bills: Iterable[Bill]) -> list[Money]:
    sums: dict[str, int] = defaultdict(int)
    for bill in bills:
        sums[bill.currency] += bill.gross.fen
    return [Money(fen, currency) for currency, fen in sorted(sums.items())]


def _asks(tx: Tx) -> set[tuple[str, int]]:
    """Return the contract versions whose bills are issued only after a yes."""
    return {
        (each.contract_id, each.version)
        for each in contracts(tx)
        if each.terms.confirmation is not Confirmation.NONE
    }


def _to_propose(tx: Tx, bills: list[Bill]) -> list[Bill]:
    drafts = [bill for bill in bills if bill.state is BillState.DRAFT]
    asks = _asks(tx) if drafts else set()
    return [bill for bill in drafts if (bill.contract_id, bill.contract_version) in asks]


def _to_issue(tx: Tx, bills: list[Bill]) -> list[Bill]:
    ready = [bill for bill in bills if bill.state in {BillState.DRAFT, BillState.CONFIRMED}]
    asks = _asks(tx) if ready else set()
    return [
        bill
        for bill in ready
        if bill.state is BillState.CONFIRMED
        or (bill.contract_id, bill.contract_version) not in asks
    ]


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
