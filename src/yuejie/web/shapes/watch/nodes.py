"""Nodes on the wire."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from yuejie.intake.nodes.lose import Loss
from yuejie.intake.nodes.node import Node
from yuejie.web.shapes.wire import In, Instant, Out

Why = Annotated[str, Field(max_length=500, pattern=r"^[^\x00]*$", description="原因")]


class NodeOut(Out):
    """网关节点：一个数据目录，里面的流水，写它们的网关，读它们的采集。"""

    node_id: UUID = Field(description="编号")
    name: str = Field(description="名称", examples=["gw-1"])
    state: str = Field(description="serving、draining、left 或 lost")
    silent: bool = Field(description="应有心跳而没有")
    beat_at: Instant = Field(description="最后心跳")
    version: str = Field(description="版本")
    knows: int = Field(description="它的各进程都认识的最新迁移", examples=[29])
    workers: int = Field(description="在写流水的网关进程")
    snapshot_revision: int = Field(description="快照的版次")
    snapshot_age_s: int | None = Field(description="最后心跳时快照有多旧，秒")
    tail_bytes: int = Field(description="最后心跳时尚未入库的流水，字节")
    tail_calls: int | None = Field(description="其中的请求；尚不知道为 null")
    skew_ms: int = Field(description="数据库的时钟比它快多少毫秒")
    leases: int = Field(description="占用着几处额度")
    presumed: int = Field(description="几处额度因流水丢失视为已用")
    journals: int = Field(description="没有读完的流水")
    changed_at: Instant = Field(description="状态何时变更")
    changed_by: str = Field(description="由谁变更")
    why: str = Field(description="原因")

    @classmethod
    def of(cls, node: Node) -> "NodeOut":
        """Write a node."""
        age = node.snapshot_age
        return cls(
            node_id=node.node_id,
            name=node.name,
            state=node.state,
            silent=node.is_silent,
            beat_at=node.beat_at,
            version=node.version,
            knows=node.knows,
            workers=node.workers,
            snapshot_revision=node.snapshot_revision,
            snapshot_age_s=None if age is None else int(age.total_seconds()),
            tail_bytes=node.tail_bytes,
            tail_calls=node.tail_calls,
            skew_ms=node.skew_ms,
            leases=node.leases,
            presumed=node.presumed,
            journals=node.journals,
            changed_at=node.changed_at,
            changed_by=node.changed_by,
            why=node.why,
        )


class WishIn(In):
    """让节点退出或回来。"""

    why: Why = ""


class LostIn(In):
    """宣告丢失；确认的是节点的完整编号，如其所列。"""

    confirm: str = Field(max_length=36, description="节点的完整编号")
    why: Why = Field(min_length=1, description="原因")


class LossOut(Out):
    """宣告丢失的后果。"""

    node_id: UUID = Field(description="节点")
    journals: list[UUID] = Field(description="不再等的流水")
    calls: int = Field(description="进待处理清单的请求")
    presumed: int = Field(description="视为已用的额度，处")

    @classmethod
    def of(cls, loss: Loss) -> "LossOut":
        """Write what giving a node up meant."""
        return cls(
            node_id=loss.node.node_id,
            journals=list(loss.journals),
            calls=loss.calls,
            presumed=loss.presumed,
        )
