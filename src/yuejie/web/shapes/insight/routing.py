"""Auto models and what they saved, on the wire."""

import msgspec
from pydantic import Field

from yuejie.contracts.auto.policy import AutoModel, Choose, Policy, Rule
from yuejie.contracts.auto.routed import Routed
from yuejie.contracts.auto.words import rule_sentence
from yuejie.insights.routing.report import Report
from yuejie.insights.routing.saved import Saved
from yuejie.kernel.money import Charge
from yuejie.web.shapes.wire import In, Instant, Name, Out, Worth


class RuleIn(In):
    """一条规则：哪些任务可由哪些模型应答，按什么选。"""

    tasks: list[Name] = Field([], description="任务名；不写即其余任务")
    models: list[Name] = Field(description="够用的模型；价格相同时靠前的优先", min_length=1)
    choose: Choose = Field(Choose.PRICE, description="price 按价格、order 按次序、latency 按快慢")
    first_byte_ms_max: int = Field(0, ge=0, description="首字节慢于此毫秒数的暂不选；0 不限")
    error_ppm_max: int = Field(
        200_000, ge=1, le=1_000_000, description="出错超过百万分之几的暂不选"
    )


class PolicyIn(In):
    """自动模型的下一版策略。"""

    default_model: Name = Field(description="默认模型：节省与它相比")
    rules: list[RuleIn] = Field([], description="规则；没有“其余任务”一条时由默认模型应答")
    starts_at: Instant | None = Field(None, description="何时生效；不写则立即")

    def policy(self) -> Policy:
        """Return what the verb takes."""
        rules = [msgspec.convert(rule.model_dump(), Rule) for rule in self.rules]
        return Policy(default_model=self.default_model, rules=rules)


class EndIn(In):
    """停用自动模型。"""

    starts_at: Instant | None = Field(None, description="何时停用；不写则立即")


class RuleOut(Out):
    """一条规则。"""

    tasks: list[str] = Field(description="任务名；空即其余任务")
    models: list[str] = Field(description="够用的模型")
    choose: str = Field(description="price、order、latency")
    first_byte_ms_max: int = Field(description="首字节慢于此毫秒数的暂不选；0 不限")
    error_ppm_max: int = Field(description="出错超过百万分之几的暂不选")
    sentence: str = Field(description="一句话")


class AutoOut(Out):
    """自动模型策略的一版。"""

    name: str = Field(description="名字，即请求里的 model", examples=["auto-cheap"])
    version: int = Field(description="版次")
    active: bool = Field(description="false 为停用")
    default_model: str = Field(description="默认模型")
    rules: list[RuleOut] = Field(description="规则")
    starts_at: Instant = Field(description="何时生效")
    published_at: Instant = Field(description="何时公布")
    published_by: str | None = Field(description="谁公布；只有运营方可见")

    @classmethod
    def of(cls, auto: AutoModel, *, by_name: bool) -> "AutoOut":
        """Write a version; who of the operator's people published it is their own business."""
        rules = [
            RuleOut(**msgspec.structs.asdict(rule), sentence=rule_sentence(number, rule))
            for number, rule in enumerate(auto.policy.rules, start=1)
        ]
        return cls(
            name=auto.name,
            version=auto.version,
            active=auto.active,
            default_model=auto.default_model,
            rules=rules,
            starts_at=auto.starts_at,
            published_at=auto.published_at,
            published_by=auto.published_by if by_name else None,
        )


class CandidateOut(Out):
    """一个候选模型和按本次请求估算的计费额。"""

    model: str = Field(description="模型")
    expected: Worth = Field(description="估算的计费额；只用于选择，计费按实际用量")


class PassedOut(Out):
    """没有选的模型和原因。"""

    model: str = Field(description="模型")
    why: str = Field(description="原因", examples=["context", "images", "errors"])


class RoutedOut(Out):
    """自动模型的一次选择：请求的名字、选中的模型、为什么。"""

    asked: str = Field(description="请求的名字", examples=["auto-cheap"])
    version: int = Field(description="策略版次")
    rule: int = Field(description="第几条规则")
    task: str = Field(description="任务；空为未写明")
    chosen: str = Field(description="选中的模型；应答者见 model，出错转移时可能不同")
    tokens_in: int = Field(description="按字节估计的输入上限")
    tokens_out: int = Field(description="预计的输出")
    candidates: list[CandidateOut] = Field(description="候选，按先后")
    passed: list[PassedOut] = Field(description="没有选的")
    sentence: str = Field(description="一句话说明")

    @classmethod
    def of(cls, routed: Routed) -> "RoutedOut":
        """Write a choice."""
        why = routed.why
        return cls(
            asked=routed.asked,
            version=routed.version,
            rule=why.rule,
            task=why.task,
            chosen=routed.chosen,
            tokens_in=why.tokens_in,
            tokens_out=why.tokens_out,
            candidates=[
                CandidateOut(model=model, expected=Worth.of(Charge(pico, why.currency)))
                for model, pico in why.order
            ],
            passed=[PassedOut(model=model, why=out) for model, out in why.out],
            sentence=routed.sentence(),
        )


class SavedOut(Out):
    """一个自动模型由一个模型应答的调用，与默认模型相比。"""

    customer_id: str = Field(description="客户；合计时为空")
    asked: str = Field(description="自动模型；合计时为空")
    default_model: str = Field(description="默认模型；合计时为空")
    model: str = Field(description="应答的模型；合计时为空")
    key_id: str = Field(description="密钥；合计时为空")
    calls: int = Field(description="比较的调用次数")
    charge: Worth = Field(description="实际计费额")
    default_charge: Worth = Field(description="同样的用量按默认模型的单价")
    saving: Worth = Field(description="节省；负数为多付")
    calls_uncompared: int = Field(description="默认模型缺价、没有比较的次数")
    charge_uncompared: Worth = Field(description="它们的计费额")
    lacking: list[str] = Field(description="缺什么价")

    @classmethod
    def of(cls, saved: Saved) -> "SavedOut":
        """Write a line."""
        line = saved.line
        return cls(
            customer_id=line.customer_id,
            asked=line.asked,
            default_model=line.default_model,
            model=line.model,
            key_id=line.key_id,
            calls=saved.calls,
            charge=Worth.of(saved.charge),
            default_charge=Worth.of(saved.default_charge),
            saving=Worth.of(saved.saving),
            calls_uncompared=saved.calls_uncompared,
            charge_uncompared=Worth.of(Charge(saved.charge_uncompared_pico, line.currency)),
            lacking=sorted(saved.lacking),
        )


class RoutingReportOut(Out):
    """一个月的自动选模与节省。"""

    month: str = Field(description="账期")
    assumption: str = Field(description="比较所作的假设")
    lines: list[SavedOut] = Field(description="逐客户、自动模型、应答模型、密钥")
    totals: list[SavedOut] = Field(description="合计，每个币种一行")

    @classmethod
    def of(cls, report: Report) -> "RoutingReportOut":
        """Write a report."""
        return cls(
            month=str(report.month),
            assumption=report.assumption,
            lines=[SavedOut.of(each) for each in report.lines],
            totals=[SavedOut.of(each) for each in report.totals],
        )
