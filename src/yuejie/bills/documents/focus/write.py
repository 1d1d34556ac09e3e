"""A bill as FOCUS files: CSV for programs, so UTF-8 without a byte-order mark, null as nothing.

1.2 is one file of CostAndUsage; its names are in ASCII, because that is what the official validator
takes a string for, and stand as written behind `x_`. 1.4 is its four datasets in one archive.
A text that a spreadsheet could read as a formula gets an apostrophe, as in the bill's own CSV.
"""

import csv
import io
from collections.abc import Iterable
from typing import Final
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from yuejie.bills.documents.document import BillDocument
from yuejie.bills.documents.focus import columns, datasets
from yuejie.bills.documents.focus.form import ascii_json, latin
from yuejie.bills.documents.focus.rows import ENGLISH, SERVICE, Row, rows_of
from yuejie.paper.cells import harmless

_END: Final = "\r\n"
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
"""The same bill gives the same bytes, whenever it is asked for."""
_JSON: Final = ("SkuPriceDetails", "Tags")
_AS_WRITTEN: Final = tuple(f"x_{name}" for name in columns.IN_ASCII)
COLUMNS_1_2: Final = (*columns.COST_AND_USAGE_1_2, *sorted((*columns.OURS, *_AS_WRITTEN)))
COLUMNS_1_4: Final = (*columns.COST_AND_USAGE_1_4, *columns.OURS)


def to_focus(document: BillDocument) -> bytes:
    """Write CostAndUsage 1.2: one row per bill line and per tax line."""
    return _csv(COLUMNS_1_2, map(_in_ascii, rows_of(document)))


def to_focus_1_4(document: BillDocument) -> bytes:
    """Write the four datasets of 1.4 as one ZIP of CSV files, each named by its dataset."""
    files = {
        "CostAndUsage": (COLUMNS_1_4, datasets.cost_and_usage),
        "InvoiceDetail": (columns.BILL_DETAIL, datasets.bill_details),
        "BillingPeriod": (columns.BILLING_PERIOD, datasets.billing_periods),
        "ContractCommitment": (columns.CONTRACT_COMMITMENT, datasets.contract_commitments),
    }
    archive = io.BytesIO()
    with ZipFile(archive, "w", ZIP_DEFLATED) as zipped:
        for name, (wanted, rows) in files.items():
            entry = ZipInfo(f"{name}.csv", _EPOCH)
            entry.compress_type = ZIP_DEFLATED
            zipped.writestr(entry, _csv(wanted, rows(document)))
    return archive.getvalue()


def _in_ascii(row: Row) -> Row:
    """Return a row whose columns of 1.2 are ASCII; what was written otherwise is kept beside."""
    kept = {f"x_{name}": row.get(name, "") for name in columns.IN_ASCII}
    said = row | {
        "ChargeDescription": row[ENGLISH],
        "ServiceName": _SERVICES.get(row["ServiceName"], row["ServiceName"]),
    }
    plain = {
        name: ascii_json(value) if name in _JSON else latin(value)
        for name, value in said.items()
        if value
    }
    return plain | kept | {name: row.get(name, "") for name in columns.OURS}


_SERVICES: Final = {SERVICE: "Large Language Model API"}


def _csv(wanted: tuple[str, ...], rows: Iterable[Row]) -> bytes:
    file = io.StringIO(newline="")
    written = csv.writer(file, lineterminator=_END)
    written.writerow(wanted)
    written.writerows(_cells(row, wanted) for row in rows)
    return file.getvalue().encode()


def _cells(row: Row, wanted: tuple[str, ...]) -> list[str]:
    found = ((name, row.get(name, "")) for name in wanted)
    return [value if name in columns.NUMBERS else harmless(value) for name, value in found]
