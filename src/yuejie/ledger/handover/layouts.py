"""The files that 用友 and 金蝶 take vouchers in.

用友 U8, 总账工具 (凭证引入): a text in GBK, a line per posting, fields divided by commas. One
voucher is one [制单日期 + 凭证类别字 + 业务号], its lines stand together; 摘要 holds 60 characters,
科目编码 15, amounts are 16.2 with one side zero; trailing fields may be left out.
金蝶 K/3, 标准格式凭证: a table with the fields FDATE … FREFERENCE; FENTRYID counts from 0, FDC is 1
for debit and 0 for credit, FEXP holds 80 characters, of the eight auxiliary items we use one.
Amounts are exact decimals; XLSX keeps fifteen digits, enough up to ten trillion.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

from xlsxwriter import Workbook

from yuejie.kernel.money import FEN, FX_SCALE, plain
from yuejie.ledger.handover.codes import Auxiliary
from yuejie.ledger.handover.voucher import Voucher, VoucherLine
from yuejie.paper.cells import harmless


class System(StrEnum):
    """Whose import the file is for."""

    YONYOU = "yonyou"
    KINGDEE = "kingdee"


class Layout(StrEnum):
    """How the file is written."""

    TXT = "txt"
    CSV = "csv"
    XLSX = "xlsx"


LAYOUTS: Final = {
    System.YONYOU: (Layout.TXT, Layout.XLSX),
    System.KINGDEE: (Layout.XLSX, Layout.CSV),
}
"""Which layouts each system takes, the usual one first."""

YONYOU_HEADS: Final = (
    *("制单日期", "凭证类别字", "业务号", "附单据数", "摘要", "科目编码", "金额借方", "金额贷方"),
    *("数量", "外币", "汇率", "制单人", "结算方式", "票号", "发生日期", "部门编码", "个人编码"),
    *("客户编码", "供应商编码"),
)
KINGDEE_HEADS: Final = (
    *("FDATE", "FTRANSDATE", "FPERIOD", "FGROUP", "FNUM", "FENTRYID", "FEXP", "FACCTID"),
    *("FCLSNAME1", "FOBJID1", "FOBJNAME1", "FTRANSID", "FCYID", "FEXCHRATE", "FDC", "FFCYAMT"),
    *("FQTY", "FPRICE", "FDEBIT", "FCREDIT", "FSETTLCODE", "FSETTLENO", "FPREPARE"),
    *("FATTCHMENT", "FREFERENCE"),
)
_YONYOU_SUMMARY: Final = 60
_KINGDEE_SUMMARY: Final = 80
_CLASSES: Final = {Auxiliary.CUSTOMER: "客户", Auxiliary.SUPPLIER: "供应商"}

Cell = str | int | Decimal | date


def write_vouchers(
    system: System, layout: Layout, found: Sequence[Voucher], *, heading: str, at: datetime
) -> bytes:
    """Return the file; the same vouchers give the same bytes."""
    heads: Sequence[str] = YONYOU_HEADS if system is System.YONYOU else KINGDEE_HEADS
    rows = _yonyou(found) if system is System.YONYOU else _kingdee(found)
    if layout is Layout.XLSX:
        return _xlsx(heads, rows, at)
    if layout is Layout.TXT:
        return f"{heading}\r\n".encode("gb18030") + _text(rows, "gb18030")
    return b"\xef\xbb\xbf" + _text([list(heads), *map(_uncomputed, rows)], "utf-8")


def _yonyou(found: Sequence[Voucher]) -> Iterator[list[Cell]]:
    for voucher in found:
        for line in voucher.lines:
            foreign = line.currency != "CNY"
            yield [
                voucher.day,
                voucher.word,
                voucher.number,
                0,
                _short(line.summary, _YONYOU_SUMMARY),
                line.code,
                _amount(line.debit_fen),
                _amount(line.credit_fen),
                "",
                _amount(line.foreign_fen) if foreign else "",
                _rate(line) if foreign else "",
                voucher.preparer,
                "",
                "",
                voucher.day,
                "",
                "",
                line.party_code if line.auxiliary is Auxiliary.CUSTOMER else "",
                line.party_code if line.auxiliary is Auxiliary.SUPPLIER else "",
            ]


def _kingdee(found: Sequence[Voucher]) -> Iterator[list[Cell]]:
    for voucher in found:
        for number, line in enumerate(voucher.lines):
            yield [
                voucher.day,
                voucher.day,
                voucher.day.month,
                voucher.word,
                voucher.number,
                number,
                _short(line.summary, _KINGDEE_SUMMARY),
                line.code,
                _CLASSES.get(line.auxiliary, ""),
                line.party_code,
                line.party_name,
                "",
                "RMB" if line.currency == "CNY" else line.currency,
                _rate(line),
                1 if line.debit_fen else 0,
                _amount(line.foreign_fen),
                0,
                0,
                _amount(line.debit_fen),
                _amount(line.credit_fen),
                "",
                "",
                voucher.preparer,
                0,
                "",
            ]


def _amount(fen: int) -> Decimal:
    return Decimal(plain(fen, FEN))


def _rate(line: VoucherLine) -> Decimal:
    return Decimal(plain(line.rate_e8, FX_SCALE, least=1))


def _short(text: str, longest: int) -> str:
    """Cut a summary, and take out what divides fields and lines."""
    return text.replace(",", "，").replace('"', "”").replace("\n", " ")[:longest]


def _uncomputed(row: Sequence[Cell]) -> list[Cell]:
    """Keep a spreadsheet, in which people look at CSV first, from computing a name of theirs."""
    return [harmless(cell) if isinstance(cell, str) else cell for cell in row]


def _text(rows: Iterable[Sequence[Cell]], encoding: str) -> bytes:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerows(rows)
    return file.getvalue().encode(encoding)


def _xlsx(heads: Sequence[str], rows: Iterable[Sequence[Cell]], at: datetime) -> bytes:
    file = io.BytesIO()
    with Workbook(file, {"in_memory": True}) as workbook:
        workbook.set_properties({"created": at.astimezone(UTC).replace(tzinfo=None)})
        sheet = workbook.add_worksheet("凭证")
        day = workbook.add_format({"num_format": "yyyy-mm-dd"})
        amount = workbook.add_format({"num_format": "0.00######"})
        for column, head in enumerate(heads):
            sheet.write_string(0, column, head)
        for number, row in enumerate(rows, 1):
            for column, cell in enumerate(row):
                if isinstance(cell, date):
                    sheet.write_datetime(number, column, cell, day)
                elif isinstance(cell, Decimal):
                    sheet.write_number(number, column, cell, amount)
                elif isinstance(cell, int):
                    sheet.write_number(number, column, cell)
                elif cell:
                    sheet.write_string(number, column, cell)
    return file.getvalue()
