"""What a node is: a home with journals, gateways that write them and an intake that reads them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

BEAT_SECONDS: Final = 1.0
"""How often a node tells of itself."""
SILENT: Final = timedelta(seconds=15)
"""A node that has not told of itself for so long may be lost; one that has, is not."""


class NodeState(StrEnum):
    """What a person or the node itself decided; that it is silent is seen by its last beat."""

    SERVING = "serving"
    DRAINING = "draining"
    """Its gateways take no new calls; what they have begun is finished and read."""
    LEFT = "left"
    """Nothing of it is outstanding: no call, no unread journal, no lease."""
    LOST = "lost"
    """Given up with its disk, until it comes back or its journals are adopted."""


ACTIVE: Final = frozenset({NodeState.SERVING, NodeState.DRAINING})


@dataclass(frozen=True, slots=True)
class Told:
    """What a node tells with a beat."""

    version: str
    knows: int
    """The newest migration that every process of it was built with."""
    workers: int
    tail_bytes: int
    tail_calls: int | None
    skew_ms: int
    snapshot_revision: int
    snapshot_at: datetime | None


@dataclass(frozen=True, slots=True)
class Node:
    """A node as it last told of itself, and as people decided."""

    node_id: UUID
    name: str
    state: NodeState
    version: str
    knows: int
    workers: int
    tail_bytes: int
    tail_calls: int | None
    skew_ms: int
    snapshot_revision: int
    snapshot_at: datetime | None
    joined_at: datetime
    beat_at: datetime
    changed_at: datetime
    changed_by: str
    why: str
    leases: int
    """Windows of allowances of which its journals hold something."""
    presumed: int
    """Windows of which something counts as spent because its journals were given up."""
    journals: int
    """Journals of it that are not read to their end."""
    seen_at: datetime
    """The database's clock when it was read, by which beats are dated."""

    @property
    def age(self) -> timedelta:
        """How long ago it told of itself."""
        return self.seen_at - self.beat_at

    @property
    def snapshot_age(self) -> timedelta | None:
        """How old its snapshot was when it last told of itself."""
        return None if self.snapshot_at is None else max(self.beat_at - self.snapshot_at, _NONE)

    @property
    def is_silent(self) -> bool:
        """Whether it should be heard of and is not."""
        return self.state in ACTIVE and self.age > SILENT


_NONE: Final = timedelta(0)
