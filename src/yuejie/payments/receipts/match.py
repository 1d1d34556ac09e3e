"""Judge whose a receipt is, and act on it: apportion, propose, hold or suspend."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from yuejie.bills.store import bill_by_name
from yuejie.customers.customer import Customer
from yuejie.customers.store import customers
from yuejie.db.session import Database, Tx
from yuejie.kernel.errors import Conflict, DomainError
from yuejie.kernel.ids import CustomerId
from yuejie.payments.apportion.book import hold_customers
from yuejie.payments.apportion.move import Use
from yuejie.payments.apportion.open import amounts_of_all
from yuejie.payments.apportion.place import Placing, family_of, find_receipt, left_of, place
from yuejie.payments.banks import store as bank_store
from yuejie.payments.receipts import store
from yuejie.payments.receipts.payer import payers_of
from yuejie.payments.receipts.receipt import OPEN, Receipt, ReceiptEvent, ReceiptState, advance
from yuejie.payments.receipts.score import (
    Facts,
    Judgement,
    Verdict,
    judge,
    numbers_in,
    same_name,
)

log = structlog.get_logger()

MATCHER = "matcher"
"""Who apportions what needs no person."""
_EVENTS = {
    Verdict.PROPOSE: ReceiptEvent.PROPOSE,
    Verdict.HOLD: ReceiptEvent.HOLD,
    Verdict.SUSPEND: ReceiptEvent.SUSPEND,
}


@dataclass(frozen=True, slots=True)
class Matched:
    """What a round of judging came to."""

    apportioned: int
    proposed: int
    held: int
    suspended: int
    failed: int


def match_open(db: Database, *, now: datetime, by: str = MATCHER) -> Matched:
    """Judge every receipt of which something has no place, each in a transaction of its own.

    One whose money waits to go back, or that somebody placed meanwhile, is passed over.
    """
    names = _names(db)
    found: list[Verdict] = []
    failed = 0
    for receipt in _open(db):
        try:
            judgement = _match(db, receipt.receipt_id, now=now, by=by, names=names)
        except DomainError as error:
            failed += 1
            log.warning("payments.match_failed", receipt=receipt.receipt_id, why=error.sentence)
        else:
            found += [judgement.verdict] if judgement else []
    return Matched(
        found.count(Verdict.APPORTION),
        found.count(Verdict.PROPOSE),
        found.count(Verdict.HOLD),
        found.count(Verdict.SUSPEND),
        failed,
    )


def _open(db: Database) -> list[Receipt]:
    """Return the receipts to judge; what a person has placed, or taken back, is left to persons."""
    with db.read() as tx:
        return store.untouched_receipts(tx, limit=10_000)


def _names(db: Database) -> dict[str, list[CustomerId]]:
    with db.read() as tx:
        return index(customers(tx))


def index(known: Iterable[Customer]) -> dict[str, list[CustomerId]]:
    """Map each customer's name, as names are compared, to who bears it."""
    named: dict[str, list[CustomerId]] = {}
    for customer in known:
        named.setdefault(same_name(customer.legal_name), []).append(customer.customer_id)
    return named


def match_receipt(
    db: Database,
    receipt_id: str,
    *,
    now: datetime,
    by: str = MATCHER,
    names: dict[str, list[CustomerId]] | None = None,
) -> Judgement:
    """Judge one receipt and act on the verdict; the judgement is kept with its reasons.

    Raises Conflict for one that is placed already.
    """
    judgement = _match(db, receipt_id, now=now, by=by, names=names)
    if judgement is None:
        raise Conflict(f"到账 {receipt_id} 已认款或退回，无需再匹配")
    return judgement


def _match(
    db: Database,
    receipt_id: str,
    *,
    now: datetime,
    by: str,
    names: dict[str, list[CustomerId]] | None,
) -> Judgement | None:
    """Judge one receipt and act on the verdict; None where something of it is placed or goes back.

    Asked under the receipt's lock: between the list and this, somebody may have been at it.
    """
    with db.begin() as tx:
        receipt = find_receipt(tx, receipt_id, hold=True)
        if receipt.state not in OPEN or left_of(tx, receipt) != receipt.amount_fen:
            return None
        known = index(customers(tx)) if names is None else names
        found = _candidates(tx, receipt, known)
        hold_customers(tx, {member for each in found for member in family_of(tx, each)})
        judgement = judge(receipt, [_facts(tx, receipt, each) for each in found])
        store.keep_candidates(tx, receipt_id, judgement.candidates, judged_at=now)
        _act(tx, receipt, judgement, by=by, now=now)
        return judgement


def _candidates(tx: Tx, receipt: Receipt, names: dict[str, list[CustomerId]]) -> list[CustomerId]:
    """Find everybody whom some evidence names; where a parent pays, the parent stands for both.

    But a number of its own says whose money it is: there a parent pays for whom it belongs to.
    """
    billed = [bill_by_name(tx, number) for number in numbers_in(receipt.memo)]
    written = [bill.customer_id for bill in billed if bill]
    found = list(written)
    if receipt.payer_number:
        found += [row.customer_id for row in store.payers_by_number(tx, receipt.payer_number)]
    papers = bank_store.authorised_for(tx, name=receipt.payer_name, number=receipt.payer_number)
    found += [paper.customer_id for paper in papers]
    named = names.get(same_name(receipt.payer_name), []) if receipt.payer_name else []
    found += named
    owner = _owner(tx, receipt)
    if owner is not None:
        payer = bank_store.parent_of(tx, owner)
        found = [owner, *(each for each in found if each != payer or payer in written)]
        named = [each for each in named if each != payer]
    parents = [(each, bank_store.parent_of(tx, each)) for each in dict.fromkeys(found)]
    paying = {parent for _, parent in parents if parent in named}
    return sorted(paying | {each for each, parent in parents if parent not in paying})


def _owner(tx: Tx, receipt: Receipt) -> CustomerId | None:
    """Return whose number a receipt was paid into."""
    virtual = bank_store.virtual_by_number(tx, receipt.into_number) if receipt.into_number else None
    return virtual.customer_id if virtual else None


def _facts(tx: Tx, receipt: Receipt, customer_id: CustomerId) -> Facts:
    family = family_of(tx, customer_id)
    return Facts(
        customer_id=customer_id,
        payers=payers_of(tx, customer_id, receipt.received_on),
        into=frozenset(v.number for each in family for v in bank_store.virtuals(tx, each)),
        open=[a for a in amounts_of_all(tx, family) if a.state == "issued"],
    )


def _act(tx: Tx, receipt: Receipt, judgement: Judgement, *, by: str, now: datetime) -> None:
    if judgement.verdict is Verdict.APPORTION:
        best = judgement.candidates[0]
        placing = Placing(customer=best.customer_id, rest=Use.PREPAYMENT, why=judgement.why)
        place(tx, receipt, best.customer_id, placing, best.shared.shares, by=by, now=now)
        return
    event = _EVENTS[judgement.verdict]
    became = replace(receipt, state=advance(receipt.state, event))
    if became.state is receipt.state and receipt.state is not ReceiptState.RECEIVED:
        return
    if not store.move(tx, became, was=receipt.state, event=event, by=by, at=now, why=judgement.why):
        raise Conflict(f"到账 {receipt.receipt_id} 正被另一操作处理，请刷新后重试")
