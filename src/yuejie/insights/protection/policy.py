"""Policies and what became of them: whom a finding slows down or stops, and until when. Pure.

A protection is an allowance of its own origin: a rate for whoever is throttled, a cap of nothing
for whoever is paused. So it is kept by the gateways like any other, and ended like any other.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from yuejie.insights.anomaly.finding import Finding, Scope
from yuejie.kernel.errors import Conflict


class Action(StrEnum):
    """What a finding brings about."""

    THROTTLE = "throttle"
    """So many calls a minute and no more."""
    PAUSE = "pause"
    APPROVAL = "approval"
    """Paused until somebody looks and approves."""


class Until(StrEnum):
    """What ends it."""

    FINDING = "finding"
    """The finding's own end: usage is as usual again."""
    PERSON = "person"


class ProtectionState(StrEnum):
    """How a protection stands."""

    ACTING = "acting"
    RELEASED = "released"


class ProtectionEvent(StrEnum):
    """What can happen to it."""

    RELEASE = "release"
    """By a person, who says why; of an approval this is the approval."""
    EXPIRE = "expire"
    """The finding has ended."""


S = ProtectionState
E = ProtectionEvent
NEXT: Final[dict[tuple[S, E], S]] = {
    (S.ACTING, E.RELEASE): S.RELEASED,
    (S.ACTING, E.EXPIRE): S.RELEASED,
}


def advance(state: ProtectionState, event: ProtectionEvent) -> ProtectionState:
    """Return the state behind an event, or refuse."""
    try:
        return NEXT[state, event]
    except KeyError:
        raise Conflict("这个防护已经解除，不能再操作") from None


@dataclass(frozen=True, slots=True)
class Policy:
    """What a finding of a customer, a project or a key brings about."""

    policy_id: str
    customer_id: str
    project_id: str | None
    key_id: str | None
    action: Action
    per_minute: int | None
    """Of a throttle: calls a minute."""
    until: Until
    made_by: str
    made_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Target:
    """Whose calls a protection slows down or stops; nothing named is the whole customer."""

    project_id: str | None = None
    key_id: str | None = None


def target_of(policy: Policy, finding: Finding, projects: frozenset[str]) -> Target | None:
    """Return whom a policy lets a finding stop, or None where the finding is none of its concern.

    The key that explains a finding is what is stopped, and nothing beside it; where no key does,
    what the policy names. `projects` are the explaining key's project and all above it.
    """
    key_id = finding.key_id or (finding.name if finding.scope is Scope.KEY else "")
    if policy.key_id is not None:
        return Target(key_id=policy.key_id) if policy.key_id == key_id else None
    if policy.project_id is not None:
        own = finding.scope is Scope.PROJECT and finding.name == policy.project_id
        if policy.project_id not in projects and not own:
            return None
        return Target(key_id=key_id) if key_id else Target(project_id=policy.project_id)
    if key_id:
        return Target(key_id=key_id)
    if finding.scope is Scope.PROJECT:
        return Target(project_id=finding.name)
    return Target()


@dataclass(frozen=True, slots=True)
class Protection:
    """One act of a policy on one finding."""

    protection_id: str
    policy_id: str
    finding_id: str
    customer_id: str
    allowance_id: str
    action: Action
    state: ProtectionState
    acted_at: datetime
