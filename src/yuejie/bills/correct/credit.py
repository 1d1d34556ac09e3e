"""A credit note: what is taken back of an issued bill. The bill itself never changes.

Pure. Its lines name the bill's lines and what is taken back of each, net and tax; a credit of a
part mirrors the line's own tax by cumulative rounding, so a series of credits of a line ends at
exactly nothing. A credit of the whole voids the bill, and its usage is billed again.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import msgspec

from yuejie.bills.bill import Bill, BillLine
from yuejie.bills.seal import GENESIS
from yuejie.kernel.errors import Invalid
from yuejie.kernel.ids import BillId, CustomerId, LineId
from yuejie.kernel.money import Money, divide

VERSION: Final = 2
"""The form that credit notes are sealed with from now on; form 1 named no seal before it."""


class CreditState(StrEnum):
    """Where a credit note is in its life; what is approved is numbered, sealed and booked."""

    REQUESTED = "requested"
    APPROVED = "approved"
    REJECTED = "rejected"


SAID: Final[dict[CreditState, str]] = {
    CreditState.REQUESTED: "待审批",
    CreditState.APPROVED: "已批准",
    CreditState.REJECTED: "已驳回",
}


@dataclass(frozen=True, slots=True)
class CreditedLine:
    """What is taken back of one line of the bill; of the line's own sign."""

    line_id: LineId
    net_fen: int
    tax_fen: int


@dataclass(frozen=True, slots=True)
class CreditNote:
    """What is taken back of a bill, why, and by whose word."""

    credit_note_id: str
    number: str | None
    bill_id: BillId
    customer_id: CustomerId
    whole: bool
    net: Money
    tax: Money
    lines: tuple[CreditedLine, ...]
    why: str
    state: CreditState
    requested_by: str
    requested_at: datetime
    decided_by: str | None = None
    decided_at: datetime | None = None
    decided_why: str = ""
    seal: bytes | None = None
    previous_seal: bytes | None = None
    seal_form: int = 1

    @property
    def gross(self) -> Money:
        """What the customer owes less."""
        return self.net + self.tax


def whole(bill: Bill) -> tuple[CreditedLine, ...]:
    """Take back every line of a bill."""
    return tuple(CreditedLine(line.line_id, line.net_fen, line.tax_fen) for line in bill.lines)


def partly(
    bill: Bill, gross_fen: Mapping[int, int], credited: Sequence[CreditNote]
) -> tuple[CreditedLine, ...]:
    """Take back so much (with tax, of the line's sign) of the lines at those positions.

    Raises Invalid for a position that is not there, an amount of the wrong sign, or more than is
    left of the line.
    """
    lines = {line.position: line for line in bill.lines}
    found: list[CreditedLine] = []
    for position, amount in sorted(gross_fen.items()):
        line = lines.get(position)
        if line is None:
            raise Invalid(f"账单 {bill.name} 没有第 {position} 行，请核对行号")
        found.append(_line(bill, line, amount, credited))
    if not found:
        raise Invalid(f"请写明冲减账单 {bill.name} 的哪一行、多少金额")
    return tuple(found)


def _line(bill: Bill, line: BillLine, amount: int, credited: Sequence[CreditNote]) -> CreditedLine:
    earlier = [
        each
        for note in credited
        if note.state is not CreditState.REJECTED
        for each in note.lines
        if each.line_id == line.line_id
    ]
    taken = sum(each.net_fen + each.tax_fen for each in earlier)
    gross = line.net_fen + line.tax_fen
    left = gross - taken
    if amount == 0 or (amount > 0) != (gross > 0) or abs(amount) > abs(left):
        raise Invalid(
            f"账单 {bill.name} 第 {line.position} 行可冲减 {Money(left, bill.currency)}，"
            f"不能冲减 {Money(amount, bill.currency)}"
        )
    tax_due = divide(line.tax_fen * abs(taken + amount), abs(gross))
    tax = tax_due - sum(each.tax_fen for each in earlier)
    return CreditedLine(line.line_id, amount - tax, tax)


def seal_of_credit(note: CreditNote, bill: Bill) -> bytes:
    """Return the seal of an approved credit note.

    It names the seal of its bill, and is chained to the credit note before it.
    """
    return hashlib.sha256(canonical_credit(note, bill)).digest()


def canonical_credit(note: CreditNote, bill: Bill) -> bytes:
    """Return the bytes that are sealed of an approved credit note.

    Canonical form: UTF-8 JSON, sorted keys, whole numbers; see `bills/seal.py`.
    """
    body: dict[str, Any] = {
        "form": note.seal_form,
        "credit_note_id": note.credit_note_id,
        "number": note.number,
        "bill": [bill.bill_id, bill.number, bill.seal.hex() if bill.seal else None],
        "customer_id": note.customer_id,
        "currency": note.net.currency,
        "totals_fen": [note.net.fen, note.tax.fen, note.gross.fen],
        "lines": [[line.line_id, line.net_fen, line.tax_fen] for line in note.lines],
        "why": note.why,
        "by": [note.requested_by, note.decided_by],
        "decided_at": note.decided_at.isoformat() if note.decided_at else None,
    }
    if note.seal_form >= VERSION:
        body["previous"] = (note.previous_seal or GENESIS).hex()
    return msgspec.json.encode(body, order="sorted")
