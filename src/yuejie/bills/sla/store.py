"""The only SQL of a month's service: how calls ended, how fast, when nobody was served or heard."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Literal
from uuid import UUID

from yuejie.bills.sla.ending import BROKEN_REASONS, OUR_REASONS, TELLING, TURNED_AWAY
from yuejie.bills.sla.moved import store as far
from yuejie.bills.sla.moved.store import Asked
from yuejie.bills.sla.verdict import FirstByte, Minutes
from yuejie.db.session import Tx
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.period import Span
from yuejie.usage.warehouse import read

OPERATOR_READS: Final = {
    "minutes": "the gateway serves everybody or nobody",
    "outages": "the gateway serves everybody or nobody",
}
"""Reads that serve the operator; all others take `customer_id` first."""

Bucket = Literal["month", "window"]
"""What calls are summed over: the whole month, or five minutes."""


@dataclass(frozen=True, slots=True)
class EndedRow:
    """How many operations ended in one way, in one span of time (None: the month)."""

    since: datetime | None
    outcome: str
    http_status: int
    reason: str
    calls: int


# Only what the gateway wrote counts: corrections and imports change quantities, not what a client
# saw. Of an event only a call given up with its worker is ever superseded by the gateway, and only
# behind a failure may another attempt follow; so nearly every row is taken as it lies. Unordered:
# asked for an order, the planner sorts every row instead of the few sums.
ENDED: Final = """
    SELECT CASE %(by)s::text
               WHEN 'window' THEN date_bin('5 minutes', e.started_at, TIMESTAMPTZ 'epoch')
           END AS since,
           e.outcome, e.http_status,
           CASE WHEN e.reason = ANY(%(telling)s) THEN e.reason ELSE '' END AS reason,
           count(*) AS calls
    FROM usage_event e
    WHERE e.customer_id = %(customer_id)s AND e.month = %(month)s
      AND e.started_at >= %(start)s AND e.started_at < %(until)s
      AND e.source = 'gateway' AND e.epoch <= %(epoch)s
      AND CASE WHEN e.outcome = 'ok' AND e.http_status < 400 THEN TRUE
               ELSE NOT EXISTS (
                   SELECT FROM usage_event next
                   WHERE next.operation_id = e.operation_id AND next.operation_id <> next.event_id
                     AND next.customer_id = e.customer_id
                     AND next.attempt > e.attempt AND next.epoch <= %(epoch)s)
                   AND e.operation_id <> ALL(%(carried)s::uuid[]) END
      AND CASE WHEN e.outcome <> 'worker_died' THEN TRUE
               ELSE NOT EXISTS (
                   SELECT FROM usage_event known
                   WHERE known.event_id = e.event_id AND known.version > e.version
                     AND known.source = 'gateway' AND known.epoch <= %(epoch)s) END
    GROUP BY 1, 2, 3, 4
"""


def ended(
    tx: Tx, customer_id: CustomerId, month: str, *, held: Span, epoch: int, by: Bucket = "month"
) -> list[EndedRow]:
    """Return how the operations of a month's span ended, as known at an epoch; each counts once.

    Read wherever the month's events lie: what moved is summed there, and the sums stand beside
    those from here.
    """
    there = _there(tx, customer_id, month, held, epoch)
    here = tx.rows(
        EndedRow,
        ENDED,
        customer_id=customer_id,
        month=month,
        start=held.start,
        until=held.end,
        epoch=epoch,
        by=by,
        telling=TELLING,
        carried=far.carried_here(tx, customer_id, there.partitions, upto=epoch) if there else [],
    )
    if there is None:
        return here
    carried = _carried(tx, customer_id, there)
    moved = far.ended(tx, customer_id, there, by=by, telling=TELLING, carried=carried)
    return here + [EndedRow(*each) for each in moved]


_LAST: Final = "9999-99"


def _there(tx: Tx, customer_id: CustomerId, month: str, held: Span, epoch: int) -> Asked | None:
    """Return what is asked of ClickHouse; None where everything of the month is here."""
    if not read.away(tx, customer_id, month, month):
        return None
    # An attempt that followed may lie in a later month.
    partitions = read.away(tx, customer_id, month, _LAST).partitions
    return Asked(partitions, month, held.start, held.end, epoch)


@dataclass(frozen=True, slots=True)
class _Operation:
    operation_id: UUID


CARRIED: Final = """
    SELECT DISTINCT e.operation_id
    FROM usage_event e, unnest(%(days)s::date[]) AS day
    WHERE e.customer_id = %(customer_id)s AND e.operation_id <> e.event_id
      AND e.epoch <= %(epoch)s
      AND e.operation_id >= uuid_floor(day::timestamp AT TIME ZONE 'UTC')
      AND e.operation_id < uuid_floor((day + INTERVAL '1 month')::timestamp AT TIME ZONE 'UTC')
"""


def _carried(tx: Tx, customer_id: CustomerId, there: Asked) -> list[UUID]:
    """Return the operations that began in a partition that moved and went on in one that is here.

    Few: calls that were tried again over the midnight between two months of UTC.
    """
    days = [date(number // 100, number % 100, 1) for number in there.partitions]
    rows = tx.rows(_Operation, CARRIED, customer_id=customer_id, days=days, epoch=there.upto)
    return [row.operation_id for row in rows]


TURNED: Final = """
    SELECT CASE %(by)s::text WHEN 'window' THEN date_bin('5 minutes', minute, TIMESTAMPTZ 'epoch')
           END AS since,
           %(outcome)s AS outcome, status AS http_status, reason, sum(calls)::bigint AS calls
    FROM gateway_refusal
    WHERE customer_id = %(customer_id)s AND is_ours
      AND minute >= %(start)s AND minute < %(until)s AND epoch <= %(epoch)s
    GROUP BY 1, 3, 4
"""


def turned_away(
    tx: Tx, customer_id: CustomerId, *, held: Span, epoch: int, by: Bucket
) -> list[EndedRow]:
    """Return the calls of a span that we refused though they were in order, as of an epoch."""
    return tx.rows(
        EndedRow,
        TURNED,
        customer_id=customer_id,
        start=held.start,
        until=held.end,
        epoch=epoch,
        by=by,
        outcome=TURNED_AWAY,
    )


COUNTED_EPOCH: Final = "SELECT max(epoch) FROM bill WHERE customer_id = %(customer_id)s"


def counted_epoch(tx: Tx, customer_id: CustomerId) -> int:
    """Return up to which epoch some bill of a customer counts on what is known; 0 without bills."""
    return int(tx.value(COUNTED_EPOCH, customer_id=customer_id) or 0)


@dataclass(frozen=True, slots=True)
class _Taken:
    ms: int
    calls: int


FIRST_BYTES: Final = """
    SELECT e.first_byte_ms AS ms, count(*) AS calls
    FROM usage_event e
    WHERE e.customer_id = %(customer_id)s AND e.month = %(month)s
      AND e.started_at >= %(start)s AND e.started_at < %(until)s
      AND e.source = 'gateway' AND e.epoch <= %(epoch)s
      AND e.stream AND e.outcome = 'ok' AND e.http_status < 400
      AND e.first_byte_ms IS NOT NULL AND e.reason <> ALL(%(broken)s)
    GROUP BY e.first_byte_ms
"""


def first_byte(tx: Tx, customer_id: CustomerId, month: str, *, held: Span, epoch: int) -> FirstByte:
    """Return how long the streamed calls of a month's span took to their first byte."""
    there = _there(tx, customer_id, month, held, epoch)
    broken = sorted(BROKEN_REASONS | OUR_REASONS)
    rows = tx.rows(
        _Taken,
        FIRST_BYTES,
        customer_id=customer_id,
        month=month,
        start=held.start,
        until=held.end,
        epoch=epoch,
        broken=broken,
    )
    taken = Counter({row.ms: row.calls for row in rows})
    if there is not None:
        taken.update(far.first_bytes(tx, customer_id, there, broken=broken))
    return FirstByte.of(taken)


@dataclass(frozen=True, slots=True)
class _Probed:
    probed: int
    down: int


MINUTES: Final = """
    SELECT count(*) AS probed, count(*) FILTER (WHERE NOT is_ready) AS down
    FROM gateway_probe
    WHERE minute >= %(start)s AND minute < %(until)s
"""


def minutes(tx: Tx, held: Span) -> Minutes:
    """Return how many minutes a span has, were asked about, and found the gateway down."""
    [row] = tx.rows(_Probed, MINUTES, start=held.start, until=held.end)
    whole = int((held.end - held.start).total_seconds()) // 60
    return Minutes(whole, row.probed, row.down)


@dataclass(frozen=True, slots=True)
class OutageRow:
    """Minutes in a row in which the gateway was seen down, and what it said at first."""

    since: datetime
    minutes: int
    why: str


OUTAGES: Final = """
    WITH down AS (
        SELECT minute, why,
               minute - interval '1 minute' * row_number() OVER (ORDER BY minute) AS run
        FROM gateway_probe
        WHERE minute >= %(start)s AND minute < %(until)s AND NOT is_ready)
    SELECT min(minute) AS since, count(*) AS minutes,
           (array_agg(why ORDER BY minute))[1] AS why
    FROM down
    GROUP BY run
    ORDER BY count(*) DESC, min(minute)
    LIMIT %(limit)s
"""


def outages(tx: Tx, held: Span, *, limit: int) -> list[OutageRow]:
    """Return the longest outages of a span, the longest first."""
    return tx.rows(OutageRow, OUTAGES, start=held.start, until=held.end, limit=limit)


MISSED: Final = """
    SELECT count(*) FROM response_miss
    WHERE customer_id = %(customer_id)s AND is_first AND epoch <= %(epoch)s
      AND due_at >= %(start)s AND due_at < %(until)s
"""


def missed(tx: Tx, customer_id: CustomerId, *, held: Span, epoch: int) -> int:
    """Return how many first responses that were due in a span were missed, as known at an epoch."""
    return int(
        tx.value(MISSED, customer_id=customer_id, start=held.start, until=held.end, epoch=epoch)
    )


@dataclass(frozen=True, slots=True)
class ResponseRow:
    """Responses to tickets that were due in a span: of one severity, first or later ones."""

    severity: str
    is_first: bool
    due: int
    missed: int
    mean_seconds: int | None
    """Of those that were answered."""


RESPONSES: Final = """
    SELECT t.severity, c.is_first, count(*) AS due, count(m.clock_id) AS missed,
           round(avg(extract(epoch FROM c.stopped_at - c.started_at)))::bigint AS mean_seconds
    FROM response_clock c
    JOIN ticket t USING (ticket_id)
    LEFT JOIN response_miss m ON m.clock_id = c.clock_id AND m.epoch <= %(epoch)s
    WHERE c.customer_id = %(customer_id)s AND c.due_at >= %(start)s AND c.due_at < %(until)s
    GROUP BY t.severity, c.is_first
    ORDER BY t.severity, c.is_first DESC
"""


def responses(tx: Tx, customer_id: CustomerId, *, held: Span, epoch: int) -> list[ResponseRow]:
    """Return how tickets were answered whose response was due in a span."""
    return tx.rows(
        ResponseRow,
        RESPONSES,
        customer_id=customer_id,
        start=held.start,
        until=held.end,
        epoch=epoch,
    )
