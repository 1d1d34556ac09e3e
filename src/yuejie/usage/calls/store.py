"""The only SQL that looks for calls: a customer's attempts, and how deployments answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from yuejie.db.session import Tx
from yuejie.usage.store import EventRow

OPERATOR_READS: Final = {"answers": "deployments belong to the house"}
"""Reads that serve the operator; all others take `customer_id` first."""

_BELOW: Final = """
    WITH RECURSIVE subtree AS (
        SELECT p.project_id FROM project p
        WHERE p.customer_id = %(customer_id)s
          AND (p.project_id = %(project)s OR p.name = %(project)s)
        UNION
        SELECT child.project_id
        FROM project child JOIN subtree ON child.parent_id = subtree.project_id
    )
"""
SUBTREE: Final = _BELOW + "SELECT project_id FROM subtree"  # noqa: S608 - literals only


@dataclass(frozen=True, slots=True)
class _Project:
    project_id: str


def subtree(tx: Tx, customer_id: str, project: str) -> list[str]:
    """Return a project, by id or name, and all below it."""
    rows = tx.rows(_Project, SUBTREE, customer_id=customer_id, project=project)
    return [row.project_id for row in rows]


# Both bounds of the id keep the look to the partitions of the time that is asked for, and the order
# of the index is the order of the answer: the few rows of a page are read, not the month sorted.
# What a version says is asked of the last one; few have more than one, in an index of their own.
SOUGHT: Final = (
    _BELOW  # noqa: S608 - literals only
    + """
    SELECT e.*, d.project_id, d.key_id, d.tags, d.deployment_id
    FROM usage_event e JOIN usage_dimension d USING (dimension_id)
    WHERE e.customer_id = %(customer_id)s
      AND e.event_id < %(before)s AND e.event_id >= %(first)s
      AND (%(key)s::text IS NULL OR d.key_id = %(key)s)
      AND (%(project)s::text IS NULL OR d.project_id IN (SELECT project_id FROM subtree))
      AND (%(tag)s::text IS NULL OR %(tag)s = ANY(string_to_array(d.tags, ',')))
      AND (%(since)s::timestamptz IS NULL OR e.started_at >= %(since)s)
      AND (%(until)s::timestamptz IS NULL OR e.started_at < %(until)s)
      AND (%(model)s::text IS NULL OR e.model = %(model)s)
      AND (%(state)s::text IS NULL OR e.state = %(state)s)
      AND (%(failed)s::boolean IS NULL OR %(failed)s = (e.http_status >= 400))
      AND NOT EXISTS (
          SELECT FROM usage_event later
          WHERE later.event_id = e.event_id AND later.version > 1 AND later.version > e.version)
    ORDER BY e.event_id DESC
    LIMIT %(limit)s
"""
)


def sought(
    tx: Tx,
    customer_id: str,
    asked: Mapping[str, object],
    *,
    first: UUID,
    before: UUID,
    limit: int,
) -> list[EventRow]:
    """Return a customer's calls between two ids that are what is asked for, the newest first."""
    return tx.rows(
        EventRow, SOUGHT, customer_id=customer_id, first=first, before=before, limit=limit, **asked
    )


@dataclass(frozen=True, slots=True)
class AnswersRow:
    """How a deployment answered in some time; its last failures in a row are what opens breakers.

    Milliseconds are of calls that went well; `first_byte_ms` is of those that stream.
    """

    deployment_id: str
    calls: int
    failed: int
    throttled: int
    median_ms: int | None
    slow_ms: int | None
    first_byte_ms: int | None
    last_at: datetime
    failures_in_a_row: int
    last_failed_at: datetime | None


# A call that its client left or that a dead worker cut off says nothing of the deployment.
ANSWERS: Final = """
    WITH calls AS (
        SELECT DISTINCT ON (e.event_id) d.deployment_id, e.event_id, e.used_at, e.http_status,
               e.outcome, e.first_byte_ms,
               (extract(epoch FROM e.used_at - e.started_at) * 1000)::bigint AS took_ms,
               (e.outcome IN ('provider_error', 'provider_cut')) AS failed
        FROM usage_event e JOIN usage_dimension d USING (dimension_id)
        WHERE e.event_id >= %(first)s AND e.used_at >= %(since)s
          AND e.outcome IN ('ok', 'provider_error', 'provider_cut') AND d.deployment_id <> ''
        ORDER BY e.event_id, e.version
    ), last_good AS (
        SELECT deployment_id, max(used_at) AS at FROM calls WHERE NOT failed GROUP BY deployment_id
    )
    SELECT c.deployment_id, count(*) AS calls, count(*) FILTER (WHERE c.failed) AS failed,
           count(*) FILTER (WHERE c.http_status = 429) AS throttled,
           percentile_disc(0.5) WITHIN GROUP (ORDER BY c.took_ms)
               FILTER (WHERE NOT c.failed) AS median_ms,
           percentile_disc(0.95) WITHIN GROUP (ORDER BY c.took_ms)
               FILTER (WHERE NOT c.failed) AS slow_ms,
           percentile_disc(0.5) WITHIN GROUP (ORDER BY c.first_byte_ms)
               FILTER (WHERE NOT c.failed AND c.first_byte_ms IS NOT NULL) AS first_byte_ms,
           max(c.used_at) AS last_at,
           count(*) FILTER (WHERE c.failed AND (g.at IS NULL OR c.used_at > g.at))
               AS failures_in_a_row,
           max(c.used_at) FILTER (WHERE c.failed) AS last_failed_at
    FROM calls c LEFT JOIN last_good g USING (deployment_id)
    GROUP BY c.deployment_id
    ORDER BY c.deployment_id
"""


def answers(tx: Tx, since: datetime, first: UUID) -> list[AnswersRow]:
    """Return how each deployment answered since an instant; `first` is the least id of then."""
    return tx.rows(AnswersRow, ANSWERS, since=since, first=first)
