"""The only SQL of a moved line's calls, in ClickHouse's words."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final, LiteralString
from uuid import UUID

from yuejie.bills.trail.trail import CallRow, Reach
from yuejie.db.session import Tx
from yuejie.kernel.ids import CustomerId
from yuejie.usage.warehouse.clickhouse.store import ONE_PAGE, OPERATION_ID, UNIX

_COUNTED: Final[LiteralString] = """
    if(state IN ('measured', 'partial'), toString(arrayReduce('sum', arrayMap(item -> item.3,
        arrayFilter(item -> item.1 = {model:String} AND item.2 = {meter:String}
                            AND item.4 = {sale_rate:Int64},
            JSONExtract(items, 'Array(Tuple(String, String, Int128, Int64, Int64))'))))), '0')
    AS counted
"""
# In the order of the primary key, so that a page reads little more than itself. What a version took
# the place of is asked apart, of the few that took something's.
CALLS: Final[LiteralString] = (
    "SELECT event_id, version, "  # noqa: S608 (literals only)
    + OPERATION_ID
    + """ AS operation_id, attempt, started_us, key_id, tags, state, contract_id, contract_version,
    """
    + _COUNTED
    + """
    FROM usage_event
    WHERE customer_id = {customer_id:String} AND partition IN {partitions:Array(UInt32)}
      AND month = {month:String} AND project_id = {project_id:String}
      AND epoch > {after:Int32} AND epoch <= {upto:Int32}
      AND hour_us >= {since_us:Int64} AND hour_us < {until_us:Int64}
      AND toUInt128(event_id) >= {first:UInt128} AND toUInt128(event_id) <= {last:UInt128}
      AND (toUInt128(event_id) > {first:UInt128} OR version > {version:Int16})
      AND (version > 1 OR counted <> '0')
    ORDER BY customer_id, toUInt128(event_id), version
    LIMIT {limit:UInt32}
"""
    + ONE_PAGE
)
BEFORE: Final[LiteralString] = (
    "SELECT event_id, version + 1, "  # noqa: S608 (literals only)
    + _COUNTED
    + """
    FROM usage_event
    WHERE customer_id = {customer_id:String} AND partition IN {partitions:Array(UInt32)}
      AND toUInt128(event_id) IN {events:Array(UInt128)}
"""
)


def calls(
    tx: Tx,
    customer_id: CustomerId,
    partitions: Sequence[int],
    reach: Reach,
    hours: tuple[datetime, datetime],
    ids: tuple[UUID, int, UUID],
    *,
    limit: int,
) -> list[CallRow]:
    """Return what moved calls of some hours add to a line, by id; a key is named by its id."""
    first, version, last = ids
    found: list[CallRow] = []
    while True:
        rows = tx.far.rows(
            CALLS,
            customer_id=customer_id,
            partitions=list(partitions),
            since_us=_us(hours[0]),
            until_us=_us(hours[1]),
            first=first.int,
            version=version,
            last=last.int,
            limit=limit,
            **_asked(reach),
        )
        before = _before(tx, customer_id, partitions, reach, rows)
        calls = [_call(row, before.get((row[0], row[1]), 0)) for row in rows]
        found += [call for call in calls if call.adds]
        if len(rows) < limit or len(found) >= limit:
            return found[:limit]
        first, version = rows[-1][0], rows[-1][1]


def _before(
    tx: Tx,
    customer_id: CustomerId,
    partitions: Sequence[int],
    reach: Reach,
    rows: Sequence[Sequence[Any]],
) -> dict[tuple[UUID, int], int]:
    """Return what the version before each of these said, by event and the version after it."""
    events = [row[0].int for row in rows if row[1] > 1]
    if not events:
        return {}
    found = tx.far.rows(
        BEFORE,
        customer_id=customer_id,
        partitions=list(partitions),
        events=events,
        **_asked(reach),
    )
    return {(event, version): int(counted) for event, version, counted in found}


def _call(row: Sequence[Any], before: int) -> CallRow:
    event, version, operation, attempt, us, key, tags, state, contract, contract_version, now = row
    return CallRow(
        event_id=event,
        version=version,
        operation_id=operation,
        attempt=attempt,
        started_at=UNIX + timedelta(microseconds=us),
        key_id=key,
        key=key,
        tags=tags,
        state=state,
        contract_id=contract,
        contract_version=contract_version,
        quantity=int(now),
        before=before,
    )


def _asked(reach: Reach) -> dict[str, object]:
    names = ("project_id", "model", "meter", "sale_rate", "after", "upto")
    return {name: getattr(reach, name) for name in names} | {"month": str(reach.month)}


def _us(at: datetime) -> int:
    return (at - UNIX) // timedelta(microseconds=1)
