"""A month with a provider: warned, topped up, billed, paid; by command line and API."""

from datetime import UTC, datetime

from fastapi.testclient import TestClient

from tests.rooms.cli.desk import run, run_json
from tests.rooms.web.conftest import OPERATOR, desk_at
from tests.scenarios.test_reconcile import World
from yuejie.assurance.providers.pay import LEDGER_CHECKS
from yuejie.assurance.providers.watch import tell_warnings
from yuejie.cli.books.providers import providers
from yuejie.db.session import Database
from yuejie.ledger.check import check_ledger
from yuejie.web.app import make_app
from yuejie.web.auth import API

OCT_31 = datetime(2026, 10, 31, 4, tzinfo=UTC)


def test_a_prepaid_balance_burns_down_and_is_topped_up_by_two_people(
    database: Database, database_url: str
) -> None:
    """300 dollars are there on the 24th; 70 a day are used, so on the 31st it lasts 4 days."""
    world = World(database)

    def said(*words: str, by: str = "ann", now: datetime = OCT_31, code: int = 0) -> str:
        return run(providers, database_url, now, *words, by=by, code=code)

    said("terms", "openai-main", "--prepaid", "--low", "100", "--expires", "2026-11-20")
    said("balance", "openai-main", "790.00", "--at", "2026-10-24T23:00:00+08:00")
    for day in range(25, 32):
        world.call(world.acme, day, tokens=(14_000_000, 0))
    late = datetime(2026, 10, 31, 13, tzinfo=UTC)
    found = {w["kind"]: w["sentence"] for w in run_json(providers, database_url, late, "warnings")}
    assert set(found) == {"burn_down", "credential"}
    assert "还够 4 天" in found["burn_down"]
    assert "还有 20 天" in found["credential"]
    assert tell_warnings(database, late) == 2
    assert tell_warnings(database, late) == 0
    (standing,) = run_json(providers, database_url, late, "list")
    assert (standing["left_fen"], standing["days"]) == (300_00, 4)
    assert "300.00" in said("list", now=late)

    payment = said("pay", "openai-main", "500.00", "--why", "月底充值").split()[0]
    said("decide", payment, "--approve", by="bob")
    words = ("paid", payment, "--bank", "bank_1", "--reference", "T77", "--amount", "3600.00")
    assert "已支付" in said(*words)
    assert "T77" in said("payments")
    said("balance", "openai-main", "800.00", now=late)
    assert "burn_down" not in str(run_json(providers, database_url, late, "warnings"))
    bill = said(
        *("enter", "openai-main", "INV-9", "--month", "2026-10", "--net", "490.00"),
        *("--billed-on", "2026-10-31"),
    ).split("\u3000")[0]
    draw = said("pay", "openai-main", "490.00", "--bill", bill, "--draw").split()[0]
    said("decide", draw, "--approve", by="bob")
    said("paid", draw)
    assert "INV-9" in said("bills")
    wrong = said(
        *("enter", "openai-main", "INV-10", "--month", "2026-10", "--net", "1.00"),
        *("--billed-on", "2026-10-31"),
    ).split("\u3000")[0]
    assert "已作废" in said("void", wrong, "--why", "录错")
    assert all(each.holds for each in check_ledger(database, LEDGER_CHECKS))


def test_the_api_says_the_same_and_one_person_is_not_enough(database: Database) -> None:
    world = World(database)
    world.books.clock.at = OCT_31
    bill = {
        "account": "openai-main",
        "number": "INV-1",
        "month": "2026-10",
        "currency": "USD",
        "net": "100.00",
        "tax": "6.00",
        "billed_on": "2026-10-31",
    }
    ask = {"account": "openai-main", "amount": "106.00", "currency": "USD", "purpose": "bill"}
    with TestClient(make_app(desk_at(database, world.books.clock)), headers=OPERATOR) as operator:

        def post(path: str, body: object) -> dict[str, object]:
            answer = operator.post(f"{API}/providers{path}", json=body)
            assert answer.status_code in {200, 201}, answer.text
            told: dict[str, object] = answer.json()
            return told

        terms = {"currency": "USD", "prepaid": True}
        assert operator.put(f"{API}/providers/openai-main/terms", json=terms).json() is True
        post("/openai-main/balances", {"balance": "50.00", "currency": "USD"})
        (standing,) = operator.get(f"{API}/providers/standings").json()
        assert standing["left"] == {"amount": "50.00", "currency": "USD"}
        assert operator.get(f"{API}/providers/warnings").json() == []
        made = post("/bills", bill)
        assert made["gross"] == {"amount": "106.00", "currency": "USD"}
        assert post("/bills", bill) == made
        asked = post("/payments", ask | {"provider_bill_id": made["provider_bill_id"]})
        refused = operator.post(
            f"{API}/providers/payments/{asked['payment_id']}/decision", json={"approve": True}
        )
        assert refused.status_code == 403
        assert "须由另一人审批" in refused.json()["detail"]
        no = {"approve": False, "why": "重复"}
        assert post(f"/payments/{asked['payment_id']}/decision", no)["state"] == "rejected"
        paid = operator.post(f"{API}/providers/payments/{asked['payment_id']}/paid", json={})
        assert paid.status_code == 409
        assert operator.post(
            f"{API}/providers/bills/{made['provider_bill_id']}/void", json={"why": "录错"}
        ).is_success
        assert len(operator.get(f"{API}/providers/bills").json()["items"]) == 1
        assert len(operator.get(f"{API}/providers/payments").json()["items"]) == 1
