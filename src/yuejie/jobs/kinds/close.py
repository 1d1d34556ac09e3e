"""Close a month, or try what closing would do: a piece per customer, all up to one epoch.

The epoch is part of what stands: whoever goes on after a death reads up to the same one, so that
the month is closed as if nobody had died.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Final

from yuejie.bills.closing.close import (
    Case,
    Closed,
    Closing,
    Done,
    cases_of,
    close_case,
    epoch_for,
    note_idle,
    read_ahead,
    refuse_early,
)
from yuejie.customers.store import customers
from yuejie.db.session import Database
from yuejie.jobs.job import Became, JobKind, Order
from yuejie.jobs.work import Work
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.period import BillingMonth

SAID: Final = {
    Done.WOULD_DRAFT: "将出草稿",
    Done.DRAFTED: "已出草稿",
    Done.REDRAFTED: "已重出草稿",
    Done.UNCHANGED: "没有变化",
    Done.ALREADY_ISSUED: "已出账",
    Done.NO_USAGE: "没有用量",
    Done.FAILED: "未能关账",
}


def order_close(db: Database, month: BillingMonth, *, commit: bool, now: datetime) -> Order:
    """Ask for a closing, or for a trial; raises MonthNotOver at once, beside the button."""
    with db.read() as tx:
        refuse_early(tx, month, None, commit=commit, now=now)
    kind = JobKind.CLOSE if commit else JobKind.TRY
    return Order(kind, str(month), str(month), {"month": str(month)})


def run(work: Work) -> Mapping[str, str]:
    """Close every customer that is not closed yet, then note the month for those without usage."""
    month = BillingMonth.parse(work.job.asked["month"])
    commit = work.job.kind is JobKind.CLOSE
    if work.is_planned:
        closing = _closing(work, month, int(work.job.stood["epoch"]), commit=commit)
        cases = cases_of(closing)
    else:
        now = work.instant()
        with work.db.read() as tx:
            refuse_early(tx, month, None, commit=commit, now=now)
        epoch = epoch_for(work.db, month, commit=commit, now=now)
        closing = _closing(work, month, epoch, commit=commit)
        cases = cases_of(closing)
        with work.db.read() as tx:
            names = {each.customer_id: each.slug for each in customers(tx)}
        pieces = [(names[case.customer_id], str(case.customer_id)) for case in cases]
        work.plan(pieces, {"epoch": closing.epoch})
    looked_at = _close(work, closing, cases)
    note_idle(closing, looked_at)
    return {"said": _said(work, month), "path": f"/closing?month={month}"}


def _said(work: Work, month: BillingMonth) -> str:
    sums = work.sums()
    if not sums:
        return f"{month} 没有用量"
    if work.job.kind is JobKind.TRY:
        return f"没有写入任何账单；价税合计 {sums}"
    return f"账单草稿价税合计 {sums}"


def _closing(work: Work, month: BillingMonth, epoch: int, *, commit: bool) -> Closing:
    return Closing(work.db, month, epoch, commit, work.job.made_by, work.instant())


def _close(work: Work, closing: Closing, cases: list[Case]) -> list[CustomerId]:
    """Close whoever waits; return everybody the job looks at, closed before or now."""
    waiting = {piece.refers_to: piece for piece in work.waiting()}
    wanted = [case for case in cases if case.customer_id in waiting]
    for case in read_ahead(closing, wanted):
        piece = waiting.pop(case.customer_id)
        work.attempt(piece, partial(_closed, work, closing, case))
    for piece in waiting.values():  # nothing is left of what was planned: somebody else closed it
        work.attempt(piece, lambda: Became(SAID[Done.UNCHANGED]))
    return [CustomerId(each.refers_to) for each in work.pieces()]


def _closed(work: Work, closing: Closing, case: Case) -> Became:
    return _became(close_case(replace(closing, now=work.instant()), case))


def _became(closed: Closed) -> Became:
    path = f"/customers/{closed.customer}"
    if closed.bill is not None and closed.done is not Done.WOULD_DRAFT:
        path = f"/bills/{closed.bill.bill_id}"
    return Became(SAID[closed.done], sums=[bill.gross for bill in closed.bills], path=path)
