"""The only SQL about apportionments, refunds, waivers and slips of deposits."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from yuejie.db.deeds import record_step
from yuejie.db.session import Tx
from yuejie.db.transition import Transition
from yuejie.kernel.ids import BillId, CustomerId
from yuejie.payments.apportion.move import Apportionment, Use
from yuejie.payments.apportion.refund import Refund, RefundState
from yuejie.payments.apportion.waiver import Waiver, WaiverKind, WaiverState

OPERATOR_READS: Final = {
    "batch": "a batch may serve a parent and its subsidiaries; the operator names it",
    "is_undone": "the same",
    "of_receipt": "a receipt belongs to nobody until it is apportioned",
    "receipt_used": "the same",
    "receipt_refunded": "the same",
    "refund_by_id": "the operator names a refund",
    "refunds": "the operator lists refunds",
    "refunds_of": "a receipt belongs to nobody until it is apportioned",
    "refund_of_line": "a line of a statement is the house's",
    "waiver_by_id": "the operator names a waiver",
    "waivers": "the operator lists waivers",
}
"""Reads that serve the operator; all others take `customer_id` first."""

INSERT: Final = """
    INSERT INTO apportionment (apportionment_id, batch_id, position, source, receipt_id,
        source_customer, use, customer_id, bill_id, currency, amount_fen, effective_on, undoes,
        at, by, why)
    VALUES (%(apportionment_id)s, %(batch_id)s, %(position)s, %(source)s, %(receipt_id)s,
        %(source_customer)s, %(use)s, %(customer_id)s, %(bill_id)s, %(currency)s, %(amount_fen)s,
        %(effective_on)s, %(undoes)s, %(at)s, %(by)s, %(why)s)
"""


def insert(tx: Tx, rows: Iterable[Apportionment]) -> None:
    """Write a batch; a row that is taken back already is refused by the schema."""
    for row in rows:
        tx.run(
            INSERT,
            apportionment_id=row.apportionment_id,
            batch_id=row.batch_id,
            position=row.position,
            source=str(row.source),
            receipt_id=row.receipt_id,
            source_customer=row.source_customer,
            use=str(row.use),
            customer_id=row.customer_id,
            bill_id=row.bill_id,
            currency=row.currency,
            amount_fen=row.amount_fen,
            effective_on=row.effective_on,
            undoes=row.undoes,
            at=row.at,
            by=row.by,
            why=row.why,
        )


BATCH: Final = """
    SELECT apportionment_id, batch_id, position, source, receipt_id, source_customer, use,
           customer_id, bill_id, currency, amount_fen, effective_on, undoes, at, by, why
    FROM apportionment
    WHERE batch_id = %(batch_id)s
    ORDER BY position
"""


def batch(tx: Tx, batch_id: str) -> list[Apportionment]:
    """Return the rows of a batch."""
    return [row.typed() for row in tx.rows(Apportionment, BATCH, batch_id=batch_id)]


OF_RECEIPT: Final = """
    SELECT apportionment_id, batch_id, position, source, receipt_id, source_customer, use,
           customer_id, bill_id, currency, amount_fen, effective_on, undoes, at, by, why
    FROM apportionment
    WHERE batch_id IN (SELECT batch_id FROM apportionment WHERE receipt_id = %(receipt_id)s)
    ORDER BY at, batch_id, position
"""


def of_receipt(tx: Tx, receipt_id: str) -> list[Apportionment]:
    """Return every row of every batch that a receipt had a part in, the oldest first."""
    return [row.typed() for row in tx.rows(Apportionment, OF_RECEIPT, receipt_id=receipt_id)]


OF_BILL: Final = """
    SELECT apportionment_id, batch_id, position, source, receipt_id, source_customer, use,
           customer_id, bill_id, currency, amount_fen, effective_on, undoes, at, by, why
    FROM apportionment
    WHERE customer_id = %(customer_id)s AND bill_id = %(bill_id)s
    ORDER BY at, batch_id, position
"""


def of_bill(tx: Tx, customer_id: CustomerId, bill_id: BillId) -> list[Apportionment]:
    """Return everything that was apportioned to a bill, or taken back from it."""
    rows = tx.rows(Apportionment, OF_BILL, customer_id=customer_id, bill_id=bill_id)
    return [row.typed() for row in rows]


@dataclass(frozen=True, slots=True)
class Closed:
    """What a batch closed of a bill (below zero: opened again), and where that came from.

    Of a receipt, its payer and the day on which the bank booked it.
    """

    batch_id: str
    source: str
    amount_fen: int
    undoes: str | None
    number: str
    payer_name: str
    received_on: date | None


CLOSED: Final = """
    SELECT a.batch_id, a.source, a.amount_fen, a.undoes, COALESCE(b.number, b.bill_id) AS number,
           COALESCE(r.payer_name, '') AS payer_name, r.received_on
    FROM apportionment a
    JOIN bill b USING (bill_id)
    LEFT JOIN receipt r USING (receipt_id)
    WHERE a.customer_id = %(customer_id)s AND a.use = 'bill' AND a.batch_id = ANY(%(batches)s)
    ORDER BY a.batch_id, a.position
"""


def closed_by(tx: Tx, customer_id: CustomerId, batches: list[str]) -> list[Closed]:
    """Return what batches closed of a customer's bills, each in the order in which it booked."""
    return tx.rows(Closed, CLOSED, customer_id=customer_id, batches=batches)


UNDONE: Final = """
    SELECT count(*) FROM apportionment
    WHERE undoes IN (SELECT apportionment_id FROM apportionment WHERE batch_id = %(batch_id)s)
"""


def is_undone(tx: Tx, batch_id: str) -> bool:
    """Say whether a batch was taken back."""
    return int(tx.value(UNDONE, batch_id=batch_id)) > 0


@dataclass(frozen=True, slots=True)
class BillSum:
    """What was apportioned to a bill, all sources together, and how much of it is bad debt."""

    bill_id: BillId
    fen: int
    bad_debt_fen: int


BILL_SUMS: Final = """
    SELECT bill_id, sum(amount_fen)::bigint AS fen,
           (sum(amount_fen) FILTER (WHERE source = 'bad_debt'))::bigint AS bad_debt_fen
    FROM apportionment
    WHERE customer_id = %(customer_id)s AND use = 'bill'
    GROUP BY bill_id
"""


def bill_sums(tx: Tx, customer_id: CustomerId) -> dict[BillId, BillSum]:
    """Return what was apportioned to each bill of a customer."""
    rows = tx.rows(BillSum, BILL_SUMS, customer_id=customer_id)
    return {row.bill_id: BillSum(row.bill_id, row.fen, row.bad_debt_fen or 0) for row in rows}


RECEIPT_USED: Final = """
    SELECT COALESCE(sum(amount_fen), 0)::bigint FROM apportionment
    WHERE receipt_id = %(receipt_id)s
"""


def receipt_used(tx: Tx, receipt_id: str) -> int:
    """Return how much of a receipt was apportioned, in fen."""
    return int(tx.value(RECEIPT_USED, receipt_id=receipt_id))


RECEIPT_REFUNDED: Final = """
    SELECT COALESCE(sum(amount_fen), 0)::bigint FROM refund
    WHERE receipt_id = %(receipt_id)s AND state IN ('requested', 'approved', 'paid')
      AND (NOT %(straight)s OR source = 'receipt')
"""


def receipt_refunded(tx: Tx, receipt_id: str, *, straight: bool) -> int:
    """Return what went or is going back to a receipt's payer, in fen.

    `straight` counts only what was never apportioned; else what went through a prepayment or a
    deposit counts as well.
    """
    return int(tx.value(RECEIPT_REFUNDED, receipt_id=receipt_id, straight=straight))


HELD: Final = """
    SELECT COALESCE((SELECT sum(amount_fen) FROM apportionment
                     WHERE customer_id = %(customer_id)s AND use = %(what)s
                       AND currency = %(currency)s), 0)::bigint
         - COALESCE((SELECT sum(amount_fen) FROM apportionment
                     WHERE source_customer = %(customer_id)s AND source = %(what)s
                       AND currency = %(currency)s), 0)::bigint
         - COALESCE((SELECT sum(amount_fen) FROM refund
                     WHERE customer_id = %(customer_id)s AND source = %(what)s
                       AND currency = %(currency)s
                       AND state IN ('requested', 'approved', 'paid')), 0)::bigint
"""


def held(tx: Tx, customer_id: CustomerId, what: Use, currency: str) -> int:
    """Return a customer's prepayment or deposit that is free to use, in fen.

    What somebody has asked to refund is not free any more.
    """
    return int(tx.value(HELD, customer_id=customer_id, what=str(what), currency=currency))


@dataclass(frozen=True, slots=True)
class _BillId:
    bill_id: BillId


TAKEN_BACK: Final = """
    SELECT DISTINCT bill_id FROM apportionment
    WHERE customer_id = %(customer_id)s AND source_customer = %(payer)s
      AND source = 'prepayment' AND use = 'bill' AND amount_fen < 0 AND undoes IS NOT NULL
"""


def taken_back(tx: Tx, customer_id: CustomerId, payer: CustomerId) -> set[BillId]:
    """Return the bills for which somebody took a draw of a prepayment back."""
    rows = tx.rows(_BillId, TAKEN_BACK, customer_id=customer_id, payer=payer)
    return {row.bill_id for row in rows}


@dataclass(frozen=True, slots=True)
class _Source:
    source_customer: CustomerId


DREW_FROM: Final = """
    SELECT DISTINCT source_customer FROM apportionment
    WHERE customer_id = %(customer_id)s AND source = 'prepayment'
      AND source_customer IS NOT NULL
"""


def drew_from(tx: Tx, customer_id: CustomerId) -> set[CustomerId]:
    """Return whose prepayments have ever paid bills of a customer."""
    rows = tx.rows(_Source, DREW_FROM, customer_id=customer_id)
    return {row.source_customer for row in rows}


# refunds ----------------------------------------------------------------------------------------

INSERT_REFUND: Final = """
    INSERT INTO refund (refund_id, receipt_id, source, customer_id, account_id, currency,
        amount_fen, to_name, to_number, why, state, requested_by, requested_at, decided_by,
        decided_at, line_id, paid_on)
    VALUES (%(refund_id)s, %(receipt_id)s, %(source)s, %(customer_id)s, %(account_id)s,
        %(currency)s, %(amount_fen)s, %(to_name)s, %(to_number)s, %(why)s, %(state)s,
        %(requested_by)s, %(requested_at)s, %(decided_by)s, %(decided_at)s, %(line_id)s,
        %(paid_on)s)
"""


def insert_refund(tx: Tx, refund: Refund) -> None:
    """Write a refund down."""
    tx.run(
        INSERT_REFUND,
        refund_id=refund.refund_id,
        receipt_id=refund.receipt_id,
        source=str(refund.source),
        customer_id=refund.customer_id,
        account_id=refund.account_id,
        currency=refund.currency,
        amount_fen=refund.amount_fen,
        to_name=refund.to_name,
        to_number=refund.to_number,
        why=refund.why,
        state=str(refund.state),
        requested_by=refund.requested_by,
        requested_at=refund.requested_at,
        decided_by=refund.decided_by,
        decided_at=refund.decided_at,
        line_id=refund.line_id,
        paid_on=refund.paid_on,
    )


REFUND_BY_ID: Final = """
    SELECT refund_id, receipt_id, source, customer_id, account_id, currency, amount_fen, to_name,
           to_number, why, state, requested_by, requested_at, decided_by, decided_at, line_id,
           paid_on
    FROM refund
    WHERE refund_id = %(refund_id)s
    FOR UPDATE
"""


def refund_by_id(tx: Tx, refund_id: str) -> Refund | None:
    """Return a refund and hold its row until the transaction ends."""
    row = tx.maybe(Refund, REFUND_BY_ID, refund_id=refund_id)
    return row.typed() if row else None


@dataclass(frozen=True, slots=True)
class _RefundId:
    refund_id: str


REFUND_OF_LINE: Final = "SELECT refund_id FROM refund WHERE line_id = %(line_id)s"


def refund_of_line(tx: Tx, line_id: str) -> str | None:
    """Return the refund that an outgoing line of a statement carried out."""
    row = tx.maybe(_RefundId, REFUND_OF_LINE, line_id=line_id)
    return row.refund_id if row else None


REFUNDS: Final = """
    SELECT refund_id, receipt_id, source, customer_id, account_id, currency, amount_fen, to_name,
           to_number, why, state, requested_by, requested_at, decided_by, decided_at, line_id,
           paid_on
    FROM refund
    WHERE (%(state)s::text IS NULL OR state = %(state)s) AND refund_id > %(after)s
    ORDER BY refund_id
    LIMIT %(limit)s
"""


def refunds(
    tx: Tx, *, state: RefundState | None = None, after: str = "", limit: int = 100
) -> list[Refund]:
    """Return refunds of a state (or all), from behind `after` on."""
    named = str(state) if state else None
    return [row.typed() for row in tx.rows(Refund, REFUNDS, state=named, after=after, limit=limit)]


@dataclass(frozen=True, slots=True)
class ToldRefund(Refund):
    """A refund, and what was said at its last step: why it was rejected, or did not go through."""

    said: str = ""


REFUNDS_OF: Final = """
    SELECT refund_id, receipt_id, source, customer_id, account_id, currency, amount_fen, to_name,
           to_number, why, state, requested_by, requested_at, decided_by, decided_at, line_id,
           paid_on,
           COALESCE((SELECT t.why FROM refund_transition t WHERE t.refund_id = refund.refund_id
                     ORDER BY t.at DESC LIMIT 1), '') AS said
    FROM refund
    WHERE receipt_id = %(receipt_id)s
    ORDER BY refund_id
"""


def refunds_of(tx: Tx, receipt_id: str) -> list[ToldRefund]:
    """Return what was to go back of a receipt, whatever became of it, the oldest first."""
    return [row.typed() for row in tx.rows(ToldRefund, REFUNDS_OF, receipt_id=receipt_id)]


MOVE_REFUND: Final = """
    UPDATE refund
    SET state = %(became)s, decided_by = %(decided_by)s, decided_at = %(decided_at)s,
        line_id = %(line_id)s, paid_on = %(paid_on)s
    WHERE refund_id = %(refund_id)s AND state = %(was)s
"""
NOTE_REFUND: Final = """
    INSERT INTO refund_transition (refund_id, at, event, was, became, by, why)
    VALUES (%(refund_id)s, %(at)s, %(event)s, %(was)s, %(became)s, %(by)s, %(why)s)
"""


def move_refund(
    tx: Tx, refund: Refund, *, was: RefundState, event: str, by: str, at: datetime, why: str
) -> bool:
    """Turn a refund into what it has become, with its transition; False if it was another state."""
    done = tx.run(
        MOVE_REFUND,
        refund_id=refund.refund_id,
        was=str(was),
        became=str(refund.state),
        decided_by=refund.decided_by,
        decided_at=refund.decided_at,
        line_id=refund.line_id,
        paid_on=refund.paid_on,
    )
    step = Transition(at, event, was, refund.state, by, why)
    tx.run(NOTE_REFUND, refund_id=refund.refund_id, **step.row())
    record_step(tx, step, "refund", refund.refund_id)
    return done == 1


# waivers ----------------------------------------------------------------------------------------

INSERT_WAIVER: Final = """
    INSERT INTO waiver (waiver_id, kind, customer_id, bill_id, currency, amount_fen, why, state,
                        requested_by, requested_at)
    VALUES (%(waiver_id)s, %(kind)s, %(customer_id)s, %(bill_id)s, %(currency)s, %(amount_fen)s,
            %(why)s, %(state)s, %(requested_by)s, %(requested_at)s)
    ON CONFLICT (bill_id) WHERE state = 'requested' DO NOTHING
"""


def insert_waiver(tx: Tx, waiver: Waiver) -> bool:
    """Write a waiver down; False if one of the same bill is waiting already."""
    done = tx.run(
        INSERT_WAIVER,
        waiver_id=waiver.waiver_id,
        kind=str(waiver.kind),
        customer_id=waiver.customer_id,
        bill_id=waiver.bill_id,
        currency=waiver.currency,
        amount_fen=waiver.amount_fen,
        why=waiver.why,
        state=str(waiver.state),
        requested_by=waiver.requested_by,
        requested_at=waiver.requested_at,
    )
    return done == 1


WAIVER_BY_ID: Final = """
    SELECT waiver_id, kind, customer_id, bill_id, currency, amount_fen, why, state, requested_by,
           requested_at, decided_by, decided_at
    FROM waiver
    WHERE waiver_id = %(waiver_id)s
    FOR UPDATE
"""


def waiver_by_id(tx: Tx, waiver_id: str) -> Waiver | None:
    """Return a waiver and hold its row until the transaction ends."""
    row = tx.maybe(Waiver, WAIVER_BY_ID, waiver_id=waiver_id)
    return row.typed() if row else None


WAIVERS: Final = """
    SELECT waiver_id, kind, customer_id, bill_id, currency, amount_fen, why, state, requested_by,
           requested_at, decided_by, decided_at
    FROM waiver
    WHERE (%(state)s::text IS NULL OR state = %(state)s) AND waiver_id > %(after)s
    ORDER BY waiver_id
    LIMIT %(limit)s
"""


def waivers(
    tx: Tx, *, state: WaiverState | None = None, after: str = "", limit: int = 100
) -> list[Waiver]:
    """Return waivers of a state (or all), from behind `after` on."""
    named = str(state) if state else None
    return [row.typed() for row in tx.rows(Waiver, WAIVERS, state=named, after=after, limit=limit)]


WAIVER_BEHIND: Final = """
    SELECT waiver_id, kind, customer_id, bill_id, currency, amount_fen, why, state, requested_by,
           requested_at, decided_by, decided_at
    FROM waiver
    WHERE customer_id = %(customer_id)s AND bill_id = %(bill_id)s AND state = 'approved'
      AND kind = %(kind)s AND amount_fen = %(amount_fen)s AND decided_at = %(at)s
    ORDER BY waiver_id DESC
    LIMIT 1
"""


def waiver_behind(
    tx: Tx, customer_id: CustomerId, row: Apportionment, kind: WaiverKind
) -> Waiver | None:
    """Return the waiver of whose approval a row came: both were written at one instant."""
    found = tx.maybe(
        Waiver,
        WAIVER_BEHIND,
        customer_id=customer_id,
        bill_id=row.bill_id,
        kind=str(kind),
        amount_fen=row.amount_fen,
        at=row.at,
    )
    return found.typed() if found else None


DECIDE_WAIVER: Final = """
    UPDATE waiver SET state = %(state)s, decided_by = %(by)s, decided_at = %(at)s
    WHERE waiver_id = %(waiver_id)s AND state = 'requested'
"""


def decide_waiver(tx: Tx, waiver_id: str, state: WaiverState, *, by: str, at: datetime) -> bool:
    """Decide a waiver that is waiting; False if it was decided already."""
    return tx.run(DECIDE_WAIVER, waiver_id=waiver_id, state=str(state), by=by, at=at) == 1


# slips of deposits ------------------------------------------------------------------------------

NEXT_SLIP: Final = """
    INSERT INTO deposit_slip_number (year, last) VALUES (%(year)s, 1)
    ON CONFLICT (year) DO UPDATE SET last = deposit_slip_number.last + 1
    RETURNING last
"""
INSERT_SLIP: Final = """
    INSERT INTO deposit_slip (number, customer_id, apportionment_id, made_by, made_at)
    VALUES (%(number)s, %(customer_id)s, %(apportionment_id)s, %(by)s, %(at)s)
"""


def insert_slip(tx: Tx, row: Apportionment, *, year: int, by: str, at: datetime) -> str:
    """Number a slip for a deposit that came in; the row lock makes the series gapless."""
    number = f"SJ{year}{int(tx.value(NEXT_SLIP, year=year)):06d}"
    tx.run(
        INSERT_SLIP,
        number=number,
        customer_id=row.customer_id,
        apportionment_id=row.apportionment_id,
        by=by,
        at=at,
    )
    return number


@dataclass(frozen=True, slots=True)
class Slip:
    """A slip (收据) for a deposit, with what it is about."""

    number: str
    customer_id: CustomerId
    currency: str
    amount_fen: int
    effective_on: date
    made_at: datetime
    source: str = "receipt"
    """Where it came from: a transfer, or what had been paid before."""


SLIPS: Final = """
    SELECT s.number, s.customer_id, a.currency, a.amount_fen, a.effective_on, s.made_at, a.source
    FROM deposit_slip s
    JOIN apportionment a USING (apportionment_id)
    WHERE s.customer_id = %(customer_id)s
      AND NOT EXISTS (SELECT FROM apportionment u WHERE u.undoes = a.apportionment_id)
    ORDER BY s.number
"""


def slips(tx: Tx, customer_id: CustomerId) -> list[Slip]:
    """Return a customer's slips for deposits that were not taken back: of others none was paid."""
    return tx.rows(Slip, SLIPS, customer_id=customer_id)


RECOVERED_FEN: Final = """
    SELECT COALESCE(-sum(a.amount_fen), 0)::bigint
    FROM apportionment a
    WHERE a.customer_id = %(customer_id)s AND a.bill_id = %(bill_id)s
      AND a.source = 'bad_debt' AND a.amount_fen < 0 AND a.undoes IS NULL
      AND NOT EXISTS (SELECT FROM apportionment u WHERE u.undoes = a.apportionment_id)
      AND EXISTS (SELECT FROM apportionment r
                  WHERE r.batch_id = a.batch_id AND r.receipt_id IS NOT NULL)
"""


def recovered_fen(tx: Tx, customer_id: CustomerId, bill_id: BillId) -> int:
    """Return what came in for a debt after it was given up, and was not taken back since."""
    value = tx.value(RECOVERED_FEN, customer_id=customer_id, bill_id=bill_id)
    return int(value)
