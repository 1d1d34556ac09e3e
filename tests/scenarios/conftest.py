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
def books(database: Database) -> Books:
    return Books(database)
