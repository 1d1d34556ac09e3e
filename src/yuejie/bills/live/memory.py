"""What somebody who looks each second need not read each second.

The hours of a month that went by seldom change: late records, corrections. `Remembering` keeps
their sums, and what the month's service was, for as long as reading them again would cost too much;
the two hours up to now are read every time. What it keeps is at most `REST_SECONDS` old, and more
only where reading takes longer than a fiftieth of that. A single look needs no memory and is exact.
"""

import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Final, Protocol, TypeVar

from yuejie.bills.closing.lines import LineKey
from yuejie.bills.live import store
from yuejie.bills.sla.measure import measure
from yuejie.bills.sla.verdict import Measured
from yuejie.contracts.terms import Sla
from yuejie.customers.customer import Customer
from yuejie.db.session import Tx
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.period import BillingMonth, Span, local_hour, zone_of

FRESH: Final = timedelta(hours=2)
"""A call may go on for more than an hour; what begins earlier is late."""
REST_SECONDS: Final = 30
SHARE: Final = 50
"""Of the time between two readings, at most a fiftieth is spent on reading."""
CHEAP_SECONDS: Final = 0.02
"""What is read as quickly as this is read every time."""
K = TypeVar("K")
V = TypeVar("V")

KNOWN_MAX: Final = 1_000
"""Customers and promises that are remembered; beyond, the one longest unused is forgotten."""


class Memory(Protocol):
    """How usage and service are read: anew each time, or with what is remembered."""

    def used(
        self, tx: Tx, who: Customer, month: BillingMonth, *, epoch: int, now: datetime
    ) -> Mapping[LineKey, int]:
        """Return what a month comes to."""
        ...

    def measured(
        self, tx: Tx, customer_id: CustomerId, month: BillingMonth, sla: Sla, held: Span, epoch: int
    ) -> Measured:
        """Return how a month's service was."""
        ...

    def lag(self, customer_id: CustomerId, now: datetime) -> int | None:
        """Return how many seconds old the oldest is that was remembered; None: nothing was."""
        ...


class Forgetful:
    """Reads everything, as closing does."""

    def used(
        self, tx: Tx, who: Customer, month: BillingMonth, *, epoch: int, now: datetime
    ) -> Mapping[LineKey, int]:
        """Return what a month comes to."""
        del now
        return store.used(tx, who.customer_id, month, epoch=epoch, since=None, until=None)

    def measured(
        self, tx: Tx, customer_id: CustomerId, month: BillingMonth, sla: Sla, held: Span, epoch: int
    ) -> Measured:
        """Return how a month's service was."""
        return measure(tx, customer_id, month, sla, held=held, epoch=epoch)

    def lag(self, customer_id: CustomerId, now: datetime) -> int | None:
        """Return None: nothing is remembered."""
        del customer_id, now
        return None


@dataclass(frozen=True, slots=True)
class _Hours:
    """The sums of a month before an hour, when they were read, and how long that took."""

    month: BillingMonth
    epoch: int
    until: datetime
    sums: Mapping[LineKey, int]
    read_at: datetime
    took: float


@dataclass(frozen=True, slots=True)
class _Service:
    """What a month's service was."""

    measured: Measured
    read_at: float
    took: float


class Remembering:
    """Keeps what went by, for many customers and threads; whoever is served looks alone."""

    def __init__(self, *, cheap_seconds: float = CHEAP_SECONDS) -> None:
        self._cheap_seconds = cheap_seconds
        self._hours: OrderedDict[CustomerId, _Hours] = OrderedDict()
        self._service: OrderedDict[tuple[CustomerId, BillingMonth, Sla, Span, int], _Service] = (
            OrderedDict()
        )
        self._lock = Lock()

    def used(
        self, tx: Tx, who: Customer, month: BillingMonth, *, epoch: int, now: datetime
    ) -> Mapping[LineKey, int]:
        """Return what a month comes to: hours that went by as remembered, the rest as it is."""
        with self._lock:
            known = self._hours.get(who.customer_id)
        if known is None or (known.month, known.epoch) != (month, epoch) or self._old(known, now):
            known = _read(tx, who, month, epoch=epoch, now=now)
            with self._lock:
                _keep(self._hours, who.customer_id, known)
        fresh = store.used(tx, who.customer_id, month, epoch=epoch, since=known.until, until=None)
        return {
            key: known.sums.get(key, 0) + fresh.get(key, 0)
            for key in known.sums.keys() | fresh.keys()
        }

    def measured(
        self, tx: Tx, customer_id: CustomerId, month: BillingMonth, sla: Sla, held: Span, epoch: int
    ) -> Measured:
        """Return how a month's service was, measured as often as it is cheap."""
        key = (customer_id, month, sla, held, epoch)
        with self._lock:
            known = self._service.get(key)
        began = time.monotonic()
        if known is not None and began - known.read_at < self._rest(known.took):
            return known.measured
        found = measure(tx, customer_id, month, sla, held=held, epoch=epoch)
        ended = time.monotonic()
        with self._lock:
            _keep(self._service, key, _Service(found, ended, ended - began))
        return found

    def lag(self, customer_id: CustomerId, now: datetime) -> int | None:
        """Return how many seconds ago the hours that went by were read; None: just now."""
        with self._lock:
            known = self._hours.get(customer_id)
        seconds = int((now - known.read_at).total_seconds()) if known else 0
        return seconds if seconds > 0 else None

    def _old(self, known: _Hours, now: datetime) -> bool:
        return (now - known.read_at).total_seconds() >= self._rest(known.took)

    def _rest(self, took: float) -> float:
        """Return how long what took so many seconds to read may be remembered."""
        return 0.0 if took < self._cheap_seconds else max(REST_SECONDS, took * SHARE)


def _read(tx: Tx, who: Customer, month: BillingMonth, *, epoch: int, now: datetime) -> _Hours:
    until, began = local_hour(now - FRESH, zone_of(who.zone)), time.monotonic()
    sums = store.used(tx, who.customer_id, month, epoch=epoch, since=None, until=until)
    return _Hours(month, epoch, until, sums, now, time.monotonic() - began)


def _keep(kept: OrderedDict[K, V], key: K, value: V) -> None:
    kept[key] = value
    kept.move_to_end(key)
    while len(kept) > KNOWN_MAX:
        kept.popitem(last=False)
