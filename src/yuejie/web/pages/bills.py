"""Bills: the list, one bill with its lines and its life, and what can be done with it."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import Response

from yuejie.bills.bill import Bill
from yuejie.bills.correct.credit import SAID as CREDITS
from yuejie.bills.correct.credit import CreditState
from yuejie.bills.correct.store import credits_of
from yuejie.bills.documents.document import DocumentKind
from yuejie.bills.documents.wording import rate
from yuejie.bills.issue import issue_bill
from yuejie.bills.life import SAID as STATES
from yuejie.bills.review.ask import confirm_bill, propose_bill, reopen_bill
from yuejie.bills.review.dispute import SAID as DOUBTS
from yuejie.bills.review.dispute import DisputeState
from yuejie.bills.review.disputes import (
    Objection,
    accept_dispute,
    raise_dispute,
    reject_dispute,
    withdraw_dispute,
)
from yuejie.bills.review.store import disputes_of
from yuejie.bills.show import fx_used
from yuejie.bills.store import bill_page, transitions
from yuejie.customers.enrol import find_customer
from yuejie.customers.store import customers
from yuejie.kernel.money import Money
from yuejie.kernel.period import BillingMonth, zone_of
from yuejie.usage.meters import per_name
from yuejie.web.api.billing.bills import visible_bill
from yuejie.web.auth import whose
from yuejie.web.cursor import PAGE, Window
from yuejie.web.desk import Db, Now
from yuejie.web.pages.frame.draw import caller_of, draw, go
from yuejie.web.pages.frame.entry import refuse_strangers, visit

routes: Final = APIRouter(include_in_schema=False, dependencies=[Depends(visit)])
ours: Final = [Depends(refuse_strangers)]

Text = Annotated[str, Form(max_length=1000)]

TAKEN_HOME: Final = (DocumentKind.PDF, DocumentKind.XLSX, DocumentKind.CSV, DocumentKind.JSON)


@routes.get("/bills")
def list_bills(
    request: Request,
    db: Db,
    month: str = "",
    state: str = "",
    customer: str = "",
    cursor: str | None = None,
) -> Response:
    """Show bills, the newest month first; a customer sees its own, from the day it is asked."""
    caller = caller_of(request)
    window = Window.read("page:bills", cursor, PAGE)
    label = BillingMonth.parse(month) if month else None
    with db.read() as tx:
        customer_id = whose(tx, caller, customer or None)
        asked = {
            "month": str(label) if label else None,
            "state": state or None,
            "drafts": caller.is_operator,
        }
        found = bill_page(tx, customer_id, asked, behind=window.after, limit=window.fetch)
        names = {c.customer_id: c for c in customers(tx)} if caller.is_operator else {}
    page = found[:PAGE]
    return draw(
        request,
        "bills.html",
        bills=page,
        states=STATES,
        names=names,
        asked={"month": month, "state": state, "customer": customer},
        older=window.write(f"{page[-1].month}:{page[-1].bill_id}") if len(found) > PAGE else None,
    )


@routes.get("/bills/{bill}")
def show_bill(request: Request, db: Db, bill: str) -> Response:
    """Show a bill as finance checks it: amounts, lines, tax lines, disputes, its life."""
    with db.read() as tx:
        found = visible_bill(tx, caller_of(request), bill)
        customer = find_customer(tx, found.customer_id)
        life = transitions(tx, found.customer_id, found.bill_id)
        disputes = disputes_of(tx, found.customer_id, bill_id=found.bill_id)
        credits_ = credits_of(tx, found.customer_id, bill_id=found.bill_id)
        fx = fx_used(tx, found)
    if not caller_of(request).is_operator:
        # What two people have not approved yet is a thought of ours, and no credit note.
        credits_ = [each for each in credits_ if each.state is CreditState.APPROVED]
    return draw(
        request,
        "bill.html",
        zone=zone_of(customer.zone),
        bill=found,
        customer=customer,
        states=STATES,
        life=life,
        disputes=disputes,
        doubted={each.line_id for each in disputes if each.state is DisputeState.OPEN},
        doubts=DOUBTS,
        credits=credits_,
        credit_states=CREDITS,
        rates={
            each.position: (rate(each), per_name(each.meter))
            for each in found.lines
            if each.metered
        },
        fx=fx,
        kinds=[str(kind) for kind in TAKEN_HOME],
        models=_by_model(found),
    )


def _by_model(bill: Bill) -> list[tuple[str, int]]:
    """Sum the usage lines by model, the dearest first: what the money went to."""
    sums: dict[str, int] = {}
    for line in bill.lines:
        if line.metered:
            sums[line.model] = sums.get(line.model, 0) + line.amount_fen
    return sorted(sums.items(), key=lambda each: -each[1])


@routes.post("/bills/{bill}/confirm", dependencies=ours)
def confirm(request: Request, db: Db, now: Now, bill: str, why: Text = "") -> Response:
    """Take the customer's yes."""
    caller = caller_of(request)
    done = confirm_bill(db, bill, by=caller.name, now=now, customer_id=caller.customer_id, why=why)
    return go(request, f"/bills/{done.name}", "账单已确认")


@routes.post("/bills/{bill}/dispute", dependencies=ours)
def dispute(
    request: Request,
    db: Db,
    now: Now,
    bill: str,
    position: Annotated[int, Form(ge=1)],
    why: Text,
    claimed: Text = "",
) -> Response:
    """Take the customer's word against a line; the bill waits until it is answered."""
    caller = caller_of(request)
    with db.read() as tx:
        found = visible_bill(tx, caller, bill)
    fen = Money.parse(claimed, found.currency).fen if claimed.strip() else None
    raise_dispute(
        db,
        bill,
        Objection(position, why, fen),
        by=caller.name,
        now=now,
        customer_id=caller.customer_id,
    )
    return go(request, f"/bills/{found.name}", f"已对第 {position} 行提出异议，账单暂停，等待答复")


@routes.post("/bills/{bill}/propose", dependencies=ours)
def propose(request: Request, db: Db, now: Now, bill: str) -> Response:
    """Put a draft to the customer."""
    done = propose_bill(db, bill, by=caller_of(request).name, now=now)
    return go(request, f"/bills/{done.name}", "账单已提交客户确认")


@routes.post("/bills/{bill}/issue", dependencies=ours)
def issue(request: Request, db: Db, now: Now, bill: str) -> Response:
    """Freeze, number and seal a bill."""
    done = issue_bill(db, bill, by=caller_of(request).name, now=now)
    return go(request, f"/bills/{done.name}", f"账单 {done.name} 已出账并封印")


@routes.post("/bills/{bill}/reopen", dependencies=ours)
def reopen(request: Request, db: Db, now: Now, bill: str, why: Text) -> Response:
    """Draw a bill anew that was not issued yet."""
    done = reopen_bill(db, bill, by=caller_of(request).name, now=now, why=why)
    return go(request, f"/bills/{done.name}", "账单已撤回重算")


@routes.post("/disputes/{dispute}/withdraw", dependencies=ours)
def withdraw(request: Request, db: Db, now: Now, dispute: str) -> Response:
    """Take back a word against a line."""
    caller = caller_of(request)
    done = withdraw_dispute(db, dispute, by=caller.name, now=now, customer_id=caller.customer_id)
    return go(request, f"/bills/{done.bill_id}", "异议已撤回")


@routes.post("/disputes/{dispute}/accept", dependencies=ours)
def accept(
    request: Request, db: Db, now: Now, dispute: str, amount: Text, answer: Text
) -> Response:
    """Accept a word against a line by an adjustment that another person approves."""
    fen = Money.parse(amount, "CNY").fen
    by = caller_of(request).name
    done = accept_dispute(db, dispute, amount_fen=fen, answer=answer, by=by, now=now)
    return go(request, f"/bills/{done.bill_id}", "异议已接受，调整须由另一人审批")


@routes.post("/disputes/{dispute}/reject", dependencies=ours)
def reject(request: Request, db: Db, now: Now, dispute: str, answer: Text) -> Response:
    """Reject a word against a line, and say why."""
    done = reject_dispute(db, dispute, answer=answer, by=caller_of(request).name, now=now)
    return go(request, f"/bills/{done.bill_id}", "异议已驳回")
