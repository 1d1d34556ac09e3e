"""Usage as forecasts see it: days and hours of one measure, in the customer's zone and currency."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

import numpy as np

from yuejie.contracts.store import contract_at, fx_on
from yuejie.customers.customer import Customer
from yuejie.customers.store import project_by_name, projects
from yuejie.db.session import Tx
from yuejie.insights.forecast.course import Flags, Floats
from yuejie.insights.forecast.figures import Measure
from yuejie.insights.forecast.store import Row, hours_of_projects
from yuejie.insights.trend.figures import Sums
from yuejie.insights.trend.places import Filter, Places
from yuejie.insights.trend.series import Asked, read_series
from yuejie.insights.trend.span import BUCKETS_MAX, Grain
from yuejie.insights.trend.store import give_room
from yuejie.kernel.errors import NotFound
from yuejie.kernel.money import FX_SCALE, Charge, divide
from yuejie.kernel.period import BillingMonth, local_hour, zone_of
from yuejie.kernel.workdays import is_workday
from yuejie.usage.meters import UNIT_METERS
from yuejie.usage.sums.store import summed

HISTORY_DAYS: Final = 400
"""So far back it is looked: a year and the month before."""
HISTORY_HOURS: Final = 43
"""Days of hours from which the hours to come are told; sums keep hours for longer."""
PROFILE: Final = 14
"""Days from which it is read how a day's usage spreads over its hours."""
WHOLE_DAYS: Final = 3
"""From so many complete days on, the first, which was a part of a day, is left out."""
_DAY: Final = timedelta(days=1)
_HOUR: Final = timedelta(hours=1)
_SATURDAY: Final = 5
_CHINA: Final = frozenset(
    {"Asia/Shanghai", "Asia/Chongqing", "Asia/Harbin", "Asia/Urumqi", "Asia/Kashgar", "PRC"}
)
"""Zones in which people rest by the State Council's notice; elsewhere by the weekend."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose usage is asked for, found and checked."""

    customer: Customer
    part: Filter
    measure: Measure
    currency: str

    @property
    def unit(self) -> str:
        """CNY or USD of money, else the measure."""
        return self.currency if self.measure is Measure.MONEY else str(self.measure)


def scope_of(
    tx: Tx,
    customer: Customer,
    measure: Measure,
    *,
    project: str | None,
    model: str | None,
    now: datetime,
) -> Scope:
    """Return the scope that people name. Raises NotFound for a project that is not there."""
    contract = contract_at(tx, customer.customer_id, now)
    project_id = None
    if project is not None:
        found = project_by_name(tx, customer.customer_id, project)
        if found is None:
            raise NotFound(f"客户 {customer.slug} 没有项目“{project}”，请核对名称", project=project)
        project_id = str(found.project_id)
    currency = contract.currency if contract else customer.currency
    return Scope(customer, Filter(project=project_id, model=model), measure, currency)


class Reader:
    """Reads usage of a scope within a transaction, in picos or pieces, whole numbers.

    Days and hours are those of trends: what bills count, from the sums of the days and hours that
    are over, so that a year and a month of hours are read at once, however many calls they hold.
    """

    def __init__(self, tx: Tx, scope: Scope, now: datetime) -> None:
        self._tx = tx
        self._scope = scope
        self._now = now
        self._rates: dict[str, int] = {}

    def days(self) -> dict[date, int]:
        """Return what each day came to, today included; days without usage are missing."""
        found = days_of(self._tx, self._scope.customer, self._scope.part, HISTORY_DAYS, self._now)
        sums = {day: self._quantity(each) for day, each in found.items()}
        return {day: quantity for day, quantity in sums.items() if quantity > 0}

    def hours(self, days: int) -> dict[datetime, int]:
        """Return what each hour of so many days came to, the present one included.

        Of a project the hours that are summed are read by themselves, without what other projects
        used in them; what came late to them counts once it is folded.
        """
        count, summed_ = days * 24, dict[datetime, int]()
        part = self._scope.part
        if part.project is not None and part == Filter(project=part.project):
            hours = self._summed_hours(count)
            summed_ = self._of_project(part.project, hours)
            count -= len(hours)
        found = hours_of(self._tx, self._scope.customer, part, count, self._now)
        sums = summed_ | {hour: self._quantity(each) for hour, each in found.items()}
        return {hour: quantity for hour, quantity in sums.items() if quantity > 0}

    def _summed_hours(self, count: int) -> list[datetime]:
        """Return which of so many hours up to the present one are over and in the sums."""
        present = local_hour(self._now, zone_of(self._scope.customer.zone))
        first, end = present - (count - 1) * _HOUR, summed(self._tx).through
        return [hour for i in range(count - 1) if (hour := first + i * _HOUR) + _HOUR <= end]

    def _of_project(self, project: str, hours: list[datetime]) -> dict[datetime, int]:
        """Return what a project and all below it came to in hours that are summed."""
        customer = self._scope.customer
        zone, sums = zone_of(customer.zone), dict[datetime, int]()
        give_room(self._tx)
        named = Places(projects(self._tx, customer.customer_id), [], {}, zone=customer.zone)
        within = named.scope(self._scope.part, None, "hour").project_ids or [project]
        labelled = [(str(BillingMonth.of(hour, zone)), hour) for hour in hours]
        for row in hours_of_projects(
            self._tx, customer.customer_id, within, labelled, sorted(UNIT_METERS)
        ):
            hour = datetime.fromtimestamp(row.at, UTC).astimezone(zone)
            sums[hour] = sums.get(hour, 0) + self.counted(row)
        return sums

    def counted(self, row: Row) -> int:
        """Return what a row of sums counts for."""
        match self._scope.measure:
            case Measure.TOKENS:
                return row.tokens
            case Measure.REQUESTS:
                return row.requests
            case Measure.MONEY:
                return self._worth(int(row.pico), row.currency) if row.currency else 0

    def _quantity(self, sums: Sums) -> int:
        match self._scope.measure:
            case Measure.TOKENS:
                return sums.tokens
            case Measure.REQUESTS:
                return sums.requests
            case Measure.MONEY:
                return sum(self._worth(pico, name) for name, pico in sums.charges.items())

    def _worth(self, pico: int, currency: str) -> int:
        """Return picos of the scope's currency, at the newest published rate; none counts none."""
        if currency == self._scope.currency:
            return pico
        if currency not in self._rates:
            fx = fx_on(self._tx, base=currency, quote=self._scope.currency, day=self._now.date())
            self._rates[currency] = fx.e8 if fx else 0
        return divide(pico * self._rates[currency], FX_SCALE)


def days_of(
    tx: Tx, customer: Customer, part: Filter, count: int, now: datetime
) -> dict[date, Sums]:
    """Return what each of so many days came to, today the last."""
    asked = Asked(grain=Grain.DAY, count=count, filter=part)
    series = read_series(tx, customer, asked, now=now)
    return {bucket.at: sums for bucket, sums in zip(series.buckets, series.whole.sums, strict=True)}


def hours_of(
    tx: Tx, customer: Customer, part: Filter, count: int, now: datetime
) -> dict[datetime, Sums]:
    """Return what each of so many hours came to, the present one the last, in its zone."""
    zone, left = zone_of(customer.zone), count
    until: datetime | None = None
    found: dict[datetime, Sums] = {}
    while left > 0:
        count = min(left, BUCKETS_MAX[Grain.HOUR])
        asked = Asked(grain=Grain.HOUR, count=count, until=until, filter=part)
        series = read_series(tx, customer, asked, now=now)
        for bucket, sums in zip(series.buckets, series.whole.sums, strict=True):
            assert isinstance(bucket.at, datetime), "a bucket of hours begins at an instant"
            found[bucket.at.astimezone(zone)] = sums
        until, left = min(found) - timedelta(microseconds=1), left - count
    return found


def units(measure: Measure, quantity: int, unit: str) -> int:
    """Return what is shown of a quantity: fen of picos, else the pieces themselves."""
    return Charge(quantity, unit).settle().fen if measure is Measure.MONEY else quantity


def rests_of(zone: str, first: date, count: int) -> Flags:
    """Say of each of so many days from a day on whether people rest in a zone."""
    china = zone in _CHINA
    days = (first + i * _DAY for i in range(count))
    return np.array(
        [not is_workday(day) if china else day.weekday() >= _SATURDAY for day in days], dtype=bool
    )


def hour_rests(zone: str, first: datetime, count: int) -> Flags:
    """Say the same of each of so many hours from an hour on."""
    local = zone_of(zone)
    days = [(first + i * _HOUR).astimezone(local).date() for i in range(count)]
    if not days:
        return np.zeros(0, dtype=bool)
    known = rests_of(zone, days[0], (days[-1] - days[0]).days + 1)
    return np.array([known[(day - days[0]).days] for day in days], dtype=bool)


def complete_days(used: dict[date, int], today: date) -> tuple[date, Floats]:
    """Return the first day that counts and the days from it through yesterday."""
    past = [day for day in used if day < today]
    first = min(past, default=today)
    if (today - first).days > WHOLE_DAYS:
        first += _DAY
    count = (today - first).days
    return first, np.array([float(used.get(first + i * _DAY, 0)) for i in range(count)])


def profile(sums: Sequence[int]) -> Floats:
    """Return which share of a day's usage has come by each of its hours: 25 steps from 0 to 1.

    Read from what its 24 hours came to; a part is spread evenly, all of it where nothing is known.
    """
    known = np.array(sums, dtype=np.float64)
    even = known.sum() / 24 * 0.1 + 1e-12
    steps = np.concatenate([[0.0], np.cumsum(known + even)])
    return np.asarray(steps / steps[-1])


def share_of(shares: Floats, at: datetime) -> float:
    """Return which share of its day has come at a local instant."""
    passed = at.hour + at.minute / 60 + at.second / 3600
    return float(np.interp(passed, np.arange(25), shares))


def hour_at(shares: Floats, share: float) -> float:
    """Return the hour of the day by which a share of it has come."""
    return float(np.interp(share, shares, np.arange(25)))


def hour_series(
    hours: Iterable[tuple[datetime, int]], now: datetime, zone: str
) -> tuple[datetime, Floats]:
    """Return the first hour of usage and every complete hour from it on."""
    known = {hour: quantity for hour, quantity in hours if quantity}
    end = local_hour(now, zone_of(zone))
    first = min(known, default=end)
    count = max(int((end - first) / _HOUR), 0)
    return first, np.array([float(known.get(first + i * _HOUR, 0)) for i in range(count)])
