"""The only SQL of the packs: what a customer's calls used, item by item."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from yuejie.db.session import Tx
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.period import BillingMonth
from yuejie.packs.details import UsedItem
from yuejie.usage.event import BILLED
from yuejie.usage.store import PriceRow, prices
from yuejie.usage.warehouse import read
from yuejie.usage.warehouse.clickhouse import store as far

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

    In the order of the ids, wherever the events lie: what was moved is the older part.
    """
    labels = [str(month) for month in months]
    there = read.away(tx, customer_id, min(labels), max(labels))
    if there:
        names = _Names(tx, customer_id)
        events = far.versions(tx, customer_id, there.partitions, labels, after=-1, upto=upto)
        yield from _moved(tx, events, names, after)
    yield from _here(tx, customer_id, months, after=after, upto=upto)


def _moved(tx: Tx, events: Iterator[far.Fields], names: "_Names", after: int) -> Iterator[UsedItem]:
    before: far.Fields | None = None
    for event in events:
        if before is not None and before["event_id"] != event["event_id"]:
            before = None
        if event["epoch"] > after:
            for sign, version in ((-1, before), (1, event)):
                if version is not None and version["state"] in BILLED:
                    yield from _items(tx, event, version, sign, names)
        before = event


def _items(
    tx: Tx, event: far.Fields, version: far.Fields, sign: int, names: "_Names"
) -> Iterator[UsedItem]:
    for model, meter, quantity, sale_rate, _cost_rate in version["items"]:
        rate = names.rate(tx, sale_rate)
        if rate is not None:
            yield UsedItem(
                operation_id=event["operation_id"],
                attempt=event["attempt"],
                version=version["version"],
                started_at=event["started_at"],
                month=event["month"],
                project=names.projects.get(str(event["project_id"]), str(event["project_id"])),
                key=names.keys.get(str(event["key_id"]), str(event["key_id"])),
                tags=event["tags"],
                model=model,
                meter=meter,
                quantity=sign * quantity,
                rate_pico=rate.pico,
                rate_currency=rate.currency,
            )


class _Names:
    """What a customer's projects and keys are called, and what rates are worth."""

    def __init__(self, tx: Tx, customer_id: CustomerId) -> None:
        self.projects = {r.id: r.name for r in tx.rows(_Name, PROJECTS, customer_id=customer_id)}
        self.keys = {r.id: r.name for r in tx.rows(_Name, KEYS, customer_id=customer_id)}
        self._rates: dict[int, PriceRow | None] = {}

    def rate(self, tx: Tx, rate_id: int) -> PriceRow | None:
        """Return a rate, asked once."""
        if rate_id not in self._rates:
            self._rates[rate_id] = prices(tx, [rate_id]).get(rate_id)
        return self._rates[rate_id]


@dataclass(frozen=True, slots=True)
class _Name:
    id: str
    name: str


PROJECTS: Final = """
    SELECT project_id AS id, name FROM project WHERE customer_id = %(customer_id)s
"""
KEYS: Final = "SELECT key_id AS id, name FROM api_key WHERE customer_id = %(customer_id)s"


def _here(
    tx: Tx, customer_id: CustomerId, months: list[BillingMonth], *, after: int, upto: int
) -> Iterator[UsedItem]:
    """Ask page by page in the order of the ids, so that no statement sorts a whole month."""
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
