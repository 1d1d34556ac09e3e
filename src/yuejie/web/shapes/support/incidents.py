"""Incidents and maintenance on the wire."""

from typing import Annotated, Literal

from pydantic import Field

from yuejie.support.status.announce import IncidentDraft, UpdateDraft
from yuejie.support.status.board import Announcement
from yuejie.support.status.incident import Impact, IncidentKind, IncidentState
from yuejie.web.shapes.wire import In, Instant, Name, Out

Text = Annotated[
    str,
    Field(min_length=1, max_length=4_000, pattern=r"^[^\x00]*$", description="说明（中文）"),
]
English = Annotated[
    str, Field(max_length=4_000, pattern=r"^[^\x00]*$", description="英文；不写则状态页用中文")
]


class IncidentIn(In):
    """发布事故，或计划维护。"""

    kind: Literal["incident", "maintenance"] = Field(description="incident 事故、maintenance 维护")
    title: str = Field(min_length=1, max_length=120, description="标题")
    title_en: English = ""
    text: Text
    text_en: English = ""
    impact: Literal["down", "degraded", "none"] = Field(
        "degraded", description="down 服务中断、degraded 部分受影响、none 不受影响"
    )
    models: list[Name] = Field(default_factory=list, max_length=200, description="受影响的模型")
    providers: list[Name] = Field(
        default_factory=list, max_length=50, description="受影响的供应商；都不写即全部服务"
    )
    starts_at: Instant | None = Field(None, description="开始；事故不写即现在")
    ends_at: Instant | None = Field(None, description="结束；维护必填")

    def draft(self) -> IncidentDraft:
        """Return what the verb takes."""
        return IncidentDraft(
            kind=IncidentKind(self.kind),
            title=self.title,
            title_en=self.title_en,
            text=self.text,
            text_en=self.text_en,
            impact=Impact(self.impact),
            models=self.models,
            providers=self.providers,
            starts_at=self.starts_at,
            ends_at=self.ends_at,
        )


class UpdateIn(In):
    """公告的进展。"""

    state: Literal[
        "investigating",
        "identified",
        "monitoring",
        "resolved",
        "planned",
        "under_way",
        "done",
        "cancelled",
    ] = Field(description="现在怎样")
    text: Text
    text_en: English = ""
    starts_at: Instant | None = Field(None, description="改开始时间")
    ends_at: Instant | None = Field(None, description="改结束时间")

    def draft(self) -> UpdateDraft:
        """Return what the verb takes."""
        return UpdateDraft(
            state=IncidentState(self.state),
            text=self.text,
            text_en=self.text_en,
            starts_at=self.starts_at,
            ends_at=self.ends_at,
        )


class UpdateOut(Out):
    """一次更新。"""

    update_id: str = Field(description="编号")
    at: Instant = Field(description="时间")
    state: str = Field(description="当时怎样")
    text: str = Field(description="说明")
    text_en: str = Field(description="英文，或空")


class IncidentOut(Out):
    """一条公告。"""

    incident_id: str = Field(description="编号")
    kind: str = Field(description="incident 或 maintenance")
    title: str = Field(description="标题")
    title_en: str = Field(description="英文标题，或空")
    impact: str = Field(description="down、degraded、none")
    models: list[str] = Field(description="受影响的模型")
    providers: list[str] = Field(description="受影响的供应商；都为空即全部服务")
    starts_at: Instant = Field(description="开始")
    ends_at: Instant | None = Field(description="结束，维护为预计结束")
    state: str = Field(description="现在怎样")
    updates: list[UpdateOut] = Field(description="更新，新的在前")

    @classmethod
    def of(cls, told: Announcement) -> "IncidentOut":
        """Write an announcement; who made it is ours to know."""
        found = told.incident
        return cls(
            incident_id=found.incident_id,
            kind=found.kind,
            title=found.title,
            title_en=found.title_en,
            impact=found.impact,
            models=list(found.models),
            providers=list(found.providers),
            starts_at=found.starts_at,
            ends_at=found.ends_at,
            state=found.state,
            updates=[UpdateOut.model_validate(each) for each in told.updates],
        )


class AnnouncedOut(Out):
    """发布的结果。"""

    incident_id: str = Field(description="编号")
    state: str = Field(description="现在怎样")
    told: int = Field(description="通知了几个客户")
