"""Render a bill: one noun in, the bytes of one file out."""

import re
from collections.abc import Callable, Mapping
from typing import Final

from yuejie.bills.documents.document import BillDocument, DocumentKind
from yuejie.bills.documents.exchange import to_json
from yuejie.bills.documents.focus.write import to_focus, to_focus_1_4
from yuejie.bills.documents.pdf import to_pdf
from yuejie.bills.documents.spreadsheet import to_xlsx
from yuejie.bills.documents.table import to_csv
from yuejie.bills.documents.text import to_text

RENDERERS: Final[Mapping[DocumentKind, Callable[[BillDocument], bytes]]] = {
    DocumentKind.PDF: to_pdf,
    DocumentKind.XLSX: to_xlsx,
    DocumentKind.CSV: to_csv,
    DocumentKind.JSON: to_json,
    DocumentKind.TXT: to_text,
    DocumentKind.FOCUS: to_focus,
    DocumentKind.FOCUS_1_4: to_focus_1_4,
}
MEDIA_TYPES: Final[Mapping[DocumentKind, str]] = {
    DocumentKind.PDF: "application/pdf",
    DocumentKind.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    DocumentKind.CSV: "text/csv; charset=utf-8",
    DocumentKind.JSON: "application/json",
    DocumentKind.TXT: "text/plain; charset=utf-8",
    DocumentKind.FOCUS: "text/csv; charset=utf-8",
    DocumentKind.FOCUS_1_4: "application/zip",
}
_UNSAFE: Final = re.compile(r"[^\w-]+")
_NAME_LENGTH: Final = 60


def render(document: BillDocument, kind: DocumentKind) -> bytes:
    """Return the bill as that kind of file; the same bill gives the same bytes."""
    return RENDERERS[kind](document)


def file_name(document: BillDocument, kind: DocumentKind) -> str:
    """Name the file by month, customer and number, with nothing that a path could trip over."""
    slug = _UNSAFE.sub("_", document.customer.slug)[:_NAME_LENGTH]
    number = _UNSAFE.sub("_", document.bill.number or "草稿")
    return f"账单_{document.bill.month}_{slug}_{number}.{kind.extension}"
