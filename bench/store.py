"""The only SQL of the benchmarks: what is in the database, counted."""

from dataclasses import dataclass
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


def keep_sample(tx: Tx) -> None:
    """Keep the events there are aside, for this connection."""
    tx.run(SAMPLE)


REPEAT: Final = """
    INSERT INTO usage_event
    SELECT s.id, version, s.id, attempt, customer_id, dimension_id, month, hour, started_at,
           used_at, api, model, billable, state, reason, contract_id, contract_version, sale_book,
           sale_revision, cost_book, cost_revision, items, context_tokens, billed_model,
           service_tier, http_status, outcome, stream, first_byte_ms, response_id, source, facts,
           epoch, recorded_at
    FROM (SELECT (left(event_id::text, 15) || substr(gen_random_uuid()::text, 16))::uuid AS id, *
          FROM sample OFFSET 0) s
"""


def repeat_sample(tx: Tx) -> None:
    """Store every event of the sample once more, as another call of the same millisecond."""
    tx.run(REPEAT)


SCALE: Final = "UPDATE usage_rollup SET quantity = quantity * %(times)s"


def scale_rollups(tx: Tx, times: int) -> None:
    """Let the rollups say what so many copies of each event say."""
    tx.run(SCALE, times=times)
