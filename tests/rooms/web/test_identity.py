"""A member's tokens, a customer's members, and the record of what was done in whose name."""

import csv
import io
import re
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from tests.rooms.web.conftest import NOW, OPERATOR, PEPPER, bearer
from tests.rooms.web.test_pages import HTML, enter, token_in
from tests.scenarios.books import FixedClock
from yuejie.customers.enrol import Particulars, enrol_customer
from yuejie.customers.members.enrol import enrol_member, revoke_member
from yuejie.customers.members.lead import change_role, dismiss
from yuejie.customers.members.power import Power
from yuejie.customers.tokens.store import tokens_of
from yuejie.customers.tokens.token import AT_ONCE, READ
from yuejie.db.session import Database
from yuejie.kernel.errors import Conflict
from yuejie.kernel.ids import CustomerId
from yuejie.web.auth import API
from yuejie.web.pages.identity import tokens as token_pages

DAY = timedelta(days=1)


@pytest.fixture
def acme(database: Database) -> CustomerId:
    """Two customers, of whom this is one; what they use and owe matters to nobody here."""
    found = [
        enrol_customer(database, Particulars(slug=slug, legal_name=f"{slug} 公司"), by="x", now=NOW)
        for slug in ("acme", "zeta")
    ]
    return found[0].customer_id


@pytest.fixture
def browser(client: TestClient, acme: CustomerId) -> TestClient:
    client.headers.update(HTML)
    client.follow_redirects = False
    return client


def main_token(db: Database, name: str, role: str, customer: str | None = None) -> dict[str, str]:
    made = enrol_member(db, name, role, customer=customer, pepper=PEPPER, by="x", now=NOW)
    return bearer(made.token)


def wish(*scopes: str, days: int = 30) -> dict[str, Any]:
    until = (NOW + timedelta(days=days)).isoformat()
    return {"name": "对账脚本", "scopes": list(scopes), "expires_at": until}


def made(client: TestClient, mine: dict[str, str], *scopes: str) -> dict[str, Any]:
    answer = client.post(f"{API}/tokens", json=wish(*scopes), headers=mine)
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = answer.json()
    return told


def test_a_token_does_what_it_was_given_and_no_more(
    client: TestClient, database: Database, acme: CustomerId
) -> None:
    mine = main_token(database, "li.na", "support")
    narrow = bearer(made(client, mine, "read")["token"])
    wide = bearer(made(client, mine, "read", Power.KEEP_CUSTOMERS)["token"])
    blind = bearer(made(client, mine, Power.KEEP_CUSTOMERS)["token"])
    project = (f"{API}/customers/acme/projects", {"name": "研发"})

    def statuses(who: dict[str, str]) -> tuple[int, int, int]:
        return (
            client.get(f"{API}/customers", headers=who).status_code,
            client.post(project[0], json=project[1], headers=who).status_code,
            client.post(f"{API}/bills/close", json={"month": "2026-10"}, headers=who).status_code,
        )

    assert statuses(narrow) == (200, 403, 403)
    assert statuses(wide) == (200, 200, 403)
    assert statuses(blind)[0] == 403
    assert (
        "没有权限 keep_customers"
        in client.post(project[0], json=project[1], headers=narrow).json()["detail"]
    )


def test_a_token_never_has_more_than_its_member(
    client: TestClient, database: Database, acme: CustomerId
) -> None:
    """Neither when it is made, nor when its member's role shrinks, nor by making another."""
    mine = main_token(database, "wang", "finance", "acme")
    for beyond in (Power.BILL, Power.SET_UP):
        answer = client.post(f"{API}/tokens", json=wish("read", beyond), headers=mine)
        assert (answer.status_code, "自己没有权限" in answer.text) == (403, True)
    token = made(client, mine, "read", Power.SPEAK)
    held = bearer(token["token"])
    other = client.post(f"{API}/tokens", json=wish("read"), headers=held)
    assert (other.status_code, "由成员本人办理" in other.text) == (403, True)
    budget = (f"{API}/customers/acme/budgets", {"name": "本月", "cap": "1000.00"})
    assert client.post(budget[0], json=budget[1], headers=held).status_code == 201
    enrol_member(database, "boss", "admin", customer="acme", pepper=PEPPER, by="x", now=NOW)
    change_role(database, acme, "wang", "auditor", by="x", now=NOW)
    answer = client.post(budget[0], json=budget[1] | {"name": "二"}, headers=held)
    assert answer.status_code == 403
    assert client.get(f"{API}/customers/zeta/budgets", headers=held).status_code == 404
    assert client.get(f"{API}/customers/acme/budgets", headers=held).status_code == 200


def test_a_token_ends_by_time_by_hand_and_with_its_member(
    client: TestClient, database: Database, acme: CustomerId, clock: FixedClock
) -> None:
    mine = main_token(database, "wang", "finance", "acme")
    first, second, third = (made(client, mine, "read") for _ in range(3))

    def status(token: dict[str, Any]) -> int:
        return client.get(f"{API}/bills", headers=bearer(token["token"])).status_code

    assert [status(each) for each in (first, second, third)] == [200, 200, 200]
    path = f"{API}/tokens/{first['token_id']}/revoke"
    stranger = main_token(database, "spy", "admin", "acme")
    assert client.post(path, headers=stranger).status_code == 404
    assert client.post(path, headers=mine).json()["revoked_at"] is not None
    assert client.post(path, headers=mine).status_code == 404
    assert [status(each) for each in (first, second)] == [401, 200]
    clock.at = NOW + timedelta(days=31)
    assert status(second) == 401
    clock.at = NOW
    revoke_member(database, "wang", by="x", now=NOW)
    assert status(third) == 401


def test_a_token_is_kept_as_a_digest_and_shown_once(
    client: TestClient, database: Database, acme: CustomerId
) -> None:
    mine = main_token(database, "wang", "finance", "acme")
    token = made(client, mine, "read")
    assert token["used_at"] is None
    client.get(f"{API}/bills", headers=bearer(token["token"]))
    listed = client.get(f"{API}/tokens", headers=mine)
    assert token["token"] not in listed.text
    (shown,) = listed.json()["items"]
    assert shown["used_at"] is not None
    assert shown["hint"] == token["token"][-4:]
    with database.read() as tx:
        (kept,) = tokens_of(tx, _member_id(client, "wang"))
    assert token["token"].encode() not in kept.digest
    assert token["token"] not in client.get(f"{API}/deeds", headers=OPERATOR).text
    for changed in ({"days": 0}, {"days": 367}):
        answer = client.post(f"{API}/tokens", json=wish("read", **changed), headers=mine)
        assert answer.status_code == 422, answer.text
    for body in (wish(), wish("root"), wish("read") | {"name": " "}):
        assert client.post(f"{API}/tokens", json=body, headers=mine).status_code == 422
    for who in (OPERATOR, bearer("yj-t-guessed")):
        assert client.post(f"{API}/tokens", json=wish("read"), headers=who).status_code in {
            401,
            403,
        }
    for _ in range(AT_ONCE - 1):
        made(client, mine, "read")
    assert client.post(f"{API}/tokens", json=wish("read"), headers=mine).status_code == 409


def _member_id(client: TestClient, name: str) -> str:
    found = client.get(f"{API}/members", headers=OPERATOR).json()
    return str(next(each["member_id"] for each in found if each["name"] == name))


def test_what_a_token_does_is_its_members_and_says_so(
    client: TestClient, database: Database, acme: CustomerId
) -> None:
    """`by` stays the member's, so that nobody is two people; `via` says which token it was."""
    mine = main_token(database, "li.na", "support")
    token = made(client, mine, "read", Power.KEEP_CUSTOMERS)
    held = bearer(token["token"])
    client.post(f"{API}/customers/acme/projects", json={"name": "研发"}, headers=held)
    client.post(f"{API}/customers/acme/projects", json={"name": "法务"}, headers=mine)
    client.get(f"{API}/customers", headers=held)
    told = client.get(f"{API}/deeds?by=operator:li.na", headers=OPERATOR).json()["items"]
    assert [(each["verb"], each["noun"], each["via"]) for each in told] == [
        ("add", "project", ""),
        ("add", "project", token["token_id"]),
        ("use", "token", token["token_id"]),
        ("make", "token", ""),
    ]
    assert told[2]["became"]["path"] == f"{API}/customers/{{customer}}/projects"


def test_a_member_makes_and_revokes_a_token_on_its_page(
    browser: TestClient, database: Database
) -> None:
    enter(database, browser, "acme.finance", "finance", "acme")
    page = browser.get("/tokens")
    assert 'value="set_up"' not in page.text
    form = {"form_token": token_in(page), "name": "<b>脚本", "days": "30", "scope": ["read"]}
    shown = browser.post("/tokens", data=form)
    secret = re.search(r"yj-t-[\w-]+", shown.text)
    assert secret
    assert "&lt;b&gt;脚本" in shown.text
    assert secret[0] not in browser.get("/tokens").text
    assert browser.get(f"{API}/bills", headers=bearer(secret[0])).status_code == 200
    wrongs: list[dict[str, Any]] = [{"scope": ["set_up"]}, {"days": "9999"}, {"scope": []}]
    for wrong in wrongs:
        assert browser.post("/tokens", data=form | wrong).status_code in {403, 422}
    path = re.search(r'action="(/tokens/tok_\w+/revoke)"', browser.get("/tokens").text)
    assert path
    assert browser.post(path[1], data=form).status_code == 303
    assert browser.get(f"{API}/bills", headers=bearer(secret[0])).status_code == 401


def test_an_administrator_keeps_its_own_customers_members(
    browser: TestClient, database: Database
) -> None:
    enter(database, browser, "acme.admin", "admin", "acme")
    form = {"form_token": token_in(browser.get("/team"))}

    def post(path: str, **data: str) -> Response:
        answer: Response = browser.post(path, data=form | data)
        return answer

    shown = post("/team", name="acme.dev", role="developer", email="dev@acme.cn")
    link = re.search(r"/invitation/([\w-]+)", shown.text)
    assert link
    assert "/invitation/" in post("/team/acme.dev/invite").text
    assert post("/team/acme.dev/role", role="auditor").status_code == 303
    assert post("/team/acme.dev/role", role="sales").status_code == 422
    assert post("/team", name="x", role="support").status_code == 422
    assert post("/team/acme.dev/sessions/end").status_code == 303
    assert post("/team/acme.admin/role", role="finance").status_code == 409, "the last one"
    assert post("/team/acme.admin/revoke").status_code == 409
    assert post("/team/acme.dev/revoke").status_code == 303
    assert post("/team/acme.dev/role", role="admin").status_code == 404
    assert "acme.dev" not in browser.get("/team").text


def test_no_administrator_touches_anybody_elses_members(
    browser: TestClient, database: Database
) -> None:
    main_token(database, "zeta.admin", "admin", "zeta")
    main_token(database, "root", "admin")
    enter(database, browser, "acme.admin", "admin", "acme")
    form = {"form_token": token_in(browser.get("/team"))}
    for name in ("zeta.admin", "root", "nobody"):
        for path in ("invite", "role", "sessions/end", "revoke"):
            for query in ("", "?customer=zeta"):
                answer = browser.post(
                    f"/team/{name}/{path}{query}", data=form | {"role": "auditor"}
                )
                assert answer.status_code == 404, (name, path, query)
    answer = browser.post("/team?customer=zeta", data=form | {"name": "spy", "role": "admin"})
    assert answer.status_code == 404
    assert "zeta" not in browser.get("/team").text


@pytest.mark.parametrize("role", ["finance", "developer", "auditor"])
def test_other_members_keep_nobody(browser: TestClient, database: Database, role: str) -> None:
    enter(database, browser, "somebody", role, "acme")
    assert browser.get("/team").status_code == 403
    form = {"form_token": token_in(browser.get("/account")), "name": "spy", "role": "admin"}
    for path in ("/team", "/team/somebody/role", "/team/somebody/revoke"):
        assert browser.post(path, data=form).status_code == 403
    assert browser.get("/deeds").status_code == (200 if role == "auditor" else 403)


def test_the_last_administrator_stays_even_when_two_leave_at_once(
    database: Database, acme: CustomerId
) -> None:
    for name in ("a.a", "b.b"):
        main_token(database, name, "admin", "acme")
    dismiss(database, acme, "a.a", by="x", now=NOW)
    with pytest.raises(Conflict, match="最后一位管理员"):
        dismiss(database, acme, "b.b", by="x", now=NOW)


def test_an_auditor_sees_its_own_customers_deeds_and_nobody_elses(
    browser: TestClient, database: Database, clock: FixedClock
) -> None:
    """A name that was another customer's member before does not bring its deeds along."""
    enter(database, browser, "shared.name", "admin", "zeta")
    browser.get("/account")
    clock.at = NOW + DAY
    revoke_member(database, "shared.name", by="operator:root", now=NOW + DAY)
    clock.at = NOW + 2 * DAY
    enter(database, browser, "shared.name", "auditor", "acme", at=NOW + 2 * DAY)
    page = browser.get("/deeds")
    rows = re.findall(r'<td>([^<]+)</td><td class="words"', page.text)
    assert rows == ["登录", "邀请 接受", "成员 邀请", "成员 登记"]
    listed = browser.get(f"{API}/deeds").json()["items"]
    assert len(listed) == 4
    assert browser.get("/deeds?customer=zeta").status_code == 404
    assert browser.get("/deeds/export?customer=zeta").status_code == 404
    assert browser.get(f"{API}/deeds?customer=zeta").status_code == 404
    assert all(each["at"] >= (NOW + 2 * DAY).isoformat()[:10] for each in listed)


def test_the_export_of_deeds_computes_nothing_and_pages_whole(
    browser: TestClient, database: Database
) -> None:
    for name in ("-cmd", "@sum"):
        main_token(database, name, "finance", "acme")
    enter(database, browser, "acme.admin", "admin", "acme")
    form = {"form_token": token_in(browser.get("/tokens")), "days": "30", "scope": ["read"]}
    browser.post("/tokens", data=form | {"name": '=HYPERLINK("http://evil")'})
    body = browser.get("/deeds/export").text
    cells = [cell for row in csv.reader(io.StringIO(body[1:])) for cell in row]
    assert len(cells) > 30
    assert not [cell for cell in cells if cell[:1] in tuple("=+-@\t\r")]


def test_every_power_has_a_name_on_the_page_of_tokens() -> None:
    assert set(token_pages.CALLED) == {READ, *Power}
