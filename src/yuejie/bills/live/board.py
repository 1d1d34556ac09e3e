"""One computation for all who watch a customer's live bill in the same moment."""

import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Lock
from typing import Final

from yuejie.bills.live.live import Live
from yuejie.bills.live.look import look
from yuejie.bills.live.memory import Remembering
from yuejie.db.session import Database
from yuejie.kernel.ids import CustomerId

FRESH_FOR: Final = timedelta(milliseconds=500)
"""As long is what was drawn shown to others. Whoever looks each second may be shown what somebody
else drew so long ago, and looks again a second later: both belong to the two seconds within which
a call is seen."""
REST: Final = 3
"""A drawing that takes longer is shown for so many times as long: looking takes a quarter at most.
"""
BOARDS_MAX: Final = 500
"""Customers whose last drawing is kept; beyond, the one longest unseen is forgotten."""

_Look = Callable[[Database, CustomerId, datetime], Live]


class Board:
    """Shows each customer's live bill, drawn at most about twice a second, whoever looks."""

    def __init__(self, look_at: _Look | None = None) -> None:
        memory = Remembering()
        self._look = look_at or (lambda db, who, now: look(db, who, now=now, memory=memory))
        self._places: OrderedDict[CustomerId, _Place] = OrderedDict()
        self._lock = Lock()

    def show(self, db: Database, customer_id: CustomerId, *, now: datetime) -> Live:
        """Return a customer's live bill, less than a second old; many who ask at once wait for one.

        Raises what `look` does; a failure is nobody's but the one's who met it.
        """
        place = self._place(customer_id)
        with place.lock:
            known = place.shown
            if known is None or not timedelta() <= now - known.drawn_at < place.fresh_for:
                began = time.monotonic()
                known = place.shown = self._look(db, customer_id, now)
                took = timedelta(seconds=time.monotonic() - began)
                place.fresh_for = max(FRESH_FOR, took * REST)
            return known

    def _place(self, customer_id: CustomerId) -> "_Place":
        with self._lock:
            place = self._places.setdefault(customer_id, _Place())
            self._places.move_to_end(customer_id)
            while len(self._places) > BOARDS_MAX:
                self._places.popitem(last=False)
            return place


class _Place:
    """The last drawing of one customer, and the lock of whoever draws the next."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.shown: Live | None = None
        self.fresh_for = FRESH_FOR
