"""Protections on the wire."""

from typing import Literal

from pydantic import Field

from yuejie.insights.protection.policy import Action, Until
from yuejie.insights.protection.protect import PolicyDraft
from yuejie.web.shapes.wire import In, Instant, Name, Out


class PolicyIn(In):
    """设一条防护策略。"""

    action: Literal["throttle", "pause", "approval"] = Field(
        description="throttle 限速、pause 暂停、approval 暂停待批准"
    )
    project: Name | None = Field(None, description="项目名（含下级）；不写则整个客户")
    key: Name | None = Field(None, description="密钥编号或名称")
    per_minute: int | None = Field(None, ge=1, description="限速：每分钟几次")
    until: Literal["finding", "person"] | None = Field(
        None, description="finding 异常结束即解除（限速默认），person 由人解除（暂停默认）"
    )

    def draft(self) -> PolicyDraft:
        """Return what the verb takes."""
        return PolicyDraft(
            action=Action(self.action),
            project=self.project,
            key=self.key,
            per_minute=self.per_minute,
            until=Until(self.until) if self.until else None,
        )


class PolicyOut(Out):
    """防护策略。"""

    policy_id: str = Field(description="编号")
    customer_id: str = Field(description="客户编号")
    project_id: str | None = Field(description="项目编号（含下级）")
    key_id: str | None = Field(description="密钥编号")
    action: str = Field(description="throttle、pause、approval")
    per_minute: int | None = Field(description="限速：每分钟几次")
    until: str = Field(description="finding 或 person")
    made_by: str = Field(description="设定人")
    made_at: Instant = Field(description="设定时间")


class ProtectionOut(Out):
    """防护：一条策略对一个异常发现的处置。"""

    protection_id: str = Field(description="编号")
    policy_id: str = Field(description="策略编号")
    finding_id: str = Field(description="异常发现编号")
    customer_id: str = Field(description="客户编号")
    allowance_id: str = Field(description="为此设的额度")
    action: str = Field(description="throttle、pause、approval")
    state: str = Field(description="acting 生效中，released 已解除")
    acted_at: Instant = Field(description="开始时间")


class ReleaseIn(In):
    """解除防护（待批准的即批准）。"""

    why: str = Field(min_length=1, max_length=500, description="事由", examples=["已核实为压测"])


class PolicyEnded(Out):
    """一条策略已结束。"""

    ended: str = Field(description="策略编号")
