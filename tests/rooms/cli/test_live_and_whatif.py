"""The live bill and what-if on the command line, as a person and as a program read them."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.rooms.cli.desk import run, run_json
from tests.scenarios.books import Books
from tests.scenarios.test_two_currencies import changed, owes
from yuejie.bills.documents.document import Seller
from yuejie.bills.show import gather_document
from yuejie.bills.store import bills_of_month
from yuejie.cli.billing.entrance import bills
from yuejie.cli.insight.whatif import whatif
from yuejie.contracts.terms import STANDARD, Confirmation, Split
from yuejie.db.session import Database
from yuejie.kernel.errors import Invalid
from yuejie.kernel.period import BillingMonth

PRICES = """
[models."gpt-4o"]
input = "10"
output = "30"
[models."gpt-3.5-turbo"]
input = "1"
output = "2"
"""
NOW = datetime(2026, 2, 10, 4, tzinfo=UTC)
M = 1_000_000
SPLIT = replace(STANDARD, split=Split.PROJECT)


@pytest.fixture
def house(database: Database) -> Books:
    books = Books(database)
    books.prices(PRICES, currency="CNY")
    acme = books.customer("acme")
    acme.uses("2026-01-10 10:00", "gpt-4o", input=10 * M, output=1 * M)
    books.close("2026-01")
    acme.uses("2026-02-03 10:00", "gpt-4o", input=3 * M)
    return books


@pytest.mark.usefixtures("house")
def test_the_live_bill_is_shown_and_told(database_url: str) -> None:
    shown = run(bills, database_url, NOW, "live", "acme")
    assert "实时账单 acme 2026-02" in shown
    assert "30.00" in shown
    assert "2026-02 尚未关账" in shown
    assert "较上一秒" not in shown
    told = run_json(bills, database_url, NOW, "live", "acme")
    assert told["gross"] == {"amount": "30.00", "currency": "CNY"}
    assert [line["quantity"] for line in told["parts"][0]["lines"]] == [3 * M]


def test_closing_shows_every_bill_of_a_month(database: Database, database_url: str) -> None:
    """November is in dollars, and 5 yuan wait: both bills are told, each in its currency."""
    books = Books(database)
    acme = changed(books)
    books.close("2026-10")
    acme.uses("2026-11-03 10:00", "gpt-4o", input=3 * M)
    owes(books, acme, 5_00, "2026-11")
    december = datetime(2026, 12, 2, tzinfo=UTC)
    shown = run(bills, database_url, december, "close", "2026-11")
    assert "30.00" in shown
    assert "人民币款项" in shown
    (told,) = run_json(bills, database_url, december, "close", "2026-11")
    assert [(each["part"], each["gross"]) for each in told["bills"]] == [
        ("", {"amount": "30.00", "currency": "USD"}),
        ("currency:CNY", {"amount": "5.00", "currency": "CNY"}),
    ]


def test_issuing_a_month_passes_over_what_is_not_ready(house: Books, database_url: str) -> None:
    """Closed anew as one bill, the project's draft is left empty; beta has to confirm."""
    asks = replace(STANDARD, confirmation=Confirmation.REQUIRED)
    both = [house.customer("beta", commercial=asks), house.customer("gamma", commercial=SPLIT)]
    for party in both:
        party.uses("2026-01-10 10:00", "gpt-4o", input=10 * M)
    house.close("2026-01")
    house.amend(both[1], STANDARD, starts=datetime(2026, 1, 20, tzinfo=UTC))
    house.close("2026-01")
    drafts = run_json(bills, database_url, NOW, "issue", "--month", "2026-01")
    assert len(drafts) == 2
    said = run(bills, database_url, NOW, "issue", "--month", "2026-01", "--commit")
    assert said.count("已出账") == 2
    assert run_json(bills, database_url, NOW, "issue", "--month", "2026-01") == []
    with house.db.read() as tx:
        asked = {bill.bill_id: bill for bill in bills_of_month(tx, BillingMonth(2026, 1))}
        states = sorted(str(bill.state) for bill in asked.values())
        (issued,) = [b for b in both[1].bills("2026-01") if b.is_final]
        document = gather_document(
            tx, issued, Seller("月结", "91350100M000100Y43", "示例银行", "0000")
        )
    assert (states, document.facts.all_issued) == (["draft", "draft", "issued", "issued"], True)


@pytest.mark.usefixtures("house")
def test_watching_shows_each_second(database_url: str) -> None:
    shown = run(bills, database_url, NOW, "live", "acme", "--watch", "--seconds", "1")
    assert "较上一秒" in shown
    lines = run(bills, database_url, NOW, "live", "acme", "--watch", "--seconds", "1", "--json")
    first, second = (json.loads(line) for line in lines.splitlines() if line.startswith("{"))
    assert first["gross"] == second["gross"]
    assert second["moved"] == []


@pytest.mark.usefixtures("house")
def test_what_if_is_shown_line_by_line(database_url: str) -> None:
    shown = run(whatif, database_url, NOW, "2026-01", "acme", "--map", "gpt-4o=gpt-3.5-turbo")
    assert "-118.00" in shown
    assert "模型替换（按原价目）" in shown
    assert "10,000,000 → 无" in shown
    assert "gpt-3.5-turbo 的 token 数取与 gpt-4o 相同" in shown
    same = run(whatif, database_url, NOW, "2026-01", "acme")
    assert "逐行一致，一分不差" in same


@pytest.mark.usefixtures("house")
def test_what_if_reads_files_of_prices_and_terms(database_url: str, tmp_path: Path) -> None:
    prices, terms = tmp_path / "new.toml", tmp_path / "terms.toml"
    prices.write_text('[models."gpt-4o"]\ninput = "8"\noutput = "30"\n')
    terms.write_text('management_fee = "5.00"\n')
    told = run_json(
        whatif,
        database_url,
        NOW,
        "2026-01",
        "acme",
        "--prices",
        str(prices),
        "--terms",
        str(terms),
    )
    assert told["after"]["gross"] == {"amount": "115.00", "currency": "CNY"}
    assert [step["cause"] for step in told["steps"]] == ["prices", "terms"]


@pytest.mark.usefixtures("house")
@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--map", "gpt-4o"), "甲=乙"),
        (("--project", "main"), "须与 --map 同用"),
        (("--book", "list", "--draft", "draft_0"), "只给其中一种"),
    ],
)
def test_what_does_not_fit_is_refused(
    database_url: str, words: tuple[str, ...], sentence: str
) -> None:
    try:
        said = run(whatif, database_url, NOW, "2026-01", "acme", *words, code=2)
    except Invalid as error:
        said = error.sentence
    assert sentence in said
