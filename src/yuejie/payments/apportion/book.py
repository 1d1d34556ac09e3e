"""Write a batch of apportionments: rows, ledger, and the states of the bills it touches."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from yuejie.bills.pay import mark_paid, mark_unpaid, mark_written_off
from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Tx
from yuejie.kernel.errors import Conflict
from yuejie.kernel.ids import BillId, CustomerId
from yuejie.kernel.money import FEN, plain
from yuejie.ledger.post import post
from yuejie.payments.apportion import store
from yuejie.payments.apportion.move import Move, Source, Use, apportionments, entry
from yuejie.payments.apportion.open import amounts_of
from yuejie.payments.apportion.shares import OpenAmount


def hold_customers(tx: Tx, customers: Iterable[CustomerId]) -> None:
    """Let nobody else move these customers' money until the transaction ends.

    The locks are those under which bills are issued and credited; they are taken in one order.
    """
    for customer_id in sorted(set(customers)):
        tx.lock_exclusive(f"close {customer_id}")


def book(
    tx: Tx,
    moves: Sequence[Move],
    *,
    by: str,
    at: datetime,
    why: str,
    undoes: Sequence[str | None] = (),
) -> str:
    """Write moves down as one batch and return its id; their customers are held already.

    Raises Conflict where more would be apportioned to a bill than is open, or taken from a
    prepayment or deposit than is there.
    """
    rows = apportionments(moves, at=at, by=by, why=why, undoes=undoes)
    store.insert(tx, rows)
    batch = rows[0].batch_id
    post(tx, entry(batch, moves, at=at, by=by, why=why))
    _refuse_overdrawn(tx, moves)
    added: dict[CustomerId, Counter[BillId]] = {}
    for move in moves:
        if move.bill_id is not None:
            added.setdefault(move.customer_id, Counter())[move.bill_id] += move.fen
    became = [
        amount
        for customer_id in sorted(added)
        for amount in _follow(tx, customer_id, added[customer_id], by=by, at=at, why=why)
    ]
    verb = "take_back" if any(undoes) else "apportion"
    was = {each.number: each.open_fen + added[each.customer_id][each.bill_id] for each in became}
    record_deed(
        tx,
        Deed(by, at, verb, "apportionment", batch, why),
        was={"open_fen": was, "rows": [each for each in undoes if each]},
        became={
            "open_fen": {each.number: each.open_fen for each in became},
            "moves": [_said(move) for move in moves],
        },
    )
    return batch


def _said(move: Move) -> dict[str, object]:
    """Return what a deed says of a move, leaving out what it has none of."""
    facts = {
        "from": str(move.source),
        "of": move.source_customer or move.receipt_id,
        "to": str(move.use),
        "customer": move.customer_id,
        "bill": move.bill_id,
        "fen": move.fen,
        "currency": move.currency,
    }
    return {name: value for name, value in facts.items() if value is not None}


def _refuse_overdrawn(tx: Tx, moves: Sequence[Move]) -> None:
    """Refuse a batch that leaves a prepayment or deposit below zero."""
    drawn = {
        (move.source_customer, Use(str(move.source)), move.currency)
        for move in moves
        if move.source in {Source.PREPAYMENT, Source.DEPOSIT} and move.source_customer
    }
    given = {
        (move.customer_id, move.use, move.currency) for move in moves if move.use is not Use.BILL
    }
    for customer_id, what, currency in sorted(drawn | given):
        left = store.held(tx, customer_id, what, currency)
        if left < 0:
            said = "预收款" if what is Use.PREPAYMENT else "押金"
            raise Conflict(
                f"{said}不足，差 {plain(-left, FEN)} {currency}，本次未入账；"
                "若已用于其他账单或正在退款，请先撤销"
            )


def _follow(
    tx: Tx,
    customer_id: CustomerId,
    added: Mapping[BillId, int],
    *,
    by: str,
    at: datetime,
    why: str,
) -> list[OpenAmount]:
    """Move bills along to what is open of them now, and return that; beyond a bill is refused."""
    known = {amount.bill_id: amount for amount in amounts_of(tx, customer_id)}
    followed = []
    for bill_id in sorted(added):
        amount = known.get(bill_id)
        if amount is None:
            # Voided: whatever it held goes back to the prepayment, and its state stays.
            continue
        if amount.open_fen < 0 < added[bill_id]:
            raise Conflict(
                f"账单 {amount.number} 未付 {plain(amount.open_fen, FEN)}，认款超过应付，本次未入账"
            )
        _advance(tx, amount, by=by, at=at, why=why)
        followed.append(amount)
    return followed


def mark_as_open(tx: Tx, customer_id: CustomerId, *, by: str, at: datetime) -> None:
    """Mark every bill as what is open of it says, also where no money moved.

    Nothing was owed of it, or a credit note has changed what is.
    """
    for amount in amounts_of(tx, customer_id):
        _advance(tx, amount, by=by, at=at, why="按未付金额")


def _advance(tx: Tx, amount: OpenAmount, *, by: str, at: datetime, why: str) -> None:
    """Mark a bill as paid, unpaid, or given up, whichever its open amount says."""
    closed = amount.open_fen <= 0
    if amount.state == "issued" and closed:
        mark = mark_written_off if amount.bad_debt_fen else mark_paid
        mark(tx, amount.bill_id, by=by, at=at, why=why)
    elif amount.state == "written_off" and closed and not amount.bad_debt_fen:
        mark_paid(tx, amount.bill_id, by=by, at=at, why=why)
    elif amount.state in {"paid", "written_off"} and not closed:
        mark_unpaid(tx, amount.bill_id, by=by, at=at, why=why)
    elif amount.state == "paid" and amount.bad_debt_fen:
        mark_unpaid(tx, amount.bill_id, by=by, at=at, why=why)
        mark_written_off(tx, amount.bill_id, by=by, at=at, why=why)
