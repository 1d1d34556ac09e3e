"""The seal of a bill: SHA-256 over canonical form 1, chained per customer.

Canonical form 1 is UTF-8 JSON with sorted keys and no spaces; every number is a whole number
(fen, pico, ppm, 10⁻⁸ for exchange rates), every month a label, absence is null. It holds what is
needed to re-compute the bill: lines, rates, contract version, epoch, the vector of journal offsets
at that epoch, and the seal before it. Anyone can check it with a JSON library and a hash.
The form is versioned and its vectors are tests; a new need is a new version, never an edit.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from yuejie.bills.bill import Bill, BillLine

VERSION: Final = 1
GENESIS: Final = bytes(32)
"""The seal before a customer's first."""


def canonical(bill: Bill, offsets: Mapping[str, list[int]]) -> bytes:
    """Return the bytes that are sealed. `bill.number`, `issued_at` and `previous_seal` are set."""
    if bill.number is None or bill.issued_at is None:
        raise AssertionError("only a numbered, issued bill is sealed")
    body: dict[str, Any] = {
        "form": VERSION,
        "bill_id": bill.bill_id,
        "number": bill.number,
        "customer_id": bill.customer_id,
        "month": str(bill.month),
        "contract": [bill.contract_id, bill.contract_version],
        "currency": bill.currency,
        "fx_policy": bill.fx_policy,
        "tax": [str(bill.tax_mode), bill.tax_ppm],
        "totals_fen": [bill.net.fen, bill.tax.fen, bill.gross.fen],
        "epoch": bill.epoch,
        "offsets": dict(offsets),
        "issued_at": bill.issued_at.isoformat(),
        "lines": [_line(line) for line in bill.lines],
        "previous": (bill.previous_seal or GENESIS).hex(),
    }
    return msgspec.json.encode(body, order="sorted")


def seal_of(canonical_bytes: bytes) -> bytes:
    """Return the seal of a canonical form."""
    return hashlib.sha256(canonical_bytes).digest()


def _line(line: BillLine) -> list[Any]:
    return [
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
        line.fx_e8,
        line.amount_fen,
        line.net_fen,
        line.tax_fen,
    ]
