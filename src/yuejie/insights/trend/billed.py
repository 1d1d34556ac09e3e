"""What a trend's charges come to in the currency that the contract is billed in.

Where calls are priced in USD and billed in CNY at the service month's rate, a trend is in USD, and
beside it stands each bucket in CNY: exact charge × the month's rate, unrounded. A bill settles each
of its lines once, so its usage differs from this by less than half a fen a line. While a month goes
on its rate is the newest there is, and a later one takes its place.
"""

from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from typing import Final
from zoneinfo import ZoneInfo

from yuejie.contracts.contract import Contract, FxPolicy, at
from yuejie.contracts.fx import MonthFx
from yuejie.contracts.store import contracts_of, month_fx
from yuejie.customers.customer import Customer
from yuejie.db.session import Database, Tx
from yuejie.insights.trend.figures import Sums
from yuejie.insights.trend.series import Asked, Series, read_series
from yuejie.insights.trend.span import DAY, WEEK, Bucket, Grain
from yuejie.kernel.errors import NotFound
from yuejie.kernel.money import FX_SCALE, PICO
from yuejie.kernel.period import BillingMonth, zone_of

SENTENCES: Final = 3
"""Rates that are told in words; the newest come first."""


@dataclass(frozen=True, slots=True)
class Billed:
    """Each bucket in the currency of the bill, in currency units, and by which rates."""

    currency: str
    amounts: tuple[Fraction | None, ...]
    """None where a rate is missing, and of a week in two months."""
    sentences: tuple[str, ...]


def billed_in(tx: Tx, customer: Customer, series: Series, *, now: datetime) -> Billed | None:
    """Return a trend's charges as they are billed; None where that is what they are charged in."""
    versions = contracts_of(tx, customer.customer_id)
    present = at(versions, now)
    if present is None or present.fx_policy != FxPolicy.BILL:
        return None
    if not set(series.currencies) - {present.currency}:
        return None
    rates = _Rates(tx, present)
    zone = zone_of(customer.zone)
    amounts = tuple(
        rates.convert(sums, _month(series.grain, bucket, zone))
        for bucket, sums in zip(series.buckets, series.whole.sums, strict=True)
    )
    today = now.astimezone(zone).date()
    return Billed(present.currency, amounts, rates.sentences(today))


def show_trend(
    db: Database, customer: Customer, asked: Asked, *, now: datetime
) -> tuple[Series, Billed | None]:
    """Read a trend and what it comes to on bills, in one transaction."""
    with db.read(consistent=True) as tx:
        series = read_series(tx, customer, asked, now=now)
        return series, billed_in(tx, customer, series, now=now)


class _Rates:
    """The months' rates into a contract's currency, as far as they are asked for."""

    def __init__(self, tx: Tx, contract: Contract) -> None:
        self._tx = tx
        self._quote = contract.currency
        self._known: dict[tuple[str, BillingMonth], MonthFx | None] = {}

    def convert(self, sums: Sums, month: BillingMonth | None) -> Fraction | None:
        """Return charges of one month in the contract's currency."""
        whole = Fraction(0)
        for currency, pico in sums.charges.items():
            if currency == self._quote:
                whole += Fraction(pico, PICO)
                continue
            fx = self._rate(currency, month) if month else None
            if fx is None:
                return None
            whole += Fraction(pico * fx.rate.e8, PICO * FX_SCALE)
        return whole

    def _rate(self, base: str, month: BillingMonth) -> MonthFx | None:
        if (base, month) not in self._known:
            try:
                found = month_fx(self._tx, base=base, quote=self._quote, month=month)
            except NotFound:
                found = None
            self._known[base, month] = found
        return self._known[base, month]

    def sentences(self, today: date) -> tuple[str, ...]:
        """Say which rates were used, those of the newest months first."""
        used = [fx for fx in self._known.values() if fx is not None]
        newest = sorted(used, key=lambda fx: fx.month, reverse=True)
        return tuple(fx.sentence(today) for fx in newest[:SENTENCES])


def _month(grain: Grain, bucket: Bucket, zone: ZoneInfo) -> BillingMonth | None:
    if isinstance(bucket.at, datetime):
        return BillingMonth.of(bucket.at, zone)
    first = BillingMonth(bucket.at.year, bucket.at.month)
    two_months = grain is Grain.WEEK and bucket.at + WEEK - DAY > first.last_day
    return None if two_months else first
