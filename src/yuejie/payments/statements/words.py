"""What banks call their columns, and how they write amounts, dates and directions. Pure.

The aliases are those seen in exports of ICBC, CMB, CCB, ABC, BOC, BCM, HXB and SPDB; a bank changes
its headings without notice, so a column is known by any of them.
"""

import re
import unicodedata
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

from yuejie.kernel.errors import Invalid
from yuejie.kernel.money import whole_fen
from yuejie.payments.statements.line import Direction

Cell = str | int | float | Decimal | date | datetime | None
"""What a spreadsheet may hold."""


class Column(StrEnum):
    """What a column means."""

    SERIAL = "交易流水号"
    VOUCHER = "凭证号"
    DATE = "交易日期"
    TIME = "交易时间"
    CREDIT = "收入金额"
    DEBIT = "支出金额"
    AMOUNT = "交易金额"
    FLAG = "借贷标志"
    BALANCE = "余额"
    NAME = "对方户名"
    NUMBER = "对方账号"
    BANK = "对方开户行"
    INTO = "子账号"
    SUMMARY = "摘要"
    PURPOSE = "用途"
    NOTE = "附言"
    OWN = "本方账号"
    CURRENCY = "币种"


_ALIASES: Final[dict[Column, str]] = {
    Column.SERIAL: "交易流水号 银行流水号 业务流水号 核心流水号 网银交易流水号 流水号 交易流水 "
    "账户明细编号-交易流水号 企业流水号 核心交易流水号 主机流水号 交易序号 全局流水号",
    Column.VOUCHER: "凭证号 凭证号码 凭证编号",
    Column.DATE: "交易日期 记账日期 入账日期 日期 交易日 记账日 起息日",
    Column.TIME: "交易时间 入账时间 时间 记账时间 交易日期时间",
    Column.CREDIT: "贷方发生额 贷方金额 转入金额 收入金额 收入 存入金额 收方金额 贷方入账 贷方 "
    "贷方发生额收入 贷方发生额元 收入元 存入 贷方发生额收",
    Column.DEBIT: "借方发生额 借方金额 转出金额 支出金额 付方金额 借方出账 支出 借方 "
    "借方发生额支取 借方发生额元 支出元 支取 借方发生额付",
    Column.AMOUNT: "交易金额 发生额 金额 发生金额",
    Column.FLAG: "借贷标志 借贷 借贷方向 收付标志 收支 借或贷 收支类型 收付方向 交易方向",
    Column.BALANCE: "余额 账户余额 联机余额 可用余额 余额元 本次余额 交易后余额",
    Column.NAME: "对方户名 对方单位 对方单位名称 对方名称 收付方名称 对方账户名称 对方帐户名称 "
    "交易对方 对方户名名称 收付款人名称 对手名称",
    Column.NUMBER: "对方账号 对方帐号 收付方账号 收付方帐号 对方账户 对方账户账号 对手账号",
    Column.BANK: "对方行号 对方开户行 收付方开户行 收付方开户行名 收付方开户行行号 对方开户机构 "
    "对方银行 对方行名 对方开户行名",
    Column.INTO: "子账号 子单元编号 记账子单元 虚拟账号 虚拟子账号 记账子单元编号",
    Column.SUMMARY: "摘要 交易摘要 交易类型",
    Column.PURPOSE: "用途 交易用途",
    Column.NOTE: "附言 备注 交易备注 个性化信息 回单个性化信息 交易附言 客户附言",
    Column.OWN: "账号 本方账号 帐号 账户账号",
    Column.CURRENCY: "币种 交易币种 货币",
}
KNOWN: Final[dict[str, Column]] = {
    alias: column for column, aliases in _ALIASES.items() for alias in aliases.split()
}
TOTALS: Final = re.compile(r"合计|总计|小计|总笔数|总金额|记录数|笔数|本页|以下空白|打印|期末|结束")
"""What begins the foot of a table."""
SUMS: Final = re.compile(
    r"(本[日月页期]|累计|借方|贷方|收入|支出)?(合计|总计|小计|总笔数|总金额|记录数|笔数)"
)
"""How a row of sums begins, whatever else it says; no payer is called so."""
_SIGNED: Final = re.compile(r"[^\d]*[-+(].*\d.*|.*\d-")
_MARKS: Final = re.compile(r"[\s()（）\[\]【】/:：*·_.]|[￥¥]")
_IN: Final = frozenset({"贷", "贷方", "C", "CR", "CREDIT", "收", "收入", "转入", "入", "+", "来账"})
_OUT: Final = frozenset({"借", "借方", "D", "DR", "DEBIT", "付", "支出", "转出", "出", "-", "往账"})
_CURRENCIES: Final = {
    **dict.fromkeys(("RMB", "CNY", "156", "01", "001", "10", "元"), "CNY"),
    **dict.fromkeys(("USD", "840", "14", "014", "美金"), "USD"),
}
"""Codes of ISO, of the exports of ICBC and of CMB; names are known by what they contain."""
YEARS: Final = range(1990, 2100)
"""A day of another year is a time of day or a number that was taken for one."""
_UNSEEN: Final = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff\ud800-\udfff]"
)
"""What nobody sees in a cell, what turns the letters behind it, and what no database keeps."""
OPENINGS: Final = re.compile(
    r"(期初|年初|月初|日初|上期|上月|上日|上年|昨日|承前)(余额|结转|结存|页)|期初|承前"
)
"""What a row is called that tells what stood before the first line of a table or a page."""
_THOUSANDS: Final = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?\.?")
_SHORTENED: Final = re.compile(r"\d(\.\d+)?E\+\d+", re.IGNORECASE)
_DIGITS: Final = 10**15
"""A spreadsheet keeps so many digits of a number; what was behind them is gone."""
_DATE: Final = re.compile(r"(\d{4})\s*[-/.年]?\s*(\d{1,2})\s*[-/.月]?\s*(\d{1,2})\s*日?")
_CLOCK: Final = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?")
_COMPACT: Final = re.compile(r"^(\d{8})\s*(\d{2})(\d{2})(\d{2})?$")
_TINY: Final = Decimal("0.0000001")
"""What a spreadsheet's binary number may be off by; anything more is not a whole fen."""


def seen(text: str) -> str:
    """Return a text without what nobody sees in it."""
    return _UNSEEN.sub("", text).strip()


def tidy(cell: Cell) -> str:
    """Return a cell as text without padding: full-width to half, tabs and odd spaces gone.

    A whole number that a spreadsheet keeps as 1.0 is written 1; quotes that keep Excel from
    counting (`="123"`, a leading apostrophe) are taken off.
    """
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return cell.isoformat(sep=" ", timespec="seconds")
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, float):
        cell = Decimal(repr(cell))
    if isinstance(cell, Decimal):
        return format(cell.to_integral_value() if cell == cell.to_integral_value() else cell, "f")
    text = _UNSEEN.sub("", unicodedata.normalize("NFKC", str(cell)))
    text = " ".join(text.split())
    if text.startswith('="') and text.endswith('"'):
        text = text[2:-1]
    return text.lstrip("'").strip()


def heading(cell: Cell) -> Column | None:
    """Return what a heading means, however it is spaced and bracketed."""
    return KNOWN.get(_MARKS.sub("", tidy(cell)))


def amount(cell: Cell) -> int:
    """Read an amount as fen: thousands, ¥, full width, (1,234.00) and minus signs; "" is 0.

    Raises Invalid for anything else (a decimal comma too), for more than two decimals, and for
    more than the books hold.
    """
    if isinstance(cell, float):
        near = Decimal(repr(cell)).quantize(Decimal("0.01"))
        if abs(near - Decimal(repr(cell))) <= _TINY:
            cell = near
    text = tidy(cell).upper()
    for mark in ("¥", "￥", "CNY", "RMB", "USD", "$", "元", " "):
        text = text.replace(mark, "")
    if text in {"", "-", "--"}:
        return 0
    negative = text.startswith("(") and text.endswith(")")
    text = text.strip("()")
    if text.endswith("-"):
        negative, text = True, text[:-1]
    if _THOUSANDS.fullmatch(text):
        text = text.replace(",", "")
    if not re.fullmatch(r"[+-]?\d*\.?\d+\.?", text):
        raise Invalid(f"“{tidy(cell)}”不是金额")
    fen = whole_fen(text.rstrip("."), "金额")
    return -fen if negative else fen


def signed(cell: Cell) -> bool:
    """Say whether an amount is written with a sign of its own."""
    return _SIGNED.fullmatch(tidy(cell)) is not None


def currency(cell: Cell) -> str:
    """Read a currency as its code; "" where none is named. Raises Invalid for one we do not keep.

    To pass over a word would book Hong Kong dollars as yuan.
    """
    text = tidy(cell).upper()
    if text in {"", "-", "--"}:
        return ""
    if "人民币" in text or "美元" in text:
        return "CNY" if "人民币" in text else "USD"
    if text not in _CURRENCIES:
        raise Invalid(f"币种“{tidy(cell)}”不支持，只能导入人民币、美元账户的流水")
    return _CURRENCIES[text]


def shortened(cell: Cell) -> bool:
    """Say whether a number lost digits in a spreadsheet: it keeps fifteen of a number."""
    return isinstance(cell, float) and abs(cell) >= _DIGITS


def refuse_shortened(text: str, what: str) -> None:
    """Refuse a number that a spreadsheet wrote as 2.02609E+19: what it named is lost."""
    if _SHORTENED.fullmatch(text):
        raise Invalid(f"{what}“{text}”成了科学计数，位数已丢失，请从网银重新导出，勿用 Excel 另存")


def direction(cell: Cell) -> Direction | None:
    """Read a flag as the bank means it: 贷 is money in. None: not a flag."""
    text = tidy(cell).upper()
    if text in _IN:
        return Direction.IN
    return Direction.OUT if text in _OUT else None


def day_and_time(cell: Cell) -> tuple[date | None, str]:
    """Read a moment as a day and a time of day; either may be missing."""
    text = tidy(cell)
    compact = _COMPACT.match(text.replace("-", "").replace("T", " ")) if text else None
    if compact:
        return _day(compact[1]), ":".join(part for part in compact.groups()[1:] if part)
    clock = _CLOCK.search(text)
    rest = text[: clock.start()] if clock else text
    time = clock[0] if clock else ""
    if not rest and len(time) == 0:
        return None, ""
    return _day(rest.replace("T", " ")), time


def _day(text: str) -> date | None:
    text = text.strip()
    found = _DATE.match(text)
    if not found or (text.isdigit() and len(text) != len("20260901")):
        # 2026111 is the first of November or the eleventh of January.
        return None
    try:
        day = date(int(found[1]), int(found[2]), int(found[3]))
        return day if day.year in YEARS else None
    except ValueError:
        return None


def meaningful(serial: str) -> bool:
    """Say whether a serial number tells lines apart: 000000000 and NONREF do not."""
    return len(set(serial)) > 1 and serial.upper() not in {"NONREF", "NOTPROVIDED"}
