"""Keep the windows of caps for the contract's term in step with its terms.

A term's end is known when it is renewed or another contract follows: long before, so that its
window ends in good time, or behind that day, and then what both terms used stands in one window.
Windows follow from the terms and the rollups, so they are drawn anew.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from yuejie.budgets import store
from yuejie.budgets.allowance import Allowance, Window, window_of
from yuejie.budgets.lending import store as lending
from yuejie.budgets.lending.opening import open_used, terms_of, used_in
from yuejie.budgets.lending.store import WindowRow
from yuejie.customers.enrol import find_customer
from yuejie.db.session import Database, Tx
from yuejie.kernel.period import zone_of
from yuejie.usage.store import lock_epoch

WINDOWS: Final = 100
"""Terms of one cap that are looked at, the newest first."""


def follow_terms(db: Database, now: datetime) -> int:
    """Draw windows anew whose contract's terms are others by now; return of how many caps."""
    with db.read(consistent=True) as tx:
        moved = [each.number for each in store.of_terms(tx) if _Terms(tx, each, now).misfits]
    return sum(_drawn(db, number, now) for number in moved)


def _drawn(db: Database, number: int, now: datetime) -> int:
    with db.begin() as tx:
        lock_epoch(tx)  # nobody may add usage meanwhile
        allowance = store.allowance_by_number(tx, number)
        if allowance is None or allowance.ended_at is not None:
            return 0
        terms = _Terms(tx, allowance, now)
        held = lending.hold_windows(tx, [row.slot for row in terms.misfits])
        for slot in held:
            window = terms.at(slot.starts_s)._replace(starts_s=slot.starts_s)
            spent = used_in(tx, allowance, terms.zone, window).get(slot.unit, 0)
            spent += lending.sum_of_estimates(tx, slot) + lending.sum_presumed(tx, slot)
            lending.fit_window(tx, slot, ends_s=window.ends_s, spent=spent)
        for window in terms.unopened():
            open_used(tx, allowance, terms.zone, window, now=now)
        return bool(held)


class _Terms:
    """The terms of a cap's customer, and the windows that are not as they say."""

    def __init__(self, tx: Tx, allowance: Allowance, now: datetime) -> None:
        self.zone = zone_of(find_customer(tx, allowance.scope.customer_id).zone)
        self._allowance = allowance
        self._now_s = int(now.timestamp())
        self._terms = terms_of(tx, allowance, self.zone)
        self._rows: Sequence[WindowRow] = lending.windows_of(tx, allowance.number, limit=WINDOWS)
        self.misfits = [row for row in self._rows if self.at(row.starts_s).ends_s != row.ends_s]

    def at(self, at_s: int) -> Window:
        """Return the term in which an instant falls."""
        begun_s = int(self._allowance.starts_at.timestamp())
        return window_of(self._allowance.period, self.zone, at_s, begun_s, self._terms)

    def unopened(self) -> list[Window]:
        """Return the terms that have begun behind one that looked as if it went on."""
        opened = {row.starts_s for row in self._rows}
        found = {self.at(row.starts_s).ends_s for row in self.misfits}
        return [
            window
            for window in map(self.at, sorted(found | set(self._terms)))
            if min(found) <= window.starts_s <= self._now_s and window.starts_s not in opened
        ]
