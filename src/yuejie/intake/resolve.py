"""Work off the worklist: by hand, by a provider's report, by a price that is approved now.

The corrected version is rated under the pins of admission; only what had no price is rated by the
newest revisions that hold for its start, and then carries those pins.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from yuejie.budgets.lending.count import Spending
from yuejie.db.session import Database
from yuejie.intake.pricing import (
    Tariffs,
    context_of,
    parse_event_id,
    rated_items,
    verdict,
)
from yuejie.kernel.errors import Conflict, NotFound
from yuejie.kernel.limits import PAGE_MAX
from yuejie.usage import store as usage_store
from yuejie.usage.correct import Decide, Verdict, WorkFilter, correct, worklist
from yuejie.usage.event import EventState, Item
from yuejie.usage.journal import Ended
from yuejie.usage.meters import COUNT_METERS, Meter
from yuejie.usage.record import ended_of
from yuejie.usage.store import EventRow

BY_HAND: Final = "by_hand"
BY_REPORT: Final = "provider_report"
BY_PRICE: Final = "new_price"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What somebody knows of a call afterwards: the provider's model and what it used."""

    quantities: Mapping[Meter, int]
    model: str = ""
    service_tier: str | None = None
    response_id: str = ""


@dataclass(frozen=True, slots=True)
class ReportRow:
    """A call as a provider's report names it: by our attempt's id, or by its own response id."""

    event_id: UUID | None
    response_id: str
    measured: Measured

    @classmethod
    def named(cls, client_request_id: str, response_id: str, measured: Measured) -> "ReportRow":
        """Make a row from the names a report carries."""
        return cls(parse_event_id(client_request_id), response_id, measured)


@dataclass(slots=True)
class Resolved:
    """What a report or a price came to: how many events by verdict, and which need a person."""

    verdicts: Counter[Verdict]
    closed: list[UUID]
    """Measured when they ended, and different in the report."""

    def count(self, verdicts: Mapping[UUID, Verdict]) -> None:
        """Add a batch."""
        self.verdicts.update(verdicts.values())
        self.closed += [event for event, found in verdicts.items() if found is Verdict.CLOSED]


def resolve_by_hand(db: Database, event_id: UUID, measured: Measured, *, by: str) -> Verdict:
    """Write down what a person has found out about one call."""
    tariffs = _tariffs(db)
    decide = _measure(tariffs, measured, f"{BY_HAND}: {by}")
    found = correct(db, {event_id: decide}, source=BY_HAND, count=Spending().count)[event_id]
    if found is Verdict.UNKNOWN:
        raise NotFound(f"事件 {event_id} 不存在，请在 yuejie usage worklist 中核对编号")
    if found is Verdict.CLOSED:
        raise Conflict(f"事件 {event_id} 当时已由供应商计量，不在待办中；请先与供应商对账")
    return found


def resolve_by_report(db: Database, rows: Iterable[ReportRow]) -> Resolved:
    """Compare a provider's report with our events, and correct those that were not measured."""
    tariffs = _tariffs(db)
    resolved = Resolved(Counter(), [])
    for batch in _batches(rows):
        decisions: dict[UUID, Decide] = {}
        for event_id, measured in _matched(db, batch):
            decisions[event_id] = _measure(tariffs, measured, BY_REPORT)
        resolved.verdicts[Verdict.UNKNOWN] += len(batch) - len(decisions)
        resolved.count(correct(db, decisions, source=BY_REPORT, count=Spending().count))
    return resolved


def resolve_unpriced(db: Database, customer_id: str | None, *, now: datetime) -> Resolved:
    """Rate again what had no price; what still has none stays where it is."""
    tariffs = _tariffs(db)
    resolved = Resolved(Counter(), [])
    wanted, after = WorkFilter(state=EventState.UNPRICED.value), None
    while True:
        page = worklist(db, customer_id, wanted, now=now, after=after, limit=PAGE_MAX)
        decisions: dict[UUID, Decide] = {
            item.event.event_id: _reprice(tariffs) for item in page.items
        }
        resolved.count(correct(db, decisions, source=BY_PRICE, count=Spending().count))
        if page.after is None:
            return resolved
        after = page.after


def _tariffs(db: Database) -> Tariffs:
    with db.read(consistent=True) as tx:
        return Tariffs(tx)


def _batches(rows: Iterable[ReportRow]) -> Iterator[list[ReportRow]]:
    batch: list[ReportRow] = []
    for row in rows:
        batch.append(row)
        if len(batch) == PAGE_MAX:
            yield batch
            batch = []
    if batch:
        yield batch


def _matched(db: Database, rows: list[ReportRow]) -> Iterator[tuple[UUID, Measured]]:
    """Yield the event of each row: by its id, or else by the response id of an open event."""
    unnamed = {r.response_id: r for r in rows if r.event_id is None and r.response_id}
    with db.read() as tx:
        found = usage_store.find_open(tx, sorted(unnamed))
    yield from ((row.event_id, row.measured) for row in rows if row.event_id is not None)
    yield from ((event.event_id, unnamed[event.response_id].measured) for event in found)


def _measure(tariffs: Tariffs, measured: Measured, who: str) -> Decide:
    """Say how an event becomes measured: the counts stay, the quantities are the new ones."""

    def decide(row: EventRow) -> Ended:
        was = ended_of(row)
        model = measured.model or row.billed_model or row.model
        counts = [i for i in was.items if i.meter in COUNT_METERS]
        items = [Item(model, meter, q) for meter, q in measured.quantities.items() if q]
        items = [item for item in items if item.meter not in COUNT_METERS]
        items += [Item(model, Meter(i.meter), i.quantity) for i in counts] or [
            Item(model, Meter.REQUESTS, 1)
        ]
        tier = row.service_tier if measured.service_tier is None else measured.service_tier
        known = msgspec.structs.replace(
            was,
            service_tier=tier,
            billed_model=model,
            response_id=measured.response_id or was.response_id,
            context_tokens=context_of(items),
            facts=was.facts | {"resolved": who},
        )
        return _rated(tariffs, known, items, EventState.MEASURED)

    return decide


def _reprice(tariffs: Tariffs) -> Decide:
    """Say how an unpriced event becomes measured: rated by what is published by now."""

    def decide(row: EventRow) -> Ended:
        was = ended_of(row)
        begun = was.begun
        pins = msgspec.structs.replace(
            begun,
            sale_revision=tariffs.newest(begun.sale_book, begun.started_us, begun.sale_revision),
            cost_revision=tariffs.newest(begun.cost_book, begun.started_us, begun.cost_revision),
        )
        # Items carry the name under which they were sold; the answer's own name priced them.
        items = [Item(_asked(was, i.model), Meter(i.meter), i.quantity) for i in was.items]
        items.sort(key=lambda item: item.model != (was.billed_model or begun.model))
        became = _rated(
            tariffs, msgspec.structs.replace(was, begun=pins), items, EventState.MEASURED
        )
        # Still without a price, it says what it said, so that nothing is appended.
        return was if became.state == EventState.UNPRICED else became

    return decide


def _asked(was: Ended, model: str) -> str:
    return (was.billed_model or model) if model == was.begun.model else model


def _rated(tariffs: Tariffs, was: Ended, items: list[Item], state: EventState) -> Ended:
    rated = tariffs.rate(was.begun, items, was.service_tier, was.facts, was.context_tokens)
    became, reason = verdict(state, rated)
    priced = rated_items(rated)
    if not was.billable:
        priced = tuple(msgspec.structs.replace(item, sale_rate=0) for item in priced)
    return msgspec.structs.replace(was, state=became, reason=reason, items=priced)
