"""Write the rates of a contract's book: when it is signed, and whenever the book above publishes.

Runs inside the transaction of the deed it belongs to, so that a list and every price derived from
it are there together or not at all (HOUSE 5).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256

import msgspec

from yuejie.contracts import store as books
from yuejie.contracts.agreed import store
from yuejie.contracts.agreed.pricing import Pricing
from yuejie.contracts.agreed.schedule import Hold, Listed, rates_at, turning_points
from yuejie.contracts.agreed.store import ContractBook
from yuejie.contracts.prices import RateRow
from yuejie.contracts.store import BookRow, RevisionNote
from yuejie.db.session import Tx
from yuejie.kernel.errors import Invalid
from yuejie.kernel.ids import BookId, ContractId, CustomerId

KIND = "contract"
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """What a contract's book is to be derived by, and which version of the contract asks."""

    contract_id: ContractId
    version: int
    customer_id: CustomerId
    pricing: Pricing
    hold: Hold


def book_for(tx: Tx, parent: BookRow, agreed: Agreement, was: str | None, now: datetime) -> BookId:
    """Return the book that prices a contract: the parent itself where nothing was agreed.

    `was` is the book of the version before; it stays when nothing about prices changed. A lock
    that goes on keeps the prices that were agreed first, another one those that are charged by now.
    """
    if agreed.pricing == Pricing() and agreed.hold.is_open:
        return BookId(parent.book_id)
    agreed.pricing.refuse_nonsense()
    before = store.contract_book(tx, was) if was else None
    hold = agreed.hold
    if before is not None and before.parent_book == parent.book_id:
        hold = _going_on(tx, before, agreed)
        if (before.pricing, before.hold) == (agreed.pricing, hold):
            return before.book_id
    tx.lock_exclusive(f"book {parent.book_id}")
    book_id = BookId(f"{parent.book_id}#{agreed.contract_id}.{agreed.version}")
    books.insert_book(tx, BookRow(book_id, KIND, parent.currency, parent.book_id, now))
    book = ContractBook(
        book_id=book_id,
        parent_book=parent.book_id,
        currency=parent.currency,
        contract_id=agreed.contract_id,
        customer_id=agreed.customer_id,
        pricing=agreed.pricing,
        hold=hold,
        created_at=now,
    )
    store.insert_contract_book(tx, book)
    _refuse_strangers(tx, book)
    _write(tx, book, None, since=None, now=now, source=f"合同 {agreed.contract_id}")
    return book_id


def _going_on(tx: Tx, before: ContractBook, signed: Agreement) -> Hold:
    """Return what holds behind a book whose contract is signed anew.

    What has reached the contract by then was agreed with it; from the first list on that waits,
    all goes on waiting.
    """
    was, agreed = before.hold, signed.hold
    same = was == replace(agreed, priced_at=was.priced_at)
    if same and before.pricing == signed.pricing:
        return was
    waiting = [
        each.starts_at
        for lists in _history(tx, before, None).values()
        for number, each in enumerate(lists)
        if each.starts_at <= agreed.priced_at < was.reaches_at(each, first=number == 0)
    ]
    if same:
        # Prices are agreed as before: of what waits, only corrections of those need to be kept out.
        earliest = min((each for each in waiting if each <= was.priced_at), default=None)
        return replace(was, priced_at=earliest - _INSTANT) if earliest else was
    priced_at = min(waiting) - _INSTANT if waiting else max(agreed.priced_at, was.priced_at)
    return Hold(priced_at, agreed.lock_until, agreed.notice)


def extend_contract_books(
    tx: Tx, parent: str, models: Iterable[str], *, starts_at: datetime, now: datetime
) -> None:
    """Write what a publication means for every contract's book below the one that published."""
    named = frozenset(models)
    for book in store.children_of(tx, parent):
        _write(tx, book, named, since=starts_at, now=now, source=f"价目 {parent}")


def _write(
    tx: Tx,
    book: ContractBook,
    models: frozenset[str] | None,
    *,
    since: datetime | None,
    now: datetime,
    source: str,
) -> None:
    """Write a revision at each instant from `since` on at which some model's rates change."""
    lists = _history(tx, book, models)
    timeline = _Timeline(tx, book.book_id)
    points = {
        point
        for history in lists.values()
        for point in turning_points(history, book.hold, since=since)
    }
    for point in sorted(points):
        fresh = [
            row
            for model in sorted(lists)
            for row in _changed(timeline.at(model, point), rates_at(lists[model], book.hold, point))
        ]
        if fresh:
            timeline.note(_revise(tx, book, fresh, point, now=now, source=source), point, fresh)


def _history(tx: Tx, book: ContractBook, models: frozenset[str] | None) -> dict[str, list[Listed]]:
    """Return every list of the parent, model by model, with the contract's rates in it."""
    notes = {note.revision: note for note in books.revisions(tx, book.parent_book)}
    grouped: dict[tuple[str, int], list[RateRow]] = {}
    for row in books.rates(tx, book.parent_book):
        if (models is None or row.model in models) and book.pricing.offers(row.model):
            grouped.setdefault((row.model, row.revision), []).append(book.pricing.derive(row))
    history: dict[str, list[Listed]] = {}
    for (model, revision), rows in sorted(grouped.items(), key=lambda each: each[0]):
        note = notes[revision]
        history.setdefault(model, []).append(Listed(note.published_at, note.starts_at, tuple(rows)))
    return history


class _Timeline:
    """What a contract's book says at an instant, with what is being written."""

    def __init__(self, tx: Tx, book_id: str) -> None:
        starts = {note.revision: note.starts_at for note in books.revisions(tx, book_id)}
        self._lists: dict[str, dict[int, tuple[datetime, list[RateRow]]]] = {}
        for row in books.rates(tx, book_id):
            lists = self._lists.setdefault(row.model, {})
            lists.setdefault(row.revision, (starts[row.revision], []))[1].append(row)

    def at(self, model: str, instant: datetime) -> Sequence[RateRow]:
        """Return the model's list in force: of those that have started, the one written last."""
        lists = self._lists.get(model, {})
        started = [number for number, (start, _) in lists.items() if start <= instant]
        return lists[max(started)][1] if started else ()

    def note(self, number: int, start: datetime, rows: Iterable[RateRow]) -> None:
        """Add a revision that was just written."""
        for row in rows:
            lists = self._lists.setdefault(row.model, {})
            lists.setdefault(number, (start, []))[1].append(row)


def _changed(was: Sequence[RateRow], now: Sequence[RateRow]) -> Sequence[RateRow]:
    """Return the rates of now, or nothing where the book says them already."""
    return () if _said(was) == _said(now) else now


def _said(rows: Iterable[RateRow]) -> set[tuple[object, ...]]:
    return {
        (row.meter, row.service_tier, row.context_above, row.time_window, row.pico, row.origin)
        for row in rows
    }


def _revise(
    tx: Tx,
    book: ContractBook,
    rows: Sequence[RateRow],
    starts_at: datetime,
    *,
    now: datetime,
    source: str,
) -> int:
    body = sorted((row.model, row.meter, row.list_rate, row.pico) for row in rows)
    note = RevisionNote(
        book_id=book.book_id,
        revision=0,
        starts_at=starts_at,
        published_at=now,
        source=source,
        body_hash=sha256(msgspec.json.encode(body)).digest(),
        approved_by=None,
        fx_id=None,
    )
    number = books.insert_revision(tx, note)
    numbered = [msgspec.structs.replace(row, revision=number) for row in rows]
    books.insert_rates(tx, book.book_id, numbered)
    return number


def _refuse_strangers(tx: Tx, book: ContractBook) -> None:
    """Refuse an override of something that the list does not price: it would never apply."""
    rows = books.rates(tx, book.parent_book)
    for each in book.pricing.overrides:
        alone = Pricing(overrides=(each,))
        if not any(alone.override_of(row) for row in rows):
            raise Invalid(
                f"约定单价 {each.model} 的 {each.meter} 在价目 {book.parent_book} 里没有对应的行，"
                "请核对模型名与计量项"
            )
