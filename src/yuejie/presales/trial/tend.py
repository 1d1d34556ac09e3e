"""What trials need by themselves: their allowance ends with them, their cost goes to sales.

The cost of a month is booked once the month or the trial is over and the longest call with it; what
comes in later is booked as a difference. An entry moves cost of sales to sales expense.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from yuejie.bills.closing.close import GRACE
from yuejie.budgets import store as budgets
from yuejie.budgets.keep import end_in
from yuejie.customers.enrol import find_customer
from yuejie.db.session import Database
from yuejie.kernel.money import Charge
from yuejie.kernel.period import BillingMonth, local_hour, zone_of
from yuejie.ledger.post import post_all
from yuejie.ledger.posting import Account, Entry, credit, debit
from yuejie.presales.trial import store
from yuejie.presales.trial.convert import standing_of
from yuejie.presales.trial.store import BookedRow, CostRow
from yuejie.presales.trial.trial import ALLOWANCE, ZONE, Stage, Trial

TENDED: Final = timedelta(days=93)
"""Cost that comes in so late after a trial is still booked to sales."""
_ROUND: Final = 10_000
CLERK: Final = "clerk"


@dataclass(frozen=True, slots=True)
class Due:
    """What of a month's cost is still to be booked, in fen; its entry's number."""

    month: str
    currency: str
    sequence: int
    fen: int


def end_over(db: Database, now: datetime, *, by: str = CLERK) -> int:
    """End the allowances of trials that are over; return how many."""
    with db.read() as tx:
        found = store.trials_allowed(tx)
        over = [each for each in found if standing_of(tx, each, now).stage is not Stage.RUNNING]
    return sum(_end_allowance(db, trial, by=by, now=now) for trial in over)


def book_costs(db: Database, now: datetime, *, by: str = CLERK) -> int:
    """Book what trials cost, each in a transaction of its own; return how many entries."""
    with db.read() as tx:
        found = store.trials(tx, since=now - TENDED, limit=_ROUND)
    return sum(book_cost(db, trial, by=by, now=now) for trial in found)


def book_cost(db: Database, trial: Trial, *, by: str, now: datetime) -> int:
    """Book what the months of a trial cost, as far as they are over; return how many entries."""
    with db.begin() as tx:
        tx.lock_exclusive(f"trial {trial.trial_id}")
        state = standing_of(tx, trial, now)
        since = local_hour(trial.starts_at, zone_of(ZONE))
        costs = store.cost(tx, trial.customer_id, trial.book_id, since=since, until=state.over_at)
        over = now >= state.over_at + GRACE
        ripe = [row for row in costs if over or _month_is_over(row.month, now)]
        entries = []
        for due in owing(ripe, store.booked(tx, trial.customer_id)):
            entries.append(_entry(trial, due, by=by, now=now))
            store.insert_cost(
                tx,
                trial.trial_id,
                due.month,
                due.currency,
                sequence=due.sequence,
                fen=due.fen,
                booked_at=now,
            )
        return post_all(tx, entries) if entries else 0


def owing(costs: Iterable[CostRow], booked: Iterable[BookedRow]) -> Iterator[Due]:
    """Yield what is to be booked so that each month's booked fen are its settled cost. Pure."""
    known = {(row.month, row.currency): row for row in booked}
    for row in costs:
        was = known.get((row.month, row.currency))
        fen = Charge(int(row.cost_pico), row.currency).settle().fen - (was.fen if was else 0)
        if fen:
            yield Due(row.month, row.currency, (was.entries if was else 0) + 1, fen)


def _month_is_over(month: str, now: datetime) -> bool:
    return now >= BillingMonth.parse(month).span(zone_of(ZONE)).end + GRACE


def _entry(trial: Trial, due: Due, *, by: str, now: datetime) -> Entry:
    party = str(trial.customer_id)
    return Entry(
        key=f"trial_cost:{trial.trial_id}:{due.month}:{due.currency}:{due.sequence}",
        kind="trial_cost",
        at=now,
        by=by,
        postings=(
            debit(Account.SALES_EXPENSE, due.fen, due.currency, party),
            credit(Account.COST_OF_SALES, due.fen, due.currency, party),
        ),
        memo=f"试用 {trial.trial_id} {due.month} 用量成本转销售费用",
    )


def _end_allowance(db: Database, trial: Trial, *, by: str, now: datetime) -> bool:
    with db.begin() as tx:
        if budgets.hold(tx, trial.customer_id, ALLOWANCE) is None:
            return False
        customer = find_customer(tx, trial.customer_id)
        end_in(tx, customer, ALLOWANCE, by=by, now=now, why="试用结束")
        return True
