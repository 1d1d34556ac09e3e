"""The only SQL about auto models."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from yuejie.contracts.auto.policy import AutoModel, Policy
from yuejie.db.session import Tx

OPERATOR_READS: Final[dict[str, str]] = {}
"""None: an auto model belongs to the catalogue, not to a customer."""


@dataclass(frozen=True, slots=True)
class _Row:
    name: str
    version: int
    active: bool
    policy: str
    starts_at: datetime
    published_at: datetime
    published_by: str


VERSIONS: Final = """
    SELECT name, version, active, policy::text AS policy, starts_at, published_at, published_by
    FROM auto_model
    ORDER BY name, version
"""
VERSIONS_OF: Final = """
    SELECT name, version, active, policy::text AS policy, starts_at, published_at, published_by
    FROM auto_model
    WHERE name = %(name)s
    ORDER BY version
"""


def versions(tx: Tx) -> list[AutoModel]:
    """Return every version of every auto model, by name and version."""
    return [_auto(row) for row in tx.rows(_Row, VERSIONS)]


def versions_of(tx: Tx, name: str) -> list[AutoModel]:
    """Return every version of one auto model, the oldest first."""
    return [_auto(row) for row in tx.rows(_Row, VERSIONS_OF, name=name)]


def _auto(row: _Row) -> AutoModel:
    return AutoModel(
        name=row.name,
        version=row.version,
        active=row.active,
        policy=msgspec.json.decode(row.policy, type=Policy),
        starts_at=row.starts_at,
        published_at=row.published_at,
        published_by=row.published_by,
    )


INSERT: Final = """
    INSERT INTO auto_model (name, version, active, policy, starts_at, published_at, published_by)
    VALUES (%(name)s, %(version)s, %(active)s, %(policy)s::jsonb, %(starts_at)s, %(published_at)s,
            %(published_by)s)
"""


def insert(tx: Tx, auto: AutoModel) -> None:
    """Write a version; its number is taken only once, so two writers cannot both have it."""
    tx.run(
        INSERT,
        name=auto.name,
        version=auto.version,
        active=auto.active,
        policy=msgspec.json.encode(auto.policy).decode(),
        starts_at=auto.starts_at,
        published_at=auto.published_at,
        published_by=auto.published_by,
    )
