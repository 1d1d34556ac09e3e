"""The only SQL about capacity. All of it is the operator's: a lane serves many customers."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from yuejie.db.session import Tx
from yuejie.insights.capacity.lane import Ceiling, PeakRow
from yuejie.kernel.ids import uuid7_floor

OPERATOR_READS: Final = {
    "peaks_of_hour": "a provider's ceiling is shared by all customers",
    "daily_peaks": "the same",
    "stored_hour": "the same",
    "first_event": "where the operator's projection begins",
}

# Ceilings -----------------------------------------------------------------------------------------

INSERT_CEILING: Final = """
    INSERT INTO provider_ceiling (account_id, upstream_model, rpm, tpm, note, at, by)
    VALUES (%(account_id)s, %(upstream_model)s, %(rpm)s, %(tpm)s, %(note)s, %(at)s, %(by)s)
"""


def insert_ceiling(tx: Tx, ceiling: Ceiling, *, at: datetime, by: str) -> None:
    """Write the next version of a ceiling."""
    tx.run(
        INSERT_CEILING, at=at, by=by, **{name: getattr(ceiling, name) for name in Ceiling.__slots__}
    )


CEILINGS: Final = """
    SELECT account_id, upstream_model, rpm, tpm, note
    FROM (SELECT DISTINCT ON (account_id, upstream_model) account_id, upstream_model, rpm, tpm, note
          FROM provider_ceiling
          ORDER BY account_id, upstream_model, ceiling_id DESC) newest
    WHERE rpm IS NOT NULL OR tpm IS NOT NULL
    ORDER BY account_id, upstream_model
"""


def ceilings(tx: Tx) -> list[Ceiling]:
    """Return the ceilings that hold, by account and model."""
    return tx.rows(Ceiling, CEILINGS)


@dataclass(frozen=True, slots=True)
class _Lane:
    account_id: str
    upstream_model: str


SERVED: Final = """
    SELECT DISTINCT account_id, upstream_model FROM deployment ORDER BY account_id, upstream_model
"""


def served(tx: Tx) -> list[tuple[str, str]]:
    """Return the accounts and upstream models that deployments name."""
    return [(row.account_id, row.upstream_model) for row in tx.rows(_Lane, SERVED)]


# Hours -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class HourRow:
    """A lane's hour: its sums, and its busiest minutes."""

    account_id: str
    upstream_model: str
    hour: datetime
    requests: int
    tokens: int
    throttled: int
    requests_peak: int
    requests_minute: datetime
    tokens_peak: int
    tokens_minute: datetime


# An attempt's id is made when it is begun; the bounds by id find the partition and the index.
PEAKS_OF_HOUR: Final = """
    WITH attempt AS (
        SELECT DISTINCT ON (e.event_id) e.dimension_id, e.started_at, e.http_status, e.items
        FROM usage_event e
        WHERE e.event_id >= %(low)s AND e.event_id < %(high)s
          AND e.started_at >= %(since)s AND e.started_at < %(until)s AND e.source = 'gateway'
        ORDER BY e.event_id, e.version DESC
    ), minute AS (
        SELECT dep.account_id, coalesce(dep.upstream_model, '') AS upstream_model,
               date_trunc('minute', a.started_at) AS minute,
               count(*) AS requests, coalesce(sum(t.tokens), 0) AS tokens,
               count(*) FILTER (WHERE a.http_status = 429) AS throttled
        FROM attempt a
        JOIN usage_dimension d USING (dimension_id)
        JOIN deployment dep ON dep.deployment_id = d.deployment_id
        CROSS JOIN LATERAL (
            SELECT sum((item ->> 2)::numeric) AS tokens
            FROM json_array_elements(a.items) AS item
            WHERE item ->> 1 <> ALL (%(pieces)s)) t
        GROUP BY GROUPING SETS ((dep.account_id, dep.upstream_model, 3), (dep.account_id, 3))
    )
    SELECT account_id, upstream_model, %(since)s::timestamptz AS hour,
           sum(requests)::bigint AS requests, sum(tokens) AS tokens,
           sum(throttled)::bigint AS throttled,
           max(requests) AS requests_peak,
           (array_agg(minute ORDER BY requests DESC, minute))[1] AS requests_minute,
           max(tokens) AS tokens_peak,
           (array_agg(minute ORDER BY tokens DESC, minute))[1] AS tokens_minute
    FROM minute
    GROUP BY account_id, upstream_model
    ORDER BY account_id, upstream_model
"""


def peaks_of_hour(
    tx: Tx, since: datetime, until: datetime, *, ids: tuple[datetime, datetime], pieces: list[str]
) -> list[HourRow]:
    """Return every lane's hour as the events give it; `ids` are the instants their ids may bear."""
    return tx.rows(
        HourRow,
        PEAKS_OF_HOUR,
        low=uuid7_floor(ids[0]),
        high=uuid7_floor(ids[1]),
        since=since,
        until=until,
        pieces=pieces,
    )


STORED_HOUR: Final = """
    SELECT account_id, upstream_model, hour, requests, tokens, throttled, requests_peak,
           requests_minute, tokens_peak, tokens_minute
    FROM capacity_hour WHERE hour = %(hour)s ORDER BY account_id, upstream_model
"""


def stored_hour(tx: Tx, hour: datetime) -> list[HourRow]:
    """Return every lane's hour as it is kept."""
    return tx.rows(HourRow, STORED_HOUR, hour=hour)


DROP_HOUR: Final = "DELETE FROM capacity_hour WHERE hour = %(hour)s"
INSERT_HOUR: Final = """
    INSERT INTO capacity_hour (account_id, upstream_model, hour, requests, tokens, throttled,
                               requests_peak, requests_minute, tokens_peak, tokens_minute)
    VALUES (%(account_id)s, %(upstream_model)s, %(hour)s, %(requests)s, %(tokens)s, %(throttled)s,
            %(requests_peak)s, %(requests_minute)s, %(tokens_peak)s, %(tokens_minute)s)
"""


def put_hour(tx: Tx, hour: datetime, rows: Iterable[HourRow]) -> None:
    """Write an hour of all lanes, in place of what was there."""
    tx.run(DROP_HOUR, hour=hour)
    for row in rows:
        tx.run(INSERT_HOUR, **{name: getattr(row, name) for name in HourRow.__slots__})


FORGET: Final = "DELETE FROM capacity_hour WHERE hour < %(before)s"


def forget_hours(tx: Tx, before: datetime) -> int:
    """Drop hours that nobody looks at any more."""
    return tx.run(FORGET, before=before)


DAILY: Final = """
    SELECT account_id, upstream_model,
           ((hour AT TIME ZONE %(zone)s)::date)::timestamp AT TIME ZONE 'UTC' AS at,
           sum(throttled)::bigint AS throttled,
           max(requests_peak) AS requests_peak,
           (array_agg(requests_minute ORDER BY requests_peak DESC, hour))[1] AS requests_minute,
           max(tokens_peak) AS tokens_peak,
           (array_agg(tokens_minute ORDER BY tokens_peak DESC, hour))[1] AS tokens_minute
    FROM capacity_hour
    WHERE hour >= %(since)s AND (%(account_id)s::text IS NULL OR account_id = %(account_id)s)
    GROUP BY account_id, upstream_model, 3
    ORDER BY account_id, upstream_model, 3
"""


def daily_peaks(
    tx: Tx, since: datetime, *, zone: str, account_id: str | None = None
) -> list[PeakRow]:
    """Return every lane's busiest minutes by the day of a zone, which `at` bears as its date."""
    return tx.rows(PeakRow, DAILY, since=since, zone=zone, account_id=account_id)


# How far -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cursor:
    """Hours before `hours_through` are taken, those before `settled_through` for good."""

    hours_through: datetime
    settled_through: datetime


CURSOR: Final = "SELECT hours_through, settled_through FROM capacity_cursor"


def cursor(tx: Tx) -> Cursor | None:
    """Return how far hours are taken."""
    return tx.maybe(Cursor, CURSOR)


MOVE: Final = """
    INSERT INTO capacity_cursor (hours_through, settled_through)
    VALUES (%(hours_through)s, %(settled_through)s)
    ON CONFLICT (only_one) DO UPDATE
    SET hours_through = EXCLUDED.hours_through, settled_through = EXCLUDED.settled_through
"""


def move_cursor(tx: Tx, to: Cursor) -> None:
    """Write down how far hours are taken."""
    tx.run(MOVE, hours_through=to.hours_through, settled_through=to.settled_through)


FIRST_EVENT: Final = """
    SELECT started_at FROM usage_event WHERE event_id >= %(low)s ORDER BY event_id LIMIT 1
"""


def first_event(tx: Tx, since: datetime) -> datetime | None:
    """Return when the first attempt since an instant was begun."""
    found = tx.maybe(_Started, FIRST_EVENT, low=uuid7_floor(since))
    return found.started_at if found else None


@dataclass(frozen=True, slots=True)
class _Started:
    started_at: datetime
