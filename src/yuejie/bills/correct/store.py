"""The only SQL about adjustments and credit notes."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from yuejie.bills.bill import LineKind
from yuejie.bills.correct.adjustment import Adjustment, AdjustmentState
from yuejie.bills.correct.credit import CreditedLine, CreditNote, CreditState
from yuejie.db.session import Tx
from yuejie.kernel.ids import BillId, CustomerId, LineId
from yuejie.kernel.money import Money
from yuejie.kernel.period import BillingMonth

OPERATOR_READS: Final = {
    "adjustment_by_id": "the operator decides about one it names",
    "known_keys": "the clerk charges by rule, for every customer",
    "open_adjustments": "the operator works off what waits for a decision",
    "rejected_adjustments": "whoever drafted one reads why it was turned down",
    "rejected_credits": "whoever drafted one reads why it was turned down",
    "credit_by_name": "the operator decides about one it names",
    "next_number": "numbers belong to the house",
    "open_credits": "the operator works off what waits for a decision",
    "unbooked": "the ledger is the operator's own books",
}
"""Reads that serve the operator; all others take `customer_id` first."""


@dataclass(frozen=True, slots=True)
class _AdjustmentRow:
    adjustment_id: str
    key: str | None
    customer_id: CustomerId
    kind: str
    service_month: str
    part: str
    currency: str
    amount_fen: int
    item: str
    why: str
    refers_to: str
    state: str
    proposed_by: str
    proposed_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    by_rule: bool
    decided_why: str


def _adjustment(row: _AdjustmentRow) -> Adjustment:
    return Adjustment(
        adjustment_id=row.adjustment_id,
        key=row.key,
        customer_id=row.customer_id,
        kind=LineKind(row.kind),
        service_month=BillingMonth.parse(row.service_month),
        part=row.part,
        currency=row.currency,
        amount_fen=row.amount_fen,
        item=row.item,
        why=row.why,
        refers_to=row.refers_to,
        state=AdjustmentState(row.state),
        proposed_by=row.proposed_by,
        proposed_at=row.proposed_at,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        by_rule=row.by_rule,
        decided_why=row.decided_why,
    )


INSERT_ADJUSTMENT: Final = """
    INSERT INTO adjustment (adjustment_id, key, customer_id, kind, service_month, part, currency,
                            amount_fen, item, why, refers_to, state, proposed_by, proposed_at,
                            decided_by, decided_at, by_rule)
    VALUES (%(adjustment_id)s, %(key)s, %(customer_id)s, %(kind)s, %(service_month)s, %(part)s,
            %(currency)s, %(amount_fen)s, %(item)s, %(why)s, %(refers_to)s, %(state)s,
            %(proposed_by)s, %(proposed_at)s, %(decided_by)s, %(decided_at)s, %(by_rule)s)
    ON CONFLICT (key) DO NOTHING
"""


def insert_adjustment(tx: Tx, adjustment: Adjustment) -> bool:
    """Write an adjustment; False if its key is known already."""
    done = tx.run(
        INSERT_ADJUSTMENT,
        adjustment_id=adjustment.adjustment_id,
        key=adjustment.key,
        customer_id=adjustment.customer_id,
        kind=str(adjustment.kind),
        service_month=str(adjustment.service_month),
        part=adjustment.part,
        currency=adjustment.currency,
        amount_fen=adjustment.amount_fen,
        item=adjustment.item,
        why=adjustment.why,
        refers_to=adjustment.refers_to,
        state=str(adjustment.state),
        proposed_by=adjustment.proposed_by,
        proposed_at=adjustment.proposed_at,
        decided_by=adjustment.decided_by,
        decided_at=adjustment.decided_at,
        by_rule=adjustment.by_rule,
    )
    return done == 1


ADJUSTMENT_BY_ID: Final = """
    SELECT adjustment_id, key, customer_id, kind, service_month, part, currency, amount_fen, item,
           why, refers_to, state, proposed_by, proposed_at, decided_by, decided_at, by_rule,
           decided_why
    FROM adjustment
    WHERE adjustment_id = %(adjustment_id)s
"""


def adjustment_by_id(tx: Tx, adjustment_id: str) -> Adjustment | None:
    """Return an adjustment."""
    row = tx.maybe(_AdjustmentRow, ADJUSTMENT_BY_ID, adjustment_id=adjustment_id)
    return _adjustment(row) if row else None


ADJUSTMENTS_OF_CUSTOMER: Final = """
    SELECT adjustment_id, key, customer_id, kind, service_month, part, currency, amount_fen, item,
           why, refers_to, state, proposed_by, proposed_at, decided_by, decided_at, by_rule,
           decided_why
    FROM adjustment
    WHERE customer_id = %(customer_id)s
    ORDER BY adjustment_id
"""


def adjustments_of(tx: Tx, customer_id: CustomerId) -> list[Adjustment]:
    """Return a customer's adjustments, the oldest first."""
    rows = tx.rows(_AdjustmentRow, ADJUSTMENTS_OF_CUSTOMER, customer_id=customer_id)
    return [_adjustment(row) for row in rows]


@dataclass(frozen=True, slots=True)
class _Known:
    key: str


KNOWN_KEYS: Final = "SELECT key FROM adjustment WHERE key = ANY(%(keys)s)"


def known_keys(tx: Tx, keys: list[str]) -> set[str]:
    """Return which of the keys of charges by rule are known already."""
    return {row.key for row in tx.rows(_Known, KNOWN_KEYS, keys=keys)}


OPEN_ADJUSTMENTS: Final = """
    SELECT adjustment_id, key, customer_id, kind, service_month, part, currency, amount_fen, item,
           why, refers_to, state, proposed_by, proposed_at, decided_by, decided_at, by_rule,
           decided_why
    FROM adjustment
    WHERE state = 'proposed'
    ORDER BY adjustment_id
"""


def open_adjustments(tx: Tx) -> list[Adjustment]:
    """Return every adjustment that waits for a decision, the oldest first."""
    return [_adjustment(row) for row in tx.rows(_AdjustmentRow, OPEN_ADJUSTMENTS)]


REJECTED_ADJUSTMENTS: Final = """
    SELECT adjustment_id, key, customer_id, kind, service_month, part, currency, amount_fen, item,
           why, refers_to, state, proposed_by, proposed_at, decided_by, decided_at, by_rule,
           decided_why
    FROM adjustment
    WHERE state = 'rejected'
    ORDER BY decided_at DESC, adjustment_id
    LIMIT %(limit)s
"""


def rejected_adjustments(tx: Tx, *, limit: int) -> list[Adjustment]:
    """Return the adjustments that were rejected last, the newest first."""
    return [_adjustment(row) for row in tx.rows(_AdjustmentRow, REJECTED_ADJUSTMENTS, limit=limit)]


DRAWN_LAST: Final = "SELECT max(closed_at) FROM bill WHERE customer_id = %(customer_id)s"


def drawn_last(tx: Tx, customer_id: CustomerId) -> datetime | None:
    """Return when a customer's newest bill was drawn."""
    found: datetime | None = tx.value(DRAWN_LAST, customer_id=customer_id)
    return found


DECIDED_LAST: Final = """
    SELECT max(decided_at) FROM adjustment
    WHERE customer_id = %(customer_id)s AND state = 'approved'
"""


def decided_last(tx: Tx, customer_id: CustomerId) -> datetime | None:
    """Return when a customer's newest adjustment was approved."""
    found: datetime | None = tx.value(DECIDED_LAST, customer_id=customer_id)
    return found


DECIDE_ADJUSTMENT: Final = """
    UPDATE adjustment
    SET state = %(state)s, decided_by = %(by)s, decided_at = %(at)s, decided_why = %(why)s
    WHERE adjustment_id = %(adjustment_id)s AND state = 'proposed'
"""


def decide_adjustment(tx: Tx, decided: Adjustment) -> bool:
    """Write a decision; False if it was decided by now."""
    done = tx.run(
        DECIDE_ADJUSTMENT,
        adjustment_id=decided.adjustment_id,
        state=str(decided.state),
        by=decided.decided_by,
        at=decided.decided_at,
        why=decided.decided_why,
    )
    return done == 1


# ── credit notes ────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _CreditRow:
    credit_note_id: str
    number: str | None
    bill_id: BillId
    customer_id: CustomerId
    whole: bool
    currency: str
    net_fen: int
    tax_fen: int
    why: str
    state: str
    requested_by: str
    requested_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    decided_why: str
    seal: bytes | None
    previous_seal: bytes | None
    seal_form: int


@dataclass(frozen=True, slots=True)
class _CreditLineRow:
    line_id: LineId
    net_fen: int
    tax_fen: int


CREDIT_BY_NAME: Final = """
    SELECT credit_note_id, number, bill_id, customer_id, whole, currency, net_fen, tax_fen, why,
           state, requested_by, requested_at, decided_by, decided_at, decided_why, seal,
           previous_seal, seal_form
    FROM credit_note
    WHERE credit_note_id = %(name)s OR number = %(name)s
"""


def credit_by_name(tx: Tx, name: str) -> CreditNote | None:
    """Return the credit note of that number or id, whole."""
    row = tx.maybe(_CreditRow, CREDIT_BY_NAME, name=name)
    return _whole_credit(tx, row) if row else None


CREDITS_OF_CUSTOMER: Final = """
    SELECT credit_note_id, number, bill_id, customer_id, whole, currency, net_fen, tax_fen, why,
           state, requested_by, requested_at, decided_by, decided_at, decided_why, seal,
           previous_seal, seal_form
    FROM credit_note
    WHERE customer_id = %(customer_id)s
      AND (%(bill_id)s::text IS NULL OR bill_id = %(bill_id)s)
    ORDER BY requested_at, credit_note_id
"""


def credits_of(
    tx: Tx, customer_id: CustomerId, *, bill_id: BillId | None = None
) -> list[CreditNote]:
    """Return a customer's credit notes, or those of one bill, the oldest first."""
    rows = tx.rows(_CreditRow, CREDITS_OF_CUSTOMER, customer_id=customer_id, bill_id=bill_id)
    return [_whole_credit(tx, row) for row in rows]


OPEN_CREDITS: Final = """
    SELECT credit_note_id, number, bill_id, customer_id, whole, currency, net_fen, tax_fen, why,
           state, requested_by, requested_at, decided_by, decided_at, decided_why, seal,
           previous_seal, seal_form
    FROM credit_note
    WHERE state = 'requested'
    ORDER BY requested_at, credit_note_id
"""


def open_credits(tx: Tx) -> list[CreditNote]:
    """Return every credit note that waits for a decision, the oldest first."""
    return [_whole_credit(tx, row) for row in tx.rows(_CreditRow, OPEN_CREDITS)]


REJECTED_CREDITS: Final = """
    SELECT credit_note_id, number, bill_id, customer_id, whole, currency, net_fen, tax_fen, why,
           state, requested_by, requested_at, decided_by, decided_at, decided_why, seal,
           previous_seal, seal_form
    FROM credit_note
    WHERE state = 'rejected'
    ORDER BY decided_at DESC, credit_note_id
    LIMIT %(limit)s
"""


def rejected_credits(tx: Tx, *, limit: int) -> list[CreditNote]:
    """Return the credit notes that were rejected last, the newest first."""
    return [_whole_credit(tx, row) for row in tx.rows(_CreditRow, REJECTED_CREDITS, limit=limit)]


CREDIT_LINES: Final = """
    SELECT c.line_id, c.net_fen, c.tax_fen
    FROM credit_note_line c
    JOIN credit_note n USING (credit_note_id)
    WHERE n.customer_id = %(customer_id)s AND c.credit_note_id = %(credit_note_id)s
    ORDER BY c.line_id
"""


def _whole_credit(tx: Tx, row: _CreditRow) -> CreditNote:
    lines = tx.rows(
        _CreditLineRow,
        CREDIT_LINES,
        customer_id=row.customer_id,
        credit_note_id=row.credit_note_id,
    )
    return CreditNote(
        credit_note_id=row.credit_note_id,
        number=row.number,
        bill_id=row.bill_id,
        customer_id=row.customer_id,
        whole=row.whole,
        net=Money(row.net_fen, row.currency),
        tax=Money(row.tax_fen, row.currency),
        lines=tuple(CreditedLine(line.line_id, line.net_fen, line.tax_fen) for line in lines),
        why=row.why,
        state=CreditState(row.state),
        requested_by=row.requested_by,
        requested_at=row.requested_at,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        decided_why=row.decided_why,
        seal=row.seal,
        previous_seal=row.previous_seal,
        seal_form=row.seal_form,
    )


INSERT_CREDIT: Final = """
    INSERT INTO credit_note (credit_note_id, bill_id, customer_id, whole, currency, net_fen,
                             tax_fen, gross_fen, why, state, requested_by, requested_at)
    VALUES (%(credit_note_id)s, %(bill_id)s, %(customer_id)s, %(whole)s, %(currency)s, %(net_fen)s,
            %(tax_fen)s, %(gross_fen)s, %(why)s, 'requested', %(requested_by)s, %(requested_at)s)
"""

COPY_CREDIT_LINES: Final = """
    COPY credit_note_line (credit_note_id, line_id, net_fen, tax_fen) FROM STDIN
"""


def insert_credit(tx: Tx, note: CreditNote) -> None:
    """Write a requested credit note and its lines."""
    tx.run(
        INSERT_CREDIT,
        credit_note_id=note.credit_note_id,
        bill_id=note.bill_id,
        customer_id=note.customer_id,
        whole=note.whole,
        currency=note.net.currency,
        net_fen=note.net.fen,
        tax_fen=note.tax.fen,
        gross_fen=note.gross.fen,
        why=note.why,
        requested_by=note.requested_by,
        requested_at=note.requested_at,
    )
    rows = ((note.credit_note_id, line.line_id, line.net_fen, line.tax_fen) for line in note.lines)
    tx.copy(COPY_CREDIT_LINES, rows)


DECIDE_CREDIT: Final = """
    UPDATE credit_note
    SET state = %(state)s, number = %(number)s, decided_by = %(by)s, decided_at = %(at)s,
        decided_why = %(why)s, seal = %(seal)s, previous_seal = %(previous_seal)s,
        seal_form = %(seal_form)s
    WHERE credit_note_id = %(credit_note_id)s AND state = 'requested'
"""


def decide_credit(tx: Tx, note: CreditNote) -> bool:
    """Write what a credit note has become; False if it was decided by now."""
    done = tx.run(
        DECIDE_CREDIT,
        credit_note_id=note.credit_note_id,
        state=str(note.state),
        number=note.number,
        by=note.decided_by,
        at=note.decided_at,
        why=note.decided_why,
        seal=note.seal,
        previous_seal=note.previous_seal,
        seal_form=note.seal_form,
    )
    return done == 1


@dataclass(frozen=True, slots=True)
class _Seal:
    seal: bytes


LAST_CREDIT_SEAL: Final = """
    SELECT n.seal FROM credit_note n
    WHERE n.customer_id = %(customer_id)s AND n.seal IS NOT NULL
      AND NOT EXISTS (SELECT FROM credit_note c
                      WHERE c.customer_id = n.customer_id AND c.previous_seal = n.seal)
    ORDER BY n.seal_form DESC, n.decided_at DESC, n.number DESC
    LIMIT 1
"""


def last_seal(tx: Tx, customer_id: CustomerId) -> bytes | None:
    """Return the seal of a customer's credit notes that no other follows.

    Only before the first that is chained do clocks decide which that is.
    """
    row = tx.maybe(_Seal, LAST_CREDIT_SEAL, customer_id=customer_id)
    return bytes(row.seal) if row else None


NEXT_CREDIT_NUMBER: Final = """
    INSERT INTO credit_note_number (year, last) VALUES (%(year)s, 1)
    ON CONFLICT (year) DO UPDATE SET last = credit_note_number.last + 1
    RETURNING last
"""


def next_number(tx: Tx, year: int) -> int:
    """Take the next credit note number of a year; the row lock makes the series gapless."""
    return int(tx.value(NEXT_CREDIT_NUMBER, year=year))


@dataclass(frozen=True, slots=True)
class Unbooked:
    """A bill or credit note whose entry in the ledger is missing."""

    name: str


UNBOOKED: Final = """
    SELECT b.number AS name
    FROM bill b
    WHERE b.issued_at IS NOT NULL
      AND NOT EXISTS (SELECT FROM ledger_entry e WHERE e.key = 'bill:' || b.bill_id || ':issue')
    UNION ALL
    SELECT n.number AS name
    FROM credit_note n
    WHERE n.state = 'approved'
      AND NOT EXISTS (SELECT FROM ledger_entry e WHERE e.key = 'credit:' || n.credit_note_id)
    ORDER BY name
"""


def unbooked(tx: Tx) -> list[Unbooked]:
    """Return the issued bills and approved credit notes that the ledger knows nothing of."""
    return tx.rows(Unbooked, UNBOOKED)


VOIDED_SINCE: Final = """
    SELECT count(*) FROM bill_transition t
    JOIN bill b USING (bill_id)
    WHERE b.customer_id = %(customer_id)s AND t.event = 'void' AND t.at > %(at)s
"""


def voided_since(tx: Tx, customer_id: CustomerId, at: datetime) -> bool:
    """Tell whether a bill of a customer was voided after an instant."""
    return bool(tx.value(VOIDED_SINCE, customer_id=customer_id, at=at))
