"""Service reports: a customer's month, and where the operator did not keep its word."""

from datetime import datetime, timedelta
from typing import Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from yuejie.assurance.sla.memory import Remembering
from yuejie.assurance.sla.report import Cause, SlaReport, report_customer
from yuejie.assurance.sla.words import PARTIES, cause_words, verdict_of
from yuejie.bills.sla.ending import FAILED
from yuejie.customers.customer import Customer
from yuejie.customers.enrol import find_customer
from yuejie.customers.store import customers
from yuejie.db.session import Database
from yuejie.kernel.money import Money
from yuejie.kernel.period import BillingMonth, zone_of
from yuejie.support.tickets.ticket import SEVERITY_NAMES
from yuejie.usage.event import Outcome
from yuejie.web.auth import whose
from yuejie.web.cursor import Window, cut
from yuejie.web.desk import Db, Now
from yuejie.web.pages.frame.draw import HOUSE_ZONE, caller_of, draw
from yuejie.web.pages.frame.entry import visit
from yuejie.web.pages.support.tickets import minutes_of

routes: Final = APIRouter(include_in_schema=False, prefix="/sla", dependencies=[Depends(visit)])

MONTHS: Final = 13
AT_ONCE: Final = 25
"""Customers of one page: a month that is open is measured anew, call by call."""
VERDICTS: Final = ("达标", "未达标", "样本不足", "未约定")


@routes.get("")
def show_sla(
    request: Request,
    db: Db,
    now: Now,
    month: str = "",
    customer: str = "",
    cursor: str | None = None,
) -> Response:
    """Show a customer's month; without a customer, what the operator did not keep that month."""
    caller = caller_of(request)
    window = Window.read("page:sla", cursor, AT_ONCE)
    with db.read() as tx:
        customer_id = whose(tx, caller, customer or None)
        party = find_customer(tx, customer_id) if customer_id else None
        everybody = customers(tx) if caller.is_operator else []
    label = BillingMonth.parse(month) if month else _last(now, party)
    if party is not None:
        return _report(request, db, party, label, now, everybody)
    found = cut(window, everybody, lambda each: each.slug)
    page = found[:AT_ONCE]
    reports = [_read(request, db, each, label) for each in page]
    shown = [each for each in reports if each.sla or each.calls or each.responses]
    broken = [each for each in shown if is_broken(each)]
    return draw(
        request,
        "support/sla_list.html",
        month=label,
        months=_months(now, None),
        everybody=everybody,
        broken=[(each, verdict_of(each), money_of(each)) for each in broken],
        kept=[(each, verdict_of(each)) for each in shown if each not in broken],
        older=window.write(page[-1].slug) if len(found) > AT_ONCE else None,
    )


def is_broken(report: SlaReport) -> bool:
    """Tell whether a month has something to answer for: a promise, a credit, a late response."""
    credit = report.verdict is not None and bool(report.verdict.credit_ppm)
    return verdict_of(report) == "未达标" or credit or bool(report.missed)


def money_of(report: SlaReport) -> Money | None:
    """Return what the month gives back; None where it is not closed, or nothing is promised."""
    return Money(report.given.credit_fen, report.given.currency) if report.given else None


def _read(request: Request, db: Database, party: Customer, month: BillingMonth) -> SlaReport:
    memory: Remembering = request.app.state.service
    with db.read(consistent=True) as tx:
        return report_customer(tx, party.customer_id, month, memory)


def _report(
    request: Request,
    db: Database,
    party: Customer,
    month: BillingMonth,
    now: datetime,
    everybody: list[Customer],
) -> Response:
    report = _read(request, db, party, month)
    verdict = report.verdict
    return draw(
        request,
        "support/sla.html",
        zone=zone_of(party.zone),
        party=party,
        month=month,
        months=_months(now, party),
        everybody=everybody,
        report=report,
        said=verdict_of(report),
        promised=report.sla.availability_ppm if report.sla else None,
        ppm=verdict.availability_ppm if verdict else report.answered_ppm,
        credit=money_of(report),
        parties=PARTIES,
        failed=[each for each in PARTIES if each in FAILED],
        causes=[(each, _cause(each)) for each in report.causes],
        grades=SEVERITY_NAMES,
        spans={
            row.severity: minutes_of(timedelta(seconds=row.mean_seconds))
            for row in report.responses
            if row.is_first and row.mean_seconds is not None
        },
    )


def _cause(cause: Cause) -> str:
    """Name a way of failing in words of a table; nothing where the provider's status says it."""
    answered = cause.outcome == Outcome.PROVIDER_ERROR and cause.http_status
    return "" if answered else cause_words(cause)


def _last(now: datetime, party: Customer | None) -> BillingMonth:
    return BillingMonth.of(now, zone_of(party.zone) if party else HOUSE_ZONE).previous


def _months(now: datetime, party: Customer | None) -> list[str]:
    """Return the last months by the customer's calendar, the newest first."""
    month = BillingMonth.of(now, zone_of(party.zone) if party else HOUSE_ZONE)
    found = []
    for _ in range(MONTHS):
        found.append(str(month))
        month = month.previous
    return found
