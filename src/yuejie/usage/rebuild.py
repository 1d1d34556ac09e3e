"""Rebuild a month: its rollups from the events, its sums from the rollups; or compare them."""

from dataclasses import dataclass
from typing import Final

from yuejie.db.session import Database, Tx
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.period import BillingMonth
from yuejie.usage import store
from yuejie.usage.store import RollupRow
from yuejie.usage.sums import store as sums
from yuejie.usage.sums.store import Agreement
from yuejie.usage.warehouse import read

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
    sums: Agreement
    """The same of the sums of days and months, held against the rollups as they were."""

    @property
    def agrees(self) -> bool:
        """Whether rollups said what the events say, and sums what the rollups say."""
        return not self.different and not self.sums.different

    @property
    def whole(self) -> bool:
        """Whether the tables say what the events say, now."""
        return self.replaced or self.agrees


def rebuild(db: Database, month: BillingMonth, *, check: bool = True) -> Rebuilt:
    """Compare the month's rollups with its events and the sums with the rollups.

    Without `check` what differs is put right, rollups first.
    """
    if check:
        with db.read(consistent=True) as tx:
            read.hold_partitions(tx)
            return _compare(tx, month, replaced=False)
    with db.begin() as tx:
        # Nobody adds or folds usage between the comparison and the replacement.
        tx.lock_exclusive(sums.SUMS_LOCK)
        store.lock_epoch(tx)
        found = _compare(tx, month, replaced=True)
        if not found.agrees:
            for customer_id in store.customers_with_usage(tx, str(month)):
                if found.different:
                    read.refuse_partial(tx, customer_id, str(month), str(month), "重建汇总")
                    store.refill(tx, customer_id, str(month))
                sums.refill(tx, CustomerId(customer_id), str(month))
            sums.refill_house(tx, str(month))
        return found


def _compare(tx: Tx, month: BillingMonth, *, replaced: bool) -> Rebuilt:
    same, different, examples = 0, 0, list[RollupRow]()
    summed = Agreement(0, 0)
    for customer_id in store.customers_with_usage(tx, str(month)):
        for row in read.compared(tx, customer_id, str(month)):
            if row.rebuilt == row.stored:
                same += 1
                continue
            different += 1
            if len(examples) < SHOWN:
                examples.append(row)
        summed += sums.compared(tx, CustomerId(customer_id), str(month))
    summed += sums.compared_house(tx, str(month))
    return Rebuilt(month, same, different, tuple(examples), replaced, summed)
