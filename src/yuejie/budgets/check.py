"""Check: compute again what is spent and leased of windows, from the rollups and the grants."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from yuejie.budgets import store
from yuejie.budgets.allowance import Allowance, Measure, Period, Slot, Window
from yuejie.budgets.lending import store as lending
from yuejie.budgets.lending.opening import used_in
from yuejie.customers.customer import Customer
from yuejie.db.session import Database, Tx
from yuejie.kernel.period import zone_of

WINDOWS: Final = 1_000
"""Windows of one allowance that are looked at, the newest first: years of months."""
_UNCOUNTED: Final = frozenset({Period.MINUTE, Period.ALWAYS})
"""Periods that rollups do not tell: those know no minutes, and a balance has no beginning."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A window whose number is not what its parts add up to."""

    allowance: Allowance
    slot: Slot
    what: str
    stored: int
    computed: int


def check_budgets(db: Database, customers: Sequence[Customer]) -> list[Difference]:
    """Return every number of these customers' windows that is not the sum of its parts."""
    found = []
    for customer in customers:
        with db.read(consistent=True) as tx:
            for allowance in store.of_customer(tx, customer.customer_id, ended=False):
                found += _differences(tx, allowance, customer.zone)
    return found


def _differences(tx: Tx, allowance: Allowance, zone: str) -> list[Difference]:
    found = []
    for row in lending.windows_of(tx, allowance.number, limit=WINDOWS):
        leased = lending.sum_of_grants(tx, row.slot)
        if leased != row.leased:
            found.append(Difference(allowance, row.slot, "leased", int(row.leased), leased))
        if allowance.period in _UNCOUNTED or allowance.measure is Measure.CONCURRENCY:
            continue
        window = Window(row.starts_s, row.ends_s)
        used = used_in(tx, allowance, zone_of(zone), window).get(row.unit, 0)
        spent = used + lending.sum_of_estimates(tx, row.slot) + lending.sum_presumed(tx, row.slot)
        if spent != row.spent:
            found.append(Difference(allowance, row.slot, "spent", int(row.spent), spent))
    return found
