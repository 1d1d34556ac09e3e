"""A month packed, and a bill exported for FinOps, at the keyboard."""

import csv
from decimal import Decimal
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.rooms.cli.desk import run
from tests.scenarios.books import Books
from tests.scenarios.conftest import PRICES
from yuejie.cli.billing.entrance import bills
from yuejie.db.session import Database


@pytest.fixture
def books(database: Database) -> Books:
    """Acme and Zeta, whose October is issued."""
    books = Books(database)
    books.prices(PRICES.replace("USD", "CNY"), currency="CNY")
    parties = [books.customer(slug) for slug in ("acme", "zeta")]
    for party in parties:
        party.uses("2026-10-05 10:00:00", "gpt-4o", input=2_000_000, output=1_000_003)
    books.close("2026-10")
    for party in parties:
        books.issue(party.bill("2026-10"))
    return books


def test_everybody_or_one_customer_into_a_folder_or_a_file(
    books: Books, database_url: str, tmp_path: Path
) -> None:
    now, folder = books.clock.at, tmp_path / "packs"
    asked = ("pack", "2026-10", "--to", str(folder))
    assert "已打包 2 个客户" in run(bills, database_url, now, *asked)
    assert "已打包 0 个客户" in run(bills, database_url, now, *asked)
    alone = (*asked, "--customer", "acme")
    assert "已在，未重做" in run(bills, database_url, now, *alone)
    assert "已打包" in run(bills, database_url, now, *alone, "--again")
    file = tmp_path / "deep" / "acme.zip"
    run(bills, database_url, now, "pack", "--customer", "acme", "--to", str(file))
    assert file.read_bytes() == (folder / "月度资料_2026-10_acme.zip").read_bytes()
    assert ZipFile(file).testzip() is None
    refused = run(bills, database_url, now, "pack", "--to", str(file), code=2)
    assert "--to 应为目录" in refused


def test_a_bill_is_exported_as_focus(books: Books, database_url: str, tmp_path: Path) -> None:
    """Rates, owners and packages come from the database; BilledCost adds up to the bill."""
    asked = ("export", "--month", "2026-10", "--format", "focus", "--to", str(tmp_path))
    run(bills, database_url, books.clock.at, *asked)
    (path,) = tmp_path.glob("*acme*.focus.csv")
    rows = list(csv.DictReader(path.read_text("utf-8").splitlines()))
    assert sum(Decimal(row["BilledCost"]) for row in rows) == Decimal("25.00")
    assert [row["SkuMeter"] for row in rows] == ["Input Tokens", "Output Tokens", ""]
    assert '"x_ServiceTier":"default"' in rows[0]["SkuPriceDetails"]
    assert rows[0]["SkuPriceId"] == f"rate-{rows[0]['x_RateId']}"
