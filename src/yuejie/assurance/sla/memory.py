"""What the calls of judged months came to: their epoch has ended, so it is counted once.

A month of a large customer is millions of calls, and whoever looks at it would count them all.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Final

from yuejie.bills.sla.store import EndedRow, ended, first_byte, turned_away
from yuejie.bills.sla.verdict import FirstByte
from yuejie.db.session import Tx
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.period import Span

KEPT_MAX: Final = 64
"""Months that are remembered; one has at most some nine thousand spans of five minutes."""


@dataclass(frozen=True, slots=True)
class Calls:
    """How the calls of a month's span ended, by five minutes, and how fast they began."""

    ended: Sequence[EndedRow]
    first_byte: FirstByte


def count_calls(tx: Tx, customer_id: CustomerId, month: str, held: Span, epoch: int) -> Calls:
    """Count the calls of a month's span as known at an epoch, and what we turned away of them."""
    answered = ended(tx, customer_id, month, held=held, epoch=epoch, by="window")
    refused = turned_away(tx, customer_id, held=held, epoch=epoch, by="window")
    return Calls(
        [*answered, *refused],
        first_byte(tx, customer_id, month, held=held, epoch=epoch),
    )


class Remembering:
    """Keeps what was counted of judged months, for many customers and threads."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[CustomerId, str, Span, int], Calls] = OrderedDict()
        self._lock = Lock()

    def judged(self, tx: Tx, customer_id: CustomerId, month: str, held: Span, epoch: int) -> Calls:
        """Return what a span came to at an epoch that has ended."""
        key = (customer_id, month, held, epoch)
        with self._lock:
            known = self._known.get(key)
        if known is None:
            known = count_calls(tx, customer_id, month, held, epoch)
        with self._lock:
            self._known[key] = known
            self._known.move_to_end(key)
            while len(self._known) > KEPT_MAX:
                self._known.popitem(last=False)
        return known
