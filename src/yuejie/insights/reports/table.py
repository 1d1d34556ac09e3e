"""From usage to the rows of a report. Pure.

Money is reached once per printed figure: picos of each month and currency are converted exactly at
that month's rate and rounded together. A total is the sum of what is printed.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from yuejie.insights.reports.report import (
    FORMS,
    MEASURE_NAMES,
    TAG,
    Dimension,
    Form,
    Measure,
    Spec,
    title_of,
)
from yuejie.insights.reports.result import Cell, Column
from yuejie.insights.reports.span import GRAIN_NAMES, Days, Grain, label_of
from yuejie.insights.reports.used import UsedRow
from yuejie.kernel.errors import Invalid
from yuejie.kernel.limits import REPORT_ROWS
from yuejie.kernel.money import FX_SCALE, PICO_PER_FEN, PPM, divide
from yuejie.usage.event import split_tags
from yuejie.usage.meters import meter_name

Fx = Callable[[str, str], int]
"""The rate (10⁻⁸) from a currency to the report's, for a month label; same currency: 10⁸."""
NONE: Final = "（无）"
OTHERS: Final = "其他"
SERIES: Final = 6
"""So many series are drawn by name; the rest is one."""
BARS: Final = 12
_PER: Final = 1_000


@dataclass(frozen=True, slots=True)
class Labels:
    """What people call what usage names by ids."""

    customers: Mapping[str, str] = field(default_factory=dict)
    projects: Mapping[str, str] = field(default_factory=dict)
    departments: Mapping[str, str] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Sums:
    """What adds up; worth and cost in picos × 10⁸ of the report's currency, exact."""

    requests: int = 0
    failed: int = 0
    tokens: int = 0
    input: int = 0
    cached: int = 0
    worth: int = 0
    cost: int = 0

    def add(self, row: UsedRow, fx: Fx) -> None:
        """Add a group of usage."""
        self.requests += row.requests
        self.failed += row.failed
        self.tokens += row.tokens
        self.input += row.input
        self.cached += row.cached
        self.worth += row.pico * fx(row.currency, row.month) if row.pico else 0
        self.cost += row.cost_pico * fx(row.cost_currency, row.month) if row.cost_pico else 0

    def join(self, other: "Sums") -> None:
        """Add another's sums."""
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


Place = tuple[date, tuple[str, ...]]
"""A piece of time, and a name per dimension."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of a report, their total, and what can be drawn of them."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    total: tuple[Cell, ...]
    chart_title: str
    chart_form: Form
    chart_labels: tuple[str, ...]
    chart_series: tuple[tuple[str, tuple[int | None, ...]], ...]


def tabulate(spec: Spec, days: Days, used: Iterable[UsedRow], labels: Labels, fx: Fx) -> Table:
    """Group usage as a report asks, the greatest first within each piece of time."""
    places = _grouped(spec, used, labels, fx)
    first = spec.measures[0]
    ordered = sorted(places.items(), key=lambda each: _order(each[0], each[1], first))
    columns = _columns(spec)
    cut = spec.grain is not Grain.TOTAL
    rows = tuple(
        (
            *((label_of(bucket, spec.grain),) if cut else ()),
            *names,
            *(figure(sums, measure) for measure in spec.measures),
        )
        for (bucket, names), sums in ordered
    )
    names = len(columns) - len(spec.measures)
    total = (*([None] * names), *_totals(spec, places.values()))
    title, marks, series = _chart(spec, days, places, first)
    return Table(columns, rows, total, title, _form(first), marks, series)


def _grouped(spec: Spec, used: Iterable[UsedRow], labels: Labels, fx: Fx) -> dict[Place, Sums]:
    places: dict[Place, Sums] = defaultdict(Sums)
    for row in used:
        if all(name_of(row, each, labels) in kept for each, kept in _late(spec)):
            names = tuple(name_of(row, each, labels) for each in spec.dimensions)
            bucket = row.bucket if spec.grain is not Grain.TOTAL else date.min
            places[bucket, names].add(row, fx)
            if len(places) > REPORT_ROWS:
                raise too_big()
    return dict(places)


def too_big() -> Invalid:
    """Say that a report would have more rows than anybody reads."""
    return Invalid(
        f"报表超过 {REPORT_ROWS:,} 行，没有生成；请缩短时间段、减少维度、用更粗的粒度，或加上筛选"
    )


def _late(spec: Spec) -> list[tuple[str, tuple[str, ...]]]:
    """Return the filters that the database does not apply: those of what it does not know."""
    return [(name, kept) for name, kept in spec.filters.items() if name in LATE or name[:4] == TAG]


LATE: Final = frozenset({Dimension.DEPARTMENT, Dimension.METER, Dimension.DEPLOYMENT})


def name_of(row: UsedRow, dimension: str, labels: Labels) -> str:
    """Return what stands in a column of names."""
    if dimension.startswith(TAG):
        return split_tags(row.tags).get(dimension.removeprefix(TAG)) or NONE
    match Dimension(dimension):
        case Dimension.CUSTOMER:
            return labels.customers.get(row.customer_id, row.customer_id)
        case Dimension.PROJECT:
            return labels.projects.get(row.project_id, row.project_id)
        case Dimension.DEPARTMENT:
            return labels.departments.get(row.project_id) or NONE
        case Dimension.KEY:
            return labels.keys.get(row.key_id, row.key_id)
        case Dimension.METER:
            return meter_name(row.meter)
        case Dimension.DEPLOYMENT:
            return row.deployment_id or NONE
        case Dimension.MODEL:
            return row.model


def fen(worth: int) -> int:
    """Round picos × 10⁸ to fen, half away from zero."""
    return divide(worth, PICO_PER_FEN * FX_SCALE)


def figure(sums: Sums, measure: Measure) -> int | None:
    """Return a printed figure: fen, pieces, or parts per million."""
    margin = fen(sums.worth) - fen(sums.cost)
    match measure:
        case Measure.CHARGE:
            return fen(sums.worth)
        case Measure.COST:
            return fen(sums.cost)
        case Measure.MARGIN:
            return margin
        case Measure.MARGIN_SHARE:
            return divide(margin * PPM, fen(sums.worth)) if fen(sums.worth) > 0 else None
        case Measure.CACHE_SHARE:
            return divide(sums.cached * PPM, sums.input) if sums.input > 0 else None
        case Measure.UNIT_COST:
            calls = sums.requests
            per = PICO_PER_FEN * FX_SCALE * calls
            return divide(sums.worth * _PER, per) if calls > 0 else None
        case Measure.OUTPUT:
            return sums.tokens - sums.input
        case counted:
            return int(getattr(sums, counted))


def _totals(spec: Spec, parts: Iterable[Sums]) -> list[int | None]:
    """Return what stands below each column: sums of what is printed, and shares of all."""
    whole, printed = Sums(), dict.fromkeys(Measure, 0)
    for part in parts:
        whole.join(part)
        for measure in (Measure.CHARGE, Measure.COST, Measure.MARGIN):
            printed[measure] += figure(part, measure) or 0
    worth, margin = printed[Measure.CHARGE], printed[Measure.MARGIN]
    given = {
        Measure.CHARGE: worth,
        Measure.COST: printed[Measure.COST],
        Measure.MARGIN: margin,
        Measure.MARGIN_SHARE: divide(margin * PPM, worth) if worth > 0 else None,
    }
    return [given[each] if each in given else figure(whole, each) for each in spec.measures]


def _columns(spec: Spec) -> tuple[Column, ...]:
    cut = spec.grain is not Grain.TOTAL
    time = (Column("time", GRAIN_NAMES[spec.grain].removeprefix("按")),) if cut else ()
    return (
        *time,
        *(Column(each, title_of(each)) for each in spec.dimensions),
        *(Column(each, MEASURE_NAMES[each], _form(each)) for each in spec.measures),
    )


def _form(measure: Measure) -> Form:
    return FORMS.get(measure, Form.COUNT)


def _order(place: Place, sums: Sums, first: Measure) -> tuple[date, int, tuple[str, ...]]:
    return place[0], -(figure(sums, first) or 0), place[1]


def _chart(
    spec: Spec, days: Days, places: Mapping[Place, Sums], first: Measure
) -> tuple[str, tuple[str, ...], tuple[tuple[str, tuple[int | None, ...]], ...]]:
    """Return title, labels and series: over time if it is cut, else the greatest by name."""
    title = MEASURE_NAMES[first]
    by_name = _by(places, lambda place: place[1][0] if place[1] else title)
    ranked = sorted(by_name, key=lambda name: (-(figure(by_name[name], first) or 0), name))
    if spec.grain is Grain.TOTAL:
        shown = ranked[:BARS]
        values = tuple(figure(by_name[name], first) for name in shown)
        return title, tuple(shown), ((title, values),) if shown else ()
    buckets = days.buckets(spec.grain)
    named = ranked[:SERIES]
    over: dict[str, dict[date, Sums]] = {name: defaultdict(Sums) for name in (*named, OTHERS)}
    for (bucket, names), sums in places.items():
        name = names[0] if names else title
        over[name if name in named else OTHERS][bucket].join(sums)
    drawn = [*named, *([OTHERS] if len(ranked) > SERIES and _adds_up(first) else [])]
    series = tuple(
        (name, tuple(figure(over[name][bucket], first) for bucket in buckets)) for name in drawn
    )
    return title, tuple(label_of(each, spec.grain).split()[0] for each in buckets), series


def _adds_up(measure: Measure) -> bool:
    return _form(measure) is not Form.SHARE and measure is not Measure.UNIT_COST


def _by(places: Mapping[Place, Sums], name: Callable[[Place], str]) -> dict[str, Sums]:
    found: dict[str, Sums] = defaultdict(Sums)
    for place, sums in places.items():
        found[name(place)].join(sums)
    return found
