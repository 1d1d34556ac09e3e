"""The front page: what needs me, for the operator; where we stand, for a customer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from yuejie.assurance.providers.owed import ProviderPaymentState
from yuejie.assurance.providers.store import payments
from yuejie.bills.bill import Bill, BillState
from yuejie.bills.correct.store import open_adjustments, open_credits
from yuejie.bills.life import SAID as STATES
from yuejie.bills.live.live import Live
from yuejie.bills.review.store import count_answered, count_bills, open_disputes
from yuejie.bills.store import bills_of_customer
from yuejie.budgets.allowance import MODES
from yuejie.budgets.show import standings
from yuejie.contracts.changes.store import count_open
from yuejie.contracts.grants.store import open_grants
from yuejie.contracts.life.store import open_drafts, open_ends, open_limits
from yuejie.customers.enrol import find_customer
from yuejie.db.session import Database, Tx
from yuejie.fapiao.life import FapiaoState
from yuejie.fapiao.request import what_is_available
from yuejie.fapiao.reversing.store import pending_reds
from yuejie.fapiao.store import all_fapiao
from yuejie.insights.anomaly.show import open_findings
from yuejie.kernel.errors import DomainError
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.period import BillingMonth, zone_of
from yuejie.payments.apportion.refund import RefundState
from yuejie.payments.apportion.store import refunds, waivers
from yuejie.payments.apportion.waiver import WaiverState
from yuejie.payments.claims.claim import ClaimState
from yuejie.payments.claims.store import claims
from yuejie.payments.receipts.store import open_receipts
from yuejie.payments.receivables.show import position_of
from yuejie.support.tickets.store import waiting_count
from yuejie.usage.show import By, Question, show_usage
from yuejie.web.desk import Db, Now
from yuejie.web.pages.budgets import texts_of
from yuejie.web.pages.customers import SERVED
from yuejie.web.pages.first.customer import list_of
from yuejie.web.pages.first.steps import STEPS, Standing, standing_of
from yuejie.web.pages.frame.draw import HOUSE_ZONE, caller_of, draw
from yuejie.web.pages.frame.entry import visit
from yuejie.web.pages.insight.live import seen

routes: Final = APIRouter(include_in_schema=False, dependencies=[Depends(visit)])

MONTHS: Final = 6


@dataclass(frozen=True, slots=True)
class Waiting:
    """One kind of thing that waits for a person: what, how many, where."""

    what: str
    count: int
    path: str


def _bills(state: BillState) -> Callable[[Tx], int]:
    return lambda tx: count_bills(tx).get(state, 0)


def _provider_payments(state: ProviderPaymentState) -> Callable[[Tx], int]:
    return lambda tx: sum(each.state is state for each in payments(tx))


LOOKS: Final[tuple[tuple[str, Callable[[Tx], int], str], ...]] = (
    ("账单草稿待提交", _bills(BillState.DRAFT), "/bills?state=draft"),
    ("账单待客户确认", _bills(BillState.PROPOSED), "/bills?state=proposed"),
    ("账单待出账", _bills(BillState.CONFIRMED), "/bills?state=confirmed"),
    ("异议待答复", lambda tx: len(open_disputes(tx)), "/bills?state=disputed"),
    ("异议已答复、账单待重算", count_answered, "/bills?state=disputed"),
    (
        "调整与冲减待审批",
        lambda tx: len(open_adjustments(tx)) + len(open_credits(tx)),
        "/approvals",
    ),
    ("合同草案待办", lambda tx: len(open_drafts(tx)), "/drafts"),
    ("套餐与代金券待审批", lambda tx: len(open_grants(tx)), "/approvals"),
    ("合同终止待审批", lambda tx: len(open_ends(tx)), "/approvals"),
    ("调价待审批", count_open, "/approvals"),
    ("到账待认款", lambda tx: len(open_receipts(tx)), "/bank"),
    ("认领待审核", lambda tx: len(claims(tx, state=ClaimState.OPEN)), "/bank"),
    (
        "减免待审批",
        lambda tx: len(waivers(tx, state=WaiverState.REQUESTED, limit=1000)),
        "/receivables",
    ),
    (
        "退款待审批",
        lambda tx: len(refunds(tx, state=RefundState.REQUESTED, limit=1000)),
        "/receivables",
    ),
    ("供应商付款待审批", _provider_payments(ProviderPaymentState.REQUESTED), "/payables"),
    ("供应商付款待登记", _provider_payments(ProviderPaymentState.APPROVED), "/payables"),
    (
        "发票申请待批准",
        lambda tx: len(all_fapiao(tx, state=FapiaoState.REQUESTED, limit=1000)),
        "/fapiao-desk",
    ),
    ("红字发票待处理", lambda tx: len(pending_reds(tx)), "/fapiao-desk"),
    ("工单待响应", waiting_count, "/tickets"),
)


LIMITS: Final = "临时额度待审批"
"""Beside the others, for whether one still waits depends on the hour."""


def what_waits(tx: Tx, now: datetime) -> list[Waiting]:
    """Return every kind of thing that may wait for a person of ours, with how many do."""
    limits = Waiting(LIMITS, len(open_limits(tx, now)), "/approvals")
    return [*(Waiting(what, count(tx), path) for what, count, path in LOOKS), limits]


@routes.get("/")
def home(request: Request, db: Db, now: Now) -> Response:
    """Show the front page of whoever looks."""
    caller = caller_of(request)
    if caller.customer_id is None:
        return _today(request, db, now)
    return _overview(request, db, caller.customer_id, now)


def _today(request: Request, db: Database, now: datetime) -> Response:
    with db.read(consistent=True) as tx:
        waiting = what_waits(tx, now)
    month = BillingMonth.of(now, HOUSE_ZONE)
    lines = show_usage(db, None, Question(by=(By.DAY,), first=month, last=month))
    return draw(
        request,
        "today.html",
        beginning=None if lines else _beginning(db, now),
        steps=STEPS,
        waiting=sorted(waiting, key=lambda each: -each.count),
        days=[(line.keys[By.DAY], list(line.charges.values())) for line in lines],
        month=month,
    )


def _beginning(db: Database, now: datetime) -> Standing:
    """Return how far a house is that nobody has called through this month."""
    with db.read(consistent=True) as tx:
        return standing_of(tx, now)


def _overview(request: Request, db: Database, customer_id: CustomerId, now: datetime) -> Response:
    with db.read(consistent=True) as tx:
        party = find_customer(tx, customer_id)
        zone = zone_of(party.zone)
        bills = [b for b in bills_of_customer(tx, customer_id) if b.state is not BillState.DRAFT]
        position = position_of(tx, customer_id, now)
        findings = open_findings(tx, customer_id)
        todo = list_of(tx, party, now)
        claimable = what_is_available(tx, customer_id).bills
        open_fapiao = sum(each.may_request and each.left_fen > 0 for each in claimable)
    month = BillingMonth.of(now, zone)
    days = show_usage(db, customer_id, Question(by=(By.DAY,), first=month, last=month))
    found = standings(db, party, now=now)
    return draw(
        request,
        "overview.html",
        zone=zone,
        customer=party,
        asked=_asked_of(bills, open_fapiao),
        todo=todo if any(not each.is_done for each in todo) else [],
        month=month,
        days=[(line.keys[By.DAY], list(line.charges.values())) for line in days],
        live=_so_far(request, db, customer_id, now),
        bills=sorted(bills, key=lambda b: b.month)[: -MONTHS - 1 : -1],
        states=STATES,
        position=position,
        served=SERVED,
        findings=findings,
        standings=found,
        texts=[texts_of(each) for each in found],
        modes=MODES,
    )


ASKED: Final = ("账单待您确认", "账单待付款", "账单可申请发票")
"""What a customer may have to do, as its home page calls it."""


def _asked_of(bills: Sequence[Bill], open_fapiao: int) -> list[tuple[str, int, str]]:
    """Return what waits for a customer: what, how much of it, and where it is done."""
    proposed = [each for each in bills if each.state is BillState.PROPOSED]
    owed = sum(each.state is BillState.ISSUED for each in bills)
    where = f"/bills/{quote(proposed[0].name, safe='')}" if len(proposed) == 1 else "/bills"
    counts = ((len(proposed), where), (owed, "/payments"), (open_fapiao, "/fapiao"))
    return [(what, count, path) for what, (count, path) in zip(ASKED, counts, strict=True) if count]


def _so_far(request: Request, db: Database, customer_id: CustomerId, now: datetime) -> Live | None:
    """Return the bill as it stands; None where no contract holds, or it cannot be drawn now."""
    try:
        return seen(request, db, customer_id, now)
    except DomainError:
        return None
