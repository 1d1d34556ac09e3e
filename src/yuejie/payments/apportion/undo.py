"""Take an apportionment back: its mirror, in the same words, effective on the same days."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from yuejie.db.session import Database, Tx
from yuejie.kernel.errors import Conflict, Invalid, NotFound
from yuejie.kernel.ids import BillId, CustomerId
from yuejie.kernel.money import FEN, plain
from yuejie.kernel.two_people import refuse_same
from yuejie.payments.apportion import store
from yuejie.payments.apportion.book import book, hold_customers
from yuejie.payments.apportion.move import Apportionment, Move, Source, mirror
from yuejie.payments.apportion.open import amounts_of
from yuejie.payments.apportion.place import find_receipt
from yuejie.payments.apportion.waiver import WAIVED_BY
from yuejie.payments.dunning.standing import review_standings
from yuejie.payments.receipts import store as receipt_store
from yuejie.payments.receipts.receipt import Receipt, ReceiptEvent, ReceiptState, advance


def undo_batch(db: Database, batch_id: str, *, why: str, by: str, now: datetime) -> str:
    """Take a batch back, once; its bills are open again and its receipt is to be placed again.

    Raises NotFound for an unknown batch, Conflict for one that was taken back, or whose prepayment
    is used already, Invalid without a reason, Forbidden for whoever asked for the waiver behind it.
    """
    if not why.strip():
        raise Invalid("撤销认款须写明原因，请补全后重试")
    with db.begin() as tx:
        rows = _rows(tx, batch_id)
        _refuse_asker(tx, rows, by)
        held = {row.receipt_id for row in rows if row.receipt_id}
        for receipt_id in sorted(held):
            find_receipt(tx, receipt_id, hold=True)
        hold_customers(tx, customers_of(rows))
        undone = take_back(tx, rows, why=why, by=by, now=now)
        review_standings(tx, customers_of(rows), by=by, now=now)
        return undone


def _rows(tx: Tx, batch_id: str) -> list[Apportionment]:
    rows = store.batch(tx, batch_id)
    if not rows:
        raise NotFound(f"认款批次 {batch_id} 不存在，请核对编号")
    return rows


def _refuse_asker(tx: Tx, rows: Sequence[Apportionment], by: str) -> None:
    """Refuse that who asked for a waiver makes nothing of what another person approved."""
    kinds = {source: kind for kind, source in WAIVED_BY.items()}
    for row in rows:
        kind = kinds.get(row.source)
        waiver = store.waiver_behind(tx, row.customer_id, row, kind) if kind else None
        if waiver is not None:
            asker, named = waiver.requested_by, waiver.waiver_id
            refuse_same(asker, by, "减免", deed="撤销", waiver=named)


def customers_of(rows: list[Apportionment]) -> set[CustomerId]:
    """Return whose money a batch moves."""
    return {row.customer_id for row in rows} | {
        row.source_customer for row in rows if row.source_customer
    }


def take_back(tx: Tx, rows: list[Apportionment], *, why: str, by: str, now: datetime) -> str:
    """Write the mirror of a batch whose receipt and customers are held; move the receipt along."""
    batch_id = rows[0].batch_id
    if any(row.undoes for row in rows):
        raise Conflict(f"认款批次 {batch_id} 本身是撤销，不能再撤销；请重新认款")
    if store.is_undone(tx, batch_id):
        raise Conflict(f"认款批次 {batch_id} 已撤销，不能再次撤销")
    receipts = {row.receipt_id for row in rows if row.receipt_id}
    held = {receipt_id: find_receipt(tx, receipt_id, hold=True) for receipt_id in sorted(receipts)}
    moves = [_taken_back(tx, row, held) for row in rows]
    moves += _brought_back(tx, moves)
    ids = [row.apportionment_id for row in rows]
    undone = book(tx, moves, by=by, at=now, why=why, undoes=ids)
    for receipt in held.values():
        _release(tx, receipt, why=why, by=by, now=now)
    return undone


def _release(tx: Tx, receipt: Receipt, *, why: str, by: str, now: datetime) -> None:
    """Let a receipt be placed again; of which nothing has a place is nobody's any more."""
    placed = receipt.state is ReceiptState.APPORTIONED
    whose = receipt.customer_id if store.receipt_used(tx, receipt.receipt_id) else None
    if not placed and whose == receipt.customer_id:
        return
    event = ReceiptEvent.UNDO if placed else ReceiptEvent.SUSPEND
    became = replace(receipt, state=advance(receipt.state, event), customer_id=whose)
    receipt_store.move(tx, became, was=receipt.state, event=event, by=by, at=now, why=why)


def _taken_back(tx: Tx, row: Apportionment, held: Mapping[str, Receipt]) -> Move:
    """Return the move that takes a row back.

    Of a debt that was given up only what still is: a credit note has lessened the loss for good,
    and what was recovered since has to be taken back first, lest it stand against nothing.
    """
    move = mirror(row, held[row.receipt_id].account_id if row.receipt_id else "")
    if row.source is not Source.BAD_DEBT or row.amount_fen < 0:
        return move
    assert row.bill_id is not None, "a debt that is given up is a bill's"
    recovered = store.recovered_fen(tx, row.customer_id, row.bill_id)
    if recovered:
        raise Conflict(
            f"核销的账单后来又收回 {plain(recovered, FEN)} {row.currency}，"
            "请先撤销那笔认款，再撤销核销"
        )
    given_up = store.bill_sums(tx, row.customer_id)[row.bill_id].bad_debt_fen
    if given_up <= 0:
        raise Conflict("核销的金额已全部被冲减抵销，没有可以撤销的")
    return replace(move, fen=-min(row.amount_fen, given_up))


def _brought_back(tx: Tx, moves: Sequence[Move]) -> Iterator[Move]:
    """Yield what brings back from the prepayment what bills gave it of the money that goes.

    A bill that was credited or voided gave away what it held too much of; without the money it
    would hold less than nothing, and the prepayment would be of money that nobody has paid.
    """
    taken: Counter[tuple[CustomerId, BillId]] = Counter()
    for move in moves:
        if move.bill_id is not None:
            taken[move.customer_id, move.bill_id] += move.fen
    for (customer_id, bill_id), fen in sorted(taken.items()):
        known = {amount.bill_id: amount for amount in amounts_of(tx, customer_id)}
        amount = known.get(bill_id)
        owed = amount.gross_fen - amount.credited_fen if amount else 0
        held = store.bill_sums(tx, customer_id)[bill_id].fen
        lacking = min(owed, 0) - held - fen
        for row in reversed(store.of_bill(tx, customer_id, bill_id)):
            if lacking > 0 and _gave_away(row):
                part = min(lacking, -row.amount_fen)
                lacking -= part
                yield replace(mirror(row, ""), fen=part)


def _gave_away(row: Apportionment) -> bool:
    """Tell whether a bill gave a prepayment what it held too much of."""
    return row.source is Source.PREPAYMENT and row.amount_fen < 0 and row.undoes is None
