"""Make a report: read what was used, and say it."""

from collections.abc import Callable, Collection
from datetime import datetime
from functools import cache
from typing import Final

from yuejie.contracts.store import month_fx
from yuejie.customers.customer import Customer
from yuejie.customers.enrol import find_customer
from yuejie.customers.store import customers, keys, projects
from yuejie.db.session import Tx
from yuejie.insights.reports import store
from yuejie.insights.reports.report import TAG, Dimension, Report, Spec, title_of
from yuejie.insights.reports.result import Result
from yuejie.insights.reports.span import GRAIN_NAMES, PERIOD_NAMES, Days, Grain, days_of
from yuejie.insights.reports.table import Fx, Labels, tabulate, too_big
from yuejie.insights.reports.used import UsedQuery, UsedRow, parts_of
from yuejie.kernel.errors import Invalid
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.limits import REPORT_GROUPS
from yuejie.kernel.money import FX_SCALE, divide, plain
from yuejie.kernel.period import BillingMonth, zone_of
from yuejie.usage.meters import INPUT_SIDE, UNIT_METERS, Meter

OPERATOR: Final = "运营方"
_CACHED: Final = tuple(each for each in Meter if each.startswith("cache_read"))
_BY: Final = {
    Dimension.CUSTOMER: ("customer",),
    Dimension.PROJECT: ("project",),
    Dimension.DEPARTMENT: ("project",),
    Dimension.KEY: ("key",),
    Dimension.MODEL: ("model",),
    Dimension.METER: ("meter",),
    Dimension.DEPLOYMENT: ("deployment",),
}
"""What usage is told apart by in the database."""
_WORTH: Final = "计费额为用量 × 合同单价，不含折扣、套餐、费用与税；应付金额以账单为准"
_ROUNDED: Final = "金额逐行取整到分，合计为各行之和；划分得更细，合计可相差几分"
_COST: Final = "成本为用量 × 供应商单价，不含供应商的折扣与费用"


Tell = Callable[[int, int], None]
"""Is told how many parts of how many are read; may raise, and nothing is lost by it."""


def untold(done: int, of: int) -> None:
    """Tell nobody."""


def make(tx: Tx, report: Report, at: datetime, *, tell: Tell = untold) -> tuple[Result, Days]:
    """Return what a report says at an instant, and the days that it speaks of.

    Raises Invalid where it would be too long, where a filter names what does not exist, or where
    usage is priced in a currency without a rate for its month.
    """
    spec, days = report.spec, days_of(report.spec.period, at, report.zone)
    labels = _labels(tx, report.customer_id, spec)
    query = _query(tx, report.customer_id, spec, days)
    used = _used(tx, report.customer_id, query, tell)
    said: dict[str, str] = {}
    table = tabulate(spec, days, used, labels, _rates(tx, spec.currency, said))
    owner = OPERATOR if report.customer_id is None else _legal_name(tx, report.customer_id)
    result = Result(
        report=report.name,
        owner=owner,
        period=PERIOD_NAMES[spec.period],
        first=f"{days.first}",
        last=f"{days.last}",
        zone=report.zone,
        grain=GRAIN_NAMES[spec.grain],
        filters=tuple((title_of(name), "、".join(kept)) for name, kept in spec.filters.items()),
        currency=spec.currency,
        columns=table.columns,
        rows=table.rows,
        total=table.total,
        notes=(*_notes(spec), *(said[each] for each in sorted(said))),
        chart_title=table.chart_title,
        chart_form=table.chart_form,
        chart_labels=table.chart_labels,
        chart_series=table.chart_series,
        made_at=f"{at.astimezone(zone_of(report.zone)):%Y-%m-%d %H:%M}",
    )
    return result, days


def _used(
    tx: Tx, customer_id: CustomerId | None, query: UsedQuery, tell: Tell
) -> Collection[UsedRow]:
    """Read what was used part by part; groups of two parts that are told apart by nothing are one.

    Raises Invalid where there are too many groups, as soon as that is known.
    """
    numbers = store.dimensions(tx, customer_id)
    parts = parts_of(query, numbers.low, numbers.high)
    found: dict[tuple[object, ...], UsedRow] = {}
    for number, part in enumerate(parts):
        tell(number, len(parts))
        for row in store.used(tx, customer_id, part, limit=REPORT_GROUPS + 1):
            known = found.get(row.key)
            found[row.key] = known.plus(row) if known else row
        if len(found) > REPORT_GROUPS:
            raise too_big()
    tell(len(parts), len(parts))
    return found.values()


def _notes(spec: Spec) -> tuple[str, ...]:
    return (_WORTH, _ROUNDED, *((_COST,) if spec.shows_cost else ()))


def _legal_name(tx: Tx, customer_id: CustomerId) -> str:
    return find_customer(tx, customer_id).legal_name


def _query(tx: Tx, customer_id: CustomerId | None, spec: Spec, days: Days) -> UsedQuery:
    named = {*spec.dimensions, *spec.filters}
    by = {part for each in named if each in _BY for part in _BY[Dimension(each)]}
    by |= {"tags"} if any(each.startswith(TAG) for each in named) else set()
    cut = "month" if spec.grain is Grain.TOTAL else str(spec.grain)
    return UsedQuery(
        cut=cut,
        zone=days.zone,
        since=days.since,
        until=days.until,
        months=days.months,
        by=frozenset(by),
        costs=spec.shows_cost,
        customers=_ids(spec, Dimension.CUSTOMER, lambda name: find_customer(tx, name).customer_id),
        projects=_of_customer(tx, customer_id, spec, Dimension.PROJECT),
        keys=_of_customer(tx, customer_id, spec, Dimension.KEY),
        models=list(spec.filters[Dimension.MODEL]) if Dimension.MODEL in spec.filters else None,
        pieces=[str(each) for each in UNIT_METERS],
        input_side=[str(each) for each in INPUT_SIDE],
        cached=[str(each) for each in _CACHED],
    )


def _ids(spec: Spec, dimension: Dimension, find: Callable[[str], str]) -> list[str] | None:
    if dimension not in spec.filters:
        return None
    return [find(name) for name in spec.filters[dimension]]


def _of_customer(
    tx: Tx, customer_id: CustomerId | None, spec: Spec, dimension: Dimension
) -> list[str] | None:
    """Return the ids of what a filter names; a customer's own, or anybody's for the operator."""
    if dimension not in spec.filters:
        return None
    wanted = set(spec.filters[dimension])
    found = [
        thing
        for party in _parties(tx, customer_id, spec)
        for thing, names in _named(tx, party.customer_id, dimension)
        if wanted & names
    ]
    if not found:
        raise Invalid(
            f"报表筛选的{title_of(dimension)}“{'、'.join(spec.filters[dimension])}”不存在，请核对后重试"
        )
    return found


def _named(tx: Tx, customer_id: CustomerId, dimension: Dimension) -> list[tuple[str, set[str]]]:
    if dimension is Dimension.PROJECT:
        return [
            (each.project_id, {each.project_id, each.name}) for each in projects(tx, customer_id)
        ]
    return [(each.key_id, {each.key_id, each.name}) for each in keys(tx, customer_id)]


def _parties(tx: Tx, customer_id: CustomerId | None, spec: Spec) -> list[Customer]:
    """Return whose projects and keys may be named."""
    if customer_id is not None:
        return [find_customer(tx, customer_id)]
    chosen = spec.filters.get(Dimension.CUSTOMER)
    return [find_customer(tx, name) for name in chosen] if chosen else customers(tx)


def _labels(tx: Tx, customer_id: CustomerId | None, spec: Spec) -> Labels:
    named = {*spec.dimensions, *spec.filters}
    places: dict[str, str] = {}
    departments: dict[str, str] = {}
    keyed: dict[str, str] = {}
    parties = _parties(tx, customer_id, spec)
    for each in parties:
        if named & {Dimension.PROJECT, Dimension.DEPARTMENT}:
            for project in projects(tx, each.customer_id):
                places[project.project_id] = project.name
                departments[project.project_id] = project.department
        if Dimension.KEY in named:
            for key in keys(tx, each.customer_id):
                keyed[key.key_id] = f"{key.name}（{key.hint}）"
    return Labels(
        customers={each.customer_id: each.legal_name for each in parties},
        projects=places,
        departments=departments,
        keys=keyed,
    )


def _rates(tx: Tx, currency: str, said: dict[str, str]) -> Fx:
    """Return the rates into the report's currency; each that is used is said in `said`."""

    @cache
    def rate(base: str, month: str) -> int:
        if base == currency:
            return FX_SCALE
        label = BillingMonth.parse(month)
        turned = (base, currency) == ("CNY", "USD")
        pair = (currency, base) if turned else (base, currency)
        found = month_fx(tx, base=pair[0], quote=pair[1], month=label)
        e8 = divide(FX_SCALE * FX_SCALE, found.rate.e8) if turned else found.rate.e8
        said[month] = (
            f"{month} 按 {found.on_date} 的汇率 1 {base} = {plain(e8, FX_SCALE)} {currency}"
            f"（{found.source}）折算"
        )
        return e8

    return rate
