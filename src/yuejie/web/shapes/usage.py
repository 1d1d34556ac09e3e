"""Usage, requests, the worklist and deeds on the wire. What things cost us is the operator's."""

from typing import Any

from pydantic import Field

from yuejie.contracts.auto.routed import asked_of, read_routed
from yuejie.kernel.money import Charge
from yuejie.usage.correct import WorkItem
from yuejie.usage.event import split_tags
from yuejie.usage.show import Attempt, PricedItem, UsageLine
from yuejie.usage.store import PriceRow
from yuejie.web.shapes.insight.routing import RoutedOut
from yuejie.web.shapes.watch.refusals import TurnedAwayOut
from yuejie.web.shapes.wire import Instant, Out, UnitRate, Worth


class UsageLineOut(Out):
    """一行汇总用量。"""

    keys: dict[str, str] = Field(description="分组", examples=[{"project": "search"}])
    quantities: dict[str, int] = Field(
        description="各计量项数量", examples=[{"input": 812, "output": 350, "requests": 1}]
    )
    charges: list[Worth] = Field(description="计费额，按币种；待处理的用量不计入")
    costs: list[Worth] | None = Field(description="成本，按币种；只有运营方可见")

    @classmethod
    def of(cls, line: UsageLine, *, with_cost: bool) -> "UsageLineOut":
        """Write a line; a customer is not shown what its usage costs us."""
        return cls(
            keys={str(by): value for by, value in line.keys.items()},
            quantities=line.quantities,
            charges=[Worth.of(charge) for _, charge in sorted(line.charges.items())],
            costs=[Worth.of(c) for _, c in sorted(line.costs.items())] if with_cost else None,
        )


class UsageOut(Out):
    """汇总用量。"""

    lines: list[UsageLineOut] = Field(description="各行")


class ItemOut(Out):
    """一次调用中一个模型的一个计量项。"""

    model: str = Field(description="模型")
    meter: str = Field(description="计量项")
    quantity: int = Field(description="数量")
    rate: UnitRate | None = Field(description="销售单价；空为不计费或待定价")
    cost_rate: UnitRate | None = Field(description="成本单价；只有运营方可见")

    @classmethod
    def of(cls, item: PricedItem, *, with_cost: bool) -> "ItemOut":
        """Write an item with its rates."""
        return cls(
            model=item.model,
            meter=item.meter,
            quantity=item.quantity,
            rate=_rate(item.meter, item.sale),
            cost_rate=_rate(item.meter, item.cost) if with_cost else None,
        )


class AttemptOut(Out):
    """一次上游尝试；不含任何内容，内容从不保存。"""

    request_id: str = Field(description="请求编号，即响应头 x-request-id", examples=["req_019aa0…"])
    event_id: str = Field(description="用量事件编号")
    attempt: int = Field(description="第几次尝试")
    version: int = Field(description="更正的版次，1 为原始")
    customer_id: str = Field(description="客户")
    project_id: str = Field(description="项目")
    key_id: str = Field(description="密钥")
    tags: dict[str, str] = Field(description="标签")
    api: str = Field(description="接口", examples=["openai.chat"])
    asked: str = Field(description="请求里写的模型名；自动模型、备用模型应答时与 model 不同")
    model: str = Field(description="应答并计费的模型")
    routing: RoutedOut | None = Field(description="自动模型的选择；直接指定模型的为空")
    billed_model: str = Field(description="供应商报告的模型")
    service_tier: str = Field(description="服务档")
    stream: bool = Field(description="是否流式")
    started_at: Instant = Field(description="开始时间；决定价格和账期")
    used_at: Instant = Field(description="结束时间")
    latency_ms: int = Field(description="耗时毫秒")
    first_byte_ms: int | None = Field(description="首字节毫秒")
    http_status: int = Field(description="HTTP 状态")
    outcome: str = Field(description="怎样结束", examples=["ok"])
    state: str = Field(description="measured、partial 计费；其余待处理")
    reason: str = Field(description="待处理的原因")
    billable: bool = Field(description="是否计费的尝试")
    items: list[ItemOut] = Field(description="用量条目")
    charge: Worth | None = Field(description="计费额；待处理的为空")
    cost: Worth | None = Field(description="成本；只有运营方可见")
    deployment_id: str | None = Field(description="部署；只有运营方可见")

    @classmethod
    def of(cls, attempt: Attempt, *, with_cost: bool) -> "AttemptOut":
        """Write an attempt; where it was served and what it cost is the operator's."""
        event = attempt.event
        routed = read_routed(event.facts)
        same = {name: getattr(event, name) for name in cls.model_fields if hasattr(event, name)}
        return cls(
            **same
            | {
                "request_id": f"req_{event.operation_id.hex}",
                "event_id": str(event.event_id),
                "asked": asked_of(event.facts, event.model),
                "routing": RoutedOut.of(routed) if routed else None,
                "tags": split_tags(event.tags),
                "latency_ms": attempt.latency_ms,
                "items": [ItemOut.of(item, with_cost=with_cost) for item in attempt.items],
                "charge": _worth(attempt.charge),
                "cost": _worth(attempt.cost) if with_cost else None,
                "deployment_id": event.deployment_id if with_cost else None,
            }
        )


class RequestOut(Out):
    """一次调用的全部尝试。"""

    request_id: str = Field(description="请求编号")
    charge: Worth | None = Field(description="计费额；待处理的为空")
    attempts: list[AttemptOut] = Field(description="各次尝试，其中至多一次计费；被拒绝的没有")
    refused: TurnedAwayOut | None = Field(description="为什么被拒绝；没有被拒绝的为空")


class WorkOut(Out):
    """待处理清单的一条：用量或价格未知，尚不计费。"""

    event_id: str = Field(description="用量事件编号")
    request_id: str = Field(description="请求编号")
    customer_id: str = Field(description="客户")
    project_id: str = Field(description="项目")
    model: str = Field(description="模型")
    state: str = Field(description="estimated 估算，unmeasured 未计量，unpriced 未定价")
    reason: str = Field(description="原因", examples=["worker_died"])
    started_at: Instant = Field(description="开始时间")
    age_seconds: int = Field(description="等了多久")
    response_id: str = Field(description="供应商的应答编号")
    quantities: dict[str, int] = Field(description="已知或估算的数量")

    @classmethod
    def of(cls, item: WorkItem) -> "WorkOut":
        """Write an event that waits for somebody."""
        event = item.event
        quantities: dict[str, int] = {}
        for _, meter, quantity, *_ in event.items:
            quantities[meter] = quantities.get(meter, 0) + quantity
        return cls(
            event_id=str(event.event_id),
            request_id=f"req_{event.operation_id.hex}",
            customer_id=event.customer_id,
            project_id=event.project_id,
            model=event.model,
            state=event.state,
            reason=event.reason,
            started_at=event.started_at,
            age_seconds=int(item.age.total_seconds()),
            response_id=event.response_id,
            quantities=quantities,
        )


class DeedOut(Out):
    """一条操作记录：谁、何时、对什么做了什么，前后各是什么样。"""

    deed_id: int = Field(description="序号")
    at: Instant = Field(description="时间")
    by: str = Field(description="谁", examples=["api:operator"])
    verb: str = Field(description="做了什么", examples=["issue"])
    noun: str = Field(description="对哪一类", examples=["api_key"])
    name: str = Field(description="对哪一个")
    was: dict[str, Any] | None = Field(description="之前")
    became: dict[str, Any] | None = Field(description="之后")
    why: str = Field(description="为什么；多数操作不需要理由")
    via: str = Field(description="以哪个 API 令牌；空为本人操作", examples=["tok_01…"])


def _worth(charge: Charge | None) -> Worth | None:
    return Worth.of(charge) if charge else None


def _rate(meter: str, price: PriceRow | None) -> UnitRate | None:
    return UnitRate.of(meter, price.pico, price.currency) if price else None
