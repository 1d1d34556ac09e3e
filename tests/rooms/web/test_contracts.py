"""A contract through the API, from the draft to its end, by people under their own names."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.rooms.web.conftest import House, bearer
from yuejie.contracts.terms import STANDARD
from yuejie.web.auth import API

Ask = Callable[..., Any]
DRAFT = {
    "customer": "acme",
    "book": "list",
    "starts_at": "2026-12-01T00:00:00+08:00",
    "expected_monthly": "8000.00",
    "terms": {
        "type": "one_year",
        "credit_class": "startup",
        "ends_on": "2027-12-01",
        "commitment": {"amount": "5000.00"},
        "break_fee": {"share": "30%"},
        "purchase_order": "PO-9",
    },
    "discount": [{"models": "gpt-*", "discount": "10%"}],
    "override": [{"model": "lab/gpt-4o-mini", "meter": "output", "rate": "2.50"}],
}


@pytest.fixture
def people(client: TestClient, operator: TestClient, house: House) -> dict[str, Ask]:
    """Sales, finance and an administrator, each asking under its own name."""

    def asking(name: str, role: str) -> Ask:
        enrolled = operator.post(f"{API}/members", json={"name": name, "role": role})
        token = enrolled.json()["token"]

        def ask(method: str, path: str, status: int = 200, **given: Any) -> Any:
            answer = client.request(method, f"{API}{path}", headers=bearer(token), **given)
            assert answer.status_code == status, answer.text
            return answer.json()

        return ask

    roles = (("sales", "sales"), ("finance", "finance"), ("boss", "admin"))
    return {role: asking(name, role) for name, role in roles}


def test_a_contract_from_the_draft_to_its_end(
    people: dict[str, Ask], client: TestClient, operator: TestClient, house: House
) -> None:
    """
    Sales drafts for a start-up of 8,000 a month: a deposit of one month and thirty days' notice
    are proposed by themselves. Finance wants two months; the administrator signs what it read.
    A year later it is left early, and what that costs is explained.
    """
    sales, finance, boss = people["sales"], people["finance"], people["admin"]
    draft = sales("POST", "/contract-drafts", 201, json=DRAFT)
    name = draft["draft_id"]
    assert (draft["terms"]["deposit"], draft["terms"]["notice_days"]) == ("8000.00", 30)
    assert draft["terms"]["payment_mode"] == "prepaid_monthly"
    sales("PUT", f"/contract-drafts/{name}", json=DRAFT | {"remark": "老客户"})
    sales("POST", f"/contract-drafts/{name}/submit", json={})
    paper = operator.get(f"{API}/contract-drafts/{name}/documents/txt").text
    assert "乙方承诺每月消费不低于人民币5,000.00元" in paper
    assert "lab/gpt-4o-mini\t输出\t—\t3.00\t约定 2.50\tCNY/百万 token" in paper
    verdict = {"grade": "B", "credit_limit": "20000.00", "deposit": "16000.00"}
    reviewed = finance("POST", f"/contract-drafts/{name}/review", json=verdict)
    boss("POST", f"/contract-drafts/{name}/sign", 409, json={"digest": draft["digest"]})
    signed = boss("POST", f"/contract-drafts/{name}/sign", json={"digest": reviewed["digest"]})
    assert signed["terms"]["deposit"] == "16000.00"
    assert signed["sale_book"].startswith("list#")
    steps = operator.get(f"{API}/contract-drafts/{name}").json()["steps"]
    assert [(step["by"], step["event"]) for step in steps] == [
        ("operator:sales", "draft"),
        ("operator:sales", "revise"),
        ("operator:sales", "submit"),
        ("operator:finance", "accept"),
        ("operator:boss", "sign"),
    ]
    _leave(people, signed["contract_id"])
    mine = bearer(house.acme_key.secret)
    shown = client.get(f"{API}/contracts", headers=mine).json()["items"]
    assert [row["version"] for row in shown if row["contract_id"] == signed["contract_id"]] == [
        1,
        2,
    ]
    pdf = client.get(f"{API}/contracts/{signed['contract_id']}/documents/pdf", headers=mine)
    assert pdf.content.startswith(b"%PDF")


def _leave(people: dict[str, Ask], contract: str) -> None:
    sales, finance = people["sales"], people["finance"]
    wish = {"on": "2027-10-01", "why": "自建"}
    end = sales("POST", f"/contracts/{contract}/terminate", 201, json=wish)
    assert (end["ends_on"], end["owed"]["amount"]) == ("2027-10-01", "3000.00")
    assert "剩余承诺 10,000.00 CNY × 30%" in end["reasons"][-1]
    sales("POST", f"/contract-ends/{end['end_id']}/approve", 403)
    sales("POST", f"/contract-ends/{end['end_id']}/reject", 403, json={"why": "x"})
    finance("POST", f"/contract-ends/{end['end_id']}/approve")
    assert finance("GET", "/contract-ends?customer=acme")[0]["approved_by"] == "operator:finance"
    finance("POST", f"/contracts/{contract}/renew", 403, json={"months": 12})
    people["admin"]("POST", f"/contracts/{contract}/renew", 409, json={"months": 12})


def test_a_draft_is_rejected_reworked_and_withdrawn(people: dict[str, Ask]) -> None:
    sales, finance = people["sales"], people["finance"]
    name = sales("POST", "/contract-drafts", 201, json=DRAFT)["draft_id"]
    for ask, step, why in (
        (sales, "submit", ""),
        (finance, "reject", "押金不足"),
        (sales, "rework", ""),
        (sales, "withdraw", "客户不签"),
    ):
        moved = ask("POST", f"/contract-drafts/{name}/{step}", json={"why": why})
    assert moved["state"] == "withdrawn"
    assert finance("GET", "/contract-drafts") == []
    assert len(finance("GET", "/contract-drafts?customer=acme")) == 1


@pytest.mark.parametrize(
    ("odd", "says"),
    [
        ({"terms": {"settlement_hour": 5}}, "settlement_hour"),
        ({"terms": {"settlement_day": 31}}, "结算日"),
        ({"terms": {"type": "one_year"}}, "ends_on"),
        ({"book": "none"}, "价目 none 不存在"),
        ({"discount": [{"models": "gpt-*", "discount": "0.1"}]}, "百分号"),
        ({"override": [{"model": "x", "meter": "words", "rate": "1"}]}, "words"),
        ({"terms": {"type": "\ud800"}}, "terms 含有半个字符，不是文字"),
        ({"terms": {"sla": {"\ud800": 1}}}, "terms 含有半个字符"),
        ({"terms": {"extra": {"x": "\ud800"}}}, "terms 含有半个字符"),
    ],
)
def test_a_draft_that_says_nothing_sensible_is_refused_in_a_sentence(
    operator: TestClient, house: House, odd: dict[str, Any], says: str
) -> None:
    body = json.dumps(DRAFT | odd)
    headers = {"content-type": "application/json"}
    answer = operator.post(f"{API}/contract-drafts", content=body, headers=headers)
    assert answer.status_code in {404, 422}, answer.text
    assert says in answer.json()["detail"]


def test_a_table_however_deep_is_refused_in_a_sentence(operator: TestClient, house: House) -> None:
    """Between what is read and what is too deep to read lay some that ended in an error of ours."""
    headers = {"content-type": "application/json"}
    answers = set()
    for depth in range(800, 1100, 3):
        deep = '{"x":' * depth + "1" + "}" * depth
        body = json.dumps(DRAFT | {"terms": "deep"}).replace('"deep"', deep)
        answer = operator.post(f"{API}/contract-drafts", content=body, headers=headers)
        answers.add((answer.status_code, answer.json()["detail"]))
    assert {status for status, _ in answers} == {400, 422}
    assert any("terms 括号套得太深" in said for _, said in answers), answers


def test_a_signed_copy_is_kept_by_its_hash(operator: TestClient, house: House) -> None:
    name = operator.post(f"{API}/contract-drafts", json=DRAFT).json()["draft_id"]
    url = f"{API}/contract-drafts/{name}/papers"
    kept = operator.post(f"{url}?name=scan.pdf", content=b"%PDF-1.7 x")
    assert kept.status_code == 201, kept.text
    assert operator.get(url).json() == [kept.json()]
    assert operator.post(f"{url}?name=x", content=b"text").status_code == 422


def test_limits_and_grants_hold_when_a_second_person_agrees(
    people: dict[str, Ask], house: House
) -> None:
    limited = replace(STANDARD, credit_limit_fen=500_00)
    house.books.amend(house.acme, limited, starts=datetime(2026, 12, 1, tzinfo=UTC))
    sales, finance = people["sales"], people["finance"]
    limit = sales(
        "POST",
        "/customers/acme/limits",
        201,
        json={
            "amount": "1000.00",
            "starts_at": "2026-12-01T00:00:00Z",
            "ends_at": "2026-12-12T00:00:00Z",
            "why": "双十二",
        },
    )
    sales("POST", f"/limits/{limit['limit_id']}/approve", 403)
    finance("POST", f"/limits/{limit['limit_id']}/approve")
    assert finance("GET", "/customers/acme/limits")[0]["approved_by"] == "operator:finance"
    sales("POST", f"/limits/{limit['limit_id']}/end", 403, json={"why": "x"})
    finance("POST", f"/limits/{limit['limit_id']}/end", 422, json={"why": " "})
    done = finance("POST", f"/limits/{limit['limit_id']}/end", json={"why": "客户取消大促"})
    assert done["ended_at"] is not None
    voucher = {
        "kind": "voucher",
        "name": "开业券",
        "amount": "100.00",
        "starts_on": "2026-12-01",
        "ends_on": "2027-01-01",
    }
    sales("POST", "/customers/acme/grants", 422, json=voucher)
    sales("POST", "/customers/acme/grants", 422, json=voucher | {"why": " "})
    voucher |= {"why": "开业促销"}
    grant = sales("POST", "/customers/acme/grants", 201, json=voucher)
    (waits,) = finance("GET", "/grants")
    assert (waits["grant_id"], waits["why"]) == (grant["grant_id"], "开业促销")
    finance("POST", f"/grants/{grant['grant_id']}/approve")
    assert finance("GET", "/customers/acme/grants")[0]["name"] == "开业券"


def test_the_operator_sets_what_a_class_means(operator: TestClient) -> None:
    rule = {
        "deposit_months_least": 2,
        "deposit_months_most": 2,
        "depth": "strict",
        "payment_days": 10,
        "payment_mode": "postpaid",
        "three_people": "1.00",
    }
    told = operator.put(f"{API}/credit-classes/medium", json=rule).json()
    assert told == {"credit_class": "medium"} | rule
    assert told in operator.get(f"{API}/credit-classes").json()
