"""Price files over REST: what changes a price waits for a second member with the power."""

from typing import Any

from fastapi.testclient import TestClient

from tests.rooms.web.conftest import House
from yuejie.web.auth import API

LIST = 'currency = "CNY"\n[models."gpt-4o"]\ninput = "%s"\noutput = "15"\n'
FILE = {"name": "next.toml", "content": LIST % "9", "why": "上游涨价"}
ROUTE = f"{API}/books/list/imports"


def members(operator: TestClient, *wanted: tuple[str, str]) -> list[dict[str, str]]:
    """Return the headers of new members of the operator's, by name and role."""
    found = []
    for name, role in wanted:
        made = operator.post(f"{API}/members", json={"name": name, "role": role})
        assert made.status_code == 201, made.text
        found.append({"authorization": f"Bearer {made.json()['token']}"})
    return found


def test_one_member_asks_and_another_approves(operator: TestClient, house: House) -> None:
    del house
    ann, bob, eve = members(operator, ("ann", "finance"), ("bob", "admin"), ("eve", "sales"))
    tried = operator.post(ROUTE, json=FILE, headers=ann).json()
    assert (tried["needs_another"], tried["refused"], tried["change_id"]) == (True, False, None)
    said = [each["sentence"] for each in tried["remarks"] if each["severity"] == "approve"]
    assert any("由 5.00 变为 9.00" in each for each in said), tried
    asked = operator.post(ROUTE, json=FILE | {"dry_run": False}, headers=ann).json()
    change = asked["change_id"]
    here = f"{API}/price-changes/{change}"
    shown = operator.get(here, headers=eve).json()
    assert (shown["state"], shown["asked_by"], shown["hindrance"]) == ("asked", "operator:ann", "")
    assert _moved(operator.get(f"{here}/prices").json()) == {"input": ("up", "5.00", "9.00")}
    assert operator.post(f"{here}/approve", headers=eve).status_code == 403, "no power"
    assert operator.post(f"{here}/approve", headers=ann).status_code == 403, "her own"
    done = operator.post(f"{here}/approve", json={"why": "已核对"}, headers=bob)
    assert done.status_code == 200, done.text
    assert (done.json()["decided_by"], done.json()["revision"]) == ("operator:bob", 2)
    last = operator.get(f"{API}/books/list/revisions").json()["items"][-1]
    assert last["body_hash"] == shown["sha256"]
    assert last["approved_by"] == "operator:bob"
    assert operator.post(f"{here}/reject", headers=bob).status_code == 422
    late = operator.post(f"{here}/reject", json={"why": "晚了"}, headers=bob)
    assert late.status_code == 409
    deeds = operator.get(f"{API}/deeds", params={"noun": "price_change"}).json()["items"]
    assert {(each["by"], each["verb"]) for each in deeds} == {
        ("operator:ann", "ask"),
        ("operator:bob", "approve"),
    }


def _moved(page: dict[str, Any]) -> dict[str, tuple[str, str, str]]:
    return {
        each["meter"]: (each["kind"], each["was"]["rate"], each["became"]["rate"])
        for each in page["items"]
        if each["kind"] != "same"
    }


def test_whoever_holds_the_house_token_is_one_person_too(
    operator: TestClient, house: House
) -> None:
    """A house with a single administrator asks here and approves at the machine."""
    del house
    change = operator.post(ROUTE, json=FILE | {"dry_run": False}).json()["change_id"]
    here = f"{API}/price-changes/{change}"
    assert operator.post(f"{here}/approve").status_code == 403
    listed = operator.get(f"{API}/price-changes", params={"state": "asked", "book": "list"})
    assert [each["change_id"] for each in listed.json()["items"]] == [change]
    assert operator.post(f"{here}/withdraw").json()["state"] == "withdrawn"
    assert operator.get(f"{API}/price-changes", params={"state": "asked"}).json()["items"] == []


def test_a_new_model_is_published_and_a_slip_is_said(operator: TestClient, house: House) -> None:
    del house
    new = {"name": "new.toml", "content": LIST.replace("gpt-4o", "o9") % "1", "dry_run": False}
    assert operator.post(ROUTE, json=new).json()["revision"] == 2
    slip = operator.post(ROUTE, json=FILE | {"content": LIST % "-1", "dry_run": False})
    assert (slip.status_code, "不能为负" in slip.json()["detail"]) == (422, True)
    tried = operator.post(ROUTE, json=FILE | {"content": LIST % "-1"})
    assert (tried.status_code, tried.json()["refused"]) == (200, True)
