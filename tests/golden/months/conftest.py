"""A house for each month, whose books are proved when the month is over."""

from collections.abc import Callable, Iterator

import pytest

from tests.golden.months.desk import DOLLARS, Desk
from tests.golden.months.page import Show, Told, page
from tests.scenarios.books import Books, Party
from tests.scenarios.test_terms import YUAN
from yuejie.db.session import Database
from yuejie.ledger.check import check_ledger

Golden = Callable[[str, bytes], None]


@pytest.fixture
def desk(books: Books) -> Desk:
    """A house that sells in yuan."""
    books.prices(YUAN, currency="CNY")
    return Desk(books)


@pytest.fixture
def dollars(books: Books) -> Desk:
    """A house that sells in dollars, at 7.2 yuan."""
    books.prices(DOLLARS)
    books.fx("7.2", "2026-10-30")
    return Desk(books)


@pytest.fixture
def books(database: Database) -> Iterator[Books]:
    """Books of which, in the end, the slow oracle and the ledger's own checks say the same."""
    books = Books(database)
    yield books
    assert books.unproved() == []
    for checked in check_ledger(database):
        assert checked.holds, checked.findings


@pytest.fixture
def show(database: Database, golden: Golden) -> Show:
    """Compare a month's page with its file."""

    def compare(name: str, told: Told, *parties: Party) -> None:
        golden(f"{name}.txt", page(database, told, parties))

    return compare
