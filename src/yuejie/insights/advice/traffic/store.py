"""The only SQL that sums a month's calls for advice; only sums leave the database."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from yuejie.db.session import Tx
from yuejie.insights.advice.traffic.cells import CellRow
from yuejie.kernel.ids import CustomerId, uuid7_floor
from yuejie.kernel.period import Span
from yuejie.usage.warehouse.read import refuse_partial

WAITED: Final = timedelta(hours=1)
"""Longer than any call waits for its turn."""
_DAY: Final = timedelta(days=1)

PREFER_HASHING: Final = "SET LOCAL enable_sort = off"
ROOMY: Final = "SET LOCAL work_mem = '64MB'"


def prefer_hashing(tx: Tx) -> None:
    """Let this transaction sum by hashing.

    Of a customer's day the planner may expect three rows; it would sort millions by fifteen texts.
    """
    tx.run(PREFER_HASHING)
    tx.run(ROOMY)


CELLS: Final = """
    WITH later AS MATERIALIZED (
        SELECT event_id, max(version) AS version FROM usage_event
        WHERE customer_id = %(customer_id)s AND version > 1
          AND event_id >= %(after)s AND event_id < %(before)s
        GROUP BY event_id)
    SELECT d.project_id, d.key_id, c.* FROM (
        SELECT e.dimension_id, e.model, e.api, e.service_tier,
               f.inference_geo, f.processing, f.endpoint, f.speed,
               CASE WHEN %(pinned)s THEN e.sale_book ELSE '' END AS sale_book,
               CASE WHEN %(pinned)s THEN e.sale_revision ELSE 0 END AS sale_revision,
               width_bucket(e.context_tokens, %(contexts)s::bigint[]) AS context_step,
               width_bucket(e.context_tokens + i.output, %(reaches)s::bigint[]) AS reach_step,
               width_bucket(i.output, %(outputs)s::bigint[]) AS output_step,
               CASE WHEN %(slot_s)s::bigint = 0 THEN 0
                    ELSE extract(epoch FROM e.started_at)::bigint / %(slot_s)s * %(slot_s)s
               END AS slot,
               i.meter, sum(i.quantity)::numeric AS quantity,
               coalesce(sum(i.quantity::numeric * sale.pico), 0) AS billed_pico,
               count(*) FILTER (WHERE i.place = 1) AS calls,
               max(e.context_tokens) AS context, max(e.context_tokens + i.output) AS reach,
               max(i.output)::bigint AS output,
               (extract(epoch FROM min(e.started_at)) * 1000000)::bigint AS first_us,
               bit_or(1::bigint << (extract(day FROM e.started_at AT TIME ZONE %(zone)s)::int - 1))
                   AS days
        FROM usage_event e
        LEFT JOIN later USING (event_id)
        CROSS JOIN LATERAL (
            SELECT item ->> 1 AS meter, (item ->> 2)::bigint AS quantity,
                   (item ->> 3)::bigint AS sale_rate, row_number() OVER () AS place,
                   coalesce(sum((item ->> 2)::bigint)
                            FILTER (WHERE item ->> 1 IN ('output', 'reasoning')) OVER (), 0)
                       ::bigint AS output
            FROM jsonb_array_elements(e.items::jsonb) AS item WHERE item ->> 0 = e.model) i
        CROSS JOIN LATERAL (
            SELECT coalesce(e.facts ->> 'inference_geo', '') AS inference_geo,
                   coalesce(e.facts ->> 'processing', '') AS processing,
                   coalesce(e.facts ->> 'endpoint', '') AS endpoint,
                   coalesce(e.facts ->> 'speed', '') AS speed
            WHERE e.facts::text <> '{}'
            UNION ALL SELECT '', '', '', '' WHERE e.facts::text = '{}') f
        LEFT JOIN rate sale ON sale.rate_id = i.sale_rate
        WHERE e.customer_id = %(customer_id)s
          AND e.event_id >= %(after)s AND e.event_id < %(before)s
          AND e.billable AND e.state IN ('measured', 'partial')
          AND e.version = coalesce(later.version, e.version)
          AND e.started_at >= %(since)s AND e.started_at < %(until)s
          AND (%(keys)s::text[] IS NULL OR e.dimension_id IN (
              SELECT dimension_id FROM usage_dimension
              WHERE customer_id = %(customer_id)s AND key_id = ANY (%(keys)s)))
          AND (%(models)s::text[] IS NULL OR e.model = ANY (%(models)s))
        GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, i.meter) c
    JOIN usage_dimension d USING (dimension_id)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which calls to sum, and where to cut them. Keys or models of None: all.

    Calls are found by when they started, which is what their month was labelled by.

    `contexts`, `reaches` and `outputs` are the least token counts of each class but the first.
    """

    zone: str
    since: datetime
    until: datetime
    contexts: Sequence[int] = (1 << 62,)
    reaches: Sequence[int] = (1 << 62,)
    outputs: Sequence[int] = (1 << 62,)
    slot_s: int = 0
    keys: Sequence[str] | None = None
    models: Sequence[str] | None = None
    pinned: bool = False

    def facts(self) -> dict[str, Any]:
        """Return it as a query's parameters."""
        return {
            "zone": self.zone,
            "since": self.since,
            "until": self.until,
            "contexts": list(self.contexts),
            "reaches": list(self.reaches),
            "outputs": list(self.outputs),
            "slot_s": self.slot_s,
            "keys": None if self.keys is None else list(self.keys),
            "models": None if self.models is None else list(self.models),
            "pinned": self.pinned,
        }


def cell_rows(tx: Tx, customer_id: CustomerId, asked: Asked) -> Iterator[CellRow]:
    """Yield the meters of each cell, day by day; a cell comes again on each of its days."""
    for after, before in _days(tx, customer_id, asked.since, asked.until):
        yield from tx.rows(
            CellRow, CELLS, customer_id=customer_id, after=after, before=before, **asked.facts()
        )


def _days(
    tx: Tx, customer_id: CustomerId, since: datetime, until: datetime
) -> Iterator[tuple[UUID, UUID]]:
    refuse_partial(tx, customer_id, f"{since:%Y-%m}", f"{until:%Y-%m}", "优化建议的测算")
    return days_of_ids(since, until)


def days_of_ids(since: datetime, until: datetime) -> Iterator[tuple[UUID, UUID]]:
    """Yield the ids that calls of a span can have, a day at a time: no statement reads more.

    An id is made before its call starts: a moment before, or, where it waited for its turn, longer.
    """
    day = since - WAITED
    while day < until:
        end = min(day + _DAY, until)
        yield uuid7_floor(day), uuid7_floor(end)
        day = end


@dataclass(frozen=True, slots=True)
class Steep:
    """One meter of calls that lie just above a context step, by how far they do.

    `excess` is the input above the step, summed; each of the calls has as much plain input.
    """

    project_id: str
    key_id: str
    model: str
    service_tier: str
    inference_geo: str
    processing: str
    endpoint: str
    speed: str
    slot: int
    step: int
    band: int
    meter: str
    quantity: int
    excess: int
    days: int


JUST_ABOVE: Final = """
    WITH later AS MATERIALIZED (
        SELECT event_id, max(version) AS version FROM usage_event
        WHERE customer_id = %(customer_id)s AND version > 1
          AND event_id >= %(after)s AND event_id < %(before)s
        GROUP BY event_id)
    SELECT d.project_id, d.key_id, e.model, e.service_tier,
           coalesce(e.facts ->> 'inference_geo', '') AS inference_geo,
           coalesce(e.facts ->> 'processing', '') AS processing,
           coalesce(e.facts ->> 'endpoint', '') AS endpoint,
           coalesce(e.facts ->> 'speed', '') AS speed,
           CASE WHEN %(slot_s)s::bigint = 0 THEN 0
                ELSE extract(epoch FROM e.started_at)::bigint / %(slot_s)s * %(slot_s)s
           END AS slot,
           s.step,
           (%(bands)s::bigint[])[width_bucket(e.context_tokens - s.step - 1,
                                              %(bands)s::bigint[]) + 1] AS band,
           i.meter, sum(i.quantity)::numeric AS quantity,
           sum(e.context_tokens - s.step)::numeric AS excess,
           bit_or(1::bigint << (extract(day FROM e.started_at AT TIME ZONE %(zone)s)::int - 1))
               AS days
    FROM usage_event e
    LEFT JOIN later USING (event_id)
    JOIN usage_dimension d USING (dimension_id)
    CROSS JOIN LATERAL (
        SELECT max(t.step) AS step
        FROM unnest(%(step_models)s::text[], %(steps)s::bigint[]) AS t (model, step)
        WHERE t.model = e.model AND t.step < e.context_tokens) s
    CROSS JOIN LATERAL (
        SELECT coalesce(sum((item ->> 2)::bigint), 0) AS input
        FROM jsonb_array_elements(e.items::jsonb) AS item
        WHERE item ->> 0 = e.model AND item ->> 1 = 'input') p
    CROSS JOIN LATERAL (
        SELECT '' AS meter, 1::bigint AS quantity
        UNION ALL
        SELECT item ->> 1, (item ->> 2)::bigint
        FROM jsonb_array_elements(e.items::jsonb) AS item WHERE item ->> 0 = e.model) i
    WHERE e.customer_id = %(customer_id)s
      AND e.started_at >= %(since)s AND e.started_at < %(until)s
      AND e.billable AND e.state IN ('measured', 'partial')
      AND e.model = ANY (%(step_models)s::text[])
      AND e.context_tokens - s.step <= (%(bands)s::bigint[])[cardinality(%(bands)s::bigint[])]
      AND p.input >= e.context_tokens - s.step
      AND e.event_id >= %(after)s AND e.event_id < %(before)s
      AND e.version = coalesce(later.version, e.version)
    GROUP BY d.project_id, d.key_id, e.model, e.service_tier, 5, 6, 7, 8, 9, s.step, 11, i.meter
"""


def just_above(
    tx: Tx,
    customer_id: CustomerId,
    span: Span,
    *,
    zone: str,
    slot_s: int,
    steps: Mapping[str, Sequence[int]],
    bands: Sequence[int],
) -> Iterator[Steep]:
    """Yield the calls whose input lies above a step of their model by no more than the last band.

    `bands` are the most tokens above the step of each class, ascending.
    """
    pairs = [(model, step) for model, found in steps.items() for step in found]
    for after, before in _days(tx, customer_id, span.start, span.end):
        yield from tx.rows(
            Steep,
            JUST_ABOVE,
            customer_id=customer_id,
            since=span.start,
            until=span.end,
            zone=zone,
            slot_s=slot_s,
            step_models=[model for model, _ in pairs],
            steps=[step for _, step in pairs],
            bands=list(bands),
            after=after,
            before=before,
        )


@dataclass(frozen=True, slots=True)
class Repeated:
    """Calls whose prompts were looked at for repeated beginnings.

    `repeated` are tokens of input that the same key had sent within five minutes before, `extra`
    those of them that no cache served; `fresh` is the plain input that was not repeated.
    """

    project_id: str
    key_id: str
    model: str
    service_tier: str
    context_step: int
    context: int
    calls: int
    repeated: int
    extra: int
    fresh: int
    days: int


REPEATED: Final = """
    WITH later AS MATERIALIZED (
        SELECT event_id, max(version) AS version FROM usage_event
        WHERE customer_id = %(customer_id)s AND version > 1
          AND event_id >= %(after)s AND event_id < %(before)s
        GROUP BY event_id)
    SELECT d.project_id, d.key_id, e.model, e.service_tier,
           width_bucket(e.context_tokens, %(contexts)s::bigint[]) AS context_step,
           max(e.context_tokens) AS context, count(*) AS calls,
           sum(r.repeated)::numeric AS repeated,
           sum(least(greatest(r.repeated - p.cached, 0), p.input))::numeric AS extra,
           sum(p.input - least(greatest(r.repeated - p.cached, 0), p.input))::numeric AS fresh,
           bit_or(1::bigint << (extract(day FROM e.started_at AT TIME ZONE %(zone)s)::int - 1))
               AS days
    FROM usage_event e
    LEFT JOIN later USING (event_id)
    JOIN usage_dimension d USING (dimension_id)
    CROSS JOIN LATERAL (
        SELECT coalesce(sum((item ->> 2)::bigint) FILTER (WHERE item ->> 1 = 'input'), 0)
                   ::bigint AS input,
               coalesce(sum((item ->> 2)::bigint) FILTER (WHERE item ->> 1 = 'cache_read'), 0)
                   ::bigint AS cached
        FROM jsonb_array_elements(e.items::jsonb) AS item WHERE item ->> 0 = e.model) p
    CROSS JOIN LATERAL (
        SELECT (e.context_tokens::numeric * (e.facts ->> 'prefix_repeated')::bigint
                / greatest((e.facts ->> 'prefix_bytes')::bigint, 1))::bigint AS repeated) r
    WHERE e.customer_id = %(customer_id)s
      AND e.started_at >= %(since)s AND e.started_at < %(until)s
      AND e.billable AND e.state IN ('measured', 'partial')
      AND e.facts ->> 'prefix_bytes' IS NOT NULL
      AND e.event_id >= %(after)s AND e.event_id < %(before)s
      AND e.version = coalesce(later.version, e.version)
    GROUP BY d.project_id, d.key_id, e.model, e.service_tier, 5
"""


def repeated(
    tx: Tx,
    customer_id: CustomerId,
    span: Span,
    *,
    zone: str,
    contexts: Sequence[int],
) -> list[Repeated]:
    """Return, by key and size, how much of a month's prompts was sent again within minutes."""
    return [
        row
        for after, before in _days(tx, customer_id, span.start, span.end)
        for row in tx.rows(
            Repeated,
            REPEATED,
            customer_id=customer_id,
            since=span.start,
            until=span.end,
            zone=zone,
            contexts=list(contexts),
            after=after,
            before=before,
        )
    ]


@dataclass(frozen=True, slots=True)
class Merged:
    """Small calls of one key that came within the same minutes, if they were sent together.

    `spared` is how many calls fewer it would be; `again` the tokens of the spared calls' prompts
    that had been sent before, `again_cached` those of them that were read from a cache.
    """

    project_id: str
    key_id: str
    model: str
    service_tier: str
    context: int
    calls: int
    spared: int
    again: int
    again_cached: int
    days: int


MERGED: Final = """
    WITH later AS MATERIALIZED (
        SELECT event_id, max(version) AS version FROM usage_event
        WHERE customer_id = %(customer_id)s AND version > 1
          AND event_id >= %(after)s AND event_id < %(before)s
        GROUP BY event_id),
    small AS (
        SELECT d.project_id, d.key_id, e.model, e.service_tier, e.context_tokens, e.started_at,
               least(coalesce((e.context_tokens::numeric
                               * (e.facts ->> 'prefix_repeated')::bigint
                               / greatest((e.facts ->> 'prefix_bytes')::bigint, 1))::bigint, 0),
                     p.input + p.cached) AS again,
               p.cached,
               row_number() OVER same AS place,
               count(*) OVER (PARTITION BY d.project_id, d.key_id, e.model, e.service_tier,
                                           date_trunc('minute', e.started_at)) AS together
        FROM usage_event e
        LEFT JOIN later USING (event_id)
        JOIN usage_dimension d USING (dimension_id)
        CROSS JOIN LATERAL (
            SELECT coalesce(sum((item ->> 2)::bigint) FILTER (WHERE item ->> 1 = 'input'), 0)
                       ::bigint AS input,
                   coalesce(sum((item ->> 2)::bigint) FILTER (WHERE item ->> 1 = 'cache_read'), 0)
                       ::bigint AS cached
            FROM jsonb_array_elements(e.items::jsonb) AS item WHERE item ->> 0 = e.model) p
        WHERE e.customer_id = %(customer_id)s
          AND e.started_at >= %(since)s AND e.started_at < %(until)s
          AND e.billable AND e.state IN ('measured', 'partial') AND e.outcome = 'ok'
          AND e.context_tokens <= %(small)s AND d.key_id = ANY (%(keys)s)
          AND e.event_id >= %(after)s AND e.event_id < %(before)s
          AND e.version = coalesce(later.version, e.version)
        WINDOW same AS (PARTITION BY d.project_id, d.key_id, e.model, e.service_tier,
                                     date_trunc('minute', e.started_at)
                        ORDER BY coalesce((e.facts ->> 'prefix_repeated')::bigint, 0) DESC,
                                 e.event_id)
    )
    SELECT project_id, key_id, model, service_tier, max(context_tokens) AS context,
           count(*) AS calls,
           count(*) FILTER (WHERE place > (together + %(most)s - 1) / %(most)s) AS spared,
           coalesce(sum(again) FILTER (WHERE place > (together + %(most)s - 1) / %(most)s), 0)
               ::numeric AS again,
           coalesce(sum(least(again, cached))
                    FILTER (WHERE place > (together + %(most)s - 1) / %(most)s), 0)
               ::numeric AS again_cached,
           bit_or(1::bigint << (extract(day FROM started_at AT TIME ZONE %(zone)s)::int - 1))
               AS days
    FROM small
    GROUP BY project_id, key_id, model, service_tier
"""


def merged(
    tx: Tx,
    customer_id: CustomerId,
    span: Span,
    *,
    zone: str,
    keys: Sequence[str],
    small: int,
    most: int,
) -> list[Merged]:
    """Return what keys would send less if small calls of a minute went together, `most` in one.

    The calls that stay are those whose prompts repeat most, so nothing is promised twice.
    """
    return [
        row
        for after, before in _days(tx, customer_id, span.start, span.end)
        for row in tx.rows(
            Merged,
            MERGED,
            customer_id=customer_id,
            since=span.start,
            until=span.end,
            zone=zone,
            keys=list(keys),
            small=small,
            most=most,
            after=after,
            before=before,
        )
    ]


OPEN: Final = """
    SELECT count(*) FROM usage_event e
    WHERE e.customer_id = %(customer_id)s AND e.month = %(month)s AND e.billable
      AND e.state IN ('estimated', 'unmeasured', 'unpriced')
      AND NOT EXISTS (SELECT FROM usage_event later
                      WHERE later.event_id = e.event_id AND later.version > e.version)
"""


def open_calls(tx: Tx, customer_id: CustomerId, month: str) -> int:
    """Return how many calls of a month are not measured or priced yet."""
    count: int = tx.value(OPEN, customer_id=customer_id, month=month)
    return count


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A key, what its customer declared of it, and the last hour in which it was used."""

    key_id: str
    name: str
    project_id: str
    project: str
    task_type: str
    priority: int
    models: list[str] | None
    created_at: datetime
    held: bool
    last_used: datetime | None


KEYS: Final = """
    SELECT k.key_id, k.name, k.project_id, p.name AS project, k.task_type, k.priority, k.models,
           k.created_at,
           k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > %(now)s) AS held,
           (SELECT max(r.hour) FROM usage_dimension d JOIN usage_rollup r USING (dimension_id)
            WHERE d.key_id = k.key_id AND d.customer_id = k.customer_id
              AND r.month >= %(first_month)s) AS last_used
    FROM api_key k JOIN project p USING (project_id)
    WHERE k.customer_id = %(customer_id)s
    ORDER BY k.key_id
"""


def keys(tx: Tx, customer_id: CustomerId, *, now: datetime, first_month: str) -> list[KeyRow]:
    """Return a customer's keys; `first_month` is how far back use is looked for."""
    return tx.rows(KeyRow, KEYS, customer_id=customer_id, now=now, first_month=first_month)


@dataclass(frozen=True, slots=True)
class Mark:
    """What a month's round depends on, as far as it is cheap to ask."""

    requests: int
    epoch: int
    revision: int


MARK: Final = """
    SELECT (SELECT coalesce(sum(r.quantity), 0) FROM usage_rollup r
            JOIN usage_dimension d USING (dimension_id)
            WHERE d.customer_id = %(customer_id)s AND r.month = %(month)s) AS requests,
           (SELECT coalesce(max(m.last_epoch), 0) FROM usage_month m
            WHERE m.customer_id = %(customer_id)s AND m.month = %(month)s) AS epoch,
           (SELECT max(revision) FROM snapshot_revision) AS revision
"""


def mark(tx: Tx, customer_id: CustomerId, month: str) -> Mark:
    """Return what would be another round's beginning, if it changed."""
    return tx.row(Mark, MARK, customer_id=customer_id, month=month)


@dataclass(frozen=True, slots=True)
class _KeyId:
    key_id: str


SUCCESSORS: Final = """
    WITH RECURSIVE line AS (
        SELECT key_id, replaced_by FROM api_key
        WHERE customer_id = %(customer_id)s AND key_id = ANY (%(keys)s)
        UNION
        SELECT k.key_id, k.replaced_by FROM api_key k JOIN line ON k.key_id = line.replaced_by
        WHERE k.customer_id = %(customer_id)s)
    SELECT key_id FROM line ORDER BY key_id
"""


def with_successors(tx: Tx, customer_id: CustomerId, key_ids: Sequence[str]) -> list[str]:
    """Return keys and those that took their place when they were rotated."""
    rows = tx.rows(_KeyId, SUCCESSORS, customer_id=customer_id, keys=list(key_ids))
    return sorted({*key_ids, *(row.key_id for row in rows)})
