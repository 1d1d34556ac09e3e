"""An apportionment: one amount moved from where it came to what it is used for. Pure.

A negative amount is a row that takes back another, or returns what is too much; nothing is edited.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from yuejie.kernel.ids import BillId, CustomerId, mint
from yuejie.ledger.posting import Account, Entry, Posting


class Source(StrEnum):
    """Where an amount comes from."""

    RECEIPT = "receipt"
    PREPAYMENT = "prepayment"
    DEPOSIT = "deposit"
    BANK_CHARGES = "bank_charges"
    """Nobody paid it: a bank's fee that we bear."""
    BAD_DEBT = "bad_debt"
    """Nobody will pay it."""


class Use(StrEnum):
    """What an amount is used for."""

    BILL = "bill"
    PREPAYMENT = "prepayment"
    DEPOSIT = "deposit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """So many fen from a source to a use. `customer_id` is whose use it is: the bill's customer.

    `source_customer` is whose prepayment or deposit it comes from: a parent may pay for its
    subsidiary. `effective_on` is the day from which it counts: late fees stop there.
    """

    source: Source
    use: Use
    customer_id: CustomerId
    currency: str
    fen: int
    effective_on: date
    receipt_id: str | None = None
    bank_account: str = ""
    source_customer: CustomerId | None = None
    bill_id: BillId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Apportionment:
    """A row as it was written."""

    apportionment_id: str
    batch_id: str
    position: int
    source: Source
    receipt_id: str | None
    source_customer: CustomerId | None
    use: Use
    customer_id: CustomerId
    bill_id: BillId | None
    currency: str
    amount_fen: int
    effective_on: date
    undoes: str | None
    at: datetime
    by: str
    why: str

    def typed(self) -> "Apportionment":
        """Return the row with its words as the words they are, after reading it."""
        return replace(self, source=Source(self.source), use=Use(self.use))


_FROM: Final[dict[Source, Account]] = {
    Source.RECEIPT: Account.SUSPENSE,
    Source.PREPAYMENT: Account.PREPAYMENT,
    Source.DEPOSIT: Account.DEPOSIT,
    Source.BANK_CHARGES: Account.BANK_CHARGES,
    Source.BAD_DEBT: Account.BAD_DEBT,
}
_TO: Final[dict[Use, Account]] = {
    Use.BILL: Account.RECEIVABLE,
    Use.PREPAYMENT: Account.PREPAYMENT,
    Use.DEPOSIT: Account.DEPOSIT,
}


def apportionments(
    moves: Sequence[Move],
    *,
    at: datetime,
    by: str,
    why: str,
    undoes: Sequence[str | None] = (),
) -> tuple[Apportionment, ...]:
    """Write moves down as one batch."""
    batch = mint("apb", at)
    undone = [*undoes, *([None] * (len(moves) - len(undoes)))]
    return tuple(
        Apportionment(
            apportionment_id=mint("app", at),
            batch_id=batch,
            position=position,
            source=move.source,
            receipt_id=move.receipt_id,
            source_customer=move.source_customer,
            use=move.use,
            customer_id=move.customer_id,
            bill_id=move.bill_id,
            currency=move.currency,
            amount_fen=move.fen,
            effective_on=move.effective_on,
            undoes=undone[position - 1],
            at=at,
            by=by,
            why=why,
        )
        for position, move in enumerate(moves, 1)
    )


def mirror(row: Apportionment, bank_account: str) -> Move:
    """Return the move that takes a row back, effective on the same day."""
    return Move(
        source=row.source,
        use=row.use,
        customer_id=row.customer_id,
        currency=row.currency,
        fen=-row.amount_fen,
        effective_on=row.effective_on,
        receipt_id=row.receipt_id,
        bank_account=bank_account,
        source_customer=row.source_customer,
        bill_id=row.bill_id,
    )


def entry(batch: str, moves: Iterable[Move], *, at: datetime, by: str, why: str) -> Entry:
    """Return what a batch books: each source to the left, each use to the right."""
    postings = [
        posting
        for move in moves
        for posting in (
            Posting(_FROM[move.source], move.fen, move.currency, _party(move)),
            Posting(_TO[move.use], -move.fen, move.currency, move.customer_id),
        )
    ]
    return Entry(
        key=f"apportion:{batch}",
        kind="payment.apportion",
        at=at,
        by=by,
        postings=tuple(postings),
        refers_to=batch,
        memo=why,
    )


def _party(move: Move) -> str:
    if move.source is Source.RECEIPT:
        return move.bank_account
    return move.source_customer or move.customer_id


def scaled(move: Move, fen: int) -> Move:
    """Return the same move of another amount."""
    return replace(move, fen=fen)
