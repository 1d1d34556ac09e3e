"""A bill as PDF: `bill.typ` lays out what this file has put into words."""

from pathlib import Path
from typing import Any, Final

from yuejie.bills.bill import BillLine, LineKind, TaxMode
from yuejie.bills.documents import wording
from yuejie.bills.documents.advice import how_to_check
from yuejie.bills.documents.document import BillDocument, LineGroup, Subtotal
from yuejie.kernel.money import Money
from yuejie.paper.printable import printed
from yuejie.paper.template import Template

_BILL: Final = Template(Path(__file__).with_name("bill.typ"))
_LINES_BELOW_SUMMARY: Final = 8
"""A longer list of lines begins on a page of its own."""
_LINES_PRINTED: Final = 5_000
"""A longer bill prints subtotals only: nobody reads so many pages, and Typst needs 0.13 MB a line.
The spreadsheet and the CSV file hold every line of any bill."""


def to_pdf(document: BillDocument) -> bytes:
    """Set a bill on A4 pages; the same bill gives the same bytes."""
    return _BILL.to_pdf(_page_data(document), dated=document.dated)


def _page_data(document: BillDocument) -> dict[str, Any]:
    """Return everything the template shows, as text."""
    bill = document.bill
    return {
        "draft": document.is_draft,
        "title": f"账单 {wording.number(document)}",
        "number": wording.number(document),
        "month": str(bill.month),
        "customer": printed(document.customer.legal_name),
        "seller": printed(document.seller.legal_name),
        "facts": _facts(document),
        "parties": _parties(document),
        "due": _due(document),
        "paid_into": [[label, printed(text)] for label, text in wording.paid_into(document)],
        "tax": _tax(document),
        "fx": [[wording.fx(fx), str(fx.on_date), printed(fx.source)] for fx in document.fx],
        "currencies": [f"金额 {currency}" for currency in document.currencies],
        "by_project": _projects(document),
        "by_model": _models(document),
        "groups": [_group(document, group) for group in document.groups()],
        "folded": _folded(document),
        "total": _sums(document, document.total()),
        "tokens": wording.tokens(document.total().tokens),
        "calls": wording.count(document.total().requests),
        "paged": len(bill.lines) > _LINES_BELOW_SUMMARY,
        "late": wording.late_months(document),
        "seal": bill.seal.hex() if bill.seal else "",
        "previous": wording.previous_seal(bill),
        "stamp": list(document.stamp.png) if document.stamp else None,
        "advice": [[title, printed(text)] for title, text in how_to_check(document)],
    }


def _facts(document: BillDocument) -> list[tuple[str, str]]:
    bill = document.bill
    dated = "关账时间" if document.is_draft else "出账时间"
    facts = [
        ("账单编号", wording.number(document)),
        ("账期", str(bill.month)),
        (dated, wording.moment(document.dated)),
        ("合同", printed(document.contract)),
        ("计价", wording.TAX_MODES[bill.tax_mode]),
    ]
    apart = [("账单部分", printed(bill.part_name))] if bill.part_name else []
    settled = [(label, printed(text)) for label, text in wording.settlement(document)]
    return [*facts, *apart, *settled]


def _parties(document: BillDocument) -> list[dict[str, Any]]:
    customer, seller = document.customer, document.seller
    contact = " ".join(filter(None, (customer.tax_address, customer.tax_phone)))
    bank = " ".join(filter(None, (customer.bank_name, customer.bank_account)))
    theirs = [("税号", customer.uscc or ""), ("地址电话", contact), ("开户行及账号", bank)]
    return [
        {
            "role": "客户",
            "name": printed(customer.legal_name),
            "rows": [(label, printed(text)) for label, text in theirs if text],
        },
        {
            "role": "服务方",
            "name": printed(seller.legal_name),
            "rows": [("税号", printed(seller.uscc))],
        },
    ]


def _due(document: BillDocument) -> dict[str, str]:
    """Say what is owed, in figures, in capitals, and in the other currency for reference."""
    bill, total = document.bill, document.total()
    other, fen = ("USD", total.usd_fen) if bill.currency == "CNY" else ("CNY", total.cny_fen)
    beside = "" if fen is None else wording.signed(Money(fen, other))
    return {
        "title": wording.owed_title(document),
        "figures": wording.signed(bill.gross),
        "capitals": wording.in_capitals(bill.gross),
        "beside": f"明细合计 {wording.signed(document.charged)} ≈ {beside}" if beside else "",
    }


def _tax(document: BillDocument) -> list[tuple[str, str]]:
    bill = document.bill
    plus = "其中税额" if bill.tax_mode is TaxMode.INCLUSIVE else "加：税额"
    free = [
        (f"其中不开票：{name}", wording.signed(Money(fen, bill.currency)))
        for name, fen in wording.untaxed(bill)
    ]
    return [
        ("不含税金额", wording.signed(bill.net)),
        *free,
        (f"{plus}（{wording.tax_rate(bill.tax_ppm)}）", wording.signed(bill.tax)),
        ("价税合计", wording.signed(bill.gross)),
    ]


def _projects(document: BillDocument) -> list[list[str]]:
    whole = document.charged.fen
    return [
        [
            printed(part.name),
            wording.tokens(part.tokens),
            *_sums(document, part),
            wording.share(part.amount_fen, whole),
        ]
        for part in document.by_project()
    ]


def _models(document: BillDocument) -> list[list[str]]:
    whole = document.charged.fen
    return [
        [
            printed(part.name),
            wording.count(part.requests),
            wording.tokens(part.tokens),
            *_sums(document, part),
            wording.share(part.amount_fen, whole),
        ]
        for part in document.by_model()
    ]


def _sums(document: BillDocument, part: Subtotal | BillLine) -> list[str]:
    """Return the amounts of a line or a sum of lines, in the columns that the bill has."""
    amounts = {"USD": part.usd_fen, "CNY": part.cny_fen}
    return [wording.amount(amounts[currency]) for currency in document.currencies]


def _folded(document: BillDocument) -> str:
    """Say that a bill has too many lines to print, or nothing."""
    count = len(document.bill.lines)
    if count <= _LINES_PRINTED:
        return ""
    return f"共 {count:,} 行，此处只列小计，逐行明细见 XLSX 与 CSV 文件"


def _group(document: BillDocument, group: LineGroup) -> dict[str, Any]:
    late = group.kind is LineKind.LATE
    return {
        "name": printed(group.subtotal.name),
        "department": printed(group.department),
        "late": f"{wording.KINDS[LineKind.LATE]} {group.service_month}" if late else "",
        "lines": [
            [*_line(line), *_sums(document, line)]
            for line in (() if _folded(document) else group.lines)
        ],
        "sums": _sums(document, group.subtotal),
    }


def _line(line: BillLine) -> list[str]:
    return [
        str(line.position),
        printed(wording.named(line)),
        wording.meter_of(line),
        wording.counted(line),
        wording.rate(line),
        wording.rate_unit(line),
    ]
