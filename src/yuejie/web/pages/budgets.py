"""Budgets: caps, what is used of them and left; setting, changing and ending them."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final, TypeVar

from fastapi import APIRouter, Depends, Form, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from yuejie.budgets.allowance import (
    DEFAULT_FORECASTS,
    DEFAULT_THRESHOLDS,
    MODES,
    PERIODS,
    Measure,
    Mode,
    Origin,
    Period,
    amount_text,
    read_cap,
)
from yuejie.budgets.keep import (
    AllowanceDraft,
    Change,
    add_allowance,
    change_allowance,
    end_allowance,
)
from yuejie.budgets.show import Standing, standings
from yuejie.budgets.watch.report import ReportLine, budget_report
from yuejie.customers.customer import Customer
from yuejie.customers.store import keys, projects
from yuejie.db.session import Database
from yuejie.kernel.errors import Invalid, NotFound
from yuejie.kernel.money import Charge, whole
from yuejie.kernel.period import BillingMonth, zone_of
from yuejie.web.cursor import PAGE, Window, cut
from yuejie.web.desk import Db, Now
from yuejie.web.pages.frame.draw import caller_of, draw, go
from yuejie.web.pages.frame.entry import refuse_strangers, visit
from yuejie.web.pages.frame.words import money
from yuejie.web.pages.insight.whom import choose, query_of, whom, whom_surely
from yuejie.web.shapes.watch.budgets import write_amount

routes: Final = APIRouter(include_in_schema=False, prefix="/budgets", dependencies=[Depends(visit)])
ours: Final = [Depends(refuse_strangers)]

Text = Annotated[str, Form(max_length=500)]
Typed = Annotated[str, Field(max_length=500)]
MEASURES: Final = {
    Measure.MONEY: "金额",
    Measure.TOKENS: "token",
    Measure.REQUESTS: "请求",
    Measure.CONCURRENCY: "并发",
}
ORIGINS: Final = {
    Origin.BUDGET: "",
    Origin.CREDIT: "余额与授信",
    Origin.PROTECTION: "防护",
    Origin.TRIAL: "试用",
}
CHANGEABLE: Final = frozenset({Origin.BUDGET})
"""What people set; the others follow what they come from."""
_Word = TypeVar("_Word", bound=StrEnum)


class Sought(BaseModel):
    """The form of the list as it was filled in; what is empty asks for all."""

    q: Typed = ""
    measure: Typed = ""
    mode: Typed = ""
    cursor: Typed = ""

    def fits(self, standing: Standing, scope: str) -> bool:
        """Tell whether an allowance is looked for."""
        own = standing.allowance
        return (
            self.q.strip().casefold() in f"{own.name} {own.why} {scope}".casefold()
            and (not self.measure or own.measure == self.measure)
            and (not self.mode or own.mode == self.mode)
        )


@routes.get("")
def budgets(
    request: Request,
    db: Db,
    now: Now,
    sought: Annotated[Sought, Depends()],
    month: str = "",
    customer: str = "",
) -> Response:
    """Show how every allowance of a customer stands, and a month's report."""
    party = whom(db, caller_of(request), customer)
    if party is None:
        return choose(request, db, "额度")
    label = BillingMonth.parse(month) if month else BillingMonth.of(now, zone_of(party.zone))
    found = standings(db, party, now=now)
    with db.read() as tx:
        tree, ring = projects(tx, party.customer_id), keys(tx, party.customer_id)
    names: dict[str, str] = {each.project_id: each.name for each in tree}
    names |= {each.key_id: f"{each.name} …{each.hint}" for each in ring}
    window = Window.read(f"page:budgets:{party.customer_id}", sought.cursor or None, PAGE)
    placed = [
        (f"{at:08d}", each)
        for at, each in enumerate(found)
        if sought.fits(each, scope_of(each, names))
    ]
    shown = cut(window, placed, lambda pair: pair[0])
    return draw(
        request,
        "budgets.html",
        zone=zone_of(party.zone),
        customer=party,
        rows=[
            (each, texts_of(each), scope_of(each, names), _plain(each)) for _, each in shown[:PAGE]
        ],
        asked=sought,
        any_budgets=bool(found),
        later=window.write(shown[PAGE - 1][0]) if len(shown) > PAGE else None,
        report=[(each, _line(each)) for each in budget_report(db, party, label, now=now)],
        month=label,
        periods=PERIODS,
        modes=MODES,
        measures=MEASURES,
        origins=ORIGINS,
        changeable=CHANGEABLE,
        projects=tree,
        keys=[each for each in ring if each.revoked_at is None],
        defaults={
            "thresholds": written(DEFAULT_THRESHOLDS),
            "forecasts": written(DEFAULT_FORECASTS),
        },
        query=query_of(request, party),
        with_customer=caller_of(request).is_operator,
    )


def written_amount(amount: int, measure: str, unit: str) -> str:
    """Write an amount as people read it: money to the fen, as a bill would have it."""
    if measure == Measure.MONEY:
        return money(Charge(amount, unit))
    return amount_text(amount, measure, unit)


def texts_of(standing: Standing) -> dict[str, str]:
    """Write the amounts of a standing in their unit."""
    measure, unit = standing.allowance.measure, standing.unit
    return {
        "cap": written_amount(standing.cap, measure, unit),
        "spent": written_amount(standing.spent, measure, unit),
        "reserved": written_amount(standing.reserved, measure, unit),
        "left": written_amount(standing.left, measure, unit),
        "beyond": written_amount(standing.beyond or 0, measure, unit),
    }


def scope_of(standing: Standing, names: dict[str, str]) -> str:
    """Write whose calls count, empty for all of the customer's."""
    scope = standing.allowance.scope
    parts = (scope.project_id, scope.key_id, scope.model, scope.tag)
    return " · ".join(names.get(each, each) for each in parts if each)


def _plain(standing: Standing) -> dict[str, str]:
    """Write what a form may change as the form takes it."""
    each = standing.allowance
    return {
        "cap": write_amount(each.cap, each.measure),
        "thresholds": written(each.thresholds),
        "forecasts": written(each.forecasts),
    }


def _line(line: ReportLine) -> dict[str, object]:
    measure, unit = line.allowance.measure, line.unit
    ahead = line.forecast
    return {
        "cap": written_amount(line.cap, measure, unit),
        "spent": written_amount(line.spent, measure, unit),
        "forecast": "—" if ahead is None else written_amount(ahead, measure, unit),
    }


def written(percents: Iterable[int]) -> str:
    """Write percentages as a field has them."""
    return " ".join(map(str, percents))


class Changed(BaseModel):
    """The form of a change, as it was typed."""

    cap: Typed = ""
    mode: Typed = ""
    output_bound: Typed = ""
    thresholds: Typed = ""
    forecasts: Typed = ""
    why: Typed = ""


class Added(Changed):
    """The form of a new cap."""

    name: Typed = ""
    measure: Typed = Measure.MONEY
    period: Typed = Period.MONTH
    mode: Typed = Mode.HARD
    project: Typed = ""
    key: Typed = ""
    model: Typed = ""

    def draft(self, currency: str) -> AllowanceDraft:
        """Return what the verb takes. Raises Invalid for what cannot be read."""
        measure = _one_of(Measure, self.measure, "计量")
        at_once = measure is Measure.CONCURRENCY
        return AllowanceDraft(
            name=self.name.strip(),
            measure=measure,
            cap=_cap(self.cap, measure),
            currency=currency if measure is Measure.MONEY else "",
            period=Period.ALWAYS if at_once else _one_of(Period, self.period, "周期"),
            mode=Mode.HARD if at_once else _one_of(Mode, self.mode, "方式"),
            project=self.project or None,
            key=self.key or None,
            model=self.model.strip() or None,
            output_bound=_bound(self.output_bound) or None,
            thresholds=_percents(self.thresholds),
            forecasts=() if at_once else _percents(self.forecasts),
            why=self.why,
        )


@routes.post("", dependencies=ours)
def add(
    request: Request, db: Db, now: Now, form: Annotated[Added, Form()], customer: str = ""
) -> Response:
    """Set a cap; what the period has used already counts."""
    caller = caller_of(request)
    party = whom_surely(db, caller, customer)
    draft = form.draft(party.currency)
    add_allowance(db, party, draft, by=caller.name, now=now)
    said = f"额度“{draft.name}”已设，各网关一秒内执行"
    return go(request, f"/budgets{query_of(request, party)}", said)


@routes.post("/{budget}/change", dependencies=ours)
def change(
    request: Request,
    db: Db,
    now: Now,
    budget: str,
    form: Annotated[Changed, Form()],
    customer: str = "",
) -> Response:
    """Change a cap and how it is kept; the present period has the new one at once."""
    caller = caller_of(request)
    party = whom_surely(db, caller, customer)
    measure = _known(db, party, budget, now=now).allowance.measure
    wanted = Change(
        cap=_cap(form.cap, measure),
        mode=_one_of(Mode, form.mode, "方式") if form.mode else None,
        output_bound=_bound(form.output_bound),
        thresholds=_percents(form.thresholds),
        forecasts=_percents(form.forecasts),
        why=form.why,
    )
    done = change_allowance(db, party, budget, wanted, by=caller.name, now=now)
    said = f"额度“{done.name}”已更改，立即生效"
    return go(request, f"/budgets{query_of(request, party)}", said)


@routes.post("/{budget}/end", dependencies=ours)
def end(
    request: Request, db: Db, now: Now, budget: str, customer: str = "", why: Text = ""
) -> Response:
    """End a cap: nothing is held to it any more; what it counted stays."""
    caller = caller_of(request)
    party = whom_surely(db, caller, customer)
    _known(db, party, budget, now=now)
    done = end_allowance(db, party, budget, by=caller.name, now=now, why=why)
    return go(request, f"/budgets{query_of(request, party)}", f"额度“{done.name}”已结束")


def _known(db: Database, party: Customer, budget: str, *, now: datetime) -> Standing:
    """Return an allowance that people set. Raises NotFound, Invalid for what follows elsewhere."""
    found = next(
        (s for s in standings(db, party, now=now) if s.allowance.allowance_id == budget), None
    )
    if found is None:
        raise NotFound("额度不存在或已结束，请刷新页面")
    origin = found.allowance.origin
    if origin not in CHANGEABLE:
        raise Invalid(f"额度“{found.allowance.name}”来自{ORIGINS[origin]}，不能在这里改动")
    return found


def _one_of(kind: type[_Word], text: str, what: str) -> _Word:
    try:
        return kind(text)
    except ValueError:
        raise Invalid(f"{what}“{text}”不在可选之列，请在页面上选择") from None


def _cap(text: str, measure: Measure) -> int:
    """Read a cap with or without 千分位."""
    plain = text.strip().replace(",", "").replace("，", "")
    if not plain:
        raise Invalid("请填写限额")
    return read_cap(plain, measure)


def _bound(text: str) -> int:
    """Read a longest output with or without 千分位; 0 for none."""
    plain = text.strip().replace(",", "").replace("，", "")
    tokens = whole(plain or "0")
    if tokens is None:
        raise Invalid(f"最长输出“{text}”应为正整数，例如 4096；不限请留空")
    return tokens


def _percents(text: str) -> tuple[int, ...]:
    """Read percentages apart by blanks or commas; none is told of nothing."""
    parts = text.replace(",", " ").replace("，", " ").replace("%", " ").split()
    percents = [whole(part) for part in parts]
    if None in percents:
        raise Invalid(f"提醒的百分比“{text}”应为整数，用空格隔开，例如 50 80 100")
    return tuple(each for each in percents if each is not None)
