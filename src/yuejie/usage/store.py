"""The only SQL about events and rollups.

A `customer_id` of None means all customers; only the operator's questions pass it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import psycopg

from yuejie.db.session import Tx
from yuejie.kernel.errors import Conflict, Invalid
from yuejie.usage.rollup import RollupSum
from yuejie.usage.rows import DimensionKey, jsonb
from yuejie.usage.sums.store import note_late
from yuejie.usage.warehouse.batch import EventsElsewhere

OPERATOR_READS: Final = {
    "intern_dimensions": "writes whom usage is counted for; the customer is in each key",
    "versions_of": "the ingest asks whether an event is known, whoever made it",
    "find_open": "a provider's report names calls, not customers",
    "open_counts": "the operator closes a month of everybody",
    "customers_with_usage": "the operator rebuilds a month customer by customer",
}

EPOCH_LOCK: Final = "epoch"
PARTITION_LOCK: Final = "usage_partition"


class EventKnown(Conflict):
    """An event of the batch has been stored before; nothing of the batch was written."""

    code = "event_known"


class EventRefused(Invalid):
    """The database refuses a value of an event; nothing of the batch was written."""

    code = "event_refused"


# Writing ---------------------------------------------------------------------------------------

EPOCH: Final = "SELECT epoch FROM epoch"


def enter_epoch(tx: Tx) -> int:
    """Return the present epoch, which cannot end before this transaction does."""
    tx.lock_shared(EPOCH_LOCK)
    epoch: int = tx.value(EPOCH)
    return epoch


DEFER_FLUSH: Final = "SET LOCAL synchronous_commit = off"


def defer_flush(tx: Tx) -> None:
    """Let the commit return before it is on disk: only for what a journal can give again."""
    tx.run(DEFER_FLUSH)


_MOVED_MONTH: Final = (
    "{0:%Y-%m} 的原始用量已移出 PostgreSQL，这批用量未写入；"
    "请先运行 yuejie usage warehouse restore {0:%Y-%m}"
)
ENSURE_PARTITION: Final = "SELECT ensure_usage_partition(%(first_day)s)"


def ensure_partitions(tx: Tx, months: Iterable[date]) -> None:
    """Make sure that events of these UTC months have somewhere to go."""
    tx.lock_exclusive(PARTITION_LOCK)
    for first_day in months:
        if tx.value(ENSURE_PARTITION, first_day=first_day) is None:
            raise EventsElsewhere(_MOVED_MONTH.format(first_day))


INSERT_DIMENSIONS: Final = """
    INSERT INTO usage_dimension (customer_id, project_id, key_id, tags, deployment_id)
    SELECT * FROM unnest(%(customers)s::text[], %(projects)s::text[], %(keys)s::text[],
                         %(tags)s::text[], %(deployments)s::text[])
    ON CONFLICT DO NOTHING
"""
DIMENSIONS: Final = """
    SELECT d.dimension_id, d.customer_id, d.project_id, d.key_id, d.tags, d.deployment_id
    FROM unnest(%(customers)s::text[], %(projects)s::text[], %(keys)s::text[],
                %(tags)s::text[], %(deployments)s::text[])
         AS asked (customer_id, project_id, key_id, tags, deployment_id)
    JOIN usage_dimension d USING (customer_id, project_id, key_id, tags, deployment_id)
"""


@dataclass(frozen=True, slots=True)
class DimensionRow:
    """An interned dimension."""

    dimension_id: int
    customer_id: str
    project_id: str
    key_id: str
    tags: str
    deployment_id: str


def intern_dimensions(tx: Tx, dimensions: Iterable[DimensionKey]) -> dict[DimensionKey, int]:
    """Return the number of each dimension, new ones numbered now."""
    names = ("customers", "projects", "keys", "tags", "deployments")
    ordered = sorted(set(dimensions))
    columns = {name: [key[i] for key in ordered] for i, name in enumerate(names)}
    tx.run(INSERT_DIMENSIONS, **columns)
    return {
        (r.customer_id, r.project_id, r.key_id, r.tags, r.deployment_id): r.dimension_id
        for r in tx.rows(DimensionRow, DIMENSIONS, **columns)
    }


COPY_EVENTS: Final = """
    COPY usage_event (event_id, version, operation_id, attempt, started_at, used_at, billable,
                      context_tokens, http_status, epoch,
                      customer_id, dimension_id, month, hour, api, model, stream,
                      contract_id, contract_version, sale_book, sale_revision, cost_book,
                      cost_revision, state, reason, billed_model, service_tier, outcome,
                      first_byte_ms, response_id, items, facts, source)
    FROM STDIN (FORMAT binary)
"""


def copy_events(tx: Tx, pieces: Iterable[bytes]) -> int:
    """Write the rows that `rows.Encoder` makes; a known one makes it all fail."""
    try:
        return tx.copy(COPY_EVENTS, pieces)
    except psycopg.errors.CheckViolation as error:
        if error.diag.constraint_name is None:  # no partition takes the row: it was moved meanwhile
            raise EventsElsewhere(
                "这批用量中有原始用量已移出 PostgreSQL 的月份，本批未写入；"
                "请先运行 yuejie usage warehouse restore 取回该月"
            ) from error
        raise EventRefused(f"这批用量中有数据库不接受的数值，本批未写入：{error}") from error
    except psycopg.errors.UniqueViolation as error:
        raise EventKnown("这批用量中有事件已经入库，本批未写入") from error
    except (psycopg.errors.IntegrityError, psycopg.errors.DataError) as error:
        raise EventRefused(f"这批用量中有数据库不接受的数值，本批未写入：{error}") from error


ADD_ROLLUPS: Final = """
    INSERT INTO usage_rollup (month, dimension_id, hour, model, meter, sale_rate, cost_rate,
                              state, epoch, quantity)
    SELECT item ->> 0, (item ->> 1)::int, to_timestamp((item ->> 2)::bigint), item ->> 3,
           item ->> 4, (item ->> 5)::bigint, (item ->> 6)::bigint, item ->> 7,
           %(epoch)s, (item ->> 8)::numeric
    FROM jsonb_array_elements(%(sums)s::jsonb) WITH ORDINALITY AS summed (item, position)
    ORDER BY position
    ON CONFLICT (month, dimension_id, hour, model, meter, sale_rate, cost_rate, state, epoch)
    DO UPDATE SET quantity = usage_rollup.quantity + EXCLUDED.quantity
"""


def add_rollups(tx: Tx, sums: Sequence[RollupSum], epoch: int) -> int:
    """Add differences to the rollups; `sums` is in the common order, so nobody deadlocks.

    The caller has entered the epoch: so nobody folds an hour of these without hearing of them.
    """
    if not sums:
        return 0
    note_late(tx, sums)
    return tx.run(ADD_ROLLUPS, epoch=epoch, sums=jsonb(sums).decode())


# Events ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class EventRow:
    """One version of an event with its dimension: every column, so a new one is not forgotten."""

    event_id: UUID
    version: int
    operation_id: UUID
    attempt: int
    dimension_id: int
    customer_id: str
    project_id: str
    key_id: str
    tags: str
    deployment_id: str
    month: str
    hour: datetime
    started_at: datetime
    used_at: datetime
    api: str
    model: str
    billable: bool
    state: str
    reason: str
    contract_id: str
    contract_version: int
    sale_book: str
    sale_revision: int
    cost_book: str
    cost_revision: int
    items: list[list[Any]]
    context_tokens: int
    billed_model: str
    service_tier: str
    http_status: int
    outcome: str
    stream: bool
    first_byte_ms: int | None
    response_id: str
    source: str
    facts: dict[str, str]
    epoch: int
    recorded_at: datetime


VERSIONS_OF: Final = """
    SELECT e.*, d.project_id, d.key_id, d.tags, d.deployment_id
    FROM usage_event e JOIN usage_dimension d USING (dimension_id)
    WHERE e.event_id = ANY(%(event_ids)s)
    ORDER BY e.event_id, e.version
"""


def versions_of(tx: Tx, event_ids: Sequence[UUID]) -> list[EventRow]:
    """Return every version of these events, oldest version first."""
    return tx.rows(EventRow, VERSIONS_OF, event_ids=list(event_ids))


RECENT: Final = """
    SELECT DISTINCT ON (e.event_id) e.*, d.project_id, d.key_id, d.tags, d.deployment_id
    FROM usage_event e JOIN usage_dimension d USING (dimension_id)
    WHERE e.customer_id = %(customer_id)s AND e.event_id < %(before)s
    ORDER BY e.event_id DESC, e.version DESC
    LIMIT %(limit)s
"""


def recent(tx: Tx, customer_id: str, *, before: UUID, limit: int) -> list[EventRow]:
    """Return a customer's last events before an id, newest first, each in its last version."""
    return tx.rows(EventRow, RECENT, customer_id=customer_id, before=before, limit=limit)


EVENTS_OF_OPERATION: Final = """
    SELECT e.*, d.project_id, d.key_id, d.tags, d.deployment_id
    FROM usage_event e JOIN usage_dimension d USING (dimension_id)
    WHERE (e.event_id = %(operation_id)s AND e.operation_id = e.event_id
           OR e.operation_id = %(operation_id)s AND e.operation_id <> e.event_id)
      AND (%(customer_id)s::text IS NULL OR e.customer_id = %(customer_id)s)
    ORDER BY e.attempt, e.event_id, e.version
"""


def events_of_operation(tx: Tx, customer_id: str | None, operation_id: UUID) -> list[EventRow]:
    """Return every attempt of a call, in every version."""
    return tx.rows(
        EventRow, EVENTS_OF_OPERATION, customer_id=customer_id, operation_id=operation_id
    )


WORKLIST: Final = """
    SELECT e.*, d.project_id, d.key_id, d.tags, d.deployment_id
    FROM usage_event e JOIN usage_dimension d USING (dimension_id)
    WHERE e.state IN ('estimated', 'unmeasured', 'unpriced')
      AND e.event_id > %(after)s
      AND (%(customer_id)s::text IS NULL OR e.customer_id = %(customer_id)s)
      AND (%(state)s::text IS NULL OR e.state = %(state)s)
      AND (%(reason)s::text IS NULL OR e.reason = %(reason)s)
      AND (%(model)s::text IS NULL OR e.model = %(model)s)
      AND (%(until)s::timestamptz IS NULL OR e.started_at < %(until)s)
      AND NOT EXISTS (SELECT FROM usage_event later
                      WHERE later.event_id = e.event_id AND later.version > e.version)
    ORDER BY e.event_id
    LIMIT %(limit)s
"""


def worklist(
    tx: Tx, customer_id: str | None, filters: Mapping[str, object], *, after: UUID, limit: int
) -> list[EventRow]:
    """Return open events by age, oldest first; `filters` are state, reason, model and until."""
    return tx.rows(
        EventRow,
        WORKLIST,
        customer_id=customer_id,
        after=after,
        limit=limit,
        state=filters.get("state"),
        reason=filters.get("reason"),
        model=filters.get("model"),
        until=filters.get("until"),
    )


OPEN_COUNTS: Final = """
    SELECT e.state, count(*) AS calls
    FROM usage_event e
    WHERE e.state IN ('estimated', 'unmeasured', 'unpriced') AND e.month = %(month)s
      AND NOT EXISTS (SELECT FROM usage_event later
                      WHERE later.event_id = e.event_id AND later.version > e.version)
    GROUP BY e.state
"""


@dataclass(frozen=True, slots=True)
class _OpenCount:
    state: str
    calls: int


def open_counts(tx: Tx, month: str) -> dict[str, int]:
    """Return how many calls of a month wait on the worklist, by state."""
    return {row.state: row.calls for row in tx.rows(_OpenCount, OPEN_COUNTS, month=month)}


FIND_OPEN: Final = """
    SELECT e.*, d.project_id, d.key_id, d.tags, d.deployment_id
    FROM usage_event e JOIN usage_dimension d USING (dimension_id)
    WHERE e.state IN ('estimated', 'unmeasured', 'unpriced')
      AND e.response_id = ANY(%(response_ids)s)
      AND NOT EXISTS (SELECT FROM usage_event later
                      WHERE later.event_id = e.event_id AND later.version > e.version)
"""


def find_open(tx: Tx, response_ids: Sequence[str]) -> list[EventRow]:
    """Return the open events that a provider knows by these response ids."""
    return tx.rows(EventRow, FIND_OPEN, response_ids=list(response_ids))


LOCK_EVENT: Final = "SELECT pg_advisory_xact_lock(hashtextextended(%(event_id)s::text, 0))"


def lock_event(tx: Tx, event_id: UUID) -> None:
    """Let one correction of an event wait for the other."""
    tx.run(LOCK_EVENT, event_id=event_id)


# Rates -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PriceRow:
    """What a rate is worth."""

    rate_id: int
    pico: int
    currency: str


PRICES: Final = "SELECT rate_id, pico, currency FROM rate WHERE rate_id = ANY(%(rate_ids)s)"


def prices(tx: Tx, rate_ids: Iterable[int]) -> dict[int, PriceRow]:
    """Return the rates with these ids."""
    found = tx.rows(PriceRow, PRICES, rate_ids=sorted(set(rate_ids)))
    return {row.rate_id: row for row in found}


# Rebuilding ------------------------------------------------------------------------------------

CUSTOMERS_WITH_USAGE: Final = """
    SELECT DISTINCT customer_id FROM usage_event WHERE month = %(month)s
    UNION
    SELECT DISTINCT customer_id FROM usage_batch
    WHERE %(month)s BETWEEN first_month AND last_month AND deleted_at IS NULL
    UNION
    SELECT DISTINCT d.customer_id
    FROM usage_rollup r JOIN usage_dimension d USING (dimension_id) WHERE r.month = %(month)s
    ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class CustomerRow:
    """A customer by id."""

    customer_id: str


def customers_with_usage(tx: Tx, month: str) -> list[str]:
    """Return who has events or rollups in a month."""
    return [row.customer_id for row in tx.rows(CustomerRow, CUSTOMERS_WITH_USAGE, month=month)]


# Events that were moved or deleted have left their month behind.
HAS_USAGE: Final = """
    SELECT EXISTS (SELECT FROM usage_event WHERE customer_id = %(customer_id)s)
        OR EXISTS (SELECT FROM usage_month WHERE customer_id = %(customer_id)s)
"""


def has_usage(tx: Tx, customer_id: str) -> bool:
    """Tell whether a customer has ever had usage, by calls or from elsewhere."""
    return tx.value(HAS_USAGE, customer_id=customer_id) is True


@dataclass(frozen=True, slots=True)
class RollupRow:
    """A rollup row as the events give it and as the table has it; zero where it is missing."""

    dimension_id: int
    hour: datetime
    model: str
    meter: str
    sale_rate: int
    cost_rate: int
    state: str
    epoch: int
    rebuilt: int
    stored: int


_REBUILT: Final = """
    WITH counted AS (
        SELECT e.dimension_id, e.hour, e.state, e.epoch, e.items, 1 AS sign
        FROM usage_event e
        WHERE e.customer_id = %(customer_id)s AND e.month = %(month)s
        UNION ALL
        SELECT old.dimension_id, old.hour, old.state, new.epoch, old.items, -1
        FROM usage_event new
        JOIN usage_event old ON old.event_id = new.event_id AND old.version = new.version - 1
        WHERE new.customer_id = %(customer_id)s AND new.month = %(month)s AND new.version > 1
    ), rebuilt AS (
        SELECT counted.dimension_id, counted.hour, item ->> 0 AS model, item ->> 1 AS meter,
               (item ->> 3)::bigint AS sale_rate, (item ->> 4)::bigint AS cost_rate,
               counted.state, counted.epoch,
               sum(counted.sign * (item ->> 2)::numeric) AS quantity
        FROM counted CROSS JOIN LATERAL jsonb_array_elements(counted.items::jsonb) AS item
        GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
    )
"""
COMPARED: Final = (
    _REBUILT  # noqa: S608 (literals only)
    + """
    , stored AS (
        SELECT r.dimension_id, r.hour, r.model, r.meter, r.sale_rate, r.cost_rate, r.state,
               r.epoch, r.quantity
        FROM usage_rollup r JOIN usage_dimension d USING (dimension_id)
        WHERE r.month = %(month)s AND d.customer_id = %(customer_id)s
    )
    SELECT dimension_id, hour, model, meter, sale_rate, cost_rate, state, epoch,
           coalesce(rebuilt.quantity, 0) AS rebuilt, coalesce(stored.quantity, 0) AS stored
    FROM rebuilt FULL JOIN stored
         USING (dimension_id, hour, model, meter, sale_rate, cost_rate, state, epoch)
    WHERE coalesce(rebuilt.quantity, 0) <> 0 OR coalesce(stored.quantity, 0) <> 0
    ORDER BY dimension_id, hour, model COLLATE "C", meter COLLATE "C", sale_rate, cost_rate,
             state COLLATE "C", epoch
"""
)


def compared(tx: Tx, customer_id: str, month: str) -> Iterator[RollupRow]:
    """Yield every rollup row of a month beside what the events say, in the table's order."""
    return tx.stream(RollupRow, COMPARED, customer_id=customer_id, month=month)


CLEAR_ROLLUPS: Final = """
    DELETE FROM usage_rollup r USING usage_dimension d
    WHERE d.dimension_id = r.dimension_id AND d.customer_id = %(customer_id)s
      AND r.month = %(month)s
"""
FILL_ROLLUPS: Final = (
    "INSERT INTO usage_rollup (month, dimension_id, hour, model, meter, sale_rate, cost_rate,"  # noqa: S608 (literals only)
    " state, epoch, quantity)"
    + _REBUILT
    + """
    SELECT %(month)s, dimension_id, hour, model, meter, sale_rate, cost_rate, state, epoch,
           quantity
    FROM rebuilt WHERE quantity <> 0
"""
)


def refill(tx: Tx, customer_id: str, month: str) -> int:
    """Replace a customer's rollups of a month by what the events say."""
    tx.run(CLEAR_ROLLUPS, customer_id=customer_id, month=month)
    return tx.run(FILL_ROLLUPS, customer_id=customer_id, month=month)


def lock_epoch(tx: Tx) -> None:
    """Keep everybody who adds usage waiting until this transaction ends."""
    tx.lock_exclusive(EPOCH_LOCK)
