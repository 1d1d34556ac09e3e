"""A month with a provider: warned, topped up, billed, paid; by command line and API."""

from datetime import UTC, datetime

import pytest
from fastapi.testclient import TestClient

from tests.rooms.cli.desk import run, run_json
from tests.rooms.web.conftest import OPERATOR, desk_at
from tests.scenarios.bank import NUMBER, Bank
from tests.scenarios.test_reconcile import World
from yuejie.assurance.providers.pay import LEDGER_CHECKS
from yuejie.assurance.providers.watch import tell_warnings
from yuejie.cli.books.providers import providers
from yuejie.db.session import Database
from yuejie.kernel.errors import Conflict, Forbidden, Invalid
from yuejie.ledger.check import check_ledger
from yuejie.ledger.posting import Account
from yuejie.ledger.store import balances_of
from yuejie.payments.apportion.place import Placing, apportion_receipt
from yuejie.payments.receipts.receipt import ReceiptState
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
        assert made["open"] == {"amount": "106.00", "currency": "USD"}
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
        (listed,) = operator.get(f"{API}/providers/bills").json()["items"]
        assert listed["open"] == {"amount": "0.00", "currency": "USD"}
        assert len(operator.get(f"{API}/providers/payments").json()["items"]) == 1


def test_a_provider_gives_back_after_it_was_paid_by_command_line_and_api(
    database: Database, database_url: str
) -> None:
    """
    490 dollars, 3,528 yuan by their day, are paid when a credit note over 90 comes. 20 pay the next
    bill; 70 come back as 500 yuan, which the import of the statement has made a receipt of that is
    no customer's.
    """
    world = World(database)
    bank = Bank(world.books)
    now = bank.at("2026-11-06")

    def said(*words: str, by: str = "ann") -> str:
        return run(providers, database_url, now, *words, by=by)

    def bill(number: str, net: str) -> str:
        words = ("enter", "openai-main", number, "--month", "2026-10", "--net", net)
        return said(*words, "--billed-on", "2026-10-31").split("\u3000")[0]

    first = bill("INV-9", "490.00")
    payment = said("pay", "openai-main", "490.00", "--bill", first).split()[0]
    said("decide", payment, "--approve", by="bob")
    said("paid", payment, "--bank", NUMBER, "--reference", "T1", "--amount", "3500.00")
    words = ("--net", "90.00", "--credited-on", "2026-11-05", "--why", "十月多收")
    assert "冲减账单 0.00\u3000转入余额 90.00 USD" in said("credit", first, "CN-1", *words)
    assert "CN-1" in said("credits")
    draw = said("pay", "openai-main", "20.00", "--bill", bill("INV-10", "20.00"), "--draw")
    said("decide", draw.split()[0], "--approve", by="bob")
    said("paid", draw.split()[0])
    (stands,) = run_json(providers, database_url, now, "payables")
    assert (stands["owed_fen"], stands["prepaid_fen"]) == (0, 70_00)
    back = said("refund", "openai-main", "70.00", "--why", "不再使用").split()[0]
    with pytest.raises(Forbidden, match="须由另一人审批"):
        said("decide", back, "--approve")
    said("decide", back, "--approve", by="bob")
    receipt = bank.pays("2026-11-06", "500.00", "OpenAI LLC")
    assert "已收到" in said("paid", back, "--receipt", receipt.receipt_id)
    assert bank.receipt(receipt.receipt_id).state is ReceiptState.RETURNED
    assert all(each.holds for each in check_ledger(database, LEDGER_CHECKS))
    with database.read() as tx:
        ours = {a: n for (a, _), n in balances_of(tx, receipt.account_id).items() if n}
        assert ours == {Account.BANK: 500_00 - 3_500_00}
        assert balances_of(tx, "account:openai-main")[Account.FX_CLEARING, "CNY"] == 3_028_00
        other = {a for (a, _), n in balances_of(tx, "account:openai-main").items() if n}
        assert Account.PROVIDER_PREPAID not in other
    with pytest.raises(Conflict, match=r"预付余额为 0\.00"):
        said("refund", "openai-main", "1.00", "--why", "再要")
    with TestClient(make_app(desk_at(database, world.books.clock)), headers=OPERATOR) as api:
        (noted,) = api.get(f"{API}/providers/credits").json()["items"]
        assert noted["to_balance"] == {"amount": "90.00", "currency": "USD"}
        path = f"{API}/providers/credits/{noted['provider_credit_id']}/void"
        refused = api.post(path, json={"why": "录错"})
        assert (refused.status_code, "预付余额为 0.00" in refused.json()["detail"]) == (409, True)
        body = {
            "provider_bill_id": first,
            "number": "CN-2",
            "currency": "USD",
            "net": "10.00",
            "credited_on": "2026-11-06",
            "why": "再退",
        }
        made = api.post(f"{API}/providers/credits", json=body).json()
        assert made["off_bill"] == {"amount": "0.00", "currency": "USD"}
        (stands,) = api.get(f"{API}/providers/payables").json()
        assert stands["prepaid"] == {"amount": "10.00", "currency": "USD"}
        path = f"{API}/providers/credits/{made['provider_credit_id']}/void"
        assert api.post(path, json={"why": "录错"}).is_success
        ask = {"account": "openai-main", "amount": "1.00", "currency": "USD", "purpose": "refund"}
        empty = api.post(f"{API}/providers/payments", json=ask | {"why": "再要"})
        assert empty.status_code == 409


def test_a_receipt_that_is_somebodys_is_no_refund_of_a_provider(
    database: Database, database_url: str
) -> None:
    world = World(database)
    bank = Bank(world.books)
    now = bank.at("2026-11-06")

    def said(*words: str, by: str = "ann") -> str:
        return run(providers, database_url, now, *words, by=by)

    top_up = said("pay", "openai-main", "70.00", "--why", "充值").split()[0]
    said("decide", top_up, "--approve", by="bob")
    receipt = bank.pays("2026-11-06", "500.00", world.acme.customer.legal_name).receipt_id
    with pytest.raises(Invalid, match="只有供应商退回的款项才对应到账"):
        said("paid", top_up, "--receipt", receipt)
    said("paid", top_up, "--bank", NUMBER, "--reference", "T1", "--amount", "500.00")
    back = said("refund", "openai-main", "70.00", "--why", "不再使用").split()[0]
    said("decide", back, "--approve", by="bob")
    apportion_receipt(database, receipt, Placing(customer="acme"), by="ann", now=now)
    with pytest.raises(Conflict, match="已认款或已退回"):
        said("paid", back, "--receipt", receipt)
    bank.pays("2026-11-06", "510.00", "OpenAI LLC")
    serial = f"CMB{bank.serial:012d}"
    typed = ("paid", back, "--bank", NUMBER, "--amount", "510.00", "--reference")
    with pytest.raises(Conflict, match="已作为到账导入并入账，请改选该到账"):
        said(*typed, f" {serial} ")
    assert "已收到" in said(*typed, "R8")
    assert all(each.holds for each in check_ledger(database, LEDGER_CHECKS))
