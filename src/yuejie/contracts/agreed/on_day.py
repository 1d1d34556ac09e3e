"""What a customer paid for a unit on a day: the rates of its contract's book that held then."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from yuejie.contracts import store
from yuejie.contracts.contract import midnight
from yuejie.contracts.prices import RateRow
from yuejie.db.session import Tx
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.period import Span, in_our_time


@dataclass(frozen=True, slots=True)
class RateOn:
    """A rate that held on a day, and since when."""

    rate: RateRow
    since: datetime


def rates_of(
    tx: Tx, customer_id: CustomerId, zone: str, day: date, model: str = ""
) -> list[RateOn]:
    """Return the rates in force on a day of a zone's, of models whose name holds a text."""
    in_our_time(datetime(day.year, day.month, day.day, tzinfo=UTC), f"日期 {day}")
    span = Span(midnight(day, zone), midnight(day + timedelta(days=1), zone))
    wanted = model.strip().casefold()
    found = rates_on(tx, customer_id, span)
    return [each for each in found if wanted in each.rate.model.casefold()]


def rates_on(tx: Tx, customer_id: CustomerId, day: Span) -> list[RateOn]:
    """Return the rates that a customer's contracts had in force on a day, model by model.

    A price that changed during the day stands there twice. Rates that only follow another meter
    are left out, as on the contract's annex; without a contract on that day there is none.
    """
    found: list[RateOn] = []
    moments = (day.start, day.end - timedelta(microseconds=1))
    contracts = [store.contract_at(tx, customer_id, at) for at in moments]
    books = {
        each.sale_book: None
        for each in contracts
        if each is not None and (each.ends_at is None or each.ends_at > day.start)
    }
    for book_id in books:
        found += _of_book(tx, book_id, day)
    return sorted(found, key=lambda each: (each.rate.model, each.rate.rate_id))


def _of_book(tx: Tx, book_id: str, day: Span) -> list[RateOn]:
    starts = {note.revision: note.starts_at for note in store.revisions(tx, book_id)}
    rows = [row for row in store.rates(tx, book_id) if starts[row.revision] < day.end]
    at_first: dict[str, int] = {}
    for row in rows:
        if starts[row.revision] <= day.start:
            at_first[row.model] = max(at_first.get(row.model, 0), row.revision)
    return [
        RateOn(row, starts[row.revision])
        for row in rows
        if row.revision >= at_first.get(row.model, 0)
        and (starts[row.revision] > day.start or row.revision == at_first[row.model])
        and not row.origin.startswith("fallback:")
    ]
