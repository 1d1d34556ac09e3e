"""The columns of the spreadsheet's tables: title, width, look, and what each shows of a row."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final, Generic, TypeVar

from yuejie.bills.bill import BillLine
from yuejie.bills.documents import wording
from yuejie.bills.documents.document import DailyUsage, Subtotal
from yuejie.kernel.money import FEN, FX_SCALE, PICO, plain
from yuejie.usage.meters import meter_name, unit

Value = str | int | Decimal | date | None
Row = TypeVar("Row")

MONEY: Final = "#,##0.00;[Red]-#,##0.00"
COUNT: Final = "#,##0;[Red]-#,##0"
EXACT: Final = "#,##0.00##########"
FX: Final = "0.00######"
DAY: Final = "yyyy-mm-dd"
TEXT: Final = "@"


@dataclass(frozen=True, slots=True)
class Column(Generic[Row]):
    """A column; `summed` ones have a total below."""

    title: str
    width: int
    look: str
    value: Callable[[Row], Value]
    summed: bool = False


def decimal(value: int | None, scale: int) -> Decimal | None:
    """Return a scaled whole number as an exact decimal."""
    return None if value is None else Decimal(plain(value, scale))


def yuan(fen: int | None) -> Decimal | None:
    """Return fen as currency units."""
    return decimal(fen, FEN)


def _day_charge(day: DailyUsage) -> Decimal | None:
    return decimal(day.charge.pico if day.charge else None, PICO)


LINES: Final[tuple[Column[BillLine], ...]] = (
    Column("行", 6, COUNT, lambda line: line.position),
    Column("类型", 10, TEXT, lambda line: wording.KINDS[line.kind]),
    Column("服务月份", 10, TEXT, lambda line: str(line.service_month)),
    Column("项目", 24, TEXT, lambda line: line.project_name),
    Column("部门", 18, TEXT, lambda line: line.department),
    Column("模型", 30, TEXT, wording.named),
    Column("计量项", 18, TEXT, wording.meter_of),
    Column("计量项代码", 16, TEXT, lambda line: line.meter),
    Column("用量", 18, COUNT, lambda line: line.quantity if line.metered else None),
    Column("单位", 8, TEXT, lambda line: unit(line.meter) if line.metered else None),
    Column("单价", 12, EXACT, lambda line: Decimal(wording.rate(line)) if line.metered else None),
    Column("单价单位", 18, TEXT, wording.rate_unit),
    Column("计费额（未取整）", 22, EXACT, lambda line: decimal(line.charge_pico, PICO)),
    Column("汇率", 10, FX, lambda line: decimal(line.fx_e8, FX_SCALE)),
    Column("金额", 20, MONEY, lambda line: yuan(line.amount_fen), summed=True),
    Column("金额 USD", 20, MONEY, lambda line: yuan(line.usd_fen), summed=True),
    Column("金额 CNY", 20, MONEY, lambda line: yuan(line.cny_fen), summed=True),
    Column("不含税金额", 20, MONEY, lambda line: yuan(line.net_fen), summed=True),
    Column("税额", 20, MONEY, lambda line: yuan(line.tax_fen), summed=True),
    Column("价税合计", 20, MONEY, lambda line: yuan(line.net_fen + line.tax_fen), summed=True),
)
AMOUNT: Final = next(at for at, column in enumerate(LINES) if column.title == "金额")
"""Which column of the lines adds up to the bill."""

DAYS: Final[tuple[Column[DailyUsage], ...]] = (
    Column("日期", 12, DAY, lambda day: day.day),
    Column("项目", 24, TEXT, lambda day: day.project_name),
    Column("模型", 30, TEXT, lambda day: day.model),
    Column("计量项", 18, TEXT, lambda day: meter_name(day.meter)),
    Column("计量项代码", 16, TEXT, lambda day: day.meter),
    Column("用量", 18, COUNT, lambda day: day.quantity),
    Column("单位", 8, TEXT, lambda day: unit(day.meter)),
    Column("计费额（未取整）", 22, EXACT, _day_charge),
    Column("计费币种", 10, TEXT, lambda day: day.charge.currency if day.charge else None),
)

SUBTOTALS: Final[tuple[Column[Subtotal], ...]] = (
    Column("", 32, TEXT, lambda part: part.name),
    Column("调用次数", 22, COUNT, lambda part: part.requests, summed=True),
    Column("token 用量", 20, COUNT, lambda part: part.tokens, summed=True),
    Column("金额", 20, MONEY, lambda part: yuan(part.amount_fen), summed=True),
    Column("金额 USD", 20, MONEY, lambda part: yuan(part.usd_fen), summed=True),
    Column("金额 CNY", 20, MONEY, lambda part: yuan(part.cny_fen), summed=True),
    Column("不含税金额", 20, MONEY, lambda part: yuan(part.net_fen), summed=True),
    Column("税额", 20, MONEY, lambda part: yuan(part.tax_fen), summed=True),
)
