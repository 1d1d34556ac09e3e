"""Claim a receipt, and decide about a claim."""

from dataclasses import replace
from datetime import datetime

from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Database, Tx
from yuejie.kernel.errors import Conflict, Invalid, NotFound
from yuejie.kernel.ids import CustomerId, mint
from yuejie.kernel.money import FEN, plain
from yuejie.notices.rejection import Asked, Rejection, tell_rejection
from yuejie.payments.apportion.book import hold_customers
from yuejie.payments.apportion.move import Use
from yuejie.payments.apportion.place import (
    Placed,
    Placing,
    family_of,
    find_receipt,
    left_of,
    place,
)
from yuejie.payments.claims import store
from yuejie.payments.claims.claim import Claim, Claimed, ClaimState, decide
from yuejie.payments.receipts.receipt import OPEN, Receipt
from yuejie.payments.receipts.score import same_name
from yuejie.payments.receipts.store import receipts_like


def claim_receipt(
    db: Database, customer_id: CustomerId, claimed: Claimed, *, by: str, now: datetime
) -> Claim:
    """Write a customer's claim down, with the receipt it means where exactly one fits.

    The customer learns of no receipt but by its own words: nothing is shown that it did not say.
    """
    claimed.refuse_nonsense()
    with db.begin() as tx:
        fitting = _fitting(tx, claimed)
        claim = Claim(
            claim_id=mint("clm", now),
            customer_id=customer_id,
            payer_name=claimed.payer_name.strip(),
            payer_number=claimed.payer_number.replace(" ", ""),
            amount_fen=claimed.amount_fen,
            paid_on=claimed.paid_on,
            bill_numbers=claimed.bill_numbers,
            document=claimed.document,
            receipt_id=fitting[0].receipt_id if len(fitting) == 1 else None,
            state=ClaimState.OPEN,
            claimed_by=by,
            claimed_at=now,
        )
        store.insert_claim(tx, claim)
        deed = Deed(by, now, "claim", "receipt_claim", claim.claim_id)
        record_deed(tx, deed, became=_facts(claim))
        return claim


def _fitting(tx: Tx, claimed: Claimed) -> list[Receipt]:
    """Return the receipts of that amount, about that day, from that payer."""
    number = claimed.payer_number.replace(" ", "")
    return [
        receipt
        for receipt in receipts_like(tx, amount_fen=claimed.amount_fen, paid_on=claimed.paid_on)
        if same_name(receipt.payer_name) == same_name(claimed.payer_name)
        and (not number or not receipt.payer_number or number == receipt.payer_number)
    ]


def accept_claim(
    db: Database,
    claim_id: str,
    *,
    receipt_id: str | None = None,
    by: str,
    now: datetime,
) -> Placed:
    """Give a receipt to whom claims it: the bills it names first, then the oldest.

    Raises Conflict where no receipt is named, or what has no place of it is another amount: a part
    is placed already, or on its way back.
    """
    with db.begin() as tx:
        asked = _find(tx, claim_id)
        state = decide(asked, accept=True, by=by)
        wanted = receipt_id or asked.receipt_id
        if wanted is None:
            raise Conflict(f"认领 {claim_id} 没有对应的到账，请指定到账编号，或等银行流水导入")
        receipt = find_receipt(tx, wanted, hold=True)
        left = left_of(tx, receipt)
        if receipt.state not in OPEN or left != asked.amount_fen:
            raise Conflict(
                f"到账 {wanted} 未认 {plain(left, FEN)}，与认领 "
                f"{plain(asked.amount_fen, FEN)} 不符或已认款，请核对"
            )
        hold_customers(tx, family_of(tx, asked.customer_id))
        became = replace(asked, state=state, receipt_id=wanted, decided_by=by, decided_at=now)
        if not store.decide_claim(tx, became):
            raise Conflict(f"认领 {claim_id} 正被另一操作处理，请刷新后重试")
        deed = Deed(by, now, "accept", "receipt_claim", claim_id)
        record_deed(tx, deed, was=_facts(asked), became=_facts(became))
        memo = " ".join([receipt.memo, *asked.bill_numbers])
        placing = Placing(
            customer=asked.customer_id, rest=Use.PREPAYMENT, why=f"客户认领 {claim_id}"
        )
        named = replace(receipt, memo=memo)
        return place(tx, named, asked.customer_id, placing, None, by=by, now=now)


def reject_claim(db: Database, claim_id: str, *, answer: str, by: str, now: datetime) -> Claim:
    """Turn a claim down with an answer. Raises Invalid without one: the customer reads it."""
    if not answer.strip():
        raise Invalid("驳回认领须写明给客户的答复，请补全后重试")
    with db.begin() as tx:
        asked = _find(tx, claim_id)
        became = replace(
            asked,
            state=decide(asked, accept=False, by=by),
            decided_by=by,
            decided_at=now,
            answer=answer,
        )
        if not store.decide_claim(tx, became):
            raise Conflict(f"认领 {claim_id} 正被另一操作处理，请刷新后重试")
        deed = Deed(by, now, "reject", "receipt_claim", claim_id, answer)
        record_deed(tx, deed, was=_facts(asked), became=_facts(became))
        rejection = Rejection(
            asked=Asked.CLAIM,
            name=claim_id,
            asked_by=asked.claimed_by,
            by=by,
            why=answer,
            customer_id=asked.customer_id,
        )
        tell_rejection(tx, rejection, at=now)
        return became


def _facts(claim: Claim) -> dict[str, object]:
    """Return what a deed says of a claim; the payer and the paper stand with it."""
    return {
        "state": str(claim.state),
        "customer": claim.customer_id,
        "receipt": claim.receipt_id,
        "fen": claim.amount_fen,
        "paid_on": claim.paid_on.isoformat(),
        "bills": list(claim.bill_numbers),
    }


def _find(tx: Tx, claim_id: str) -> Claim:
    claim = store.claim_by_id(tx, claim_id)
    if claim is None:
        raise NotFound(f"认领 {claim_id} 不存在，请核对编号")
    return claim
