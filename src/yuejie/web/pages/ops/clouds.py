"""Cloud bills: what clouds ask and whose it is, deliveries with their state, sources and rules."""

from collections.abc import Iterable
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import Response

from yuejie.clouds import store
from yuejie.clouds.keep import add_rule, add_source
from yuejie.clouds.remap import remap
from yuejie.kernel.errors import Invalid
from yuejie.kernel.money import Charge
from yuejie.kernel.period import BillingMonth
from yuejie.web.cursor import PAGE, Window, cut
from yuejie.web.desk import Db, Now
from yuejie.web.pages.frame.draw import caller_of, draw, go
from yuejie.web.pages.frame.entry import refuse_strangers, visit
from yuejie.web.pages.ops.cloud_files import METRICS, names_of

routes: Final = APIRouter(include_in_schema=False, prefix="/clouds", dependencies=[Depends(visit)])
ours: Final = [Depends(refuse_strangers)]
Text = Annotated[str, Form(max_length=500)]

OURS: Final = "*ours"
"""What a form says for: no customer's, our own cost."""


@routes.get("")
def show(
    request: Request, db: Db, month: str = "", source: str = "", cursor: str | None = None
) -> Response:
    """Show a period's cost by owner, deliveries with their state, sources with their rules."""
    window = Window.read("page:clouds", cursor, PAGE)
    with db.read(consistent=True) as tx:
        made = store.statements(tx, source=source or None)
        label = (
            str(BillingMonth.parse(month)) if month else max((m.period for m in made), default="")
        )
        costs = store.owned(tx, source=source or None, period=label) if label else []
        newest = {each.statement_id for each in store.newest(tx, source or None)}
        known = store.sources(tx)
        rules = {each.source: store.rules(tx, each.source) for each in known}
        names = names_of(tx)
    found = cut(window, sorted(made, key=_newest_first), _newest_first)
    return draw(
        request,
        "ops/clouds.html",
        sources=[(each, rules[each.source]) for each in known],
        costs=_by_owner(costs),
        totals=_totals(costs),
        statements=found[:PAGE],
        newest=newest,
        older=window.write(_newest_first(found[PAGE - 1])) if len(found) > PAGE else None,
        names=names,
        metrics=METRICS,
        month=label,
        asked={"month": month, "source": source},
        ours=OURS,
    )


def _newest_first(made: store.Statement) -> str:
    """Order statements by period from the newest on, then by source, the last revision first."""
    year, month = made.period.split("-")
    return f"{(9999 - int(year)) * 12 + 12 - int(month):06d}:{made.source}:{10**8 - made.revision}"


def _totals(costs: Iterable[store.OwnedRow]) -> dict[str, list[Charge]]:
    """Sum a period by currency: all of it, what customers have, our own, nobody's yet."""
    sums: dict[str, dict[str, int]] = {"all": {}, "customers": {}, "ours": {}, "nobody": {}}
    for row in costs:
        whose = "customers" if row.customer else "ours" if row.ours else "nobody"
        for cell in (sums["all"], sums[whose]):
            cell[row.currency] = cell.get(row.currency, 0) + _stated(row)
    return {
        name: [Charge(pico, unit) for unit, pico in sorted(each.items())]
        for name, each in sums.items()
    }


def _stated(row: store.OwnedRow) -> int:
    """Return what a row asks: as billed, or as the file states it."""
    return int((row.effective_pico if row.billed_pico is None else row.billed_pico) or 0)


def _by_owner(costs: Iterable[store.OwnedRow]) -> list[tuple[store.OwnedRow, Charge, int]]:
    """Sum a period's rows by source, owner and project; whatever is nobody's stands first."""
    sums: dict[tuple[object, ...], tuple[store.OwnedRow, int, int]] = {}
    for row in costs:
        key = (row.source, row.customer, row.ours, row.project, row.currency)
        first, pico, rows = sums.get(key, (row, 0, 0))
        sums[key] = (first, pico + _stated(row), rows + row.row_count)
    found = [(first, Charge(pico, first.currency), rows) for first, pico, rows in sums.values()]
    return sorted(found, key=lambda each: (bool(each[0].customer), each[0].ours, -each[1].pico))


@routes.post("/sources", dependencies=ours)
def add(
    request: Request,
    db: Db,
    now: Now,
    source: Text = "",
    name: Text = "",
    account: Text = "",
    tags: Text = "",
) -> Response:
    """Register a billing account of ours with a cloud."""
    keys = tags.replace("，", ",").replace("、", ",").split(",")
    add_source(
        db,
        source.strip(),
        name=name.strip(),
        billing_account=account.strip(),
        tag_keys=[each.strip() for each in keys if each.strip()],
        by=caller_of(request).name,
        now=now,
    )
    return go(request, "/clouds", f"来源 {source.strip()} 已登记；下一步说明账号归谁")


@routes.post("/sources/{source}/rules", dependencies=ours)
def say_whose(
    request: Request,
    db: Db,
    now: Now,
    source: str,
    match: Text = "",
    owner: Text = "",
    project: Text = "",
    since: Text = "",
) -> Response:
    """Say whose an account, a tag or the rest is from a period on."""
    if not owner:
        raise Invalid("请选择归哪个客户，或选我方自用")
    add_rule(
        db,
        source,
        match,
        customer=None if owner == OURS else owner,
        project=project.strip() or None,
        since=BillingMonth.parse(since),
        by=caller_of(request).name,
        now=now,
    )
    return go(request, "/clouds", "归属已生效；已导入的周期要按它重算，请按“重算归属”")


@routes.post("/sources/{source}/remap", dependencies=ours)
def say_anew(request: Request, db: Db, now: Now, source: str, month: Text = "") -> Response:
    """Apply today's rules to delivered periods."""
    period = BillingMonth.parse(month) if month else None
    changed = remap(db, source, period, by=caller_of(request).name, now=now)
    said = "按现在的归属重算，没有变化"
    if changed:
        said = f"归属已重算：{'、'.join(each.period for each in changed)}；差额列入下一份账单"
    return go(request, "/clouds", said)
