"""Auto models: their policies, and what they saved."""

from typing import Annotated, Final

from fastapi import Query, status

from yuejie.contracts.auto import store
from yuejie.contracts.auto.policy import in_force
from yuejie.contracts.auto.publish import end_auto, publish_auto
from yuejie.insights.routing.report import report_routing
from yuejie.kernel.errors import NotFound
from yuejie.kernel.period import BillingMonth
from yuejie.web.auth import AnyCaller, guarded, whose
from yuejie.web.cursor import PAGE, Cursor, Limit, Page, Window, cut
from yuejie.web.desk import Db, Now
from yuejie.web.shapes.insight.routing import AutoOut, EndIn, PolicyIn, RoutingReportOut
from yuejie.web.shapes.wire import Month, Name

routes: Final = guarded("自动模型")

Whose = Annotated[Name | None, Query(description="哪个客户；客户自己查询可不写，运营方不写即全部")]


@routes.get("/auto-models", summary="列出自动模型")
def list_autos(
    db: Db, caller: AnyCaller, now: Now, cursor: Cursor = None, limit: Limit = PAGE
) -> Page[AutoOut]:
    """每个自动模型此刻生效的一版；还没有生效的，显示最新一版。"""
    window = Window.read("auto-models", cursor, limit)
    with db.read() as tx:
        versions = store.versions(tx)
    names = sorted({each.name for each in versions})
    own = ([each for each in versions if each.name == name] for name in names)
    shown = [in_force(each, now) or each[-1] for each in own]
    found = cut(window, shown, lambda each: each.name)
    by_name = caller.is_operator
    return window.page(
        found, lambda each: AutoOut.of(each, by_name=by_name), lambda each: each.name
    )


@routes.get("/auto-models/{name}", summary="查看自动模型")
def get_auto(db: Db, caller: AnyCaller, name: Name) -> list[AutoOut]:
    """一个自动模型的全部版次，旧的在前；历史版次永不更改。"""
    with db.read() as tx:
        versions = store.versions_of(tx, name)
    if not versions:
        raise NotFound(f"自动模型“{name}”不存在，请核对名字")
    return [AutoOut.of(each, by_name=caller.is_operator) for each in versions]


@routes.post(
    "/auto-models/{name}/versions",
    summary="公布策略的下一版",
    status_code=status.HTTP_201_CREATED,
)
def post_version(db: Db, caller: AnyCaller, now: Now, name: Name, body: PolicyIn) -> AutoOut:
    """公布下一版：立即或到时生效，各网关一秒内得知；内容与现行一版相同则不变。"""
    made = publish_auto(db, name, body.policy(), by=caller.name, now=now, starts_at=body.starts_at)
    return AutoOut.of(made, by_name=True)


@routes.post("/auto-models/{name}/end", summary="停用自动模型")
def post_end(db: Db, caller: AnyCaller, now: Now, name: Name, body: EndIn) -> AutoOut:
    """此后这个名字不再受理；已发生的选择和节省仍可查。"""
    ended = end_auto(db, name, by=caller.name, now=now, starts_at=body.starts_at)
    return AutoOut.of(ended, by_name=True)


@routes.get("/routing/{month}", summary="自动选模的节省")
def get_report(db: Db, caller: AnyCaller, month: Month, customer: Whose = None) -> RoutingReportOut:
    """一个月经自动模型的调用，与默认模型相比省了多少；精确，连同假设。"""
    with db.read() as tx:
        customer_id = whose(tx, caller, customer)
    return RoutingReportOut.of(report_routing(db, customer_id, BillingMonth.parse(month)))
