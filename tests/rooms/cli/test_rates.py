"""What a customer pays for a unit on a day, at the keyboard."""

import pytest

from tests.rooms.cli.desk import run, run_json
from tests.rooms.cli.test_live_and_whatif import NOW, PRICES
from tests.scenarios.books import Books
from yuejie.cli.prices import price
from yuejie.db.session import Database


@pytest.fixture
def house(database: Database) -> Books:
    books = Books(database)
    books.prices(PRICES, currency="CNY")
    books.customer("acme")
    return books


@pytest.mark.usefixtures("house")
def test_the_rates_of_a_day_are_listed_and_told(database_url: str) -> None:
    shown = run(price, database_url, NOW, "day", "acme", "--model", "GPT-4")
    assert "acme 2026-02-10 的单价" in shown
    assert ("gpt-4o" in shown, "gpt-3.5-turbo" in shown, "CNY/百万 token" in shown) == (
        True,
        False,
        True,
    )
    told = run_json(price, database_url, NOW, "day", "acme", "--on", "2026-02-01")
    assert {(each["model"], each["meter"], each["rate"]) for each in told} == {
        ("gpt-4o", "input", "10.00"),
        ("gpt-4o", "output", "30.00"),
        ("gpt-3.5-turbo", "input", "1.00"),
        ("gpt-3.5-turbo", "output", "2.00"),
    }
    assert "没有这样的单价" in run(price, database_url, NOW, "day", "acme", "--on", "2001-01-01")
