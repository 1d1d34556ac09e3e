"""Forecasts: what months, hours and allowances will come to."""

from typing import Annotated, Final

from fastapi import Query

from yuejie.customers.enrol import find_customer
from yuejie.db.session import Database
from yuejie.insights.forecast.exhaust import exhaustions
from yuejie.insights.forecast.figures import Measure
from yuejie.insights.forecast.foresee import HOURS, HOURS_MAX, foresee, foresee_hours
from yuejie.kernel.ids import CustomerId
from yuejie.web.auth import AnyCaller, Caller, guarded, whose
from yuejie.web.desk import Db, Now
from yuejie.web.shapes.insight.forecast import ExhaustionOut, ForecastOut, HoursOut
from yuejie.web.shapes.wire import Name

routes: Final = guarded("预测", prefix="/customers/{customer}/forecast")
Project = Annotated[Name | None, Query(description="只看一个项目（含下级）")]
Model = Annotated[Name | None, Query(description="只看一个模型")]
Which = Annotated[Measure, Query(description="费用、token 或请求")]
Ahead = Annotated[int, Query(ge=1, le=HOURS_MAX, description="预测几个小时")]


def _own(db: Database, caller: Caller, customer: str) -> CustomerId:
    with db.read() as tx:
        return find_customer(tx, str(whose(tx, caller, customer))).customer_id


@routes.get("", summary="预测本月底与今后三个月")
def get_forecast(
    db: Db,
    caller: AnyCaller,
    now: Now,
    customer: Name,
    project: Project = None,
    model: Model = None,
    measure: Which = Measure.MONEY,
) -> ForecastOut:
    """本月底会用多少、今后三个月，带 80 % 与 95 % 区间和回测误差；费用按售价计，未计合同条款。"""
    found = foresee(
        db, _own(db, caller, customer), measure=measure, project=project, model=model, now=now
    )
    return ForecastOut.of(found)


@routes.get("/hours", summary="预测今后几天逐时的用量")
def get_hours(
    db: Db,
    caller: AnyCaller,
    now: Now,
    customer: Name,
    project: Project = None,
    model: Model = None,
    measure: Which = Measure.TOKENS,
    hours: Ahead = HOURS,
) -> HoursOut:
    """以往一周与今后的小时，带区间和回测误差。"""
    found = foresee_hours(
        db,
        _own(db, caller, customer),
        measure=measure,
        project=project,
        model=model,
        ahead=hours,
        now=now,
    )
    return HoursOut.of(found)


@routes.get("/budgets", summary="预测各额度何时用完")
def get_exhaustions(db: Db, caller: AnyCaller, now: Now, customer: Name) -> list[ExhaustionOut]:
    """每个费用、token 与请求的额度最可能在何时用完，或本周期内不会。"""
    found = exhaustions(db, _own(db, caller, customer), now=now)
    return [ExhaustionOut.of(each) for each in found]
