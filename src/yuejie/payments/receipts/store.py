"""The only SQL about receipts, whose they may be, and known payers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final

from yuejie.db.deeds import record_step
from yuejie.db.session import Tx
from yuejie.db.transition import Transition
from yuejie.kernel.ids import CustomerId
from yuejie.payments.receipts.receipt import Receipt, ReceiptState
from yuejie.payments.receipts.score import Candidate

OPERATOR_READS: Final = {
    "receipt_by_id": "a receipt belongs to nobody until it is apportioned",
    "receipts": "the operator lists receipts",
    "open_receipts": "the clerk judges every receipt",
    "untouched_receipts": "the same",
    "candidates": "the operator decides whose a receipt is",
    "payers_by_number": "finds out whose account it is; there is no customer before it",
    "receipts_like": "finds the receipt that a claim means",
}
"""Reads that serve the operator or find the customer; all others take `customer_id` first."""


INSERT_RECEIPT: Final = """
    INSERT INTO receipt (receipt_id, line_id, account_id, currency, amount_fen, received_on,
        payer_name, payer_number, payer_bank, into_number, memo, customer_id, state, created_at)
    VALUES (%(receipt_id)s, %(line_id)s, %(account_id)s, %(currency)s, %(amount_fen)s,
        %(received_on)s, %(payer_name)s, %(payer_number)s, %(payer_bank)s, %(into_number)s,
        %(memo)s, %(customer_id)s, %(state)s, %(created_at)s)
"""


def insert_receipt(tx: Tx, receipt: Receipt) -> None:
    """Write a receipt down."""
    tx.run(
        INSERT_RECEIPT,
        receipt_id=receipt.receipt_id,
        line_id=receipt.line_id,
        account_id=receipt.account_id,
        currency=receipt.currency,
        amount_fen=receipt.amount_fen,
        received_on=receipt.received_on,
        payer_name=receipt.payer_name,
        payer_number=receipt.payer_number,
        payer_bank=receipt.payer_bank,
        into_number=receipt.into_number,
        memo=receipt.memo,
        customer_id=receipt.customer_id,
        state=str(receipt.state),
        created_at=receipt.created_at,
    )


def _typed(receipt: Receipt) -> Receipt:
    return replace(receipt, state=ReceiptState(receipt.state))


RECEIPT_BY_ID: Final = """
    SELECT receipt_id, line_id, account_id, currency, amount_fen, received_on, payer_name,
           payer_number, payer_bank, into_number, memo, customer_id, state, created_at
    FROM receipt
    WHERE receipt_id = %(receipt_id)s
"""
RECEIPT_HELD: Final = """
    SELECT receipt_id, line_id, account_id, currency, amount_fen, received_on, payer_name,
           payer_number, payer_bank, into_number, memo, customer_id, state, created_at
    FROM receipt
    WHERE receipt_id = %(receipt_id)s
    FOR UPDATE
"""


def receipt_by_id(tx: Tx, receipt_id: str, *, hold: bool = False) -> Receipt | None:
    """Return a receipt; `hold` keeps its row until the transaction ends."""
    sql = RECEIPT_HELD if hold else RECEIPT_BY_ID
    found = tx.maybe(Receipt, sql, receipt_id=receipt_id)
    return _typed(found) if found else None


RECEIPTS: Final = """
    SELECT receipt_id, line_id, account_id, currency, amount_fen, received_on, payer_name,
           payer_number, payer_bank, into_number, memo, customer_id, state, created_at
    FROM receipt
    WHERE (%(state)s::text IS NULL OR state = %(state)s) AND receipt_id > %(after)s
    ORDER BY receipt_id
    LIMIT %(limit)s
"""


def receipts(
    tx: Tx, *, state: ReceiptState | None = None, after: str = "", limit: int = 100
) -> list[Receipt]:
    """Return receipts of a state (or all), the oldest first, from behind `after` on."""
    named = str(state) if state else None
    found = tx.rows(Receipt, RECEIPTS, state=named, after=after, limit=limit)
    return [_typed(each) for each in found]


OPEN_RECEIPTS: Final = """
    SELECT receipt_id, line_id, account_id, currency, amount_fen, received_on, payer_name,
           payer_number, payer_bank, into_number, memo, customer_id, state, created_at
    FROM receipt
    WHERE state IN ('received', 'proposed', 'suspended', 'held') AND receipt_id > %(after)s
    ORDER BY receipt_id
    LIMIT %(limit)s
"""


def open_receipts(tx: Tx, *, after: str = "", limit: int = 1000) -> list[Receipt]:
    """Return the receipts of which something has no place yet, the oldest first."""
    return [_typed(each) for each in tx.rows(Receipt, OPEN_RECEIPTS, after=after, limit=limit)]


UNTOUCHED_RECEIPTS: Final = """
    SELECT receipt_id, line_id, account_id, currency, amount_fen, received_on, payer_name,
           payer_number, payer_bank, into_number, memo, customer_id, state, created_at
    FROM receipt
    WHERE state IN ('received', 'proposed', 'suspended', 'held') AND customer_id IS NULL
      AND NOT EXISTS (SELECT FROM apportionment a WHERE a.receipt_id = receipt.receipt_id)
    ORDER BY receipt_id
    LIMIT %(limit)s
"""


def untouched_receipts(tx: Tx, *, limit: int) -> list[Receipt]:
    """Return the receipts of which nothing was ever placed, the oldest first."""
    return [_typed(each) for each in tx.rows(Receipt, UNTOUCHED_RECEIPTS, limit=limit)]


OF_CUSTOMER: Final = """
    SELECT receipt_id, line_id, account_id, currency, amount_fen, received_on, payer_name,
           payer_number, payer_bank, into_number, memo, customer_id, state, created_at
    FROM receipt
    WHERE customer_id = %(customer_id)s
    ORDER BY received_on DESC, receipt_id DESC
    LIMIT %(limit)s
"""


def receipts_of(tx: Tx, customer_id: CustomerId, *, limit: int = 1000) -> list[Receipt]:
    """Return a customer's receipts, the newest first."""
    found = tx.rows(Receipt, OF_CUSTOMER, customer_id=customer_id, limit=limit)
    return [_typed(each) for each in found]


RECEIPTS_LIKE: Final = """
    SELECT receipt_id, line_id, account_id, currency, amount_fen, received_on, payer_name,
           payer_number, payer_bank, into_number, memo, customer_id, state, created_at
    FROM receipt
    WHERE state IN ('received', 'proposed', 'suspended', 'held') AND customer_id IS NULL
      AND amount_fen = %(amount_fen)s
      AND received_on BETWEEN %(paid_on)s - 3 AND %(paid_on)s + 10
    ORDER BY received_on, receipt_id
    LIMIT 20
"""


def receipts_like(tx: Tx, *, amount_fen: int, paid_on: date) -> list[Receipt]:
    """Return unplaced receipts of an amount that came in about a day."""
    found = tx.rows(Receipt, RECEIPTS_LIKE, amount_fen=amount_fen, paid_on=paid_on)
    return [_typed(each) for each in found]


MOVE: Final = """
    UPDATE receipt SET state = %(became)s, customer_id = %(customer_id)s
    WHERE receipt_id = %(receipt_id)s AND state = %(was)s
"""
NOTE: Final = """
    INSERT INTO receipt_transition (receipt_id, at, event, was, became, by, why)
    VALUES (%(receipt_id)s, %(at)s, %(event)s, %(was)s, %(became)s, %(by)s, %(why)s)
"""


def move(
    tx: Tx, receipt: Receipt, *, was: ReceiptState, event: str, by: str, at: datetime, why: str
) -> bool:
    """Turn a receipt into what it has become, with its transition; False if it was not so."""
    done = tx.run(
        MOVE,
        receipt_id=receipt.receipt_id,
        was=str(was),
        became=str(receipt.state),
        customer_id=receipt.customer_id,
    )
    step = Transition(at, event, was, receipt.state, by, why)
    tx.run(NOTE, receipt_id=receipt.receipt_id, **step.row())
    record_step(tx, step, "receipt", receipt.receipt_id)
    return done == 1


TRANSITIONS: Final = """
    SELECT at, event, was, became, by, why
    FROM receipt_transition
    WHERE receipt_id = %(receipt_id)s
    ORDER BY at
"""


def transitions(tx: Tx, receipt_id: str) -> list[Transition]:
    """Return a receipt's life so far."""
    return tx.rows(Transition, TRANSITIONS, receipt_id=receipt_id)


CLEAR_CANDIDATES: Final = "DELETE FROM receipt_candidate WHERE receipt_id = %(receipt_id)s"
INSERT_CANDIDATE: Final = """
    INSERT INTO receipt_candidate (receipt_id, rank, customer_id, score, reasons, judged_at)
    VALUES (%(receipt_id)s, %(rank)s, %(customer_id)s, %(score)s, %(reasons)s, %(judged_at)s)
"""


def keep_candidates(
    tx: Tx, receipt_id: str, found: Sequence[Candidate], *, judged_at: datetime
) -> None:
    """Write down who a receipt may be from, in place of what was judged before."""
    tx.run(CLEAR_CANDIDATES, receipt_id=receipt_id)
    for rank, candidate in enumerate(found, 1):
        tx.run(
            INSERT_CANDIDATE,
            receipt_id=receipt_id,
            rank=rank,
            customer_id=candidate.customer_id,
            score=candidate.score,
            reasons=list(candidate.reasons),
            judged_at=judged_at,
        )


@dataclass(frozen=True, slots=True)
class CandidateRow:
    """Who a receipt may be from, as last judged."""

    rank: int
    customer_id: CustomerId
    slug: str
    legal_name: str
    score: int
    reasons: list[str]
    judged_at: datetime


CANDIDATES: Final = """
    SELECT r.rank, r.customer_id, c.slug, c.legal_name, r.score, r.reasons, r.judged_at
    FROM receipt_candidate r
    JOIN customer c USING (customer_id)
    WHERE r.receipt_id = %(receipt_id)s
    ORDER BY r.rank
"""


def candidates(tx: Tx, receipt_id: str) -> list[CandidateRow]:
    """Return who a receipt may be from, the best first."""
    return tx.rows(CandidateRow, CANDIDATES, receipt_id=receipt_id)


@dataclass(frozen=True, slots=True)
class PayerRow:
    """An account that has paid for a customer before."""

    customer_id: CustomerId
    payer_number: str
    payer_name: str
    receipt_id: str
    learnt_at: datetime


LEARN: Final = """
    INSERT INTO known_payer (customer_id, payer_number, payer_name, receipt_id, learnt_at)
    VALUES (%(customer_id)s, %(payer_number)s, %(payer_name)s, %(receipt_id)s, %(learnt_at)s)
    ON CONFLICT (customer_id, payer_number) DO NOTHING
"""


def learn(tx: Tx, receipt: Receipt, customer_id: CustomerId, *, at: datetime) -> None:
    """Remember that an account has paid for a customer; what is known stays as it is."""
    tx.run(
        LEARN,
        customer_id=customer_id,
        payer_number=receipt.payer_number,
        payer_name=receipt.payer_name,
        receipt_id=receipt.receipt_id,
        learnt_at=at,
    )


# What was taken back, or returned by the bank, has confirmed nobody.
_PAYERS: Final = """
    SELECT k.customer_id, k.payer_number, k.payer_name, k.receipt_id, k.learnt_at
    FROM known_payer k
    WHERE EXISTS (SELECT FROM receipt r
                  WHERE r.customer_id = k.customer_id AND r.payer_number = k.payer_number
                    AND r.state <> 'returned')
"""
PAYERS_BY_NUMBER: Final = _PAYERS + "AND k.payer_number = %(number)s"


def payers_by_number(tx: Tx, number: str) -> list[PayerRow]:
    """Return for whom an account has paid before."""
    return tx.rows(PayerRow, PAYERS_BY_NUMBER, number=number)


KNOWN_PAYERS: Final = _PAYERS + "AND k.customer_id = %(customer_id)s ORDER BY k.learnt_at"


def known_payers(tx: Tx, customer_id: CustomerId) -> list[PayerRow]:
    """Return the accounts that have paid for a customer; what was taken back has confirmed none."""
    return tx.rows(PayerRow, KNOWN_PAYERS, customer_id=customer_id)
