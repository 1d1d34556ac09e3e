"""Incidents and maintenance: what is announced, and how each goes on. Pure."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from yuejie.kernel.errors import Conflict


class IncidentKind(StrEnum):
    """What it is."""

    INCIDENT = "incident"
    MAINTENANCE = "maintenance"


class Impact(StrEnum):
    """What customers feel of it."""

    DOWN = "down"
    DEGRADED = "degraded"
    NONE = "none"


class IncidentState(StrEnum):
    """How it stands."""

    INVESTIGATING = "investigating"
    IDENTIFIED = "identified"
    MONITORING = "monitoring"
    RESOLVED = "resolved"
    PLANNED = "planned"
    UNDER_WAY = "under_way"
    DONE = "done"
    CANCELLED = "cancelled"


S = IncidentState
NEXT: Final[dict[tuple[S, S], S]] = {
    (S.INVESTIGATING, S.INVESTIGATING): S.INVESTIGATING,
    (S.INVESTIGATING, S.IDENTIFIED): S.IDENTIFIED,
    (S.INVESTIGATING, S.MONITORING): S.MONITORING,
    (S.INVESTIGATING, S.RESOLVED): S.RESOLVED,
    (S.IDENTIFIED, S.IDENTIFIED): S.IDENTIFIED,
    (S.IDENTIFIED, S.INVESTIGATING): S.INVESTIGATING,
    (S.IDENTIFIED, S.MONITORING): S.MONITORING,
    (S.IDENTIFIED, S.RESOLVED): S.RESOLVED,
    (S.MONITORING, S.MONITORING): S.MONITORING,
    (S.MONITORING, S.INVESTIGATING): S.INVESTIGATING,
    (S.MONITORING, S.IDENTIFIED): S.IDENTIFIED,
    (S.MONITORING, S.RESOLVED): S.RESOLVED,
    (S.RESOLVED, S.INVESTIGATING): S.INVESTIGATING,
    (S.PLANNED, S.PLANNED): S.PLANNED,
    (S.PLANNED, S.UNDER_WAY): S.UNDER_WAY,
    (S.PLANNED, S.CANCELLED): S.CANCELLED,
    (S.UNDER_WAY, S.UNDER_WAY): S.UNDER_WAY,
    (S.UNDER_WAY, S.DONE): S.DONE,
}
"""What may be said of it next: what an update says is the event, and the state behind it."""
FIRST: Final = {
    IncidentKind.INCIDENT: S.INVESTIGATING,
    IncidentKind.MAINTENANCE: S.PLANNED,
}
OVER: Final = frozenset({S.RESOLVED, S.DONE, S.CANCELLED})
FELT: Final = frozenset({S.INVESTIGATING, S.IDENTIFIED, S.MONITORING, S.UNDER_WAY})
"""States in which customers may feel it."""

KIND_NAMES: Final = {IncidentKind.INCIDENT: "事故", IncidentKind.MAINTENANCE: "维护"}
IMPACT_NAMES: Final = {
    Impact.DOWN: "服务中断",
    Impact.DEGRADED: "部分受影响",
    Impact.NONE: "不受影响",
}
STATE_NAMES: Final = {
    S.INVESTIGATING: "排查中",
    S.IDENTIFIED: "已定位",
    S.MONITORING: "观察中",
    S.RESOLVED: "已恢复",
    S.PLANNED: "已计划",
    S.UNDER_WAY: "进行中",
    S.DONE: "已完成",
    S.CANCELLED: "已取消",
}
STATES_EN: Final = {
    S.INVESTIGATING: "Investigating",
    S.IDENTIFIED: "Identified",
    S.MONITORING: "Monitoring",
    S.RESOLVED: "Resolved",
    S.PLANNED: "Planned",
    S.UNDER_WAY: "Under way",
    S.DONE: "Completed",
    S.CANCELLED: "Cancelled",
}
"""For whoever reads the feed in English."""


def advance(state: IncidentState, said: IncidentState) -> IncidentState:
    """Return the state behind an update. Raises Conflict where it cannot follow."""
    try:
        return NEXT[state, said]
    except KeyError:
        raise Conflict(
            f"{STATE_NAMES[state]}之后不能改为{STATE_NAMES[said]}；需要时请另发一条公告"
        ) from None


def follow(state: IncidentState) -> list[IncidentState]:
    """Return what may be said next."""
    return [after for before, after in NEXT if before == state]


@dataclass(frozen=True, slots=True)
class Incident:
    """What is announced. Nothing named is the whole service; English may be left out.

    `ends_at` is when it ended, of a maintenance when it is to end.
    """

    incident_id: str
    kind: IncidentKind
    title: str
    title_en: str
    impact: Impact
    models: tuple[str, ...]
    providers: tuple[str, ...]
    starts_at: datetime
    ends_at: datetime | None
    state: IncidentState
    announced_by: str
    announced_at: datetime

    @property
    def is_over(self) -> bool:
        """Whether nothing more is to come of it."""
        return self.state in OVER

    def is_felt(self, at: datetime) -> bool:
        """Whether customers may feel it at a moment."""
        planned = self.state is S.PLANNED and self.ends_at is not None
        inside = planned and self.ends_at is not None and self.starts_at <= at < self.ends_at
        return self.state in FELT or inside


@dataclass(frozen=True, slots=True)
class Update:
    """What was said of an incident, and how it stood then."""

    update_id: str
    incident_id: str
    at: datetime
    by: str
    state: IncidentState
    text: str
    text_en: str
