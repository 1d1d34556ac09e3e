"""Trends at the keyboard: numbers aligned, bars, and rows that add up to the fen."""

import pytest

from tests.rooms.cli.desk import run, run_json
from tests.scenarios.books import Books
from yuejie.cli.insight.trend import trend
from yuejie.db.session import Database

YUAN = """
currency = "CNY"

[models."gpt-4o"]
input = "10"
output = "30"

[models."gpt-4o-mini"]
input = "1.111111"
output = "3"
"""
ACME = ("--customer", "acme")


@pytest.fixture
def books(database: Database) -> Books:
    books = Books(database)
    books.prices(YUAN, currency="CNY")
    acme = books.customer("acme")
    acme.uses("2026-09-05T10:00", "gpt-4o", input=100_000, requests=1)
    acme.uses("2026-10-05T10:00", "gpt-4o", input=200_000, requests=1)
    acme.uses("2026-10-06T10:00", "gpt-4o-mini", input=123_457, requests=1)
    books.close("2026-10")
    return books


def test_months_with_bars_and_the_exact_total(books: Books, database_url: str) -> None:
    at = books.clock.at
    told = run(trend, database_url, at, "show", *ACME, "--count", "3", "--by", "model")
    lines = told.splitlines()
    table = next(line for line in lines if line.startswith("│ 2026-10 "))
    assert [cell.strip() for cell in table.split("│")[2:4]] == ["2.14", "113.7"]
    short, long = (next(x for x in lines if x.startswith(m)) for m in ("2026-09  ", "2026-10  "))
    assert long.count("█") == 40
    assert 18 <= short.count("█") <= 19
    assert "合计费用（精确）：3.137174430727 CNY" in told
    assert any("gpt-4o-mini" in line and "4.4" in line for line in lines)


def test_a_comparison_adds_up_in_fen_across_and_down(books: Books, database_url: str) -> None:
    told = run(trend, database_url, books.clock.at, "compare", "2026-09", "2026-10", *ACME)
    rows = {}
    for line in told.splitlines():
        cells = [cell.strip() for cell in line.split("│")[1:-1]]
        if cells and cells[0] in {"gpt-4o", "gpt-4o-mini", "合计"} and len(cells) == 7:
            rows[cells[0]] = [round(100 * float(cell)) for cell in cells[1:]]
    for before, after, change, volume, price, mix in rows.values():
        assert after - before == change == volume + price + mix
    parts = zip(rows["gpt-4o"], rows["gpt-4o-mini"], strict=True)
    assert [one + other for one, other in parts] == rows["合计"]


def test_programs_read_it_whole(books: Books, database_url: str) -> None:
    told = run_json(trend, database_url, books.clock.at, "compare", "2026-09", "2026-10", *ACME)
    why = told["why"][0]["whole"]
    assert why["change"] == "1.137174430727"
    shown = run_json(trend, database_url, books.clock.at, "show", *ACME, "--count", "2")
    assert [bucket["label"] for bucket in shown["buckets"]] == ["2026-10", "2026-11"]


def test_nothing_used_is_said_and_nonsense_refused(books: Books, database_url: str) -> None:
    books.customer("zeta")
    told = run(trend, database_url, books.clock.at, "show", "--customer", "zeta", "--grain", "day")
    assert "无用量" in told
