"""What the commands about money share: amounts, days, shares of bills."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Final

import click

from yuejie.kernel.errors import DomainError, Invalid
from yuejie.kernel.money import Money, whole_fen
from yuejie.kernel.period import zone_of


class Yuan(click.ParamType[int]):
    """An amount on the command line, e.g. 1122.25; it becomes fen."""

    name = "金额"

    def convert(
        self, value: str | int, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        """Read “1122.25”."""
        if isinstance(value, int):
            return value
        try:
            return whole_fen(value.replace(",", ""), "金额")
        except DomainError as error:
            self.fail(error.sentence, param, ctx)


class Day(click.ParamType[date]):
    """A day on the command line."""

    name = "日期"

    def convert(
        self, value: str | date, param: click.Parameter | None, ctx: click.Context | None
    ) -> date:
        """Read “2026-10-31”."""
        if isinstance(value, date):
            return value
        try:
            return date.fromisoformat(value)
        except ValueError:
            self.fail(f"“{value}”不是日期，请写成 2026-10-31", param, ctx)


YUAN: Final = Yuan()
DAY: Final = Day()


def shares(given: tuple[str, ...]) -> Mapping[str, int] | None:
    """Read “YJ2026000001=1000.00” as bill numbers and fen; none given is None."""
    if not given:
        return None
    found: dict[str, int] = {}
    for each in given:
        number, equals, amount = each.partition("=")
        if not equals or not number or number in found:
            raise Invalid(f"“{each}”应写成 账单号=金额，每张账单一次，例如 YJ2026000001=1000.00")
        found[number] = whole_fen(amount, "金额")
    return found


def money(fen: int | None, currency: str) -> Money | None:
    """Return fen as money; None stays None."""
    return None if fen is None else Money(fen, currency)


def today(now: datetime) -> date:
    """Return the day in Shanghai, where our banks are."""
    return now.astimezone(zone_of("Asia/Shanghai")).date()
