"""What was used: sums, last requests, one request, the worklist, pushed events."""

from typing import Annotated, Final
from uuid import UUID

from fastapi import Query

from yuejie.customers.customer import Customer
from yuejie.customers.enrol import find_customer
from yuejie.db.session import Database
from yuejie.intake.elsewhere.cloudevents import SOURCE
from yuejie.intake.push import push_events
from yuejie.intake.resolve import resolve_by_hand, resolve_unpriced
from yuejie.kernel.errors import Invalid
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.period import BillingMonth, zone_of
from yuejie.usage.correct import Verdict, worklist
from yuejie.usage.refusals.look import look_up
from yuejie.usage.show import parse_request_id, show_requests, show_usage
from yuejie.web.auth import AnyCaller, Caller, guarded, whose
from yuejie.web.cursor import PAGE, Cursor, Limit, Page, Window
from yuejie.web.desk import Db, Now
from yuejie.web.shapes.asked import UsageQuestion, WorkQuestion
from yuejie.web.shapes.pushed import Finding, Pushed, PushIn, PushOut, Verdicts
from yuejie.web.shapes.usage import AttemptOut, RequestOut, UsageLineOut, UsageOut, WorkOut
from yuejie.web.shapes.watch.refusals import TurnedAwayOut
from yuejie.web.shapes.wire import Name

routes: Final = guarded("用量")
_CHINA: Final = "Asia/Shanghai"

Whose = Annotated[Name | None, Query(description="客户简称或编号")]


@routes.get("/usage", summary="汇总用量")
def sum_usage(
    db: Db, caller: AnyCaller, now: Now, asked: Annotated[UsageQuestion, Query()]
) -> UsageOut:
    """按客户、项目、部门、环境、标签、密钥、模型、供应商、日、时汇总；调用结束两秒内可见。"""
    who = _party(db, caller, asked.customer)
    this_month = BillingMonth.of(now, zone_of(who.zone if who else _CHINA))
    question = asked.question(this_month)
    lines = show_usage(db, who.customer_id if who else None, question)
    with_cost = caller.is_operator
    return UsageOut(lines=[UsageLineOut.of(line, with_cost=with_cost) for line in lines])


@routes.get("/requests", summary="最近的请求")
def list_requests(
    db: Db,
    caller: AnyCaller,
    customer: Whose = None,
    cursor: Cursor = None,
    limit: Limit = PAGE,
) -> Page[AttemptOut]:
    """一个客户最近的请求，新的在前：计量、单价、计费额、耗时、状态，没有内容。"""
    window = Window.read("requests", cursor, limit)
    who = _party(db, caller, customer)
    if who is None:
        raise Invalid("请用 customer 写明查看哪个客户的请求")
    before = window.behind(UUID)
    found = show_requests(db, who.customer_id, before=before, limit=limit)
    return Page(
        items=[AttemptOut.of(each, with_cost=caller.is_operator) for each in found.attempts],
        next_cursor=window.write(found.before),
    )


@routes.get("/requests/{request_id}", summary="查看请求")
def get_request(db: Db, caller: AnyCaller, request_id: Name) -> RequestOut:
    """按响应头 x-request-id 查看一次调用的计量、单价和计费额；被拒绝的，查看原因和办法。

    被拒绝的请求保留 30 天；同一密钥同一原因每分钟前 5 次可逐条查，一个客户每分钟至多 20 次，
    每个网关进程每分钟至多 100 次，其余只计入 `/usage/refusals` 的次数。
    """
    operation = parse_request_id(request_id)
    found = look_up(db, caller.customer_id, operation)
    attempts = [AttemptOut.of(each, with_cost=caller.is_operator) for each in found.attempts]
    charge = next((a.charge for a in attempts if a.billable and a.charge is not None), None)
    return RequestOut(
        request_id=f"req_{operation.hex}",
        charge=charge,
        attempts=attempts,
        refused=TurnedAwayOut.of(found.refused) if found.refused else None,
    )


@routes.get("/usage/worklist", summary="待处理清单")
def list_work(
    db: Db, caller: AnyCaller, now: Now, asked: Annotated[WorkQuestion, Query()]
) -> Page[WorkOut]:
    """未计量、未定价和估算的用量，旧的在前；查明以前不计费，也不会被当作零。"""
    window = Window.read("worklist", asked.cursor, asked.limit)
    who = _party(db, caller, asked.customer)
    found = worklist(
        db,
        who.customer_id if who else None,
        asked.filter(),
        now=now,
        after=window.behind(UUID),
        limit=window.limit,
    )
    return Page(
        items=[WorkOut.of(item) for item in found.items], next_cursor=window.write(found.after)
    )


@routes.post("/usage/worklist/{event_id}/resolve", summary="更正一条用量")
def resolve(db: Db, caller: AnyCaller, event_id: UUID, body: Finding) -> Verdicts:
    """写下查明的真实数量：追加一版更正，原事件保留，用量在下次关账计费。"""
    verdict = resolve_by_hand(db, event_id, body.measured(), by=caller.name)
    return Verdicts(corrected=int(verdict is Verdict.CORRECTED), same=int(verdict is Verdict.SAME))


@routes.post("/usage/worklist/reprice", summary="按新价目补价")
def reprice(db: Db, caller: AnyCaller, now: Now, customer: Whose = None) -> Verdicts:
    """给未定价的用量按现已批准的价目定价；仍没有价格的留在清单。"""
    who = _party(db, caller, customer)
    found = resolve_unpriced(db, who.customer_id if who else None, now=now).verdicts
    return Verdicts(corrected=found[Verdict.CORRECTED], same=found[Verdict.SAME])


@routes.post("/usage/events", summary="推送用量")
def push(db: Db, now: Now, body: Pushed) -> PushOut:
    """批量推送用量事件，幂等：同一编号同一内容不会重复计量，内容不同则 409，整批不写入。

    也接受 CloudEvents 1.0：一个事件（application/cloudevents+json）或一批
    （application/cloudevents-batch+json），以 source 与 id 去重。
    """
    if isinstance(body, PushIn):
        events = [each.event() for each in body.events]
        return PushOut.of(push_events(db, None, body.source, events, now=now))
    told = body if isinstance(body, list) else [body]
    return PushOut.of(push_events(db, None, SOURCE, [each.event() for each in told], now=now))


def _party(db: Database, caller: Caller, asked: str | None) -> Customer | None:
    """Return the customer whose usage is asked for, None for everybody's."""
    with db.read() as tx:
        customer_id: CustomerId | None = whose(tx, caller, asked)
        return find_customer(tx, customer_id) if customer_id else None
