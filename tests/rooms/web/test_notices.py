"""Contacts and channels over REST: secrets in one answer only, the log for whom it concerns."""

from fastapi.testclient import TestClient

from tests.rooms.web.conftest import House, bearer
from yuejie.web.auth import API


def test_a_webhooks_key_is_in_one_answer_only(operator: TestClient, house: House) -> None:
    contact = operator.post(f"{API}/notices/contacts?customer=acme", json={"name": "王"}).json()
    url = f"{API}/notices/contacts/{contact['contact_id']}/channels"
    hook = {"kind": "webhook", "address": "https://hooks.example.com/very-secret-path"}
    made = operator.post(url, json=hook).json()
    assert made["key"].startswith("whsec_")
    mine = bearer(house.acme_key.secret)
    seen = operator.get(f"{API}/notices/channels", headers=mine)
    assert [each["channel_id"] for each in seen.json()["items"]] == [made["channel"]["channel_id"]]
    for text in (seen.text, operator.get(f"{API}/deeds").text):
        assert "very-secret" not in text
        assert made["key"] not in text
    turned = operator.post(f"{API}/notices/channels/{made['channel']['channel_id']}/rotate")
    assert turned.json()["key"] not in {"", made["key"]}


def test_an_address_on_the_private_network_is_refused(operator: TestClient, house: House) -> None:
    url = f"{API}/notices/contacts/{house.zeta_contact}/channels"
    for address in ("http://127.0.0.1:5432/", "https://user:x@hooks.example.com/"):
        answer = operator.post(url, json={"kind": "webhook", "address": address})
        assert answer.status_code == 403
        assert answer.json()["code"] == "address_guarded"
