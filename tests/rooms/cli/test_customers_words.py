"""What a customer says by mail or telephone, written down at the keyboard; and credit classes."""

from datetime import UTC, datetime

from tests.rooms.cli.desk import run, run_json
from tests.scenarios.books import Books
from yuejie.bills.review.ask import propose_bill
from yuejie.cli.agreed.contracts import contracts
from yuejie.cli.billing.bills import bills
from yuejie.cli.billing.review import disputes
from yuejie.cli.money.receipts import receipts
from yuejie.db.session import Database

NOW = datetime(2026, 11, 20, 4, tzinfo=UTC)


def test_a_customers_objection_is_written_down(database: Database, database_url: str) -> None:
    books = Books(database)
    books.prices('[models."gpt-4o"]\ninput = "10"\noutput = "30"', currency="CNY")
    acme = books.customer("acme")
    acme.uses("2026-10-05 10:00:00", "gpt-4o", input=10_000_000)
    books.close("2026-10")
    bill = acme.bill("2026-10")
    propose_bill(database, bill.bill_id, by="a", now=NOW)
    words = ("dispute", bill.bill_id, "--line", "1")
    assert "--why" in run(bills, database_url, NOW, *words, code=2)
    said = run(bills, database_url, NOW, *words, "--why", "邮件：多计一倍", "--claimed", "50.00")
    assert "已提出异议" in said
    (row,) = run_json(disputes, database_url, NOW, "list")
    assert (row["why"], row["claimed_fen"], row["raised_by"]) == ("邮件：多计一倍", 50_00, "op")


def test_a_customers_claim_is_written_down(database: Database, database_url: str) -> None:
    books = Books(database)
    books.prices('[models."gpt-4o"]\ninput = "10"\noutput = "30"', currency="CNY")
    books.customer("acme")
    words = ("claim", "acme", "--payer", "甲公司", "--amount", "120.00", "--on", "2026-11-19")
    assert "待另一人审核" in run(receipts, database_url, NOW, *words, "--document", "回单 88")
    (row,) = run_json(receipts, database_url, NOW, "claims")
    assert (row["payer_name"], row["amount_fen"], row["document"]) == ("甲公司", 120_00, "回单 88")


def test_a_class_is_set_and_keeps_what_is_not_named(database: Database, database_url: str) -> None:
    before = {
        row["credit_class"]: row for row in run_json(contracts, database_url, NOW, "classes")
    }["medium"]
    words = ("set-class", "medium", "--days", "20", "--three-people", "80000")
    assert "已设定" in run(contracts, database_url, NOW, *words)
    assert "没有改动" in run(contracts, database_url, NOW, *words)
    after = {row["credit_class"]: row for row in run_json(contracts, database_url, NOW, "classes")}[
        "medium"
    ]
    assert after == before | {"payment_days": 20, "three_people_fen": 80_000_00}
