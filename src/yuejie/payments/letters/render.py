"""Set a letter as PDF, and make the letters of a customer."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Final

from yuejie.bills.documents.document import Seller
from yuejie.bills.documents.stamp.note import Stamping, note_stamped
from yuejie.customers.enrol import find_customer
from yuejie.db.session import Database
from yuejie.kernel.errors import NotFound
from yuejie.kernel.period import zone_of
from yuejie.paper.printable import printed
from yuejie.paper.template import Template
from yuejie.payments.apportion.store import slips
from yuejie.payments.letters.letter import (
    Asked,
    Letter,
    LetterKind,
    confirmation_letter,
    slip_letter,
    statement_letter,
)
from yuejie.payments.receivables.show import statement_of_account

_LETTER: Final = Template(Path(__file__).with_name("letter.typ"))


def to_pdf(letter: Letter) -> bytes:
    """Set a letter on A4 pages; the same letter gives the same bytes."""
    return _LETTER.to_pdf(_data(letter), dated=letter.dated)


def _data(letter: Letter) -> dict[str, object]:
    return {
        "title": letter.title,
        "number": printed(letter.number),
        "to": printed(letter.to),
        "dated": letter.dated.astimezone(zone_of("Asia/Shanghai")).date().isoformat(),
        "facts": [[name, printed(value)] for name, value in letter.facts],
        "paragraphs": list(letter.paragraphs),
        "heads": list(letter.heads),
        "rows": [[printed(cell) for cell in row] for row in letter.rows],
        "total": list(letter.total),
        "closing": [printed(each) for each in letter.closing],
        "answers": [list(each) for each in letter.answers],
        "signed_by": printed(letter.signed_by),
        "stamp": list(letter.stamp.png) if letter.stamp else None,
    }


def account_letter(
    db: Database,
    customer: str,
    asked: Asked,
    seller: Seller,
    *,
    now: datetime,
    stamping: Stamping | None = None,
) -> tuple[str, bytes]:
    """Return a statement or a confirmation as file name and PDF.

    With a stamp, the seal's picture lies over our name, and that is written down.
    """
    found = statement_of_account(db, customer, asked.since, asked.until, currency=asked.currency)
    make = statement_letter if asked.kind is LetterKind.STATEMENT else confirmation_letter
    letter = make(found, seller, now=now)
    name = f"{letter.title}_{letter.number.replace(' ', '_')}"
    return f"{name}.pdf", _set(db, letter, name, stamping)


def deposit_slip(
    db: Database, customer: str, number: str, seller: Seller, *, stamping: Stamping | None = None
) -> tuple[str, bytes]:
    """Return the slip of a deposit as file name and PDF; the same slip, the same bytes."""
    with db.read() as tx:
        owner = find_customer(tx, customer)
        found = [slip for slip in slips(tx, owner.customer_id) if slip.number == number]
    if not found:
        raise NotFound(f"收据 {number} 不存在或不属于该客户，请核对编号")
    name = f"收据_{number}"
    return f"{name}.pdf", _set(db, slip_letter(found[0], owner, seller), name, stamping)


def _set(db: Database, letter: Letter, name: str, stamping: Stamping | None) -> bytes:
    """Set a letter, stamped where that was asked for."""
    if stamping is None:
        return to_pdf(letter)
    body = to_pdf(replace(letter, stamp=stamping.stamp))
    note_stamped(db, stamping, "letter", name, body)
    return body
