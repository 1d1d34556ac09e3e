"""A month of a provider account, told by the provider as we counted it, for tests to falsify."""

from collections import defaultdict
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from yuejie.assurance.reconcile.compare import compare
from yuejie.assurance.reconcile.difference import Cause, Difference, Reconciled
from yuejie.assurance.reconcile.sides import Ours, Told, Used
from yuejie.kernel.period import BillingMonth

OCTOBER = BillingMonth(2026, 10)
MODEL = "gpt-4o"
RATES = {"input": 2_500_000, "cache_read": 1_250_000, "output": 10_000_000, "requests": 0}
"""Picos per unit: 2.50, 1.25 and 10.00 USD per million tokens."""
METERS = frozenset(RATES)
DRAWN = datetime(2026, 11, 5, tzinfo=UTC)

Cell = tuple[date, str, str]


def used(meter: str, hour: datetime, quantity: int, model: str = MODEL, **more: bool) -> Used:
    return Used(model, meter, hour, quantity, quantity * RATES[meter], **more)


def hours_of_use(model: str = MODEL) -> list[Used]:
    """Every hour from two days before October to two days after, each a little different."""
    first = datetime(2026, 9, 29, tzinfo=UTC)
    found = []
    for n in range(35 * 24):
        hour = first + timedelta(hours=n)
        calls = 20 + (n * 2_654_435_761 >> 7) % 13 + (12 if 1 <= hour.hour <= 10 else 0)
        found += [
            used("requests", hour, calls, model),
            used("input", hour, calls * 900, model),
            used("cache_read", hour, calls * 300, model),
            used("output", hour, calls * 250, model),
        ]
    return found


def daily(entries: list[Used], zone: str = "UTC") -> dict[Cell, int]:
    """Sum quantities up by the days of a zone, October only."""
    sums: dict[Cell, int] = defaultdict(int)
    for each in entries:
        day = each.hour.astimezone(ZoneInfo(zone)).date()
        if OCTOBER.first_day <= day <= OCTOBER.last_day:
            sums[day, each.model, each.meter] += each.quantity
    return dict(sums)


def priced(quantities: dict[Cell, int]) -> dict[Cell, int]:
    return {cell: n * RATES[cell[2]] for cell, n in quantities.items() if RATES[cell[2]]}


def told(
    quantities: dict[Cell, int] | None,
    picos: dict[Cell, int] | None = None,
    *,
    meters: frozenset[str] = METERS,
    zone: str = "UTC",
    grain_pico: int = 1,
    as_of: datetime = DRAWN,
) -> Told:
    return Told(
        quantities=quantities,
        picos=picos,
        lines=dict.fromkeys(picos or {}, 1),
        meters=meters if quantities is not None else frozenset(),
        folds={"reasoning": "output"},
        zone=zone,
        currency="USD",
        grain_pico=grain_pico,
        as_of=as_of,
    )


def run(entries: list[Used], report: Told, **more: object) -> Reconciled:
    ours = replace(Ours(tuple(entries), "USD"), **more)  # type: ignore[arg-type]  # named fields
    return compare("sim", OCTOBER, ours, report)


def causes(found: Reconciled) -> dict[Cause, int]:
    """Return how much of each cause was found: quantities, and amounts where none."""
    sums: dict[Cause, int] = defaultdict(int)
    for each in found.differences:
        sums[each.cause] += abs(each.quantity) or abs(each.pico)
    return dict(sums)


def of_cell(found: Reconciled, cell: Cell) -> list[Difference]:
    return [d for d in found.differences if (d.day, d.model, d.meter) == cell]
