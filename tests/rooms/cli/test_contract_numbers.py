"""Contracts at the keyboard: lists show the number, and commands take it."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.rooms.cli.desk import run, run_json
from tests.scenarios.books import Books
from yuejie.cli.agreed.contracts import contracts
from yuejie.db.session import Database

NOW = datetime(2026, 11, 20, 4, tzinfo=UTC)
YUAN = """
[models."gpt-4o"]
input = "10"
output = "30"
"""
FILE = """
book = "list"
starts_at = "2026-12-01T00:00:00"
expected_monthly = "8000.00"

[terms]
type = "one_year"
credit_class = "medium"
ends_on = "2027-12-01"
notice_days = 30
"""


@pytest.fixture
def file(database: Database, tmp_path: Path) -> Path:
    """A house with a customer under a contract, and the file of another contract."""
    books = Books(database)
    books.prices(YUAN, currency="CNY")
    books.customer("acme")
    path = tmp_path / "draft.toml"
    path.write_text(FILE, "utf-8")
    return path


def test_a_contract_goes_by_its_number_from_the_draft_to_its_end(
    database_url: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")

    def do(*words: str, by: str = "sales", code: int = 0) -> str:
        return run(contracts, database_url, NOW, *words, by=by, code=code)

    said = do("draft", str(file), "--customer", "acme")
    assert said.startswith("草案 HT2026000002：")
    (row,) = run_json(contracts, database_url, NOW, "drafts")
    assert (row["number"], row["draft_id"] in do("drafts")) == ("HT2026000002", True)
    number = row["number"]
    assert number in do("drafts")
    assert f"{number} 第 1 版" in do("show", number, "--customer", "acme")
    do("revise", number, str(file))
    assert f"yuejie contracts review {number}" in do("submit", number)
    review = ("review", number, "--grade", "A", "--limit", "50000.00", "--deposit", "0.00")
    assert f"yuejie contracts sign {number}" in do(*review, by="finance")
    kept = str(file.with_name("scan.pdf"))
    file.with_name("scan.pdf").write_bytes(b"%PDF-1.7 signed by both")
    assert "已保存" in do("attach", number, kept, "--customer", "acme", "--signed")
    assert do("sign", number, by="boss").startswith(f"合同 {number} 第 1 版")
    assert number in do("list", "--customer", "acme")
    listed = {
        row["contract_id"]: row["number"]
        for row in run_json(contracts, database_url, NOW, "list", "--customer", "acme")
    }
    contract = next(name for name, own in listed.items() if own == number)
    assert contract not in do("list", "--customer", "acme")
    assert f"{number} 第 1 版" in do("show", number, "--customer", "acme")
    said = do("amend", number, str(file), "--customer", "acme")
    assert said.startswith("草案 draft_")
    assert f"（合同 {number} 的变更）" in said
    ask = ("terminate", number, "--on", "2027-06-01", "--why", "自建")
    assert "已提出 end_" in do(*ask)
    (end,) = run_json(contracts, database_url, NOW, "ends", "--customer", "acme")
    assert end["contract_id"] == contract
    assert number in do("ends", "--customer", "acme")
    said = do("reject-end", end["end_id"], "--why", "再谈", by="finance")
    assert said == f"已驳回 {end['end_id']}，合同 {number} 照常\n"
    assert do("renew", contract, by="boss").startswith(f"合同 {number} 第 2 版")
    assert do("renew", number, by="boss").startswith(f"合同 {number} 第 3 版")
