"""A bill as CSV: one row per line, exact decimals, and no cell that a spreadsheet would compute.

UTF-8 with a byte-order mark, so that a double click shows Chinese. A text that a spreadsheet could
read as a formula gets an apostrophe before it, and so does one that begins with an apostrophe:
taking one leading apostrophe off every text column gives the exact text back. Our own numbers may
begin with a minus and stay as they are.
"""

import csv
import io
from typing import Final

from yuejie.bills.bill import BillLine
from yuejie.bills.documents import wording
from yuejie.bills.documents.document import BillDocument
from yuejie.kernel.money import FEN, plain
from yuejie.paper.cells import harmless
from yuejie.usage.meters import per, unit

_BYTE_ORDER_MARK: Final = "\N{ZERO WIDTH NO-BREAK SPACE}"

COLUMNS: Final = (
    "账单编号",
    "状态",
    "账期",
    "客户",
    "客户税号",
    "行",
    "类型",
    "服务月份",
    "项目编号",
    "项目",
    "部门",
    "模型",
    "计量项",
    "计量项名称",
    "用量",
    "单位",
    "单价",
    "单价数量",
    "单价币种",
    "计费额",
    "汇率",
    "币种",
    "金额",
    "美元金额",
    "人民币金额",
    "不含税金额",
    "税率",
    "税额",
    "价税合计",
)


def to_csv(document: BillDocument) -> bytes:
    """Write one row per line under one row of titles."""
    file = io.StringIO(newline="")
    rows = csv.writer(file, lineterminator="\r\n")
    rows.writerow(COLUMNS)
    head = _head(document)
    rows.writerows([*head, *_cells(line, document)] for line in document.bill.lines)
    return (_BYTE_ORDER_MARK + file.getvalue()).encode()


def _head(document: BillDocument) -> list[str]:
    bill, customer = document.bill, document.customer
    return [
        harmless(bill.number or ""),
        wording.STATES[bill.state],
        str(bill.month),
        harmless(customer.legal_name),
        harmless(customer.uscc or ""),
    ]


def _cells(line: BillLine, document: BillDocument) -> list[str]:
    bill = document.bill
    return [
        str(line.position),
        wording.KINDS[line.kind],
        str(line.service_month),
        *map(harmless, (line.project_id, line.project_name, line.department)),
        harmless(wording.named(line)),
        harmless(line.meter),
        wording.meter_of(line),
        str(line.quantity) if line.metered else "",
        unit(line.meter) if line.metered else "",
        wording.rate(line),
        str(per(line.meter)) if line.metered else "",
        line.rate_currency,
        wording.charge(line),
        wording.fx_e8(line.fx_e8),
        bill.currency,
        plain(line.amount_fen, FEN),
        _or_nothing(line.usd_fen),
        _or_nothing(line.cny_fen),
        plain(line.net_fen, FEN),
        wording.tax_rate(bill.tax_ppm) if line.tax_line is not None else "",
        plain(line.tax_fen, FEN),
        plain(line.net_fen + line.tax_fen, FEN),
    ]


def _or_nothing(fen: int | None) -> str:
    return "" if fen is None else plain(fen, FEN)
