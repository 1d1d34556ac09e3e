"""A usage event: one upstream attempt and what it used. Append-only; the truth of the system.

An event has items: one call can bill several models (server-side fall-back, image tools).
An event is never edited: a correction is the same `event_id` with the next `version`,
and the highest version counts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from yuejie.kernel.ids import CustomerId, DeploymentId, KeyId, ProjectId
from yuejie.usage.meters import Meter


class EventState(StrEnum):
    """What we know of an event's quantities. Stored by value; never renamed."""

    MEASURED = "measured"
    """The provider reported it."""
    PARTIAL = "partial"
    """The provider reported at least this much before the stream was cut; a floor."""
    ESTIMATED = "estimated"
    """Our estimate; it holds quantities but no money until resolved."""
    UNMEASURED = "unmeasured"
    """Nothing is known but that it was begun; on the worklist with its reason."""
    UNPRICED = "unpriced"
    """Measured, but a fact of the answer has no rate; on the worklist until a price is approved."""


BILLED: Final = frozenset({EventState.MEASURED, EventState.PARTIAL})
"""States whose quantities are worth money; the others wait on the worklist."""

NO_RATE: Final = 0
"""Rate id of an item that is worth nothing on that side: not billable, or a bare count."""


@dataclass(frozen=True, slots=True)
class Item:
    """A quantity of one meter of one model, as the provider's answer says."""

    model: str
    meter: Meter
    quantity: int


@dataclass(frozen=True, slots=True)
class RatedItem:
    """An item with the two rates that price it, resolved once, when the call ended."""

    model: str
    meter: Meter
    quantity: int
    sale_rate: int
    cost_rate: int


@dataclass(frozen=True, slots=True)
class Dimension:
    """Whom and what usage is counted for; the interned half of the rollup key.

    `tags` is the sorted, comma-joined set of `name=value`; empty when there are none.
    """

    customer_id: CustomerId
    project_id: ProjectId
    key_id: KeyId
    tags: str
    deployment_id: DeploymentId


@dataclass(frozen=True, slots=True)
class Pins:
    """What admission fixed for good: which contract and which book revisions price this call."""

    contract_id: str
    contract_version: int
    sale_book: str
    sale_revision: int
    cost_book: str
    cost_revision: int


class Outcome(StrEnum):
    """How the call ended, seen from the client; for error rates, not for money."""

    OK = "ok"
    CLIENT_GONE = "client_gone"
    PROVIDER_ERROR = "provider_error"
    PROVIDER_CUT = "provider_cut"
    WORKER_DIED = "worker_died"
    IMPORTED = "imported"


def join_tags(tags: Mapping[str, str]) -> str:
    """Write a tag set in its one canonical form: sorted, `name=value`, comma-joined."""
    return ",".join(f"{name}={tags[name]}" for name in sorted(tags))


def split_tags(joined: str) -> dict[str, str]:
    """Read the canonical form back."""
    return dict(pair.split("=", 1) for pair in joined.split(",") if pair)
