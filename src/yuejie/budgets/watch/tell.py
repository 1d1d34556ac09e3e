"""Watch budgets: tell each threshold once per window, and once when it holds no more.

A threshold is told in one transaction: a row that says so, and a notice under a key of its own. So
whoever else watches, and whenever this process dies, there is one notice.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

from yuejie.budgets import store as allowances
from yuejie.budgets.allowance import (
    PERIODS,
    Allowance,
    Mode,
    Slot,
    amount_text,
)
from yuejie.budgets.watch import store
from yuejie.budgets.watch.forecast import HOUR_S, WEEK_HOURS, WEEKS, forecast
from yuejie.budgets.watch.store import Crossing, Eased, Watched
from yuejie.customers.enrol import find_customer
from yuejie.db.session import Database, Tx
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.period import BillingMonth, zone_of
from yuejie.notices.notice import Audience, Kind, Notice
from yuejie.notices.outbox import enqueue
from yuejie.usage.meters import UNIT_METERS

ROUND: Final = 200
"""Thresholds told in one go; more are told in the next."""
LATE: Final = timedelta(days=3)
"""Usage that comes late may reach a threshold of a window that is over; so long it is told."""
_EFFECTS: Final = {
    Mode.SOFT: "不影响调用。",
    Mode.HARD: "放不下的请求会被拒绝，请提高额度或等下一周期。",
    Mode.PACED: "新请求会被拒绝，请提高额度或等下一周期。",
}


def watch_budgets(db: Database, now: datetime) -> int:
    """Tell what has been reached and what has eased since; return how much that was."""
    now_s = int(now.timestamp())
    past_s = now_s - int(LATE.total_seconds())
    with db.read() as tx:
        reached = store.crossed(tx, now_s=now_s, past_s=past_s, limit=ROUND)
        eased = store.eased(tx, now_s=now_s, limit=ROUND)
    told = sum(_tell(db, each, "actual", each.spent, now) for each in reached)
    return told + sum(_ease(db, each, now) for each in eased)


def watch_forecasts(db: Database, now: datetime) -> int:
    """Tell what periods will come to, where that reaches a threshold; return how many were told."""
    told, after = 0, Slot(0, 0, "")
    while True:
        with db.read() as tx:
            windows = store.watched(tx, now_s=int(now.timestamp()), after=after, limit=ROUND)
        for window in windows:
            told += _look_ahead(db, window, now)
        if len(windows) < ROUND:
            return told
        last = windows[-1]
        after = Slot(last.number, last.starts_s, last.unit)


def forecast_of(tx: Tx, allowance: Allowance, window: Watched, *, now: datetime) -> int | None:
    """Return what a window will come to; None while nobody can say."""
    customer = find_customer(tx, allowance.scope.customer_id)
    now_s = int(now.timestamp())
    since_s = max(now_s - WEEKS * WEEK_HOURS * HOUR_S, int(customer.created_at.timestamp()))
    since_s += -since_s % HOUR_S
    zone = zone_of(customer.zone)
    first = BillingMonth.of(datetime.fromtimestamp(since_s, UTC), zone)
    last = BillingMonth.of(now, zone)
    months = [first]
    while months[-1] < last:
        months.append(months[-1].next)
    hours = store.hours(
        tx,
        customer.customer_id,
        allowance,
        unit=window.unit,
        since_s=since_s,
        until_s=now_s,
        months=[str(month) for month in months],
        pieces=sorted(UNIT_METERS),
    )
    # Known from the first use on: a customer that has just begun was not idle before.
    since_s = max(since_s, min(hours, default=now_s))
    return forecast(window.spent, hours, since_s=since_s, now_s=now_s, ends_s=window.ends_s)


def _look_ahead(db: Database, window: Watched, now: datetime) -> int:
    with db.read() as tx:
        allowance = allowances.allowance_by_number(tx, window.number)
        found = forecast_of(tx, allowance, window, now=now) if allowance else None
    if allowance is None or found is None:
        return 0
    reached = [each for each in allowance.forecasts if found * 100 >= window.cap * each]
    return sum(
        _tell(
            db,
            Crossing(
                window.number, window.starts_s, window.unit, percent, window.spent, window.cap
            ),
            "forecast",
            found,
            now,
        )
        for percent in reached
    )


def _tell(db: Database, crossing: Crossing, basis: str, amount: int, now: datetime) -> int:
    with db.begin() as tx:
        if not store.tell(tx, crossing, basis=basis, amount=amount, at=now):
            return 0
        kind = Kind.BUDGET_FORECAST
        if basis == "actual":
            kind = Kind.BUDGET_USED_UP if crossing.percent >= 100 else Kind.BUDGET_REACHED
        _enqueue(tx, crossing, kind, amount, key=basis, now=now)
    return 1


def _ease(db: Database, eased: Eased, now: datetime) -> int:
    """Write down that a threshold holds no more; told is only that a budget is not used up now."""
    with db.begin() as tx:
        if not store.ease(tx, eased, at=now):
            return 0
        if eased.recovers:
            _enqueue(tx, eased, Kind.BUDGET_EASED, eased.spent, key="eased", now=now)
    return 1


def _enqueue(
    tx: Tx, crossing: Crossing, kind: Kind, amount: int, *, key: str, now: datetime
) -> None:
    allowance = allowances.allowance_by_number(tx, crossing.number)
    assert allowance is not None, "an alert is of an allowance"
    unit = crossing.unit
    facts = {
        "budget": allowance.name,
        "limit": f"{PERIODS[allowance.period]} "
        f"{amount_text(crossing.cap, allowance.measure, unit)}",
        "used": amount_text(crossing.spent, allowance.measure, unit),
        "percent": str(crossing.percent),
        "effect": _EFFECTS[allowance.mode],
        "forecast": amount_text(amount, allowance.measure, unit),
        "scope": scope_text(allowance),
    }
    name = f"budget:{allowance.allowance_id}:{crossing.starts_s}:{key}:{crossing.percent}"
    owner = CustomerId(allowance.scope.customer_id)
    enqueue(tx, Notice(kind, Audience.CUSTOMER, facts, name, owner), at=now)


def scope_text(allowance: Allowance) -> str:
    """Name whose calls count."""
    scope = allowance.scope
    parts = (
        ("项目", scope.project_id),
        ("密钥", scope.key_id),
        ("模型", scope.model),
        ("标签", scope.tag),
    )
    return "、".join(f"{what} {name}" for what, name in parts if name) or "整个客户"
