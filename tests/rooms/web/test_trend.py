"""Trends over REST: exact decimals, a customer's own only, and never what things cost us."""

from fastapi.testclient import TestClient

from tests.rooms.web.conftest import House, bearer
from yuejie.web.auth import API

ACME = f"{API}/customers/acme/trend"


def test_a_trend_has_exact_charges_and_what_is_worked_out_of_them(
    operator: TestClient, house: House
) -> None:
    asked = {"until": "2026-10-31T00:00:00Z", "count": "2", "by": "model"}
    told = operator.get(ACME, params=asked).json()
    assert [bucket["label"] for bucket in told["buckets"]] == ["2026-09", "2026-10"]
    whole = told["whole"]["total"]
    (charge,) = whole["charges"]
    usage = operator.get(f"{API}/usage", params={"customer": "acme", "month": "2026-10"}).json()
    assert [charge] == usage["lines"][0]["charges"]
    assert whole["costs"] == usage["lines"][0]["costs"]
    assert sum(line["total"]["tokens"] for line in told["lines"]) == whole["tokens"]
    assert whole["margins"] is not None


def test_a_customer_sees_its_own_trend_without_costs_and_nobody_elses(
    client: TestClient, house: House
) -> None:
    key = bearer(house.acme_key.secret)
    asked = {"until": "2026-10-31T00:00:00Z"}
    own = client.get(ACME, params=asked, headers=key).json()["whole"]["total"]
    assert own["charges"]
    assert (own["costs"], own["margins"]) == (None, None)
    assert client.get(f"{API}/customers/zeta/trend", headers=key).status_code == 404
    cost = client.get(ACME, params={"measure": "cost"}, headers=key)
    assert (cost.status_code, "只有运营方" in cost.json()["detail"]) == (403, True)
    periods = {"before": "2026-09", "after": "2026-10"}
    compared = client.get(f"{ACME}/comparison", params=periods, headers=key).json()
    assert compared["after"]["figures"]["costs"] is None


def test_a_comparison_explains_itself_to_the_last_digit(operator: TestClient, house: House) -> None:
    periods = {"before": "2026-09", "after": "2026-10-01..2026-10-31", "by": "project"}
    told = operator.get(f"{ACME}/comparison", params=periods).json()
    (why,) = told["why"]
    assert why["whole"]["before"] == "0.00"
    assert why["whole"]["volume"] == why["whole"]["change"] == why["whole"]["after"]
    assert told["after"]["days"] == 31


def test_what_cannot_be_read_is_refused_in_a_sentence(operator: TestClient, house: House) -> None:
    for params, words in (
        ({"before": "2026-13", "after": "2026-10"}, "时段“2026-13”看不懂"),
        ({"before": "2026-10-09..2026-10-01", "after": "2026-10"}, "先写开始、后写结束"),
        ({"before": "2026-W60", "after": "2026-10"}, "时段“2026-W60”看不懂"),
    ):
        answer = operator.get(f"{ACME}/comparison", params=params)
        assert (answer.status_code, words in answer.json()["detail"]) == (422, True)
    many = operator.get(ACME, params={"count": 61})
    assert (many.status_code, "最多看 60 个月" in many.json()["detail"]) == (422, True)
    nobody = operator.get(ACME, params={"key": "nobody"})
    assert (nobody.status_code, "密钥“nobody”不存在" in nobody.json()["detail"]) == (404, True)
