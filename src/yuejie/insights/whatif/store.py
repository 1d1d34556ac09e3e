"""The only SQL of what-if: a month's usage by every fact that chooses a price."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from yuejie.db.session import Tx
from yuejie.kernel.ids import CustomerId, uuid7_floor
from yuejie.kernel.period import BillingMonth, Span
from yuejie.usage.warehouse.read import refuse_partial

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DAY: Final = timedelta(days=1)
_LEAST: Final = UUID(int=0)
_MOST: Final = UUID(int=(1 << 128) - 1)


@dataclass(frozen=True, slots=True)
class UsedRow:
    """Usage of calls that share every fact; instant and size are the least of theirs."""

    project_id: str
    key_id: str
    deployment_id: str
    billable: bool
    sale_book: str
    sale_revision: int
    cost_book: str
    cost_revision: int
    service_tier: str
    model: str
    meter: str
    sale_rate: int
    cost_rate: int
    started_us: int
    context_tokens: int
    quantity: int


# Calls on the same side of every bound of context and time, and in the same minute where a price
# has hours, are priced alike.
USED: Final = """
    SELECT d.project_id, d.key_id, d.deployment_id, e.billable, e.sale_book, e.sale_revision,
           e.cost_book, e.cost_revision, e.service_tier,
           i.item->>0 AS model, i.item->>1 AS meter,
           (i.item->>3)::bigint AS sale_rate, (i.item->>4)::bigint AS cost_rate,
           (extract(epoch FROM min(e.started_at)) * 1000000)::bigint AS started_us,
           min(e.context_tokens) AS context_tokens,
           sum((i.item->>2)::numeric) AS quantity
    FROM usage_event e
    JOIN usage_dimension d USING (dimension_id)
    CROSS JOIN LATERAL json_array_elements(e.items) i(item)
    WHERE e.customer_id = %(customer_id)s AND e.month = %(month)s AND e.epoch <= %(epoch)s
      AND e.event_id >= %(low)s AND e.event_id <= %(high)s
      AND e.state IN ('measured', 'partial')
      AND NOT EXISTS (
          SELECT FROM usage_event l
          WHERE l.event_id = e.event_id AND l.version > e.version AND l.epoch <= %(epoch)s)
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13,
             width_bucket(e.context_tokens - 1, %(sizes)s::bigint[]),
             width_bucket(e.started_at, %(instants)s::timestamptz[]),
             CASE WHEN %(by_minute)s THEN date_trunc('minute', e.started_at) END
"""


def must_be_here(tx: Tx, customer_id: CustomerId, month: BillingMonth) -> None:
    """Refuse a month of which calls lie in the warehouse, for the whole transaction."""
    refuse_partial(tx, customer_id, str(month), str(month), "重演")


def used(
    tx: Tx,
    customer_id: CustomerId,
    month: BillingMonth,
    epoch: int,
    *,
    sizes: Sequence[int],
    instants_us: Sequence[int],
    by_minute: bool,
    part: tuple[UUID, UUID] = (_LEAST, _MOST),
) -> list[UsedRow]:
    """Return a month's usage, as known at an epoch, split at sizes and instants.

    `part` keeps what has an id between two, both included. `must_be_here` is to be asked before.
    """
    instants = [_EPOCH + timedelta(microseconds=us) for us in sorted(set(instants_us))]
    low, high = part
    return tx.rows(
        UsedRow,
        USED,
        customer_id=customer_id,
        month=str(month),
        epoch=epoch,
        sizes=sorted(set(sizes)),
        instants=instants,
        by_minute=by_minute,
        low=low,
        high=high,
    )


def parts_of(span: Span) -> list[tuple[UUID, UUID]]:
    """Cut a month by the day, so that its reading can say how far it is and be left.

    An id is as old as its event's arrival. What came before the month or after it (imported, late)
    is in the first part or in the last: together they hold every id there can be.
    """
    cuts = [span.start]
    while cuts[-1] + _DAY < span.end:
        cuts.append(cuts[-1] + _DAY)
    lows = [_LEAST, *(uuid7_floor(cut) for cut in cuts), uuid7_floor(span.end)]
    highs = [*(UUID(int=low.int - 1) for low in lows[1:]), _MOST]
    return list(zip(lows, highs, strict=True))


@dataclass(frozen=True, slots=True)
class BooksRow:
    """Books under which calls of a month were admitted."""

    sale_book: str
    cost_book: str


BOOKS: Final = """
    SELECT DISTINCT sale_book, cost_book
    FROM usage_event
    WHERE customer_id = %(customer_id)s AND month = %(month)s AND epoch <= %(epoch)s
"""


def books(tx: Tx, customer_id: CustomerId, month: BillingMonth, epoch: int) -> list[BooksRow]:
    """Return the books that price a month's calls."""
    refuse_partial(tx, customer_id, str(month), str(month), "重演")
    return tx.rows(BooksRow, BOOKS, customer_id=customer_id, month=str(month), epoch=epoch)
