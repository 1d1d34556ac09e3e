"""What somebody who looks each second need not read each second: what the month's service was.

It is counted from the calls themselves. `Remembering` keeps it for at least `REST_SECONDS`, and for
longer only where counting takes longer than a fiftieth of that. Usage is read anew each time, from
the sums of the hours that are over and the present hour; so what is owed is never an old figure. A
single look needs no memory.
"""

import time
from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from typing import Final, Protocol, TypeVar

from yuejie.bills.sla.measure import measure
from yuejie.bills.sla.verdict import Measured
from yuejie.contracts.terms import Sla
from yuejie.db.session import Tx
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.period import BillingMonth, Span

REST_SECONDS: Final = 30
SHARE: Final = 50
"""Of the time between two readings, at most a fiftieth is spent on reading."""
CHEAP_SECONDS: Final = 0.02
"""What is read as quickly as this is read every time."""
KNOWN_MAX: Final = 1_000
"""Promises that are remembered; beyond, the one longest unused is forgotten."""
K = TypeVar("K")
V = TypeVar("V")


class Memory(Protocol):
    """How service is read: anew each time, or with what is remembered."""

    def measured(
        self, tx: Tx, customer_id: CustomerId, month: BillingMonth, sla: Sla, held: Span, epoch: int
    ) -> Measured:
        """Return how a month's service was."""
        ...


class Forgetful:
    """Reads everything, as closing does."""

    def measured(
        self, tx: Tx, customer_id: CustomerId, month: BillingMonth, sla: Sla, held: Span, epoch: int
    ) -> Measured:
        """Return how a month's service was."""
        return measure(tx, customer_id, month, sla, held=held, epoch=epoch)


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
        self._service: OrderedDict[tuple[CustomerId, BillingMonth, Sla, Span, int], _Service] = (
            OrderedDict()
        )
        self._lock = Lock()

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

    def _rest(self, took: float) -> float:
        """Return how long what took so many seconds to read may be remembered."""
        return 0.0 if took < self._cheap_seconds else max(REST_SECONDS, took * SHARE)


def _keep(kept: OrderedDict[K, V], key: K, value: V) -> None:
    kept[key] = value
    kept.move_to_end(key)
    while len(kept) > KNOWN_MAX:
        kept.popitem(last=False)
