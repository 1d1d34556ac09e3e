"""Rebuild the rollups of a month from its events, or check that they are the same."""

from dataclasses import dataclass
from typing import Final

from yuejie.db.session import Database, Tx
from yuejie.kernel.period import BillingMonth
from yuejie.usage import store
from yuejie.usage.store import RollupRow

SHOWN: Final = 20
"""Differences that are listed; the first few say what is wrong."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """How many rollup rows the events and the table agree on, and where they do not."""

    month: BillingMonth
    same: int
    different: int
    examples: tuple[RollupRow, ...]
    replaced: bool

    @property
    def whole(self) -> bool:
        """Whether the table says what the events say, now."""
        return self.replaced or not self.different


def rebuild(db: Database, month: BillingMonth, *, check: bool = True) -> Rebuilt:
    """Compare the month's rollups with its events; without `check`, put right what differs."""
    if check:
        with db.read(consistent=True) as tx:
            return _compare(tx, month, replaced=False)
    with db.begin() as tx:
        # Nobody adds usage between the comparison and the replacement.
        store.lock_epoch(tx)
        found = _compare(tx, month, replaced=True)
        if found.different:
            for customer_id in store.customers_with_usage(tx, str(month)):
                store.refill(tx, customer_id, str(month))
        return found


def _compare(tx: Tx, month: BillingMonth, *, replaced: bool) -> Rebuilt:
    same, different, examples = 0, 0, list[RollupRow]()
    for customer_id in store.customers_with_usage(tx, str(month)):
        for row in store.compared(tx, customer_id, str(month)):
            if row.rebuilt == row.stored:
                same += 1
                continue
            different += 1
            if len(examples) < SHOWN:
                examples.append(row)
    return Rebuilt(month, same, different, tuple(examples), replaced)
