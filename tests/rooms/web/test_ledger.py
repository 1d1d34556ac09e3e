"""The books through the API: read by the operator, to the fen."""

from fastapi.testclient import TestClient

from tests.rooms.ledger.deeds import issued, received, written
from yuejie.db.session import Database
from yuejie.web.auth import API


def test_the_books_are_read_to_the_fen(operator: TestClient, database: Database) -> None:
    written(database, issued("b1", 106_00))
    written(database, issued("b2", 53_00, "cus_b"))
    written(database, received("r1", 100_00))

    balances = operator.get(f"{API}/ledger/balances?account=应收账款").json()["items"]
    assert [(b["party"], b["balance"]["amount"]) for b in balances] == [
        ("cus_a", "6.00"),
        ("cus_b", "53.00"),
    ]
    trial = operator.get(f"{API}/ledger/trial-balance?first=2026-11").json()
    assert trial["balances"] is True
    assert {line["account"]: line["closing"]["amount"] for line in trial["lines"]} == {
        "receivable": "59.00",
        "revenue": "-150.00",
        "tax_payable": "-9.00",
        "bank": "100.00",
    }
    statement = operator.get(
        f"{API}/ledger/statement?party=cus_a&account=receivable&first=2026-11"
    ).json()
    assert [m["balance"]["amount"] for m in statement["movements"]] == ["106.00", "6.00"]
    assert [amount["amount"] for amount in statement["closing"]] == ["6.00"]
    checked = operator.get(f"{API}/ledger/check").json()
    assert checked["whole"] is True


def test_entries_come_in_pages(operator: TestClient, database: Database) -> None:
    for number in range(3):
        written(database, issued(f"b{number}", 106))
    first = operator.get(f"{API}/ledger/entries?first=2026-11&limit=2").json()
    rest = operator.get(
        f"{API}/ledger/entries", params={"first": "2026-11", "cursor": first["next_cursor"]}
    ).json()
    keys = [entry["key"] for page in (first, rest) for entry in page["items"]]
    assert keys == [f"bill:b{number}:issue" for number in range(3)]
    assert rest["next_cursor"] is None


def test_what_cannot_be_read_is_said_in_a_sentence(operator: TestClient) -> None:
    answer = operator.get(f"{API}/ledger/balances?account=nowhere")
    assert answer.status_code == 422
    assert "没有科目“nowhere”" in answer.json()["detail"]
    answer = operator.get(f"{API}/ledger/trial-balance?first=2026-11&last=2026-10")
    assert "止月 2026-10 早于起月 2026-11" in answer.json()["detail"]
