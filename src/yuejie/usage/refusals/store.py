"""The only SQL of refusals: added by the ingest, read by whoever asks why."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from yuejie.db.session import Tx
from yuejie.usage.journal import RefusedOne, RefusedRow
from yuejie.usage.refusals.reason import is_ours
from yuejie.usage.rows import jsonb

OPERATOR_READS: Final = {
    "add_refusals": "the ingest counts whatever a journal holds; the customer is in each row",
    "add_refused_calls": "the ingest stores whatever a journal holds; the customer is in each row",
}

# A batch of the ingest is one transaction with the journal's offset, so what it adds it adds once.
# The epoch is part of the key: what a month's availability is at an epoch never changes.
ADD: Final = """
    INSERT INTO gateway_refusal AS r (customer_id, minute, epoch, project_id, key_id, model, reason,
                                      status, is_ours, calls)
    SELECT customer, to_timestamp(minute_s), %(epoch)s, project, key, model, reason, status, ours,
           sum(calls)
    FROM unnest(%(minutes)s::bigint[], %(customers)s::text[], %(projects)s::text[],
                %(keys)s::text[], %(models)s::text[], %(reasons)s::text[], %(statuses)s::int[],
                %(ours)s::boolean[], %(calls)s::bigint[])
         AS t (minute_s, customer, project, key, model, reason, status, ours, calls)
    GROUP BY customer, minute_s, project, key, model, reason, status, ours
    ON CONFLICT (customer_id, minute, reason, key_id, model, project_id, status, epoch)
    DO UPDATE SET calls = r.calls + EXCLUDED.calls
"""


def add_refusals(tx: Tx, rows: Sequence[RefusedRow], *, epoch: int) -> None:
    """Add what a journal says was turned away."""
    if rows:
        columns = list(zip(*rows, strict=True))
        tx.run(
            ADD,
            epoch=epoch,
            minutes=list(columns[0]),
            customers=list(columns[1]),
            projects=list(columns[2]),
            keys=list(columns[3]),
            models=list(columns[4]),
            reasons=list(columns[5]),
            statuses=list(columns[6]),
            ours=[is_ours(reason) for reason in columns[5]],
            calls=list(columns[7]),
        )


@dataclass(frozen=True, slots=True)
class RefusalRow:
    """Calls turned away for one reason, by what was asked for; what was not asked for is empty."""

    hour: datetime | None
    customer_id: str
    project_id: str
    key_id: str
    model: str
    reason: str
    status: int
    calls: int
    first_at: datetime
    last_at: datetime


# An id is minted once; whoever reads a journal from its beginning again adds nothing.
ADD_CALLS: Final = """
    INSERT INTO gateway_refused_call (request_id, customer_id, at, project_id, key_id, model,
                                      reason, status, about)
    SELECT request, customer, TIMESTAMPTZ 'epoch' + us * INTERVAL '1 microsecond', project, key,
           model, reason, status, about::jsonb
    FROM unnest(%(requests)s::uuid[], %(customers)s::text[], %(moments)s::bigint[],
                %(projects)s::text[], %(keys)s::text[], %(models)s::text[],
                %(reasons)s::text[], %(statuses)s::int[], %(abouts)s::text[])
         AS t (request, customer, us, project, key, model, reason, status, about)
    ON CONFLICT (request_id) DO NOTHING
"""


def add_refused_calls(tx: Tx, ones: Sequence[RefusedOne]) -> None:
    """Store the single calls that a journal names."""
    if ones:
        tx.run(
            ADD_CALLS,
            requests=[UUID(bytes=one.request) for one in ones],
            customers=[one.customer for one in ones],
            moments=[one.at_us for one in ones],
            projects=[one.project for one in ones],
            keys=[one.key for one in ones],
            models=[one.model for one in ones],
            reasons=[one.reason for one in ones],
            statuses=[one.status for one in ones],
            abouts=[jsonb(one.about).decode() for one in ones],
        )


@dataclass(frozen=True, slots=True)
class RefusedCall:
    """One call that was turned away; what is not known of it is empty."""

    request_id: UUID
    customer_id: str
    at: datetime
    project_id: str
    key_id: str
    model: str
    reason: str
    status: int
    about: dict[str, str]


CALL: Final = """
    SELECT request_id, customer_id, at, project_id, key_id, model, reason, status, about
    FROM gateway_refused_call
    WHERE request_id = %(request_id)s
      AND (%(customer_id)s::text IS NULL OR customer_id = %(customer_id)s)
"""


def refused_call(tx: Tx, customer_id: str | None, request_id: UUID) -> RefusedCall | None:
    """Return the call that was turned away under an id; None for the customer asks as operator."""
    found = tx.rows(RefusedCall, CALL, customer_id=customer_id, request_id=request_id)
    return found[0] if found else None


BY: Final = """
    SELECT CASE WHEN %(hour)s THEN date_trunc('hour', minute, %(zone)s) END AS hour,
           CASE WHEN %(customer)s THEN customer_id ELSE '' END AS customer_id,
           CASE WHEN %(project)s THEN project_id ELSE '' END AS project_id,
           CASE WHEN %(key)s THEN key_id ELSE '' END AS key_id,
           CASE WHEN %(model)s THEN model ELSE '' END AS model,
           reason, status, sum(calls)::bigint AS calls,
           min(minute) AS first_at, max(minute) AS last_at
    FROM gateway_refusal
    WHERE (%(customer_id)s::text IS NULL OR customer_id = %(customer_id)s)
      AND minute >= %(since)s AND minute < %(until)s
      AND (%(reason)s::text IS NULL OR reason = %(reason)s)
      AND (%(key_id)s::text IS NULL OR key_id = %(key_id)s)
      AND (%(of_model)s::text IS NULL OR model = %(of_model)s)
    GROUP BY 1, 2, 3, 4, 5, 6, 7
    ORDER BY 1 DESC NULLS LAST, sum(calls) DESC, reason, 2, 3, 4, 5, status
    LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of refusals: a span, filters, and by what they are told apart."""

    since: datetime
    until: datetime
    by: frozenset[str]
    zone: str
    reason: str | None = None
    key_id: str | None = None
    model: str | None = None
    limit: int = 1_000


def refused_by(tx: Tx, customer_id: str | None, asked: Asked) -> list[RefusalRow]:
    """Return what was turned away, of one customer or of everybody, the newest hour first."""
    return tx.rows(
        RefusalRow,
        BY,
        customer_id=customer_id,
        since=asked.since,
        until=asked.until,
        zone=asked.zone,
        hour="hour" in asked.by,
        customer="customer" in asked.by,
        project="project" in asked.by,
        key="key" in asked.by,
        model="model" in asked.by,
        reason=asked.reason,
        key_id=asked.key_id,
        of_model=asked.model,
        limit=asked.limit,
    )
