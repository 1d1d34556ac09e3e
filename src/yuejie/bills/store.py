"""The only SQL about bills, their lines and their numbers."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from yuejie.bills.bill import Bill, BillLine, BillState, LineKind, TaxMode
from yuejie.db.session import Tx
from yuejie.kernel.ids import BillId, CustomerId, LineId
from yuejie.kernel.money import Money
from yuejie.kernel.period import BillingMonth

OPERATOR_READS: Final = {
    "bill_by_name": "the operator names a bill by its number or id",
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


@dataclass(frozen=True, slots=True)
class _LineRow:
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


BILL_OF_MONTH: Final = """
    SELECT bill_id, customer_id, month, number, state, contract_id, contract_version, currency,
           fx_policy, tax_mode, tax_ppm, epoch, net_fen, tax_fen, gross_fen, seal, previous_seal,
           closed_at, issued_at
    FROM bill
    WHERE customer_id = %(customer_id)s AND month = %(month)s
"""


def bill_of_month(tx: Tx, customer_id: CustomerId, month: BillingMonth) -> Bill | None:
    """Return a customer's bill of a month, whole."""
    row = tx.maybe(_BillRow, BILL_OF_MONTH, customer_id=customer_id, month=str(month))
    return _whole(tx, row) if row else None


BILL_BY_NAME: Final = """
    SELECT bill_id, customer_id, month, number, state, contract_id, contract_version, currency,
           fx_policy, tax_mode, tax_ppm, epoch, net_fen, tax_fen, gross_fen, seal, previous_seal,
           closed_at, issued_at
    FROM bill
    WHERE bill_id = %(name)s OR number = %(name)s
"""


def bill_by_name(tx: Tx, name: str) -> Bill | None:
    """Return the bill of that number or id, whole."""
    row = tx.maybe(_BillRow, BILL_BY_NAME, name=name)
    return _whole(tx, row) if row else None


BILLS_OF_CUSTOMER: Final = """
    SELECT bill_id, customer_id, month, number, state, contract_id, contract_version, currency,
           fx_policy, tax_mode, tax_ppm, epoch, net_fen, tax_fen, gross_fen, seal, previous_seal,
           closed_at, issued_at
    FROM bill
    WHERE customer_id = %(customer_id)s
    ORDER BY month
"""


def bills_of_customer(tx: Tx, customer_id: CustomerId) -> list[Bill]:
    """Return a customer's bills by month, without their lines."""
    rows = tx.rows(_BillRow, BILLS_OF_CUSTOMER, customer_id=customer_id)
    return [_bill(row, ()) for row in rows]


BILLS_OF_MONTH: Final = """
    SELECT bill_id, customer_id, month, number, state, contract_id, contract_version, currency,
           fx_policy, tax_mode, tax_ppm, epoch, net_fen, tax_fen, gross_fen, seal, previous_seal,
           closed_at, issued_at
    FROM bill
    WHERE (%(month)s::text IS NULL OR month = %(month)s) AND bill_id > %(after)s
    ORDER BY bill_id
    LIMIT %(limit)s
"""


def bills_of_month(
    tx: Tx, month: BillingMonth | None, *, after: str = "", limit: int | None = None
) -> list[Bill]:
    """Return the bills of a month (or of all), without their lines, from behind `after` on."""
    label = str(month) if month else None
    rows = tx.rows(_BillRow, BILLS_OF_MONTH, month=label, after=after, limit=limit)
    return [_bill(row, ()) for row in rows]


LINES_OF_BILL: Final = """
    SELECT l.line_id, l.position, l.kind, l.service_month, l.project_id,
           p.name AS project_name, p.department, l.model, l.meter, l.sale_rate, l.quantity,
           l.rate_pico, l.rate_currency, l.charge_pico, l.fx_id, l.fx_e8, l.amount_fen, l.usd_fen,
           l.cny_fen, l.net_fen, l.tax_fen
    FROM bill_line l
    JOIN project p USING (project_id)
    WHERE l.customer_id = %(customer_id)s AND l.bill_id = %(bill_id)s
    ORDER BY l.position
"""


def _whole(tx: Tx, row: _BillRow) -> Bill:
    lines = tx.rows(_LineRow, LINES_OF_BILL, customer_id=row.customer_id, bill_id=row.bill_id)
    return _bill(row, lines)


def _bill(row: _BillRow, lines: Iterable[_LineRow]) -> Bill:
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
    )


SAVE_DRAFT: Final = """
    INSERT INTO bill (bill_id, customer_id, month, state, contract_id, contract_version, currency,
                      fx_policy, tax_mode, tax_ppm, epoch, net_fen, tax_fen, gross_fen, closed_at)
    VALUES (%(bill_id)s, %(customer_id)s, %(month)s, 'draft', %(contract_id)s,
            %(contract_version)s, %(currency)s, %(fx_policy)s, %(tax_mode)s, %(tax_ppm)s,
            %(epoch)s, %(net_fen)s, %(tax_fen)s, %(gross_fen)s, %(closed_at)s)
    ON CONFLICT (bill_id) DO UPDATE
    SET contract_id = EXCLUDED.contract_id, contract_version = EXCLUDED.contract_version,
        currency = EXCLUDED.currency, fx_policy = EXCLUDED.fx_policy,
        tax_mode = EXCLUDED.tax_mode, tax_ppm = EXCLUDED.tax_ppm, epoch = EXCLUDED.epoch,
        net_fen = EXCLUDED.net_fen, tax_fen = EXCLUDED.tax_fen, gross_fen = EXCLUDED.gross_fen,
        closed_at = EXCLUDED.closed_at
"""

DROP_DRAFT_LINES: Final = "DELETE FROM bill_line WHERE bill_id = %(bill_id)s"

COPY_LINES: Final = """
    COPY bill_line (line_id, bill_id, customer_id, position, kind, service_month, project_id,
                    model, meter, sale_rate, quantity, rate_pico, rate_currency, charge_pico,
                    fx_id, fx_e8, amount_fen, usd_fen, cny_fen, net_fen, tax_fen)
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
    )
    tx.run(DROP_DRAFT_LINES, bill_id=bill.bill_id)
    tx.copy(COPY_LINES, (_as_row(bill, line) for line in bill.lines))


def _as_row(bill: Bill, line: BillLine) -> tuple[Any, ...]:
    return (
        line.line_id,
        bill.bill_id,
        bill.customer_id,
        line.position,
        str(line.kind),
        str(line.service_month),
        line.project_id,
        line.model,
        line.meter,
        line.sale_rate,
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
    )


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
    SELECT seal FROM bill
    WHERE customer_id = %(customer_id)s AND state = 'issued'
    ORDER BY issued_at DESC, number DESC
    LIMIT 1
"""


def last_seal(tx: Tx, customer_id: CustomerId) -> bytes | None:
    """Return the seal of the customer's newest issued bill."""
    row = tx.maybe(_Seal, LAST_SEAL, customer_id=customer_id)
    return bytes(row.seal) if row else None


ISSUE: Final = """
    UPDATE bill
    SET state = 'issued', number = %(number)s, issued_at = %(issued_at)s, seal = %(seal)s,
        previous_seal = %(previous_seal)s
    WHERE bill_id = %(bill_id)s AND state = 'draft'
"""


def issue(tx: Tx, bill: Bill) -> bool:
    """Turn the draft into the issued bill it has become; False if it was no draft any more."""
    done = tx.run(
        ISSUE,
        bill_id=bill.bill_id,
        number=bill.number,
        issued_at=bill.issued_at,
        seal=bill.seal,
        previous_seal=bill.previous_seal,
    )
    return done == 1


NOTE_TRANSITION: Final = """
    INSERT INTO bill_transition (bill_id, at, event, was, became, by)
    VALUES (%(bill_id)s, %(at)s, %(event)s, %(was)s, %(became)s, %(by)s)
"""


def note_transition(
    tx: Tx, bill_id: BillId, *, event: str, was: str, became: str, by: str, at: datetime
) -> None:
    """Write down who moved a bill from where to where."""
    tx.run(NOTE_TRANSITION, bill_id=bill_id, at=at, event=event, was=was, became=became, by=by)
