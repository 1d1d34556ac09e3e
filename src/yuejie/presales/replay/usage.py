"""Past usage of a prospect in sums that no price list can tell apart. Pure.

A *cell* holds the quantities of calls that began in the same quarter of an hour (or minute, where a
time window begins within a quarter, and on the same side of every revision), of one project, model,
service tier and context step: the largest input size at which some list changes its price. So a
cell prices as its calls would.
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from yuejie.contracts.prices import Book
from yuejie.contracts.tier import tier_key
from yuejie.contracts.window import window_of
from yuejie.intake.pricing import Draft, context_of
from yuejie.kernel.errors import Invalid
from yuejie.kernel.period import BillingMonth
from yuejie.usage.record import unix_us

CELLS_MAX: Final = 300_000
"""A quarter's quarters of an hour for a dozen models; more is to be summed by hour first."""
NAMES_MAX: Final = 200
"""Projects, and models: each is a line of every month, under every plan."""
_MINUTE_US: Final = 60 * 10**6
_QUARTER: Final = 15
"""Zones are set in quarters of an hour, and so are nearly all time windows; minutes."""


class CellKey(NamedTuple):
    """What no price list tells apart. `context_tokens` is the least size of its step."""

    month: str
    started_us: int
    project: str
    model: str
    service_tier: str
    context_tokens: int


@dataclass(frozen=True, slots=True)
class Cell:
    """One quantity of a cell."""

    key: CellKey
    meter: str
    quantity: int
    first_line: int | None = None
    """Of the file's lines that it sums, the first and the last; None: taken in before we knew."""
    last_line: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """A file of past usage as it was taken in: what it held, and what was refused of it."""

    import_id: str
    prospect_id: str
    name: str
    sha256: str
    row_count: int
    rejected: int
    zone: str
    made_by: str
    made_at: datetime


@dataclass(slots=True)
class Summing:
    """Sums drafts into cells, in bounded memory."""

    zone: ZoneInfo
    edges: Sequence[int]
    """Every instant at which a revision of a book starts, sorted."""
    steps: Sequence[int]
    """Every context size above which some list changes its price, sorted."""
    slot_us: int = _QUARTER * _MINUTE_US
    """How long a cell is."""
    cells_max: int = CELLS_MAX
    sums: Counter[tuple[CellKey, str]] = field(default_factory=Counter)
    lines: dict[CellKey, tuple[int, int]] = field(default_factory=dict)
    """The first and the last line of the file in each cell."""
    projects: set[str] = field(default_factory=set)
    models: set[str] = field(default_factory=set)

    @classmethod
    def under(cls, books: Iterable[Book], zone: ZoneInfo) -> "Summing":
        """Return sums that these books cannot tell apart."""
        known = list(books)
        edges = sorted({each.starts_us for book in known for each in book.rows.revisions})
        steps = sorted({row.context_above for book in known for row in book.rows.rates} - {0})
        windows = {row.time_window for book in known for row in book.rows.rates} - {""}
        minutes = {
            m for w in windows for r in window_of(w).rules for span in r.minutes for m in span
        }
        within = any(minute % _QUARTER for minute in minutes)
        return cls(zone, edges, steps, _MINUTE_US if within else _QUARTER * _MINUTE_US)

    def add(self, draft: Draft, line: int) -> None:
        """Add one call, or one bucket of many, as it stands on a line of the file."""
        started_us = unix_us(draft.started_at)
        context = draft.context_tokens
        size = context_of(draft.items) if context is None else context
        key = CellKey(
            str(BillingMonth.of(draft.started_at, self.zone)),
            self._slot(started_us),
            draft.project,
            draft.model,
            tier_key(draft.service_tier, draft.facts),
            self._step(size),
        )
        self.projects.add(draft.project)
        self.models.add(draft.model)
        first, last = self.lines.get(key, (line, line))
        self.lines[key] = min(first, line), max(last, line)
        for item in draft.items:
            self.sums[key, str(item.meter)] += item.quantity

    def refuse_too_many(self) -> None:
        """Refuse a file that is finer than anybody can compare. Raises Invalid."""
        if len(self.sums) > self.cells_max:
            raise Invalid(f"文件汇总后超过 {self.cells_max} 项，请先按小时、模型汇总后再导入")
        if len(self.projects) > NAMES_MAX or len(self.models) > NAMES_MAX:
            raise Invalid(
                f"文件里的项目或模型超过 {NAMES_MAX} 个，请在映射文件里只映射需要的列，"
                "或用 [models] 合并模型名"
            )

    def cells(self) -> Iterable[Cell]:
        """Yield the cells in a fixed order."""
        for (key, meter), quantity in sorted(self.sums.items()):
            yield Cell(key, meter, quantity, *self.lines[key])

    def _slot(self, started_us: int) -> int:
        slot = started_us // self.slot_us * self.slot_us
        at = bisect_right(self.edges, started_us)
        return max(slot, self.edges[at - 1]) if at else slot

    def _step(self, size: int) -> int:
        """Return the least size that is priced like this one: one more than the step below it."""
        at = bisect_left(self.steps, size)
        return self.steps[at - 1] + 1 if at else 0
