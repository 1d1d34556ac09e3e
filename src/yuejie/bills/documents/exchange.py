"""A bill as JSON, for programs: everything that is needed to compute it again.

`schema.json` beside this file describes it (JSON Schema 2020-12). Money is
`{"amount": "1122.25", "currency": "CNY"}`; charges and rates are exact decimals as text; nothing
is a float. `seal.form` is the sealed text itself: its SHA-256 is `seal.sha256`.
"""

from datetime import date
from typing import Any, Final

import msgspec

from yuejie.bills.bill import Bill, BillLine, LineKind, TaxLine
from yuejie.bills.documents import wording
from yuejie.bills.documents.document import BillDocument, DailyUsage, Subtotal
from yuejie.bills.seal import GENESIS
from yuejie.kernel.money import FEN, PPM, Charge, plain
from yuejie.usage.meters import per

VERSION: Final = 2
"""Raised when a key changes its meaning or goes; new keys may come without. Since 2 a line that is
no usage has no rate."""


def to_json(document: BillDocument) -> bytes:
    """Write the bill as indented UTF-8 JSON."""
    return msgspec.json.format(msgspec.json.encode(_body(document)), indent=2) + b"\n"


def _body(document: BillDocument) -> dict[str, Any]:
    bill = document.bill
    return {
        "document": "yuejie.bill",
        "version": VERSION,
        "bill_id": bill.bill_id,
        "number": bill.number,
        "state": str(bill.state),
        "month": str(bill.month),
        "closed_at": bill.closed_at.isoformat(),
        "issued_at": bill.issued_at.isoformat() if bill.issued_at else None,
        "billed_on": _day_of(bill.billed_on),
        "review_until": _day_of(bill.review_until),
        "due_on": _day_of(document.due_on),
        "fapiao_by": _day_of(bill.fapiao_by),
        "part": {"part": bill.part, "name": bill.part_name},
        "purchase_order": bill.purchase_order,
        "customer": _customer(document),
        "seller": msgspec.to_builtins(document.seller),
        "contract": _contract(document),
        "currency": bill.currency,
        "fx_policy": bill.fx_policy,
        "fx": [
            {
                "base": used.rate.base,
                "quote": used.rate.quote,
                "rate": str(used.rate),
                "on_date": str(used.on_date),
                "source": used.source,
            }
            for used in document.fx
        ],
        "tax": {
            "mode": str(bill.tax_mode),
            "rate": plain(bill.tax_ppm, PPM),
            "net": _money(bill.net.fen, bill),
            "tax": _money(bill.tax.fen, bill),
            "gross": _money(bill.gross.fen, bill),
        },
        "total": _money(bill.gross.fen, bill),
        "total_in_capitals": wording.in_capitals(bill.gross),
        "lines": [_line(line, bill) for line in bill.lines],
        "by_project": [_subtotal(part, bill) for part in document.by_project()],
        "by_model": [_subtotal(part, bill) for part in document.by_model()],
        "daily": [_day(day) for day in document.daily],
        "tax_lines": [_tax_line(line, bill) for line in bill.tax_lines],
        "without_fapiao": _money(bill.untaxed_fen, bill),
        "seal": _seal(document),
    }


def _contract(document: BillDocument) -> dict[str, Any]:
    """Return the contract; one from before contracts had numbers is written as it was then."""
    bill, number = document.bill, document.contract_number
    named = {"number": number} if number else {}
    return {"contract_id": bill.contract_id, "version": bill.contract_version, **named}


def _day_of(day: date | None) -> str | None:
    return str(day) if day else None


def _tax_line(line: TaxLine, bill: Bill) -> dict[str, Any]:
    return {
        "position": line.position,
        "item": line.item,
        "project_id": line.project_id,
        "model": line.model,
        "rate": plain(line.tax_ppm, PPM),
        "net": _money(line.net_fen, bill),
        "tax": _money(line.tax_fen, bill),
        "gross": _money(line.gross_fen, bill),
    }


def _customer(document: BillDocument) -> dict[str, Any]:
    customer = document.customer
    return {
        "customer_id": customer.customer_id,
        "slug": customer.slug,
        "legal_name": customer.legal_name,
        "uscc": customer.uscc,
        "zone": customer.zone,
    }


def _line(line: BillLine, bill: Bill) -> dict[str, Any]:
    return {
        "line_id": line.line_id,
        "position": line.position,
        "kind": str(line.kind),
        "service_month": str(line.service_month),
        "project": {
            "project_id": line.project_id,
            "name": line.project_name,
            "department": line.department,
        },
        "model": line.model,
        "meter": line.meter,
        "item": line.item,
        "refers_to": line.refers_to or None,
        "tax_line": line.tax_line,
        "quantity": 1 if line.kind is LineKind.CLOUD else line.quantity,
        "rate": {
            "rate_id": line.sale_rate,
            "amount": wording.rate(line),
            "per": per(line.meter),
            "currency": line.rate_currency,
        }
        if line.metered
        else None,
        "charge": _charge(Charge(line.charge_pico, line.rate_currency)),
        "fx": wording.fx_e8(line.fx_e8) or None,
        "amount": _money(line.amount_fen, bill),
        "usd": _in("USD", line.usd_fen),
        "cny": _in("CNY", line.cny_fen),
        "net": _money(line.net_fen, bill),
        "tax": _money(line.tax_fen, bill),
    } | ({"cloud": _cloud(line)} if line.kind is LineKind.CLOUD else {})


def _cloud(line: BillLine) -> dict[str, Any]:
    """Return what a line of a cloud's bill is computed from: cost, settled, times 1 + mark-up."""
    return {
        "cost": _charge(Charge(line.quantity, line.rate_currency)),
        "times": plain(line.rate_pico, PPM),
    }


def _subtotal(part: Subtotal, bill: Bill) -> dict[str, Any]:
    return {
        "name": part.name,
        "requests": part.requests,
        "tokens": part.tokens,
        "amount": _money(part.amount_fen, bill),
        "usd": _in("USD", part.usd_fen),
        "cny": _in("CNY", part.cny_fen),
        "net": _money(part.net_fen, bill),
        "tax": _money(part.tax_fen, bill),
    }


def _day(day: DailyUsage) -> dict[str, Any]:
    return {
        "day": str(day.day),
        "project_id": day.project_id,
        "project": day.project_name,
        "model": day.model,
        "meter": day.meter,
        "quantity": day.quantity,
        "charge": _charge(day.charge) if day.charge else None,
    }


def _seal(document: BillDocument) -> dict[str, Any] | None:
    bill = document.bill
    if bill.seal is None:
        return None
    return {
        "version": bill.seal_form,
        "sha256": bill.seal.hex(),
        "previous": (bill.previous_seal or GENESIS).hex(),
        "form": document.sealed_form.decode() if document.sealed_form else None,
    }


def _money(fen: int, bill: Bill) -> dict[str, str]:
    return {"amount": plain(fen, FEN), "currency": bill.currency}


def _in(currency: str, fen: int | None) -> dict[str, str] | None:
    return None if fen is None else {"amount": plain(fen, FEN), "currency": currency}


def _charge(charge: Charge) -> dict[str, str]:
    return {"amount": str(charge), "currency": charge.currency}
