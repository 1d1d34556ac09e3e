"""Saved reports: what there is, what was made of each, and the schedule on which it comes."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from yuejie.customers.store import customers
from yuejie.insights.reports import store
from yuejie.insights.reports.keep import add_report, end_report, find_report
from yuejie.insights.reports.report import (
    DIMENSION_NAMES,
    MEASURE_NAMES,
    OF_COST,
    OPERATORS,
    Measure,
    ReportDraft,
    Spec,
    title_of,
)
from yuejie.insights.reports.report import (
    Form as Writing,
)
from yuejie.insights.reports.result import Column, Result
from yuejie.insights.reports.run import kept_result
from yuejie.insights.reports.schedule import EVERY_NAMES, Every, Schedule
from yuejie.insights.reports.span import GRAIN_NAMES, PERIOD_NAMES, Grain, Period
from yuejie.jobs.job import Job, JobState
from yuejie.jobs.kinds.make_report import order_report_run, run_id_of
from yuejie.jobs.start import find_job
from yuejie.kernel.errors import Invalid, NotFound
from yuejie.kernel.period import zone_of
from yuejie.web.auth import whose
from yuejie.web.cursor import PAGE, Window
from yuejie.web.desk import Db, Now
from yuejie.web.pages.frame.draw import HOUSE_ZONE, caller_of, draw, go
from yuejie.web.pages.frame.entry import refuse_strangers, visit
from yuejie.web.pages.frame.words import amount, grouped, percent
from yuejie.web.pages.ops.jobs import begin, far_of, reloaded

routes: Final = APIRouter(include_in_schema=False, prefix="/reports", dependencies=[Depends(visit)])
ours: Final = [Depends(refuse_strangers)]
CURRENCIES: Final = {"CNY": "CNY", "USD": "USD"}
Typed = Annotated[str, Field(max_length=200)]


class Wanted(BaseModel):
    """The form of a new report, as it was filled in."""

    name: Typed = ""
    dimension: Typed = "model"
    second: Typed = ""
    measures: list[Typed] = Field(default_factory=list, max_length=20)
    grain: Typed = "total"
    period: Typed = "last_month"
    currency: Typed = "CNY"
    only: Typed = ""
    value: Typed = ""
    every: Typed = ""
    hour: Typed = "8"
    on: Typed = ""
    workdays: Typed = ""

    def draft(self) -> ReportDraft:
        """Return what the verb takes. Raises Invalid for what no page offers."""
        try:
            spec = Spec(
                dimensions=tuple(each for each in (self.dimension, self.second) if each),
                measures=tuple(Measure(each) for each in self.measures),
                filters={self.only: (self.value.strip(),)} if self.only and self.value else {},
                grain=Grain(self.grain),
                period=Period(self.period),
                currency=self.currency,
            )
            schedule = self._schedule()
        except ValueError:
            raise Invalid("报表的选项不认识，请在页面上选择；时刻与日子应为整数") from None
        return ReportDraft(name=self.name, spec=spec, schedule=schedule)

    def _schedule(self) -> Schedule | None:
        if not self.every:
            return None
        every = Every(self.every)
        on = int(self.on or 1) if every is not Every.DAY else None
        return Schedule(every=every, hour=int(self.hour), on=on, workdays=bool(self.workdays))


@routes.get("")
def list_reports(
    request: Request, db: Db, customer: str = "", ended: str = "", cursor: str | None = None
) -> Response:
    """Show saved reports, the oldest first, and the form of a new one."""
    caller = caller_of(request)
    window = Window.read("page:reports", cursor, PAGE)
    with db.read() as tx:
        customer_id = whose(tx, caller, customer or None)
        found = store.reports(
            tx, customer_id, ended=bool(ended), after=window.after, limit=window.fetch
        )
        everybody = customers(tx) if caller.is_operator else []
    shown = found[:PAGE]
    cost = not caller.is_operator or bool(customer)
    return draw(
        request,
        "study/reports.html",
        reports=shown,
        names={each.customer_id: each for each in everybody},
        everybody=everybody,
        asked={"customer": customer, "ended": ended},
        dimensions={k: v for k, v in DIMENSION_NAMES.items() if not (cost and k in OPERATORS)},
        measures={k: v for k, v in MEASURE_NAMES.items() if not (cost and k in OF_COST)},
        every=EVERY_NAMES,
        grains=GRAIN_NAMES,
        periods=PERIOD_NAMES,
        currencies=CURRENCIES,
        title_of=title_of,
        chosen=("charge", "requests", "tokens"),
        later=window.write(shown[-1].report_id) if len(found) > PAGE else None,
    )


@routes.post("", dependencies=ours)
def add(
    request: Request, db: Db, now: Now, form: Annotated[Wanted, Form()], customer: str = ""
) -> Response:
    """Keep a report; with a schedule it comes by mail by itself."""
    caller = caller_of(request)
    with db.read() as tx:
        customer_id = whose(tx, caller, customer or None)
    made = add_report(db, customer_id, form.draft(), by=caller.name, now=now)
    return go(request, f"/reports/{made.report_id}", f"报表“{made.name}”已保存")


@routes.get("/{report}")
def show(
    request: Request,
    db: Db,
    now: Now,
    report: str,
    run: str = "",
    cursor: str | None = None,
    job: str = "",
    moving: bool = Query(default=False),  # noqa: FBT001 - a query of the page itself
) -> Response:
    """Show a report, its makings, and what one of them says: the newest, or the one chosen.

    `job`: that makes it just now, with how far it is.
    """
    caller = caller_of(request)
    window = Window.read(f"page:runs:{report}", cursor, PAGE)
    making: Job | None = None
    with db.read(consistent=True) as tx:
        found = find_report(tx, caller.customer_id, report)
        if job:
            making = find_job(tx, job, caller.customer_id)
            if making.asked.get("report") != found.report_id:
                raise NotFound("这个任务生成的不是这个报表，请从报表页进入")
            run = run_id_of(job) if making.state is JobState.DONE else run
        runs = store.runs(
            tx, found.customer_id, found.report_id, before=window.after, limit=window.fetch
        )
        chosen = run or (runs[0].run_id if runs else "")
        result = kept_result(tx, caller.customer_id, chosen) if chosen else None
    shown = runs[:PAGE]
    answer = draw(
        request,
        "study/report.html",
        **(far_of(request, making, now) if making else {"job": None}),
        zone=zone_of(found.zone) if found.customer_id else HOUSE_ZONE,
        report=found,
        runs=shown,
        chosen=chosen,
        result=result,
        rows=[
            [_cell(c, v) for c, v in zip(result.columns, row, strict=True)]
            for row in _first(result)
        ]
        if result
        else [],
        total=[_cell(c, v) for c, v in zip(result.columns, result.total, strict=True)]
        if result
        else [],
        title_of=title_of,
        measures=MEASURE_NAMES,
        grains=GRAIN_NAMES,
        periods=PERIOD_NAMES,
        older=window.write(shown[-1].run_id) if len(runs) > PAGE else None,
    )
    return reloaded(answer) if moving and making and not making.is_open else answer


def _first(result: Result) -> list[tuple[object, ...]]:
    """Return the rows that a page shows; the file has them all."""
    return [tuple(row) for row in result.rows[:PAGE]]


def _cell(column: Column, value: object) -> tuple[str, object]:
    """Write a cell, and say what it sorts by."""
    if not isinstance(value, int):
        return str(value) if value is not None else "—", ""
    if column.form is Writing.MONEY:
        return amount(value), value
    return (percent(value) if column.form is Writing.SHARE else grouped(value)), value


@routes.post("/{report}/run", dependencies=ours)
def make(request: Request, db: Db, now: Now, report: str) -> Response:
    """Have it made now and kept; nobody is sent anything."""
    caller = caller_of(request)
    with db.read() as tx:
        found = find_report(tx, caller.customer_id, report)
    return begin(request, db, order_report_run(found, now, caller.customer_id), now)


@routes.post("/{report}/end", dependencies=ours)
def end(request: Request, db: Db, now: Now, report: str) -> Response:
    """Make it no more; what was made stays."""
    caller = caller_of(request)
    with db.read() as tx:
        found = find_report(tx, caller.customer_id, report)
    end_report(db, found.customer_id, found.report_id, by=caller.name, now=now)
    return go(request, "/reports", f"报表“{found.name}”已结束，已生成的都留着")
