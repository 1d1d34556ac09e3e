"""Advice on the wire."""

from typing import Annotated, Literal

from pydantic import Field

from yuejie.insights.advice.advice import Advice, Line, Measure
from yuejie.insights.advice.show import Shown, Summary
from yuejie.insights.advice.store import Word
from yuejie.kernel.money import PICO, Charge, plain
from yuejie.usage.meters import per
from yuejie.web.shapes.wire import Amount, In, Instant, Out, TransitionOut

Why = Annotated[str, Field(max_length=500, pattern=r"^[^\x00]*$", description="说明")]
Text = Annotated[str, Field(max_length=64, pattern=r"^[^\x00]*$")]


class LineOut(Out):
    """一笔用量按一个单价的计费额：quantity × rate = charge。"""

    model: str = Field(description="模型")
    meter: str = Field(description="计量项")
    quantity: int = Field(description="数量")
    rate: str = Field(description="单价：每百万 token，或每件")
    rate_id: int = Field(description="单价号")
    revision: int = Field(description="价目版次")
    service_tier: str = Field(description="服务档")
    context_above: int = Field(description="长上下文档的起点，0 为基础档")
    time_window: str = Field(description="时段，空为平时")
    charge: str = Field(description="计费额，精确")

    @classmethod
    def of(cls, line: Line, currency: str) -> "LineOut":
        """Write a line."""
        return cls(
            model=line.model,
            meter=line.meter,
            quantity=line.quantity,
            rate=plain(line.pico * per(line.meter), PICO),
            rate_id=line.rate_id,
            revision=line.revision,
            service_tier=line.service_tier,
            context_above=line.context_above,
            time_window=line.time_window,
            charge=str(Charge(line.charge_pico, currency)),
        )


class KeyPartOut(Out):
    """要改的密钥。"""

    key_id: str = Field(description="编号")
    name: str = Field(description="名称")
    project: str = Field(description="项目")
    saving: str = Field(description="其中节省，精确计费额")


class SizePartOut(Out):
    """一种大小的请求。"""

    up_to: int = Field(description="输入不超过多少 token，0 为更大")
    calls: int = Field(description="调用次数")
    saving: str = Field(description="其中节省，精确计费额")


class MeasureOut(Out):
    """一个账期的实际节省。low 与 high 相等即精确。"""

    month: str = Field(description="账期")
    whole: bool = Field(description="账期已完")
    calls: int = Field(description="按建议改了的调用")
    actual: str = Field(description="实际计费额")
    before: str = Field(description="同样的调用按原来的做法的计费额")
    currency: str = Field(description="计费额的币种")
    low: Amount = Field(description="节省，下限")
    high: Amount = Field(description="节省，上限")
    said: str = Field(description="怎样得出")

    @classmethod
    def of(cls, measured: Measure) -> "MeasureOut":
        """Write a measure."""
        currency = measured.currency
        return cls(
            month=measured.month,
            whole=measured.whole,
            calls=measured.calls,
            actual=str(Charge(measured.actual_pico, currency)),
            before=str(Charge(measured.before_pico, currency)),
            currency=currency,
            low=Amount.of(measured.low),
            high=Amount.of(measured.high),
            said=measured.said,
        )


class AdviceOut(Out):
    """一条优化建议：改什么、每月省多少、怎么算的、有多大把握、后来怎样。"""

    advice_id: str = Field(description="编号", examples=["adv_019a…"])
    customer_id: str = Field(description="客户")
    customer: str = Field(description="客户简称")
    kind: str = Field(description="种类", examples=["cheaper_model"])
    slice: str = Field(description="哪一部分用量；同一种类同一部分至多一条在办")
    state: str = Field(
        description="proposed、accepted、tracked、realised、dismissed、lapsed 或 ended"
    )
    month: str = Field(description="按哪个账期的用量")
    title: str = Field(description="一句话")
    saving: Amount = Field(description="每月节省，已计入合同的折扣与承诺；once 为真则是一次性")
    once: bool = Field(description="一次性，不是每月")
    saving_charge: str = Field(description="节省的精确计费额，价目币种")
    currency: str = Field(description="价目币种")
    calls: int = Field(description="涉及的调用次数")
    steps_to_take: tuple[str, ...] = Field(description="改什么")
    keys: list[KeyPartOut] = Field(description="哪些密钥")
    sizes: list[SizePartOut] = Field(description="哪些大小的请求")
    setting: dict[str, str] = Field(
        description="改动的设置：model、to_model、tier、to_tier、window 等"
    )
    before: list[LineOut] = Field(description="现在的逐项")
    after: list[LineOut] = Field(description="改变后的逐项")
    how: tuple[str, ...] = Field(description="怎么算的")
    assumed: tuple[str, ...] = Field(description="前提")
    confidence: str = Field(description="把握：high、medium 或 low")
    confidence_why: tuple[str, ...] = Field(description="为什么")
    found_at: Instant = Field(description="何时提出")
    refreshed_at: Instant = Field(description="何时计算")
    measures: list[MeasureOut] = Field(description="采纳后的实际节省；列表中不带")
    steps: list[TransitionOut] = Field(description="经历；列表中不带")

    @classmethod
    def of(cls, shown: Shown) -> "AdviceOut":
        """Write an advice."""
        found = shown.advice
        figure, currency = found.figure, found.currency
        return cls(
            advice_id=found.advice_id,
            customer_id=found.customer_id,
            customer=shown.customer.slug,
            kind=found.kind,
            slice=found.slice,
            state=found.state,
            month=found.month,
            title=figure.title,
            saving=Amount.of(found.saving),
            once="once" in figure.change.facts,
            saving_charge=str(Charge(found.saving_pico, currency)),
            currency=currency,
            calls=figure.calls,
            steps_to_take=figure.steps,
            keys=[
                KeyPartOut(
                    key_id=key.key_id,
                    name=key.name,
                    project=key.project,
                    saving=str(Charge(int(key.saving_pico), currency)),
                )
                for key in figure.change.keys
            ],
            sizes=[
                SizePartOut(
                    up_to=size.up_to,
                    calls=size.calls,
                    saving=str(Charge(int(size.saving_pico), currency)),
                )
                for size in figure.change.sizes
            ],
            setting=_setting(found),
            before=[LineOut.of(line, currency) for line in figure.before],
            after=[LineOut.of(line, currency) for line in figure.after],
            how=figure.how,
            assumed=figure.assumed,
            confidence=figure.confidence,
            confidence_why=figure.confidence_why,
            found_at=found.found_at,
            refreshed_at=found.at,
            measures=[MeasureOut.of(each) for each in shown.measures],
            steps=[TransitionOut.of(step) for step in shown.steps],
        )


def _setting(found: Advice) -> dict[str, str]:
    """Return what a change sets, without what it leaves alone."""
    change = found.figure.change
    said = {
        "model": change.model,
        "to_model": change.to_model,
        "tier": change.tier,
        "to_tier": change.to_tier,
        "window": change.window,
        "task_type": change.task_type,
        **change.facts,
    }
    return {name: text for name, text in said.items() if text}


class PartOut(Out):
    """合计中的一条：同一批调用上只计一条。"""

    kind: str = Field(description="种类")
    slice: str = Field(description="哪一部分用量")


class SummaryOut(Out):
    """最近一次计算的合计，与数据不足之处。"""

    customer: str = Field(description="客户简称")
    month: str = Field(description="账期")
    at: Instant = Field(description="何时计算")
    joint: Amount = Field(description="各条一起做每月节省；互为替代的只计最大的一条")
    parts: list[PartOut] = Field(description="计入合计的建议")
    gaps: tuple[str, ...] = Field(description="数据不足、不估数之处")

    @classmethod
    def of(cls, summary: Summary) -> "SummaryOut":
        """Write a summary."""
        return cls(
            customer=summary.customer.slug,
            month=summary.month,
            at=summary.at,
            joint=Amount.of(summary.joint),
            parts=[PartOut(kind=p["kind"], slice=p["slice"]) for p in summary.parts],
            gaps=summary.gaps,
        )


class AcceptIn(In):
    """采纳或结束。"""

    why: Why = ""


class DismissIn(In):
    """不采纳，须说明原因。"""

    why: Annotated[Why, Field(min_length=1)]


class WordIn(In):
    """一条说明。"""

    what: Literal["cheaper", "waits", "prefix"] = Field(
        description="cheaper 可换便宜模型，waits 可以等待，prefix 可看前缀哈希"
    )
    name: Text = Field("", description="任务类型；prefix 为项目，空为全部项目")


class WordOut(Out):
    """客户的一条说明。"""

    what: str = Field(description="cheaper、waits 或 prefix")
    name: str = Field(description="任务类型，或项目编号；空为全部项目")
    since: Instant = Field(description="起")
    by: str = Field(description="由谁")

    @classmethod
    def of(cls, word: Word) -> "WordOut":
        """Write a word."""
        return cls(what=word.what, name=word.name, since=word.since, by=word.by)
