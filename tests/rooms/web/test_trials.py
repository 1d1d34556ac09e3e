"""Trials over REST: asked for without a token, decided by sales, claimed once, seen by its own."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.rooms.web.conftest import NOW, OPERATOR, PRICES, bearer, desk_at
from tests.scenarios.books import Books, FixedClock
from yuejie.customers.enrol import Particulars, enrol_customer
from yuejie.db.session import Database
from yuejie.kernel.ids import BookId
from yuejie.presales.trial.ask import FROM_HERE_MOST, set_policy
from yuejie.presales.trial.trial import TrialPolicy
from yuejie.web.app import make_app

ASKED: dict[str, Any] = {
    "company": "海棠科技有限公司",
    "contact": "陆青",
    "email": "lu@haitang.example",
    "days": 14,
}


@pytest.fixture
def api(database: Database) -> Iterator[TestClient]:
    books = Books(database)
    books.prices(PRICES, currency="CNY")
    policy = TrialPolicy(
        revision=0,
        sale_book=BookId("list"),
        fx_policy="none",
        models=("gpt-4o",),
        days_most=14,
        tokens_most=1_000_000,
        by_rule=False,
        made_by="",
        made_at=NOW,
    )
    set_policy(database, policy, by="sales", now=NOW)
    with TestClient(make_app(desk_at(database, FixedClock(NOW)))) as client:
        yield client


def ask(api: TestClient, **other: object) -> Any:
    answer = api.post("/api/v1/trial-requests", json=ASKED | other)
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_from_asking_to_the_papers(api: TestClient) -> None:
    asked = ask(api)
    place = f"/api/v1/trial-requests/{asked['request_id']}"
    early = api.post(f"{place}/claim", json={"claim": asked["claim"]})
    assert early.status_code == 409
    assert "仍在审核" in early.json()["detail"]
    listed = api.get("/api/v1/trial-requests", headers=OPERATOR).json()["items"]
    assert [each["company"] for each in listed] == ["海棠科技有限公司"]
    assert "claim" not in str(listed)

    granted = api.post(f"{place}/approve", headers=OPERATOR, json={"customer": "haitang"})
    assert granted.status_code == 200, granted.text
    assert granted.json()["costs"] == []
    given = api.post(f"{place}/claim", json={"claim": asked["claim"]}).json()
    assert api.post(f"{place}/claim", json={"claim": asked["claim"]}).status_code == 409
    assert given["ends_at"].startswith((NOW + timedelta(days=13)).date().isoformat())

    own = bearer(given["key"])
    seen = api.get(f"/api/v1/trials/{given['trial_id']}", headers=own).json()
    assert (seen["payable"]["amount"], seen["costs"]) == ("0.00", None)
    for paper in ("report", "specimen"):
        answer = api.get(f"/api/v1/trials/haitang/papers/{paper}", headers=own)
        assert answer.content.startswith(b"%PDF")
    assert len(api.get("/api/v1/trials", headers=OPERATOR).json()["items"]) == 1


def test_another_customers_trial_is_as_one_that_is_not_there(api: TestClient) -> None:
    keys = []
    for name in ("one", "two"):
        asked = ask(api, email=f"{name}@haitang.example")
        place = f"/api/v1/trial-requests/{asked['request_id']}"
        api.post(f"{place}/approve", headers=OPERATOR, json={"customer": name})
        keys.append(api.post(f"{place}/claim", json={"claim": asked["claim"]}).json()["key"])
    assert api.get("/api/v1/trials/two", headers=bearer(keys[0])).status_code == 404
    assert api.get("/api/v1/trials/two", headers=bearer(keys[1])).status_code == 200


def test_whoever_asks_for_anothers_trial_learns_not_even_who_is_a_customer(
    api: TestClient, database: Database
) -> None:
    """A customer with a trial, one that has none, a trial by its number, and nobody at all."""
    enrol_customer(database, Particulars(slug="zeta", legal_name="泽塔"), by="x", now=NOW)
    granted = []
    for name in ("one", "two"):
        asked = ask(api, email=f"{name}@haitang.example")
        place = f"/api/v1/trial-requests/{asked['request_id']}"
        api.post(f"{place}/approve", headers=OPERATOR, json={"customer": name})
        granted.append(api.post(f"{place}/claim", json={"claim": asked["claim"]}).json())
    own, other = bearer(granted[0]["key"]), str(granted[1]["trial_id"])
    heard = set()
    for named in ("two", "zeta", other, "nobody"):
        answer = api.get(f"/api/v1/trials/{named}", headers=own).json()
        unlike = {answer.pop("request_id"), answer.pop("instance", "")} - {""}
        said = str(sorted(answer.items())).replace(named, "…")
        for each in unlike:
            said = said.replace(each, "…")
        heard.add(said)
    assert len(heard) == 1, heard


def test_who_asks_too_often_or_nonsense_is_refused_in_words(api: TestClient) -> None:
    for wrong in ({"email": "nobody"}, {"days": 30}, {"models": ["gpt-9"]}, {"tokens": 10**9}):
        answer = api.post("/api/v1/trial-requests", json=ASKED | wrong)
        assert answer.status_code == 422, wrong
        assert answer.json()["detail"]
    for number in range(FROM_HERE_MOST):
        ask(api, email=f"a{number}@haitang.example")
    answer = api.post("/api/v1/trial-requests", json=ASKED)
    assert answer.status_code == 409
    assert answer.json()["code"] == "trial_throttled"


def test_deciding_needs_the_operator(api: TestClient) -> None:
    asked = ask(api)
    place = f"/api/v1/trial-requests/{asked['request_id']}"
    assert api.post(f"{place}/approve", json={}).status_code == 401
    refused = api.post(f"{place}/decline", headers=OPERATOR, json={"why": "仅面向企业"})
    assert refused.json()["state"] == "declined"
    told = api.post(f"{place}/claim", json={"claim": asked["claim"]})
    assert "仅面向企业" in told.json()["detail"]
