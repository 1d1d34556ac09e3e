"""Rollups: the quantities of many events, summed by what people ask for.

A rollup row is month × hour × dimension × model × meter × sale rate × cost rate × state × epoch.
Replacing a version of an event takes its quantities out and puts the new ones in, both in the
present epoch, so that what an earlier epoch said is still there to read.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Protocol

from yuejie.usage.arrival import ItemTuple


class Where(Protocol):
    """The part of a rollup's key that does not depend on the answer."""

    @property
    def month(self) -> str: ...  # noqa: D102
    @property
    def hour_s(self) -> int: ...  # noqa: D102
    @property
    def dimension(self) -> int: ...  # noqa: D102


RollupSum = tuple[str, int, int, str, str, int, int, str, int]
"""Month, dimension, hour in Unix seconds, model, meter, sale rate, cost rate, state: quantity."""

Sums = defaultdict[tuple[str, str, int, int], int]
"""Model, meter, sale rate, cost rate: quantity."""


class Tally:
    """Sums quantities in memory, so that a batch touches each rollup row once."""

    def __init__(self) -> None:
        self.sums: defaultdict[tuple[Where, str], Sums] = defaultdict(_no_sums)
        """By where an attempt belongs, and its state."""

    def add(self, where: Where, state: str, items: Iterable[ItemTuple], sign: int) -> None:
        """Count an attempt's items in (1) or out (−1)."""
        sums = self.sums[where, state]
        for model, meter, quantity, sale_rate, cost_rate in items:
            sums[model, meter, sale_rate, cost_rate] += sign * quantity

    def sorted(self) -> list[RollupSum]:
        """Return the sums that are not zero, in the one order in which everybody locks rows."""
        merged: defaultdict[_Key, int] = defaultdict(int)
        for (where, state), sums in self.sums.items():
            head = (where.month, where.dimension, where.hour_s)
            for what, quantity in sums.items():
                merged[*head, *what, state] += quantity
        return sorted((*key, quantity) for key, quantity in merged.items() if quantity)


_Key = tuple[str, int, int, str, str, int, int, str]


def _no_sums() -> Sums:
    return defaultdict(int)
