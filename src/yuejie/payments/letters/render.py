"""Set a letter as PDF, in the fonts of the bills; and make the letters of a customer."""

from dataclasses import replace
from datetime import datetime
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Final

import msgspec
import typst

from yuejie.bills.documents import pdf
from yuejie.bills.documents.document import Seller
from yuejie.bills.documents.stamp.note import Stamping, note_stamped
from yuejie.customers.enrol import find_customer
from yuejie.db.session import Database
from yuejie.kernel.errors import NotFound
from yuejie.kernel.period import zone_of
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

_HERE: Final = Path(__file__).parent
_FONTS: Final = Path(pdf.__file__).parent / "fonts"
_turn: Final = Lock()
"""The compiler is one object with one memory: one letter at a time."""


def to_pdf(letter: Letter) -> bytes:
    """Set a letter on A4 pages; the same letter gives the same bytes."""
    with _turn:
        pages = _compiler().compile(
            format="pdf",
            sys_inputs={"letter": msgspec.json.encode(_data(letter)).decode()},
            timestamp=int(letter.dated.timestamp()),
            pdf_standards="a-2u",
            pdf_tags=False,
        )
    assert isinstance(pages, bytes), "one PDF was asked for"
    return pages


@cache
def _compiler() -> typst.Compiler:
    fonts = typst.Fonts(
        include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(_FONTS)]
    )
    return typst.Compiler(str(_HERE / "letter.typ"), root=str(_HERE), font_paths=fonts)


def _data(letter: Letter) -> dict[str, object]:
    drawn = pdf.printed
    return {
        "title": letter.title,
        "number": drawn(letter.number),
        "to": drawn(letter.to),
        "dated": letter.dated.astimezone(zone_of("Asia/Shanghai")).date().isoformat(),
        "facts": [[name, drawn(value)] for name, value in letter.facts],
        "paragraphs": list(letter.paragraphs),
        "heads": list(letter.heads),
        "rows": [[drawn(cell) for cell in row] for row in letter.rows],
        "total": list(letter.total),
        "closing": [drawn(each) for each in letter.closing],
        "answers": [list(each) for each in letter.answers],
        "signed_by": drawn(letter.signed_by),
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
