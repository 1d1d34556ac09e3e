"""A bill as a FOCUS file: CSV for programs, so UTF-8 without a byte-order mark, null as nothing.

A text that a spreadsheet could read as a formula gets an apostrophe, as in the bill's own CSV.
"""

import csv
import io
from typing import Final

from yuejie.bills.documents.document import BillDocument
from yuejie.bills.documents.focus.columns import COLUMNS, NUMBERS
from yuejie.bills.documents.focus.rows import Row, rows_of
from yuejie.bills.documents.table import harmless

_END: Final = "\r\n"


def to_focus(document: BillDocument) -> bytes:
    """Write one row per bill line and per tax line, under the names of FOCUS."""
    file = io.StringIO(newline="")
    rows = csv.writer(file, lineterminator=_END)
    rows.writerow(COLUMNS)
    rows.writerows(_cells(row) for row in rows_of(document))
    return file.getvalue().encode()


def _cells(row: Row) -> list[str]:
    found = ((name, row.get(name, "")) for name in COLUMNS)
    return [value if name in NUMBERS else harmless(value) for name, value in found]
