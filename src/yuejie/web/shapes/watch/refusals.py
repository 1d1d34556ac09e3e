"""Refusals on the wire."""

from dataclasses import fields
from typing import Final

from pydantic import Field

from yuejie.kernel.limits import PAGE_MAX
from yuejie.usage.refusals.look import TurnedAway
from yuejie.usage.refusals.show import By, Question, Refusals
from yuejie.usage.refusals.store import RefusedCall
from yuejie.web.shapes.wire import In, Instant, Name, Out

_CALL: Final = frozenset(field.name for field in fields(RefusedCall))


class RefusalQuestion(In):
    """哪些被拒绝的调用，再按什么分开。"""

    since: Instant | None = Field(None, description="不早于；不写为一天以前")
    until: Instant | None = Field(None, description="早于；不写为现在")
    by: list[By] = Field(default=[], max_length=5, description="除原因外按什么分开，可多次")
    customer: Name | None = Field(None, description="客户简称或编号；运营方不写为全部")
    reason: Name | None = Field(None, description="只看一个原因", examples=["cap_used_up"])
    key: Name | None = Field(None, description="密钥编号")
    model: Name | None = Field(None, description="模型")

    def question(self, since: Instant, until: Instant) -> Question:
        """Return what the verb takes; without a span it is the one that is given."""
        return Question(
            self.since or since,
            self.until or until,
            tuple(self.by) or (By.KEY, By.MODEL),
            self.reason,
            self.key,
            self.model,
        )


class TurnedAwayOut(Out):
    """一次被拒绝的调用：没有发给供应商，也不计费；没有内容。"""

    at: Instant = Field(description="收到的时间")
    customer_id: str = Field(description="客户；空为不知是谁，只有运营方可见")
    project_id: str = Field(description="项目")
    key_id: str = Field(description="密钥")
    model: str = Field(description="模型；空为没有写明，或目录中没有")
    reason: str = Field(description="原因，与应答中的代码相同", examples=["cap_used_up"])
    status: int = Field(description="HTTP 状态")
    party: str = Field(description="customer 客户可以处理，ours 平台的责任，nobody 不知是谁")
    name: str = Field(description="原因的名称")
    advice: str = Field(description="怎么办")
    about: dict[str, str] = Field(
        description="当时的额度、上限、剩余等", examples=[{"name": "测试环境", "left": "0.02 CNY"}]
    )

    @classmethod
    def of(cls, found: TurnedAway) -> "TurnedAwayOut":
        """Write a call that was turned away."""
        same = {name: getattr(found.call, name) for name in cls.model_fields if name in _CALL}
        reason = found.reason
        return cls(**same, party=reason.party, name=reason.name, advice=reason.advice)


class RefusalOut(Out):
    """因同一原因被拒绝的调用；没有要求分开的一项为空。"""

    hour: Instant | None = Field(description="哪一小时（客户时区）")
    customer_id: str = Field(description="客户；空为不知是谁")
    project_id: str = Field(description="项目")
    key_id: str = Field(description="密钥")
    model: str = Field(description="模型；空为没有写明，或目录中没有")
    reason: str = Field(description="原因，与应答中的代码相同", examples=["cap_used_up"])
    status: int = Field(description="HTTP 状态")
    calls: int = Field(description="次数")
    first_at: Instant = Field(description="最早一分钟")
    last_at: Instant = Field(description="最近一分钟")
    party: str = Field(description="customer 客户可以处理，ours 平台的责任，nobody 不知是谁")
    name: str = Field(description="原因的名称")
    advice: str = Field(description="怎么办")

    @classmethod
    def of(cls, each: Refusals) -> "RefusalOut":
        """Write a row."""
        row = each.row
        return cls(
            hour=row.hour,
            customer_id=row.customer_id,
            project_id=row.project_id,
            key_id=row.key_id,
            model=row.model,
            reason=row.reason,
            status=row.status,
            calls=row.calls,
            first_at=row.first_at,
            last_at=row.last_at,
            party=each.reason.party,
            name=each.reason.name,
            advice=each.reason.advice,
        )


class RefusalsOut(Out):
    """被拒绝的调用。"""

    calls: int = Field(description="列出的次数之和")
    lines: list[RefusalOut] = Field(description=f"最多 {PAGE_MAX} 行，新的、多的在前")
