"""Foresee what a customer, a project or a model will come to: by month, day and hour."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Final

from yuejie.customers.customer import Customer
from yuejie.customers.enrol import find_customer
from yuejie.db.session import Database, Tx
from yuejie.insights.forecast.course import Course, Floats, Range, course
from yuejie.insights.forecast.figures import (
    LEAST_RANGES,
    Day,
    Forecast,
    Hour,
    HoursAhead,
    Measure,
    Month,
    knows,
    told,
)
from yuejie.insights.forecast.past import Past
from yuejie.insights.forecast.proof import Past as Series
from yuejie.insights.forecast.proof import prove
from yuejie.insights.forecast.rhythm import LEAST, WEEK, prove_hours, rhythm
from yuejie.insights.forecast.used import (
    HISTORY_DAYS,
    HISTORY_HOURS,
    Reader,
    Scope,
    complete_days,
    hour_rests,
    hour_series,
    profile,
    rests_of,
    scope_of,
    share_of,
    units,
)
from yuejie.kernel.errors import Invalid
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.money import PICO_PER_FEN
from yuejie.kernel.period import BillingMonth, zone_of

MONTHS: Final = 4
"""This month and the three after it."""
SHOWN: Final = 35
"""Past days that are shown beside those to come."""
HOURS: Final = 96
HOURS_MAX: Final = 168
PAST_HOURS: Final = WEEK
_DAY: Final = timedelta(days=1)
_HOUR: Final = timedelta(hours=1)


def foresee(
    db: Database,
    customer_id: CustomerId,
    *,
    measure: Measure = Measure.MONEY,
    project: str | None = None,
    model: str | None = None,
    now: datetime,
) -> Forecast:
    """Return what months to come will come to, how sure that is, and how good it has been.

    Money is what usage is worth at the sale rates, before the terms of the contract. What has been
    used is exact; what is to come is an estimate, rounded to the unit it is shown in.
    """
    with db.read(consistent=True) as tx:
        customer = find_customer(tx, customer_id)
        scope = scope_of(tx, customer, measure, project=project, model=model, now=now)
        past = Past(tx, customer, [scope.part], now, days=HISTORY_DAYS)
        return forecast_of(tx, scope, past, now)


def forecast_of(tx: Tx, scope: Scope, past: Past, now: datetime) -> Forecast:
    """Return what a scope will come to, which is a part of that past."""
    reader = Reader(tx, scope, now)
    hours = past.spread(scope.part, reader.counted)
    return _forecast(scope, reader.days(), profile(hours), now)


def _today(customer: Customer, now: datetime) -> date:
    return now.astimezone(zone_of(customer.zone)).date()


def _forecast(scope: Scope, used: dict[date, int], shares: Floats, now: datetime) -> Forecast:
    customer, today = scope.customer, _today(scope.customer, now)
    first, values = complete_days(used, today)
    month = BillingMonth.of(now, zone_of(customer.zone))
    months = [month]
    while len(months) < MONTHS:
        months.append(months[-1].next)
    ahead = (months[-1].next.first_day - today).days
    scaled = values / (PICO_PER_FEN if scope.measure is Measure.MONEY else 1)
    past = Series(first, scaled, rests_of(customer.zone, first, len(values) + ahead))
    found = course(past.days, past.rests, first.weekday())
    forecast = Forecast(
        measure=scope.measure,
        unit=scope.unit,
        zone=customer.zone,
        as_of=now,
        known_days=len(values) if found else 0,
        knows=knows(len(values) if found else 0, found.silent if found else 0),
        months=(),
        days=tuple(_past_days(scope, used, today)),
        proof=None,
    )
    if found is None:
        return forecast
    share = share_of(shares, now.astimezone(zone_of(customer.zone)))
    sheet = _Sheet(scope, used, found, today, share)
    return replace(
        forecast,
        months=tuple(sheet.month(each) for each in months),
        days=(*forecast.days, *sheet.days(month.next.first_day)),
        proof=prove(past, today),
    )


def _past_days(scope: Scope, used: dict[date, int], today: date) -> list[Day]:
    begun = min(used, default=today)
    days = [today - i * _DAY for i in range(SHOWN, 0, -1)]
    return [
        Day(day, units(scope.measure, used.get(day, 0), scope.unit), None)
        for day in days
        if day >= begun
    ]


class _Sheet:
    """What is used and what is to come, put together."""

    def __init__(
        self, scope: Scope, used: dict[date, int], found: Course, today: date, share: float
    ) -> None:
        self._scope = scope
        self._used = used
        self._course = found
        self._today = today
        self._share = share
        self._ranges = found.known >= LEAST_RANGES

    def month(self, month: BillingMonth) -> Month:
        """Return a month: what was used of it, and what it will come to."""
        first, end = month.first_day, month.next.first_day
        used = self._between(first, end)
        last = float((end - self._today).days)
        since = max(float((first - self._today).days), self._share)
        estimate = told(self._course.total(since, last), used, ranges=self._ranges)
        passed = (self._today - first).days + self._share
        rate = None
        if first <= self._today:
            rate = round(used / passed * (end - first).days) if passed > 0 else None
        return Month(month, used, estimate, rate)

    def days(self, end: date) -> list[Day]:
        """Return today and the days until the month's end."""
        days = []
        for place in range((end - self._today).days):
            day = self._today + place * _DAY
            used = self._between(day, day + _DAY)
            since = max(float(place), self._share)
            estimate = told(self._course.total(since, place + 1.0), used, ranges=self._ranges)
            days.append(Day(day, used, estimate))
        return days

    def _between(self, first: date, end: date) -> int:
        used = sum(quantity for day, quantity in self._used.items() if first <= day < end)
        return units(self._scope.measure, used, self._scope.unit)


def foresee_hours(
    db: Database,
    customer_id: CustomerId,
    *,
    measure: Measure = Measure.TOKENS,
    project: str | None = None,
    model: str | None = None,
    ahead: int = HOURS,
    now: datetime,
) -> HoursAhead:
    """Return what the next hours will come to, the present hour first, and how good it has been."""
    if not 1 <= ahead <= HOURS_MAX:
        raise Invalid(f"预测的小时数 {ahead} 超出范围，请写 1 到 {HOURS_MAX}")
    with db.read(consistent=True) as tx:
        customer = find_customer(tx, customer_id)
        scope = scope_of(tx, customer, measure, project=project, model=model, now=now)
        hours = Reader(tx, scope, now).hours(HISTORY_HOURS)
    first, values = hour_series(hours.items(), now, customer.zone)
    return _hours_ahead(scope, hours, first, values, ahead)


def _hours_ahead(
    scope: Scope, hours: dict[datetime, int], first: datetime, values: Floats, ahead: int
) -> HoursAhead:
    known, zone = len(values), scope.customer.zone
    shown = [first + i * _HOUR for i in range(max(known - PAST_HOURS, 0), known)]
    past = [
        Hour(hour, units(scope.measure, hours.get(hour, 0), scope.unit), None) for hour in shown
    ]
    values = values / (PICO_PER_FEN if scope.measure is Measure.MONEY else 1)
    rests = hour_rests(zone, first, known + ahead)
    found = rhythm(values, rests, ahead)
    proof = prove_hours(values, rests[:known], ahead)
    to_come: list[Hour] = []
    if found is None:
        said = f"只有 {known} 个完整小时的用量，满 {LEAST} 小时后才有逐时预测"
    else:
        said = f"依据 {known:,} 小时的用量"
        if known < WEEK:
            said += "，还没有见过完整的一周：周末与工作日的差别未知，区间仅供参考"
        if not found.ranges:
            said += f"；其中只有 {found.used} 个小时有用量，不足以给出区间"
        for place, (low95, low80, middle, high80, high95) in enumerate(found.quantiles.tolist()):
            range_ = Range(middle, low80, high80, low95, high95)
            told_ = told(range_, ranges=found.ranges)
            to_come.append(Hour(first + (known + place) * _HOUR, 0, told_))
    return HoursAhead(scope.measure, scope.unit, zone, said, (*past, *to_come), proof)
