"""The seal of a bill: SHA-256 over a canonical form, chained per customer.

A canonical form is UTF-8 JSON with sorted keys and no spaces; every number is a whole number (fen,
pico, ppm, 10⁻⁸ for exchange rates), every month and day a label, absence is null. It holds what is
needed to re-compute the bill: lines, rates, contract version, epoch, the vector of journal offsets
at that epoch, and the seal before it. Anyone can check it with a JSON library and a hash.
Forms are versioned and their vectors are tests; a new need is a new form, never an edit: form 1 is
what the first bills were sealed with, form 2 adds parts, tax lines, words of lines and dates.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any, Final

import msgspec

from yuejie.bills.bill import Bill, BillLine, TaxLine

VERSION: Final = 2
"""The form that bills are sealed with from now on."""
GENESIS: Final = bytes(32)
"""The seal before a customer's first."""


def canonical(bill: Bill, offsets: Mapping[str, list[int]]) -> bytes:
    """Return the bytes that are sealed. `bill.number`, `issued_at` and `previous_seal` are set."""
    if bill.number is None or bill.issued_at is None:
        raise AssertionError("only a numbered, issued bill is sealed")
    body = {
        "form": bill.seal_form,
        "number": bill.number,
        "epoch": bill.epoch,
        "offsets": dict(offsets),
        "issued_at": bill.issued_at.isoformat(),
        "previous": (bill.previous_seal or GENESIS).hex(),
        **_content(bill),
    }
    if bill.seal_form >= VERSION:
        body |= {"days": [_day(bill.billed_on), _day(bill.review_until), _day(bill.fapiao_by)]}
    return msgspec.json.encode(body, order="sorted")


def proposal(bill: Bill) -> bytes:
    """Return the hash of what a customer is asked to confirm: everything it will owe and for what.

    Ids of lines, epoch and times are left out: drawn again with the same content, a bill has the
    same hash.
    """
    form = {"proposal": 1, **_content(replace(bill, seal_form=VERSION))}
    return hashlib.sha256(msgspec.json.encode(form, order="sorted")).digest()


def seal_of(canonical_bytes: bytes) -> bytes:
    """Return the seal of a canonical form."""
    return hashlib.sha256(canonical_bytes).digest()


def _content(bill: Bill) -> dict[str, Any]:
    content: dict[str, Any] = {
        "bill_id": bill.bill_id,
        "customer_id": bill.customer_id,
        "month": str(bill.month),
        "contract": [bill.contract_id, bill.contract_version],
        "currency": bill.currency,
        "fx_policy": bill.fx_policy,
        "tax": [str(bill.tax_mode), bill.tax_ppm],
        "totals_fen": [bill.net.fen, bill.tax.fen, bill.gross.fen],
        "lines": [_line(line, bill.seal_form) for line in bill.lines],
    }
    if bill.seal_form < VERSION:
        return content
    return content | {
        "part": [bill.part, bill.part_name],
        "purchase_order": bill.purchase_order,
        "tax_lines": [_tax_line(line) for line in bill.tax_lines],
    }


def _line(line: BillLine, form: int) -> list[Any]:
    first = [
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
    return first if form < VERSION else [*first, line.item, line.refers_to, line.tax_line]


def _tax_line(line: TaxLine) -> list[Any]:
    return [
        line.position,
        line.item,
        line.project_id,
        line.model,
        line.tax_ppm,
        line.net_fen,
        line.tax_fen,
    ]


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None
