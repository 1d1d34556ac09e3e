"""The only SQL of incidents, and of what the service looks like from outside."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from yuejie.db.session import Tx
from yuejie.kernel.ids import CustomerId
from yuejie.support.status.incident import Impact, Incident, IncidentKind, IncidentState, Update

OPERATOR_READS: Final = {
    "affected": "an incident is told to whoever it concerns",
    "endings": "the state of a model is of all its calls, and names no customer",
}


@dataclass(frozen=True, slots=True)
class _Row:
    incident_id: str
    kind: str
    title: str
    title_en: str
    impact: str
    models: list[str]
    providers: list[str]
    starts_at: datetime
    ends_at: datetime | None
    state: str
    announced_by: str
    announced_at: datetime


def _incident(row: _Row) -> Incident:
    return Incident(
        row.incident_id,
        IncidentKind(row.kind),
        row.title,
        row.title_en,
        Impact(row.impact),
        tuple(row.models),
        tuple(row.providers),
        row.starts_at,
        row.ends_at,
        IncidentState(row.state),
        row.announced_by,
        row.announced_at,
    )


INSERT: Final = """
    INSERT INTO incident (incident_id, kind, title, title_en, impact, models, providers, starts_at,
                          ends_at, state, announced_by, announced_at)
    VALUES (%(incident_id)s, %(kind)s, %(title)s, %(title_en)s, %(impact)s, %(models)s,
            %(providers)s, %(starts_at)s, %(ends_at)s, %(state)s, %(announced_by)s,
            %(announced_at)s)
"""


def insert(tx: Tx, incident: Incident) -> None:
    """Write an incident down."""
    tx.run(
        INSERT,
        incident_id=incident.incident_id,
        kind=str(incident.kind),
        title=incident.title,
        title_en=incident.title_en,
        impact=str(incident.impact),
        models=list(incident.models),
        providers=list(incident.providers),
        starts_at=incident.starts_at,
        ends_at=incident.ends_at,
        state=str(incident.state),
        announced_by=incident.announced_by,
        announced_at=incident.announced_at,
    )


HOLD: Final = """
    SELECT incident_id, kind, title, title_en, impact, models, providers, starts_at, ends_at, state,
           announced_by, announced_at
    FROM incident
    WHERE incident_id = %(incident_id)s
    FOR UPDATE
"""


def hold(tx: Tx, incident_id: str) -> Incident | None:
    """Return an incident and keep others from moving it."""
    row = tx.maybe(_Row, HOLD, incident_id=incident_id)
    return None if row is None else _incident(row)


MOVE: Final = """
    UPDATE incident SET state = %(state)s, starts_at = %(starts_at)s, ends_at = %(ends_at)s
    WHERE incident_id = %(incident_id)s
"""


def move(tx: Tx, incident: Incident) -> None:
    """Write down how an incident stands that this transaction holds."""
    tx.run(
        MOVE,
        incident_id=incident.incident_id,
        state=str(incident.state),
        starts_at=incident.starts_at,
        ends_at=incident.ends_at,
    )


INSERT_UPDATE: Final = """
    INSERT INTO incident_update (update_id, incident_id, at, by, state, text, text_en)
    VALUES (%(update_id)s, %(incident_id)s, %(at)s, %(by)s, %(state)s, %(text)s, %(text_en)s)
"""


def insert_update(tx: Tx, update: Update) -> None:
    """Write down what is said of an incident."""
    tx.run(
        INSERT_UPDATE,
        update_id=update.update_id,
        incident_id=update.incident_id,
        at=update.at,
        by=update.by,
        state=str(update.state),
        text=update.text,
        text_en=update.text_en,
    )


INCIDENT: Final = """
    SELECT incident_id, kind, title, title_en, impact, models, providers, starts_at, ends_at, state,
           announced_by, announced_at
    FROM incident
    WHERE incident_id = %(incident_id)s
"""


def incident(tx: Tx, incident_id: str) -> Incident | None:
    """Return an incident."""
    row = tx.maybe(_Row, INCIDENT, incident_id=incident_id)
    return None if row is None else _incident(row)


INCIDENTS: Final = """
    SELECT incident_id, kind, title, title_en, impact, models, providers, starts_at, ends_at, state,
           announced_by, announced_at
    FROM incident
    WHERE (%(since)s::timestamptz IS NULL OR starts_at >= %(since)s OR ends_at >= %(since)s
           OR state NOT IN ('resolved', 'done', 'cancelled'))
      AND (%(before)s::text IS NULL OR incident_id < %(before)s)
    ORDER BY incident_id DESC
    LIMIT %(limit)s
"""


def incidents(tx: Tx, *, since: datetime | None, before: str | None, limit: int) -> list[Incident]:
    """Return incidents that go on or touch the time since a moment, the newest first."""
    rows = tx.rows(_Row, INCIDENTS, since=since, before=before, limit=limit)
    return [_incident(row) for row in rows]


@dataclass(frozen=True, slots=True)
class _UpdateRow:
    update_id: str
    incident_id: str
    at: datetime
    by: str
    state: str
    text: str
    text_en: str


UPDATES: Final = """
    SELECT update_id, incident_id, at, by, state, text, text_en
    FROM incident_update
    WHERE incident_id = ANY(%(incident_ids)s)
    ORDER BY seq DESC
"""


def updates(tx: Tx, incident_ids: list[str]) -> dict[str, list[Update]]:
    """Return what was said of incidents, the newest first."""
    found: dict[str, list[Update]] = {each: [] for each in incident_ids}
    for row in tx.rows(_UpdateRow, UPDATES, incident_ids=incident_ids):
        state = IncidentState(row.state)
        found[row.incident_id].append(
            Update(row.update_id, row.incident_id, row.at, row.by, state, row.text, row.text_en)
        )
    return found


@dataclass(frozen=True, slots=True)
class _Customer:
    customer_id: CustomerId


# Whoever has called one of the models, or over one of the providers, since a moment. A month's
# label may be a day beside the moment's in another zone: the months are given with room.
AFFECTED: Final = """
    SELECT c.customer_id FROM customer c
    WHERE c.state = 'active'
      AND (cardinality(%(models)s::text[]) = 0 AND cardinality(%(providers)s::text[]) = 0
           OR EXISTS (
               SELECT FROM usage_dimension d
               JOIN usage_rollup r USING (dimension_id)
               LEFT JOIN deployment p ON p.deployment_id = d.deployment_id
               LEFT JOIN provider_account a ON a.account_id = p.account_id
               WHERE d.customer_id = c.customer_id
                 AND r.month = ANY(%(months)s) AND r.hour >= %(since)s
                 AND (r.model = ANY(%(models)s) OR p.model_id = ANY(%(models)s)
                      OR a.provider = ANY(%(providers)s))))
    ORDER BY c.customer_id
"""


def affected(
    tx: Tx, *, models: list[str], providers: list[str], since: datetime, months: list[str]
) -> list[CustomerId]:
    """Return which customers an incident concerns; of one that names nothing, everybody."""
    rows = tx.rows(
        _Customer, AFFECTED, models=models, providers=providers, since=since, months=months
    )
    return [row.customer_id for row in rows]


@dataclass(frozen=True, slots=True)
class ProvidersRow:
    """A provider that some account of ours is at."""

    provider: str


PROVIDERS: Final = "SELECT DISTINCT provider FROM provider_account ORDER BY provider"


def providers(tx: Tx) -> list[str]:
    """Return the providers we have accounts at."""
    return [row.provider for row in tx.rows(ProvidersRow, PROVIDERS)]


@dataclass(frozen=True, slots=True)
class EndingRow:
    """How many of a model's calls ended in one way."""

    model: str
    outcome: str
    http_status: int
    reason: str
    calls: int


# An event's id begins with its time, so that only the last minutes' rows are read.
ENDINGS: Final = """
    SELECT model, outcome, http_status, reason, count(*) AS calls
    FROM (SELECT DISTINCT ON (operation_id) operation_id, model, outcome, http_status, reason
          FROM usage_event
          WHERE event_id >= %(first_id)s AND source = 'gateway'
          ORDER BY operation_id, attempt DESC, version DESC) last
    GROUP BY 1, 2, 3, 4
"""


def endings(tx: Tx, *, first_id: UUID) -> list[EndingRow]:
    """Return how the calls since an id ended, each by its last attempt."""
    return tx.rows(EndingRow, ENDINGS, first_id=first_id)


@dataclass(frozen=True, slots=True)
class DayRow:
    """How many minutes of a day were looked at, and in how many nobody was served."""

    day: str
    probed: int
    down: int


DAYS: Final = """
    SELECT to_char(minute AT TIME ZONE %(zone)s, 'YYYY-MM-DD') AS day, count(*) AS probed,
           count(*) FILTER (WHERE NOT is_ready) AS down
    FROM gateway_probe
    WHERE minute >= %(since)s AND minute < %(until)s
    GROUP BY 1
    ORDER BY 1
"""


def days(tx: Tx, *, zone: str, since: datetime, until: datetime) -> list[DayRow]:
    """Return what was seen of the gateway day by day."""
    return tx.rows(DayRow, DAYS, zone=zone, since=since, until=until)


@dataclass(frozen=True, slots=True)
class ProbeRow:
    """A minute, and whether the gateway was ready then."""

    minute: datetime
    is_ready: bool


PROBES: Final = """
    SELECT minute, is_ready FROM gateway_probe
    WHERE minute >= %(since)s AND minute <= %(until)s
    ORDER BY minute
"""


def probes(tx: Tx, *, since: datetime, until: datetime) -> list[ProbeRow]:
    """Return what was seen of the gateway lately, the oldest minute first."""
    return tx.rows(ProbeRow, PROBES, since=since, until=until)
