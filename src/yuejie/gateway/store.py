"""The only SQL of the gateway: what the publisher reads, and the clients' idempotency keys."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from yuejie.db.session import Tx

OPERATOR_READS: Final = {
    "revision": "the gateway serves every customer",
    "keys": "the same",
    "projects": "the same",
    "customers": "the same",
    "prefixes": "the same",
    "live_journals": "journals belong to nodes",
}
"""Reads that serve the publisher; all others take `customer_id` first."""

REVISION: Final = "SELECT revision FROM snapshot_revision"


def revision(tx: Tx) -> int:
    """Return the number that moves whenever something the gateways must know has changed."""
    return int(tx.value(REVISION))


LIVE_JOURNALS: Final = "SELECT count(*) FROM journal WHERE state = 'live'"


def live_journals(tx: Tx) -> int:
    """Return how many journals are being written to, as far as the ingest knows."""
    return int(tx.value(LIVE_JOURNALS))


INSTANT: Final = "SELECT clock_timestamp()"


def instant(tx: Tx) -> datetime:
    """Return what the database's own clock says at this moment."""
    found: datetime = tx.value(INSTANT)
    return found


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """A key as it is stored."""

    key_id: str
    digest: bytes
    customer_id: str
    project_id: str
    tags: str
    models: list[str] | None
    expires_at: datetime | None
    revoked_at: datetime | None
    task_type: str


KEYS: Final = """
    SELECT key_id, digest, customer_id, project_id, tags, models, expires_at, revoked_at,
           task_type
    FROM api_key
    ORDER BY key_id
"""


def keys(tx: Tx) -> list[KeyFacts]:
    """Return every key, the ended ones too: they are refused by name, not as strangers."""
    return tx.rows(KeyFacts, KEYS)


@dataclass(frozen=True, slots=True)
class ProjectFacts:
    """A project with its own policy, before its ancestors narrow it."""

    project_id: str
    customer_id: str
    parent_id: str | None
    allowed_providers: list[str] | None
    allowed_regions: list[str] | None


PROJECTS: Final = """
    SELECT project_id, customer_id, parent_id, allowed_providers, allowed_regions
    FROM project
    ORDER BY project_id
"""


def projects(tx: Tx) -> list[ProjectFacts]:
    """Return every project."""
    return tx.rows(ProjectFacts, PROJECTS)


@dataclass(frozen=True, slots=True)
class CustomerFacts:
    """What of a customer matters to a call."""

    customer_id: str
    state: str
    zone: str
    tag_names: list[str]
    barred: str
    covered: bool


CUSTOMERS: Final = """
    SELECT c.customer_id, c.state, c.zone, c.tag_names,
           CASE WHEN s.state = 'suspended' THEN s.reason ELSE '' END AS barred,
           COALESCE(s.covered, false) AS covered
    FROM customer c
    LEFT JOIN customer_standing s USING (customer_id)
    ORDER BY c.customer_id
"""


def customers(tx: Tx) -> list[CustomerFacts]:
    """Return every customer."""
    return tx.rows(CustomerFacts, CUSTOMERS)


@dataclass(frozen=True, slots=True)
class PrefixFacts:
    """Whose prompts may be looked at for repeated beginnings, and the salt for it."""

    customer_id: str
    project_id: str
    salt: bytes


PREFIXES: Final = """
    SELECT customer_id, name AS project_id, salt FROM advice_word
    WHERE what = 'prefix' AND ended_at IS NULL
    ORDER BY customer_id, name
"""


def prefixes(tx: Tx) -> list[PrefixFacts]:
    """Return everybody who asked for prefix hashes."""
    return tx.rows(PrefixFacts, PREFIXES)


@dataclass(frozen=True, slots=True)
class ClientKey:
    """The first use of a client's `Idempotency-Key`."""

    body_hash: bytes
    operation_id: UUID
    ended: bool


CLAIM: Final = """
    INSERT INTO client_key (customer_id, client_key, body_hash, operation_id, created_at)
    VALUES (%(customer_id)s, %(client_key)s, %(body_hash)s, %(operation_id)s, %(at)s)
    ON CONFLICT (customer_id, client_key) DO NOTHING
"""


def claim(
    tx: Tx, customer_id: str, client_key: str, *, body_hash: bytes, operation_id: UUID, at: datetime
) -> bool:
    """Write a key down as used; False when it had been used before."""
    added = tx.run(
        CLAIM,
        customer_id=customer_id,
        client_key=client_key,
        body_hash=body_hash,
        operation_id=operation_id,
        at=at,
    )
    return added == 1


FIRST_USE: Final = """
    SELECT body_hash, operation_id,
           EXISTS (SELECT FROM usage_event e
                   WHERE e.billable
                     AND (e.event_id = k.operation_id AND e.operation_id = e.event_id
                          OR e.operation_id = k.operation_id AND e.operation_id <> e.event_id))
           -- What was moved, or is past its term, was billed before.
           OR EXISTS (SELECT FROM usage_partition p
                      WHERE p.state <> 'here'
                        AND k.operation_id >= uuid_floor(p.first_day::timestamp AT TIME ZONE 'UTC')
                        AND k.operation_id < uuid_floor(
                            (p.first_day + INTERVAL '1 month')::timestamp AT TIME ZONE 'UTC'))
           AS ended
    FROM client_key k
    WHERE customer_id = %(customer_id)s AND client_key = %(client_key)s
"""


def first_use(tx: Tx, customer_id: str, client_key: str) -> ClientKey | None:
    """Return who used a key first."""
    return tx.maybe(ClientKey, FIRST_USE, customer_id=customer_id, client_key=client_key)


RELEASE: Final = """
    DELETE FROM client_key
    WHERE customer_id = %(customer_id)s AND client_key = %(client_key)s
      AND operation_id = %(operation_id)s
"""


def release(tx: Tx, customer_id: str, client_key: str, *, operation_id: UUID) -> None:
    """Free a key again: its call came to nothing, so that a repeat may try."""
    tx.run(RELEASE, customer_id=customer_id, client_key=client_key, operation_id=operation_id)
