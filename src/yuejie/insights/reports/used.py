"""What reports ask of usage, and what they are given. Pure.

`store.used` is the one place that answers: whoever keeps finer or coarser sums of usage answers
there, and nothing else of reports changes.
"""

from dataclasses import dataclass
from datetime import date, datetime


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
