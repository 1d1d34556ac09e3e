"""Findings of anomalies on the wire."""

from typing import Annotated, Literal

from pydantic import Field

from yuejie.insights.anomaly.explain import Explanation, Share
from yuejie.insights.anomaly.finding import Finding, Measure, Scope
from yuejie.insights.anomaly.show import Shown
from yuejie.kernel.money import Charge
from yuejie.web.shapes.wire import Amount, In, Instant, Out, TransitionOut

Why = Annotated[str, Field(max_length=500, pattern=r"^[^\x00]*$", description="说明")]


class ShareOut(Out):
    """差异中属于一个密钥或模型的部分：periods × now − before。"""

    name: str = Field(description="密钥编号或模型")
    label: str = Field(description="人们怎样称呼它")
    now: str = Field(description="这一时段的数量", examples=["1500000"])
    before: str = Field(description="以前各时段的数量之和", examples=["700000"])

    @classmethod
    def of(cls, shown: Shown, share: Share) -> "ShareOut":
        """Write a share."""
        return cls(
            name=share.name,
            label=shown.names.get(share.name, share.name),
            now=quantity(shown.finding, share.now),
            before=quantity(shown.finding, share.before),
        )


class SharesOut(Out):
    """谁造成了差异；各部分相加即全部差异（periods × 现在 − 以前）。"""

    periods: int = Field(description="与以前几个时段相比")
    by_key: list[ShareOut] = Field(description="各密钥的部分，大的在前，最多 20 个")
    by_model: list[ShareOut] = Field(description="各模型的部分，大的在前，最多 20 个")

    @classmethod
    def of(cls, shown: Shown, said: Explanation) -> "SharesOut":
        """Write what explains a difference."""
        by_key, by_model = (
            [ShareOut.of(shown, share) for share in side] for side in (said.by_key, said.by_model)
        )
        return cls(periods=said.periods, by_key=by_key, by_model=by_model)


class FindingOut(Out):
    """异常发现：什么变了、从何时起、谁造成、花了多少。"""

    finding_id: str = Field(description="编号", examples=["anm_019a…"])
    customer_id: str = Field(description="客户")
    customer: str = Field(description="客户简称")
    state: str = Field(description="open、acknowledged、muted 或 closed")
    feedback: str = Field(description="反馈：true、false，或空")
    scope: str = Field(description="范围：customer、project、key 或 model")
    name: str = Field(description="项目、密钥编号或模型")
    label: str = Field(description="人们怎样称呼它")
    measure: str = Field(description="度量：cost、tokens、requests 或 errors")
    grain: str = Field(description="按小时 hour 或按日 day 比较")
    rule: str = Field(description="learnt、sudden、day_over_day 或 month_over_month")
    unit: str = Field(description="expected 与 observed 的单位", examples=["tokens", "CNY"])
    expected: str = Field(description="最异常的时段通常是多少", examples=["120000"])
    observed: str = Field(description="那个时段实际是多少", examples=["1200000"])
    since: Instant = Field(description="从何时起")
    last_at: Instant = Field(description="到何时仍异常")
    found_at: Instant = Field(description="何时发现")
    key_id: str = Field(description="最能说明差异的密钥")
    key: str = Field(description="它的名称")
    model: str = Field(description="最能说明差异的模型")
    extra: Amount = Field(description="至今比通常多出的费用（通常值是估计，账单以实际用量为准）")
    shares: SharesOut = Field(description="谁造成了差异")
    steps: list[TransitionOut] = Field(description="经历；列表中不带")

    @classmethod
    def of(cls, shown: Shown) -> "FindingOut":
        """Write a finding."""
        found = shown.finding
        own = found.scope is Scope.CUSTOMER
        return cls(
            finding_id=found.finding_id,
            customer_id=found.customer_id,
            customer=shown.customer.slug,
            state=found.state,
            feedback=found.feedback,
            scope=found.scope,
            name=found.name,
            label=shown.customer.legal_name if own else shown.names.get(found.name, found.name),
            measure=found.measure,
            grain=found.grain,
            rule=found.rule,
            unit=found.currency if found.measure is Measure.COST else str(found.measure),
            expected=quantity(found, found.expected),
            observed=quantity(found, found.observed),
            since=found.since,
            last_at=found.last_at,
            found_at=found.found_at,
            key_id=found.key_id,
            key=shown.names.get(found.key_id, found.key_id),
            model=found.model,
            extra=Amount.of(Charge(found.extra_pico, found.currency).settle()),
            steps=[TransitionOut.of(step) for step in shown.steps],
            shares=SharesOut.of(shown, found.shares),
        )


def quantity(found: Finding, number: int) -> str:
    """Write a quantity of a finding's measure exactly: whole pieces, or a charge."""
    return str(Charge(number, found.currency)) if found.measure is Measure.COST else str(number)


class AcknowledgeIn(In):
    """知悉。"""

    why: Why = ""


class MuteIn(In):
    """静音到某个时刻，最多 90 天。"""

    until: Instant = Field(description="静音到何时", examples=["2026-11-12T00:00:00+08:00"])
    why: Why = ""


class FeedbackIn(In):
    """反馈。"""

    feedback: Literal["true", "false"] = Field(description="true 确有异常，false 误报")
    why: Why = ""
