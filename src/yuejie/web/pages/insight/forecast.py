"""Forecasts: what this month and the next three come to, when budgets run out, how good it was."""

import re
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from yuejie.customers.store import keys, projects
from yuejie.insights.forecast.exhaust import foresee_all
from yuejie.insights.forecast.figures import MEASURE_NAMES, Day, Exhaustion, Forecast, Measure, Told
from yuejie.kernel.money import CURRENCIES
from yuejie.kernel.period import zone_of
from yuejie.web.desk import Db, Now
from yuejie.web.pages.budgets import written_amount
from yuejie.web.pages.frame.draw import caller_of, draw
from yuejie.web.pages.frame.entry import visit
from yuejie.web.pages.frame.words import amount, grouped
from yuejie.web.pages.insight.whom import Blank, choose, query_of, whom

routes: Final = APIRouter(include_in_schema=False, dependencies=[Depends(visit)])

Named = Annotated[str | None, Blank]
_ID: Final = re.compile(r"\b(?:prj|key)_\w+")
_THOUSAND: Final = 1_000


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure to come as people read it; `narrow` holds four times in five, `wide` 19 in 20."""

    middle: str
    narrow: str
    wide: str


@routes.get("/forecast")
def forecast(
    request: Request,
    db: Db,
    now: Now,
    measure: Measure = Measure.MONEY,
    project: Named = None,
    model: Named = None,
    customer: str = "",
) -> Response:
    """Show what is to come, with ranges, and what became of forecasts made in the past."""
    caller = caller_of(request)
    party = whom(db, caller, customer)
    if party is None:
        return choose(request, db, "预测")
    found, ends = foresee_all(
        db, party.customer_id, measure=measure, project=project, model=model, now=now
    )
    with db.read() as tx:
        tree, ring = projects(tx, party.customer_id), keys(tx, party.customer_id)
    names: dict[str, str] = {each.project_id: each.name for each in tree}
    names |= {each.key_id: f"{each.name} …{each.hint}" for each in ring}
    unit = found.unit
    return draw(
        request,
        "insight/forecast.html",
        zone=zone_of(party.zone),
        customer=party,
        asked={"measure": measure, "project": project or "", "model": model or ""},
        measures=MEASURE_NAMES,
        projects=tree,
        found=found,
        unit=unit if unit in CURRENCIES else "",
        places=2 if unit in CURRENCIES else 0,
        months=[
            (each, figure_of(each.told, unit), written(each.used, unit), _rate(each.run_rate, unit))
            for each in found.months
        ],
        series=series_of(found),
        trials=[
            (
                each,
                written(round(each.told.middle), unit),
                written(round(each.naive), unit),
                written(round(each.came), unit),
            )
            for each in (found.proof.trials if found.proof else ())
        ],
        miss=share(found.proof.miss if found.proof else None),
        naive_miss=share(found.proof.naive_miss if found.proof else None),
        ends=[(each, ends_of(each, names)) for each in ends],
        query=query_of(request, party),
        with_customer=caller.is_operator,
    )


def written(number: int, unit: str) -> str:
    """Write a figure: fen of a currency as an amount, anything else in whole pieces."""
    return amount(number) if unit in CURRENCIES else grouped(number)


def share(of: float | None) -> str:
    """Write a share of what came in percent, to one place."""
    if of is None:
        return "—"
    thousandths = round(of * _THOUSAND)
    return f"{thousandths // 10}.{thousandths % 10}%"


def figure_of(told: Told, unit: str) -> Figure:
    """Write a figure to come with its ranges."""

    def between(low: int | None, high: int | None) -> str:
        if low is None or high is None:
            return "—"
        return f"{written(low, unit)} – {written(high, unit)}"

    return Figure(
        written(told.middle, unit),
        between(told.low80, told.high80),
        between(told.low95, told.high95),
    )


def ends_of(each: Exhaustion, names: dict[str, str]) -> dict[str, str]:
    """Write an allowance that will be used up, or not; projects and keys as people call them."""
    return {
        "scope": _ID.sub(lambda found: names.get(found[0], found[0]), each.scope),
        "cap": written_amount(each.cap, each.measure, each.unit),
        "spent": written_amount(each.spent, each.measure, each.unit),
        "told": written_amount(each.told.middle, each.measure, each.unit) if each.told else "—",
    }


def _rate(number: int | None, unit: str) -> str:
    return "—" if number is None else written(number, unit)


def series_of(found: Forecast) -> list[dict[str, object]]:
    """Return the days as a chart has them: used, expected, and the range around what is expected.

    The range is two lines on top of each other: its lower end, unseen, and how wide it is.
    """
    days = found.days
    used = [each.used if each.told is None or each.used else None for each in days]
    middle = [_whole(each, "middle") for each in days]
    low = [_whole(each, "low80") for each in days]
    high = [_whole(each, "high80") for each in days]
    wide = [
        None if low_ is None or high_ is None else high_ - low_
        for low_, high_ in zip(low, high, strict=True)
    ]
    said = [
        ""
        if low_ is None or high_ is None
        else f"{written(low_, found.unit)} – {written(high_, found.unit)}"
        for low_, high_ in zip(low, high, strict=True)
    ]
    return [
        {"name": "已用", "fen": used, "as": "bar"},
        {"name": "预计", "fen": middle, "as": "line"},
        {"name": "下限", "fen": low, "as": "line", "stack": "range", "shade": 0, "ghost": True},
        {
            "name": "80%% 区间",
            "fen": wide,
            "as": "line",
            "stack": "range",
            "shade": 0.25,
            "said": said,
        },
    ]


def _whole(day: Day, name: str) -> int | None:
    """Return a figure of the whole day: of today, what was used already is on top."""
    if day.told is None:
        return None
    value: int | None = getattr(day.told, name)
    return None if value is None else day.used + value
