"""The clerk: what the calendar asks for, done by one clerk at a time, and errands.

Every deed of the calendar is a verb that doing twice does nothing more, so of several clerks one
does the work and the others find it done. Errands, which call somebody outside (the post, the
tax platform) or may have much to catch up with, have threads of their own.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog
from prometheus_client import Counter, Gauge

from yuejie.assurance.providers.watch import tell_warnings
from yuejie.bills.correct.break_fee import charge_break_fees
from yuejie.bills.review.ask import deem_confirmed, remind_of_review
from yuejie.bills.review.settle import settle_due
from yuejie.budgets.keep import forget_minutes
from yuejie.budgets.lending.terms import follow_terms
from yuejie.budgets.watch.tell import watch_forecasts
from yuejie.contracts.life.ending import renew_due
from yuejie.db.session import Database
from yuejie.db.upkeep.pace import working_on
from yuejie.fapiao.issuing.remind import remind_of_fapiao
from yuejie.insights.advice.refresh import refresh_advice
from yuejie.insights.anomaly.scan import watch_usage
from yuejie.insights.capacity.take import take_hours
from yuejie.insights.capacity.watch import watch_capacity
from yuejie.insights.protection.protect import protect
from yuejie.insights.reports.run import run_due
from yuejie.keeping.apply import keep_terms
from yuejie.kernel.clock import Clock
from yuejie.kernel.errors import DomainError
from yuejie.kernel.period import BillingMonth, zone_of
from yuejie.notices.news.deprecations import announce_deprecations
from yuejie.notices.news.endings import announce_endings
from yuejie.notices.news.rejections import announce_rejections
from yuejie.notices.news.rises import announce_rises
from yuejie.notices.news.signings import announce_signings
from yuejie.payments.dunning.dun import CLERK, daily_dunning, remind_of_suspense, watch_credit
from yuejie.payments.receipts.match import match_open
from yuejie.presales.trial.tend import book_costs, end_over
from yuejie.support.tickets.watch import close_resting, watch_clocks
from yuejie.usage.store import ensure_partitions

log = structlog.get_logger()

DONE: Final = Gauge(
    "yuejie_clerk_done_timestamp_seconds", "When a duty or an errand was last done", ["duty"]
)
WAITS: Final = Counter(
    "yuejie_clerk_waits", "Times a duty or an errand was refused or the database away", ["duty"]
)
TOOK: Final = Gauge("yuejie_clerk_took_seconds", "How long a duty took the last time", ["duty"])

ROUND_SECONDS: Final = 60.0
REST_SECONDS: Final = 1.0
"""How long an errand rests when nothing is due."""
_BEHIND: Final = timedelta(days=31)
_MONTHS: Final = 5
"""Last month, this one and three ahead: a clerk may be away for a quarter."""


@dataclass(frozen=True, slots=True)
class Duty:
    """Something to be done again and again; how often, so that it costs little."""

    name: str
    deed: Callable[[Database, datetime], object]
    every: timedelta


def keep_partitions(db: Database, now: datetime) -> None:
    """Keep event partitions ahead of time."""
    month = BillingMonth.of(now - _BEHIND, zone_of("UTC"))
    days = []
    for _ in range(_MONTHS):
        days.append(month.first_day)
        month = month.next
    with db.begin() as tx:
        tx.lock_exclusive("clerk")
        ensure_partitions(tx, days)


CALENDAR: Final = (
    Duty("partitions", keep_partitions, timedelta(minutes=1)),
    Duty("deprecations", announce_deprecations, timedelta(hours=1)),
    Duty("renewals", lambda db, now: renew_due(db, by=CLERK, now=now), timedelta(hours=1)),
    Duty("break_fees", charge_break_fees, timedelta(minutes=5)),
    Duty("contract_endings", announce_endings, timedelta(hours=1)),
    Duty("price_rises", announce_rises, timedelta(hours=1)),
    Duty("provider_accounts", tell_warnings, timedelta(hours=1)),
    Duty("settlement_days", settle_due, timedelta(hours=1)),
    Duty("review_reminders", lambda db, now: remind_of_review(db, now=now), timedelta(hours=1)),
    Duty("deemed_confirmations", lambda db, now: deem_confirmed(db, now=now), timedelta(hours=1)),
    Duty("fapiao_days", remind_of_fapiao, timedelta(hours=1)),
    Duty("receipts", lambda db, now: match_open(db, now=now), timedelta(minutes=5)),
    Duty("dunning", daily_dunning, timedelta(hours=1)),
    Duty("credit", watch_credit, timedelta(minutes=1)),
    Duty("rejections", announce_rejections, timedelta(minutes=1)),
    Duty("signings", announce_signings, timedelta(minutes=1)),
    Duty("protections", protect, timedelta(minutes=1)),
    Duty("budget_terms", follow_terms, timedelta(minutes=1)),
    Duty("budget_forecasts", watch_forecasts, timedelta(hours=1)),
    Duty("minutes", forget_minutes, timedelta(hours=1)),
    Duty("response_clocks", watch_clocks, timedelta(minutes=1)),
    Duty("resolved_tickets", close_resting, timedelta(hours=1)),
    Duty("trials", end_over, timedelta(minutes=1)),
    Duty("trial_costs", book_costs, timedelta(hours=1)),
    Duty("suspense", remind_of_suspense, timedelta(hours=1)),
    Duty("anomalies", watch_usage, timedelta(minutes=1)),
    Duty("reports", run_due, timedelta(minutes=1)),
    Duty("capacity_hours", take_hours, timedelta(minutes=5)),
    Duty("capacity", watch_capacity, timedelta(hours=1)),
)
"""What is done by itself, in this order."""

SLOW: Final = (
    Duty("advice", refresh_advice, timedelta(minutes=1)),
    Duty("retention", keep_terms, timedelta(hours=1)),
)
"""What may take minutes of a large customer's month: done on a thread of its own."""


class Clerk:
    """Remembers when each duty was done last."""

    def __init__(self, duties: Sequence[Duty] = (*CALENDAR, *SLOW)) -> None:
        self._duties = duties
        self._done: dict[str, datetime] = {}

    def make_round(self, db: Database, now: datetime) -> list[str]:
        """Do what is due now and return the names of what was done.

        A duty that a database or a rule refuses is told in the log and tried again next round;
        the others are done all the same.
        """
        done = []
        for duty in self._duties:
            if now - self._done.get(duty.name, _NEVER) < duty.every:
                continue
            began = time.monotonic()
            try:
                with working_on(f"duty:{duty.name}"):
                    duty.deed(db, now)
            except DomainError as error:
                WAITS.labels(duty.name).inc()
                log.warning("clerk.waits", duty=duty.name, why=error.sentence)
                continue
            self._done[duty.name] = now
            TOOK.labels(duty.name).set(time.monotonic() - began)
            DONE.labels(duty.name).set_to_current_time()
            done.append(duty.name)
        return done


_NEVER: Final = datetime.min.replace(tzinfo=UTC)


Errand = Callable[[Database, datetime], int]
"""Calls somebody outside and returns how much it did; while there is more it does not rest."""


def run(
    db: Database,
    clock: Clock,
    stop: threading.Event,
    errands: Mapping[str, Errand],
    more: Sequence[Duty] = (),
) -> None:
    """Make a round a minute until told to stop; a database that is away is waited for.

    `more` are duties that need what only the settings say.

    Each errand runs on a thread of its own, and so do the slow duties together: who is slow
    delays neither the rounds nor the others.
    """
    carriers = [
        threading.Thread(target=_carry, args=(db, clock, stop, name, errand), name=name)
        for name, errand in errands.items()
    ]
    carriers.append(threading.Thread(target=_go_round, args=(db, clock, stop, SLOW), name="slow"))
    for carrier in carriers:
        carrier.start()
    try:
        _go_round(db, clock, stop, (*CALENDAR, *more))
    finally:
        stop.set()
        for carrier in carriers:
            carrier.join()


def _go_round(db: Database, clock: Clock, stop: threading.Event, duties: Sequence[Duty]) -> None:
    """Make rounds of some duties until told to stop; who dies of one ends the process."""
    clerk = Clerk(duties)
    try:
        while not stop.is_set():
            log.debug("clerk.round", done=clerk.make_round(db, clock.now()))
            stop.wait(ROUND_SECONDS)
    finally:
        stop.set()


def _carry(db: Database, clock: Clock, stop: threading.Event, name: str, errand: Errand) -> None:
    """Run one errand again and again; this thread's death ends the process, which starts afresh."""
    try:
        while not stop.is_set():
            if not _done(db, errand, name, clock.now()):
                stop.wait(REST_SECONDS)
    finally:
        stop.set()


def _done(db: Database, errand: Errand, name: str, now: datetime) -> int:
    """Run an errand once; what a database that is away keeps us from is done next time."""
    try:
        with working_on(f"errand:{name}"):
            did = errand(db, now)
    except DomainError as error:
        WAITS.labels(name).inc()
        log.warning("errand.waits", errand=name, why=error.sentence)
        return 0
    DONE.labels(name).set_to_current_time()
    return did
