"""Trends of usage and charges, and comparisons of two periods."""

from typing import Annotated, Final

from fastapi import Query

from yuejie.customers.customer import Customer
from yuejie.customers.enrol import find_customer
from yuejie.db.session import Database
from yuejie.insights.trend.billed import show_trend
from yuejie.insights.trend.compare import Periods, show_comparison
from yuejie.insights.trend.series import refuse_operators
from yuejie.insights.trend.span import parse_period
from yuejie.insights.trend.told import tell_comparison, tell_trend
from yuejie.web.auth import AnyCaller, Caller, guarded, whose
from yuejie.web.desk import Db, Now
from yuejie.web.shapes.insight.trend import (
    ComparisonOut,
    ComparisonQuestion,
    TrendOut,
    TrendQuestion,
)
from yuejie.web.shapes.wire import Name

routes: Final = guarded("趋势", prefix="/customers/{customer}/trend")


@routes.get("", summary="查看趋势")
def get_trend(
    db: Db, caller: AnyCaller, now: Now, customer: Name, asked: Annotated[TrendQuestion, Query()]
) -> TrendOut:
    """按月、周、日、小时的费用、token、请求、单位费用、缓存命中率，可按任意维度分。"""
    refuse_operators(asked.measure, is_operator=caller.is_operator)
    series, billed = show_trend(db, _own(db, caller, customer), asked.asked(), now=now)
    shown = series.top(asked.top, asked.measure)
    told = tell_trend(shown, billed, with_cost=caller.is_operator, now=now)
    return TrendOut.model_validate(told)


@routes.get("/comparison", summary="比较两个时段")
def get_comparison(
    db: Db,
    caller: AnyCaller,
    now: Now,
    customer: Name,
    asked: Annotated[ComparisonQuestion, Query()],
) -> ComparisonOut:
    """任意两个时段相比；费用的变化分解为用量、价格、结构，精确相加。"""
    periods = Periods(parse_period(asked.before), parse_period(asked.after))
    found = show_comparison(
        db,
        _own(db, caller, customer),
        periods,
        by=asked.by,
        tag_name=asked.tag_name,
        wanted=asked.filter(),
        now=now,
    )
    return ComparisonOut.model_validate(tell_comparison(found, with_cost=caller.is_operator))


def _own(db: Database, caller: Caller, customer: str) -> Customer:
    """Return the customer whose usage it is; a stranger hears that there is none."""
    with db.read() as tx:
        return find_customer(tx, str(whose(tx, caller, customer)))
