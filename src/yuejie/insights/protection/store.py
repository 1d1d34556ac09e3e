"""The only SQL about protections."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from yuejie.db.session import Tx
from yuejie.db.transition import Transition
from yuejie.insights.protection.policy import (
    Action,
    Policy,
    Protection,
    ProtectionState,
    Until,
)

OPERATOR_READS: Final = {
    "protected_customers": "the clerk protects every customer",
}


@dataclass(frozen=True, slots=True)
class _PolicyRow:
    policy_id: str
    customer_id: str
    project_id: str | None
    key_id: str | None
    action: str
    per_minute: int | None
    until: str
    made_by: str
    made_at: datetime
    ended_at: datetime | None


def _policy(row: _PolicyRow) -> Policy:
    return Policy(
        row.policy_id,
        row.customer_id,
        row.project_id,
        row.key_id,
        Action(row.action),
        row.per_minute,
        Until(row.until),
        row.made_by,
        row.made_at,
        row.ended_at,
    )


INSERT_POLICY: Final = """
    INSERT INTO protection_policy (policy_id, customer_id, project_id, key_id, action, per_minute,
                                   until, made_by, made_at)
    VALUES (%(policy_id)s, %(customer_id)s, %(project_id)s, %(key_id)s, %(action)s, %(per_minute)s,
            %(until)s, %(made_by)s, %(made_at)s)
"""


def insert_policy(tx: Tx, policy: Policy) -> None:
    """Write a policy down."""
    tx.run(
        INSERT_POLICY,
        policy_id=policy.policy_id,
        customer_id=policy.customer_id,
        project_id=policy.project_id,
        key_id=policy.key_id,
        action=policy.action,
        per_minute=policy.per_minute,
        until=policy.until,
        made_by=policy.made_by,
        made_at=policy.made_at,
    )


POLICIES: Final = """
    SELECT policy_id, customer_id, project_id, key_id, action, per_minute, until, made_by, made_at,
           ended_at
    FROM protection_policy
    WHERE customer_id = %(customer_id)s AND ended_at IS NULL
    ORDER BY policy_id
"""


def policies(tx: Tx, customer_id: str) -> list[Policy]:
    """Return a customer's policies that hold."""
    return [_policy(row) for row in tx.rows(_PolicyRow, POLICIES, customer_id=customer_id)]


ENDS_BY_ITSELF: Final = """
    SELECT p.protection_id
    FROM protection p JOIN protection_policy y USING (policy_id)
    WHERE p.customer_id = %(customer_id)s AND p.state = 'acting' AND y.until = 'finding'
"""


@dataclass(frozen=True, slots=True)
class _Id:
    protection_id: str


def ending_by_themselves(tx: Tx, customer_id: str) -> frozenset[str]:
    """Return what acts until its finding ends, whether or not its policy still holds."""
    rows = tx.rows(_Id, ENDS_BY_ITSELF, customer_id=customer_id)
    return frozenset(row.protection_id for row in rows)


END_POLICY: Final = """
    UPDATE protection_policy SET ended_at = %(at)s
    WHERE customer_id = %(customer_id)s AND policy_id = %(policy_id)s AND ended_at IS NULL
"""


def end_policy(tx: Tx, customer_id: str, policy_id: str, *, at: datetime) -> bool:
    """End a policy; False where there is none that holds."""
    return tx.run(END_POLICY, customer_id=customer_id, policy_id=policy_id, at=at) == 1


PROTECTED: Final = """
    SELECT DISTINCT customer_id FROM protection_policy WHERE ended_at IS NULL
    UNION
    SELECT DISTINCT customer_id FROM protection WHERE state = 'acting'
    ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class _Customer:
    customer_id: str


def protected_customers(tx: Tx) -> list[str]:
    """Return the customers that have a policy, or something acting."""
    return [row.customer_id for row in tx.rows(_Customer, PROTECTED)]


@dataclass(frozen=True, slots=True)
class _Row:
    protection_id: str
    policy_id: str
    finding_id: str
    customer_id: str
    allowance_id: str
    action: str
    state: str
    acted_at: datetime


def _protection(row: _Row) -> Protection:
    return Protection(
        row.protection_id,
        row.policy_id,
        row.finding_id,
        row.customer_id,
        row.allowance_id,
        Action(row.action),
        ProtectionState(row.state),
        row.acted_at,
    )


HAS_ACTED: Final = """
    SELECT EXISTS (SELECT FROM protection
                   WHERE customer_id = %(customer_id)s AND policy_id = %(policy_id)s
                     AND finding_id = %(finding_id)s)
"""


def has_acted(tx: Tx, customer_id: str, policy_id: str, finding_id: str) -> bool:
    """Tell whether a policy has acted on a finding."""
    found: bool = tx.value(
        HAS_ACTED, customer_id=customer_id, policy_id=policy_id, finding_id=finding_id
    )
    return found


INSERT: Final = """
    INSERT INTO protection (protection_id, policy_id, finding_id, customer_id, allowance_id, action,
                            state, acted_at)
    VALUES (%(protection_id)s, %(policy_id)s, %(finding_id)s, %(customer_id)s, %(allowance_id)s,
            %(action)s, %(state)s, %(acted_at)s)
"""


def insert(tx: Tx, each: Protection) -> None:
    """Write down that a policy acts."""
    tx.run(
        INSERT,
        protection_id=each.protection_id,
        policy_id=each.policy_id,
        finding_id=each.finding_id,
        customer_id=each.customer_id,
        allowance_id=each.allowance_id,
        action=each.action,
        state=each.state,
        acted_at=each.acted_at,
    )


OF_CUSTOMER: Final = """
    SELECT protection_id, policy_id, finding_id, customer_id, allowance_id, action, state, acted_at
    FROM protection
    WHERE customer_id = %(customer_id)s
    ORDER BY protection_id DESC
    LIMIT %(limit)s
"""


def protections(tx: Tx, customer_id: str, *, limit: int) -> list[Protection]:
    """Return what has acted on a customer, the newest first."""
    rows = tx.rows(_Row, OF_CUSTOMER, customer_id=customer_id, limit=limit)
    return [_protection(row) for row in rows]


ACTED: Final = """
    SELECT protection_id, policy_id, finding_id, customer_id, allowance_id, action, state, acted_at
    FROM protection
    WHERE customer_id = %(customer_id)s
      AND (state = 'acting' OR finding_id IN (SELECT finding_id FROM anomaly_finding
                                              WHERE customer_id = %(customer_id)s
                                                AND state <> 'closed'))
"""


def acted(tx: Tx, customer_id: str) -> list[Protection]:
    """Return what acts, and what has acted on findings that go on."""
    return [_protection(row) for row in tx.rows(_Row, ACTED, customer_id=customer_id)]


HOLD: Final = """
    SELECT protection_id, policy_id, finding_id, customer_id, allowance_id, action, state, acted_at
    FROM protection
    WHERE customer_id = %(customer_id)s AND protection_id = %(protection_id)s
    FOR UPDATE
"""


def hold(tx: Tx, customer_id: str, protection_id: str) -> Protection | None:
    """Return a protection and keep others from ending it."""
    row = tx.maybe(_Row, HOLD, customer_id=customer_id, protection_id=protection_id)
    return None if row is None else _protection(row)


RELEASE: Final = """
    UPDATE protection SET state = %(state)s
    WHERE customer_id = %(customer_id)s AND protection_id = %(protection_id)s
"""
NOTE: Final = """
    INSERT INTO protection_transition (protection_id, at, event, was, became, by, why)
    VALUES (%(protection_id)s, %(at)s, %(event)s, %(was)s, %(became)s, %(by)s, %(why)s)
"""


def move(tx: Tx, customer_id: str, protection_id: str, step: Transition) -> None:
    """Write down a step of a protection that this transaction holds."""
    tx.run(RELEASE, customer_id=customer_id, protection_id=protection_id, state=step.became)
    tx.run(NOTE, protection_id=protection_id, **step.row())


LINE: Final = """
    WITH RECURSIVE line AS (
        SELECT p.project_id, p.parent_id, 1 AS steps
        FROM api_key k JOIN project p USING (project_id)
        WHERE k.customer_id = %(customer_id)s AND k.key_id = %(key_id)s
        UNION ALL
        SELECT p.project_id, p.parent_id, line.steps + 1
        FROM line JOIN project p ON p.project_id = line.parent_id
        WHERE line.steps < 100)
    SELECT project_id FROM line
"""


@dataclass(frozen=True, slots=True)
class _Project:
    project_id: str


def projects_of_key(tx: Tx, customer_id: str, key_id: str) -> frozenset[str]:
    """Return a key's project and all above it."""
    rows = tx.rows(_Project, LINE, customer_id=customer_id, key_id=key_id)
    return frozenset(row.project_id for row in rows)
