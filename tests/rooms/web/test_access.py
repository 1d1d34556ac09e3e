"""Two customers never see each other's rows, and a key never does what only the operator may.

Every route of the application is walked; one that has no example here fails the test.
"""

import re
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from tests.rooms.web.conftest import NOW, House, bearer, key_of
from tests.scenarios.books import FixedClock
from yuejie.customers.keys import revoke_key
from yuejie.db.session import Database
from yuejie.web.app import served
from yuejie.web.auth import ACCESS, API, Who


def asked_of_zeta(house: House) -> dict[tuple[str, str], tuple[str, dict[str, Any] | None]]:
    """An example of every guarded route, each about zeta: its path and its body."""
    zeta = f"{API}/customers/zeta"
    bill = f"{API}/bills/{house.zeta_bill.number}"
    key = house.zeta_key.key.key_id
    event = "0" * 32
    return {
        ("GET", f"{API}/customers"): (f"{API}/customers", None),
        ("GET", f"{API}/customers/{{customer}}"): (zeta, None),
        ("PUT", f"{API}/customers/{{customer}}"): (zeta, {"legal_name": "别人"}),
        ("GET", f"{API}/customers/{{customer}}/projects"): (f"{zeta}/projects", None),
        ("POST", f"{API}/customers/{{customer}}/projects"): (f"{zeta}/projects", {"name": "x"}),
        ("GET", f"{API}/customers/{{customer}}/keys"): (f"{zeta}/keys", None),
        ("POST", f"{API}/customers/{{customer}}/keys"): (
            f"{zeta}/keys",
            {"project": "main", "name": "x"},
        ),
        ("GET", f"{API}/customers/{{customer}}/contracts"): (f"{zeta}/contracts", None),
        ("POST", f"{API}/customers/{{customer}}/contracts"): (
            f"{zeta}/contracts",
            {"book": "list", "starts_at": "2027-01-01T00:00:00Z"},
        ),
        ("POST", f"{API}/keys/{{key_id}}/rotate"): (f"{API}/keys/{key}/rotate", {}),
        ("POST", f"{API}/keys/{{key_id}}/revoke"): (f"{API}/keys/{key}/revoke", None),
        ("GET", f"{API}/models"): (f"{API}/models", None),
        ("GET", f"{API}/models/deprecations"): (f"{API}/models/deprecations", None),
        ("POST", f"{API}/models/{{model_id:path}}/disable"): (f"{API}/models/gpt-4o/disable", None),
        ("POST", f"{API}/models/{{model_id:path}}/enable"): (f"{API}/models/gpt-4o/enable", None),
        ("GET", f"{API}/deployments"): (f"{API}/deployments", None),
        ("POST", f"{API}/deployments/{{deployment_id:path}}/drain"): (
            f"{API}/deployments/gpt-4o@sim/drain",
            None,
        ),
        ("POST", f"{API}/deployments/{{deployment_id:path}}/restore"): (
            f"{API}/deployments/gpt-4o@sim/restore",
            None,
        ),
        ("GET", f"{API}/books"): (f"{API}/books", None),
        ("GET", f"{API}/books/{{book_id}}/revisions"): (f"{API}/books/list/revisions", None),
        ("GET", f"{API}/books/{{book_id}}/price"): (f"{API}/books/list/price?model=gpt-4o", None),
        ("GET", f"{API}/fx"): (f"{API}/fx", None),
        ("POST", f"{API}/fx"): (
            f"{API}/fx",
            {"base": "USD", "quote": "CNY", "on_date": "2026-10-31", "rate": "7", "source": "x"},
        ),
        ("GET", f"{API}/usage"): (f"{API}/usage?customer=zeta&month=2026-10", None),
        ("GET", f"{API}/usage/worklist"): (f"{API}/usage/worklist?customer=zeta", None),
        ("POST", f"{API}/usage/worklist/{{event_id}}/resolve"): (
            f"{API}/usage/worklist/{event}/resolve",
            {"quantities": {"input": 1}},
        ),
        ("POST", f"{API}/usage/worklist/reprice"): (f"{API}/usage/worklist/reprice", None),
        ("POST", f"{API}/usage/events"): (
            f"{API}/usage/events",
            {
                "source": "x",
                "events": [
                    {
                        "id": "1",
                        "customer": "zeta",
                        "project": "main",
                        "model": "gpt-4o",
                        "meters": {"input": 1},
                        "started_at": "2026-11-01T00:00:00Z",
                    }
                ],
            },
        ),
        ("GET", f"{API}/requests"): (f"{API}/requests?customer=zeta", None),
        ("GET", f"{API}/requests/{{request_id}}"): (f"{API}/requests/{house.zeta_call}", None),
        ("GET", f"{API}/bills"): (f"{API}/bills?customer=zeta", None),
        ("GET", f"{API}/bills/{{bill}}"): (bill, None),
        ("GET", f"{API}/bills/{{bill}}/documents/{{kind}}"): (f"{bill}/documents/json", None),
        ("POST", f"{API}/bills/close"): (f"{API}/bills/close", {"month": "2026-10"}),
        ("POST", f"{API}/bills/{{bill}}/issue"): (f"{bill}/issue", None),
        ("GET", f"{API}/proofs/{{month}}"): (f"{API}/proofs/2026-10?customer=zeta", None),
        ("GET", f"{API}/deeds"): (f"{API}/deeds", None),
    }


OWN_WITHOUT_OWNER = {("GET", f"{API}/models")}
"""Served to every key from its own contract; nobody else's can be named."""


def test_the_table_names_every_route_and_nothing_else(app: FastAPI) -> None:
    assert served(app) == ACCESS.keys()


def test_every_guarded_route_has_an_example(house: House) -> None:
    guarded = {route for route, who in ACCESS.items() if who is not Who.OPEN}
    assert asked_of_zeta(house).keys() == guarded


def test_nobody_passes_without_a_token(client: TestClient, house: House) -> None:
    for (method, _), (url, body) in asked_of_zeta(house).items():
        answer = client.request(method, url, json=body)
        assert answer.status_code == 401, url
        assert answer.headers["www-authenticate"] == "Bearer"


def test_a_customer_sees_nothing_of_another(client: TestClient, house: House) -> None:
    mine = bearer(house.acme_key.secret)
    zeta = house.zeta.customer
    secrets = (zeta.customer_id, zeta.legal_name, house.zeta_bill.bill_id)
    for route, (url, body) in asked_of_zeta(house).items():
        answer = client.request(route[0], url, json=body, headers=mine)
        expected = 403 if ACCESS[route] is Who.OPERATOR else 404
        if route in OWN_WITHOUT_OWNER:
            expected = 200
        assert answer.status_code == expected, (url, answer.text)
        assert not any(secret in answer.text for secret in secrets), url


def test_what_is_refused_changes_nothing(
    client: TestClient, operator: TestClient, house: House
) -> None:
    before = operator.get(f"{API}/deeds").json()
    mine = bearer(house.acme_key.secret)
    for (method, _), (url, body) in asked_of_zeta(house).items():
        client.request(method, url, json=body, headers=mine)
    assert operator.get(f"{API}/deeds").json() == before
    assert operator.get(f"{API}/requests?customer=zeta").json()["items"][1:] == []


def test_a_key_reads_its_own(client: TestClient, house: House) -> None:
    mine = bearer(house.acme_key.secret)
    own = {
        f"{API}/requests/{house.acme_call}": house.acme_call,
        f"{API}/requests": house.acme_call,
        f"{API}/usage?month=2026-10&by=customer": "acme",
        f"{API}/usage?month=2026-10&by=customer&customer=acme": "acme",
        f"{API}/models": "gpt-4o",
        f"{API}/bills": str(house.acme_bill.number),
        f"{API}/bills/{house.acme_bill.number}": "gpt-4o",
        f"{API}/bills/{house.acme_bill.number}/documents/txt": "8.00",
    }
    for url, expected in own.items():
        answer = client.get(url, headers=mine)
        assert answer.status_code == 200, (url, answer.text)
        assert expected in answer.text, url
        assert "zeta" not in answer.text, url


def test_a_key_is_not_shown_what_its_usage_costs_us(
    client: TestClient, operator: TestClient, house: House
) -> None:
    mine = bearer(house.acme_key.secret)
    for url in (f"{API}/requests/{house.acme_call}", f"{API}/usage?customer=acme&month=2026-10"):
        told, shown = client.get(url, headers=mine).json(), operator.get(url).json()
        assert told != shown
        assert re.findall(r"'(?:cost|costs|cost_rate|deployment_id)': (\S+?)[,}]", str(told)) == [
            "None" for _ in re.findall(r"'(?:cost|costs|cost_rate|deployment_id)':", str(told))
        ]


def test_a_draft_is_not_shown_to_its_customer(
    client: TestClient, operator: TestClient, house: House
) -> None:
    """A draft may still change; only what is issued is the customer's."""
    house.acme.uses("2026-11-02 10:00:00", "gpt-4o", input=1_000_000)
    house.books.close("2026-11")
    draft = house.acme.bill("2026-11").bill_id
    mine = bearer(house.acme_key.secret)
    assert operator.get(f"{API}/bills/{draft}").status_code == 200
    assert client.get(f"{API}/bills/{draft}", headers=mine).status_code == 404
    assert draft not in client.get(f"{API}/bills", headers=mine).text


@pytest.mark.parametrize("shown", ["", "Bearer", "Bearer ", "Basic eW91", "Bearer yj-wrong"])
def test_what_is_no_token_is_refused(client: TestClient, shown: str) -> None:
    answer = client.get(f"{API}/customers", headers={"authorization": shown})
    assert answer.status_code == 401
    assert answer.json()["code"] == "unauthenticated"


def test_an_unknown_key_is_refused(client: TestClient) -> None:
    answer = client.get(f"{API}/models", headers=bearer("sk-yj-unknown"))
    assert answer.status_code == 401
    assert "密钥无效" in answer.json()["detail"]


def test_a_revoked_key_is_refused(client: TestClient, database: Database, house: House) -> None:
    revoke_key(database, house.acme_key.key.key_id, by="tests", now=NOW)
    answer = client.get(f"{API}/models", headers=bearer(house.acme_key.secret))
    assert answer.status_code == 401
    assert "已吊销" in answer.json()["detail"]
    assert house.acme_key.secret not in answer.text


def test_an_expired_key_is_refused(
    client: TestClient, database: Database, house: House, clock: FixedClock
) -> None:
    fresh = key_of(database, house.acme, expires_at=NOW + timedelta(hours=1))
    assert client.get(f"{API}/models", headers=bearer(fresh.secret)).status_code == 200
    clock.at = NOW + timedelta(hours=1)
    answer = client.get(f"{API}/models", headers=bearer(fresh.secret))
    assert answer.status_code == 401
    assert "已过期" in answer.json()["detail"]


def test_a_key_sees_only_the_models_it_may_call(
    client: TestClient, operator: TestClient, database: Database, house: House
) -> None:
    narrow = key_of(database, house.acme, models=["gpt-4o"])
    names = [
        m["model_id"]
        for m in client.get(f"{API}/models", headers=bearer(narrow.secret)).json()["items"]
    ]
    assert names == ["gpt-4o"]
    operator.post(f"{API}/models/gpt-4o/disable")
    wide = client.get(f"{API}/models", headers=bearer(house.acme_key.secret)).json()["items"]
    assert [m["model_id"] for m in wide] == ["lab/gpt-4o-mini"]
