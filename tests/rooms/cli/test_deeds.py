"""`yuejie deeds`: the record of deeds in words."""

import pytest

from tests.rooms.cli.desk import run, run_json
from tests.scenarios.books import Books
from tests.scenarios.test_jobs import FIFTH, OCTOBER, PRICES
from yuejie.bills.issue import issue_bill
from yuejie.cli.keeping.deeds import deeds
from yuejie.db.session import Database


def test_an_issued_bill_is_found_by_its_number_and_told_in_words(
    database: Database, database_url: str
) -> None:
    """By number, by kind and by what was done, in Chinese; programs get what is kept."""
    assert run(deeds, database_url, FIFTH, "--noun", "账单") == "没有这样的记录，请放宽条件再查\n"
    books = Books(database)
    books.prices(PRICES, currency="CNY")
    acme = books.customer("acme")
    acme.uses("2026-10-15 10:00:00", "gpt-4o", input=1_000_000)
    books.close(str(OCTOBER))
    bill = acme.bill(str(OCTOBER))
    number = str(issue_bill(database, bill.bill_id, by="operator:王财务", now=FIFTH).number)

    shown = run(deeds, database_url, FIFTH, "--name", number, "--verb", "出账")
    assert "账单 出账" in shown
    assert number in shown
    assert "王财务" in shown
    assert "草稿 → 已出账" in shown
    assert "bill_" not in shown
    assert "operator:" not in shown
    (kept,) = run_json(deeds, database_url, FIFTH, "--noun", "bill", "--verb", "issue")
    assert (kept["name"], kept["verb"], kept["by"]) == (bill.bill_id, "issue", "operator:王财务")
    (same,) = run_json(deeds, database_url, FIFTH, "--by", "王财务", "--since", "2026-11-05")
    assert same == kept


@pytest.mark.parametrize("word", ["出账", "issue"])
def test_a_deed_is_found_by_its_word_or_by_its_code(
    database: Database, database_url: str, word: str
) -> None:
    assert "没有这样的记录" in run(deeds, database_url, FIFTH, "--verb", word)
