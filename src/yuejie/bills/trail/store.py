"""The only SQL about what a line is made of: rollups by day, versions of events by their id."""

from dataclasses import dataclass, replace
from datetime import datetime
from heapq import merge
from itertools import islice
from typing import Final
from uuid import UUID

from yuejie.bills.trail.moved import store as far
from yuejie.bills.trail.trail import BilledRow, CallRow, DayRow, RateOfLine, Reach
from yuejie.db.session import Tx
from yuejie.kernel.ids import BillId, CustomerId
from yuejie.usage.warehouse.read import away

OPERATOR_READS: Final = {"rate_of": "rates belong to books, not to customers"}
"""Reads that serve the operator; all others take `customer_id` first."""

# A bill counted as billed until it was voided; what was drawn before then stands on it.
LOOKED_BEFORE: Final = """
    SELECT COALESCE(max(b.epoch), 0) FROM bill b
    WHERE b.customer_id = %(customer_id)s AND b.month >= %(month)s AND b.epoch < %(upto)s
      AND NOT EXISTS (SELECT FROM bill_transition t
                      WHERE t.bill_id = b.bill_id AND t.became = 'voided' AND t.at < %(drawn_at)s)
"""


def looked_before(
    tx: Tx, customer_id: CustomerId, month: str, upto: int, drawn_at: datetime
) -> int:
    """Return up to which epoch bills before had looked at a month then; 0 where none had."""
    return int(
        tx.value(LOOKED_BEFORE, customer_id=customer_id, month=month, upto=upto, drawn_at=drawn_at)
    )


DAYS: Final = """
    SELECT (r.hour AT TIME ZONE %(zone)s)::date AS day, sum(r.quantity) AS quantity
    FROM usage_rollup r
    JOIN usage_dimension d USING (dimension_id)
    WHERE d.customer_id = %(customer_id)s AND d.project_id = %(project_id)s
      AND r.month = %(month)s AND r.model = %(model)s AND r.meter = %(meter)s
      AND r.sale_rate = %(sale_rate)s AND r.state IN ('measured', 'partial')
      AND r.epoch > %(after)s AND r.epoch <= %(upto)s
    GROUP BY 1
    HAVING sum(r.quantity) <> 0
    ORDER BY 1
"""


def days(tx: Tx, customer_id: CustomerId, reach: Reach, zone: str) -> list[DayRow]:
    """Return what each local day adds to a line."""
    return tx.rows(DayRow, DAYS, zone=zone, **_asked(reach) | {"customer_id": customer_id})


BILLED_BEFORE: Final = """
    SELECT l.bill_id, b.number, b.month, l.position, l.quantity
    FROM bill_line l
    JOIN bill b USING (bill_id)
    WHERE l.customer_id = %(customer_id)s AND l.service_month = %(month)s
      AND l.project_id = %(project_id)s AND l.model = %(model)s AND l.meter = %(meter)s
      AND l.sale_rate = %(sale_rate)s AND l.kind IN ('usage', 'late')
      AND b.epoch < %(upto)s AND l.bill_id <> %(bill_id)s
      AND NOT EXISTS (SELECT FROM bill_transition t
                      WHERE t.bill_id = b.bill_id AND t.became = 'voided' AND t.at < %(drawn_at)s)
    ORDER BY b.month, l.bill_id, l.position
"""


def billed_before(
    tx: Tx, customer_id: CustomerId, reach: Reach, bill_id: BillId, drawn_at: datetime
) -> list[BilledRow]:
    """Return the lines of earlier bills that held usage of the same kind then."""
    asked = _asked(reach)
    asked |= {"customer_id": customer_id, "bill_id": bill_id, "drawn_at": drawn_at}
    return tx.rows(BilledRow, BILLED_BEFORE, **asked)


RATE_OF: Final = """
    SELECT r.rate_id, r.book_id, b.kind, r.revision, r.model, r.meter, r.pico, r.currency,
           r.service_tier, r.context_above, r.time_window, r.origin,
           l.pico AS list_pico, l.currency AS list_currency,
           v.starts_at, v.published_at, v.approved_by
    FROM rate r
    JOIN book b USING (book_id)
    JOIN book_revision v USING (book_id, revision)
    LEFT JOIN rate l ON l.rate_id = r.list_rate
    WHERE r.rate_id = %(rate_id)s
"""


def rate_of(tx: Tx, rate_id: int) -> RateOfLine:
    """Return the row of a price book with that id."""
    return tx.row(RateOfLine, RATE_OF, rate_id=rate_id)


# The ids begin with the time of the call, which keeps the look to the partitions and the stretch of
# the index in which the day lies; the hour then decides.
CALLS: Final = """
    WITH page AS (
        SELECT e.event_id, e.version, e.operation_id, e.attempt, e.started_at, d.key_id, d.tags,
               e.state, e.contract_id, e.contract_version,
               CASE WHEN e.state IN ('measured', 'partial') THEN COALESCE(
                   (SELECT sum((item ->> 2)::numeric) FROM json_array_elements(e.items) item
                    WHERE item ->> 0 = %(model)s AND item ->> 1 = %(meter)s
                      AND (item ->> 3)::bigint = %(sale_rate)s), 0) ELSE 0 END AS quantity,
               CASE WHEN e.version > 1 THEN COALESCE(
                   (SELECT sum((item ->> 2)::numeric)
                    FROM usage_event old, json_array_elements(old.items) item
                    WHERE old.event_id = e.event_id AND old.version = e.version - 1
                      AND old.state IN ('measured', 'partial')
                      AND item ->> 0 = %(model)s AND item ->> 1 = %(meter)s
                      AND (item ->> 3)::bigint = %(sale_rate)s), 0) ELSE 0 END AS before
        FROM usage_event e
        JOIN usage_dimension d USING (dimension_id)
        WHERE e.customer_id = %(customer_id)s AND e.month = %(month)s
          AND d.project_id = %(project_id)s
          AND e.epoch > %(after)s AND e.epoch <= %(upto)s
          AND e.hour >= %(since)s AND e.hour < %(until)s
          AND e.event_id >= %(event_id)s AND e.event_id <= %(last_id)s
          AND (e.event_id, e.version) > (%(event_id)s, %(version)s)
    )
    SELECT page.event_id, page.version, page.operation_id, page.attempt, page.started_at,
           page.key_id, COALESCE(k.name, page.key_id) AS key, page.tags, page.state,
           page.contract_id, page.contract_version, page.quantity, page.before
    FROM page LEFT JOIN api_key k ON k.key_id = page.key_id
    WHERE page.quantity <> page.before
    ORDER BY page.event_id, page.version
    LIMIT %(limit)s
"""


def calls(
    tx: Tx,
    customer_id: CustomerId,
    reach: Reach,
    hours: tuple[datetime, datetime],
    ids: tuple[UUID, int, UUID],
    *,
    limit: int,
) -> list[CallRow]:
    """Return what the calls of some hours add to a line, by id, wherever they lie.

    `ids` bound them: behind an event and a version, up to an event.
    """
    there = away(tx, customer_id, str(reach.month), str(reach.month))
    here = tx.rows(
        CallRow,
        CALLS,
        since=hours[0],
        until=hours[1],
        event_id=ids[0],
        version=ids[1],
        last_id=ids[2],
        limit=limit,
        **_asked(reach) | {"customer_id": customer_id},
    )
    if not there:
        return here
    moved = far.calls(tx, customer_id, there.partitions, reach, hours, ids, limit=limit)
    known = tx.rows(_Key, KEYS, customer_id=customer_id, keys=[row.key_id for row in moved])
    names = {row.key_id: row.name for row in known}
    named = (replace(row, key=names.get(row.key_id, row.key_id)) for row in moved)
    return list(islice(merge(here, named, key=lambda row: (row.event_id.int, row.version)), limit))


@dataclass(frozen=True, slots=True)
class _Key:
    key_id: str
    name: str


KEYS: Final = """
    SELECT key_id, name FROM api_key
    WHERE customer_id = %(customer_id)s AND key_id = ANY(%(keys)s)
"""


def _asked(reach: Reach) -> dict[str, object]:
    return {name: getattr(reach, name) for name in reach.__slots__} | {"month": str(reach.month)}
