"""A reconciliation as a table for people: CSV, and a workbook with summary and differences."""

import csv
import io
from collections.abc import Sequence
from datetime import UTC
from decimal import Decimal
from enum import StrEnum
from typing import Final

from xlsxwriter import Workbook

from yuejie.assurance.reconcile.difference import CHINESE, TO_DO, Cause, Difference, incomplete
from yuejie.assurance.reconcile.store import RunRow
from yuejie.kernel.money import PICO, plain
from yuejie.paper.cells import harmless

HEADS: Final = ("日期", "模型", "计量项", "原因", "数量差", "金额差", "币种", "说明", "处理")


class TableKind(StrEnum):
    """How a reconciliation may be written."""

    CSV = "csv"
    XLSX = "xlsx"


def write_table(kind: TableKind, run: RunRow, differences: Sequence[Difference]) -> bytes:
    """Return the file; the same reconciliation gives the same bytes."""
    if kind is TableKind.CSV:
        return _csv(run, differences)
    return _xlsx(run, differences)


def by_cause(differences: Sequence[Difference]) -> list[tuple[Cause, int, int, int]]:
    """Return cause, number, net amount and size in picos, in the order of the causes."""
    rows = []
    for cause in Cause:
        mine = [d for d in differences if d.cause == cause]
        if mine:
            rows.append(
                (cause, len(mine), sum(d.pico for d in mine), sum(abs(d.pico) for d in mine))
            )
    return rows


def _csv(run: RunRow, differences: Sequence[Difference]) -> bytes:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(HEADS)
    for each in differences:
        writer.writerow(
            [
                each.day.isoformat(),
                harmless(each.model),
                each.meter,
                CHINESE[each.cause],
                each.quantity,
                plain(each.pico, PICO),
                run.currency,
                harmless(each.why),
                TO_DO[each.cause],
            ]
        )
    return b"\xef\xbb\xbf" + file.getvalue().encode()


def _xlsx(run: RunRow, differences: Sequence[Difference]) -> bytes:
    file = io.BytesIO()
    with Workbook(file, {"in_memory": True, "strings_to_formulas": False}) as workbook:
        workbook.set_properties({"created": run.at.astimezone(UTC).replace(tzinfo=None)})
        bold = workbook.add_format({"bold": True})
        amount = workbook.add_format({"num_format": "#,##0.00####"})
        day = workbook.add_format({"num_format": "yyyy-mm-dd"})
        summary = workbook.add_worksheet("汇总")
        summary.set_column(0, 1, 22)
        facts: list[tuple[str, str | Decimal]] = [
            ("账号", run.account_id),
            ("月份", run.month),
            ("币种", run.currency),
            ("我方金额", _units(run.ours_pico)),
            ("对方金额", _units(run.theirs_pico)),
            ("已说明（绝对值）", _units(run.explained_pico)),
            ("未说明（绝对值）", _units(run.unexplained_pico)),
            ("结论", "通过" if run.passes else "未通过：未说明或未覆盖的部分达到 0.1 %"),
        ]
        lacks = incomplete(differences)
        if lacks:
            facts.append(("报告", lacks))
        for number, (name, value) in enumerate(facts):
            summary.write_string(number, 0, name, bold)
            if isinstance(value, Decimal):
                summary.write_number(number, 1, value, amount)
            else:
                summary.write_string(number, 1, value)
        start = len(facts) + 1
        for column, head in enumerate(("原因", "条数", "净额", "绝对值", "处理")):
            summary.write_string(start, column, head, bold)
        for number, (cause, count, net, size) in enumerate(by_cause(differences), start + 1):
            summary.write_string(number, 0, CHINESE[cause])
            summary.write_number(number, 1, count)
            summary.write_number(number, 2, _units(net), amount)
            summary.write_number(number, 3, _units(size), amount)
            summary.write_string(number, 4, TO_DO[cause])
        sheet = workbook.add_worksheet("差异")
        sheet.freeze_panes(1, 0)
        for column, head in enumerate(HEADS):
            sheet.write_string(0, column, head, bold)
        for number, each in enumerate(differences, 1):
            sheet.write_datetime(number, 0, each.day, day)
            sheet.write_string(number, 1, each.model)
            sheet.write_string(number, 2, each.meter)
            sheet.write_string(number, 3, CHINESE[each.cause])
            sheet.write_number(number, 4, each.quantity)
            sheet.write_number(number, 5, _units(each.pico), amount)
            for column, text in enumerate((run.currency, each.why, TO_DO[each.cause]), 6):
                sheet.write_string(number, column, text)
    return file.getvalue()


def _units(pico: int) -> Decimal:
    return Decimal(plain(pico, PICO))
