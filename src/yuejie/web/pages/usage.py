"""Usage: sums by any dimension, from hours to months, as chart, table and file, down to calls."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from yuejie.customers.customer import Customer
from yuejie.customers.enrol import find_customer
from yuejie.customers.store import customers, keys, projects
from yuejie.db.session import Database, Tx
from yuejie.kernel.errors import Invalid
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.money import Charge
from yuejie.kernel.period import BillingMonth, zone_of
from yuejie.usage.calls.look import Sought, look_for_calls
from yuejie.usage.meters import UNIT_METERS
from yuejie.usage.show import By, Question, UsageLine, each_usage
from yuejie.web.auth import whose
from yuejie.web.cursor import PAGE, Window
from yuejie.web.desk import Db, Now
from yuejie.web.pages.frame.draw import HOUSE_ZONE, caller_of, draw
from yuejie.web.pages.frame.entry import visit
from yuejie.web.pages.frame.sheet import whole_sheet

routes: Final = APIRouter(include_in_schema=False, dependencies=[Depends(visit)])

DIMENSIONS: Final = {
    "day": "日",
    "hour": "时",
    "month": "月",
    "model": "模型",
    "project": "项目",
    "key": "密钥",
    "department": "部门",
    "environment": "环境",
    "tag": "标签",
    "provider": "供应商",
    "meter": "计量项",
    "state": "状态",
    "customer": "客户",
}
TIMES: Final = ("day", "hour", "month")
GRAINS: Final = {"day": "按日", "hour": "按时", "month": "按月"}
NARROW: Final = (
    "model",
    "project",
    "key",
    "department",
    "environment",
    "tag",
    "provider",
    "meter",
    "state",
)
"""What a look can be narrowed to, by the same name as the dimension."""
CALLS: Final = frozenset({"model", "project", "key", "tag", "state"})
"""What calls can be looked for by."""
SERIES: Final = 5
"""So many colours can be told apart."""
STATES: Final = {
    "measured": "已计量",
    "partial": "部分计量",
    "estimated": "估算",
    "unmeasured": "未计量",
    "unpriced": "未定价",
}
"""What an event's state is called."""
BEHIND: Final = frozenset({By.STATE, By.METER})
"""What an answer is ordered by behind the time."""
REQUESTS: Final = 20
REST: Final = "其余"
COLUMNS: Final = ("时间", "分组", "请求", "token", "计费额", "币种")
Typed = Annotated[str, Field(max_length=200)]


class Asked(BaseModel):
    """The form as it was filled in; what is empty asks for all."""

    month: Typed = ""
    to: Typed = ""
    day: Typed = ""
    by: Typed = "day"
    grain: Typed = "day"
    customer: Typed = ""
    model: Typed = ""
    project: Typed = ""
    key: Typed = ""
    department: Typed = ""
    environment: Typed = ""
    tag: Typed = ""
    provider: Typed = ""
    meter: Typed = ""
    state: Typed = ""
    cursor: str = Field("", max_length=1_000)

    def link(self, **other: str) -> dict[str, str]:
        """Return the query of this look with something changed; what is empty falls away."""
        return {
            name: value
            for name, value in (self.model_dump(exclude={"cursor"}) | other).items()
            if value
        }

    @property
    def narrowed(self) -> dict[str, str]:
        """Return what the look is narrowed to."""
        return {name: getattr(self, name) for name in NARROW if getattr(self, name)}

    @property
    def time(self) -> str:
        """Into which pieces time is cut."""
        return self.by if self.by in TIMES else self.grain

    def refuse_nonsense(self) -> None:
        """Refuse what no button of the page asks for."""
        if self.by not in DIMENSIONS or self.grain not in GRAINS:
            raise Invalid(f"不能按“{self.by}”汇总，请在页面上选择")


@dataclass(slots=True)
class Row:
    """A row of the table: what it is called, what a link to it narrows to, and its sums."""

    name: str
    code: str
    requests: int = 0
    tokens: int = 0
    charges: dict[str, Charge] = field(default_factory=dict)
    costs: dict[str, Charge] = field(default_factory=dict)

    def add(self, line: UsageLine) -> None:
        """Add a line of the answer."""
        self.requests += line.quantities.get("requests", 0)
        self.tokens += sum(n for meter, n in line.quantities.items() if meter not in UNIT_METERS)
        for sums, more in ((self.charges, line.charges), (self.costs, line.costs)):
            for currency, charge in more.items():
                sums[currency] = sums[currency] + charge if currency in sums else charge

    def fen(self, currency: str) -> int:
        """Return what it is worth in one currency, in fen."""
        charge = self.charges.get(currency)
        return charge.settle().fen if charge else 0


@dataclass(frozen=True, slots=True)
class Look:
    """What is looked at: the question, and what people call their keys."""

    asked: Asked
    party: Customer | None
    zone: ZoneInfo
    first: BillingMonth
    last: BillingMonth
    names: Mapping[str, str]
    question: Question

    @property
    def customer_id(self) -> CustomerId | None:
        """Whose usage it is; None is the whole house."""
        return self.party.customer_id if self.party else None

    def time_of(self, line: UsageLine) -> str:
        """Return the piece of time of a line, by the clock of whoever looks."""
        if self.asked.time == "hour":
            at = datetime.fromisoformat(line.keys[By.HOUR])
            return f"{at.astimezone(self.zone):%Y-%m-%dT%H:00}"
        return line.keys[By.DAY][: 7 if self.asked.time == "month" else 10]

    def group_of(self, line: UsageLine) -> str:
        """Return the group of a line, a piece of time where it is grouped by time."""
        asked = self.asked.by
        return self.time_of(line) if asked in TIMES else line.keys[By(asked)]

    def name_of(self, code: str) -> str:
        """Return what people call a group."""
        return self.names.get(code, code) or "（空）"


@dataclass(slots=True)
class Sums:
    """What lines come to: a row for each group, and money by group, piece of time and currency.

    Lines are added one by one and none is held: there may be one for each customer and day.
    """

    look: Look
    found: dict[str, Row] = field(default_factory=dict)
    total: Row = field(default_factory=lambda: Row("", ""))
    picos: dict[tuple[str, str, str], int] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, line: UsageLine) -> None:
        """Add a line of the answer."""
        code, at = self.look.group_of(line), self.look.time_of(line)
        row = self.found.get(code)
        if row is None:
            row = self.found[code] = Row(self.look.name_of(code), code)
        row.add(line)
        self.total.add(line)
        for currency, charge in line.charges.items():
            self.counts[currency] += 1
            place = (code, at, currency)
            self.picos[place] = self.picos.get(place, 0) + charge.pico
        self.picos.setdefault((code, at, ""), 0)

    def rows(self) -> list[Row]:
        """Return the table: time in its order, anything else with the dearest first."""
        if self.look.asked.by in TIMES:
            return [self.found[code] for code in sorted(self.found)]
        currency = self.currency
        return sorted(
            self.found.values(), key=lambda row: (-row.fen(currency), -row.tokens, row.code)
        )

    @property
    def currency(self) -> str:
        """Return the currency that is drawn: that of the most lines."""
        return max(sorted(self.counts), key=self.counts.__getitem__, default="CNY")

    def chart(self, rows: Sequence[Row]) -> tuple[list[str], list[dict[str, Any]]]:
        """Return labels and series of the chart: time, told apart by the dearest groups."""
        times = sorted({at for _, at, _ in self.picos})
        shown = [] if self.look.asked.by in TIMES else [row.code for row in rows[:SERIES]]
        sums: dict[tuple[str, str], int] = {}
        for (code, at, currency), pico in self.picos.items():
            if currency == self.currency:
                group = code if shown else ""
                place = (group if group in shown or not shown else REST, at)
                sums[place] = sums.get(place, 0) + pico
        series = [
            {"name": name, "fen": [_fen(sums.get((code, at), 0)) for at in times]}
            for code, name in [(row.code, row.name) for row in rows if row.code in shown]
        ]
        if not shown:
            series = [{"name": self.currency, "fen": [_fen(sums.get(("", at), 0)) for at in times]}]
        elif len(rows) > len(shown):
            series.append({"name": REST, "fen": [_fen(sums.get((REST, at), 0)) for at in times]})
        return [at.replace("T", " ") for at in times], series


def _fen(pico: int) -> int:
    return Charge(pico, "CNY").settle().fen


@routes.get("/usage")
def usage(request: Request, db: Db, now: Now, asked: Annotated[Asked, Query()]) -> Response:
    """Show usage by one dimension over time, and the last calls of the same look."""
    caller = caller_of(request)
    look = _look(request, db, now, asked)
    sums = Sums(look)
    for line in each_usage(db, look.customer_id, look.question):
        sums.add(line)
    rows = sums.rows()
    labels, series = sums.chart(rows)
    # The place of a row is its key: what is dearest moves while calls come in.
    window = Window.read(f"page:usage:{asked.by}", asked.cursor or None, PAGE)
    first = window.behind(int) or 0
    with db.read() as tx:
        everybody = customers(tx) if caller.is_operator else []
    party = look.party
    return draw(
        request,
        "usage.html",
        zone=look.zone,
        look=look,
        rows=rows[first : first + PAGE],
        count=len(rows),
        later=window.write(first + PAGE) if first + PAGE < len(rows) else None,
        total=sums.total,
        currency=sums.currency,
        labels=labels,
        series=series,
        dimensions={k: v for k, v in DIMENSIONS.items() if k != "customer" or caller.is_operator},
        grains=GRAINS,
        calls=CALLS,
        asked=asked,
        times=TIMES,
        narrow=NARROW,
        everybody=everybody,
        months=_months(now, party),
        requests=_last_calls(db, party, look) if party else (),
        lasting=_span_query(look),
        states=STATES,
        with_cost=caller.is_operator,
    )


@routes.get("/usage/export")
def export(request: Request, db: Db, now: Now, asked: Annotated[Asked, Query()]) -> Response:
    """Give the look as CSV: a row for each piece of time and group, in each currency."""
    look = _look(request, db, now, asked)
    with_cost = caller_of(request).is_operator
    titles = (*COLUMNS, "成本", "成本币种") if with_cost else COLUMNS
    name = f"usage-{look.first}-{asked.by}.csv"
    return whole_sheet(name, titles, _cells(db, look, with_cost=with_cost))


def _cells(db: Database, look: Look, *, with_cost: bool) -> Iterator[tuple[object, ...]]:
    """Yield rows as the answer comes: what is asked by, and of each the times; never all of it."""
    lines = each_usage(db, look.customer_id, look.question)
    is_outer = look.asked.by not in TIMES and By(look.asked.by) not in BEHIND
    outer = look.group_of if is_outer else look.time_of
    for _, same in groupby(lines, outer):
        found: dict[tuple[str, str], Row] = {}
        for line in same:
            code = look.group_of(line)
            at = (look.time_of(line), code)
            if at not in found:
                found[at] = Row(look.names.get(code, code), code)
            found[at].add(line)
        for (time, _), row in sorted(found.items(), key=lambda each: each[0]):
            yield from _written(time, row, with_cost=with_cost)


def _written(time: str, row: Row, *, with_cost: bool) -> Iterator[tuple[object, ...]]:
    counted = (time, row.name, row.requests, row.tokens)
    for currency in sorted({*row.charges, *(row.costs if with_cost else ())}) or [""]:
        charge, cost = row.charges.get(currency), row.costs.get(currency)
        spent = (cost or "", currency if cost else "") if with_cost else ()
        yield (*counted, charge or "", currency if charge else "", *spent)
        counted = (time, row.name, 0, 0)


def _look(request: Request, db: Database, now: datetime, asked: Asked) -> Look:
    asked.refuse_nonsense()
    caller = caller_of(request)
    if asked.by == "customer" and not caller.is_operator:
        raise Invalid("不能按“customer”汇总，请在页面上选择")
    with db.read() as tx:
        customer_id = whose(tx, caller, asked.customer or None)
        party = find_customer(tx, customer_id) if customer_id else None
        names = _names(tx, asked.by, customer_id)
    zone = zone_of(party.zone) if party else HOUSE_ZONE
    first = BillingMonth.parse(asked.month) if asked.month else BillingMonth.of(now, zone)
    last = BillingMonth.parse(asked.to) if asked.to else first
    since, until = _day_span(asked.day, zone)
    group = () if asked.by in TIMES else (By(asked.by),)
    question = Question(
        by=(*group, By.HOUR if asked.time == "hour" else By.DAY),
        first=first,
        last=last,
        since=since,
        until=until,
        **asked.narrowed,
    )
    return Look(asked, party, zone, first, last, names, question)


def _day_span(text: str, zone: ZoneInfo) -> tuple[datetime | None, datetime | None]:
    if not text:
        return None, None
    try:
        day = date.fromisoformat(text)
        after = day + timedelta(days=1)
    except (ValueError, OverflowError):
        raise Invalid(f"日期“{text}”应写成 2026-10-31，请改正后重试") from None
    return (
        datetime(day.year, day.month, day.day, tzinfo=zone),
        datetime(after.year, after.month, after.day, tzinfo=zone),
    )


def _span_query(look: Look) -> dict[str, str]:
    """Return the query of a list of the same calls."""
    asked = look.asked
    first, last = look.first.first_day, look.last.last_day
    span = {"since": asked.day or str(first), "until": asked.day or str(last)}
    kept = {name: value for name, value in asked.narrowed.items() if name in CALLS}
    return ({"customer": asked.customer} if asked.customer else {}) | span | kept


def _last_calls(db: Database, party: Customer, look: Look) -> Sequence[Any]:
    asked = look.asked
    since, until = _day_span(asked.day, look.zone)
    kept = {name: value for name, value in asked.narrowed.items() if name in CALLS}
    span = look.first.span(look.zone).start, look.last.span(look.zone).end
    sought = Sought(
        since=since or span[0],
        until=until or span[1],
        model=kept.get("model"),
        project=kept.get("project"),
        key=kept.get("key"),
        tag=kept.get("tag"),
        state=kept.get("state"),
    )
    return look_for_calls(db, party.customer_id, sought, limit=REQUESTS).attempts


def _names(tx: Tx, by: str, customer_id: CustomerId | None) -> dict[str, str]:
    """Return what people call keys; everything else is called what it is."""
    if customer_id is None or by not in {"key", "project"}:
        return {}
    if by == "project":
        return {each.project_id: each.name for each in projects(tx, customer_id)}
    return {each.key_id: f"{each.name} …{each.hint}" for each in keys(tx, customer_id)}


def _months(now: datetime, party: Customer | None) -> list[str]:
    """Return the last thirteen months by the customer's calendar, the newest first."""
    month = BillingMonth.of(now, zone_of(party.zone) if party else HOUSE_ZONE)
    found = []
    for _ in range(13):
        found.append(str(month))
        month = month.previous
    return found
