"""The SQL that ClickHouse is asked of events; `tx.warehouse` says where it is.

What bills ask of months that moved stands beside what they ask of PostgreSQL: `bills.sla.moved` and
`bills.trail.moved`.

A partition is read here only while `usage_partition` calls it moved, so rows of batches that are
still under way are seen by nobody. Every sum is exact: `Int256` of whole numbers read from JSON.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, LiteralString
from uuid import UUID

import msgspec

from yuejie.db.session import Tx
from yuejie.db.warehouse.client import Warehouse
from yuejie.kernel.period import BillingMonth
from yuejie.usage.warehouse.batch import Slice, Sum, number_of
from yuejie.usage.warehouse.clickhouse.ddl import CREATE

OPERATOR_READS: Final = {
    "sum_of": "a batch names its customer",
    "rows_of": "the same",
    "sizes": "the operator looks after the store",
}

_TABLE: Final = "usage_event"
UNIX: Final = datetime(1970, 1, 1, tzinfo=UTC)
NOBODY: Final = UUID(int=0)
LINE: Final = (
    *("customer_id", "event_id", "version", "operation_id", "attempt", "dimension_id"),
    *("project_id", "key_id", "tags", "deployment_id", "month", "hour_us", "started_us"),
    *("used_us", "api", "model", "billable", "state", "reason", "contract_id"),
    *("contract_version", "sale_book", "sale_revision", "cost_book", "cost_revision", "items"),
    *("context_tokens", "billed_model", "service_tier", "http_status", "outcome", "stream"),
    *("first_byte_ms", "response_id", "source", "facts", "epoch", "recorded_us"),
)
"""The columns of a line as PostgreSQL writes it."""


def create(warehouse: Warehouse) -> None:
    """Make the table where it is missing; on a cluster its own script has made it."""
    if not warehouse.cluster:
        warehouse.run(CREATE)


# Batches ----------------------------------------------------------------------------------------

_OF_SLICE: Final[LiteralString] = """
    FROM usage_event
    WHERE partition = {partition:UInt32} AND customer_id = {customer_id:String}
      AND toUInt128(event_id) >= {low:UInt128} AND toUInt128(event_id) <= {high:UInt128}
      AND epoch > {after:Int32} AND epoch <= {upto:Int32}
"""
OPERATION_ID: Final[LiteralString] = (
    "if(further_of = toUUID('00000000-0000-0000-0000-000000000000'), event_id, further_of)"
)
_HASHED: Final[LiteralString] = (
    """
    SELECT MD5(concatWithSeparator('\\x1f',
        customer_id, toString(event_id), toString(version), toString("""
    + OPERATION_ID
    + """),
        toString(attempt), toString(dimension_id), project_id, key_id, tags, deployment_id, month,
        toString(hour_us), toString(started_us), toString(used_us), api, model,
        toString(billable), state, reason, contract_id, toString(contract_version), sale_book,
        toString(sale_revision), cost_book, toString(cost_revision), items,
        toString(context_tokens), billed_model, service_tier, toString(http_status), outcome,
        toString(stream), ifNull(toString(first_byte_ms), ''), response_id, source, facts,
        toString(epoch), toString(recorded_us))) AS hash
"""
)
SUM_OF: Final[LiteralString] = (
    "SELECT count() AS counted,"  # noqa: S608 (literals only)
    " concat(toString(sum(toInt256(reinterpretAsInt64(reverse(substring(hash, 1, 8)))))), ':',"
    " toString(sum(toInt256(reinterpretAsInt64(reverse(substring(hash, 9, 8)))))))"
    " FROM (" + _HASHED + _OF_SLICE + ")"
)


def sum_of(warehouse: Warehouse, wanted: Slice) -> Sum:
    """Count a slice and sum its hashes, from what is stored, by the same rule as PostgreSQL."""
    [(rows, checksum)] = warehouse.rows(SUM_OF, **_asked(wanted))
    return Sum(int(rows), str(checksum))


def send(warehouse: Warehouse, wanted: Slice, lines: Iterable[bytes], *, token: str) -> None:
    """Write a batch as one block; sent twice under its token, it is there once."""
    columns = ["partition", *("further_of" if name == "operation_id" else name for name in LINE)]
    head = b"%d\t" % number_of(wanted.first_day)
    warehouse.insert(_TABLE, columns, (head + _further(line) for line in lines), token=token)


def _further(line: bytes) -> bytes:
    """Leave an operation's id out where it is the event's own."""
    customer, event, version, operation, rest = line.split(b"\t", 4)
    if operation == event:
        operation = b"00000000-0000-0000-0000-000000000000"
    return b"\t".join((customer, event, version, operation, rest))


_DELETE: Final[LiteralString] = _OF_SLICE.replace("FROM usage_event", " DELETE ", 1)
# A mutation rewrites the parts: when it returns, the rows are gone from the disk too.
_AT_ONCE: Final[LiteralString] = " SETTINGS mutations_sync = 2"
TAKE_OUT: Final[LiteralString] = "ALTER TABLE usage_event" + _DELETE + _AT_ONCE
TAKE_OUT_CLUSTER: Final[LiteralString] = (
    "ALTER TABLE usage_event_local ON CLUSTER '{cluster}'" + _DELETE + _AT_ONCE
)


def take_out(warehouse: Warehouse, wanted: Slice) -> None:
    """Delete a slice: what was left of a broken sending, or what is past its term."""
    if warehouse.cluster:
        warehouse.run_on_cluster(TAKE_OUT_CLUSTER, **_asked(wanted))
    else:
        warehouse.run(TAKE_OUT, **_asked(wanted))


DROP: Final[LiteralString] = "ALTER TABLE usage_event DROP PARTITION {partition:UInt32}"
DROP_CLUSTER: Final[LiteralString] = (
    "ALTER TABLE usage_event_local ON CLUSTER '{cluster}' DROP PARTITION {partition:UInt32}"
)


def drop_partition(warehouse: Warehouse, partition: int) -> None:
    """Delete everything of a partition."""
    if warehouse.cluster:
        warehouse.run_on_cluster(DROP_CLUSTER, partition=partition)
    else:
        warehouse.run(DROP, partition=partition)


def _asked(wanted: Slice) -> dict[str, object]:
    return {
        "partition": number_of(wanted.first_day),
        "customer_id": wanted.customer_id,
        "low": wanted.low.int,
        "high": wanted.high.int,
        "after": wanted.after_epoch,
        "upto": wanted.upto_epoch,
    }


SIZES: Final[LiteralString] = """
    SELECT partition, sum(rows), sum(bytes_on_disk)
    FROM system.parts
    WHERE active AND database = currentDatabase() AND table IN ('usage_event', 'usage_event_local')
    GROUP BY partition
    ORDER BY partition
"""


@dataclass(frozen=True, slots=True)
class Size:
    """What a partition takes there."""

    partition: int
    rows: int
    bytes: int


def sizes(warehouse: Warehouse) -> list[Size]:
    """Return what each partition takes on disk."""
    return [Size(int(p), int(rows), int(size)) for p, rows, size in warehouse.rows(SIZES)]


# Events -----------------------------------------------------------------------------------------

_EVENT: Final[LiteralString] = (
    "SELECT event_id, version, "  # noqa: S608 (literals only)
    + OPERATION_ID
    + """ AS operation_id, attempt, dimension_id, customer_id, project_id, key_id, tags,
           deployment_id, month, hour_us, started_us, used_us, api, model, billable, state, reason,
           contract_id, contract_version, sale_book, sale_revision, cost_book, cost_revision,
           items, context_tokens, billed_model, service_tier, http_status, outcome, stream,
           first_byte_ms, response_id, source, facts, epoch, recorded_us
    FROM usage_event
"""
)
_NAMES: Final = (
    *("event_id", "version", "operation_id", "attempt", "dimension_id", "customer_id"),
    *("project_id", "key_id", "tags", "deployment_id", "month", "hour", "started_at", "used_at"),
    *("api", "model", "billable", "state", "reason", "contract_id", "contract_version"),
    *("sale_book", "sale_revision", "cost_book", "cost_revision", "items", "context_tokens"),
    *("billed_model", "service_tier", "http_status", "outcome", "stream", "first_byte_ms"),
    *("response_id", "source", "facts", "epoch", "recorded_at"),
)
Fields = dict[str, Any]
"""The columns of an event as PostgreSQL gives them, by name."""


def _fields(row: Sequence[Any]) -> Fields:
    found = dict(zip(_NAMES, row, strict=True))
    for name in ("hour", "started_at", "used_at", "recorded_at"):
        found[name] = UNIX + timedelta(microseconds=found[name])
    for name in ("billable", "stream"):
        found[name] = bool(found[name])
    for name in ("items", "facts"):
        found[name] = msgspec.json.decode(found[name])
    return found


# A page is read in the order of the key until it is full. Several threads would each read a stretch
# of their own before one of them is asked: seven times the work for the same hundred rows.
ONE_PAGE: Final[LiteralString] = " SETTINGS max_threads = 1"
RECENT: Final[LiteralString] = (
    _EVENT
    + """
    WHERE customer_id = {customer_id:String} AND partition IN {partitions:Array(UInt32)}
      AND toUInt128(event_id) < {before:UInt128}
    ORDER BY customer_id DESC, toUInt128(event_id) DESC, version DESC
    LIMIT 1 BY event_id
    LIMIT {limit:UInt32}
"""
    + ONE_PAGE
)


def recent(
    tx: Tx, customer_id: str, partitions: Sequence[int], *, before: UUID, limit: int
) -> list[Fields]:
    """Return a customer's last moved events before an id, newest first, in their last version.

    Asked partition by partition from the newest on: a page is seldom in more than one.
    """
    found: list[Fields] = []
    for partition in sorted(partitions, reverse=True):
        rows = tx.far.rows(
            RECENT,
            customer_id=customer_id,
            partitions=[partition],
            before=before.int,
            limit=limit - len(found),
        )
        found += map(_fields, rows)
        if len(found) >= limit:
            break
    return found


# What a version says is filtered when it is the last one, as in PostgreSQL's `usage.calls`; both
# orders are the primary key's, so that a page reads little more than itself.
SOUGHT: Final[LiteralString] = (
    "SELECT * FROM ("  # noqa: S608 (literals only)
    + _EVENT
    + """
        WHERE customer_id = {customer_id:String} AND partition = {partition:UInt32}
          AND toUInt128(event_id) < {before:UInt128} AND toUInt128(event_id) >= {first:UInt128}
          AND ({key:String} = '' OR key_id = {key:String})
          AND (empty({projects:Array(String)}) OR has({projects:Array(String)}, project_id))
          AND ({tag:String} = '' OR has(splitByChar(',', tags), {tag:String}))
        ORDER BY customer_id DESC, toUInt128(event_id) DESC, version DESC
        LIMIT 1 BY event_id
    )
    WHERE started_us >= {since_us:Int64} AND started_us < {until_us:Int64}
      AND ({model:String} = '' OR model = {model:String})
      AND ({state:String} = '' OR state = {state:String})
      AND ({failed:Int8} < 0 OR (http_status >= 400) = ({failed:Int8} > 0))
    ORDER BY customer_id DESC, toUInt128(event_id) DESC
    LIMIT {limit:UInt32}
"""
    + ONE_PAGE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which moved calls are looked for; what is empty asks for all."""

    first: UUID
    before: UUID
    since: datetime | None = None
    until: datetime | None = None
    projects: Sequence[str] = ()
    key: str = ""
    tag: str = ""
    model: str = ""
    state: str = ""
    failed: bool | None = None

    @property
    def params(self) -> dict[str, object]:
        """Return it as the query names it."""
        return {
            "first": self.first.int,
            "before": self.before.int,
            "since_us": _us(self.since) if self.since else 0,
            "until_us": _us(self.until) if self.until else (1 << 63) - 1,
            "projects": list(self.projects),
            "key": self.key,
            "tag": self.tag,
            "model": self.model,
            "state": self.state,
            "failed": -1 if self.failed is None else int(self.failed),
        }


def _us(at: datetime) -> int:
    return (at - UNIX) // timedelta(microseconds=1)


def sought(
    tx: Tx, customer_id: str, partitions: Iterable[int], wanted: Wanted, *, limit: int
) -> list[Fields]:
    """Return a customer's moved calls that are what is asked for, the newest first.

    Asked a day back, then four, and so on: what is common is found without reading the month.
    """
    found: list[Fields] = []
    for partition in sorted(partitions, reverse=True):
        for first, before in _stretches(partition, wanted.first.int, wanted.before.int):
            asked = wanted.params | {"first": first, "before": before}
            left = limit - len(found)
            rows = tx.far.rows(
                SOUGHT, customer_id=customer_id, partition=partition, limit=left, **asked
            )
            found += map(_fields, rows)
            if len(found) >= limit:
                return found
    return found


def _stretches(partition: int, first: int, before: int) -> Iterator[tuple[int, int]]:
    """Yield stretches of ids from a partition's newest back to its oldest, each four times longer.

    Bounds are those asked for, as far as the partition reaches.
    """
    month = BillingMonth(partition // 100, partition % 100)
    oldest = max(first, _id_on(month.first_day))
    upto = min(before, _id_on(month.next.first_day))
    width = 86_400_000 << 80
    while upto > oldest:
        since = max(oldest, upto - width)
        yield since, upto
        upto, width = since, width * 4


def _id_on(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1000 << 80


# The first attempt by the primary key, the few others by the index that skips what knows nothing of
# them. In one condition, joined by OR, neither would serve, and every id be read.
_OF_CUSTOMER: Final[LiteralString] = """
    WHERE partition IN {partitions:Array(UInt32)}
      AND ({customer_id:String} = '' OR customer_id = {customer_id:String})
"""
OPERATION: Final[LiteralString] = (
    _EVENT
    + _OF_CUSTOMER
    + """
      AND toUInt128(event_id) = {operation:UInt128} AND further_of = {nobody:UUID}
    UNION ALL
    """
    + _EVENT
    + _OF_CUSTOMER
    + """
      AND further_of = {operation_id:UUID}
"""
    + ONE_PAGE
)


def events_of_operation(
    tx: Tx, customer_id: str | None, partitions: Sequence[int], operation_id: UUID
) -> list[Fields]:
    """Return every moved attempt of a call, in every version and any order.

    None for the customer is the operator's question.
    """
    rows = tx.far.rows(
        OPERATION,
        customer_id=customer_id or "",
        partitions=list(partitions),
        operation_id=operation_id,
        operation=operation_id.int,
        nobody=NOBODY,
    )
    return [_fields(row) for row in rows]


_OF_MONTHS: Final[LiteralString] = """
    WHERE customer_id = {customer_id:String} AND partition IN {partitions:Array(UInt32)}
      AND month IN {months:Array(String)} AND epoch > {after:Int32} AND epoch <= {upto:Int32}
"""
NEWEST: Final[LiteralString] = (
    _EVENT
    + _OF_MONTHS
    + " ORDER BY customer_id, toUInt128(event_id), version DESC LIMIT 1 BY event_id"
)
VERSIONS: Final[LiteralString] = (
    _EVENT + _OF_MONTHS + " ORDER BY customer_id, toUInt128(event_id), version"
)


def newest_events(
    tx: Tx, customer_id: str, partitions: Sequence[int], months: Iterable[str], *, upto: int
) -> Iterator[Fields]:
    """Stream the newest version of each moved event of some months known at an epoch."""
    rows = tx.far.stream(
        NEWEST,
        customer_id=customer_id,
        partitions=list(partitions),
        months=list(months),
        after=-1,
        upto=upto,
    )
    return map(_fields, rows)


def versions(
    tx: Tx,
    customer_id: str,
    partitions: Sequence[int],
    months: Iterable[str],
    *,
    after: int,
    upto: int,
) -> Iterator[Fields]:
    """Stream the versions of moved events written in a span of epochs, by id and version."""
    rows = tx.far.stream(
        VERSIONS,
        customer_id=customer_id,
        partitions=list(partitions),
        months=list(months),
        after=after,
        upto=upto,
    )
    return map(_fields, rows)


EVERY: Final[LiteralString] = (
    _EVENT
    + """
    WHERE customer_id = {customer_id:String} AND partition = {partition:UInt32}
    ORDER BY customer_id, toUInt128(event_id), version
"""
)


def every_event(tx: Tx, customer_id: str, partitions: Sequence[int]) -> Iterator[Fields]:
    """Stream every version of a customer's moved events, by id and version."""
    for partition in sorted(partitions):
        rows = tx.far.stream(EVERY, customer_id=customer_id, partition=partition)
        yield from map(_fields, rows)


OF_PARTITION: Final[LiteralString] = (
    _EVENT
    + _OF_SLICE.replace("FROM usage_event", "", 1)
    + " ORDER BY customer_id, toUInt128(event_id), version"
)


def rows_of(warehouse: Warehouse, wanted: Slice) -> Iterator[Sequence[Any]]:
    """Stream a slice as values for a COPY, in the order of `store.COPY_BACK`."""
    for row in warehouse.stream(OF_PARTITION, **_asked(wanted)):
        (event, version, operation, attempt, dimension, customer, *_rest) = row
        month, hour, started, used, *middle, epoch, recorded = row[10:]
        yield (
            *(event, version, operation, attempt, customer, dimension, month),
            *(UNIX + timedelta(microseconds=each) for each in (hour, started, used)),
            *middle[:2],
            bool(middle[2]),
            *middle[3:17],
            bool(middle[17]),
            *middle[18:],
            epoch,
            UNIX + timedelta(microseconds=recorded),
        )


TOUCHED: Final[LiteralString] = """
    SELECT DISTINCT month FROM usage_event
    WHERE customer_id = {customer_id:String} AND partition IN {partitions:Array(UInt32)}
      AND month <= {month:String} AND epoch > {after:Int32} AND epoch <= {upto:Int32}
"""


def touched_months(
    tx: Tx, customer_id: str, partitions: Sequence[int], month: str, *, after: int, upto: int
) -> set[str]:
    """Return the months up to one that got moved events in those epochs."""
    rows = tx.far.rows(
        TOUCHED,
        customer_id=customer_id,
        partitions=list(partitions),
        month=month,
        after=after,
        upto=upto,
    )
    return {str(found) for (found,) in rows}


REBUILT: Final[LiteralString] = """
    SELECT dimension_id, hour_us, item.1 AS item_model, item.2 AS meter, item.4 AS sale_rate,
           item.5 AS cost_rate, state, epoch, toString(sum(sign * toInt256(item.3))) AS quantity
    FROM (
        SELECT dimension_id, hour_us, state, epoch, items, toInt256(1) AS sign
        FROM usage_event
        WHERE customer_id = {customer_id:String} AND partition IN {partitions:Array(UInt32)}
          AND month = {month:String}
        UNION ALL
        SELECT old.dimension_id, old.hour_us, old.state, new.epoch, old.items, toInt256(-1) AS sign
        FROM (
            SELECT event_id, version - 1 AS before, epoch FROM usage_event
            WHERE customer_id = {customer_id:String} AND partition IN {partitions:Array(UInt32)}
              AND month = {month:String} AND version > 1
        ) AS new
        JOIN (
            SELECT event_id, version, dimension_id, hour_us, state, items FROM usage_event
            WHERE customer_id = {customer_id:String} AND partition IN {partitions:Array(UInt32)}
              AND event_id IN (
                  SELECT event_id FROM usage_event
                  WHERE customer_id = {customer_id:String}
                    AND partition IN {partitions:Array(UInt32)}
                    AND month = {month:String} AND version > 1)
        ) AS old ON old.event_id = new.event_id AND old.version = new.before
    )
    ARRAY JOIN JSONExtract(items, 'Array(Tuple(String, String, Int128, Int64, Int64))') AS item
    GROUP BY dimension_id, hour_us, item_model, meter, sale_rate, cost_rate, state, epoch
    HAVING sum(sign * toInt256(item.3)) <> 0
    ORDER BY dimension_id, hour_us, item_model, meter, sale_rate, cost_rate, state, epoch
"""
Rebuilt = tuple[int, datetime, str, str, int, int, str, int, int]
"""Dimension, hour, model, meter, sale rate, cost rate, state, epoch: quantity."""


def rebuilt(tx: Tx, customer_id: str, partitions: Sequence[int], month: str) -> Iterator[Rebuilt]:
    """Stream the rollups of a month as moved events give them, in the order of their bytes."""
    rows = tx.far.stream(REBUILT, customer_id=customer_id, partitions=list(partitions), month=month)
    for dimension, hour, model, meter, sale, cost, state, epoch, quantity in rows:
        at = UNIX + timedelta(microseconds=hour)
        yield (dimension, at, model, meter, sale, cost, state, epoch, int(quantity))


ATTEMPTS: Final[LiteralString] = (
    "SELECT version, "  # noqa: S608 (literals only)
    + OPERATION_ID
    + """ AS operation_id, attempt, started_us, outcome, http_status, reason, stream, first_byte_ms
    FROM usage_event
    WHERE customer_id = {customer_id:String} AND partition IN {partitions:Array(UInt32)}
      AND month = {month:String} AND source = 'gateway' AND epoch <= {upto:Int32}
    ORDER BY toUInt128(operation_id)
"""
)


def attempts(
    tx: Tx, customer_id: str, partitions: Sequence[int], month: str, *, upto: int
) -> Iterator[Sequence[Any]]:
    """Stream how the moved attempts of a month ended, one operation after another."""
    return tx.far.stream(
        ATTEMPTS, customer_id=customer_id, partitions=list(partitions), month=month, upto=upto
    )


CARRIED: Final[LiteralString] = """
    SELECT DISTINCT further_of FROM usage_event
    WHERE customer_id = {customer_id:String} AND partition IN {partitions:Array(UInt32)}
      AND further_of <> {nobody:UUID} AND month > {month:String} AND epoch <= {upto:Int32}
"""


def carried_over(
    tx: Tx, customer_id: str, partitions: Sequence[int], month: str, *, upto: int
) -> set[UUID]:
    """Return the operations that were tried again behind a month, of those that moved."""
    rows = tx.far.rows(
        CARRIED,
        customer_id=customer_id,
        partitions=list(partitions),
        month=month,
        upto=upto,
        nobody=NOBODY,
    )
    return {found for (found,) in rows}
