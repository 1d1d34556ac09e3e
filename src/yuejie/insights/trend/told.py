"""Trends and comparisons as programs read them: plain decimals, nothing rounded but ratios.

Charges, costs, margins and effects are exact decimals; unit costs, figures per day and shares are
ratios, to six and two places. What things cost us is None where a customer asks.
"""

from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from typing import Final

from yuejie.insights.trend.billed import Billed
from yuejie.insights.trend.compare import Change, Comparison, Side
from yuejie.insights.trend.effects import Decomposition, Effects
from yuejie.insights.trend.figures import Measure, Sums, charges_of, growth_text, text
from yuejie.insights.trend.series import Line, Series
from yuejie.insights.trend.span import DAY
from yuejie.kernel.money import Charge, divide, plain

_MICRO: Final = 10**6


@dataclass(frozen=True, slots=True)
class Worth:
    """An exact amount that nobody pays, or a unit cost."""

    amount: str
    currency: str

    @classmethod
    def of(cls, charge: Charge) -> "Worth":
        """Write an exact charge."""
        return cls(str(charge), charge.currency)


@dataclass(frozen=True, slots=True)
class Figures:
    """What was used in a bucket, and what is worked out of it."""

    charges: tuple[Worth, ...]
    requests: int
    failed: int
    pending: int
    tokens: int
    per_thousand: tuple[Worth, ...]
    per_mtok: tuple[Worth, ...]
    cache_share: str | None
    costs: tuple[Worth, ...] | None
    margins: tuple[Worth, ...] | None


@dataclass(frozen=True, slots=True)
class BucketTold:
    """A bucket: its label, when it is over, and whether it is."""

    label: str
    until: datetime
    over: bool


@dataclass(frozen=True, slots=True)
class LineTold:
    """A line: figures of each bucket and of all, and by how many percent the charge grew."""

    name: str
    label: str
    members: int
    figures: tuple[Figures, ...]
    total: Figures
    growth: tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class BilledTold:
    """Each bucket as it is billed, to six places, and by which rates."""

    currency: str
    amounts: tuple[str | None, ...]
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TrendTold:
    """A trend."""

    grain: str
    by: str | None
    currency: str
    buckets: tuple[BucketTold, ...]
    lines: tuple[LineTold, ...]
    whole: LineTold
    billed: BilledTold | None


def tell_trend(
    series: Series, billed: Billed | None, *, with_cost: bool, now: datetime
) -> TrendTold:
    """Write a trend."""
    buckets = tuple(BucketTold(b.label, b.until, b.over(now)) for b in series.buckets)
    return TrendTold(
        str(series.grain),
        str(series.by) if series.by else None,
        series.currency,
        buckets,
        tuple(_line(line, series, buckets, with_cost=with_cost) for line in series.lines),
        _line(series.whole, series, buckets, with_cost=with_cost),
        _billed(billed) if billed else None,
    )


def _billed(billed: Billed) -> BilledTold:
    amounts = tuple(None if each is None else ratio(each) for each in billed.amounts)
    return BilledTold(billed.currency, amounts, billed.sentences)


def growth_of(
    line: Line, measure: Measure, currency: str, over: tuple[bool, ...]
) -> list[str | None]:
    """Return by how many percent each bucket grew over the one before, where both are over."""
    values = line.values(measure, currency)
    grown: list[str | None] = [None]
    for place in range(1, len(values)):
        known = over[place] and over[place - 1]
        grown.append(growth_text(values[place - 1], values[place]) if known else None)
    return grown


def _line(
    line: Line, series: Series, buckets: tuple[BucketTold, ...], *, with_cost: bool
) -> LineTold:
    over = tuple(bucket.over for bucket in buckets)
    return LineTold(
        line.name,
        line.label,
        line.members,
        tuple(figures(sums, with_cost=with_cost) for sums in line.sums),
        figures(line.whole, with_cost=with_cost),
        tuple(growth_of(line, Measure.CHARGE, series.currency, over)),
    )


def figures(sums: Sums, *, with_cost: bool) -> Figures:
    """Write what was used in a bucket."""
    margins = [
        Charge(pico, currency)
        for currency in sorted(sums.charges)
        if (pico := sums.pico(Measure.MARGIN, currency)) is not None
    ]
    return Figures(
        charges=tuple(map(Worth.of, charges_of(sums.charges))),
        requests=sums.requests,
        failed=sums.failed,
        pending=sums.pending,
        tokens=sums.tokens,
        per_thousand=_units(sums, Measure.PER_THOUSAND),
        per_mtok=_units(sums, Measure.PER_MTOK),
        cache_share=text(sums.value(Measure.CACHE_SHARE, ""), Measure.CACHE_SHARE),
        costs=tuple(map(Worth.of, charges_of(sums.costs))) if with_cost else None,
        margins=tuple(map(Worth.of, margins)) if with_cost else None,
    )


def _units(sums: Sums, measure: Measure) -> tuple[Worth, ...]:
    written = {each: text(sums.value(measure, each), measure) for each in sorted(sums.charges)}
    return tuple(Worth(said, each) for each, said in written.items() if said is not None)


# Comparisons -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PerDay:
    """Figures per day, of the days that have begun."""

    charges: tuple[Worth, ...]
    requests: str
    tokens: str


@dataclass(frozen=True, slots=True)
class SideTold:
    """One period of a comparison; `last` is its last day."""

    label: str
    first: date
    last: date
    days: int
    figures: Figures
    per_day: PerDay | None


@dataclass(frozen=True, slots=True)
class ChangeTold:
    """One line in both periods; in how far charges changed where both are in that currency."""

    name: str
    label: str
    before: Figures
    after: Figures
    change: tuple[Worth, ...]


@dataclass(frozen=True, slots=True)
class WhyTold:
    """A charge before and after and the effects that add up to its change, exactly."""

    model: str | None
    before: str
    after: str
    change: str
    volume: str
    price: str
    mix: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why charges of a currency changed: altogether, and by model."""

    currency: str
    whole: WhyTold
    models: tuple[WhyTold, ...]


@dataclass(frozen=True, slots=True)
class ComparisonTold:
    """A comparison."""

    before: SideTold
    after: SideTold
    by: str | None
    changes: tuple[ChangeTold, ...]
    why: tuple[Explanation, ...]
    why_not: str


def tell_comparison(found: Comparison, *, with_cost: bool) -> ComparisonTold:
    """Write a comparison."""
    return ComparisonTold(
        _side(found.before, with_cost=with_cost),
        _side(found.after, with_cost=with_cost),
        str(found.by) if found.by else None,
        tuple(_change(each, found, with_cost=with_cost) for each in found.changes),
        tuple(map(_explanation, found.why)),
        found.why_not,
    )


def _side(side: Side, *, with_cost: bool) -> SideTold:
    period = side.period
    return SideTold(
        period.label,
        period.first,
        period.end - DAY,
        side.days,
        figures(side.sums, with_cost=with_cost),
        _per_day(side) if side.days else None,
    )


def _per_day(side: Side) -> PerDay:
    def daily(measure: Measure, currency: str = "") -> str:
        return ratio(side.per_day(measure, currency) or Fraction(0))

    charges = (Worth(daily(Measure.CHARGE, each), each) for each in sorted(side.sums.charges))
    return PerDay(tuple(charges), daily(Measure.REQUESTS), daily(Measure.TOKENS))


def ratio(value: Fraction) -> str:
    """Write a ratio to six places, half away from zero."""
    return plain(divide(value.numerator * _MICRO, value.denominator), _MICRO)


def _change(change: Change, found: Comparison, *, with_cost: bool) -> ChangeTold:
    changed = (
        Charge(change.after.charges.get(each, 0) - change.before.charges.get(each, 0), each)
        for each in found.currencies
        if not found.why_not
    )
    return ChangeTold(
        change.name,
        change.label,
        figures(change.before, with_cost=with_cost),
        figures(change.after, with_cost=with_cost),
        tuple(map(Worth.of, changed)),
    )


def _explanation(found: Decomposition) -> Explanation:
    currency = found.currency

    def why(model: str | None, before: int, after: int, effects: Effects) -> WhyTold:
        picos = (before, after, effects.change, effects.volume, effects.price, effects.mix)
        return WhyTold(model, *(str(Charge(pico, currency)) for pico in picos))

    return Explanation(
        currency,
        why(None, found.before, found.after, found.effects),
        tuple(why(each.model, each.before, each.after, each.effects) for each in found.models),
    )
