"""Cells: a month's calls, summed by all that decides a price or what another model can take.

A month may hold a hundred million calls; what is left of them here are some thousand sums.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import gcd
from typing import Final

from yuejie.contracts.prices import Book, BookRows, RateRow, RevisionRow
from yuejie.contracts.tier import tier_key
from yuejie.contracts.window import holds_in, window_of
from yuejie.insights.advice.advice import Line
from yuejie.usage.meters import COUNT_METERS

SIZES: Final = (1_000, 4_000, 16_000, 64_000, 256_000)
"""By these people read request sizes; the steps of the price book are cut in addition."""
SLOT_MINUTES: Final = 15
"""Offsets of time zones are multiples of it, so a slot lies wholly within or outside a window."""
_MINUTE_S: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """Calls that are priced alike. `context`, `reach` and `output` are the largest among them.

    `started_us` is the first. `reach` is input and output together; `days` has a bit for each day
    of the month with a call; `billed_pico` is what they were charged, by the rates of their time.
    """

    project_id: str
    key_id: str
    model: str
    api: str
    tier: str
    context: int
    reach: int
    output: int
    started_us: int
    calls: int
    days: int
    billed_pico: int
    quantities: Mapping[str, int]
    book: str = ""
    revision: int = 0

    @property
    def size(self) -> int:
        """The size class: at most so many tokens of input, 0 beyond all classes."""
        return next((each for each in SIZES if self.context <= each), 0)


@dataclass(frozen=True, slots=True)
class CellRow:
    """One meter of one cell as the store sums it; a call counts under the first of its meters."""

    project_id: str
    key_id: str
    dimension_id: int
    model: str
    api: str
    service_tier: str
    inference_geo: str
    processing: str
    endpoint: str
    speed: str
    sale_book: str
    sale_revision: int
    context_step: int
    reach_step: int
    output_step: int
    slot: int
    meter: str
    quantity: int
    billed_pico: int
    calls: int
    context: int
    reach: int
    output: int
    first_us: int
    days: int


@dataclass(slots=True)
class _Growing:
    """A cell while its rows come in."""

    cell: Cell
    quantities: dict[str, int] = field(default_factory=dict)


def cells_of(rows: Iterable[CellRow], windows: Sequence[str] = ()) -> list[Cell]:
    """Join the rows of each cell; slots that the same windows hold are one cell."""
    found: dict[tuple[object, ...], _Growing] = {}
    for row in rows:
        tier = tier_key(
            row.service_tier,
            {
                "inference_geo": row.inference_geo,
                "processing": row.processing,
                "endpoint": row.endpoint,
                "speed": row.speed,
            },
        )
        minute = row.slot // _MINUTE_S
        held = tuple(holds_in(each, minute) for each in windows)
        place = (
            *(row.project_id, row.key_id, row.model, row.api, tier, row.sale_book),
            *(row.sale_revision, row.context_step, row.reach_step, row.output_step, held),
        )
        growing = found.get(place)
        if growing is None:
            growing = found[place] = _Growing(_empty(row, tier))
        _add(growing, row)
    return [replace(each.cell, quantities=each.quantities) for each in found.values()]


def _empty(row: CellRow, tier: str) -> Cell:
    return Cell(
        project_id=row.project_id,
        key_id=row.key_id,
        model=row.model,
        api=row.api,
        tier=tier,
        context=0,
        reach=0,
        output=0,
        started_us=row.first_us,
        calls=0,
        days=0,
        billed_pico=0,
        quantities={},
        book=row.sale_book,
        revision=row.sale_revision,
    )


def _add(growing: _Growing, row: CellRow) -> None:
    cell = growing.cell
    growing.cell = replace(
        cell,
        context=max(cell.context, row.context),
        reach=max(cell.reach, row.reach),
        output=max(cell.output, row.output),
        started_us=min(cell.started_us, row.first_us),
        calls=cell.calls + row.calls,
        days=cell.days | row.days,
        billed_pico=cell.billed_pico + int(row.billed_pico),
    )
    was = growing.quantities.get(row.meter, 0)
    growing.quantities[row.meter] = was + int(row.quantity)


def slot_seconds(windows: Iterable[str]) -> int:
    """Return how long a slot is that no edge of a window cuts; 0 where there are no windows."""
    edges = [
        edge
        for text in windows
        for rule in window_of(text).rules
        for span in rule.minutes
        for edge in span
    ]
    if not edges:
        return 0
    return gcd(SLOT_MINUTES, *edges) * _MINUTE_S


class Tariff:
    """A sale book as it stands at one instant, for calls of any time.

    Time windows are judged by the call's own time; everything else is what holds now.
    """

    def __init__(self, book: Book, at_us: int) -> None:
        self.currency: Final = book.currency
        self.book_id: Final = book.book_id
        self._book = in_force(book, at_us)
        self.revision: Final = max((r.revision for r in self._book.rows.revisions), default=0)

    @property
    def models(self) -> frozenset[str]:
        """Every model that has a price."""
        return frozenset(rate.model for rate in self._book.rows.rates)

    def steps(self, models: Iterable[str] | None = None) -> dict[str, list[int]]:
        """Return the context steps of each model that has some, ascending."""
        wanted = self.models if models is None else frozenset(models)
        found: dict[str, set[int]] = {}
        for rate in self._book.rows.rates:
            if rate.context_above and rate.model in wanted:
                found.setdefault(rate.model, set()).add(rate.context_above)
        return {model: sorted(steps) for model, steps in found.items()}

    def windows(self, model: str | None = None) -> tuple[str, ...]:
        """Return the time windows of a model, or of the whole book."""
        return tuple(
            sorted(
                {
                    rate.time_window
                    for rate in self._book.rows.rates
                    if rate.time_window and model in (None, rate.model)
                }
            )
        )

    def tiers(self, model: str) -> frozenset[str]:
        """Return the service tiers that a model's list names."""
        return frozenset(r.service_tier for r in self._book.rows.rates if r.model == model)

    def borrowed(self, model: str, meter: str) -> bool:
        """Say whether a meter has no price of its own, but its parent's."""
        rows = [r for r in self._book.rows.rates if (r.model, r.meter) == (model, meter)]
        return not rows or all(r.origin.startswith("fallback:") for r in rows)

    def price(
        self,
        cell: Cell,
        quantities: Mapping[str, int] | None = None,
        *,
        model: str | None = None,
        tier: str | None = None,
        context: int | None = None,
        started_us: int | None = None,
    ) -> tuple[Line, ...] | None:
        """Rate a cell as it is, or with something changed; None where something has no rate."""
        return priced(
            self._book,
            self.revision,
            model or cell.model,
            cell.quantities if quantities is None else quantities,
            tier=cell.tier if tier is None else tier,
            context=cell.context if context is None else context,
            started_us=cell.started_us if started_us is None else started_us,
        )


def priced(
    book: Book,
    revision: int,
    model: str,
    quantities: Mapping[str, int],
    *,
    tier: str,
    context: int,
    started_us: int,
) -> tuple[Line, ...] | None:
    """Rate quantities of a model; None where one has no rate. Bare counts need none."""
    lines = []
    for meter, quantity in sorted(quantities.items()):
        if not quantity:
            continue
        rate = book.resolve(
            model,
            meter,
            revision=revision,
            started_us=started_us,
            service_tier=tier,
            context_tokens=context,
        )
        if rate is None:
            if meter in COUNT_METERS:
                continue
            return None
        lines.append(
            Line(
                model,
                meter,
                quantity,
                rate.rate_id,
                rate.revision,
                rate.pico,
                rate.service_tier,
                rate.context_above,
                rate.time_window,
            )
        )
    return tuple(lines)


def in_force(book: Book, at_us: int) -> Book:
    """Return a book that knows, for every time, only what is in force at an instant."""
    pinned = book.revision_at(at_us)
    if pinned is None:
        return Book(BookRows(book.book_id, book.rows.kind, book.currency, [], []))
    rates: list[RateRow] = []
    for model in sorted(book.models(pinned)):
        named = book.naming(model, pinned, at_us)
        if named is not None:
            rates.extend(book.price_list(model, named))
    starts = [RevisionRow(number, 0) for number in sorted({r.revision for r in rates})]
    return Book(BookRows(book.book_id, book.rows.kind, book.currency, starts, rates))
