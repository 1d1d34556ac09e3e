from collections.abc import Iterator

import pytest

from tests.scenarios.books import Books
from yuejie.db.session import Database

PRICES = """
currency = "USD"

[models."gpt-4o"]
input = "5"
output = "15"
"""


@pytest.fixture
def books(database: Database) -> Iterator[Books]:
    """A house whose bills, whatever a story did to them, the slow oracle computes again."""
    books = Books(database)
    yield books
    assert books.unproved() == []
