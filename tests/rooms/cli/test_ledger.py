"""`yuejie ledger`: what finance and on-call type."""

import psycopg

from tests.rooms.cli.desk import run, run_json
from tests.rooms.ledger.deeds import LATER, issued, received, written
from yuejie.cli.books.ledger import ledger
from yuejie.db.session import Database


def test_the_books_are_shown_checked_and_rebuilt(database: Database, database_url: str) -> None:
    written(database, issued("b1", 106_00))
    written(database, received("r1", 100_00))

    def said(*words: str, code: int = 0) -> str:
        return run(ledger, database_url, LATER, *words, code=code)

    assert "不成立" not in said("check")
    assert "应收账款" in said("show")
    moves = said("show", "--party", "cus_a", "--account", "receivable", "--from", "2026-11")
    assert "106.00" in moves
    assert "6.00" in moves
    assert "--account" in said("show", "--from", "2026-11", code=2)
    trial = run_json(ledger, database_url, LATER, "trial", "2026-11")
    assert {line["account"] for line in trial["lines"]} == {
        *("receivable", "revenue", "tax_payable", "bank"),
    }
    assert "试算平衡表" in said("trial", "2026-11")

    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(b"UPDATE ledger_balance SET fen = 0 WHERE account = 'bank'")
    assert "不成立  余额等于分录之和" in said("check", code=1)
    assert "不同 1" in said("rebuild", "--check", code=1)
    assert "已按分录重建" in said("rebuild")
    assert said("rebuild", "--check").startswith("余额 4 条，相同 4，不同 0")
