"""Two customers never see each other's rows, and a key never does what only the operator may.

Every route of the application is walked: one that ACCESS does not name cannot be served, and for
one that it names an example is made up about another customer.
"""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from tests.rooms.web.conftest import NOW, House, Museum, bearer, key_of
from tests.rooms.web.examples import NOWHERE, ODD, asked_of_zeta
from tests.scenarios.books import FixedClock
from yuejie.bills.pay import mark_paid
from yuejie.contracts.terms import STANDARD
from yuejie.customers.keys import revoke_key
from yuejie.db.session import Database
from yuejie.web.app import build_app, served
from yuejie.web.auth import ACCESS, API, Who
from yuejie.web.pages.frame.access import PAGES


def test_every_example_is_one_that_the_operator_may_ask(operator: TestClient, house: House) -> None:
    """A refusal below is about who asks, not about a mistake in the example."""
    with house.books.db.begin() as tx:
        mark_paid(tx, house.zeta_bill.bill_id, by="tests", at=NOW, why="先款后票")
    for (method, template), url, body in asked_of_zeta(house):
        if ACCESS[method, template] is Who.MEMBER:
            continue  # nobody's but a member's own
        if (method, url) == ("POST", f"{API}/customers/zeta/limits"):
            limited = replace(STANDARD, credit_limit_fen=50)
            house.books.amend(house.zeta, limited, starts=datetime(2026, 12, 1, tzinfo=UTC))
        answer = operator.request(method, url, json=body)
        odd = template.endswith(NOWHERE if method == "GET" else ODD)
        assert answer.status_code in ({404, 409} if odd else {200, 201, 202}), (url, answer.text)


OWN_WITHOUT_OWNER = {
    ("GET", f"{API}/models"),
    ("GET", f"{API}/auto-models"),
    ("GET", f"{API}/notices/kinds"),
    ("GET", f"{API}/incidents"),
}
"""Served to every key from its own contract, or the same to all; nobody else's can be named."""


def test_the_table_names_every_route_and_nothing_else(museum: Museum) -> None:
    app = museum.client.app
    assert isinstance(app, FastAPI)
    assert served(app) == ACCESS.keys() | PAGES.keys()


def test_no_route_is_analysed_twice() -> None:
    """A router that is included has each of its routes built anew: most of a second at a start."""
    assert {type(route) for route in build_app().routes} == {APIRoute}


def test_nobody_passes_without_a_token(museum: Museum) -> None:
    for (method, _), url, body in asked_of_zeta(museum.house):
        answer = museum.client.request(method, url, json=body)
        assert answer.status_code == 401, url
        assert answer.headers["www-authenticate"] == "Bearer"


def test_a_customer_sees_nothing_of_another(museum: Museum) -> None:
    mine = bearer(museum.house.acme_key.secret)
    zeta = museum.house.zeta.customer
    secrets = (zeta.customer_id, zeta.legal_name, museum.house.zeta_bill.bill_id)
    before = museum.operator.get(f"{API}/deeds").json()
    for route, url, body in asked_of_zeta(museum.house):
        answer = museum.client.request(route[0], url, json=body, headers=mine)
        expected = 404 if ACCESS[route] is Who.OWN else 403
        if route in OWN_WITHOUT_OWNER:
            expected = 200
        assert answer.status_code == expected, (url, answer.text)
        assert not any(secret in answer.text for secret in secrets), url
    assert museum.operator.get(f"{API}/deeds").json() == before, "what is refused changes nothing"
    assert len(museum.operator.get(f"{API}/requests?customer=zeta").json()["items"]) == 1


def test_a_customers_member_speaks_for_nobody_else(
    client: TestClient, operator: TestClient, house: House
) -> None:
    wanted = {"name": "wang.fang", "role": "finance", "customer": "acme"}
    token = operator.post(f"{API}/members", json=wanted).json()["token"]
    for route, url, body in asked_of_zeta(house):
        if ACCESS[route] is Who.MEMBER:
            continue  # its own, not zeta's
        answer = client.request(route[0], url, json=body, headers=bearer(token))
        expected = 404 if ACCESS[route] in {Who.OWN, Who.SPEAKS, Who.TELLS, Who.ASKS} else 403
        assert answer.status_code == (200 if route in OWN_WITHOUT_OWNER else expected), url
    assert operator.post(f"{API}/members/wang.fang/revoke").status_code == 200
    answer = client.get(f"{API}/bills", headers=bearer(token))
    assert (answer.status_code, "已停用" in answer.json()["detail"]) == (401, True)


def test_an_auditor_reads_and_gives_no_word(
    client: TestClient, operator: TestClient, house: House
) -> None:
    wanted = {"name": "auditor", "role": "auditor", "customer": "acme"}
    token = operator.post(f"{API}/members", json=wanted).json()["token"]
    bill = f"{API}/bills/{house.acme_bill.number}"
    assert client.get(bill, headers=bearer(token)).status_code == 200
    answer = client.post(f"{bill}/confirm", json={"why": "好"}, headers=bearer(token))
    assert answer.status_code == 403


def test_a_key_reads_its_own(museum: Museum) -> None:
    house, mine = museum.house, bearer(museum.house.acme_key.secret)
    own = {
        f"{API}/requests/{house.acme_call}": house.acme_call,
        f"{API}/requests": house.acme_call,
        f"{API}/usage?month=2026-10&by=customer": "acme",
        f"{API}/usage?month=2026-10&by=customer&customer=acme": "acme",
        f"{API}/models": "gpt-4o",
        f"{API}/contracts": house.acme.customer.customer_id,
        f"{API}/bills": str(house.acme_bill.number),
        f"{API}/bills/{house.acme_bill.number}": "gpt-4o",
        f"{API}/bills/{house.acme_bill.number}/documents/txt": "8.00",
    }
    for url, expected in own.items():
        answer = museum.client.get(url, headers=mine)
        assert answer.status_code == 200, (url, answer.text)
        assert expected in answer.text, url
        assert "zeta" not in answer.text, url


def test_a_key_is_not_shown_what_its_usage_costs_us(museum: Museum) -> None:
    house, mine = museum.house, bearer(museum.house.acme_key.secret)
    ours = re.compile(r"'(?:cost|costs|cost_rate|deployment_id)': ([^,}]+)")
    for url in (f"{API}/requests/{house.acme_call}", f"{API}/usage?customer=acme&month=2026-10"):
        told = ours.findall(str(museum.client.get(url, headers=mine).json()))
        shown = ours.findall(str(museum.operator.get(url).json()))
        assert set(told) == {"None"}
        assert "None" not in shown


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
def test_what_is_no_token_is_refused(museum: Museum, shown: str) -> None:
    answer = museum.client.get(f"{API}/customers", headers={"authorization": shown})
    assert answer.status_code == 401
    assert answer.json()["code"] == "unauthenticated"


def test_an_unknown_key_is_refused(museum: Museum) -> None:
    answer = museum.client.get(f"{API}/models", headers=bearer("sk-yj-unknown"))
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
