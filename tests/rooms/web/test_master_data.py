"""Customers, projects, keys, contracts, catalogue, prices and exchange rates by the API."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.rooms.web.conftest import NOW, House, Museum, bearer
from tests.scenarios.books import FixedClock
from yuejie.web.auth import API


def pages(client: TestClient, url: str, limit: int = 1) -> list[list[dict[str, Any]]]:
    """Walk a list to its end."""
    join = "&" if "?" in url else "?"
    found: list[list[dict[str, Any]]] = []
    cursor = ""
    while True:
        answer = client.get(f"{url}{join}limit={limit}{cursor}")
        assert answer.status_code == 200, answer.text
        found.append(answer.json()["items"])
        following = answer.json()["next_cursor"]
        if following is None:
            return found
        cursor = f"&cursor={following}"


def test_a_customer_is_enrolled_once_and_changed_after(operator: TestClient) -> None:
    body = {"legal_name": "上海示例科技有限公司", "uscc": "91350100M000100Y43"}
    first = operator.put(f"{API}/customers/acme", json=body)
    again = operator.put(f"{API}/customers/acme", json=body | {"bank_name": "示例银行"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["customer_id"] == again.json()["customer_id"]
    assert first.json()["created_at"] == "2026-11-05T02:00:00Z"
    assert operator.get(f"{API}/customers/acme").json()["bank_name"] == "示例银行"
    by_id = operator.get(f"{API}/customers/{first.json()['customer_id']}").json()
    assert by_id["legal_name"] == "上海示例科技有限公司"


def test_currency_and_zone_do_not_move(museum: Museum) -> None:
    answer = museum.operator.put(
        f"{API}/customers/acme", json={"legal_name": "x", "currency": "USD"}
    )
    assert answer.status_code == 409
    assert "不能修改" in answer.json()["detail"]
    assert museum.house.acme.customer.currency == "CNY"


def test_customers_come_page_by_page(operator: TestClient) -> None:
    for slug in ("丙", "乙", "甲", "a", "B"):
        operator.put(f"{API}/customers/{slug}", json={"legal_name": slug})
    found = pages(operator, f"{API}/customers", limit=2)
    assert [len(page) for page in found] == [2, 2, 1]
    slugs = [each["slug"] for page in found for each in page]
    assert sorted(slugs) == sorted(["丙", "乙", "甲", "a", "B"])


def test_a_cursor_of_another_list_is_refused(museum: Museum) -> None:
    cursor = museum.operator.get(f"{API}/customers?limit=1").json()["next_cursor"]
    answer = museum.operator.get(f"{API}/bills?cursor={cursor}")
    assert answer.status_code == 422
    assert "next_cursor" in answer.json()["detail"]


LISTS = (
    "/requests?customer=acme",
    "/usage/worklist",
    "/deeds",
    "/customers/acme/keys",
    "/customers/acme/projects",
    "/customers/acme/contracts",
    "/models",
    "/deployments",
    "/books",
    "/books/list/revisions",
    "/fx",
    "/bills",
    "/bills?customer=acme",
    "/customers",
    "/models/deprecations",
)


def test_every_list_is_the_same_in_pages_and_whole(operator: TestClient, house: House) -> None:
    for hour in (10, 11):
        house.acme.uses(f"2026-11-01 {hour}:00:00", "gpt-4o", input=1, state="unmeasured")
    operator.post(f"{API}/customers/acme/projects", json={"name": "second"})
    for path in LISTS:
        whole = operator.get(f"{API}{path}").json()
        assert whole["next_cursor"] is None
        paged = [each for page in pages(operator, f"{API}{path}") for each in page]
        assert paged == whole["items"], path


@pytest.mark.usefixtures("house")
def test_projects_form_a_tree(operator: TestClient) -> None:
    body = {"name": "检索", "parent": "main", "department": "研发部", "environment": "production"}
    added = operator.post(f"{API}/customers/acme/projects", json=body).json()
    main = operator.get(f"{API}/customers/acme/projects").json()["items"]
    parent = next(each for each in main if each["name"] == "main")
    assert added["parent_id"] == parent["project_id"]
    loop = operator.post(f"{API}/customers/acme/projects", json={"name": "main", "parent": "检索"})
    assert loop.status_code == 409


def test_a_secret_is_shown_once(operator: TestClient, house: House) -> None:
    body = {"project": "main", "name": "后端", "models": ["gpt-4o"]}
    issued = operator.post(f"{API}/customers/acme/keys", json=body)
    assert issued.status_code == 201
    secret = issued.json()["secret"]
    assert secret.startswith("sk-yj-")
    listed = operator.get(f"{API}/customers/acme/keys")
    assert secret not in listed.text
    assert "digest" not in listed.text
    assert issued.json()["key"] in listed.json()["items"]
    deeds = operator.get(f"{API}/deeds?noun=api_key").text
    assert issued.json()["key"]["key_id"] in deeds
    assert secret not in deeds
    assert "digest" not in deeds
    assert house.acme_key.secret not in deeds


def test_old_and_new_key_overlap(
    operator: TestClient, client: TestClient, house: House, clock: FixedClock
) -> None:
    old = house.acme_key
    rotated = operator.post(
        f"{API}/keys/{old.key.key_id}/rotate", json={"overlap_seconds": 3600}
    ).json()
    for secret in (old.secret, rotated["secret"]):
        assert client.get(f"{API}/models", headers=bearer(secret)).status_code == 200
    clock.at = NOW.replace(hour=3)
    assert client.get(f"{API}/models", headers=bearer(old.secret)).status_code == 401
    assert client.get(f"{API}/models", headers=bearer(rotated["secret"])).status_code == 200


def test_a_revoked_key_cannot_be_revoked_again(operator: TestClient, house: House) -> None:
    url = f"{API}/keys/{house.acme_key.key.key_id}/revoke"
    assert operator.post(url).json()["revoked_at"] == "2026-11-05T02:00:00Z"
    assert operator.post(url).status_code == 409


def test_a_key_for_an_undeclared_tag_is_refused(museum: Museum) -> None:
    body = {"project": "main", "name": "x", "tags": {"team": "search"}}
    answer = museum.operator.post(f"{API}/customers/acme/keys", json=body)
    assert answer.status_code == 422
    assert "team" in answer.json()["detail"]
    assert museum.house.acme.customer.tag_names == []


@pytest.mark.usefixtures("house")
def test_a_contract_grows_by_drafts_and_by_no_person_alone(operator: TestClient) -> None:
    """What one person may write is no version of what there is; two may, and it is the next."""
    mine = f"{API}/customers/acme/contracts"
    (was,) = operator.get(mine).json()["items"]
    later = {"book": "list", "starts_at": "2027-01-01T00:00:00+08:00", "tax_mode": "exclusive"}
    earlier = later | {"starts_at": "2020-01-01T00:00:00+08:00"}
    for body in (later, earlier, later | {"currency": "USD", "fx_policy": "bill"}):
        refused = operator.post(mine, json=body)
        assert refused.status_code == 409, refused.text
        said = refused.json()["detail"]
        assert (was["contract_id"] in said, "yuejie contracts amend" in said) == (True, True)
    assert operator.get(mine).json()["items"] == [was]
    assert operator.post(mine, json=later | {"fx_policy": "bill"}).status_code == 422

    drafted = {"customer": "acme", "contract": was["contract_id"]} | later
    drafted |= {"terms": {"type": "open", "credit_class": "startup"}}
    draft = operator.post(f"{API}/contract-drafts", json=drafted).json()["draft_id"]
    finance, boss = (
        bearer(operator.post(f"{API}/members", json={"name": n, "role": r}).json()["token"])
        for n, r in (("finance", "finance"), ("boss", "admin"))
    )
    here, verdict = f"{API}/contract-drafts/{draft}", {"grade": "A", "deposit": "0.00"}
    verdict |= {"comment": "老客户"}
    operator.post(f"{here}/submit", json={})
    read = operator.post(f"{here}/review", json=verdict, headers=finance).json()
    assert operator.post(f"{here}/sign", json={"digest": read["digest"]}).status_code == 403
    signed = operator.post(f"{here}/sign", json={"digest": read["digest"]}, headers=boss)
    assert signed.status_code == 200, signed.text
    assert [each["version"] for each in operator.get(mine).json()["items"]] == [1, 2]


@pytest.mark.usefixtures("house")
def test_one_person_writes_a_first_contract_and_the_same_again_is_the_same(
    operator: TestClient,
) -> None:
    operator.put(f"{API}/customers/nova", json={"legal_name": "新星科技有限公司"})
    body = {"book": "list", "starts_at": "2026-11-01T00:00:00+08:00"}
    signed = operator.post(f"{API}/customers/nova/contracts", json=body)
    assert (signed.status_code, signed.json()["version"]) == (200, 1)
    again = operator.post(f"{API}/customers/nova/contracts", json=body)
    assert again.json() == signed.json()
    assert len(operator.get(f"{API}/customers/nova/contracts").json()["items"]) == 1


@pytest.mark.usefixtures("house")
def test_a_model_with_a_slash_is_disabled_and_enabled(operator: TestClient) -> None:
    url = f"{API}/models/lab/gpt-4o-mini"
    assert operator.post(f"{url}/disable").json()["state"] == "disabled"
    states = {m["model_id"]: m["state"] for m in operator.get(f"{API}/models").json()["items"]}
    assert states == {"gpt-4o": "active", "lab/gpt-4o-mini": "disabled"}
    assert operator.post(f"{url}/enable").json()["state"] == "active"


@pytest.mark.usefixtures("house")
def test_a_deployment_is_drained_and_restored(operator: TestClient) -> None:
    url = f"{API}/deployments/lab/gpt-4o-mini@sim"
    assert operator.post(f"{url}/drain").json()["state"] == "drained"
    listed = operator.get(f"{API}/deployments").json()["items"]
    states = {each["deployment_id"]: each["state"] for each in listed}
    assert states == {"sim": "active", "lab/gpt-4o-mini@sim": "drained"}
    assert operator.post(f"{url}/restore").json()["state"] == "active"


def test_a_price_says_why(museum: Museum) -> None:
    url = f"{API}/books/list/price?model=gpt-4o&at=2026-10-15T20:00:00%2B08:00"
    shown = museum.operator.get(url).json()
    rates = {each["meter"]: each for each in shown["rates"]}
    assert rates["input"]["rate"] == {"rate": "5.00", "currency": "CNY", "per": 1_000_000}
    assert shown["at"] == "2026-10-15T12:00:00Z"
    assert any("第 1 版" in sentence for sentence in rates["output"]["why"])
    early = museum.operator.get(f"{API}/books/list/price?model=gpt-4o&at=2020-01-01T00:00:00Z")
    assert early.status_code == 404


def test_exchange_rates_are_dated(operator: TestClient) -> None:
    body = {
        "base": "USD",
        "quote": "CNY",
        "on_date": "2026-10-31",
        "rate": "7.1",
        "source": "中国外汇交易中心中间价",
    }
    added = operator.post(f"{API}/fx", json=body)
    assert (added.status_code, added.json()["rate"]) == (201, "7.10")
    assert operator.get(f"{API}/fx").json()["items"] == [added.json()]
    for wrong in ("0", "-1", "seven", "7.123456789"):
        assert operator.post(f"{API}/fx", json=body | {"rate": wrong}).status_code == 422


def test_deeds_say_who_and_what_from_what_to_what(operator: TestClient) -> None:
    operator.put(f"{API}/customers/acme", json={"legal_name": "甲"})
    operator.put(f"{API}/customers/acme", json={"legal_name": "乙"})
    newest = operator.get(f"{API}/deeds?noun=customer&name=acme").json()["items"]
    assert [each["verb"] for each in newest] == ["change", "enrol"]
    assert newest[0]["by"] == "api:operator"
    assert (newest[0]["was"]["legal_name"], newest[0]["became"]["legal_name"]) == ("甲", "乙")
    assert operator.get(f"{API}/deeds?by=nobody").json()["items"] == []
