"""Say when each allowance of a customer will be used up, and between which instants.

What a window has spent is the allowance's own count; what is to come is told from the rollups of
the allowance's scope. The likely instant is that by which the total to come is as likely above
what is left as below; one in ten comes before the early one, one in ten after the late one.
"""

from datetime import date, datetime, timedelta
from typing import Final

import numpy as np

from yuejie.budgets.allowance import FOREVER_S, Measure, Origin, Period
from yuejie.budgets.show import Standing, standings
from yuejie.budgets.watch.tell import scope_text
from yuejie.contracts.contract import midnight
from yuejie.customers.customer import Customer
from yuejie.customers.enrol import find_customer
from yuejie.db.session import Database
from yuejie.insights.forecast.course import Course, Floats, course
from yuejie.insights.forecast.figures import LEAST_RANGES, Exhaustion, Forecast, knows, told
from yuejie.insights.forecast.figures import Measure as Forecasted
from yuejie.insights.forecast.foresee import forecast_of
from yuejie.insights.forecast.past import Past, Quantity
from yuejie.insights.forecast.store import Row
from yuejie.insights.forecast.used import (
    complete_days,
    hour_at,
    profile,
    rests_of,
    scope_of,
    share_of,
)
from yuejie.insights.trend.places import Filter
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.money import PICO_PER_FEN
from yuejie.kernel.period import zone_of

HISTORY_DAYS: Final = 63
"""Nine weeks: what a trend is read from, and a week more."""
ENDLESS: Final = 92
"""Days that are looked ahead where a window has no end."""
ALLOWANCES: Final = 100
"""Allowances that are looked at; a customer has a handful."""
_PERIODS: Final = frozenset(Period) - {Period.MINUTE}
_ORIGINS: Final = frozenset({Origin.BUDGET, Origin.CREDIT})
_DAY: Final = timedelta(days=1)


def exhaustions(db: Database, customer_id: CustomerId, *, now: datetime) -> list[Exhaustion]:
    """Return when a customer's allowances on money, tokens and requests are used up, as it looks.

    Rates by the minute, calls at once, and what answers a finding are no budgets.
    """
    customer, found = _asked(db, customer_id, now=now)
    with db.read(consistent=True) as tx:
        past = Past(tx, customer, map(_part_of, found), now, days=HISTORY_DAYS)
        return [_exhaustion(customer, each, past, now) for each in found]


def foresee_all(
    db: Database,
    customer_id: CustomerId,
    *,
    measure: Forecasted = Forecasted.MONEY,
    project: str | None = None,
    model: str | None = None,
    now: datetime,
) -> tuple[Forecast, list[Exhaustion]]:
    """Return a forecast and when allowances are used up, from sums that are read once for both."""
    customer, found = _asked(db, customer_id, now=now)
    with db.read(consistent=True) as tx:
        scope = scope_of(tx, customer, measure, project=project, model=model, now=now)
        parts = [scope.part, *map(_part_of, found)]
        past = Past(tx, customer, parts, now, days=HISTORY_DAYS)
        forecast = forecast_of(tx, scope, past, now)
        return forecast, [_exhaustion(customer, each, past, now) for each in found]


def _asked(
    db: Database, customer_id: CustomerId, *, now: datetime
) -> tuple[Customer, list[Standing]]:
    with db.read() as tx:
        customer = find_customer(tx, customer_id)
    found = [
        each
        for each in standings(db, customer, now=now)
        if each.allowance.measure is not Measure.CONCURRENCY
        and each.allowance.period in _PERIODS
        and each.allowance.origin in _ORIGINS
        and each.cap > 0
    ]
    return customer, found[:ALLOWANCES]


def _part_of(standing: Standing) -> Filter:
    scope = standing.allowance.scope
    return Filter(project=scope.project_id, key=scope.key_id, model=scope.model, tag=scope.tag)


def _counted(standing: Standing) -> Quantity:
    """Return what counts for an allowance: of money what is in the allowance's own currency."""
    measure, unit = standing.allowance.measure, standing.unit

    def quantity(row: Row) -> int:
        match measure:
            case Measure.MONEY:
                return int(row.pico) if row.currency == unit else 0
            case Measure.REQUESTS:
                return row.requests
            case _:
                return row.tokens

    return quantity


def _exhaustion(customer: Customer, standing: Standing, past: Past, now: datetime) -> Exhaustion:
    part, quantity = _part_of(standing), _counted(standing)
    zone, today = zone_of(customer.zone), past.today
    first, values = complete_days(past.days(part, quantity), today)
    ends_at = standing.ends_at if _ends(standing) else None
    until = _position(ends_at, today, customer.zone) if ends_at else float(ENDLESS)
    ahead = int(np.ceil(until))
    rests = rests_of(customer.zone, first, len(values) + ahead)
    found = course(values, rests, first.weekday())
    shares = profile(past.spread(part, quantity))
    since = share_of(shares, now.astimezone(zone))
    known = len(values) if found else 0
    if standing.spent >= standing.cap:
        return _told(standing, ends_at, found, (now, now, now), (since, until), known)
    when: tuple[datetime | None, ...] = (None, None, None)
    if found is not None:
        need = float(standing.cap - standing.spent)
        ranges = known >= LEAST_RANGES
        names = ("high80" if ranges else "", "middle", "low80" if ranges else "")
        places = [_reach(found, since, until, need, name) if name else None for name in names]
        when = tuple(
            None if place is None else _instant(place, shares, today, customer.zone)
            for place in places
        )
    return _told(standing, ends_at, found, when, (since, until), known)


def _told(
    standing: Standing,
    ends_at: datetime | None,
    found: Course | None,
    when: tuple[datetime | None, ...],
    span: tuple[float, float],
    known: int,
) -> Exhaustion:
    estimate = None
    if found is not None and ends_at is not None:
        total = found.total(*span)
        estimate = told(total, standing.spent, ranges=known >= LEAST_RANGES)
        if standing.allowance.measure is Measure.MONEY:
            estimate = estimate.rounded(PICO_PER_FEN)
    allowance = standing.allowance
    early, likely, late = when
    return Exhaustion(
        name=allowance.name,
        scope=scope_text(allowance),
        period=str(allowance.period),
        measure=str(allowance.measure),
        unit=standing.unit,
        cap=standing.cap,
        spent=standing.spent,
        ends_at=ends_at,
        told=estimate,
        early=early,
        likely=likely,
        late=late,
        knows=knows(known, found.silent if found else 0),
    )


def _ends(standing: Standing) -> bool:
    return standing.ends_at is not None and standing.ends_at.timestamp() < FOREVER_S


def _position(instant: datetime, today: date, zone: str) -> float:
    """Return how many days ahead of today's beginning an instant lies."""
    local = instant.astimezone(zone_of(zone))
    return (local.date() - today).days + local.hour / 24


def _reach(found: Course, since: float, until: float, need: float, name: str) -> float | None:
    """Return where a quantile of the total to come reaches what is left, in days; None: not yet."""
    edges = [since, *np.arange(np.floor(since) + 1, until), until]
    totals = [0.0, *(getattr(found.total(since, edge), name) for edge in edges[1:])]
    rising = np.maximum.accumulate(totals)
    if rising[-1] < need:
        return None
    place = int(np.searchsorted(rising, need))
    low, high = rising[place - 1], rising[place]
    part = (need - low) / (high - low) if high > low else 1.0
    return float(edges[place - 1] + part * (edges[place] - edges[place - 1]))


def _instant(place: float, shares: Floats, today: date, zone: str) -> datetime:
    """Return the instant at a place: the day, and the hour by which its share has come."""
    day, share = divmod(place, 1.0)
    start = midnight(today + int(day) * _DAY, zone)
    return start + timedelta(minutes=round(60 * hour_at(shares, share)))
