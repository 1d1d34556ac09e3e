"""A row of a cloud bill, as every dialect gives it. Pure.

Amounts are picos (10⁻¹²) of the currency unit, whole, so that any sum of them is exact in any
order. A file may print more places than that, where a cloud computed in binary: a row is then
rounded once, half away from zero, by less than a millionth of a millionth.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from enum import StrEnum
from typing import Final

from yuejie.contracts.agreed.cloud import CloudCategory
from yuejie.kernel.errors import Invalid
from yuejie.kernel.money import CURRENCIES, PICO
from yuejie.kernel.period import BillingMonth

_WIDE: Final = Context(prec=80, rounding=ROUND_HALF_UP, traps=[InvalidOperation])
_SLASHED: Final = re.compile(r"(?P<month>\d{1,2})/0?1/(?P<year>\d{4})( 0?0:00(:00)?)?")
AMOUNT_MAX: Final = 10**12
"""More than a million million of a currency in one row is no cost but a broken file."""


class Metric(StrEnum):
    """Which amounts a file states: some exports hold only one of the two."""

    BOTH = "both"
    ACTUAL = "actual"
    AMORTIZED = "amortized"


class CellWrong(Invalid):
    """A cell cannot be read; its row is known to the reader of the file."""

    code = "cell_wrong"

    def __init__(self, column: str, why: str) -> None:
        super().__init__(f"列 {column}：{why}")
        self.column = column
        self.why = why


@dataclass(frozen=True, slots=True)
class Part:
    """What a row asks for under one category; None: the file does not state that amount."""

    category: CloudCategory
    billed_pico: int | None
    effective_pico: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudRow:
    """One row. `kept` holds, as text, every column that nothing computes from."""

    number: int
    period: BillingMonth
    billing_account: str
    sub_account: str
    service: str
    currency: str
    parts: tuple[Part, ...]
    used_on: str
    description: str
    tags: Mapping[str, str] = field(default_factory=dict)
    kept: Mapping[str, str] = field(default_factory=dict)


def pico_of(text: str, column: str) -> int:
    """Read an amount; empty is nothing. Raises CellWrong."""
    if not text:
        return 0
    try:
        value = _WIDE.create_decimal(text)
        if not value.is_finite() or abs(value) > AMOUNT_MAX:
            raise CellWrong(column, f"金额“{text}”不合理")
        scaled = _WIDE.multiply(value, Decimal(PICO))
        return int(_WIDE.to_integral_value(scaled))
    except InvalidOperation:
        raise CellWrong(column, f"“{text}”不是数字") from None


def currency_of(text: str, column: str) -> str:
    """Read a currency that bills can be drawn in."""
    if text not in CURRENCIES:
        raise CellWrong(column, f"币种“{text}”不支持，只支持 CNY 和 USD")
    return text


def required(text: str, column: str) -> str:
    """Return a cell that may not be empty."""
    if not text:
        raise CellWrong(column, "不能为空")
    return text


def month_of(text: str, column: str) -> BillingMonth:
    """Read the month in which a billing period begins.

    Clouds write 2026-08-01, 2026-08-01T00:00:00Z, 2026-08-01 00:00:00, 08/01/2026, 8/1/2026 or
    202608. With slashes the month comes first and the day must be the first: of another day, nobody
    can tell it from a date with the day first.
    """
    digits = text.strip()
    if len(digits) == 6 and digits.isdigit():
        year, month = digits[:4], digits[4:]
    elif slashed := _SLASHED.fullmatch(digits):
        year, month = slashed["year"], slashed["month"].zfill(2)
    else:
        year, month = digits[:4], digits[5:7]
        if digits[4:5] != "-":
            year = ""
    try:
        return BillingMonth.parse(f"{year}-{month}")
    except Invalid:
        raise CellWrong(column, f"计费周期“{text}”读不懂，应为 2026-08-01 一类的日期") from None
