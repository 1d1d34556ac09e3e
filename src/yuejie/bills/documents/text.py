"""A bill as plain text for fixed-width screens, e-mails and golden tests; Chinese counts double."""

import unicodedata
from collections.abc import Sequence
from typing import Final

from yuejie.bills.bill import LineKind, TaxMode
from yuejie.bills.documents import wording
from yuejie.bills.documents.document import BillDocument, LineGroup, Subtotal
from yuejie.paper.printable import printable

_GAP: Final = "  "
_WIDE: Final = frozenset("WF")
_ZERO: Final = frozenset({"Mn", "Me"})
_INDENT: Final = "  "


def to_text(document: BillDocument) -> bytes:
    """Write a bill as lines of text whose columns meet."""
    parts = [
        _heading(document),
        _lines(document),
        _totals(document),
        _summary("按项目", document.by_project(), document),
        _summary("按模型", document.by_model(), document),
        _payment(document),
        _proof(document),
    ]
    return ("\n\n".join("\n".join(part) for part in parts if part) + "\n").encode()


def width(text: str) -> int:
    """Return how many columns a text takes: two for wide characters, none for combining marks."""
    return sum(
        0
        if unicodedata.category(char) in _ZERO
        else 2
        if unicodedata.east_asian_width(char) in _WIDE
        else 1
        for char in text
    )


def _table(rows: Sequence[Sequence[str]], left: frozenset[int]) -> list[str]:
    """Align rows into columns; those named in `left` to the left, the others to the right."""
    widths = [max(map(width, column)) for column in zip(*rows, strict=True)]
    return [
        _GAP.join(
            cell + pad if at in left else pad + cell
            for at, (cell, pad) in enumerate(
                (cell, " " * (full - width(cell))) for cell, full in zip(row, widths, strict=True)
            )
        ).rstrip()
        for row in rows
    ]


def _heading(document: BillDocument) -> list[str]:
    bill, customer, seller = document.bill, document.customer, document.seller
    dated = "关账" if document.is_draft else "出账"
    when = f"{dated} {wording.moment(document.dated)}"
    rows = wording.settlement(document)
    due = "".join(f"    {label} {printable(text)}" for label, text in rows)
    return [
        f"账单 BILL {bill.month}    {wording.number(document)}    {wording.STATES[bill.state]}",
        *([f"部分    {printable(bill.part_name)}"] if bill.part_name else []),
        f"客户    {_named(customer.legal_name, customer.uscc or '')}",
        f"服务方  {_named(seller.legal_name, seller.uscc)}",
        f"合同    {printable(document.contract)}",
        f"计价    {wording.TAX_MODES[bill.tax_mode]}    {when}{due}",
    ]


def _named(name: str, uscc: str) -> str:
    return f"{printable(name)}    税号 {uscc}" if uscc else printable(name)


def _lines(document: BillDocument) -> list[str]:
    """Return the lines in one grid, cut by headings that name project and late month."""
    currencies = document.currencies
    titles = ("行", "模型", "计量项", "用量", "单价", "单价单位", *currencies)
    groups = list(document.groups())
    rows: list[Sequence[str]] = [titles]
    for group in groups:
        rows += _group_rows(group, document)
        rows.append(("", "", "", "", "", "小计", *_sums(group.subtotal, document)))
    rows.append(("", "", "", "", "", "合计", *_sums(document.total(), document)))
    grid = _table(rows, frozenset({1, 2, 5}))
    written, at = [grid[0]], 1
    for group in groups:
        end = at + len(group.lines) + 1
        written += [_title(group), *grid[at:end]]
        at = end
    return [*written, grid[-1]]


def _title(group: LineGroup) -> str:
    late = f"{wording.KINDS[LineKind.LATE]} {group.service_month}  "
    names = [printable(name) for name in (group.subtotal.name, group.department) if name]
    return f"{late if group.kind is LineKind.LATE else ''}{_GAP.join(names)}"


def _group_rows(group: LineGroup, document: BillDocument) -> list[Sequence[str]]:
    return [
        (
            str(line.position),
            printable(wording.named(line)),
            wording.meter_of(line),
            wording.counted(line),
            wording.rate(line),
            wording.rate_unit(line),
            *_amounts(line.usd_fen, line.cny_fen, document),
        )
        for line in group.lines
    ]


def _sums(part: Subtotal, document: BillDocument) -> list[str]:
    return _amounts(part.usd_fen, part.cny_fen, document)


def _amounts(usd: int | None, cny: int | None, document: BillDocument) -> list[str]:
    known = {"USD": usd, "CNY": cny}
    return [wording.amount(known[currency]) for currency in document.currencies]


def _totals(document: BillDocument) -> list[str]:
    bill = document.bill
    free = wording.untaxed(bill)
    inside = "其中税额" if bill.tax_mode is TaxMode.INCLUSIVE else "加：税额"
    rows = [
        ("不含税金额", bill.currency, str(bill.net)),
        (f"{inside} {wording.tax_rate(bill.tax_ppm)}", bill.currency, str(bill.tax)),
        ("价税合计", bill.currency, str(bill.gross)),
    ]
    rows[1:1] = [(f"其中不开票：{name}", bill.currency, wording.amount(fen)) for name, fen in free]
    rates = [
        f"汇率  {wording.fx(used)}  {used.on_date}  {printable(used.source)}"
        for used in document.fx
    ]
    return [*_table(rows, frozenset({0, 1})), f"大写  {wording.in_capitals(bill.gross)}", *rates]


def _summary(title: str, parts: Sequence[Subtotal], document: BillDocument) -> list[str]:
    counted = any(part.requests is not None for part in parts)
    rows = [(title, *(["调用次数"] if counted else []), "token 用量", *document.currencies)]
    rows += [
        (
            printable(part.name),
            *([wording.count(part.requests)] if counted else []),
            wording.tokens(part.tokens),
            *_sums(part, document),
        )
        for part in parts
    ]
    return _table(rows, frozenset({0}))


def _payment(document: BillDocument) -> list[str]:
    account = wording.paid_into(document)
    if not account:
        return []
    rows = [(f"{_INDENT}{label}", printable(text)) for label, text in account]
    return ["收款账户", *_table(rows, frozenset({0, 1}))]


def _proof(document: BillDocument) -> list[str]:
    bill = document.bill
    if bill.seal is None:
        return ["封印  无（草稿未封存，请勿据此付款）"]
    return [f"封印  {bill.seal.hex()}", f"上一封印  {wording.previous_seal(bill)}"]
