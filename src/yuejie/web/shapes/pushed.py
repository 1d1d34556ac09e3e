"""Usage that people and programs tell us: pushed events, and what was found out afterwards."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, StrictInt, Tag

from yuejie.intake.elsewhere.cloudevents import pushed_of
from yuejie.intake.push import Outcome, PushedEvent, read_meters
from yuejie.intake.resolve import Measured
from yuejie.kernel.limits import PUSH_EVENTS
from yuejie.web.shapes.customers import Text
from yuejie.web.shapes.wire import Facts, In, Out


class Finding(In):
    """查明一条待处理用量的真实数量。"""

    quantities: dict[str, StrictInt] = Field(
        min_length=1, description="各计量项的数量", examples=[{"input": 812, "output": 350}]
    )
    model: Text = Field("", description="供应商报告的模型；不写则不变")
    service_tier: Text | None = Field(None, description="服务档；不写则不变")
    response_id: Text = Field("", description="供应商的应答编号")

    def measured(self) -> Measured:
        """Return what the verb takes."""
        return Measured(
            quantities=read_meters(self.quantities),
            model=self.model,
            service_tier=self.service_tier,
            response_id=self.response_id,
        )


class Verdicts(Out):
    """更正的结果。"""

    corrected: int = Field(description="已更正的条数；下次关账计费")
    same: int = Field(description="没有变化的条数")


class PushedIn(In):
    """推送的一个用量事件。"""

    id: Text = Field(min_length=1, description="来源自己的编号", examples=["job-20261031-0001"])
    customer: Text = Field(description="客户简称或编号", examples=["acme"])
    project: Text = Field(description="项目名或编号", examples=["search"])
    model: Text = Field(description="模型", examples=["gpt-4o"])
    meters: dict[str, StrictInt] = Field(
        description="各计量项的数量，互不重叠",
        examples=[{"input": 812, "cache_read": 4096, "output": 350}],
    )
    started_at: Text = Field(
        description="开始时间，决定价格和账期", examples=["2026-10-31T08:00:00+08:00"]
    )
    ended_at: Text = Field("", description="结束时间；不写则同开始时间")
    key: Text = Field("", description="密钥编号")
    tags: dict[str, Text] = Field(default={}, description="标签")
    deployment: Text = Field("", description="部署；不写则按目录")
    service_tier: Text = Field("", description="服务档")
    context_tokens: StrictInt | None = Field(
        None, ge=0, le=2**53, description="整个请求的输入；不写则由计量项相加"
    )
    state: Literal["measured", "partial", "estimated"] = Field("measured", description="状态")
    response_id: Text = Field("", description="供应商的应答编号")
    facts: dict[str, Text] = Field(default={}, max_length=32, description="影响价格的其他事实")

    def event(self) -> PushedEvent:
        """Return what the verb takes."""
        return PushedEvent(**self.model_dump())


class PushIn(In):
    """一批用量事件：要么全部写入，要么全不写入。"""

    source: Text = Field(min_length=1, description="来源名称，编号在来源内唯一", examples=["batch"])
    events: list[PushedIn] = Field(
        min_length=1, max_length=PUSH_EVENTS, description=f"至多 {PUSH_EVENTS} 个"
    )


class CloudEventIn(BaseModel):
    """一个 CloudEvent 1.0（结构化 JSON），数据为 OpenMeter 或本系统的形状。"""

    model_config = ConfigDict(extra="allow", frozen=True)

    specversion: Literal["1.0"] = Field(description="CloudEvents 版本")
    id: Text = Field(min_length=1, description="编号，在 source 内唯一")
    source: Text = Field(min_length=1, description="来源")
    type: Text = Field("", description="类型；不参与计算")
    subject: Text = Field("", description="客户简称；data.customer 优先")
    time: Text = Field(description="开始时间")
    data: Facts = Field(
        description="model、project、meters，或 OpenMeter 的 type 与 tokens",
        examples=[{"model": "gpt-4o", "project": "main", "type": "input", "tokens": 812}],
    )

    def event(self) -> PushedEvent:
        """Return what the verb takes."""
        return pushed_of(self.model_dump())


def _shape(body: object) -> str:
    if isinstance(body, list):
        return "batch"
    known = isinstance(body, Mapping) and "specversion" in body
    return "event" if known or isinstance(body, CloudEventIn) else "push"


Pushed = Annotated[
    Annotated[PushIn, Tag("push")]
    | Annotated[CloudEventIn, Tag("event")]
    | Annotated[list[CloudEventIn], Tag("batch")],
    Discriminator(_shape),
]
"""A batch of ours, one CloudEvent, or a batch of them."""


class PushedOut(Out):
    """一个事件的结果。"""

    id: str = Field(description="来源的编号")
    request_id: str = Field(description="请求编号")
    event_id: str = Field(description="用量事件编号")
    replayed: bool = Field(description="true 表示以前写过、内容相同，没有重复计量")


class PushOut(Out):
    """一批事件的结果。"""

    stored: int = Field(description="新写入的个数")
    replayed: int = Field(description="以前写过的个数")
    events: list[PushedOut] = Field(description="逐个结果，与请求同序")

    @classmethod
    def of(cls, outcomes: list[Outcome]) -> "PushOut":
        """Write what became of a batch."""
        again = sum(each.replayed for each in outcomes)
        events = [
            PushedOut(
                id=each.id,
                request_id=each.request_id,
                event_id=str(each.event_id),
                replayed=each.replayed,
            )
            for each in outcomes
        ]
        return cls(stored=len(outcomes) - again, replayed=again, events=events)
