"""How the documents say things: meters, amounts, rates and dates.

Every document takes its words from here, so that the PDF and the spreadsheet never disagree.
"""

from datetime import datetime
from typing import Final

from yuejie.bills.bill import Bill, BillLine, LineKind, TaxMode
from yuejie.bills.documents.document import BillDocument, FxUsed
from yuejie.bills.life import SAID
from yuejie.bills.seal import GENESIS
from yuejie.kernel.capitals import capitals
from yuejie.kernel.money import FX_SCALE, PICO, PPM, Money, Rate, plain
from yuejie.usage.meters import meter_name, per, per_name

STATES: Final = SAID
KINDS: Final = {
    LineKind.USAGE: "本月用量",
    LineKind.LATE: "补计",
    LineKind.TIER_DISCOUNT: "阶梯折扣",
    LineKind.PACKAGE: "套餐抵扣",
    LineKind.TRUE_UP: "承诺消费补足",
    LineKind.MANAGEMENT_FEE: "管理费",
    LineKind.SLA_CREDIT: "SLA 赔付",
    LineKind.VOUCHER: "代金券",
    LineKind.ADJUSTMENT: "调整",
    LineKind.LATE_FEE: "违约金",
    LineKind.BREAK_FEE: "提前终止费",
    LineKind.PACKAGE_PURCHASE: "购买套餐",
    LineKind.CLOUD: "云账单",
    LineKind.CARRIED: "结转",
}
TAX_MODES: Final = {TaxMode.INCLUSIVE: "含税价", TaxMode.EXCLUSIVE: "不含税价，税额另计"}
SIGNS: Final = {"CNY": "¥", "USD": "$"}
CURRENCIES: Final = {"CNY": "人民币", "USD": "美元"}
NONE: Final = "—"
"""What stands where there is no amount; never 0.00."""

_PERMILLE: Final = 1000


def named(line: BillLine) -> str:
    """Say what a line is for: a model, or what the contract adds in words."""
    return line.model if line.metered else line.item


def meter_of(line: BillLine) -> str:
    """Say what was counted, or which kind of line it is where nothing was."""
    return meter_name(line.meter) if line.metered else KINDS[line.kind]


def counted(line: BillLine) -> str:
    """Write a line's quantity; a line that is no usage has none."""
    return f"{line.quantity:,}" if line.metered else ""


def rate(line: BillLine) -> str:
    """Write a line's rate: 2.50, per million tokens or per piece; nothing where there is none."""
    if not line.metered:
        return ""
    return Rate(line.rate_pico, line.rate_currency).per(per(line.meter))


def rate_unit(line: BillLine) -> str:
    """Say what a line's rate is in: USD/百万 token; nothing where there is none."""
    if not line.metered:
        return ""
    return f"{line.rate_currency}/{per_name(line.meter)}"


def charge(line: BillLine) -> str:
    """Write a line's exact charge, all its decimals."""
    return plain(line.charge_pico, PICO)


def amount(fen: int | None) -> str:
    """Write fen as 1,122.25, or that there is no amount."""
    return NONE if fen is None else str(Money(fen, ""))


def signed(money: Money) -> str:
    """Write money with its sign of currency: ¥1,122.25."""
    sign = SIGNS.get(money.currency, f"{money.currency} ")
    return f"-{sign}{-money}" if money.fen < 0 else f"{sign}{money}"


def in_capitals(money: Money) -> str:
    """Write money in Chinese capitals, naming the currency first as the banks require."""
    return f"{CURRENCIES.get(money.currency, money.currency)}{capitals(money.fen)}"


def tax_rate(ppm: int) -> str:
    """Write 60 000 ppm as 6%."""
    return f"{plain(ppm, PPM // 100, 0)}%"


def fx(used: FxUsed) -> str:
    """Say what one unit is worth: 1 USD = 7.2 CNY."""
    return f"1 {used.rate.base} = {used.rate} {used.rate.quote}"


def fx_e8(value: int | None) -> str:
    """Write the exchange rate frozen on a line, or nothing where none was needed."""
    return "" if value is None else plain(value, FX_SCALE)


def share(part: int, whole: int) -> str:
    """Write a part of a total as 12.3%, rounded down; nothing where a share has no meaning."""
    if whole <= 0 or part < 0 or part > whole:
        return NONE
    ones, tenths = divmod(part * _PERMILLE // whole, 10)
    return f"{ones}.{tenths}%"


def moment(instant: datetime) -> str:
    """Write a local date and time with its offset from UTC."""
    return f"{instant:%Y-%m-%d %H:%M} UTC{instant.isoformat()[-len('+08:00') :]}"


def count(number: int | None) -> str:
    """Write how many there were, where somebody counted."""
    return NONE if number is None else f"{number:,}"


def tokens(count: int) -> str:
    """Write a number of tokens; nothing was counted in tokens where it is zero."""
    return f"{count:,}" if count else NONE


def owed_title(document: BillDocument) -> str:
    """Name the sum at the head of the bill: owed, or carried forward when it is below zero."""
    gross = document.bill.gross
    owed = "本期应付" if gross.fen >= 0 else "本期为负，结转下期抵扣"
    draft = "，草稿" if document.is_draft else ""
    return f"{owed}（{CURRENCIES.get(gross.currency, gross.currency)}，价税合计{draft}）"


def previous_seal(bill: Bill) -> str:
    """Write the seal that this one is chained to."""
    seal = bill.previous_seal or GENESIS
    return "无（首张账单）" if seal == GENESIS else seal.hex()


def number(document: BillDocument) -> str:
    """Return the bill's number, or that it has none yet."""
    return document.bill.number or "（草稿，未编号）"


def paid_into(document: BillDocument) -> list[tuple[str, str]]:
    """Say where the money goes and what to write beside it; nothing where nothing is owed."""
    seller = document.seller
    if document.bill.gross.fen <= 0:
        return []
    return [
        ("户名", seller.legal_name),
        ("开户行", seller.bank_name),
        ("账号", seller.bank_account),
        ("付款附言", document.bill.number or "出账后以账单编号为准"),
    ]


def untaxed(bill: Bill) -> list[tuple[str, int]]:
    """Name the parts of a bill for which there is no fapiao, with their fen."""
    lines = [line for line in bill.lines if line.tax_line is None]
    return [
        (KINDS[kind], sum(line.net_fen for line in lines if line.kind is kind))
        for kind in sorted({line.kind for line in lines})
    ]


def settlement(document: BillDocument) -> list[tuple[str, str]]:
    """Say by when a bill is reviewed, paid and has its fapiao, and under which order."""
    bill = document.bill
    days = [
        ("对账截止", None if bill.is_final else bill.review_until),
        ("应付日", document.due_on),
        ("开票日", bill.fapiao_by),
    ]
    rows = [(label, str(day)) for label, day in days if day is not None]
    return rows + ([("采购订单号", bill.purchase_order)] if bill.purchase_order else [])


def late_months(document: BillDocument) -> str:
    """Say which earlier months the bill still bills, or nothing."""
    months = sorted({str(line.service_month) for line in document.late})
    return "、".join(months)
