"""Prices that will rise for a customer: what to announce, and from when.

A contract with notice days or a lock sees a rise later than the list does; what its own book has
scheduled is what it will pay, and so what it is told.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from yuejie.contracts import store
from yuejie.contracts.contract import Contract, at
from yuejie.contracts.prices import RateRow
from yuejie.db.session import Tx
from yuejie.kernel.ids import BookId, ContractId, CustomerId


@dataclass(frozen=True, slots=True)
class Risen:
    """One rate that goes up, picos per unit."""

    model: str
    meter: str
    was_pico: int
    becomes_pico: int
    currency: str


@dataclass(frozen=True, slots=True)
class PriceRise:
    """A scheduled revision that makes something dearer for a customer."""

    customer_id: CustomerId
    contract_id: ContractId
    book_id: BookId
    revision: int
    starts_at: datetime
    risen: tuple[Risen, ...]

    @property
    def key(self) -> str:
        """One notice per customer and revision, ever."""
        return f"price_rise:{self.customer_id}:{self.book_id}:{self.revision}"


_Book = dict[int, tuple[datetime, list[RateRow]]]


def rises_ahead(tx: Tx, *, now: datetime, behind: timedelta = timedelta(0)) -> list[PriceRise]:
    """Return every scheduled rise that reaches a contract in force, by customer.

    Those that have reached it less than `behind` ago are among them, for a clerk that was away.
    """
    books: dict[str, _Book] = {}
    found: list[PriceRise] = []
    for contract in _in_force(store.contracts(tx), now):
        name = contract.sale_book
        if name not in books:
            books[name] = _revisions(tx, name)
        found += _rises(contract, books[name], now - behind)
    return found


def _in_force(versions: list[Contract], now: datetime) -> Iterator[Contract]:
    by_customer: dict[CustomerId, list[Contract]] = {}
    for version in versions:
        by_customer.setdefault(version.customer_id, []).append(version)
    for each in by_customer.values():
        held = at(each, now)
        if held is not None and (held.ends_at is None or held.ends_at > now):
            yield held


def _revisions(tx: Tx, book_id: str) -> _Book:
    found: _Book = {note.revision: (note.starts_at, []) for note in store.revisions(tx, book_id)}
    for row in store.rates(tx, book_id):
        found[row.revision][1].append(row)
    return found


def _rises(contract: Contract, book: _Book, since: datetime) -> Iterator[PriceRise]:
    """Yield the rises of a book behind an instant that start while a contract holds."""
    for number, (starts_at, rows) in sorted(book.items()):
        after = starts_at > max(since, contract.starts_at)
        gone = contract.ends_at is not None and contract.ends_at <= starts_at
        if not after or gone or _overtaken(book, number, starts_at):
            continue
        before = _before(book, number, starts_at)
        risen = tuple(
            Risen(row.model, row.meter, was, row.pico, row.currency)
            for row in rows
            if not row.origin.startswith("fallback:")
            and (was := before.get(_place(row), row.pico)) < row.pico
        )
        if risen:
            yield PriceRise(
                contract.customer_id,
                contract.contract_id,
                contract.sale_book,
                number,
                starts_at,
                risen,
            )


def _overtaken(book: _Book, number: int, starts_at: datetime) -> bool:
    """Tell whether later revisions name every model of one by the time it starts."""
    models = {row.model for row in book[number][1]}
    later = {
        row.model
        for other, (start, rows) in book.items()
        if other > number and start <= starts_at
        for row in rows
    }
    return models <= later


def _before(book: _Book, number: int, starts_at: datetime) -> dict[tuple[object, ...], int]:
    """Return what each place cost until a revision starts: of the lists in force, the newest."""
    found: dict[str, list[RateRow]] = {}
    for other, (start, rows) in sorted(book.items()):
        if other != number and start < starts_at:
            for model in {row.model for row in rows}:
                found[model] = [row for row in rows if row.model == model]
    return {_place(row): row.pico for rows in found.values() for row in rows}


def _place(row: RateRow) -> tuple[object, ...]:
    return row.model, row.meter, row.service_tier, row.context_above, row.time_window
