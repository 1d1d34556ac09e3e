"""Rollups: the quantities of many events, summed by what people ask for.

A rollup row is month × hour × dimension × model × meter × sale rate × cost rate × state × epoch.
Replacing a version of an event takes its quantities out and puts the new ones in, both in the
present epoch, so that what an earlier epoch said is still there to read.
"""

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

_Where = tuple[str, int, int, str]
_What = tuple[str, str, int, int]


class Tally:
    """Sums quantities in memory, so that a batch touches each rollup row once."""

    def __init__(self) -> None:
        self._sums: dict[_Where, dict[_What, int]] = {}

    def add(self, where: Where, state: str, items: Iterable[ItemTuple], sign: int) -> None:
        """Count an attempt's items in (1) or out (−1)."""
        key = (where.month, where.dimension, where.hour_s, state)
        sums = self._sums.get(key)
        if sums is None:
            sums = self._sums[key] = {}
        for model, meter, quantity, sale_rate, cost_rate in items:
            what = (model, meter, sale_rate, cost_rate)
            sums[what] = sums.get(what, 0) + sign * quantity

    def sorted(self) -> list[RollupSum]:
        """Return the sums that are not zero, in the one order in which everybody locks rows."""
        return sorted(
            (*where[:3], *what, where[3], quantity)
            for where, sums in self._sums.items()
            for what, quantity in sums.items()
            if quantity
        )
