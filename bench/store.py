"""The only SQL of the benchmarks: what is in the database, counted."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final

from yuejie.db.session import Tx

COUNTED: Final = """
    SELECT coalesce(sum(quantity), 0) FROM usage_rollup WHERE meter = 'requests'
"""


def counted(tx: Tx) -> int:
    """Return how many calls the rollups know of, which takes no time."""
    return int(tx.value(COUNTED))


@dataclass(frozen=True, slots=True)
class Stored:
    """What the events say, counted one by one."""

    events: int
    operations: int
    measured: int
    input: int
    cache_read: int
    output: int


STORED: Final = """
    SELECT count(*) AS events, count(DISTINCT operation_id) AS operations,
           count(*) FILTER (WHERE state = 'measured' AND billable) AS measured,
           coalesce(sum(used.input), 0) AS input,
           coalesce(sum(used.cache_read), 0) AS cache_read,
           coalesce(sum(used.output), 0) AS output
    FROM usage_event, LATERAL (
        SELECT sum((item ->> 2)::bigint) FILTER (WHERE item ->> 1 = 'input') AS input,
               sum((item ->> 2)::bigint) FILTER (WHERE item ->> 1 = 'cache_read') AS cache_read,
               sum((item ->> 2)::bigint) FILTER (WHERE item ->> 1 = 'output') AS output
        FROM jsonb_array_elements(items::jsonb) AS item
    ) used
"""


def stored(tx: Tx) -> Stored:
    """Count the events and what they hold."""
    row = tx.row(Stored, STORED)
    return Stored(
        row.events,
        row.operations,
        row.measured,
        int(row.input),
        int(row.cache_read),
        int(row.output),
    )


EVENTS: Final = "SELECT count(*) FROM usage_event"


def events(tx: Tx) -> int:
    """Return how many events are stored."""
    return int(tx.value(EVENTS))


EVENTS_OF_MONTH: Final = "SELECT count(*) FROM usage_event WHERE month = %(month)s"


def events_of_month(tx: Tx, month: str) -> int:
    """Return how many events a month has."""
    return int(tx.value(EVENTS_OF_MONTH, month=month))


QUANTITY: Final = "SELECT coalesce(sum(quantity), 0) FROM usage_rollup"


def quantity(tx: Tx) -> int:
    """Return the sum of everything that the rollups hold."""
    return int(tx.value(QUANTITY))


BILLED: Final = "SELECT coalesce(sum(quantity), 0) FROM bill_line WHERE service_month = %(month)s"


def billed(tx: Tx, month: str) -> int:
    """Return the sum of everything on the bills for a month."""
    return int(tx.value(BILLED, month=month))


SAMPLE: Final = "CREATE TEMPORARY TABLE sample AS SELECT * FROM usage_event"
SAMPLE_BY_HOUR: Final = "CREATE INDEX ON sample (hour)"
SAMPLE_ROLLUPS: Final = "CREATE TEMPORARY TABLE sample_rollup AS SELECT * FROM usage_rollup"
SAMPLE_ROLLUPS_BY_HOUR: Final = "CREATE INDEX ON sample_rollup (hour)"
ANALYSE_SAMPLE: Final = "ANALYZE sample, sample_rollup"
SHELVED: Final = """
    CREATE TEMPORARY TABLE shelved AS
    SELECT indexrelid::regclass::text AS name,
           replace(pg_get_indexdef(indexrelid), ' ON ONLY ', ' ON ') AS made
    FROM pg_index WHERE indrelid = 'usage_event'::regclass AND NOT indisprimary
"""
DROP_SHELVED: Final = """
    DO $$
    DECLARE each RECORD;
    BEGIN
        FOR each IN SELECT * FROM shelved LOOP EXECUTE 'DROP INDEX ' || each.name; END LOOP;
    END $$
"""


def keep_sample(tx: Tx) -> None:
    """Keep events and rollups aside, for this connection, and take the events' indexes off."""
    tx.run(SAMPLE)
    tx.run(SAMPLE_BY_HOUR)
    tx.run(SAMPLE_ROLLUPS)
    tx.run(SAMPLE_ROLLUPS_BY_HOUR)
    tx.run(ANALYSE_SAMPLE)
    tx.run(SHELVED)
    tx.run(DROP_SHELVED)


MAKE_SHELVED: Final = """
    DO $$
    DECLARE each RECORD;
    BEGIN
        FOR each IN SELECT * FROM shelved LOOP EXECUTE each.made; END LOOP;
    END $$
"""
INDEX_MEMORY: Final = "SET LOCAL maintenance_work_mem = '512MB'"
ANALYSE: Final = "ANALYZE usage_event, usage_rollup"


def index_again(tx: Tx) -> None:
    """Make the indexes again that `keep_sample` took off, as they were, and look at the values."""
    tx.run(INDEX_MEMORY)
    tx.run(MAKE_SHELVED)
    tx.run(ANALYSE)


_MOVED: Final = """
    (SELECT at, mod(at + mod(copy, %(spread)s::int) * %(step)s::int, %(hours)s::int) AS source
     FROM generate_series(%(first)s::int, %(last)s::int) at,
          generate_series(1, %(times)s::int - 1) copy) m
    JOIN LATERAL (SELECT %(start)s::timestamptz + make_interval(hours => m.source) AS hour) source
    ON TRUE
"""
REPEAT: Final = (
    """
    INSERT INTO usage_event
    SELECT s.id, version, s.id, attempt, customer_id, dimension_id, month, hour + moved,
           started_at + moved, used_at + moved, api, model, billable, state, reason, contract_id,
           contract_version, sale_book, sale_revision, cost_book, cost_revision, items,
           context_tokens, billed_model, service_tier, http_status, outcome, stream, first_byte_ms,
           response_id, source, facts, epoch, recorded_at
    FROM (SELECT (lpad(to_hex((extract(epoch FROM started_at + moved) * 1000)::bigint), 12, '0')
                  || '7' || substr(replace(gen_random_uuid()::text, '-', ''), 14))::uuid AS id, *
          FROM (SELECT s.*, make_interval(hours => m.at - m.source) AS moved FROM
    """  # noqa: S608 (literals only)
    + _MOVED
    + """
                JOIN sample s ON s.hour = source.hour OFFSET 0) copies
          OFFSET 0) s
    """
)
REPEAT_ROLLUPS: Final = (
    """
    INSERT INTO usage_rollup
    SELECT month, %(start)s::timestamptz + make_interval(hours => m.at), dimension_id, model,
           meter, sale_rate, cost_rate, state, epoch, sum(quantity) FROM
    """
    + _MOVED
    + """
    JOIN sample_rollup s ON s.hour = source.hour
    GROUP BY month, m.at, dimension_id, model, meter, sale_rate, cost_rate, state, epoch
    ON CONFLICT (month, dimension_id, hour, model, meter, sale_rate, cost_rate, state, epoch)
    DO UPDATE SET quantity = usage_rollup.quantity + EXCLUDED.quantity
    """
)


@dataclass(frozen=True, slots=True)
class Hours:
    """Some hours of a month, which begins at `start` and has so many."""

    start: datetime
    hours: int
    first: int
    last: int
    step: int
    """So many hours later lies what the next copy repeats."""
    spread: int
    """So many copies lie at hours of their own; the others are beside one of them."""


def repeat_sample(tx: Tx, where: Hours, times: int) -> None:
    """Fill some hours with copies of the sample's events at other hours, each another call.

    Every event is there `times` times in the end, once where it was; the rollups follow.
    """
    asked = asdict(where)
    tx.run(REPEAT, times=times, **asked)
    tx.run(REPEAT_ROLLUPS, times=times, **asked)


UNEQUAL: Final = """
    WITH used AS (
        SELECT month, customer_id, item ->> 0 AS model, item ->> 1 AS meter,
               sum((item ->> 2)::bigint) AS quantity
        FROM usage_event, json_array_elements(items) AS item GROUP BY 1, 2, 3, 4
    ), counted AS (
        SELECT r.month, d.customer_id, r.model, r.meter, sum(r.quantity) AS quantity
        FROM usage_rollup r JOIN usage_dimension d USING (dimension_id) GROUP BY 1, 2, 3, 4
    )
    SELECT count(*) FROM used FULL JOIN counted USING (month, customer_id, model, meter)
    WHERE used.quantity IS DISTINCT FROM counted.quantity
"""


def unequal(tx: Tx) -> int:
    """Return of how many customers' months, models and meters rollups and events differ."""
    return int(tx.value(UNEQUAL))
