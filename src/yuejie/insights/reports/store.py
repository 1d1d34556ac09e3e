"""The only SQL about reports: what was used, which reports are kept, what was made of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from yuejie.db.session import Tx
from yuejie.insights.reports.report import Report, Run, decode_spec, encode_spec
from yuejie.insights.reports.schedule import Schedule
from yuejie.insights.reports.used import UsedQuery, UsedRow
from yuejie.kernel.ids import CustomerId

OPERATOR_READS: Final = {
    "due": "the clerk makes every owner's reports",
}
"""Reads that serve the operator; all others take `customer_id` first, None being the operator."""

# What was used -----------------------------------------------------------------------------------


USED: Final = """
    SELECT date_trunc(%(cut)s, r.hour AT TIME ZONE %(zone)s)::date AS bucket, r.month::text,
           CASE WHEN 'customer' = ANY (%(by)s) THEN d.customer_id ELSE '' END AS customer_id,
           CASE WHEN 'project' = ANY (%(by)s) THEN d.project_id ELSE '' END AS project_id,
           CASE WHEN 'key' = ANY (%(by)s) THEN d.key_id ELSE '' END AS key_id,
           CASE WHEN 'model' = ANY (%(by)s) THEN r.model ELSE '' END AS model,
           CASE WHEN 'meter' = ANY (%(by)s) THEN r.meter ELSE '' END AS meter,
           CASE WHEN 'tags' = ANY (%(by)s) THEN d.tags ELSE '' END AS tags,
           CASE WHEN 'deployment' = ANY (%(by)s) THEN d.deployment_id ELSE '' END AS deployment_id,
           coalesce(sale.currency, '') AS currency,
           CASE WHEN %(costs)s THEN coalesce(cost.currency, '') ELSE '' END AS cost_currency,
           coalesce(sum(r.quantity) FILTER (WHERE r.meter = 'requests'), 0) AS requests,
           coalesce(sum(r.quantity) FILTER (WHERE r.meter = 'failed_requests'), 0) AS failed,
           coalesce(sum(r.quantity) FILTER (WHERE r.meter <> ALL (%(pieces)s)), 0) AS tokens,
           coalesce(sum(r.quantity) FILTER (WHERE r.meter = ANY (%(input_side)s)), 0) AS input,
           coalesce(sum(r.quantity) FILTER (WHERE r.meter = ANY (%(cached)s)), 0) AS cached,
           coalesce(sum(r.quantity * sale.pico)
                    FILTER (WHERE r.state IN ('measured', 'partial')), 0) AS pico,
           coalesce(sum(r.quantity * cost.pico)
                    FILTER (WHERE %(costs)s AND r.state IN ('measured', 'partial')), 0) AS cost_pico
    FROM usage_rollup r
    JOIN usage_dimension d USING (dimension_id)
    LEFT JOIN rate sale ON sale.rate_id = r.sale_rate
    LEFT JOIN rate cost ON cost.rate_id = r.cost_rate
    WHERE (%(customer_id)s::text IS NULL OR d.customer_id = %(customer_id)s)
      AND r.month = ANY (%(months)s) AND r.dimension_id BETWEEN %(low)s AND %(high)s
      AND r.hour >= %(since)s AND r.hour < %(until)s
      AND (%(customers)s::text[] IS NULL OR d.customer_id = ANY (%(customers)s))
      AND (%(projects)s::text[] IS NULL OR d.project_id = ANY (%(projects)s))
      AND (%(keys)s::text[] IS NULL OR d.key_id = ANY (%(keys)s))
      AND (%(models)s::text[] IS NULL OR r.model = ANY (%(models)s))
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
    ORDER BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
    LIMIT %(limit)s
"""


def used(tx: Tx, customer_id: CustomerId | None, query: UsedQuery, *, limit: int) -> list[UsedRow]:
    """Return what a customer used, or (for the operator) what all did, in groups.

    This is the one place where reports read usage: hourly rollups, summed by the database.
    """
    asked = {name: getattr(query, name) for name in query.__slots__}
    return tx.rows(
        UsedRow, USED, customer_id=customer_id, limit=limit, **asked | {"by": sorted(query.by)}
    )


@dataclass(frozen=True, slots=True)
class Numbers:
    """Between which numbers dimensions lie, both included; none: the second is below the first."""

    low: int
    high: int


DIMENSIONS: Final = """
    SELECT coalesce(min(dimension_id), 1) AS low, coalesce(max(dimension_id), 0) AS high
    FROM usage_dimension
    WHERE %(customer_id)s::text IS NULL OR customer_id = %(customer_id)s
"""


def dimensions(tx: Tx, customer_id: CustomerId | None) -> Numbers:
    """Return between which numbers a customer's dimensions lie, or (for the operator) all."""
    return tx.row(Numbers, DIMENSIONS, customer_id=customer_id)


# What is kept ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    report_id: str
    customer_id: CustomerId | None
    name: str
    spec: str
    recipients: list[str]
    schedule: str | None
    zone: str
    next_at: datetime | None
    made_by: str
    made_at: datetime
    ended_at: datetime | None

    def report(self) -> Report:
        """Return what it says."""
        planned = self.schedule
        return Report(
            report_id=self.report_id,
            customer_id=self.customer_id,
            name=self.name,
            spec=decode_spec(self.spec),
            recipients=tuple(self.recipients),
            schedule=msgspec.json.decode(planned, type=Schedule) if planned else None,
            zone=self.zone,
            next_at=self.next_at,
            made_by=self.made_by,
            made_at=self.made_at,
            ended_at=self.ended_at,
        )


REPORTS: Final = """
    SELECT report_id, customer_id, name, spec::text AS spec, recipients,
           schedule::text AS schedule, zone, next_at, made_by, made_at, ended_at
    FROM report
    WHERE (%(customer_id)s::text IS NULL OR customer_id = %(customer_id)s)
      AND (NOT %(own)s OR customer_id IS NULL) AND (%(ended)s OR ended_at IS NULL)
      AND (%(after)s = '' OR report_id > %(after)s)
    ORDER BY report_id
    LIMIT %(limit)s
"""


def reports(
    tx: Tx,
    customer_id: CustomerId | None,
    *,
    own: bool = False,
    ended: bool = False,
    after: str = "",
    limit: int,
) -> list[Report]:
    """Return reports, the oldest first; the operator sees all, with `own` only those of its own."""
    rows = tx.rows(
        _Row, REPORTS, customer_id=customer_id, own=own, ended=ended, after=after, limit=limit
    )
    return [row.report() for row in rows]


REPORT: Final = """
    SELECT report_id, customer_id, name, spec::text AS spec, recipients,
           schedule::text AS schedule, zone, next_at, made_by, made_at, ended_at
    FROM report
    WHERE (%(customer_id)s::text IS NULL OR customer_id = %(customer_id)s)
      AND (report_id = %(name)s
           OR (ended_at IS NULL AND name = %(name)s
               AND (NOT %(own)s OR customer_id IS NOT DISTINCT FROM %(customer_id)s)))
    ORDER BY report_id = %(name)s DESC, report_id
    LIMIT 2
"""


def report(tx: Tx, customer_id: CustomerId | None, name: str, *, own: bool = False) -> list[Report]:
    """Return a report by its id, or those of that name (at most two: one too many to choose)."""
    rows = tx.rows(_Row, REPORT, customer_id=customer_id, name=name, own=own)
    return [row.report() for row in rows]


HOLD: Final = """
    SELECT report_id, customer_id, name, spec::text AS spec, recipients,
           schedule::text AS schedule, zone, next_at, made_by, made_at, ended_at
    FROM report
    WHERE (%(customer_id)s::text IS NULL OR customer_id = %(customer_id)s)
      AND report_id = %(report_id)s AND ended_at IS NULL
    FOR UPDATE
"""


def hold(tx: Tx, customer_id: CustomerId | None, report_id: str) -> Report | None:
    """Return a report that goes on, and keep others from changing it."""
    row = tx.maybe(_Row, HOLD, customer_id=customer_id, report_id=report_id)
    return row.report() if row else None


COUNT: Final = """
    SELECT count(*) FROM report
    WHERE customer_id IS NOT DISTINCT FROM %(customer_id)s::text AND ended_at IS NULL
"""


def count(tx: Tx, customer_id: CustomerId | None) -> int:
    """Return how many reports an owner has."""
    return int(tx.value(COUNT, customer_id=customer_id))


INSERT: Final = """
    INSERT INTO report (report_id, customer_id, name, spec, recipients, schedule, zone, next_at,
                        made_by, made_at)
    VALUES (%(report_id)s, %(customer_id)s, %(name)s, %(spec)s::jsonb, %(recipients)s,
            %(schedule)s::jsonb, %(zone)s, %(next_at)s, %(made_by)s, %(made_at)s)
    ON CONFLICT DO NOTHING
"""


def insert(tx: Tx, made: Report) -> bool:
    """Keep a report; False where its owner has one of that name."""
    return bool(tx.run(INSERT, **_facts(made), made_by=made.made_by, made_at=made.made_at))


UPDATE: Final = """
    UPDATE report
    SET name = %(name)s, spec = %(spec)s::jsonb, recipients = %(recipients)s,
        schedule = %(schedule)s::jsonb, next_at = %(next_at)s
    WHERE report_id = %(report_id)s AND customer_id IS NOT DISTINCT FROM %(customer_id)s
      AND zone = %(zone)s AND ended_at IS NULL
      AND NOT EXISTS (SELECT FROM report o
                      WHERE o.customer_id IS NOT DISTINCT FROM %(customer_id)s
                        AND o.name = %(name)s AND o.ended_at IS NULL
                        AND o.report_id <> %(report_id)s)
"""


def update(tx: Tx, customer_id: CustomerId | None, changed: Report) -> bool:
    """Keep what a report now says; False where its owner has another one of that name."""
    return bool(tx.run(UPDATE, **_facts(changed) | {"customer_id": customer_id}))


def _facts(kept: Report) -> dict[str, object]:
    planned = kept.schedule
    return {
        "report_id": kept.report_id,
        "customer_id": kept.customer_id,
        "name": kept.name,
        "spec": encode_spec(kept.spec),
        "recipients": list(kept.recipients),
        "schedule": msgspec.json.encode(planned).decode() if planned else None,
        "zone": kept.zone,
        "next_at": kept.next_at,
    }


END: Final = """
    UPDATE report SET ended_at = %(at)s, next_at = NULL
    WHERE report_id = %(report_id)s AND customer_id IS NOT DISTINCT FROM %(customer_id)s
      AND ended_at IS NULL
"""


def end(tx: Tx, customer_id: CustomerId | None, report_id: str, at: datetime) -> bool:
    """End a report; its runs stay."""
    return bool(tx.run(END, customer_id=customer_id, report_id=report_id, at=at))


# What is due, and what was made ------------------------------------------------------------------

DUE: Final = """
    SELECT report_id, customer_id, name, spec::text AS spec, recipients,
           schedule::text AS schedule, zone, next_at, made_by, made_at, ended_at
    FROM report
    WHERE next_at <= %(now)s AND ended_at IS NULL
    ORDER BY next_at, report_id
    LIMIT %(limit)s
"""


def due(tx: Tx, now: datetime, *, limit: int) -> list[Report]:
    """Return reports whose hour has come, the longest waiting first."""
    return [row.report() for row in tx.rows(_Row, DUE, now=now, limit=limit)]


MOVE_ON: Final = """
    UPDATE report SET next_at = %(to)s
    WHERE report_id = %(report_id)s AND customer_id IS NOT DISTINCT FROM %(customer_id)s
      AND next_at = %(was)s AND ended_at IS NULL
"""


def move_on(
    tx: Tx, customer_id: CustomerId | None, report_id: str, *, was: datetime, to: datetime
) -> bool:
    """Set the next due instant; False where another clerk has, or somebody changed the report."""
    return bool(tx.run(MOVE_ON, customer_id=customer_id, report_id=report_id, was=was, to=to))


INSERT_RUN: Final = """
    INSERT INTO report_run (run_id, report_id, customer_id, due_at, since, until, made_at, made_by,
                            rows, sha256, sent, content)
    VALUES (%(run_id)s, %(report_id)s, %(customer_id)s, %(due_at)s, %(since)s, %(until)s,
            %(made_at)s, %(made_by)s, %(rows)s, %(sha256)s, %(sent)s, %(content)s)
    ON CONFLICT DO NOTHING
"""


def insert_run(tx: Tx, run: Run, content: bytes) -> bool:
    """Keep what was made; False where that due instant has been made."""
    facts = {name: getattr(run, name) for name in run.__slots__}
    return bool(tx.run(INSERT_RUN, **facts, content=content))


RUNS: Final = """
    SELECT run_id, report_id, customer_id, due_at, since, until, made_at, made_by, rows, sha256,
           sent
    FROM report_run
    WHERE (%(customer_id)s::text IS NULL OR customer_id = %(customer_id)s)
      AND report_id = %(report_id)s AND (%(before)s = '' OR run_id < %(before)s)
    ORDER BY run_id DESC
    LIMIT %(limit)s
"""


def runs(
    tx: Tx, customer_id: CustomerId | None, report_id: str, *, before: str = "", limit: int
) -> list[Run]:
    """Return what was made of a report, the newest first."""
    return tx.rows(
        Run, RUNS, customer_id=customer_id, report_id=report_id, before=before, limit=limit
    )


@dataclass(frozen=True, slots=True)
class Kept:
    """What was made, compressed."""

    content: bytes
    sha256: bytes


CONTENT: Final = """
    SELECT content, sha256 FROM report_run
    WHERE (%(customer_id)s::text IS NULL OR customer_id = %(customer_id)s) AND run_id = %(run_id)s
"""


def content(tx: Tx, customer_id: CustomerId | None, run_id: str) -> Kept | None:
    """Return what was made in a run."""
    return tx.maybe(Kept, CONTENT, customer_id=customer_id, run_id=run_id)


# Whose mail --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MailChannel:
    """An address of a contact."""

    channel_id: str
    contact_id: str


MAIL: Final = """
    SELECT c.channel_id, c.contact_id
    FROM notice_channel c JOIN notice_contact n USING (contact_id)
    WHERE n.customer_id IS NOT DISTINCT FROM %(customer_id)s::text AND c.kind = 'email'
      AND c.contact_id = ANY (%(contacts)s)
    ORDER BY c.channel_id
"""


def mail_channels(
    tx: Tx, customer_id: CustomerId | None, contacts: Sequence[str]
) -> list[MailChannel]:
    """Return the addresses of an owner's contacts."""
    return tx.rows(MailChannel, MAIL, customer_id=customer_id, contacts=list(contacts))
