"""Take completed hours and days: learn them, and find what has changed.

The customers that are furthest behind come first, some at a time, each in a transaction of its own
under its own lock. How far a customer is taken moves in the same transaction, so a period is taken
once, however many clerks there are and whenever one of them dies. An hour is taken five minutes
after its end, a day an hour after; usage that comes later still counts in its day.
"""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Final

import numpy as np
import structlog

from yuejie.contracts.contract import midnight
from yuejie.contracts.store import contract_at, fx_on
from yuejie.customers.customer import Customer
from yuejie.customers.enrol import find_customer
from yuejie.db.session import Database, Tx
from yuejie.insights.anomaly import store
from yuejie.insights.anomaly.finding import Grain, Measure, Series
from yuejie.insights.anomaly.judge import Judge, Period
from yuejie.insights.anomaly.store import Cursor, SeriesRow, UsedRow
from yuejie.insights.anomaly.used import Row, Usage
from yuejie.insights.anomaly.watch import FALSE_ALARM, Watch
from yuejie.kernel.errors import DomainError
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.money import FX_SCALE, divide
from yuejie.kernel.period import BillingMonth, local_hour, zone_of
from yuejie.usage.meters import UNIT_METERS

log = structlog.get_logger()

CUSTOMERS: Final = 200
"""Customers of one round, which takes some seconds; a clerk makes a round a minute."""
HOURS: Final = 2 * 24
"""Hours of one transaction: who is far behind catches up over several rounds."""
HISTORY: Final = timedelta(days=62)
"""So far back it is learnt from what is there: this month and the last."""
SERIES_MAX: Final = 5_000
"""Series of one customer and grain; what comes later is counted with its customer and project."""
IDLE: Final = timedelta(days=62)
"""A series without usage for so long is forgotten."""
AFTER_HOUR: Final = timedelta(minutes=5)
AFTER_DAY: Final = timedelta(hours=1)
_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Taken:
    """What was done: customers, hours and days taken, findings that are new."""

    customers: int = 0
    hours: int = 0
    days: int = 0
    found: int = 0

    def __add__(self, other: "Taken") -> "Taken":
        return Taken(
            self.customers + other.customers,
            self.hours + other.hours,
            self.days + other.days,
            self.found + other.found,
        )


def watch_usage(db: Database, now: datetime, *, customers: int = CUSTOMERS) -> Taken:
    """Take what is complete of the customers that are furthest behind.

    A customer that fails is logged and left for the next round; the others go on.
    """
    since = BillingMonth.of(now - HISTORY, zone_of("UTC"))
    with db.read() as tx:
        due = store.behind(tx, month=str(since), hour=now - AFTER_HOUR - _HOUR, limit=customers)
    taken = Taken()
    for customer_id in due:
        try:
            taken += watch_customer(db, customer_id, now=now)
        except DomainError as error:
            log.warning("anomaly.scan_failed", customer=customer_id, why=error.sentence)
    return taken


def watch_customer(db: Database, customer_id: CustomerId, *, now: datetime) -> Taken:
    """Take a customer's complete hours and days, two days of hours at most."""
    with db.begin() as tx:
        tx.lock_exclusive(f"anomaly {customer_id}")
        return _Scan(tx, find_customer(tx, customer_id), now).run()


class _Scan:
    """One customer's round, within its transaction."""

    def __init__(self, tx: Tx, customer: Customer, now: datetime) -> None:
        self._tx = tx
        self._customer = customer
        self._now = now
        self._zone = zone_of(customer.zone)
        contract = contract_at(tx, customer.customer_id, now)
        self._currency = contract.currency if contract else customer.currency
        self._rates: dict[str, int] = {}

    def run(self) -> Taken:
        began = store.cursor(self._tx, self._customer.customer_id) or self._begin()
        complete = local_hour(self._now - AFTER_HOUR, self._zone)
        hours = min(complete, began.hours_through + HOURS * _HOUR)
        judge = Judge(self._tx, self._customer, self._usage, currency=self._currency, now=self._now)
        taken_hours = self._take_hours(judge, began.hours_through, hours)
        days = self._days(began, hours)
        self._take_days(judge, days)
        cursor = Cursor(
            max(hours, began.hours_through), days[-1] + _DAY if days else began.days_through
        )
        store.move_cursor(self._tx, self._customer.customer_id, cursor)
        return Taken(1, taken_hours, len(days), judge.found)

    def _begin(self) -> Cursor:
        """Return where to begin: at the first use that there is, two months back at most."""
        since = self._now - HISTORY
        month = str(BillingMonth.of(since - _DAY, self._zone))
        first = store.first_use(self._tx, self._customer.customer_id, since, first_month=month)
        first = first or local_hour(self._now - AFTER_HOUR, self._zone)
        return Cursor(first, first.astimezone(self._zone).date() + _DAY)

    def _take_hours(self, judge: Judge, since: datetime, until: datetime) -> int:
        if until <= since:
            return 0
        kept = _Kept(self._tx, self._customer.customer_id, Grain.HOUR)
        usage = self._usage(since, until)
        count, hour = 0, since
        while hour < until:
            local = hour.astimezone(self._zone)
            kept.take(judge, Period(Grain.HOUR, hour, hour + _HOUR, local), usage)
            count, hour = count + 1, hour + _HOUR
        kept.save()
        return count

    def _days(self, began: Cursor, hours: datetime) -> list[date]:
        """Return the days that are over, for whose hours all is taken."""
        days: list[date] = []
        day = began.days_through
        while True:
            end = midnight(day + _DAY, self._customer.zone)
            if end > hours or end + AFTER_DAY > self._now:
                return days
            days.append(day)
            day += _DAY

    def _take_days(self, judge: Judge, days: list[date]) -> None:
        if not days:
            return
        zone = self._customer.zone
        kept = _Kept(self._tx, self._customer.customer_id, Grain.DAY)
        usage = self._usage(midnight(days[0], zone), midnight(days[-1] + _DAY, zone))
        for day in days:
            start, end = midnight(day, zone), midnight(day + _DAY, zone)
            local = datetime(day.year, day.month, day.day, tzinfo=self._zone)
            kept.take(judge, Period(Grain.DAY, start, end, local), usage)
        kept.save()
        store.forget_series(self._tx, self._customer.customer_id, self._now - IDLE)

    def _usage(self, since: datetime, until: datetime) -> Usage:
        """Return what the customer used between two instants, in its contract's currency."""
        month, last = (BillingMonth.of(at, self._zone) for at in (since - _DAY, until + _DAY))
        months = [str(month)]
        while month < last:
            month = month.next
            months.append(str(month))
        rows = store.used(
            self._tx,
            self._customer.customer_id,
            since.astimezone(UTC),
            until.astimezone(UTC),
            months=months,
            pieces=UNIT_METERS,
        )
        return Usage(self._customer.customer_id, map(self._row, rows))

    def _row(self, row: UsedRow) -> Row:
        quantities = {
            Measure.COST: self._worth(row),
            Measure.TOKENS: int(row.tokens),
            Measure.REQUESTS: int(row.requests),
            Measure.ERRORS: int(row.errors),
        }
        return Row(row.hour, row.project_id, row.key_id, row.model, quantities)

    def _worth(self, row: UsedRow) -> int:
        """Return what usage is worth in the contract's currency, at the newest published rate.

        It counts nothing while there is none, as for a credit limit: this is no bill.
        """
        if row.currency is None or row.currency == self._currency:
            return int(row.pico)
        if row.currency not in self._rates:
            day = self._now.date()
            fx = fx_on(self._tx, base=row.currency, quote=self._currency, day=day)
            self._rates[row.currency] = fx.e8 if fx else 0
        return divide(int(row.pico) * self._rates[row.currency], FX_SCALE)


class _Kept:
    """A customer's series of one grain, from the database and back."""

    def __init__(self, tx: Tx, customer_id: CustomerId, grain: Grain) -> None:
        self._tx = tx
        self._customer_id = customer_id
        self._grain = grain
        self._rows = store.series(tx, customer_id, grain)
        self._watch = Watch(
            grain, [row.series for row in self._rows], [row.state for row in self._rows]
        )
        self._places = {series: place for place, series in enumerate(self._watch.series)}
        false = {(w.scope, w.name): w.false_alarms for w in store.words(tx, customer_id)}
        self._false = {key: count * FALSE_ALARM for key, count in false.items()}

    def take(self, judge: Judge, period: Period, usage: Usage) -> None:
        """Take a period's sums; a series that was not known begins with it."""
        sums = usage.sums(period.start, period.end)
        for series in sorted(sums):
            self._know(series, sums[series], period.start)
        values = np.array([float(sums.get(s, 0)) for s in self._watch.series])
        raised = np.array([self._false.get((s.scope, s.name), 0.0) for s in self._watch.series])
        seen = self._watch.take(period.local, values, raised)
        judge.hear(period, self._watch, seen, sums)

    def _know(self, series: Series, quantity: int, at: datetime) -> None:
        place = self._places.get(series)
        if place is None:
            if quantity == 0 or len(self._places) >= SERIES_MAX:
                return
            self._places[series] = self._watch.add(series)
            self._rows.append(SeriesRow(series.scope, series.name, series.measure, at, b""))
        elif quantity:
            self._rows[place] = replace(self._rows[place], used_at=at)

    def save(self) -> None:
        """Write what was learnt."""
        states = self._watch.rows()
        rows = [replace(row, state=s) for row, s in zip(self._rows, states, strict=True)]
        store.save_series(self._tx, self._customer_id, self._grain, rows)
