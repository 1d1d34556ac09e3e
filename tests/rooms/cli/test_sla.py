"""A month's service at the keyboard."""

from pathlib import Path

import pytest

from tests.rooms.cli.desk import run, run_json
from tests.scenarios.books import Books
from tests.scenarios.callers import calls, fails, probe, promised
from yuejie.cli.books.sla import sla
from yuejie.db.session import Database

YUAN = """
[models."gpt-4o"]
input = "10"
output = "30"
"""


@pytest.fixture
def books(database: Database) -> Books:
    """Acme was promised 99.9 % and had 99.8 %; Zeta was promised nothing."""
    books = Books(database)
    books.prices(YUAN, currency="CNY")
    acme = books.customer("acme", commercial=promised())
    zeta = books.customer("zeta")
    for party in (acme, zeta):
        party.uses("2026-10-05 10:00:00", "gpt-4o", input=100_000_000)
    calls(acme, "2026-10-05 11:00:00", 997, first_byte_ms=700)
    fails(acme, "2026-10-06 11:00:00", 2)
    probe(books, "2026-10-07T00:00:00", 3, ready=False)
    books.close("2026-10")
    return books


def test_everybody_in_a_table(books: Books, database_url: str) -> None:
    told = run(sla, database_url, books.clock.at, "report", "2026-10")
    acme = next(line for line in told.splitlines() if "acme" in line)
    for words in ("99.9%", "99.8%", "1,000", "700 ms", "未达标", "100.00"):
        assert words in acme
    assert "未约定" in next(line for line in told.splitlines() if "zeta" in line)


def test_one_customer_whole(books: Books, database_url: str) -> None:
    told = run(sla, database_url, books.clock.at, "report", "2026-10", "--customer", "acme")
    for words in (
        "结论　未达标",
        "承诺可用率　99.9%（按调用）",
        "其中按停服分钟　99.9932%",
        "探测分钟　3 / 44,640，停服 3",
        "1,000.00 × 10% = 赔付 100.00 CNY",
        "2026-10-06 11:00",
        "供应商答复 HTTP 503",
        "2026-10-07 08:00",
    ):
        assert words in told
    told = run(sla, database_url, books.clock.at, "report", "2026-10", "--customer", "zeta")
    assert "合同没有约定 SLA" in told


def test_for_programs_and_on_paper(books: Books, database_url: str, tmp_path: Path) -> None:
    [acme, zeta] = run_json(sla, database_url, books.clock.at, "report", "2026-10")
    assert (acme["calls"]["provider"], acme["verdict"]["credit_ppm"]) == (2, 100_000)
    assert acme["given"]["billed_fen"] == 10_000
    assert zeta["verdict"] is None
    file = tmp_path / "acme.pdf"
    now = books.clock.at
    asked = ("report", "2026-10", "--out", str(file))
    assert "--customer" in run(sla, database_url, now, *asked, code=2)
    run(sla, database_url, now, *asked, "--customer", "acme")
    assert file.read_bytes().startswith(b"%PDF")
