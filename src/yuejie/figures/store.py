"""The only SQL of the figures: every one is a count, an age or a size."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from yuejie.db.session import Tx

OPERATOR_READS: Final = {"house_now": "figures belong to the house"}
"""Reads that serve the operator; all others take `customer_id` first."""


@dataclass(frozen=True, slots=True)
class HouseNow:
    """How the house stands; ages are since the oldest that waits, None where nothing does."""

    worklist_calls: int
    worklist_since: datetime | None
    notices_due_since: datetime | None
    notices_given_up: int
    fapiao_parked: int
    fapiao_waiting_since: datetime | None
    drawer_out: bool
    receipts_unclaimed: int
    receipts_since: datetime | None
    jobs_waiting: int
    jobs_since: datetime | None
    journals_parked: int
    journals_seen_at: datetime | None
    summed_through: datetime | None
    probe_ready: int
    probe_failed: int
    refused_ours: int
    refused_others: int
    months_ahead: int
    database_bytes: int


HOUSE_NOW: Final = """
    SELECT
        (SELECT count(*) FROM (
            SELECT FROM usage_event e
            WHERE e.state IN ('estimated', 'unmeasured', 'unpriced')
              AND NOT EXISTS (SELECT FROM usage_event later
                              WHERE later.event_id = e.event_id AND later.version > e.version)
            LIMIT 100000) AS open) AS worklist_calls,
        (SELECT min(started_at) FROM (
            SELECT e.started_at FROM usage_event e
            WHERE e.state IN ('estimated', 'unmeasured', 'unpriced')
              AND NOT EXISTS (SELECT FROM usage_event later
                              WHERE later.event_id = e.event_id AND later.version > e.version)
            ORDER BY e.event_id LIMIT 1) AS oldest) AS worklist_since,
        (SELECT min(due_at) FROM notice_message
         WHERE state = 'waiting' AND due_at <= %(now)s) AS notices_due_since,
        (SELECT count(*) FROM notice_message
         WHERE state = 'dead' AND ended_at > %(now)s - interval '1 day') AS notices_given_up,
        (SELECT count(*) FROM fapiao_errand WHERE state = 'parked') AS fapiao_parked,
        (SELECT min(made_at) FROM fapiao_errand
         WHERE state IN ('waiting', 'sent')) AS fapiao_waiting_since,
        COALESCE((SELECT login = 'out' FROM fapiao_watch ORDER BY at DESC LIMIT 1), false)
            AS drawer_out,
        (SELECT count(*) FROM receipt
         WHERE state IN ('received', 'proposed', 'suspended', 'held')) AS receipts_unclaimed,
        (SELECT min(created_at) FROM receipt
         WHERE state IN ('received', 'proposed', 'suspended', 'held')) AS receipts_since,
        (SELECT count(*) FROM job WHERE state = 'waiting') AS jobs_waiting,
        (SELECT min(made_at) FROM job WHERE state = 'waiting') AS jobs_since,
        (SELECT count(*) FROM journal WHERE state = 'parked') AS journals_parked,
        (SELECT min(seen_at) FROM journal WHERE state = 'live') AS journals_seen_at,
        (SELECT through FROM usage_summed) AS summed_through,
        (SELECT count(*) FROM gateway_probe
         WHERE minute > %(now)s - interval '5 minutes' AND is_ready) AS probe_ready,
        (SELECT count(*) FROM gateway_probe
         WHERE minute > %(now)s - interval '5 minutes' AND NOT is_ready) AS probe_failed,
        (SELECT COALESCE(sum(calls), 0)::bigint FROM gateway_refusal
         WHERE minute > %(now)s - interval '5 minutes' AND is_ours) AS refused_ours,
        (SELECT COALESCE(sum(calls), 0)::bigint FROM gateway_refusal
         WHERE minute > %(now)s - interval '5 minutes' AND NOT is_ours) AS refused_others,
        (SELECT count(*) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
         WHERE i.inhparent = 'usage_event'::regclass
           AND c.relname > 'usage_event_' || to_char(%(now)s AT TIME ZONE 'UTC', 'YYYYMM'))
            AS months_ahead,
        pg_database_size(current_database()) AS database_bytes
"""


def house_now(tx: Tx, now: datetime) -> HouseNow:
    """Return how the house stands at an instant."""
    return tx.row(HouseNow, HOUSE_NOW, now=now)
