"""Price past usage under a plan, month by month: what it would have cost here. Pure.

By today's prices, or by those of the time; on the models it was used on, or on others. What has no
price is named and never guessed. Under a contract's own prices and terms a closed month comes to
its bill, to the fen.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from yuejie.bills.bill import LineKind
from yuejie.kernel.period import BillingMonth
from yuejie.presales.quote import MonthCost, Plan
from yuejie.presales.reckon.month import Agreed, Reckoned, Used, reckon
from yuejie.presales.reckon.tariff import Pricebook
from yuejie.presales.reckon.terms import Spot
from yuejie.presales.reckon.traced import Place, trace_month
from yuejie.presales.replay.usage import Cell, CellKey
from yuejie.presales.trace import Tracing
from yuejie.usage.event import Item
from yuejie.usage.meters import Meter, meter_name


@dataclass(frozen=True, slots=True)
class Rerun:
    """Past usage under one plan: its months as bills would stand, and what has no price."""

    used: Mapping[BillingMonth, Used]
    months: Mapping[BillingMonth, Reckoned]
    costs: tuple[MonthCost, ...]
    unpriced: tuple[str, ...]

    def total(self, *kinds: LineKind) -> int:
        """Return what lines of some kinds come to over all months, in fen."""
        return sum(each.of(*kinds) for each in self.months.values())


@dataclass(frozen=True, slots=True)
class Past:
    """What is replayed: the cells of a file, known by its hash and by what it was called."""

    cells: tuple[Cell, ...]
    sha256: str
    file: str = ""
    spans: Mapping[tuple[str, str, str], tuple[int, int]] = field(default_factory=dict)
    """The first and the last line of the file, by month, model and meter."""

    @classmethod
    def of(cls, cells: Iterable[Cell], sha256: str, file: str) -> "Past":
        """Gather cells with the lines they sum."""
        known, spans = tuple(cells), dict[tuple[str, str, str], tuple[int, int]]()
        for each in known:
            if each.first_line is not None and each.last_line is not None:
                key = (each.key.month, each.key.model, each.meter)
                first, last = spans.get(key, (each.first_line, each.last_line))
                spans[key] = min(first, each.first_line), max(last, each.last_line)
        return cls(known, sha256, file, spans)

    @property
    def months(self) -> tuple[BillingMonth, ...]:
        """The months in which something was used, in order."""
        return tuple(sorted({BillingMonth.parse(each.key.month) for each in self.cells}))

    def lines(self, month: BillingMonth, models: Iterable[str], meter: str) -> str:
        """Say on which lines of the file some models' quantities of a month stand."""
        keys = [(str(month), model, meter) for model in models]
        spans = [self.spans[key] for key in keys if key in self.spans]
        if not spans:
            return self.file
        first, last = min(first for first, _ in spans), max(last for _, last in spans)
        return (
            f"{self.file} 第 {first} 行" if first == last else f"{self.file} 第 {first}–{last} 行"
        )


def use_cells(
    cells: Iterable[Cell], book: Pricebook, models: Mapping[str, str]
) -> dict[BillingMonth, Used]:
    """Rate every cell under a book; `models` says on which of ours it would have run."""
    items: dict[CellKey, list[Item]] = {}
    for cell in cells:
        model = models.get(cell.key.model, cell.key.model)
        items.setdefault(cell.key, []).append(Item(model, Meter(cell.meter), cell.quantity))
    found: dict[BillingMonth, Used] = {}
    for key, own in sorted(items.items()):
        priced = book.rate(
            models.get(key.model, key.model),
            own,
            started_us=key.started_us,
            service_tier=key.service_tier,
            context_tokens=key.context_tokens,
        )
        used = found.setdefault(BillingMonth.parse(key.month), Used())
        used.add(priced, book.cost_fx_e8, project=key.project)
    return found


def held_from(agreed: Agreed, month: BillingMonth) -> Agreed:
    """Return what a plan would have agreed, had it begun with a past month, for as long."""
    first, terms = month.first_day, agreed.terms
    if terms.ends_on is not None:
        years = terms.ends_on.year - agreed.since.year
        terms = replace(terms, ends_on=first.replace(year=first.year + years))
    return replace(agreed, terms=terms, since=first)


def rerun(
    past: Past, book: Pricebook, agreed: Agreed, plan: Plan, models: Mapping[str, str]
) -> Rerun:
    """Reckon past usage under a plan, without a trace."""
    used = use_cells(past.cells, book.under(plan.pricing), models)
    months = reckon(used, book.under(plan.pricing), agreed)
    gaps = sorted({gap for each in used.values() for gap in each.unpriced})
    return Rerun(used, months, (), tuple(gaps))


def rerun_traced(
    past: Past,
    book: Pricebook,
    agreed: Agreed,
    plan: Plan,
    models: Mapping[str, str],
    tracing: Tracing,
    prefix: str,
) -> Rerun:
    """Reckon past usage under a plan and note every figure under a prefix."""
    found = rerun(past, book, agreed, plan, models)
    costs = tuple(
        trace_month(
            tracing,
            Place(
                Spot(f"{prefix}.", str(month), "", f"{plan.name} · {month} 历史用量", plan.name),
                plan.pricing,
                book.sale.by_id,
            ),
            found.months[month],
            found.used[month],
            _quantities(tracing, found.used[month], month, past, models),
            book.under(plan.pricing),
            agreed,
        )
        for month in sorted(found.months)
    )
    return Rerun(found.used, found.months, costs, found.unpriced)


def _quantities(
    tracing: Tracing, used: Used, month: BillingMonth, past: Past, models: Mapping[str, str]
) -> dict[tuple[str, str, str, int], str]:
    """Name the quantities; on other models than they were used on, the names say which."""
    moved = ",".join(f"{there}={here}" for there, here in sorted(models.items()))
    stem = f"usage[{moved}]" if moved else "usage"
    own = {each.key.model for each in past.cells}
    return {
        key: tracing.given(
            ".".join((stem, str(month), *map(str, key))),
            f"{month} {key[1]} {meter_name(key[2])}（历史用量）",
            quantity,
            "token",
            f"file:{past.sha256}",
            words=past.lines(month, {m for m in own if models.get(m, m) == key[1]}, key[2]),
        )
        for key, quantity in used.quantities.items()
    }
