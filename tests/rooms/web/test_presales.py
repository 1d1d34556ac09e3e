"""Presales over REST: from the form to the approved quote, and who may do what."""

from base64 import b64encode
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.rooms.web.conftest import NOW, House, bearer
from tests.scenarios.prospecting import Offered, Sales
from yuejie.db.session import Database
from yuejie.web.auth import API

SALE = '[models."gpt-4o"]\ninput = "2.50"\noutput = "10.00"\n'
COST = '[models."openai/gpt-4o"]\ninput = "1.20"\noutput = "5.00"\n'
FORM: dict[str, Any] = {
    "company": {"name": "深圳金客科技有限公司", "industry": "fintech"},
    "first_month": "2026-12",
    "task": "support",
    "currency": "USD",
    "volume": {"items_per_day": {"low": 8_000, "expected": 10_000, "high": 12_000}},
    "tokens": {"input": 800, "output": 200},
    "habits": {"can_wait": "20%"},
}
USAGE = "started_at,model,input,output\n" + "".join(
    f"2026-{month}-10T10:00:00+08:00,gpt-4o,1000000000,250000000\n" for month in ("08", "09", "10")
)


@pytest.fixture
def sales(database: Database) -> Sales:
    """A house that sells gpt-4o in dollars, at the console's own time."""
    sales = Sales(database, now=NOW)
    sales.account("openai-main", "openai", "us")
    sales.offers(Offered("gpt-4o", quality=None))
    sales.prices("sale", "sale", SALE)
    sales.prices("cost", "cost", COST)
    return sales


def quoted(operator: TestClient, ask: dict[str, Any]) -> dict[str, Any]:
    answer = operator.post(f"{API}/prospects/jinke/quotes", json={"ask": ask})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def enrolled(operator: TestClient) -> None:
    body = {"slug": "jinke", "name": "深圳金客科技有限公司"}
    assert operator.post(f"{API}/prospects", json=body).status_code == 201
    made = operator.post(f"{API}/prospects/jinke/forms", json={"form": FORM})
    assert (made.status_code, made.json()["version"]) == (201, 1)
    grade = {"quality": "standard", "tasks": ["support"], "source": "内部评测 2026-10"}
    assert operator.put(f"{API}/model-grades/gpt-4o", json=grade).json()["quality"] == "standard"


@pytest.mark.usefixtures("sales")
def test_from_the_form_to_the_quote_and_the_ground_of_a_figure(operator: TestClient) -> None:
    """
    310,000 calls in December: 248 and 62 million tokens, 620 + 620 dollars. Past usage comes to
    5,000 a month at the list and 3,500 at 30 % off; the fee is 200.
    """
    enrolled(operator)
    again = operator.post(f"{API}/prospects/jinke/forms", json={"form": FORM})
    assert again.json()["version"] == 1
    months = operator.post(f"{API}/prospects/jinke/volumes", json={"form": FORM}).json()
    assert months[0]["requests"] == {"low": 248_000, "expected": 310_000, "high": 372_000}
    sent = {"file_name": "usage.csv", "content": b64encode(USAGE.encode()).decode()}
    loaded = operator.post(f"{API}/prospects/jinke/usage", json=sent).json()
    assert loaded["months"] == ["2026-08", "2026-09", "2026-10"]
    used = loaded["usage"]["import_id"]
    assert operator.get(f"{API}/prospects/jinke/usage").json()[0]["import_id"] == used
    seven = {
        "name": "七折",
        "management_fee": "200.00",
        "discount": [{"models": "*", "discount": "30%"}],
    }
    ask = {"book": "sale", "plan": [seven], "usage": {"import": used}}
    told = operator.post(f"{API}/prospects/jinke/replays", json={"ask": ask}).json()
    assert told["columns"][0]["total"] == {"amount": "11100.00", "currency": "USD"}
    ask["prepaid"] = {"top_up": {"value": "500.00", "from": "customer", "why": "采购口述"}}
    quote = quoted(operator, ask)
    roi = quote["comparison"]["roi"]
    assert (roi["net"]["amount"], roi["ratio_e2"]) == ("1300.00", 650)
    option = quote["options"][0]
    assert option["expected"]["usage"]["amount"] == "868.00"
    assert quote["state"] == "ready"
    trace = f"{API}/quotes/{quote['quote_id']}/trace"
    ground = operator.get(trace, params={"figure": option["expected"]["figure"]}).json()
    assert ground[-1]["name"] == option["expected"]["figure"]
    assert {"form:volume.items_per_day", "form:tokens.input"} <= {e["source"] for e in ground}
    assert len(operator.get(trace).json()) == quote["figures"]
    assert operator.get(trace, params={"figure": "x"}).status_code == 404
    listed = operator.get(f"{API}/prospects/jinke/quotes").json()["items"]
    assert [each["quote_id"] for each in listed] == [quote["quote_id"]]
    made = operator.post(f"{API}/quotes/{quote['quote_id']}/proposals", json={}).json()
    told = operator.get(f"{API}/proposals/{made['proposal_id']}/trace").json()
    assert (told["kept"], told["loose"]) == (True, [])
    rows = {each["name"]: each for each in told["rows"]}
    assert rows["roi.ratio"]["printed"] == ["6.50"]
    assert rows["roi.net"]["how"] == "节省 + 避免的损失 − 管理费：1,500.00 − 200.00"
    kinds = {rest["source"].partition(":")[0] for rest in rows["roi.net"]["rests"]}
    assert kinds >= {"file", "rate", "terms"}
    assert operator.get(f"{API}/proposals/prp_0/trace").status_code == 404


@pytest.mark.usefixtures("sales")
def test_below_the_floor_two_people_with_different_powers_are_needed(
    operator: TestClient, client: TestClient
) -> None:
    enrolled(operator)
    tokens = {
        role: operator.post(f"{API}/members", json={"name": role, "role": role}).json()["token"]
        for role in ("sales", "finance", "support")
    }
    heads = {role: bearer(token) for role, token in tokens.items()}
    deep = {"name": "四折", "discount": [{"models": "*", "discount": "60%"}]}
    ask = {"ask": {"book": "sale", "plan": [deep]}}
    url = f"{API}/prospects/jinke/quotes"
    assert client.post(url, json=ask, headers=heads["support"]).status_code == 403
    quote = client.post(url, json=ask, headers=heads["sales"]).json()
    assert quote["state"] == "waiting"
    steps = f"{API}/quotes/{quote['quote_id']}"
    waiting = client.get(f"{API}/quotes", headers=heads["finance"]).json()["items"]
    assert [each["quote_id"] for each in waiting] == [quote["quote_id"]]
    why = {"why": "战略客户"}
    assert client.post(f"{steps}/approve", json=why, headers=heads["sales"]).status_code == 403
    assert client.post(f"{steps}/offer", json={}, headers=heads["sales"]).status_code == 409
    assert client.post(f"{steps}/approve", json={}, headers=heads["finance"]).status_code == 422
    done = client.post(f"{steps}/approve", json=why, headers=heads["finance"])
    assert done.json()["state"] == "ready"
    assert client.post(f"{steps}/offer", json={}, headers=heads["sales"]).json()["state"] == (
        "offered"
    )
    life = client.get(f"{steps}/life", headers=heads["sales"]).json()
    assert [each["by"] for each in life] == ["operator:sales", "operator:finance", "operator:sales"]
    floor = f"{API}/margin-floor"
    assert client.get(floor, headers=heads["sales"]).json()["share"] == "5%"
    assert client.put(floor, json={"share": "40%"}, headers=heads["sales"]).status_code == 403
    assert client.put(floor, json={"share": "40%"}, headers=heads["finance"]).status_code == 200


@pytest.mark.usefixtures("sales")
def test_bad_input_is_a_problem_in_one_sentence_and_changes_nothing(operator: TestClient) -> None:
    enrolled(operator)
    forms = f"{API}/prospects/jinke/forms"
    bad = operator.post(forms, json={"form": FORM | {"task": "chat"}})
    assert (bad.status_code, bad.json()["code"]) == (422, "invalid")
    assert "task 的写法" in bad.json()["detail"]
    usage = f"{API}/prospects/jinke/usage"
    for body, said in (
        ({"file_name": "u.csv", "content": "!!"}, "base64"),
        ({"file_name": "u.pdf", "content": b64encode(b"x").decode()}, "看不出"),
        ({"file_name": "u.csv", "content": b64encode(b"a,b\n1,2\n").decode()}, "没有一行能用"),
    ):
        answer = operator.post(usage, json=body)
        assert (answer.status_code, said in answer.json()["detail"]) == (422, True), answer.text
    assert operator.post(f"{API}/prospects/nobody/forms", json={"form": FORM}).status_code == 404
    no_rate = operator.post(forms, json={"form": FORM | {"currency": "CNY"}})
    assert no_rate.json()["version"] == 2
    answer = operator.post(f"{API}/prospects/jinke/quotes", json={"ask": {"book": "sale"}})
    assert (answer.status_code, "汇率" in answer.json()["detail"]) == (404, True)
    assert operator.get(f"{API}/prospects/jinke/quotes").json()["items"] == []


def test_prospects_are_the_operators_alone(client: TestClient, house: House) -> None:
    key = bearer(house.acme_key.secret)
    for path in ("prospects", "quotes", "model-grades", "margin-floor"):
        assert client.get(f"{API}/{path}", headers=key).status_code == 403
