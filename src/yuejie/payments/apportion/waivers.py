"""Give up a small difference, or a bad debt: one asks, another decides, the ledger says so."""

from collections.abc import Mapping
from datetime import datetime

from yuejie.bills.find import find_bill
from yuejie.customers.enrol import find_customer
from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Database, Tx
from yuejie.kernel.errors import Conflict, Invalid, NotFound
from yuejie.kernel.ids import mint
from yuejie.kernel.money import FEN, Money, plain
from yuejie.kernel.period import zone_of
from yuejie.notices.rejection import Asked, Rejection, tell_rejection
from yuejie.payments.apportion import store
from yuejie.payments.apportion.book import book, hold_customers
from yuejie.payments.apportion.move import Move, Use
from yuejie.payments.apportion.open import amount_of
from yuejie.payments.apportion.shares import OpenAmount
from yuejie.payments.apportion.waiver import (
    SHORT_PAY_FEN,
    WAIVED_BY,
    Waiver,
    WaiverKind,
    WaiverState,
    decide,
)
from yuejie.payments.dunning.standing import review_standing


def request_waiver(
    db: Database,
    bill: str,
    kind: WaiverKind,
    *,
    why: str,
    by: str,
    now: datetime,
    short_pay_fen: Mapping[str, int] = SHORT_PAY_FEN,
) -> Waiver:
    """Ask to give up what is open of a bill: as a bank's fee, or as a bad debt.

    A fee is at most what `short_pay_fen` says for the bill's currency, nothing where it says none,
    and something must have been paid. Raises Conflict where nothing is open, too much is, or
    somebody has asked already.
    """
    if not why.strip():
        raise Invalid("减免须写明原因，请补全后重试")
    with db.begin() as tx:
        found = find_bill(tx, bill)
        hold_customers(tx, [found.customer_id])
        amount = amount_of(tx, found.customer_id, found.bill_id)
        _refuse(amount, kind, short_pay_fen.get(amount.currency, 0))
        waiver = Waiver(
            waiver_id=mint("wvr", now),
            kind=kind,
            customer_id=found.customer_id,
            bill_id=found.bill_id,
            currency=amount.currency,
            amount_fen=amount.open_fen,
            why=why,
            state=WaiverState.REQUESTED,
            requested_by=by,
            requested_at=now,
        )
        if not store.insert_waiver(tx, waiver):
            raise Conflict(f"账单 {amount.number} 已有待审批的减免申请，请先处理")
        record_deed(tx, Deed(by, now, "request", "waiver", waiver.waiver_id, why), became=waiver)
        return waiver


def _refuse(amount: OpenAmount, kind: WaiverKind, tolerance_fen: int) -> None:
    if amount.open_fen <= 0:
        raise Conflict(f"账单 {amount.number} 没有未付金额，无需减免")
    if kind is not WaiverKind.SHORT_PAY:
        return
    if amount.open_fen > tolerance_fen:
        raise Conflict(
            f"账单 {amount.number} 差额 {plain(amount.open_fen, FEN)} {amount.currency} "
            f"超过手续费容差 {plain(tolerance_fen, FEN)}，请催收，或按坏账申请核销"
        )
    if amount.apportioned_fen <= 0:
        raise Conflict(f"账单 {amount.number} 尚未到账，差额不是手续费，请先认款")


def decide_waiver(
    db: Database,
    waiver_id: str,
    *,
    approve: bool,
    by: str,
    now: datetime,
    why: str = "",
) -> Waiver:
    """Approve or reject somebody else's waiver; approved, exactly what was asked is given up.

    `why` says for what reason it is rejected; one that is approved goes by the asker's reason.
    Raises Forbidden for the one who asked, Conflict for one that is decided, or whose bill is open
    by another amount since, Invalid for a rejection without a reason.
    """
    if not approve and not why.strip():
        raise Invalid("驳回减免须写明原因，请补全后重试")
    with db.begin() as tx:
        asked = _find(tx, waiver_id)
        state = decide(asked, approve=approve, by=by)
        hold_customers(tx, [asked.customer_id])
        if not store.decide_waiver(tx, waiver_id, state, by=by, at=now):
            raise Conflict(f"减免申请 {waiver_id} 正被另一操作处理，请刷新后重试")
        if state is WaiverState.APPROVED:
            _give_up(tx, asked, by=by, now=now)
            review_standing(tx, asked.customer_id, by=by, now=now)
        became = _find(tx, waiver_id)
        verb, reason = ("approve", asked.why) if approve else ("reject", why)
        deed = Deed(by, now, verb, "waiver", waiver_id, reason)
        record_deed(tx, deed, was=asked, became=became)
        if not approve:
            tell_rejection(tx, _rejection(became, reason), at=now)
        return became


def _rejection(waiver: Waiver, why: str) -> Rejection:
    """Return what whoever asked for a waiver is told of it."""
    assert waiver.decided_by is not None, "somebody rejected it"
    return Rejection(
        asked=Asked(waiver.kind),
        name=waiver.waiver_id,
        asked_by=waiver.requested_by,
        by=waiver.decided_by,
        why=why,
        customer_id=waiver.customer_id,
        amount=Money(waiver.amount_fen, waiver.currency),
    )


def _find(tx: Tx, waiver_id: str) -> Waiver:
    waiver = store.waiver_by_id(tx, waiver_id)
    if waiver is None:
        raise NotFound(f"减免申请 {waiver_id} 不存在，请核对编号")
    return waiver


def _give_up(tx: Tx, waiver: Waiver, *, by: str, now: datetime) -> None:
    amount = amount_of(tx, waiver.customer_id, waiver.bill_id)
    if amount.open_fen != waiver.amount_fen:
        raise Conflict(
            f"账单 {amount.number} 未付已变为 {plain(amount.open_fen, FEN)}，"
            f"与申请的 {plain(waiver.amount_fen, FEN)} 不同，请驳回后重新申请"
        )
    zone = zone_of(find_customer(tx, waiver.customer_id).zone)
    move = Move(
        source=WAIVED_BY[waiver.kind],
        use=Use.BILL,
        customer_id=waiver.customer_id,
        currency=waiver.currency,
        fen=waiver.amount_fen,
        effective_on=now.astimezone(zone).date(),
        bill_id=waiver.bill_id,
    )
    book(tx, [move], by=by, at=now, why=waiver.why)
