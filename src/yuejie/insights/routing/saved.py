"""What a month's calls to auto models would have cost at the default model, exactly. Pure.

The assumption, said wherever the figure is shown: the default model would have used the same tokens
at the same hour, tier and context size, at the rates of the same revision of the same book.
Terms of the month as a whole (tier discounts, packages, fees) are left out on both sides.
Where the default model has no rate for something that was used, those calls are not compared.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Final

from yuejie.contracts.prices import Book, RateRow
from yuejie.contracts.tier import tier_key
from yuejie.insights.routing.store import DecidedRow
from yuejie.kernel.money import Charge
from yuejie.rating.price import rate_items
from yuejie.usage.event import NO_RATE, Item
from yuejie.usage.meters import Meter
from yuejie.usage.record import unix_us

ASSUMPTION: Final = (
    "假设默认模型用同样多的 token 应答：同一时刻、服务档与上下文，按同一价目版本的单价；"
    "阶梯折扣、用量包等整月条款两边都不计。"
)
_ALIKE: Final = attrgetter(
    *("customer_id", "key_id", "auto", "model", "sale_book", "sale_revision", "service_tier"),
    *("inference_geo", "processing", "endpoint", "speed", "size", "start", "minute"),
)
"""What calls of one slice have in common."""
_CALLS: Final = frozenset({Meter.REQUESTS, Meter.FAILED_REQUESTS})


@dataclass(frozen=True, slots=True)
class Priced:
    """A sale book and its rates by number."""

    book: Book
    rates: Mapping[int, RateRow]

    @classmethod
    def of(cls, book: Book) -> "Priced":
        """Arrange a book."""
        return cls(book, {row.rate_id: row for row in book.rows.rates})

    def pico(self, rate_id: int) -> int:
        """Return a rate's picos; an event is priced from one book, so its rates are all here."""
        return self.rates[rate_id].pico if rate_id != NO_RATE else 0


@dataclass(frozen=True, slots=True, order=True)
class Line:
    """Which calls a line of the report sums: an auto model's, of a key, answered by a model."""

    customer_id: str
    asked: str
    default_model: str
    model: str
    key_id: str
    currency: str


@dataclass(slots=True)
class Saved:
    """What the calls of a line came to, in picos; exact sums of exact charges."""

    line: Line
    calls: int = 0
    charge_pico: int = 0
    default_pico: int = 0
    calls_uncompared: int = 0
    charge_uncompared_pico: int = 0
    lacking: set[str] = field(default_factory=set)
    """What the default model has no rate for."""

    @property
    def charge(self) -> Charge:
        """What the compared calls cost."""
        return Charge(self.charge_pico, self.line.currency)

    @property
    def default_charge(self) -> Charge:
        """What they would have cost."""
        return Charge(self.default_pico, self.line.currency)

    @property
    def saving(self) -> Charge:
        """The difference; negative where the policy chose somebody dearer."""
        return Charge(self.default_pico - self.charge_pico, self.line.currency)

    def add(self, other: "Saved") -> None:
        """Take another line's sums in."""
        self.calls += other.calls
        self.charge_pico += other.charge_pico
        self.default_pico += other.default_pico
        self.calls_uncompared += other.calls_uncompared
        self.charge_uncompared_pico += other.charge_uncompared_pico
        self.lacking |= other.lacking


def compare(
    rows: Iterable[DecidedRow],
    books: Mapping[str, Priced],
    defaults: Mapping[tuple[str, int], str],
) -> list[Saved]:
    """Price every slice twice; `defaults` is by name and version."""
    lines: dict[Line, Saved] = {}
    slices: dict[tuple[object, ...], list[DecidedRow]] = {}
    for row in rows:
        slices.setdefault(_ALIKE(row), []).append(row)
    for slice_ in slices.values():
        first = slice_[0]
        asked, _, version = first.auto.rpartition("@")
        default = defaults.get((asked, int(version) if version.isdecimal() else 0), "")
        priced = books[first.sale_book]
        line = Line(
            customer_id=first.customer_id,
            asked=asked or first.auto,
            default_model=default,
            model=first.model,
            key_id=first.key_id,
            currency=priced.book.currency,
        )
        found = _slice(line, slice_, priced)
        if line in lines:
            lines[line].add(found)
        else:
            lines[line] = found
    return [lines[line] for line in sorted(lines)]


def _slice(line: Line, rows: list[DecidedRow], priced: Priced) -> Saved:
    calls = sum(row.quantity for row in rows if row.meter in _CALLS)
    charge = sum(row.quantity * priced.pico(row.sale_rate) for row in rows)
    found = Saved(line)
    if not line.default_model:
        found.lacking.add("策略版本没有记录")
        found.calls_uncompared, found.charge_uncompared_pico = calls, charge
        return found
    first = rows[0]
    rated = rate_items(
        [Item(row.item_model, Meter(row.meter), row.quantity) for row in rows],
        sale=priced.book,
        cost=None,
        sale_model=line.default_model,
        cost_prefix="",
        sale_revision=first.sale_revision,
        cost_revision=0,
        started_us=unix_us(first.started_at),
        service_tier=tier_key(first.service_tier, first.marks),
        context_tokens=first.context_tokens,
        billable=True,
        main=(first.model,),
    )
    if rated.unpriced:
        found.lacking.update(rated.unpriced)
        found.calls_uncompared, found.charge_uncompared_pico = calls, charge
        return found
    found.calls, found.charge_pico = calls, charge
    found.default_pico = sum(item.quantity * priced.pico(item.sale_rate) for item in rated.items)
    return found


def summed(lines: Iterable[Saved], *names: str) -> list[Saved]:
    """Sum lines by some of their names, and by currency; what is not named is empty."""
    sums: dict[Line, Saved] = {}
    for each in lines:
        kept = {name: getattr(each.line, name) for name in (*names, "currency")}
        line = Line(**(dict.fromkeys(Line.__slots__, "") | kept))
        sums.setdefault(line, Saved(line)).add(each)
    return [sums[line] for line in sorted(sums)]


def steps_of(books: Iterable[Priced]) -> tuple[list[int], list[int], bool]:
    """Return the sizes and the starts (Unix microseconds) at which rates change, and windows."""
    sizes: set[int] = set()
    starts: set[int] = set()
    windows = False
    for each in books:
        starts |= {revision.starts_us for revision in each.book.rows.revisions}
        for rate in each.book.rows.rates:
            sizes.add(rate.context_above)
            windows = windows or bool(rate.time_window)
    return sorted(sizes - {0}), sorted(starts), windows
