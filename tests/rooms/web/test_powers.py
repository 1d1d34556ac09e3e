"""Nobody does by the REST API what its role may not do: every route is attacked by every role."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.rooms.web.conftest import House, bearer
from tests.rooms.web.examples import asked_of_zeta
from yuejie.customers.members.member import Role
from yuejie.customers.members.power import HOLDERS, Power
from yuejie.web.auth import ACCESS, API, Who

STEPS = ("POST", f"{API}/contract-drafts/{{draft}}/{{step}}")
"""Needs one power or another, by its step."""
CANCEL = ("POST", f"{API}/jobs/{{job}}/cancel")
"""Needs the power of the job's kind."""
COMPUTES = ("POST", f"{API}/customers/{{customer}}/what-if/{{month}}")
"""A read whose question is too long for an address: it writes nothing."""


def token_of(operator: TestClient, name: str, role: str, customer: str | None = None) -> str:
    wanted = {"name": name, "role": role, "customer": customer}
    token: str = operator.post(f"{API}/members", json=wanted).json()["token"]
    return token


def needed(route: tuple[str, str]) -> Power | None:
    """Return the power that a member of the operator's needs for a route, None to read."""
    who = ACCESS[route]
    if who is Who.SPEAKS:
        return Power.SPEAK
    if who is Who.TELLS:
        return Power.SET_NOTICES
    if who is Who.ASKS:
        return Power.ANSWER
    if route == STEPS:
        return Power.DRAFT_CONTRACTS  # the example submits
    if route == CANCEL:
        return Power.BILL  # the example closes
    return who if isinstance(who, Power) else None


def test_every_route_that_does_something_names_its_power() -> None:
    doing = {
        route
        for route, who in ACCESS.items()
        if route[0] != "GET" and who not in {Who.OPEN, Who.MEMBER} and route != COMPUTES
    }
    assert {route for route in doing if needed(route) is None} == set()
    assert not any(isinstance(who, Power) for (method, _), who in ACCESS.items() if method == "GET")


@pytest.mark.parametrize("role", [Role.SALES, Role.FINANCE, Role.SUPPORT])
def test_a_member_does_what_its_role_may_do_and_nothing_else(
    client: TestClient, operator: TestClient, house: House, role: Role
) -> None:
    """What is refused leaves no deed; what is allowed is answered, if only that it is nowhere."""
    mine = bearer(token_of(operator, "某人", role))
    routes = list(asked_of_zeta(house))
    refused = [each for each in routes if (p := needed(each[0])) and role not in HOLDERS[p]]
    before = operator.get(f"{API}/deeds").json()
    for (method, path), url, body in refused:
        answer = client.request(method, url, json=body, headers=mine)
        said = "无权" in answer.text or "须由" in answer.text
        assert (answer.status_code, said) == (403, True), (path, answer.text)
    assert operator.get(f"{API}/deeds").json() == before
    assert len(refused) > 15
    for (method, path), url, body in routes:
        if ((method, path), url, body) not in refused:
            answer = client.request(method, url, json=body, headers=mine)
            assert answer.status_code != 403, (path, answer.text)


def test_finance_sends_a_draft_back_and_sales_does_not(
    client: TestClient, operator: TestClient
) -> None:
    """Of the steps of a draft, sending back is finance's; the draft is nowhere, for whoever may."""
    sales = bearer(token_of(operator, "小李", "sales"))
    finance = bearer(token_of(operator, "王敏", "finance"))

    def status(step: str, who: dict[str, str]) -> int:
        url = f"{API}/contract-drafts/draft_0/{step}"
        answer = client.post(url, json={"why": "资料不全"}, headers=who)
        return answer.status_code

    assert {step: (status(step, sales), status(step, finance)) for step in
            ("submit", "rework", "withdraw", "reject")} == {
        "submit": (404, 403),
        "rework": (404, 403),
        "withdraw": (404, 403),
        "reject": (403, 404),
    }  # fmt: skip


@pytest.mark.parametrize("role", ["developer", "auditor"])
def test_a_customers_other_members_confirm_no_bill_and_ask_for_no_fapiao(
    client: TestClient, operator: TestClient, house: House, role: str
) -> None:
    theirs = bearer(token_of(operator, "小张", role, "acme"))
    key = bearer(house.acme_key.secret)
    bill = house.acme_bill.number
    asked: list[tuple[str, dict[str, Any]]] = [
        (f"/bills/{bill}/confirm", {"why": "好"}),
        (f"/bills/{bill}/disputes", {"position": 1, "why": "多了"}),
        ("/fapiao", {"bills": [{"bill": bill}]}),
    ]
    for path, body in asked:
        for who in (theirs, key):
            answer = client.post(f"{API}{path}", json=body, headers=who)
            assert answer.status_code == 403, (path, answer.text)


def test_a_customers_administrator_is_none_of_the_operators(
    client: TestClient, operator: TestClient, house: House
) -> None:
    """The roles have the same words: a customer's admin holds none of the operator's powers."""
    theirs = bearer(token_of(operator, "张总", "admin", "zeta"))
    for route, url, body in asked_of_zeta(house):
        if isinstance(ACCESS[route], Power):
            answer = client.request(route[0], url, json=body, headers=theirs)
            assert answer.status_code == 403, url
