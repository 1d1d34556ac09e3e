"""Receipts, claims and refunds: whose the money is, and what becomes of it."""

from typing import Annotated, Final, Literal

from fastapi import Path, Query, status

from yuejie.fapiao.request import owed_back
from yuejie.payments.apportion.draw import draw_down, set_aside
from yuejie.payments.apportion.move import Use
from yuejie.payments.apportion.place import apportion_receipt
from yuejie.payments.apportion.refunds import (
    bounce,
    decide_refund,
    refund_failed,
    refund_paid,
    request_refund,
)
from yuejie.payments.apportion.store import refunds
from yuejie.payments.apportion.undo import undo_batch
from yuejie.payments.claims.claim import ClaimState
from yuejie.payments.claims.decide import accept_claim, claim_receipt, reject_claim
from yuejie.payments.claims.store import claims, claims_of
from yuejie.payments.receipts.match import match_open
from yuejie.payments.receipts.receipt import ReceiptState
from yuejie.payments.receipts.show import whole_receipt
from yuejie.payments.receipts.store import receipts, receipts_of
from yuejie.web.auth import AnyCaller, guarded, whose
from yuejie.web.cursor import PAGE, Cursor, Limit, Page, Window, cut
from yuejie.web.desk import Db, Now
from yuejie.web.shapes.billing.review import DecisionIn
from yuejie.web.shapes.money.receipts import (
    AcceptIn,
    AnswerIn,
    ClaimIn,
    ClaimOut,
    DrawIn,
    MatchedOut,
    PaidIn,
    PlacedOut,
    PlacingIn,
    ReasonIn,
    ReceiptOut,
    ReceiptWholeOut,
    RefundIn,
    RefundOut,
    SetAsideIn,
    SetAsideOut,
    ShareOut,
    UndoneOut,
    amount,
    fen_of,
)
from yuejie.web.shapes.wire import Name

routes: Final = guarded("到账")


@routes.get("/receipts", summary="列出到账")
def list_receipts(
    db: Db,
    caller: AnyCaller,
    state: Annotated[ReceiptState | None, Query(description="只看这种状态")] = None,
    customer: Annotated[Name | None, Query(description="客户；不写为全部")] = None,
    cursor: Cursor = None,
    limit: Limit = PAGE,
) -> Page[ReceiptOut]:
    """列出到账，旧的在前。客户只见归属自己的。"""
    window = Window.read("receipts", cursor, limit)
    with db.read() as tx:
        customer_id = whose(tx, caller, customer)
        if customer_id is None:
            found = receipts(tx, state=state, after=window.after, limit=window.fetch)
        else:
            own = [r for r in receipts_of(tx, customer_id) if state in {None, r.state}]
            found = cut(window, own, lambda row: row.receipt_id)
    return window.page(found, ReceiptOut.of, lambda row: row.receipt_id)


@routes.get("/receipts/{receipt}", summary="查看到账")
def get_receipt(db: Db, receipt: Name) -> ReceiptWholeOut:
    """一笔到账的全部：可能的客户与理由、认款、经过。"""
    with db.read() as tx:
        return ReceiptWholeOut.of(whole_receipt(tx, receipt))


@routes.post("/receipts/match", summary="自动匹配")
def match(db: Db, now: Now) -> MatchedOut:
    """匹配全部未认款的到账；90 分以上且唯一的自动认款。"""
    return MatchedOut.of(match_open(db, now=now))


@routes.post("/receipts/{receipt}/apportion", summary="认款")
def apportion(db: Db, caller: AnyCaller, now: Now, receipt: Name, body: PlacingIn) -> PlacedOut:
    """把一笔到账分到客户（或其下级）的账单、押金、预收款。"""
    done = apportion_receipt(db, receipt, body.placing(), by=caller.name, now=now)
    return PlacedOut.of(done)


@routes.post("/apportionments/{batch}/undo", summary="撤销认款")
def undo(db: Db, caller: AnyCaller, now: Now, batch: Name, body: ReasonIn) -> UndoneOut:
    """撤销一次认款：账单恢复未付，到账恢复未认款。"""
    return UndoneOut(batch_id=undo_batch(db, batch, why=body.why, by=caller.name, now=now))


@routes.post("/receipts/{receipt}/bounce", summary="退票")
def bounced(db: Db, caller: AnyCaller, now: Now, receipt: Name, body: ReasonIn) -> RefundOut:
    """银行把到账退回了；有关认款一并撤销。"""
    done = bounce(db, receipt, line=body.line, why=body.why, by=caller.name, now=now)
    return RefundOut.of(done)


@routes.post("/customers/{customer}/draw", summary="用预收款或押金付账单")
def draw(db: Db, caller: AnyCaller, now: Now, customer: Name, body: DrawIn) -> list[ShareOut]:
    """用客户的预收款（默认最早的账单）或押金（须写明账单）支付账单。"""
    bills = None if body.bills is None else {n: fen_of(t) for n, t in body.bills.items()}
    done = draw_down(
        db,
        customer,
        Use(body.source),
        bills=bills,
        currency=body.currency,
        why=body.why,
        by=caller.name,
        now=now,
    )
    return [ShareOut(bill=s.number, amount=amount(s.fen, done.currency)) for s in done.shares]


@routes.post("/customers/{customer}/set-aside", summary="预收款转押金")
def aside(db: Db, caller: AnyCaller, now: Now, customer: Name, body: SetAsideIn) -> SetAsideOut:
    """把客户预收款的一部分转为押金。"""
    batch = set_aside(
        db,
        customer,
        fen_of(body.amount),
        currency=body.currency,
        why=body.why,
        by=caller.name,
        now=now,
    )
    return SetAsideOut(batch_id=batch)


@routes.get("/claims", summary="列出认领")
def list_claims(
    db: Db,
    caller: AnyCaller,
    customer: Annotated[Name | None, Query(description="客户；不写为全部待审核的")] = None,
) -> list[ClaimOut]:
    """客户看自己的全部认领；运营方看待审核的，或一个客户的全部。"""
    with db.read() as tx:
        customer_id = whose(tx, caller, customer)
        if customer_id is None:
            return [ClaimOut.of(claim) for claim in claims(tx, state=ClaimState.OPEN)]
        return [ClaimOut.of(claim) for claim in claims_of(tx, customer_id)]


@routes.post("/customers/{customer}/claims", summary="认领", status_code=status.HTTP_201_CREATED)
def claim(db: Db, caller: AnyCaller, now: Now, customer: Name, body: ClaimIn) -> ClaimOut:
    """客户认领一笔到账；运营方审核后认款。"""
    with db.read() as tx:
        customer_id = whose(tx, caller, customer)
    assert customer_id is not None, "a customer was named"
    done = claim_receipt(db, customer_id, body.claimed(), by=caller.name, now=now)
    return ClaimOut.of(done)


@routes.post("/claims/{claim}/accept", summary="同意认领")
def accept(db: Db, caller: AnyCaller, now: Now, claim: Name, body: AcceptIn) -> PlacedOut:
    """同意认领并认款。"""
    done = accept_claim(db, claim, receipt_id=body.receipt, by=caller.name, now=now)
    return PlacedOut.of(done)


@routes.post("/claims/{claim}/reject", summary="驳回认领")
def reject(db: Db, caller: AnyCaller, now: Now, claim: Name, body: AnswerIn) -> ClaimOut:
    """驳回认领，并答复客户。"""
    return ClaimOut.of(reject_claim(db, claim, answer=body.answer, by=caller.name, now=now))


@routes.get("/refunds", summary="列出退款")
def list_refunds(db: Db, cursor: Cursor = None, limit: Limit = PAGE) -> Page[RefundOut]:
    """全部退款，旧的在前。"""
    window = Window.read("refunds", cursor, limit)
    with db.read() as tx:
        found = refunds(tx, after=window.after, limit=window.fetch)
    return window.page(found, RefundOut.of, lambda row: row.refund_id)


@routes.post("/receipts/{receipt}/refunds", summary="申请退款", status_code=status.HTTP_201_CREATED)
def ask_refund(db: Db, caller: AnyCaller, now: Now, receipt: Name, body: RefundIn) -> RefundOut:
    """申请把钱退回付款账户，等另一人审批。"""
    asked = request_refund(db, body.wanted(receipt), by=caller.name, now=now, owes_fapiao=owed_back)
    return RefundOut.of(asked)


@routes.post("/refunds/{refund}/{decision}", summary="审批退款")
def decide(
    db: Db,
    caller: AnyCaller,
    now: Now,
    refund: Name,
    decision: Annotated[Literal["approve", "reject"], Path(description="批准或驳回")],
    body: DecisionIn | None = None,
) -> RefundOut:
    """批准或驳回他人申请的退款；驳回须写明原因。"""
    done = decide_refund(
        db,
        refund,
        approve=decision == "approve",
        by=caller.name,
        now=now,
        why=body.why if body else "",
        owes_fapiao=owed_back,
    )
    return RefundOut.of(done)


@routes.put("/refunds/{refund}/paid", summary="退款已付出")
def paid(db: Db, caller: AnyCaller, now: Now, refund: Name, body: PaidIn) -> RefundOut:
    """记下银行已付出的退款。"""
    done = refund_paid(db, refund, line=body.line, paid_on=body.paid_on, by=caller.name, now=now)
    return RefundOut.of(done)


@routes.put("/refunds/{refund}/failed", summary="退款没有付成")
def failed(db: Db, caller: AnyCaller, now: Now, refund: Name, body: ReasonIn) -> RefundOut:
    """记下银行没有付成的退款；款项恢复可用。"""
    return RefundOut.of(refund_failed(db, refund, why=body.why, by=caller.name, now=now))
