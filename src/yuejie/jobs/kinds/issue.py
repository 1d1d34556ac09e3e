"""Issue what is ready of a month, or put drafts to their customers: a piece per bill."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from yuejie.bills.bill import Bill, BillState
from yuejie.bills.find import find_bill
from yuejie.bills.issue import issue_bill
from yuejie.bills.review.ask import propose_bill
from yuejie.bills.review.ready import to_issue, to_propose
from yuejie.bills.store import bills_of_month
from yuejie.customers.store import customers
from yuejie.db.session import Database
from yuejie.jobs.job import Became, JobKind, Order
from yuejie.jobs.work import Work
from yuejie.kernel.period import BillingMonth

_BEFORE: Final = {
    JobKind.ISSUE: frozenset(
        {BillState.DRAFT, BillState.PROPOSED, BillState.CONFIRMED, BillState.DISPUTED}
    ),
    JobKind.PROPOSE: frozenset({BillState.DRAFT}),
}
"""Where a bill may be as long as the deed is not done. Behind that nothing is left to do for
whoever comes after a death, whatever people did with the bill meanwhile."""


def order_move(kind: JobKind, month: BillingMonth) -> Order:
    """Ask for every bill of a month that is ready to be issued, or put to its customer."""
    return Order(kind, str(month), str(month), {"month": str(month)})


def run(work: Work) -> Mapping[str, str]:
    """Do the deed to every bill that was ready when the work was planned."""
    month = BillingMonth.parse(work.job.asked["month"])
    if not work.is_planned:
        _plan(work, month)
    deed: Callable[..., Bill] = issue_bill if work.job.kind is JobKind.ISSUE else propose_bill
    for piece in work.waiting():
        work.attempt(piece, partial(_moved, work, piece.refers_to, deed))
    sums = work.sums()
    said = f"价税合计 {sums}" if sums else "没有可以办理的账单"
    return {"said": said, "path": f"/closing?month={month}"}


def _plan(work: Work, month: BillingMonth) -> None:
    ready = to_issue if work.job.kind is JobKind.ISSUE else to_propose
    with work.db.read() as tx:
        bills = ready(tx, bills_of_month(tx, month))
        names = {each.customer_id: each.slug for each in customers(tx)}
    pieces = [(names[bill.customer_id], str(bill.bill_id)) for bill in bills]
    work.plan(pieces, {"bills": len(pieces)})


def _moved(work: Work, name: str, deed: Callable[..., Bill]) -> Became:
    bill = _found(work.db, name)
    if bill.state in _BEFORE[work.job.kind]:
        bill = deed(work.db, name, by=work.job.made_by, now=work.instant())
    path = f"/bills/{bill.bill_id}"
    issued = work.job.kind is JobKind.ISSUE
    if bill.state is BillState.VOIDED:
        gone = f"已出账，{bill.number}，后作废" if issued else "已提交，后作废"
        return Became(gone, path=path)
    said = f"已出账，{bill.number}" if issued else "已提交"
    return Became(said, sums=[bill.gross], path=path)


def _found(db: Database, name: str) -> Bill:
    with db.read() as tx:
        return find_bill(tx, name)
