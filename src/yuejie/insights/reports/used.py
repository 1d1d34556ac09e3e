"""What reports ask of usage, and what they are given. Pure.

`store.used` is the one place that answers: whoever keeps finer or coarser sums of usage answers
there, and nothing else of reports changes.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final

_PARTS: Final = 8
"""Into so many parts a month is cut."""
_TOLD_APART: Final = 11
"""The first so many fields of a row are what it is told apart by; the others are sums."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedQuery:
    """Which usage, told apart by what; a list that is None lets everything through."""

    cut: str
    zone: str
    since: datetime
    until: datetime
    months: list[str]
    by: frozenset[str]
    costs: bool
    customers: list[str] | None = None
    projects: list[str] | None = None
    keys: list[str] | None = None
    models: list[str] | None = None
    pieces: list[str]
    input_side: list[str]
    cached: list[str]
    low: int = 0
    high: int = (1 << 31) - 1
    """Only of dimensions between these numbers, both included: a part of the whole."""


@dataclass(frozen=True, slots=True)
class UsedRow:
    """What was used of a piece of time; what is not told apart is empty.

    Only what is billed has a worth; picos of the rate's own currency.
    """

    bucket: date
    month: str
    customer_id: str
    project_id: str
    key_id: str
    model: str
    meter: str
    tags: str
    deployment_id: str
    currency: str
    cost_currency: str
    requests: int
    failed: int
    tokens: int
    input: int
    cached: int
    pico: int
    cost_pico: int

    @property
    def key(self) -> tuple[object, ...]:
        """Return what it is told apart by."""
        return tuple(getattr(self, name) for name in self.__slots__[:_TOLD_APART])

    def plus(self, other: "UsedRow") -> "UsedRow":
        """Return two rows of one key as one."""
        sums = self.__slots__[_TOLD_APART:]
        return replace(self, **{name: getattr(self, name) + getattr(other, name) for name in sums})


def parts_of(query: UsedQuery, low: int, high: int) -> list[UsedQuery]:
    """Cut a question into parts: its reading can say how far it is, and be left.

    Rollups lie by month label and then by dimension, of which those between two numbers, both
    included, are asked for; together the parts read each row once.
    """
    step = max(-(-(high - low + 1) // _PARTS), 1)
    return [
        replace(query, months=[month], low=first, high=min(first + step - 1, high))
        for month in query.months
        for first in range(low, high + 1, step)
    ]
