"""A bill on its way to being issued: proposed, confirmed, disputed, drawn anew."""

from typing import Final

from fastapi import status

from yuejie.bills.review.ask import confirm_bill, propose_bill, reopen_bill
from yuejie.bills.review.disputes import (
    Objection,
    accept_dispute,
    raise_dispute,
    reject_dispute,
    withdraw_dispute,
)
from yuejie.bills.review.store import disputes_of, open_disputes
from yuejie.bills.store import transitions
from yuejie.kernel.money import Money
from yuejie.web.api.billing.bills import visible_bill
from yuejie.web.auth import AnyCaller, guarded
from yuejie.web.desk import Db, Now
from yuejie.web.shapes.billing.bills import BillOut
from yuejie.web.shapes.billing.review import (
    AcceptIn,
    DisputeIn,
    DisputeOut,
    RejectIn,
    Why,
)
from yuejie.web.shapes.wire import Name, TransitionOut

routes: Final = guarded("对账确认")


@routes.post("/bills/{bill}/propose", summary="提交客户确认")
def propose(db: Db, caller: AnyCaller, now: Now, bill: Name) -> BillOut:
    """把草稿交给客户确认；内容以哈希冻结，开始计算对账期。"""
    return BillOut.of(propose_bill(db, bill, by=caller.name, now=now))


@routes.post("/bills/{bill}/confirm", summary="确认账单")
def confirm(db: Db, caller: AnyCaller, now: Now, bill: Name, body: Why) -> BillOut:
    """客户确认账单；运营方代为确认须写明依据。"""
    done = confirm_bill(
        db, bill, by=caller.name, now=now, customer_id=caller.customer_id, why=body.why
    )
    return BillOut.of(done)


@routes.post("/bills/{bill}/reopen", summary="撤回重算")
def reopen(db: Db, caller: AnyCaller, now: Now, bill: Name, body: Why) -> BillOut:
    """撤回尚未出账的账单并重算，带上已批准的调整；原确认作废。"""
    return BillOut.of(reopen_bill(db, bill, by=caller.name, now=now, why=body.why))


@routes.get("/bills/{bill}/life", summary="账单经历")
def life(db: Db, caller: AnyCaller, bill: Name) -> list[TransitionOut]:
    """账单从草稿至今的每一步：谁、何时、为何。"""
    with db.read() as tx:
        found = visible_bill(tx, caller, bill)
        return [
            TransitionOut.of(moved) for moved in transitions(tx, found.customer_id, found.bill_id)
        ]


@routes.get("/bills/{bill}/disputes", summary="账单的异议")
def list_disputes(db: Db, caller: AnyCaller, bill: Name) -> list[DisputeOut]:
    """一张账单的异议与答复，旧的在前。"""
    with db.read() as tx:
        found = visible_bill(tx, caller, bill)
        rows = disputes_of(tx, found.customer_id, bill_id=found.bill_id)
        return [DisputeOut.of(row) for row in rows]


@routes.post("/bills/{bill}/disputes", summary="提出异议", status_code=status.HTTP_201_CREATED)
def dispute(db: Db, caller: AnyCaller, now: Now, bill: Name, body: DisputeIn) -> DisputeOut:
    """对待确认账单的一行提出异议；账单暂停，直到答复。"""
    with db.read() as tx:
        currency = visible_bill(tx, caller, bill).currency
    claimed = Money.parse(body.claimed, currency).fen if body.claimed else None
    objection = Objection(body.position, body.why, claimed)
    raised = raise_dispute(
        db, bill, objection, by=caller.name, now=now, customer_id=caller.customer_id
    )
    return DisputeOut.of(raised)


@routes.get("/disputes", summary="待处理的异议")
def waiting(db: Db) -> list[DisputeOut]:
    """全部待处理的异议，旧的在前。"""
    with db.read() as tx:
        return [DisputeOut.of(row) for row in open_disputes(tx)]


@routes.post("/disputes/{dispute}/withdraw", summary="撤回异议")
def withdraw(db: Db, caller: AnyCaller, now: Now, dispute: Name) -> DisputeOut:
    """撤回异议；最后一个异议了结后账单继续。"""
    done = withdraw_dispute(db, dispute, by=caller.name, now=now, customer_id=caller.customer_id)
    return DisputeOut.of(done)


@routes.post("/disputes/{dispute}/accept", summary="接受异议")
def accept(db: Db, caller: AnyCaller, now: Now, dispute: Name, body: AcceptIn) -> DisputeOut:
    """接受异议并提出调整；须由另一人审批，然后撤回重算。"""
    fen = Money.parse(body.amount, "CNY").fen
    done = accept_dispute(db, dispute, amount_fen=fen, answer=body.answer, by=caller.name, now=now)
    return DisputeOut.of(done)


@routes.post("/disputes/{dispute}/reject", summary="驳回异议")
def reject(db: Db, caller: AnyCaller, now: Now, dispute: Name, body: RejectIn) -> DisputeOut:
    """驳回异议并写明依据。"""
    return DisputeOut.of(reject_dispute(db, dispute, answer=body.answer, by=caller.name, now=now))
