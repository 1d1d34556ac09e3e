"""Auto models over REST: policies are published by who sets prices, savings are one's own."""

from fastapi.testclient import TestClient

from tests.rooms.insights.test_routing import routed
from tests.rooms.web.conftest import House, bearer
from yuejie.contracts.offer import ModelDraft, put_model
from yuejie.web.auth import API

POLICY = {
    "default_model": "gpt-4o",
    "rules": [{"tasks": ["classification"], "models": ["mini", "gpt-4o"]}],
}
URL = f"{API}/auto-models/auto-cheap"


def publish(operator: TestClient, house: House) -> None:
    put_model(house.books.db, ModelDraft(model_id="gpt-4o"), by="t", now=house.books.clock.now())
    put_model(house.books.db, ModelDraft(model_id="mini"), by="t", now=house.books.clock.now())
    made = operator.post(f"{URL}/versions", json=POLICY)
    assert made.status_code == 201, made.text
    assert (made.json()["version"], len(made.json()["rules"])) == (1, 2)


def test_a_policy_is_published_read_and_ended(
    client: TestClient, operator: TestClient, house: House
) -> None:
    publish(operator, house)
    assert operator.post(f"{URL}/versions", json=POLICY).json()["version"] == 1
    later = POLICY | {"default_model": "mini", "starts_at": "2027-01-01T00:00:00Z"}
    assert operator.post(f"{URL}/versions", json=later).json()["version"] == 2
    (listed,) = operator.get(f"{API}/auto-models").json()["items"]
    assert (listed["version"], listed["rules"][0]["sentence"][:4]) == (1, "规则 1")
    past = operator.post(f"{URL}/versions", json=later | {"starts_at": "2020-01-01T00:00:00Z"})
    assert (past.status_code, "已过" in past.json()["detail"]) == (422, True)
    unknown = operator.post(f"{URL}/versions", json={"default_model": "nobody"})
    assert "不在目录里" in unknown.json()["detail"]
    ended = operator.post(f"{URL}/end", json={"starts_at": "2027-02-01T00:00:00Z"}).json()
    assert (ended["version"], ended["active"]) == (3, False)
    assert [each["version"] for each in operator.get(URL).json()] == [1, 2, 3]
    assert operator.get(f"{API}/auto-models/none").status_code == 404


def test_a_customer_reads_policies_and_its_own_savings_and_changes_nothing(
    client: TestClient, operator: TestClient, house: House
) -> None:
    publish(operator, house)
    books = house.books
    ended = books.ended(
        house.zeta, books.clock.now(), "gpt-4o", "main", "measured", {"input": 1000, "requests": 1}
    )
    books.ingest([routed(ended, "auto-cheap")])
    month = ended.begun.month
    mine, theirs = (bearer(key.secret) for key in (house.zeta_key, house.acme_key))
    (line,) = client.get(f"{API}/routing/{month}", headers=mine).json()["lines"]
    assert (line["asked"], line["default_model"], line["calls"]) == ("auto-cheap", "gpt-4o", 1)
    assert line["saving"] == {"amount": "0.00", "currency": "CNY"}
    assert client.get(f"{API}/routing/{month}", headers=theirs).json()["lines"] == []
    other = client.get(f"{API}/routing/{month}?customer=zeta", headers=theirs)
    assert other.status_code in (403, 404)
    assert len(operator.get(f"{API}/routing/{month}").json()["lines"]) == 1
    assert "assumption" in operator.get(f"{API}/routing/{month}?customer=acme").json()
    assert client.get(URL, headers=mine).json()[0]["published_by"] is None
    for verb in ("versions", "end"):
        assert client.post(f"{URL}/{verb}", json=POLICY, headers=mine).status_code == 403
    operation = f"req_{ended.begun.operation.hex()}"
    (attempt,) = client.get(f"{API}/requests/{operation}", headers=mine).json()["attempts"]
    assert (attempt["asked"], attempt["model"]) == ("auto-cheap", "gpt-4o")
    assert attempt["routing"]["chosen"] == "gpt-4o"
    assert "auto-cheap 第 1 版规则 1" in attempt["routing"]["sentence"]
