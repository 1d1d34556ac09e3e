"""The only SQL of a moved month's service, in ClickHouse's words."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, LiteralString
from uuid import UUID

from yuejie.db.session import Tx
from yuejie.kernel.ids import CustomerId
from yuejie.usage.warehouse.clickhouse.store import NOBODY, OPERATION_ID, UNIX

_SERVED: Final[LiteralString] = """
    FROM usage_event
    WHERE customer_id = {customer_id:String} AND partition IN {partitions:Array(UInt32)}
      AND month = {month:String} AND source = 'gateway' AND epoch <= {upto:Int32}
      AND started_us >= {start_us:Int64} AND started_us < {until_us:Int64}
"""
# As `bills.sla` asks PostgreSQL: a failure counts when no attempt followed it, neither among what
# moved nor among what is `carried` on elsewhere, and when the gateway has not thought better of it.
ENDED: Final[LiteralString] = (
    """
    SELECT multiIf({by:String} = 'hour', hour_us,
                   {by:String} = 'window', started_us - positiveModulo(started_us, 300000000),
                   NULL) AS since_us,
           outcome, http_status, if(has({telling:Array(String)}, reason), reason, '') AS why,
           count() AS calls
    FROM (
        SELECT event_id, version, """  # noqa: S608 (literals only)
    + OPERATION_ID
    + """ AS operation_id, attempt, hour_us, started_us, outcome, http_status, reason
    """
    + _SERVED
    + """
    ) AS e
    LEFT JOIN (
        SELECT further_of, max(attempt) AS last
        FROM usage_event
        WHERE customer_id = {customer_id:String} AND partition IN {partitions:Array(UInt32)}
          AND further_of <> {nobody:UUID} AND epoch <= {upto:Int32}
        GROUP BY further_of
    ) AS next ON next.further_of = e.operation_id
    LEFT JOIN (
        SELECT event_id AS corrected, max(version) AS newest
        FROM usage_event
        WHERE customer_id = {customer_id:String} AND partition IN {partitions:Array(UInt32)}
          AND version > 1 AND source = 'gateway' AND epoch <= {upto:Int32}
        GROUP BY event_id
    ) AS known ON known.corrected = e.event_id
    WHERE outcome = 'ok' AND http_status < 400
       OR attempt >= last AND NOT has({carried:Array(UUID)}, operation_id)
          AND (outcome <> 'worker_died' OR version >= newest)
    GROUP BY since_us, outcome, http_status, why
"""
)


@dataclass(frozen=True, slots=True)
class Asked:
    """Which part of a customer's moved events is asked about: instants are [start, until)."""

    partitions: Sequence[int]
    month: str
    start: datetime
    until: datetime
    upto: int

    @property
    def params(self) -> dict[str, object]:
        """Return it as the queries name it."""
        return {
            "partitions": list(self.partitions),
            "month": self.month,
            "start_us": _us(self.start),
            "until_us": _us(self.until),
            "upto": self.upto,
        }


def _us(at: datetime) -> int:
    return (at - UNIX) // timedelta(microseconds=1)


Ended = tuple[datetime | None, str, int, str, int]
"""Since when, outcome, status, reason, and how many operations ended so."""


def ended(
    tx: Tx,
    customer_id: CustomerId,
    asked: Asked,
    *,
    by: str,
    telling: Sequence[str],
    carried: Iterable[UUID],
) -> list[Ended]:
    """Return how moved operations ended, but for those that were `carried` on elsewhere."""
    rows = tx.far.rows(
        ENDED,
        customer_id=customer_id,
        by=by,
        telling=list(telling),
        carried=list(carried),
        nobody=NOBODY,
        **asked.params,
    )
    return [
        (None if us is None else UNIX + timedelta(microseconds=us), outcome, status, why, calls)
        for us, outcome, status, why, calls in rows
    ]


FIRST_BYTES: Final[LiteralString] = (
    "SELECT first_byte_ms, count()"
    + _SERVED
    + """
      AND stream AND outcome = 'ok' AND http_status < 400 AND first_byte_ms IS NOT NULL
      AND NOT has({broken:Array(String)}, reason)
    GROUP BY first_byte_ms
"""
)


def first_bytes(
    tx: Tx, customer_id: CustomerId, asked: Asked, *, broken: Sequence[str]
) -> dict[int, int]:
    """Return how many moved streams had their first byte after how many milliseconds."""
    rows = tx.far.rows(FIRST_BYTES, customer_id=customer_id, broken=list(broken), **asked.params)
    return {int(ms): int(calls) for ms, calls in rows}


STRAY: Final[LiteralString] = """
    SELECT DISTINCT further_of FROM usage_event
    WHERE customer_id = {customer_id:String} AND partition IN {partitions:Array(UInt32)}
      AND further_of <> {nobody:UUID} AND epoch <= {upto:Int32}
      AND partition <> toYYYYMM(fromUnixTimestamp64Milli(
              toInt64(bitShiftRight(toUInt128(further_of), 80)), 'UTC'))
"""


def carried_here(
    tx: Tx, customer_id: CustomerId, partitions: Sequence[int], *, upto: int
) -> list[UUID]:
    """Return the operations that began in another partition than a moved attempt of theirs."""
    rows = tx.far.rows(
        STRAY, customer_id=customer_id, partitions=list(partitions), upto=upto, nobody=NOBODY
    )
    return [found for (found,) in rows]
