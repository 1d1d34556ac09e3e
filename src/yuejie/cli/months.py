"""How a billing month is named on the command line."""

import click

from yuejie.cli.frame import Frame
from yuejie.kernel.errors import DomainError
from yuejie.kernel.period import BillingMonth, zone_of


class Month(click.ParamType[BillingMonth]):
    """A billing month on the command line."""

    name = "年月"

    def convert(
        self, value: str | BillingMonth, param: click.Parameter | None, ctx: click.Context | None
    ) -> BillingMonth:
        """Read “2026-10”."""
        if isinstance(value, BillingMonth):
            return value
        try:
            return BillingMonth.parse(value)
        except DomainError as error:
            self.fail(error.sentence, param, ctx)


month_argument = click.argument("month", type=Month(), required=False)


def last_month(given: BillingMonth | None, house: Frame) -> BillingMonth:
    """Return the month asked for, else the one that ended last."""
    return given or BillingMonth.of(house.now(), zone_of("Asia/Shanghai")).previous
