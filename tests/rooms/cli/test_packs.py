"""A month packed, and a bill exported for FinOps, at the keyboard."""

import csv
from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.rooms.bills.documents.pictures import png
from tests.rooms.cli.desk import run
from tests.scenarios.books import Books
from tests.scenarios.conftest import PRICES
from yuejie.cli.billing.entrance import bills
from yuejie.cli.money.receivables import receivables
from yuejie.db.session import Database
from yuejie.kernel.errors import Invalid

STAMPED = "SELECT noun, name, by, became FROM deed WHERE verb = 'stamp' ORDER BY deed_id"


@dataclass
class _Stamped:
    noun: str
    name: str
    by: str
    became: dict[str, str]


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


def test_what_is_stamped_is_written_down(
    books: Books,
    database: Database,
    database_url: str,
    tmp_path: Path,
) -> None:
    """Without a picture nothing is stamped; with one, each paper is a deed under who asked."""
    now, seal = books.clock.at, tmp_path / "seal.png"
    asked = ("export", "--month", "2026-10", "--format", "pdf", "--to", str(tmp_path), "--stamped")
    with pytest.raises(Invalid, match="未设置印章图样"):
        run(bills, database_url, now, *asked)
    assert not list(tmp_path.glob("*.pdf"))
    seal.write_bytes(png(220, 220))
    settings = {"YUEJIE_SELLER_STAMP": str(seal)}
    run(bills, database_url, now, *asked, environ=settings, by="王敏")
    pack = ("pack", "2026-10", "--customer", "acme", "--to", str(tmp_path), "--stamped")
    run(bills, database_url, now, *pack, environ=settings, by="王敏")
    since = ("statement", "acme", "--since", "2026-10-01", "--until", "2026-12-01")
    letter = (*since, "--letter", "confirmation", "--to", str(tmp_path), "--stamped")
    run(receivables, database_url, now, *letter, environ=settings, by="王敏")
    with database.read() as tx:
        found = tx.rows(_Stamped, STAMPED)
    numbers = sorted(each.name for each in found if each.noun == "bill")
    assert len(numbers) == 3
    assert {each.by for each in found} == {"王敏"}
    (confirmation,) = (each for each in found if each.noun == "letter")
    assert confirmation.name.startswith("往来款项询证函_acme")
    body = next(tmp_path.glob("往来款项询证函*.pdf")).read_bytes()
    assert confirmation.became["sha256"] == sha256(body).hexdigest()
    named = (*since, "--letter", "confirmation", "--to", str(tmp_path / "函.pdf"), "--stamped")
    run(receivables, database_url, now, *named, environ=settings, by="王敏")
    assert (tmp_path / "函.pdf").read_bytes() == body
    packed = ZipFile(next(tmp_path.glob("*.zip")))
    alone = next(tmp_path.glob("账单_2026-10_acme_*.pdf"))
    assert packed.read(f"账单/{alone.name}") == alone.read_bytes()
