"""Look at a receipt: who it may be from and why, what became of it, and its life so far."""

from dataclasses import dataclass

from yuejie.db.session import Tx
from yuejie.db.transition import Transition
from yuejie.payments.apportion import store as apportion_store
from yuejie.payments.apportion.move import Apportionment
from yuejie.payments.apportion.place import find_receipt, left_of
from yuejie.payments.receipts import store
from yuejie.payments.receipts.receipt import Receipt, ReceiptState
from yuejie.payments.statements.store import KeptLine, lines_paying_back


@dataclass(frozen=True, slots=True)
class ReceiptWhole:
    """A receipt with everything known about it."""

    receipt: Receipt
    left_fen: int
    candidates: list[store.CandidateRow]
    apportionments: list[Apportionment]
    life: list[Transition]
    outgoing: list[KeptLine]
    """Lines that may have carried all of it back, the newest first; none of one that is back."""


def whole_receipt(tx: Tx, receipt_id: str) -> ReceiptWhole:
    """Return a receipt with everything known about it. Raises NotFound for an unknown one."""
    receipt = find_receipt(tx, receipt_id)
    return ReceiptWhole(
        receipt,
        left_of(tx, receipt),
        store.candidates(tx, receipt_id),
        apportion_store.of_receipt(tx, receipt_id),
        store.transitions(tx, receipt_id),
        _outgoing(tx, receipt),
    )


def _outgoing(tx: Tx, receipt: Receipt) -> list[KeptLine]:
    if receipt.state is ReceiptState.RETURNED:
        return []
    return lines_paying_back(tx, receipt.receipt_id, amount_fen=receipt.amount_fen)
