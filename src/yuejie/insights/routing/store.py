"""The only SQL about what auto models decided. A `customer_id` of None is the operator's question.

The database sums calls that are priced alike, so what leaves it is a few rows whatever the traffic:
alike are calls of one key, policy version, model, book revision and tier whose size and hour lie
between the same steps of the price books.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from yuejie.db.session import Tx
from yuejie.kernel.ids import BookId, CustomerId, KeyId
from yuejie.usage.warehouse.read import refuse_partial


@dataclass(frozen=True, slots=True)
class DecidedRow:
    """What calls that are priced alike used of one meter of one model.

    `started_at` and `context_tokens` are of some of those calls: all are priced as those are.
    """

    customer_id: CustomerId
    key_id: KeyId
    auto: str
    model: str
    sale_book: str
    sale_revision: int
    service_tier: str
    inference_geo: str
    processing: str
    endpoint: str
    speed: str
    size: int
    start: int
    minute: datetime | None
    started_at: datetime
    context_tokens: int
    item_model: str
    meter: str
    sale_rate: int
    quantity: int

    @property
    def marks(self) -> dict[str, str]:
        """The facts that are part of a call's price tier."""
        named = ("inference_geo", "processing", "endpoint", "speed")
        return {name: getattr(self, name) for name in named if getattr(self, name)}


BY_HASH: Final = "SET LOCAL enable_sort = off"
"""Few slices come of many calls, which the planner cannot know: sorting them took ten times as
long."""

DECIDED: Final = """
    WITH used AS (
        SELECT e.dimension_id, told.facts ->> 'auto' AS auto, e.model, e.sale_book, e.sale_revision,
               e.service_tier, coalesce(told.facts ->> 'inference_geo', '') AS inference_geo,
               coalesce(told.facts ->> 'processing', '') AS processing,
               coalesce(told.facts ->> 'endpoint', '') AS endpoint,
               coalesce(told.facts ->> 'speed', '') AS speed,
               width_bucket(e.context_tokens - 1, %(sizes)s::bigint[]) AS size,
               width_bucket(e.started_at, %(starts)s::timestamptz[]) AS start,
               CASE WHEN %(by_minute)s THEN date_trunc('minute', e.started_at) END AS minute,
               item ->> 0 AS item_model, item ->> 1 AS meter, item ->> 3 AS sale_rate,
               min(e.started_at) AS started_at, max(e.context_tokens) AS context_tokens,
               sum((item ->> 2)::bigint)::bigint AS quantity
        FROM usage_event e
        CROSS JOIN LATERAL (SELECT e.facts::jsonb AS facts OFFSET 0) AS told
        CROSS JOIN LATERAL jsonb_array_elements(e.items::jsonb) AS item
        WHERE (e.facts ->> 'auto') IS NOT NULL
          AND e.month = %(month)s
          AND (%(customer_id)s::text IS NULL OR e.customer_id = %(customer_id)s)
          AND e.billable AND e.state IN ('measured', 'partial')
          AND NOT EXISTS (SELECT FROM usage_event later
                          WHERE later.event_id = e.event_id AND later.version > 1
                            AND later.version > e.version)
        GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16
    )
    SELECT d.customer_id, d.key_id, auto, model, sale_book, sale_revision, service_tier,
           inference_geo, processing, endpoint, speed, size, start, minute,
           min(started_at) AS started_at, max(context_tokens) AS context_tokens, item_model, meter,
           sale_rate::bigint AS sale_rate, sum(quantity)::bigint AS quantity
    FROM used JOIN usage_dimension d USING (dimension_id)
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 17, 18, 19
"""


def decided(
    tx: Tx,
    customer_id: CustomerId | None,
    month: str,
    *,
    sizes: Sequence[int],
    starts: Sequence[datetime],
    by_minute: bool,
) -> list[DecidedRow]:
    """Return what billed calls to auto models used in a month, summed where priced alike.

    `sizes` and `starts` are all the steps of the books: context sizes above which, and instants
    from which, other rates hold. `by_minute`: some rate holds in a window of the day.
    """
    refuse_partial(tx, customer_id, month, month, "自动模型的核算")
    tx.run(BY_HASH)
    return tx.rows(
        DecidedRow,
        DECIDED,
        customer_id=customer_id,
        month=month,
        sizes=list(sizes),
        starts=list(starts),
        by_minute=by_minute,
    )


@dataclass(frozen=True, slots=True)
class _Book:
    sale_book: BookId


BOOKS: Final = """
    SELECT DISTINCT sale_book
    FROM contract
    WHERE %(customer_id)s::text IS NULL OR customer_id = %(customer_id)s
    ORDER BY sale_book
"""


def books_of(tx: Tx, customer_id: CustomerId | None) -> list[BookId]:
    """Return the sale books by which a customer's calls were ever priced."""
    return [row.sale_book for row in tx.rows(_Book, BOOKS, customer_id=customer_id)]
