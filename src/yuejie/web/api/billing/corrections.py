"""Adjustments, credit notes, billing units: what changes what is owed, by two people."""

from typing import Annotated, Final

from fastapi import Path, Query, status

from yuejie.bills.closing.units.assign import assign_unit
from yuejie.bills.correct.adjust import decide_adjustment, propose_adjustment
from yuejie.bills.correct.adjustment import Decision
from yuejie.bills.correct.store import credits_of, open_adjustments, rejected_adjustments
from yuejie.bills.correct.take_back import decide_credit, request_credit
from yuejie.customers.enrol import find_customer
from yuejie.kernel.money import Money
from yuejie.kernel.period import BillingMonth
from yuejie.web.api.billing.bills import visible_bill
from yuejie.web.auth import AnyCaller, guarded
from yuejie.web.desk import Db, Now
from yuejie.web.shapes.billing.review import (
    AdjustmentIn,
    AdjustmentOut,
    CreditIn,
    CreditOut,
    DecisionIn,
    RejectionIn,
    UnitIn,
    UnitOut,
)
from yuejie.web.shapes.wire import Name

routes: Final = guarded("调整与冲减")
REJECTED: Final = 100
"""How many adjustments that were rejected are listed."""


@routes.get("/adjustments", summary="待审批的调整")
def list_adjustments(
    db: Db,
    rejected: Annotated[bool, Query(description="改列被驳回的，新的在前，最多 100 条")] = False,  # noqa: FBT002 - a query's own flag
) -> list[AdjustmentOut]:
    """全部待审批的调整，旧的在前；或最近被驳回的，连同原因。"""
    with db.read() as tx:
        rows = rejected_adjustments(tx, limit=REJECTED) if rejected else open_adjustments(tx)
        return [AdjustmentOut.of(row) for row in rows]


@routes.post("/adjustments", summary="提出调整", status_code=status.HTTP_201_CREATED)
def propose(db: Db, caller: AnyCaller, now: Now, body: AdjustmentIn) -> AdjustmentOut:
    """提出一笔调整，等另一人审批。"""
    with db.read() as tx:
        customer_id = find_customer(tx, body.customer).customer_id
    wanted = body.wanted(customer_id)
    return AdjustmentOut.of(propose_adjustment(db, wanted, by=caller.name, now=now))


@routes.post("/adjustments/{adjustment}/{decision}", summary="审批调整")
def decide(
    db: Db,
    caller: AnyCaller,
    now: Now,
    adjustment: Name,
    decision: Annotated[Decision, Path(description="approve 批准，reject 驳回，withdraw 撤回")],
    body: DecisionIn | None = None,
) -> AdjustmentOut:
    """批准或驳回他人的调整，或撤回自己的；驳回须写明原因，所答复的异议重新待处理。"""
    why = body.why if body else ""
    done = decide_adjustment(db, adjustment, decision, by=caller.name, now=now, why=why)
    return AdjustmentOut.of(done)


@routes.get("/bills/{bill}/credit-notes", summary="账单的冲减单")
def list_credits(db: Db, caller: AnyCaller, bill: Name) -> list[CreditOut]:
    """一张账单的冲减单，旧的在前。"""
    with db.read() as tx:
        found = visible_bill(tx, caller, bill)
        rows = credits_of(tx, found.customer_id, bill_id=found.bill_id)
        return [CreditOut.of(row) for row in rows]


@routes.post("/bills/{bill}/credit-notes", summary="请求冲减", status_code=status.HTTP_201_CREATED)
def request(db: Db, caller: AnyCaller, now: Now, bill: Name, body: CreditIn) -> CreditOut:
    """请求冲减已出账账单的若干行，或整张作废；等另一人审批。"""
    with db.read() as tx:
        currency = visible_bill(tx, caller, bill).currency
    amounts = (
        None
        if body.lines is None
        else {at: Money.parse(text, currency).fen for at, text in body.lines.items()}
    )
    note = request_credit(db, bill, amounts=amounts, why=body.why, by=caller.name, now=now)
    return CreditOut.of(note)


@routes.post("/credit-notes/{note}/approve", summary="批准冲减单")
def approve(db: Db, caller: AnyCaller, now: Now, note: Name) -> CreditOut:
    """批准他人提出的冲减单：编号、封印、入账。"""
    return CreditOut.of(decide_credit(db, note, approve=True, by=caller.name, now=now))


@routes.post("/credit-notes/{note}/reject", summary="驳回冲减单")
def reject(db: Db, caller: AnyCaller, now: Now, note: Name, body: RejectionIn) -> CreditOut:
    """驳回他人提出的冲减单，写明原因。"""
    done = decide_credit(db, note, approve=False, by=caller.name, now=now, why=body.why)
    return CreditOut.of(done)


@routes.post(
    "/customers/{customer}/billing-units",
    summary="单独出账",
    status_code=status.HTTP_201_CREATED,
)
def assign(db: Db, caller: AnyCaller, now: Now, customer: Name, body: UnitIn) -> UnitOut:
    """把一个项目（及其下级）从某月起在自己的出账单元出账；合同须约定按单元拆分。"""
    unit_id = assign_unit(
        db,
        customer,
        project=body.project,
        unit=body.unit,
        since=BillingMonth.parse(body.since),
        by=caller.name,
        now=now,
    )
    return UnitOut(unit_id=unit_id)
