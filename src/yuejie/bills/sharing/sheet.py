"""A divided month as a workbook: what each bears, and every row with its rule."""

import io
from decimal import Decimal
from typing import Final

from xlsxwriter import Workbook

from yuejie.bills.documents.wording import KINDS
from yuejie.bills.sharing.share import BY_USE
from yuejie.bills.sharing.show import ShareBy, ShareSheet
from yuejie.kernel.money import FEN, plain

_WHO: Final = {ShareBy.PROJECT: "项目", ShareBy.DEPARTMENT: "部门"}
RULES: Final = {"": "自身", BY_USE: "按用量（默认）"}
"""What stands for a rule where there is none."""


def write_sheet(sheet: ShareSheet) -> bytes:
    """Return the workbook; sums are written as numbers and add up to the bills."""
    file = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False}
    with Workbook(file, options) as workbook:
        bold = workbook.add_format({"bold": True})
        amount = workbook.add_format({"num_format": "#,##0.00"})
        who = _WHO[sheet.by]
        first = workbook.add_worksheet("分摊汇总")
        first.set_column(0, 0, 28)
        first.set_column(1, 4, 18)
        state = "含未出账的账单，可能变化" if sheet.drafts else "账单均已出账"
        first.write_string(0, 0, f"{sheet.month} 成本分摊　{sheet.currency}　{state}", bold)
        first.write_string(1, 0, f"账单 {'、'.join(sheet.bills)}")
        for column, head in enumerate((who, "自身", "分摊", "不含税", "价税合计")):
            first.write_string(3, column, head, bold)
        totals = sheet.totals()
        for number, (name, own, shared) in enumerate(totals, 4):
            first.write_string(number, 0, name)
            net = own.net_fen + shared.net_fen
            gross = own.gross_fen + shared.gross_fen
            for column, fen in enumerate((own.gross_fen, shared.gross_fen, net, gross), 1):
                first.write_number(number, column, _yuan(fen), amount)
        last = 4 + len(totals)
        first.write_string(last, 0, "合计", bold)
        first.write_number(last, 4, _yuan(sheet.gross_fen), amount)
        rows = workbook.add_worksheet("分摊明细")
        rows.set_column(0, 3, 24)
        rows.set_column(4, 6, 16)
        rows.freeze_panes(1, 0)
        heads = (who, "部门", "类型", "依据", "不含税", "税额", "价税合计")
        for column, head in enumerate(heads):
            rows.write_string(0, column, head, bold)
        for number, row in enumerate(sheet.rows, 1):
            words = (row.name, row.department, KINDS[row.kind], RULES.get(row.rule_id, row.rule_id))
            for column, text in enumerate(words):
                rows.write_string(number, column, text)
            for column, fen in enumerate((row.net_fen, row.tax_fen, row.gross_fen), 4):
                rows.write_number(number, column, _yuan(fen), amount)
    return file.getvalue()


def _yuan(fen: int) -> Decimal:
    return Decimal(plain(fen, FEN))
