"""The budget report of a month: windows of allowances, forecasts, and what was told."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from yuejie.budgets import store as allowances
from yuejie.budgets.allowance import FOREVER_S, Allowance, Measure, Period
from yuejie.budgets.lending import store as lending
from yuejie.budgets.show import standings
from yuejie.budgets.watch import store
from yuejie.budgets.watch.store import AlertRow, Watched
from yuejie.budgets.watch.tell import forecast_of
from yuejie.customers.customer import Customer
from yuejie.db.session import Database, Tx
from yuejie.kernel.period import BillingMonth, zone_of

ALERTS: Final = 10_000
_AHEAD: Final = frozenset({Period.DAY, Period.WEEK, Period.MONTH, Period.QUARTER, Period.YEAR})


@dataclass(frozen=True, slots=True)
class ReportLine:
    """One window of an allowance; `forecast` only while it runs, and only if somebody can say."""

    allowance: Allowance
    unit: str
    starts_at: datetime
    ends_at: datetime
    cap: int
    spent: int
    forecast: int | None
    alerts: tuple[AlertRow, ...]

    @property
    def percent(self) -> int | None:
        """How much was used in whole percent, rounded down."""
        return self.spent * 100 // self.cap if self.cap else None


def budget_report(
    db: Database, customer: Customer, month: BillingMonth, *, now: datetime
) -> list[ReportLine]:
    """Return every window that touches a month, by allowance and time; minutes are no budget.

    Of an allowance nobody has used yet, the window that runs now: it is a budget all the same.
    """
    span = month.span(zone_of(customer.zone))
    since_s, until_s = int(span.start.timestamp()), int(span.end.timestamp())
    with db.read(consistent=True) as tx:
        told = store.alerts(
            tx, customer.customer_id, since_s=since_s, until_s=until_s, limit=ALERTS
        )
        lines = [
            line
            for each in allowances.of_customer(tx, customer.customer_id, ended=True)
            if _is_budget(each)
            for line in _lines(tx, each, since_s, until_s, told, now=now)
        ]
    if not span.start <= now < span.end:
        return lines
    used = {line.allowance.number for line in lines}
    return lines + [
        ReportLine(
            each.allowance,
            each.unit,
            each.starts_at,
            each.ends_at or span.end,
            each.cap,
            0,
            None,
            (),
        )
        for each in standings(db, customer, now=now)
        if each.allowance.number not in used and _is_budget(each.allowance)
    ]


def _is_budget(allowance: Allowance) -> bool:
    return allowance.period is not Period.MINUTE and allowance.measure is not Measure.CONCURRENCY


def _lines(
    tx: Tx,
    allowance: Allowance,
    since_s: int,
    until_s: int,
    told: Sequence[AlertRow],
    *,
    now: datetime,
) -> list[ReportLine]:
    lines = []
    for row in lending.windows_between(tx, allowance.number, since_s=since_s, until_s=until_s):
        running = row.starts_s <= now.timestamp() < row.ends_s
        ahead = None
        if running and allowance.period in _AHEAD:
            window = Watched(*row.slot, row.ends_s, int(row.cap), int(row.spent))
            ahead = forecast_of(tx, allowance, window, now=now)
        lines.append(
            ReportLine(
                allowance,
                row.unit,
                datetime.fromtimestamp(row.starts_s, UTC),
                # What has no end yet is shown to the end of the month.
                datetime.fromtimestamp(until_s if row.ends_s >= FOREVER_S else row.ends_s, UTC),
                int(row.cap),
                int(row.spent),
                ahead,
                tuple(
                    each
                    for each in told
                    if (each.number, each.starts_s) == (row.number, row.starts_s)
                ),
            )
        )
    return lines
