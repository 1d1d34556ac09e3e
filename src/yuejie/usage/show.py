"""Show what was used: sums by anything, the last requests, one request.

Answers carry quantities and exact charges; drawing tables of them is the caller's.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from itertools import groupby
from typing import Final
from uuid import UUID

from yuejie.db.session import Database, Tx
from yuejie.kernel.errors import Invalid, NotFound
from yuejie.kernel.limits import PAGE, PAGE_MAX
from yuejie.kernel.money import Charge
from yuejie.kernel.period import BillingMonth
from yuejie.usage import store
from yuejie.usage.event import BILLED, NO_RATE
from yuejie.usage.store import EventRow, PriceRow
from yuejie.usage.totals.store import TotalRow, each_total, totals
from yuejie.usage.warehouse import read

ROWS: Final = 100_000
"""Rows of an answer that is held whole; beyond, it is read as it comes (`each_usage`)."""
BATCH: Final = 5_000
"""Rows of such an answer that are held at a time."""
NEWEST: Final = UUID(int=(1 << 128) - 1)


class By(StrEnum):
    """What usage can be summed by."""

    CUSTOMER = "customer"
    PROJECT = "project"
    DEPARTMENT = "department"
    ENVIRONMENT = "environment"
    TAG = "tag"
    KEY = "key"
    MODEL = "model"
    PROVIDER = "provider"
    DAY = "day"
    HOUR = "hour"
    STATE = "state"
    METER = "meter"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Which usage, summed by what. None asks for all; a project stands for its whole subtree.

    `tag` is `name=value`; `tag_name` says by which tag to sum, else by the whole set.
    `since` and `until` are instants at the start of an hour.
    """

    by: tuple[By, ...] = ()
    first: BillingMonth
    last: BillingMonth
    since: datetime | None = None
    until: datetime | None = None
    project: str | None = None
    department: str | None = None
    environment: str | None = None
    tag: str | None = None
    tag_name: str | None = None
    key: str | None = None
    model: str | None = None
    provider: str | None = None
    meter: str | None = None
    state: str | None = None


@dataclass(slots=True)
class UsageLine:
    """One line of the answer: quantities by meter, and what they are worth by currency.

    Only what is billed has a worth; estimates and the unpriced wait on the worklist.
    """

    keys: dict[By, str]
    quantities: dict[str, int] = field(default_factory=dict)
    charges: dict[str, Charge] = field(default_factory=dict)
    costs: dict[str, Charge] = field(default_factory=dict)


def show_usage(
    db: Database, customer_id: str | None, question: Question, *, most: int = ROWS
) -> list[UsageLine]:
    """Answer a question about a customer's usage, or, for the operator with None, everyone's."""
    with db.read() as tx:
        rows = totals(tx, customer_id, _asked(question, most + 1))
    if len(rows) > most:
        raise Invalid(f"结果超过 {most:,} 行，请缩小时间范围或减少分组")
    return _fold(rows, question.by)


def each_usage(
    db: Database, customer_id: str | None, question: Question, *, batch: int = BATCH
) -> Iterator[UsageLine]:
    """Yield the lines of an answer however many there are, read by a cursor.

    In the order of `By`, but states and meters behind the time; none is there twice.
    """
    with db.read() as tx:
        rows = each_total(tx, customer_id, _asked(question, None), batch=batch)
        for _, same in groupby(rows, lambda row: [getattr(row, name) for name in question.by]):
            yield from _fold(same, question.by)


def _asked(question: Question, limit: int | None) -> dict[str, object]:
    return asdict(question) | {
        "by": [str(by) for by in question.by],
        "first": str(question.first),
        "last": str(question.last),
        "limit": limit,
    }


def _fold(rows: Iterable[TotalRow], by: Sequence[By]) -> list[UsageLine]:
    lines: dict[tuple[str, ...], UsageLine] = {}
    for row in rows:
        keys = tuple(str(getattr(row, name)) for name in by)
        line = lines.get(keys)
        if line is None:
            line = lines[keys] = UsageLine(dict(zip(by, keys, strict=True)))
        line.quantities[row.meter] = line.quantities.get(row.meter, 0) + row.quantity
        _add(line.charges, row.sale_currency, row.sale_pico)
        _add(line.costs, row.cost_currency, row.cost_pico)
    return [lines[keys] for keys in sorted(lines)]


def _add(sums: dict[str, Charge], currency: str | None, pico: int) -> None:
    if currency is not None:
        sums[currency] = sums.get(currency, Charge(0, currency)) + Charge(pico, currency)


@dataclass(frozen=True, slots=True)
class PricedItem:
    """An item of a call with both rates; None where it has none."""

    model: str
    meter: str
    quantity: int
    sale: PriceRow | None
    cost: PriceRow | None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One upstream attempt as people see it. No content, for none is kept."""

    event: EventRow
    items: tuple[PricedItem, ...]
    charge: Charge | None
    cost: Charge | None
    superseded: tuple[EventRow, ...] = ()

    @property
    def latency_ms(self) -> int:
        """How long the call took."""
        passed = self.event.used_at - self.event.started_at
        return (passed.days * 86_400 + passed.seconds) * 1000 + passed.microseconds // 1000


@dataclass(frozen=True, slots=True)
class RequestPage:
    """Last requests, newest first, and the cursor for those before."""

    attempts: tuple[Attempt, ...]
    before: UUID | None


def show_requests(
    db: Database, customer_id: str, *, before: UUID | None = None, limit: int = PAGE
) -> RequestPage:
    """Return a customer's last attempts with meters, rates, worth, latency and status."""
    if not 1 <= limit <= PAGE_MAX:
        raise Invalid(f"每页条数 {limit} 超出范围，请写 1 到 {PAGE_MAX}")
    with db.read() as tx:
        rows = read.recent(tx, customer_id, before=before or NEWEST, limit=limit)
        attempts = attempts_of(tx, [[row] for row in rows])
    return RequestPage(attempts, rows[-1].event_id if len(rows) == limit else None)


def show_request(db: Database, customer_id: str | None, operation_id: UUID) -> tuple[Attempt, ...]:
    """Return every attempt of one call; None for the customer is the operator's question."""
    with db.read() as tx:
        rows = read.events_of_operation(tx, customer_id, operation_id)
        if not rows:
            raise NotFound(f"请求 req_{operation_id.hex} 不存在，或用量尚未入库，请两秒后再查")
        versions: dict[UUID, list[EventRow]] = {}
        for row in rows:
            versions.setdefault(row.event_id, []).append(row)
        return attempts_of(tx, versions.values())


def parse_request_id(text: str) -> UUID:
    """Read an id as people copy it: `req_019a…`, or the bare UUID."""
    try:
        return UUID(text.strip().removeprefix("req_"))
    except ValueError:
        raise Invalid(f"请求编号“{text}”格式不对，请原样粘贴响应头 x-request-id 的值") from None


def attempts_of(tx: Tx, histories: Iterable[Sequence[EventRow]]) -> tuple[Attempt, ...]:
    """Return attempts with their rates, each from all of its versions that are given."""
    known = list(histories)
    prices = store.prices(
        tx, (rate for history in known for item in history[-1].items for rate in item[3:5])
    )
    return tuple(_attempt(history, prices) for history in known)


def _attempt(history: Sequence[EventRow], prices: dict[int, PriceRow]) -> Attempt:
    event = history[-1]
    items = tuple(
        PricedItem(model, meter, quantity, prices.get(sale), prices.get(cost))
        for model, meter, quantity, sale, cost in event.items
    )
    billed = event.state in BILLED
    return Attempt(
        event,
        items,
        _worth((i.quantity, i.sale) for i in items) if billed else None,
        _worth((i.quantity, i.cost) for i in items) if billed else None,
        tuple(history[:-1]),
    )


def _worth(parts: Iterable[tuple[int, PriceRow | None]]) -> Charge | None:
    """Sum quantity × rate; a call is priced from one book, so in one currency."""
    charges = [
        Charge(quantity * rate.pico, rate.currency)
        for quantity, rate in parts
        if rate is not None and rate.rate_id != NO_RATE
    ]
    return sum(charges[1:], start=charges[0]) if charges else None
