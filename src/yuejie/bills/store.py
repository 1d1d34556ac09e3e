"""The only SQL about bills, their lines and their numbers."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from yuejie.bills.bill import Bill, BillLine, BillState, LineKind, TaxLine, TaxMode
from yuejie.db.session import Tx
from yuejie.db.transition import Transition
from yuejie.kernel.ids import BillId, CustomerId, LineId
from yuejie.kernel.money import Money
from yuejie.kernel.period import BillingMonth

OPERATOR_READS: Final = {
    "bill_by_name": "the operator names a bill by its number or id",
    "owner_of": "whose a bill is has to be known before its customer is locked",
    "bills_of_month": "the operator lists and issues a month",
}
"""Reads that serve the operator; all others take `customer_id` first."""


@dataclass(frozen=True, slots=True)
class _BillRow:
    bill_id: BillId
    customer_id: CustomerId
    month: str
    number: str | None
    state: str
    contract_id: str
    contract_version: int
    currency: str
    fx_policy: str
    tax_mode: str
    tax_ppm: int
    epoch: int
    net_fen: int
    tax_fen: int
    gross_fen: int
    seal: bytes | None
    previous_seal: bytes | None
    closed_at: datetime
    issued_at: datetime | None
    part: str
    part_name: str
    purchase_order: str
    proposed_hash: bytes | None
    billed_on: date | None
    review_until: date | None
    due_on: date | None
    fapiao_by: date | None
    seal_form: int


@dataclass(frozen=True, slots=True)
class _LineRow:
    bill_id: BillId
    line_id: LineId
    position: int
    kind: str
    service_month: str
    project_id: str
    project_name: str
    department: str
    model: str
    meter: str
    sale_rate: int
    quantity: int
    rate_pico: int
    rate_currency: str
    charge_pico: int
    fx_id: int | None
    fx_e8: int | None
    amount_fen: int
    usd_fen: int | None
    cny_fen: int | None
    net_fen: int
    tax_fen: int
    item: str
    refers_to: str
    tax_line: int | None


@dataclass(frozen=True, slots=True)
class _TaxLineRow:
    bill_id: BillId
    position: int
    item: str
    project_id: str | None
    model: str | None
    tax_ppm: int
    net_fen: int
    tax_fen: int


_BILLS: Final = """
    SELECT bill_id, customer_id, month, number, state, contract_id, contract_version, currency,
           fx_policy, tax_mode, tax_ppm, epoch, net_fen, tax_fen, gross_fen, seal, previous_seal,
           closed_at, issued_at, part, part_name, purchase_order, proposed_hash, billed_on,
           review_until, due_on, fapiao_by, seal_form
    FROM bill
"""
BILLS_OF_CUSTOMER_MONTH: Final = (
    _BILLS
    + """
    WHERE customer_id = %(customer_id)s AND month = %(month)s AND state <> 'voided'
    ORDER BY part
"""
)


def bills_of_customer_month(tx: Tx, customer_id: CustomerId, month: BillingMonth) -> list[Bill]:
    """Return the parts of a customer's month, whole, the head bill first; voided ones are not."""
    rows = tx.rows(_BillRow, BILLS_OF_CUSTOMER_MONTH, customer_id=customer_id, month=str(month))
    return _whole(tx, customer_id, rows)


def bill_of_month(
    tx: Tx, customer_id: CustomerId, month: BillingMonth, part: str = ""
) -> Bill | None:
    """Return one part of a customer's month, whole; by default the head bill."""
    found = bills_of_customer_month(tx, customer_id, month)
    return next((bill for bill in found if bill.part == part), None)


BILL_BY_NAME: Final = _BILLS + "WHERE bill_id = %(name)s OR number = %(name)s"


def bill_by_name(tx: Tx, name: str) -> Bill | None:
    """Return the bill of that number or id, whole."""
    row = tx.maybe(_BillRow, BILL_BY_NAME, name=name)
    return _whole(tx, row.customer_id, [row])[0] if row else None


OWNER_OF: Final = "SELECT customer_id FROM bill WHERE bill_id = %(name)s OR number = %(name)s"


def owner_of(tx: Tx, name: str) -> CustomerId | None:
    """Return whose bill has that number or id; nothing else of it is read."""
    found: CustomerId | None = tx.value(OWNER_OF, name=name)
    return found


BILLS_OF_CUSTOMER: Final = (
    _BILLS + "WHERE customer_id = %(customer_id)s ORDER BY month, part, bill_id"
)


def bills_of_customer(tx: Tx, customer_id: CustomerId) -> list[Bill]:
    """Return a customer's bills by month, without their lines."""
    rows = tx.rows(_BillRow, BILLS_OF_CUSTOMER, customer_id=customer_id)
    return [_bill(row) for row in rows]


def whole_bills(tx: Tx, customer_id: CustomerId) -> list[Bill]:
    """Return every bill of a customer in whatever state, whole, also the voided ones."""
    rows = tx.rows(_BillRow, BILLS_OF_CUSTOMER, customer_id=customer_id)
    return _whole(tx, customer_id, rows)


BILLS_OF_MONTH: Final = (
    _BILLS
    + """
    WHERE (%(month)s::text IS NULL OR month = %(month)s) AND bill_id > %(after)s
    ORDER BY bill_id
    LIMIT %(limit)s
"""
)


def bills_of_month(
    tx: Tx, month: BillingMonth | None, *, after: str = "", limit: int | None = None
) -> list[Bill]:
    """Return the bills of a month (or of all), without their lines, from behind `after` on."""
    label = str(month) if month else None
    rows = tx.rows(_BillRow, BILLS_OF_MONTH, month=label, after=after, limit=limit)
    return [_bill(row) for row in rows]


BILL_PAGE: Final = (
    _BILLS
    + """
    WHERE (%(customer_id)s::text IS NULL OR customer_id = %(customer_id)s)
      AND (%(month)s::text IS NULL OR month = %(month)s)
      AND (%(state)s::text IS NULL OR state = %(state)s)
      AND (%(drafts)s OR state <> 'draft')
      AND (%(behind_month)s::text = '' OR month < %(behind_month)s
           OR month = %(behind_month)s AND bill_id > %(behind_bill)s)
    ORDER BY month DESC, bill_id
    LIMIT %(limit)s
"""
)


def bill_page(
    tx: Tx, customer_id: CustomerId | None, asked: Mapping[str, object], *, behind: str, limit: int
) -> list[Bill]:
    """Return bills, the newest month first, without their lines: those behind a `month:bill_id`.

    `asked` names month and state, None for all, and whether `drafts` are shown.
    """
    month, _, bill_id = behind.partition(":")
    place = {"customer_id": customer_id, "behind_month": month, "behind_bill": bill_id}
    return [_bill(row) for row in tx.rows(_BillRow, BILL_PAGE, limit=limit, **place, **asked)]


LINES_OF_BILLS: Final = """
    SELECT l.bill_id, l.line_id, l.position, l.kind, l.service_month,
           COALESCE(l.project_id, '') AS project_id, COALESCE(p.name, '') AS project_name,
           COALESCE(p.department, '') AS department, l.model, l.meter,
           COALESCE(l.sale_rate, 0) AS sale_rate, l.quantity, l.rate_pico, l.rate_currency,
           l.charge_pico, l.fx_id, l.fx_e8, l.amount_fen, l.usd_fen, l.cny_fen, l.net_fen,
           l.tax_fen, l.item, l.refers_to, l.tax_line
    FROM bill_line l
    LEFT JOIN project p USING (project_id)
    WHERE l.customer_id = %(customer_id)s AND l.bill_id = ANY(%(bill_ids)s)
    ORDER BY l.bill_id, l.position
"""

TAX_LINES_OF_BILLS: Final = """
    SELECT bill_id, position, item, project_id, model, tax_ppm, net_fen, tax_fen
    FROM bill_tax_line
    WHERE customer_id = %(customer_id)s AND bill_id = ANY(%(bill_ids)s)
    ORDER BY bill_id, position
"""


def _whole(tx: Tx, customer_id: CustomerId, rows: list[_BillRow]) -> list[Bill]:
    """Add their lines to some bills of a customer: two reads, however many they are."""
    asked = {"customer_id": customer_id, "bill_ids": [row.bill_id for row in rows]}
    lines, tax_lines = defaultdict(list), defaultdict(list)
    for line in tx.rows(_LineRow, LINES_OF_BILLS, **asked) if rows else ():
        lines[line.bill_id].append(line)
    for tax in tx.rows(_TaxLineRow, TAX_LINES_OF_BILLS, **asked) if rows else ():
        tax_lines[tax.bill_id].append(tax)
    return [_bill(row, lines[row.bill_id], tax_lines[row.bill_id]) for row in rows]


def _bill(
    row: _BillRow, lines: Iterable[_LineRow] = (), tax_lines: Iterable[_TaxLineRow] = ()
) -> Bill:
    return Bill(
        bill_id=row.bill_id,
        customer_id=row.customer_id,
        month=BillingMonth.parse(row.month),
        number=row.number,
        state=BillState(row.state),
        contract_id=row.contract_id,
        contract_version=row.contract_version,
        currency=row.currency,
        fx_policy=row.fx_policy,
        tax_mode=TaxMode(row.tax_mode),
        tax_ppm=row.tax_ppm,
        epoch=row.epoch,
        net=Money(row.net_fen, row.currency),
        tax=Money(row.tax_fen, row.currency),
        gross=Money(row.gross_fen, row.currency),
        lines=tuple(_line(line) for line in lines),
        closed_at=row.closed_at,
        issued_at=row.issued_at,
        seal=row.seal,
        previous_seal=row.previous_seal,
        part=row.part,
        part_name=row.part_name,
        purchase_order=row.purchase_order,
        tax_lines=tuple(
            TaxLine(t.position, t.item, t.project_id, t.model, t.tax_ppm, t.net_fen, t.tax_fen)
            for t in tax_lines
        ),
        proposed_hash=row.proposed_hash,
        billed_on=row.billed_on,
        review_until=row.review_until,
        due_on=row.due_on,
        fapiao_by=row.fapiao_by,
        seal_form=row.seal_form,
    )


def _line(row: _LineRow) -> BillLine:
    return BillLine(
        line_id=row.line_id,
        position=row.position,
        kind=LineKind(row.kind),
        service_month=BillingMonth.parse(row.service_month),
        project_id=row.project_id,
        project_name=row.project_name,
        department=row.department,
        model=row.model,
        meter=row.meter,
        sale_rate=row.sale_rate,
        quantity=int(row.quantity),
        rate_pico=row.rate_pico,
        rate_currency=row.rate_currency,
        charge_pico=int(row.charge_pico),
        fx_id=row.fx_id,
        fx_e8=row.fx_e8,
        amount_fen=row.amount_fen,
        usd_fen=row.usd_fen,
        cny_fen=row.cny_fen,
        net_fen=row.net_fen,
        tax_fen=row.tax_fen,
        item=row.item,
        refers_to=row.refers_to,
        tax_line=row.tax_line,
    )


SAVE_DRAFT: Final = """
    INSERT INTO bill (bill_id, customer_id, month, state, contract_id, contract_version, currency,
                      fx_policy, tax_mode, tax_ppm, epoch, net_fen, tax_fen, gross_fen, closed_at,
                      part, part_name, purchase_order)
    VALUES (%(bill_id)s, %(customer_id)s, %(month)s, 'draft', %(contract_id)s,
            %(contract_version)s, %(currency)s, %(fx_policy)s, %(tax_mode)s, %(tax_ppm)s,
            %(epoch)s, %(net_fen)s, %(tax_fen)s, %(gross_fen)s, %(closed_at)s, %(part)s,
            %(part_name)s, %(purchase_order)s)
    ON CONFLICT (bill_id) DO UPDATE
    SET contract_id = EXCLUDED.contract_id, contract_version = EXCLUDED.contract_version,
        currency = EXCLUDED.currency, fx_policy = EXCLUDED.fx_policy,
        tax_mode = EXCLUDED.tax_mode, tax_ppm = EXCLUDED.tax_ppm, epoch = EXCLUDED.epoch,
        net_fen = EXCLUDED.net_fen, tax_fen = EXCLUDED.tax_fen, gross_fen = EXCLUDED.gross_fen,
        closed_at = EXCLUDED.closed_at, part_name = EXCLUDED.part_name,
        purchase_order = EXCLUDED.purchase_order, proposed_hash = NULL, billed_on = NULL,
        review_until = NULL
"""

DROP_DRAFT_TAX_LINES: Final = "DELETE FROM bill_tax_line WHERE bill_id = %(bill_id)s"

DROP_DRAFT_LINES: Final = "DELETE FROM bill_line WHERE bill_id = %(bill_id)s"

COPY_LINES: Final = """
    COPY bill_line (line_id, bill_id, customer_id, position, kind, service_month, project_id,
                    model, meter, sale_rate, quantity, rate_pico, rate_currency, charge_pico,
                    fx_id, fx_e8, amount_fen, usd_fen, cny_fen, net_fen, tax_fen, item,
                    refers_to, tax_line)
    FROM STDIN
"""

COPY_TAX_LINES: Final = """
    COPY bill_tax_line (bill_id, position, customer_id, item, project_id, model, tax_ppm, net_fen,
                        tax_fen, gross_fen)
    FROM STDIN
"""


def save_draft(tx: Tx, bill: Bill) -> None:
    """Write a draft and its lines in place of what the draft was; the schema refuses an issued."""
    tx.run(
        SAVE_DRAFT,
        bill_id=bill.bill_id,
        customer_id=bill.customer_id,
        month=str(bill.month),
        contract_id=bill.contract_id,
        contract_version=bill.contract_version,
        currency=bill.currency,
        fx_policy=bill.fx_policy,
        tax_mode=str(bill.tax_mode),
        tax_ppm=bill.tax_ppm,
        epoch=bill.epoch,
        net_fen=bill.net.fen,
        tax_fen=bill.tax.fen,
        gross_fen=bill.gross.fen,
        closed_at=bill.closed_at,
        part=bill.part,
        part_name=bill.part_name,
        purchase_order=bill.purchase_order,
    )
    tx.run(DROP_DRAFT_LINES, bill_id=bill.bill_id)
    tx.run(DROP_DRAFT_TAX_LINES, bill_id=bill.bill_id)
    tx.copy(COPY_LINES, (_as_row(bill, line) for line in bill.lines))
    tx.copy(COPY_TAX_LINES, (_as_tax_row(bill, line) for line in bill.tax_lines))


def _as_row(bill: Bill, line: BillLine) -> tuple[Any, ...]:
    return (
        line.line_id,
        bill.bill_id,
        bill.customer_id,
        line.position,
        str(line.kind),
        str(line.service_month),
        line.project_id or None,
        line.model,
        line.meter,
        line.sale_rate or None,
        line.quantity,
        line.rate_pico,
        line.rate_currency,
        line.charge_pico,
        line.fx_id,
        line.fx_e8,
        line.amount_fen,
        line.usd_fen,
        line.cny_fen,
        line.net_fen,
        line.tax_fen,
        line.item,
        line.refers_to,
        line.tax_line,
    )


def _as_tax_row(bill: Bill, line: TaxLine) -> tuple[Any, ...]:
    return (
        bill.bill_id,
        line.position,
        bill.customer_id,
        line.item,
        line.project_id,
        line.model,
        line.tax_ppm,
        line.net_fen,
        line.tax_fen,
        line.gross_fen,
    )


@dataclass(frozen=True, slots=True)
class OpenBill:
    """An issued bill as those see it who are owed, or paid, for it. Voided ones are not.

    What was received is payments' business: open = gross − credited − apportioned − written off.
    """

    bill_id: BillId
    customer_id: CustomerId
    part: str
    number: str
    month: str
    currency: str
    gross_fen: int
    credited_fen: int
    due_on: date | None
    issued_at: datetime
    state: str


ISSUED_BILLS: Final = """
    SELECT b.bill_id, b.customer_id, b.part, b.number, b.month, b.currency, b.gross_fen,
           COALESCE((SELECT sum(c.gross_fen) FROM credit_note c
                     WHERE c.bill_id = b.bill_id AND c.state = 'approved'), 0)::bigint
               AS credited_fen,
           b.due_on, b.issued_at, b.state
    FROM bill b
    WHERE b.customer_id = %(customer_id)s
      AND (%(bill_id)s::text IS NULL OR b.bill_id = %(bill_id)s)
      AND b.state IN ('issued', 'paid', 'written_off')
    ORDER BY b.month, b.part
"""


def issued_bills(tx: Tx, customer_id: CustomerId) -> list[OpenBill]:
    """Return a customer's issued bills, the oldest month first."""
    return tx.rows(OpenBill, ISSUED_BILLS, customer_id=customer_id, bill_id=None)


def issued_bill(tx: Tx, customer_id: CustomerId, bill_id: BillId) -> OpenBill | None:
    """Return one issued bill of a customer."""
    return tx.maybe(OpenBill, ISSUED_BILLS, customer_id=customer_id, bill_id=bill_id)


NEXT_NUMBER: Final = """
    INSERT INTO bill_number (year, last) VALUES (%(year)s, 1)
    ON CONFLICT (year) DO UPDATE SET last = bill_number.last + 1
    RETURNING last
"""


def next_number(tx: Tx, year: int) -> int:
    """Take the next bill number of a year; the row lock makes the series gapless."""
    return int(tx.value(NEXT_NUMBER, year=year))


@dataclass(frozen=True, slots=True)
class _Seal:
    seal: bytes


LAST_SEAL: Final = """
    SELECT b.seal FROM bill b
    WHERE b.customer_id = %(customer_id)s AND b.seal IS NOT NULL
      AND NOT EXISTS (SELECT FROM bill n
                      WHERE n.customer_id = b.customer_id AND n.previous_seal = b.seal)
"""


def last_seal(tx: Tx, customer_id: CustomerId) -> bytes | None:
    """Return the seal that no other seal of the customer follows; clocks do not decide it."""
    row = tx.maybe(_Seal, LAST_SEAL, customer_id=customer_id)
    return bytes(row.seal) if row else None


ISSUE: Final = """
    UPDATE bill
    SET state = 'issued', number = %(number)s, issued_at = %(issued_at)s, seal = %(seal)s,
        previous_seal = %(previous_seal)s, billed_on = %(billed_on)s, due_on = %(due_on)s,
        fapiao_by = %(fapiao_by)s, seal_form = %(seal_form)s
    WHERE bill_id = %(bill_id)s AND state = %(was)s
"""


def issue(tx: Tx, bill: Bill, *, was: BillState) -> bool:
    """Turn a bill into the issued one it has become; False if its state was another by now."""
    done = tx.run(
        ISSUE,
        bill_id=bill.bill_id,
        number=bill.number,
        issued_at=bill.issued_at,
        seal=bill.seal,
        previous_seal=bill.previous_seal,
        billed_on=bill.billed_on,
        due_on=bill.due_on,
        fapiao_by=bill.fapiao_by,
        seal_form=bill.seal_form,
        was=str(was),
    )
    return done == 1


PROPOSE: Final = """
    UPDATE bill
    SET state = 'proposed', proposed_hash = %(proposed_hash)s, billed_on = %(billed_on)s,
        review_until = %(review_until)s
    WHERE bill_id = %(bill_id)s AND state = 'draft'
"""


def propose(tx: Tx, bill: Bill) -> bool:
    """Turn the draft into the proposal it has become; False if it was no draft any more."""
    done = tx.run(
        PROPOSE,
        bill_id=bill.bill_id,
        proposed_hash=bill.proposed_hash,
        billed_on=bill.billed_on,
        review_until=bill.review_until,
    )
    return done == 1


MOVE: Final = """
    UPDATE bill SET state = %(became)s WHERE bill_id = %(bill_id)s AND state = %(was)s
"""


def move(tx: Tx, bill_id: BillId, *, was: BillState, became: BillState) -> bool:
    """Change a bill's state and nothing else; False if its state was another by now."""
    return tx.run(MOVE, bill_id=bill_id, was=str(was), became=str(became)) == 1


SET_DUE: Final = """
    UPDATE bill SET due_on = %(due_on)s WHERE bill_id = %(bill_id)s AND due_on IS NULL
"""


def set_due(tx: Tx, bill_id: BillId, due_on: date) -> bool:
    """Set the due date of an issued bill that has none; False if it has one."""
    return tx.run(SET_DUE, bill_id=bill_id, due_on=due_on) == 1


NOTE_TRANSITION: Final = """
    INSERT INTO bill_transition (bill_id, at, event, was, became, by, why)
    VALUES (%(bill_id)s, %(at)s, %(event)s, %(was)s, %(became)s, %(by)s, %(why)s)
"""


def note_transition(tx: Tx, bill_id: BillId, moved: Transition) -> None:
    """Write a transition down, beside the change itself."""
    tx.run(NOTE_TRANSITION, bill_id=bill_id, **moved.row())


TRANSITIONS: Final = """
    SELECT t.at, t.event, t.was, t.became, t.by, t.why
    FROM bill_transition t
    JOIN bill b USING (bill_id)
    WHERE b.customer_id = %(customer_id)s AND b.bill_id = %(bill_id)s
    ORDER BY t.at
"""


def transitions(tx: Tx, customer_id: CustomerId, bill_id: BillId) -> list[Transition]:
    """Return the life of a bill so far, the oldest first."""
    return tx.rows(Transition, TRANSITIONS, customer_id=customer_id, bill_id=bill_id)
