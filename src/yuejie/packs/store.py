"""The only SQL of the packs: what a customer's calls used, item by item."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from yuejie.db.session import Tx
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.period import BillingMonth
from yuejie.packs.details import UsedItem

_PAGE: Final = 5_000
"""Versions of events in one statement."""


@dataclass(frozen=True, slots=True)
class _Key:
    event_id: UUID
    version: int


FIRST_KEY: Final = """
    SELECT event_id, 0 AS version FROM usage_event
    WHERE customer_id = %(customer_id)s AND month = ANY(%(months)s)
    ORDER BY event_id
    LIMIT 1
"""
PAGE_END: Final = """
    WITH page AS (
        SELECT e.event_id, e.version::int AS version FROM usage_event e
        WHERE e.customer_id = %(customer_id)s AND e.month = ANY(%(months)s)
          AND e.epoch > %(after)s AND e.epoch <= %(upto)s
          AND e.event_id >= %(event_id)s AND (e.event_id, e.version) > (%(event_id)s, %(version)s)
        ORDER BY e.event_id, e.version
        LIMIT %(most)s
    )
    SELECT event_id, version FROM page ORDER BY event_id DESC, version DESC LIMIT 1
"""
# A version counts with its items; the version before it is taken back in the same epoch, as in the
# rollups. So the rows of a span of epochs add up to what the bills of that span took.
USED_ITEMS: Final = """
    SELECT e.operation_id, e.attempt, c.version, e.started_at, e.month::text AS month,
           COALESCE(p.name, d.project_id) AS project, COALESCE(k.name, d.key_id) AS key, d.tags,
           item.value ->> 0 AS model, item.value ->> 1 AS meter,
           c.sign * (item.value ->> 2)::numeric AS quantity,
           r.pico AS rate_pico, r.currency AS rate_currency
    FROM usage_event e
    CROSS JOIN LATERAL (
        SELECT e.items, e.version, e.state, 1 AS sign
        UNION ALL
        SELECT old.items, old.version, old.state, -1
        FROM usage_event old
        WHERE e.version > 1 AND old.event_id = e.event_id AND old.version = e.version - 1
    ) c
    JOIN usage_dimension d USING (dimension_id)
    LEFT JOIN project p USING (project_id)
    LEFT JOIN api_key k USING (key_id)
    CROSS JOIN LATERAL json_array_elements(c.items) WITH ORDINALITY AS item (value, position)
    JOIN rate r ON r.rate_id = (item.value ->> 3)::bigint
    WHERE e.customer_id = %(customer_id)s AND e.month = ANY(%(months)s)
      AND e.epoch > %(after)s AND e.epoch <= %(upto)s AND c.state IN ('measured', 'partial')
      AND e.event_id >= %(event_id)s AND e.event_id <= %(last_id)s
      AND (e.event_id, e.version) > (%(event_id)s, %(version)s)
      AND (e.event_id, e.version) <= (%(last_id)s, %(last_version)s)
    ORDER BY e.event_id, e.version, c.sign, item.position
"""


def used_items(
    tx: Tx, customer_id: CustomerId, months: list[BillingMonth], *, after: int, upto: int
) -> Iterator[UsedItem]:
    """Yield the priced items of those months that became known behind one epoch, up to another.

    Asked page by page in the order of the ids, so that no statement sorts a whole month.
    """
    asked = {
        "customer_id": customer_id,
        "months": [str(month) for month in months],
        "after": after,
        "upto": upto,
    }
    key = tx.maybe(_Key, FIRST_KEY, customer_id=customer_id, months=asked["months"])
    while key is not None:
        begin = {"event_id": key.event_id, "version": key.version}
        key = tx.maybe(_Key, PAGE_END, most=_PAGE, **asked, **begin)
        if key is not None:
            last = {"last_id": key.event_id, "last_version": key.version}
            yield from tx.rows(UsedItem, USED_ITEMS, **asked, **begin, **last)


CLOSED_BEFORE: Final = """
    SELECT COALESCE(max(epoch), 0) FROM month_close
    WHERE customer_id = %(customer_id)s AND month < %(month)s
"""


def closed_before(tx: Tx, customer_id: CustomerId, month: BillingMonth) -> int:
    """Return the epoch up to which the months before one were billed; 0 where none was."""
    return int(tx.value(CLOSED_BEFORE, customer_id=customer_id, month=str(month)))
