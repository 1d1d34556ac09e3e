"""Receivables: what is open and how old, who is warned or stopped, what two people decide."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Form, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from yuejie.bills.find import find_bill
from yuejie.customers.store import customers
from yuejie.db.session import Tx
from yuejie.fapiao.request import owed_back
from yuejie.kernel.money import FEN, plain
from yuejie.payments.apportion.draw import draw_down, set_aside
from yuejie.payments.apportion.move import Use
from yuejie.payments.apportion.refund import SAID as REFUND_STATES
from yuejie.payments.apportion.refund import Refund, RefundState
from yuejie.payments.apportion.refunds import decide_refund, refund_failed, refund_paid
from yuejie.payments.apportion.store import refunds, waivers
from yuejie.payments.apportion.waiver import WaiverKind, WaiverState
from yuejie.payments.apportion.waivers import decide_waiver, request_waiver
from yuejie.payments.dunning.dun import grant_reprieve
from yuejie.payments.dunning.standing import StandingState
from yuejie.payments.dunning.store import StandingRow, standings
from yuejie.payments.receivables.ageing import Age, totals
from yuejie.payments.receivables.show import Debtor, age_receivables
from yuejie.payments.statements.store import KeptLine, lines_paying_back
from yuejie.web.desk import Db, DeskHere, Now
from yuejie.web.pages.customers import SERVED
from yuejie.web.pages.desk.receipts import SOURCES, typed_fen
from yuejie.web.pages.frame.draw import HOUSE_ZONE, caller_of, draw, go
from yuejie.web.pages.frame.entry import refuse_strangers, visit
from yuejie.web.pages.frame.leaf import leaf

routes: Final = APIRouter(
    include_in_schema=False, prefix="/receivables", dependencies=[Depends(visit)]
)
ours: Final = [Depends(refuse_strangers)]

Text = Annotated[str, Form(max_length=1000)]
Look = Annotated[str, Query(max_length=200)]
Decision = Literal["approve", "reject"]
OwnOr = Literal["", "CNY", "USD"]
"""A currency; none is the customer's own."""

MOST: Final = 10_000
"""Rows of one kind that are looked at; the page shows a leaf of them."""
_ABOVE: Final = 10**18
"""More than anybody owes: what is taken from it orders by the largest first."""
AGES: Final = {
    Age.NOT_DUE: "未到期",
    Age.UP_TO_30: "逾期 1–30 天",
    Age.UP_TO_60: "31–60 天",
    Age.UP_TO_90: "61–90 天",
    Age.UP_TO_180: "91–180 天",
    Age.OLDER: "180 天以上",
}
KINDS: Final = {WaiverKind.SHORT_PAY: "手续费差额", WaiverKind.WRITE_OFF: "坏账核销"}
NOTHING_DRAWN: Final = "没有可支付的账单，或该币种余额为零"
REASONS: Final = {"overdue": "逾期未付", "credit_limit": "授信用完", "prepayment": "预付余额用完"}


class DrawForm(BaseModel):
    """What is to be paid out of a prepayment or deposit; no bill named is the oldest ones."""

    customer: str = Field("", max_length=200)
    source: Literal["prepayment", "deposit"] = "prepayment"
    currency: OwnOr = ""
    bill: str = Field("", max_length=200)
    amount: str = Field("", max_length=200)
    why: str = Field("", max_length=1000)

    def bills(self) -> dict[str, int] | None:
        """Return fen by bill number. Raises Invalid for what is no amount."""
        return {self.bill.strip(): typed_fen(self.amount)} if self.bill.strip() else None


@dataclass(frozen=True, slots=True)
class PaidBy:
    """Outgoing lines of the bank that may have carried a refund out, and the one chosen at first.

    None is chosen where the bank names no number, or nothing left since the refund was asked for.
    """

    lines: list[KeptLine]
    chosen: str


@routes.get("")
def show_receivables(
    request: Request, db: Db, now: Now, on: date | None = None, q: Look = ""
) -> Response:
    """Show the ageing of a day, today's unless another is asked for, and what waits."""
    today = now.astimezone(HOUSE_ZONE).date()
    rows = age_receivables(db, on or today)
    wanted = q.strip().casefold()
    fitting = [row for row in rows if wanted in _called(row).casefold()]
    with db.read() as tx:
        waiting = _waiting(request, tx)
    return draw(
        request,
        "desk/receivables.html",
        on=on or today,
        rows=leaf(request, "debtors", fitting, _dearest_first),
        q=q,
        any_rows=bool(rows),
        totals=totals(row.aged for row in rows),
        ages=AGES,
        kinds=KINDS,
        served=SERVED,
        reasons=REASONS,
        sources=SOURCES,
        refund_states=REFUND_STATES,
        today=today,
        **waiting,
    )


def _called(row: Debtor) -> str:
    return f"{row.customer.legal_name} {row.customer.slug}"


def _dearest_first(row: Debtor) -> str:
    return f"{row.aged.currency}:{_ABOVE - row.aged.total_fen:020d}:{row.customer.slug}"


def _waiting(request: Request, tx: Tx) -> dict[str, Any]:
    """Return who is warned or stopped and what two people decide, a leaf of each."""
    asked = leaf(
        request,
        "waivers",
        waivers(tx, state=WaiverState.REQUESTED, limit=MOST),
        lambda each: each.waiver_id,
    )
    stopped = standings(tx, state=StandingState.SUSPENDED, limit=MOST)
    told = [*stopped, *standings(tx, state=StandingState.WARNED, limit=MOST)]
    owed = [
        each
        for state in (RefundState.REQUESTED, RefundState.APPROVED)
        for each in refunds(tx, state=state, limit=MOST)
    ]
    due = leaf(request, "refunds", owed, _requested_first)
    return {
        "names": {party.customer_id: party for party in customers(tx)},
        "stopped": len(stopped),
        "standings": leaf(request, "standings", told, _stopped_first),
        "waivers": asked,
        "bills": {each.bill_id: find_bill(tx, each.bill_id).name for each in asked.rows},
        "refunds": due,
        "paid_by": {
            each.refund_id: _paid_by(tx, each)
            for each in due.rows
            if each.state is RefundState.APPROVED
        },
    }


def _paid_by(tx: Tx, refund: Refund) -> PaidBy:
    """Return the lines that may have carried a refund out.

    One that left to its very number since it was asked for is taken for it; one from before may
    have paid an earlier refund of the same amount, and is for a person to choose.
    """
    asked_on = refund.requested_at.astimezone(HOUSE_ZONE).date()
    found = lines_paying_back(tx, refund.receipt_id, amount_fen=refund.amount_fen)
    exact = [
        line.line_id
        for line in found
        if line.payer_number == refund.to_number and line.booked_on >= asked_on
    ]
    return PaidBy(found, exact[0] if exact else "")


def _stopped_first(row: StandingRow) -> str:
    return f"{row.state != StandingState.SUSPENDED:d}:{row.customer_id}"


def _requested_first(row: Refund) -> str:
    return f"{row.state is not RefundState.REQUESTED:d}:{row.refund_id}"


@routes.post("/waivers", dependencies=ours)
def ask_waiver(
    request: Request,
    db: Db,
    desk: DeskHere,
    now: Now,
    bill: Text,
    kind: Annotated[WaiverKind, Form()],
    why: Text,
) -> Response:
    """Ask to give up everything that is open of a bill."""
    request_waiver(
        db,
        bill.strip(),
        kind,
        why=why,
        by=caller_of(request).name,
        now=now,
        short_pay_fen=desk.short_pay_fen,
    )
    return go(request, "/receivables", f"已为账单 {bill.strip()} 申请减免，须由另一人审批")


@routes.post("/waivers/{waiver}/{decision}", dependencies=ours)
def decide_one(
    request: Request, db: Db, now: Now, waiver: str, decision: Decision, why: Text = ""
) -> Response:
    """Approve or reject a waiver that somebody else has asked for."""
    approve = decision == "approve"
    decide_waiver(db, waiver, approve=approve, by=caller_of(request).name, now=now, why=why)
    return go(request, "/receivables", "减免已批准" if approve else "减免已驳回")


@routes.post("/draw", dependencies=ours)
def pay_out_of(request: Request, db: Db, now: Now, form: Annotated[DrawForm, Form()]) -> Response:
    """Pay a bill, or the oldest ones, out of a prepayment or deposit of a currency."""
    done = draw_down(
        db,
        form.customer,
        Use(form.source),
        bills=form.bills(),
        currency=form.currency or None,
        why=form.why,
        by=caller_of(request).name,
        now=now,
    )
    paid = plain(sum(share.fen for share in done.shares), FEN)
    said = f"已支付账单 {len(done.shares)} 张，共 {paid} {done.currency}"
    return go(request, "/receivables", said if done.shares else NOTHING_DRAWN)


@routes.post("/set-aside", dependencies=ours)
def put_aside(
    request: Request,
    db: Db,
    now: Now,
    customer: Text,
    amount: Text,
    why: Text,
    currency: Annotated[OwnOr, Form()] = "",
) -> Response:
    """Turn a part of a prepayment into a deposit."""
    by, fen = caller_of(request).name, typed_fen(amount)
    set_aside(db, customer, fen, currency=currency or None, why=why, by=by, now=now)
    return go(request, "/receivables", "预收款已转押金")


@routes.post("/refunds/{refund}/paid", dependencies=ours)
def paid(
    request: Request,
    db: Db,
    now: Now,
    refund: str,
    paid_on: Annotated[date, Form()],
    line: Text = "",
) -> Response:
    """Note that the bank has carried a refund out."""
    by = caller_of(request).name
    refund_paid(db, refund, line=line.strip() or None, paid_on=paid_on, by=by, now=now)
    return go(request, "/receivables", "退款已付出并入账")


@routes.post("/refunds/{refund}/failed", dependencies=ours)
def failed(request: Request, db: Db, now: Now, refund: str, why: Text) -> Response:
    """Note that the bank did not carry a refund out."""
    refund_failed(db, refund, why=why, by=caller_of(request).name, now=now)
    return go(request, "/receivables", "已记为退款失败，款项恢复可用")


@routes.post("/refunds/{refund}/{decision}", dependencies=ours)
def decide_money(
    request: Request, db: Db, now: Now, refund: str, decision: Decision, why: Text = ""
) -> Response:
    """Approve or reject a refund that somebody else has asked for."""
    approve = decision == "approve"
    by = caller_of(request).name
    decide_refund(db, refund, approve=approve, by=by, now=now, why=why, owes_fapiao=owed_back)
    return go(request, "/receivables", "退款已批准，等待付款" if approve else "退款已驳回")


@routes.post("/reprieve", dependencies=ours)
def reprieve(
    request: Request,
    db: Db,
    now: Now,
    customer: Text,
    until: Annotated[date, Form()],
    why: Text,
) -> Response:
    """Put a customer's suspension off until the end of a day."""
    grant_reprieve(db, customer, until, why=why, by=caller_of(request).name, now=now)
    return go(request, "/receivables", f"客户 {customer} 延停至 {until}")
