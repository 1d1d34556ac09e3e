"""Tell who uses a model that will end, and what its replacement would cost them."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from yuejie.contracts import store
from yuejie.contracts.catalog import (
    KeyUsage,
    Model,
    Notice,
    PricedAt,
    due_today,
    ending,
    notices_of,
)
from yuejie.contracts.contract import at
from yuejie.contracts.prices import Book
from yuejie.db.session import Tx
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.period import zone_of

USED_WITHIN: Final = timedelta(days=30)
"""A key that has not called a model for so long need not be told about it."""
_CHINA: Final = zone_of("Asia/Shanghai")
"""Catalogue dates are the operator's calendar days."""
_US: Final = 10**6


def due_notices(tx: Tx, *, now: datetime, within: timedelta) -> list[Notice]:
    """Return the notices of all models that end within a time, to be looked at."""
    today = now.astimezone(_CHINA).date()
    return _notices(tx, ending(store.models(tx), today, within.days), now)


def notices_today(tx: Tx, told: dict[str, int], *, now: datetime) -> list[Notice]:
    """Return the notices to send today, 90, 30 and 7 days ahead; `told` as in `threshold_due`."""
    today = now.astimezone(_CHINA).date()
    return _notices(tx, due_today(store.models(tx), today, told), now)


def _notices(tx: Tx, models: list[Model], now: datetime) -> list[Notice]:
    usage = store.key_usage(tx, (model.model_id for model in models), now - USED_WITHIN)
    today = now.astimezone(_CHINA).date()
    return notices_of(models, usage, today=today, prices=_prices(tx, usage, now))


def _prices(tx: Tx, usage: Iterable[KeyUsage], now: datetime) -> dict[CustomerId, PricedAt]:
    """Return the book in force for each customer; each book is read once."""
    started_us = int(now.timestamp()) * _US
    rows = {row.book_id: row for row in store.books(tx)}
    shelf: dict[str, Book] = {}
    found: dict[CustomerId, PricedAt] = {}
    for customer_id in sorted({each.customer_id for each in usage}):
        contract = at(store.contracts_of(tx, customer_id), now)
        if contract is None:
            continue
        name = contract.sale_book
        if name not in shelf:
            shelf[name] = Book(store.book_rows(tx, rows[name]))
        revision = shelf[name].revision_at(started_us)
        if revision is not None:
            found[customer_id] = PricedAt(shelf[name], revision, started_us)
    return found
