"""PostgreSQL's side of the warehouse: partitions, batches, their rows as text, their checksums."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import psycopg

from yuejie.db.errors import brief
from yuejie.db.session import Tx
from yuejie.usage.warehouse.batch import Batch, NotAsCounted, Partition, Slice, Sum

OPERATOR_READS: Final = {
    "partitions": "a partition holds everybody's events",
    "slices": "a partition is moved customer by customer",
    "batches": "the same",
    "deleted_batches": "the same",
    "lines": "a batch names its customer",
    "sum_of": "the same",
    "sum_of_returning": "the same",
    "months_of": "the operator moves everybody's months at once",
}

LOCK: Final = "warehouse"

# Where things lie -------------------------------------------------------------------------------

HOLD_PARTITIONS: Final = "LOCK TABLE usage_event IN ACCESS SHARE MODE"


def hold_partitions(tx: Tx) -> None:
    """Let no partition come or go until this transaction ends.

    To be called before anything is read: it takes no snapshot, so that the list of partitions and
    the events that are read next belong together, also where a transaction sees a single moment.
    """
    tx.run(HOLD_PARTITIONS)


PARTITIONS: Final = """
    SELECT first_day, state, upto_epoch, rows, changed_at
    FROM usage_partition
    ORDER BY first_day
"""


def partitions(tx: Tx) -> list[Partition]:
    """Return the partitions that were ever moved or deleted."""
    return tx.rows(Partition, PARTITIONS)


# A customer's events may be past their term where others' are not; a partition that was deleted
# without ever having been moved has no batches to say whose it was.
AWAY: Final = """
    SELECT p.first_day,
           CASE WHEN count(b.batch_id) FILTER (WHERE b.deleted_at IS NULL) = 0 THEN 'deleted'
                ELSE p.state END AS state,
           p.upto_epoch, coalesce(sum(b.rows), 0)::bigint AS rows,
           coalesce(max(b.deleted_at), p.changed_at) AS changed_at
    FROM usage_partition p
    LEFT JOIN usage_batch b ON b.first_day = p.first_day
                           AND (%(customer_id)s::text IS NULL OR b.customer_id = %(customer_id)s)
                           AND b.first_month <= %(last)s AND b.last_month >= %(first)s
    WHERE p.state <> 'here'
    GROUP BY p.first_day
    HAVING count(b.batch_id) > 0
        OR p.state = 'deleted' AND to_char(p.first_day, 'YYYY-MM') BETWEEN %(first)s AND %(last)s
           AND NOT EXISTS (SELECT FROM usage_batch x WHERE x.first_day = p.first_day)
    ORDER BY p.first_day
"""


def away(tx: Tx, customer_id: str | None, first: str, last: str) -> list[Partition]:
    """Return the partitions with a customer's events of these months that are not here."""
    return tx.rows(Partition, AWAY, customer_id=customer_id, first=first, last=last)


# Batches ----------------------------------------------------------------------------------------

# Customers by a loose scan of the index, partitions are large; boundaries by counting ids.
SLICES: Final = """
    SELECT customer_id, min(event_id::text)::uuid AS low, max(event_id::text)::uuid AS high,
           min(month)::text AS first_month, max(month)::text AS last_month
    FROM (
        SELECT customer_id, event_id, month,
               (rank() OVER (PARTITION BY customer_id ORDER BY event_id) - 1) / %(size)s AS part
        FROM usage_event
        WHERE event_id >= uuid_floor(%(first_day)s::date::timestamp AT TIME ZONE 'UTC')
          AND event_id < uuid_floor((%(first_day)s::date + INTERVAL '1 month')::timestamp
                                    AT TIME ZONE 'UTC')
          AND epoch > %(after)s AND epoch <= %(upto)s
    ) numbered
    GROUP BY customer_id, part
    ORDER BY customer_id, part
"""


@dataclass(frozen=True, slots=True)
class SliceRow:
    """Where a batch begins and ends."""

    customer_id: str
    low: UUID
    high: UUID
    first_month: str
    last_month: str


def slices(tx: Tx, first_day: date, *, after: int, upto: int, size: int) -> list[SliceRow]:
    """Cut what a partition got in ended epochs into slices; an event's versions stay together."""
    return tx.rows(SliceRow, SLICES, first_day=first_day, after=after, upto=upto, size=size)


_OF_SLICE: Final = """
    FROM usage_event e JOIN usage_dimension d USING (dimension_id)
    WHERE e.customer_id = %(customer_id)s AND e.event_id >= %(low)s AND e.event_id <= %(high)s
      AND e.epoch > %(after)s AND e.epoch <= %(upto)s
"""
# The order of `clickhouse.store.COLUMNS`. Instants are whole microseconds; `extract` is exact.
_FIELDS: Final = """
    e.customer_id, e.event_id::text, e.version::text, e.operation_id::text, e.attempt::text,
    e.dimension_id::text, d.project_id, d.key_id, d.tags, d.deployment_id, e.month::text,
    (extract(epoch FROM e.hour) * 1000000)::bigint::text,
    (extract(epoch FROM e.started_at) * 1000000)::bigint::text,
    (extract(epoch FROM e.used_at) * 1000000)::bigint::text,
    e.api, e.model, e.billable::int::text, e.state, e.reason, e.contract_id,
    e.contract_version::text, e.sale_book, e.sale_revision::text, e.cost_book,
    e.cost_revision::text, e.items::text, e.context_tokens::text, e.billed_model,
    e.service_tier, e.http_status::text, e.outcome, e.stream::int::text,
    {first_byte}, e.response_id, e.source, e.facts::text, e.epoch::text,
    (extract(epoch FROM e.recorded_at) * 1000000)::bigint::text
"""
_LINE: Final = _FIELDS.replace("{first_byte}", "coalesce(e.first_byte_ms::text, '')")
COPY_LINES: Final = (
    "COPY (SELECT "
    + _FIELDS.replace("{first_byte}", "e.first_byte_ms::text")
    + _OF_SLICE
    + ") TO STDOUT"
)
SUM_OF: Final = (
    "SELECT count(*) AS rows,"  # noqa: S608 (literals only)
    " coalesce(sum(('x' || substr(hash, 1, 16))::bit(64)::bigint), 0)::text || ':' ||"
    " coalesce(sum(('x' || substr(hash, 17, 16))::bit(64)::bigint), 0)::text AS checksum"
    " FROM (SELECT md5(concat_ws(E'\\x1f'," + _LINE + ")) AS hash" + _OF_SLICE + ") hashed"
)
SUM_OF_RETURNING: Final = SUM_OF.replace("FROM usage_event e", "FROM usage_event_returning e")


def lines(tx: Tx, wanted: Slice) -> Iterator[bytes]:
    """Yield a slice's rows as lines of tab-separated text, which ClickHouse reads as they are."""
    with tx.cursor as cursor, cursor.copy(COPY_LINES, _asked(wanted)) as source:
        for line in source:
            yield bytes(line)


def sum_of(tx: Tx, wanted: Slice) -> Sum:
    """Count a slice and sum its hashes: MD5 of each row's text, as two halves of 64 bits."""
    return tx.row(Sum, SUM_OF, **_asked(wanted))


def sum_of_returning(tx: Tx, wanted: Slice) -> Sum:
    """Do the same for what came back and is no partition yet."""
    return tx.row(Sum, SUM_OF_RETURNING, **_asked(wanted))


def _asked(wanted: Slice) -> dict[str, object]:
    return {
        "customer_id": wanted.customer_id,
        "low": wanted.low,
        "high": wanted.high,
        "after": wanted.after_epoch,
        "upto": wanted.upto_epoch,
    }


PLAN: Final = """
    INSERT INTO usage_batch (first_day, customer_id, after_epoch, upto_epoch, low, high,
                             first_month, last_month, rows, checksum, planned_at)
    VALUES (%(first_day)s, %(customer_id)s, %(after)s, %(upto)s, %(low)s, %(high)s,
            %(first_month)s, %(last_month)s, %(rows)s, %(checksum)s, %(at)s)
    ON CONFLICT (first_day, customer_id, after_epoch, low) DO NOTHING
"""


def plan(tx: Tx, wanted: Slice, counted: Sum, months: tuple[str, str], at: datetime) -> None:
    """Write down what a batch consists of and comes to; a batch that is known stays as it is."""
    tx.run(
        PLAN,
        **_asked(wanted),
        first_day=wanted.first_day,
        first_month=months[0],
        last_month=months[1],
        rows=counted.rows,
        checksum=counted.checksum,
        at=at,
    )


BATCHES: Final = """
    SELECT batch_id, first_day, customer_id, after_epoch, upto_epoch, low, high,
           first_month::text, last_month::text, rows, checksum, verified_at
    FROM usage_batch
    WHERE first_day = %(first_day)s AND deleted_at IS NULL
    ORDER BY batch_id
"""


def batches(tx: Tx, first_day: date) -> list[Batch]:
    """Return the batches of a partition that were not deleted, in the order of their planning."""
    return tx.rows(Batch, BATCHES, first_day=first_day)


DELETED_BATCHES: Final = """
    SELECT batch_id, first_day, customer_id, after_epoch, upto_epoch, low, high,
           first_month::text, last_month::text, rows, checksum, verified_at
    FROM usage_batch
    WHERE first_day = %(first_day)s AND deleted_at IS NOT NULL AND purged_at IS NULL
    ORDER BY batch_id
"""


def deleted_batches(tx: Tx, first_day: date) -> list[Batch]:
    """Return the batches of a partition that nobody reads any more and the disk still has."""
    return tx.rows(Batch, DELETED_BATCHES, first_day=first_day)


VERIFIED: Final = """
    UPDATE usage_batch SET verified_at = %(at)s WHERE batch_id = %(batch_id)s
"""


def mark_verified(tx: Tx, batch_id: int, at: datetime) -> None:
    """Write down that ClickHouse counted and summed a batch as PostgreSQL did."""
    tx.run(VERIFIED, batch_id=batch_id, at=at)


# Ready to move? ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MonthOf:
    """A customer's month with events in a partition, and what is known about it.

    `closed_epoch` is that of the first closing that has seen all of it, its own or a later month's,
    which bills what came late; where none has, that of its own.
    """

    customer_id: str
    month: str
    last_epoch: int
    rows: int
    open: int
    closed_epoch: int | None
    proved_epoch: int | None

    @property
    def closed_epoch_(self) -> int:
        """Return up to which epoch it is closed, of a month that is."""
        assert self.closed_epoch is not None, "asked of a month that is closed"
        return self.closed_epoch


MONTHS_OF: Final = """
    SELECT found.customer_id, found.month::text, found.last_epoch, found.rows, found.open,
           COALESCE(
               (SELECT min(l.epoch) FROM month_close l
                WHERE l.customer_id = found.customer_id AND l.month >= found.month
                  AND l.epoch >= found.last_epoch AND c.epoch IS NOT NULL),
               c.epoch) AS closed_epoch,
           (SELECT max(p.epoch) FROM month_proof p
            WHERE p.customer_id = found.customer_id AND p.month = found.month) AS proved_epoch
    FROM (
        SELECT e.customer_id, e.month, max(e.epoch) AS last_epoch, count(*) AS rows,
               count(*) FILTER (
                   WHERE e.state IN ('estimated', 'unmeasured', 'unpriced')
                     AND NOT EXISTS (SELECT FROM usage_event l
                                     WHERE l.event_id = e.event_id AND l.version > e.version)
               ) AS open
        FROM usage_event e
        WHERE e.event_id >= uuid_floor(%(first_day)s::date::timestamp AT TIME ZONE 'UTC')
          AND e.event_id < uuid_floor((%(first_day)s::date + INTERVAL '1 month')::timestamp
                                      AT TIME ZONE 'UTC')
        GROUP BY e.customer_id, e.month
    ) found
    LEFT JOIN month_close c USING (customer_id, month)
    ORDER BY found.customer_id, found.month
"""


def months_of(tx: Tx, first_day: date) -> list[MonthOf]:
    """Return whose months have events in a partition, and whether each is closed and proved."""
    return tx.rows(MonthOf, MONTHS_OF, first_day=first_day)


_LONG: Final = "SET LOCAL statement_timeout = '2h'"


def take_time(tx: Tx) -> None:
    """Let the statements of this transaction run for hours: a partition may hold 10⁹ rows."""
    tx.run(_LONG)


STANDING: Final = """
    SELECT (to_date(right(c.relname, 6), 'YYYYMM'))::date AS first_day
    FROM pg_inherits i
    JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'usage_event'::regclass
    ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class _Day:
    first_day: date


def standing(tx: Tx) -> list[date]:
    """Return the first days of the partitions that are here."""
    return [row.first_day for row in tx.rows(_Day, STANDING)]


ENDED_EPOCH: Final = "SELECT epoch - 1 FROM epoch"


def ended_epoch(tx: Tx) -> int:
    """Return the last epoch that is over: nothing is ever added to it."""
    return int(tx.value(ENDED_EPOCH))


MOVE: Final = "SELECT move_usage_partition(%(first_day)s, %(upto)s, %(at)s)"
_SHORT_WAIT: Final = "SET LOCAL lock_timeout = '3s'"


def drop_moved(tx: Tx, first_day: date, upto: int, at: datetime) -> int:
    """Drop a partition whose every row is verified elsewhere and return how many rows went.

    Counted again by the database under a lock; raises NotAsCounted where it counts otherwise.
    Who reads is not kept waiting for long: after three seconds it is another round's work.
    """
    tx.run(_SHORT_WAIT)
    take_time(tx)
    try:
        return int(tx.value(MOVE, first_day=first_day, upto=upto, at=at))
    except psycopg.errors.RaiseException as error:
        raise NotAsCounted(f"{first_day:%Y-%m} 的分区未删除：{brief(error)}") from error


BEGIN_RETURN: Final = "SELECT begin_usage_return(%(first_day)s)"
END_RETURN: Final = "SELECT end_usage_return(%(first_day)s, %(at)s)"
COPY_BACK: Final = """
    COPY usage_event_returning (event_id, version, operation_id, attempt, customer_id,
        dimension_id, month, hour, started_at, used_at, api, model, billable, state, reason,
        contract_id, contract_version, sale_book, sale_revision, cost_book, cost_revision, items,
        context_tokens, billed_model, service_tier, http_status, outcome, stream, first_byte_ms,
        response_id, source, facts, epoch, recorded_at)
    FROM STDIN
"""


def begin_return(tx: Tx, first_day: date) -> None:
    """Make room beside the table for a partition that comes back; what was begun is begun anew."""
    tx.value(BEGIN_RETURN, first_day=first_day)


def copy_back(tx: Tx, rows: Iterable[Sequence[Any]]) -> int:
    """Write rows that came back; they are seen by nobody until `end_return`."""
    return tx.copy(COPY_BACK, rows)


def end_return(tx: Tx, first_day: date, at: datetime) -> int:
    """Make what came back the partition again, if the database counts every row of it."""
    tx.run(_SHORT_WAIT)
    take_time(tx)
    try:
        return int(tx.value(END_RETURN, first_day=first_day, at=at))
    except psycopg.errors.RaiseException as error:
        raise NotAsCounted(f"{first_day:%Y-%m} 未取回：{brief(error)}") from error


# Proofs -----------------------------------------------------------------------------------------

PROVED: Final = """
    INSERT INTO month_proof (customer_id, month, epoch, bills, proved_at)
    VALUES (%(customer_id)s, %(month)s, %(epoch)s, %(bills)s, %(at)s)
    ON CONFLICT (customer_id, month, epoch)
    DO UPDATE SET proved_at = EXCLUDED.proved_at, bills = EXCLUDED.bills
"""


def note_proof(
    tx: Tx, customer_id: str, month: str, *, epoch: int, bills: int, at: datetime
) -> None:
    """Write down that a month was computed again without a difference."""
    tx.run(PROVED, customer_id=customer_id, month=month, epoch=epoch, bills=bills, at=at)
