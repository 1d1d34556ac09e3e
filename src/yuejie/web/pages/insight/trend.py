"""Trends of usage and charges, and why a charge is not what it was: volume, price, mix."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from yuejie.customers.customer import Customer
from yuejie.db.session import Database
from yuejie.insights.trend.billed import Billed, show_trend
from yuejie.insights.trend.compare import Comparison, Periods, Side, show_comparison
from yuejie.insights.trend.figures import ADDITIVE, MEASURE_NAMES, OPERATORS, Measure
from yuejie.insights.trend.paper import cell, effects_in_fen
from yuejie.insights.trend.places import BY_NAMES, By, Filter
from yuejie.insights.trend.series import EMPTY, Asked, Line, Series, refuse_operators
from yuejie.insights.trend.span import GRAIN_NAMES, Grain, parse_period
from yuejie.insights.trend.told import growth_of
from yuejie.kernel.money import Money
from yuejie.kernel.period import BillingMonth, zone_of
from yuejie.web.desk import Db, Now
from yuejie.web.pages.frame.draw import caller_of, draw
from yuejie.web.pages.frame.entry import visit
from yuejie.web.pages.frame.words import grouped, money
from yuejie.web.pages.insight.whom import Blank, choose, query_of, whom

routes: Final = APIRouter(include_in_schema=False, dependencies=[Depends(visit)])

TOP: Final = 5
"""Lines that are drawn; what is beyond becomes one."""
MODELS: Final = 12
"""Models of which a comparison tells why; the others are one row."""
PLACES: Final = {
    Measure.TOKENS: 0,
    Measure.REQUESTS: 0,
    Measure.PER_THOUSAND: 4,
    Measure.PER_MTOK: 4,
    Measure.CACHE_SHARE: 1,
}
"""Decimals of a measure that is no money."""
MONEY_PLACES: Final = 2


@dataclass(frozen=True, slots=True)
class Column:
    """A line of a trend as it is shown, its buckets in order; `points` are for the chart."""

    label: str
    cells: list[str]
    total: str
    points: list[int | None]


class Question(BaseModel):
    """What the page is asked."""

    grain: Grain = Grain.MONTH
    measure: Measure = Measure.CHARGE
    by: Annotated[By | None, Blank] = None
    before: Annotated[str, Field(max_length=100)] = ""
    after: Annotated[str, Field(max_length=100)] = ""
    customer: Annotated[str, Field(max_length=200)] = ""


@routes.get("/trend")
def trend(
    request: Request,
    db: Db,
    now: Now,
    question: Annotated[Question, Query()],
) -> Response:
    """Show a measure over months, weeks, days or hours, and compare two periods."""
    caller = caller_of(request)
    measure, by = question.measure, question.by
    refuse_operators(measure, is_operator=caller.is_operator)
    party = whom(db, caller, question.customer)
    if party is None:
        return choose(request, db, "趋势")
    series, billed = show_trend(db, party, Asked(grain=question.grain, by=by), now=now)
    shown = series.top(TOP, measure)
    columns = [_column(line, measure, series.currency) for line in (*shown.lines, shown.whole)]
    periods = periods_of(party, question, now)
    return draw(
        request,
        "insight/trend.html",
        zone=zone_of(party.zone),
        customer=party,
        asked={"grain": question.grain, "measure": measure, "by": by or ""},
        grains=GRAIN_NAMES,
        measures={
            m: n for m, n in MEASURE_NAMES.items() if caller.is_operator or m not in OPERATORS
        },
        dimensions=BY_NAMES,
        buckets=[(bucket.label, bucket.over(now)) for bucket in shown.buckets],
        columns=columns,
        used=shown.whole.whole != EMPTY,
        growth=_growth(shown, measure, now),
        others=[name for name in series.currencies if name != series.currency],
        billed=billed if measure is Measure.CHARGE else None,
        billed_cells=_billed(billed),
        unit=unit_of(measure, series.currency),
        places=PLACES.get(measure, MONEY_PLACES),
        stacked=measure in ADDITIVE,
        periods=periods,
        compared=_compared(db, party, periods, now),
        query=query_of(request, party),
        with_customer=caller.is_operator,
    )


def periods_of(party: Customer, question: Question, now: datetime) -> tuple[str, str]:
    """Return which periods are compared: those asked for, else the last month and this one."""
    month = BillingMonth.of(now, zone_of(party.zone))
    return question.before.strip() or str(month.previous), question.after.strip() or str(month)


def unit_of(measure: Measure, currency: str) -> str:
    """Return what a measure is counted in."""
    if measure in {Measure.TOKENS, Measure.REQUESTS}:
        return ""
    return "%" if measure is Measure.CACHE_SHARE else currency


def _billed(billed: Billed | None) -> list[str]:
    """Write each bucket as it is billed; a dash where a rate is missing."""
    if billed is None:
        return []
    return [_written(each, Measure.CHARGE, billed.currency) for each in billed.amounts]


def _growth(series: Series, measure: Measure, now: datetime) -> list[str | None]:
    over = tuple(bucket.over(now) for bucket in series.buckets)
    return growth_of(series.whole, measure, series.currency, over)


def _column(line: Line, measure: Measure, currency: str) -> Column:
    values = line.values(measure, currency)
    return Column(
        line.label,
        [_written(value, measure, currency) for value in values],
        _written(line.whole.value(measure, currency), measure, currency),
        [_point(value, measure, currency) for value in values],
    )


def _written(value: Fraction | None, measure: Measure, currency: str) -> str:
    """Write a measure with 千分位; money without its currency, which the head names."""
    found = cell(value, measure, currency)
    if found is None:
        return "—"
    return f"{Decimal(found.amount):,}" if isinstance(found, Money) else f"{found:,}"


def _point(value: Fraction | None, measure: Measure, currency: str) -> int | None:
    """Return a point of a chart: a whole number of the smallest piece that is shown."""
    found = cell(value, measure, currency)
    if isinstance(found, Money):
        return found.fen
    if isinstance(found, Decimal):
        return int(found.scaleb(PLACES[measure]))
    return found


def _compared(
    db: Database, party: Customer, periods: tuple[str, str], now: datetime
) -> dict[str, object]:
    """Compare two periods in fen: sides, and by currency the effects, which add up."""
    asked = Periods(parse_period(periods[0]), parse_period(periods[1]))
    found = show_comparison(db, party, asked, wanted=Filter(), now=now)
    return {
        "sides": [_side(found.before, found), _side(found.after, found)],
        "why": [(each.currency, effects_in_fen(each, MODELS)) for each in found.why],
        "why_not": found.why_not,
    }


def _side(side: Side, found: Comparison) -> dict[str, object]:
    charges: list[str] = []
    daily: list[str] = []
    for currency in found.currencies:
        for measured, into in (
            (side.sums.value(Measure.CHARGE, currency), charges),
            (side.per_day(Measure.CHARGE, currency), daily),
        ):
            written = cell(measured, Measure.CHARGE, currency)
            into.append(money(written) if isinstance(written, Money) else "—")
    return {
        "label": side.period.label,
        "days": side.days,
        "charges": charges,
        "daily": daily,
        "requests": grouped(side.sums.requests),
        "tokens": grouped(side.sums.tokens),
    }
