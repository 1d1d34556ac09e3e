"""Budgets: caps, what is spent, reserved and left of them."""

from typing import Final

from fastapi import status

from yuejie.budgets.keep import add_allowance, change_allowance, end_allowance
from yuejie.budgets.show import Standing, history, standings
from yuejie.budgets.watch.report import budget_report
from yuejie.customers.customer import Customer
from yuejie.customers.enrol import find_customer
from yuejie.db.session import Database
from yuejie.kernel.errors import NotFound
from yuejie.kernel.limits import PAGE_MAX
from yuejie.kernel.period import BillingMonth
from yuejie.web.auth import AnyCaller, Caller, guarded, whose
from yuejie.web.cursor import PAGE, Cursor, Limit, Page, Window, cut
from yuejie.web.desk import Db, Now
from yuejie.web.shapes.watch.budgets import (
    BudgetChange,
    BudgetEnd,
    BudgetIn,
    BudgetOut,
    ReportLineOut,
)
from yuejie.web.shapes.wire import Month, Name

routes: Final = guarded("额度", prefix="/customers/{customer}/budgets")


def _own(db: Database, caller: Caller, customer: str) -> Customer:
    """Return the customer whose budgets these are; a stranger hears that there is none."""
    with db.read() as tx:
        customer_id = whose(tx, caller, customer)
        return find_customer(tx, str(customer_id))


@routes.get("", summary="列出额度")
def list_budgets(
    db: Db,
    caller: AnyCaller,
    now: Now,
    customer: Name,
    cursor: Cursor = None,
    limit: Limit = PAGE,
) -> Page[BudgetOut]:
    """列出一个客户的额度及本周期的限额、已用、预占、剩余；调用结束两秒内可见。"""
    window = Window.read("budgets", cursor, limit)
    rows = standings(db, _own(db, caller, customer), now=now)
    found = cut(window, rows, _key)
    return window.page(found, BudgetOut.of, _key)


@routes.post("", summary="新增额度", status_code=status.HTTP_201_CREATED)
def post_budget(
    db: Db, caller: AnyCaller, now: Now, customer: Name, body: BudgetIn
) -> list[BudgetOut]:
    """新增额度，本周期已用的计算在内；各网关一秒内执行。"""
    who = _own(db, caller, customer)
    added = add_allowance(db, who, body.draft(who.currency), by=caller.name, now=now)
    found = standings(db, who, now=now)
    return [BudgetOut.of(each) for each in found if each.allowance == added]


@routes.get("/report/{month}", summary="额度报告")
def get_report(
    db: Db, caller: AnyCaller, now: Now, customer: Name, month: Month
) -> list[ReportLineOut]:
    """一个客户一个月的额度报告：各周期的限额、已用、预计、何时提醒过。"""
    who = _own(db, caller, customer)
    found = budget_report(db, who, BillingMonth.parse(month), now=now)
    return [ReportLineOut.of(each) for each in found]


@routes.get("/{budget}", summary="查看额度")
def get_budget(
    db: Db, caller: AnyCaller, now: Now, customer: Name, budget: Name
) -> list[BudgetOut]:
    """按名称或编号查看一个额度的各个周期，新的在前。"""
    who = _own(db, caller, customer)
    found = history(db, who, budget, limit=PAGE_MAX, now=now)
    if not found:
        raise NotFound(f"客户 {who.slug} 没有额度“{budget}”，请核对名称")
    return [BudgetOut.of(each) for each in found]


@routes.put("/{budget}", summary="更改额度")
def put_budget(
    db: Db, caller: AnyCaller, now: Now, customer: Name, budget: Name, body: BudgetChange
) -> list[BudgetOut]:
    """更改限额、方式或提醒，本周期立即生效；范围不能改，请结束后另立。"""
    who = _own(db, caller, customer)
    own = [each.allowance for each in standings(db, who, now=now)]
    was = next((each for each in own if budget in (each.name, each.allowance_id)), None)
    if was is None:
        raise NotFound(f"客户 {who.slug} 没有额度“{budget}”，请核对名称")
    wanted = body.change(was.measure)
    changed = change_allowance(db, who, budget, wanted, by=caller.name, now=now)
    found = standings(db, who, now=now)
    return [BudgetOut.of(each) for each in found if each.allowance == changed]


@routes.post("/{budget}/end", summary="结束额度")
def end_budget(
    db: Db, caller: AnyCaller, now: Now, customer: Name, budget: Name, body: BudgetEnd
) -> list[BudgetOut]:
    """结束额度：不再限制任何调用，已有记录保留。"""
    who = _own(db, caller, customer)
    ended = end_allowance(db, who, budget, by=caller.name, now=now, why=body.why)
    found = history(db, who, ended.allowance_id, limit=PAGE, now=now)
    return [BudgetOut.of(each) for each in found]


def _key(standing: Standing) -> str:
    return f"{standing.allowance.number:010d} {standing.unit}"
