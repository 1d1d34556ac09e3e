"""The worklist: calls whose quantity or price is not known, and the deeds that settle them."""

from datetime import timedelta
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from yuejie.customers.enrol import find_customer
from yuejie.customers.store import customers
from yuejie.db.session import Tx
from yuejie.intake.push import read_meters
from yuejie.intake.resolve import Measured, resolve_by_hand, resolve_unpriced
from yuejie.kernel.errors import Invalid
from yuejie.kernel.ids import CustomerId
from yuejie.usage.correct import Verdict, WorkFilter, WorkItem, worklist
from yuejie.usage.meters import COUNT_METERS, NAMES
from yuejie.web.cursor import PAGE, Window
from yuejie.web.desk import Db, Now
from yuejie.web.pages.frame.draw import caller_of, draw, go
from yuejie.web.pages.frame.entry import refuse_strangers, visit

routes: Final = APIRouter(
    include_in_schema=False, prefix="/worklist", dependencies=[Depends(visit)]
)
ours: Final = [Depends(refuse_strangers)]

STATES: Final = {"unmeasured": "未计量", "unpriced": "未定价", "estimated": "估算"}
AGES: Final = {"": "不限", "24": "一天以上", "168": "七天以上"}
"""Hours for which a call has waited."""
REASONS: Final = {
    "worker_died": "网关进程中断",
    "no_usage": "供应商未报用量",
    "provider_cut": "供应商中途断开",
    "no_rate": "没有单价",
}
"""Why, in words; a reason without one is shown as it is."""
FIRST_METERS: Final = ("input", "cache_read", "output")
"""Meters that almost every call has; the others are chosen."""
Typed = Annotated[str, Field(max_length=200)]


class Asked(BaseModel):
    """The form of the list as it was filled in; what is empty asks for all."""

    customer: Typed = ""
    state: Typed = ""
    reason: Typed = ""
    model: Typed = ""
    hours: Typed = ""
    cursor: Typed = ""

    def filter(self) -> WorkFilter:
        """Return what the verb takes."""
        if self.hours not in AGES or (self.state and self.state not in STATES):
            raise Invalid("没有这种筛选，请在页面上选择")
        return WorkFilter(
            state=self.state or None,
            reason=self.reason or None,
            model=self.model or None,
            older_than=timedelta(hours=int(self.hours)) if self.hours else None,
        )

    @property
    def query(self) -> dict[str, str]:
        """Return what was filled in, without where the list had got to."""
        return {name: value for name, value in self.model_dump(exclude={"cursor"}).items() if value}


@routes.get("")
def list_work(request: Request, db: Db, now: Now, asked: Annotated[Asked, Query()]) -> Response:
    """Show what waits, the oldest first, with what is known of it."""
    window = Window.read("page:worklist", asked.cursor or None, PAGE)
    with db.read() as tx:
        customer_id = _whose(tx, asked.customer)
        everybody = customers(tx)
    found = worklist(
        db, customer_id, asked.filter(), now=now, after=window.behind(UUID), limit=PAGE
    )
    return draw(
        request,
        "ops/worklist.html",
        items=[(each, known_of(each)) for each in found.items],
        asked=asked,
        states=STATES,
        ages=AGES,
        reasons=REASONS,
        everybody=everybody,
        names={each.customer_id: each for each in everybody},
        first=FIRST_METERS,
        others=[m for m in NAMES if m not in FIRST_METERS and m not in COUNT_METERS],
        later=window.write(found.after),
    )


def known_of(item: WorkItem) -> list[tuple[str, int]]:
    """Return the quantities that are known or estimated, by meter."""
    sums: dict[str, int] = {}
    for _, meter, quantity, *_ in item.event.items:
        if meter not in COUNT_METERS:
            sums[meter] = sums.get(meter, 0) + int(quantity)
    return list(sums.items())


class Finding(BaseModel):
    """The form of what was found out about a call, as it was typed."""

    input: Typed = ""
    cache_read: Typed = ""
    output: Typed = ""
    meter: Typed = ""
    quantity: Typed = ""
    model: Typed = ""
    response_id: Typed = ""

    def measured(self) -> Measured:
        """Return what the verb takes. Raises Invalid where nothing or no number was given."""
        given = {name: getattr(self, name) for name in FIRST_METERS} | (
            {self.meter: self.quantity} if self.meter else {}
        )
        try:
            quantities = {m: int(v.replace(",", "")) for m, v in given.items() if v.strip()}
        except ValueError:
            raise Invalid("数量应为整数，例如 812；没有的计量项请留空") from None
        if not quantities:
            raise Invalid("请至少写明一个计量项的数量")
        return Measured(
            quantities=read_meters(quantities), model=self.model, response_id=self.response_id
        )


@routes.post("/{event}/resolve", dependencies=ours)
def resolve(request: Request, db: Db, event: str, form: Annotated[Finding, Form()]) -> Response:
    """Write down what was found out: a new version, billed with the next closing."""
    by = caller_of(request).name
    verdict = resolve_by_hand(db, _event(event), form.measured(), by=by)
    same = verdict is Verdict.SAME
    return go(request, "/worklist", "与现有记录相同，没有改动" if same else "已更正，下次关账计费")


@routes.post("/reprice", dependencies=ours)
def reprice(request: Request, db: Db, now: Now) -> Response:
    """Price by the books of today what had no price."""
    found = resolve_unpriced(db, None, now=now).verdicts
    fixed, left = found[Verdict.CORRECTED], found[Verdict.SAME]
    return go(request, "/worklist", f"已补价 {fixed} 条，仍没有单价 {left} 条")


def _event(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Invalid(f"事件编号“{text}”格式不对，请从清单上点选") from None


def _whose(tx: Tx, customer: str) -> CustomerId | None:
    return find_customer(tx, customer).customer_id if customer else None
