"""Exchange rates: dated rows with a source, and which of them a month is billed at."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from yuejie.kernel.errors import Invalid, NotFound
from yuejie.kernel.money import CURRENCIES, FxRate
from yuejie.kernel.period import BillingMonth
from yuejie.paper.table import table_of

_COLUMNS: Final = ("base", "quote", "on_date", "rate", "source")
LOOK_BACK: Final = timedelta(days=31)
"""A month without a rate of its own takes the nearest one before it, at most this much older."""


@dataclass(frozen=True, slots=True)
class FxRow:
    """A published rate: on which day it held and who said so."""

    fx_id: int
    base: str
    quote: str
    on_date: date
    e8: int
    source: str
    published_at: datetime

    @property
    def rate(self) -> FxRate:
        """The rate as a number that charges can be settled through."""
        return FxRate(self.base, self.quote, self.e8)


@dataclass(frozen=True, slots=True)
class MonthFx:
    """The rate at which a service month's usage is billed."""

    fx_id: int
    rate: FxRate
    on_date: date
    source: str
    month: BillingMonth

    def provisional(self, today: date) -> bool:
        """Say whether the month is still open, so that a later rate may take this one's place."""
        return today <= self.month.last_day

    def sentence(self, today: date) -> str:
        """Say which rate it is, from where, and whether it may still change."""
        rate = f"1 {self.rate.base} = {self.rate} {self.rate.quote}"
        said = f"{self.month} 按 {self.on_date} 的汇率 {rate}（{self.source}）折算"
        return f"{said}；账期未结束，暂按此估算" if self.provisional(today) else said


def month_rate(rows: Iterable[FxRow], *, base: str, quote: str, month: BillingMonth) -> MonthFx:
    """Return the service month's rate: the newest row up to its last day, published last.

    It may be dated before the month, by no more than LOOK_BACK; else the month cannot be billed.
    """
    oldest = month.first_day - LOOK_BACK
    found = [
        row
        for row in rows
        if (row.base, row.quote) == (base, quote) and oldest <= row.on_date <= month.last_day
    ]
    if not found:
        raise NotFound(
            f"没有 {base}→{quote} 在 {oldest} 至 {month.last_day} 之间的汇率，"
            f"无法折算 {month} 的用量，请先登记汇率再出账",
            base=base,
            quote=quote,
            month=str(month),
        )
    best = max(found, key=lambda row: (row.on_date, row.published_at, row.fx_id))
    return MonthFx(best.fx_id, best.rate, best.on_date, best.source, month)


@dataclass(frozen=True, slots=True)
class FxLine:
    """One line of a file of exchange rates."""

    rate: FxRate
    on_date: date
    source: str


def read_fx_csv(body: bytes) -> list[FxLine]:
    """Read a CSV of `base,quote,on_date,rate,source`; one bad line refuses the file."""
    heads, rows = table_of(body, "汇率文件")
    missing = [name for name in _COLUMNS if name not in heads]
    if missing:
        raise Invalid(f"汇率文件缺少列 {'、'.join(missing)}，首行应为 {','.join(_COLUMNS)}")
    return [_line(number, cells) for number, cells in rows]


def _line(number: int, row: dict[str, str]) -> FxLine:
    where = f"汇率文件第 {number} 行"
    for side in ("base", "quote"):
        if row[side] not in CURRENCIES:
            raise Invalid(f"{where}的币种“{row[side]}”不支持，只支持 CNY 和 USD")
    if row["base"] == row["quote"] or not row["source"]:
        raise Invalid(f"{where}应写明两个不同的币种和汇率来源 source")
    try:
        day = date.fromisoformat(row["on_date"])
    except ValueError:
        raise Invalid(f"{where}的日期“{row['on_date']}”应写成 2026-10-31") from None
    return FxLine(FxRate.parse(row["rate"], row["base"], row["quote"]), day, row["source"])
