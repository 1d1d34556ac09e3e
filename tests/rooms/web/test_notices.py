"""Contacts and channels over REST: secrets in one answer only, the log for whom it concerns."""

from fastapi.testclient import TestClient

from tests.rooms.notices.desk import Memory, notice, tell
from tests.rooms.web.conftest import NOW, House, bearer
from yuejie.db.session import Database
from yuejie.notices.channels.parcel import refused
from yuejie.notices.deliver import deliver_due
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


def test_a_delivery_is_found_looked_at_and_tried_again(
    operator: TestClient, house: House, database: Database
) -> None:
    zeta = house.zeta.customer.customer_id
    post = Memory()
    while deliver_due(database, post, NOW):
        pass  # what the house had told before
    post.moods = [refused("410", "gone")]
    tell(database, notice("k", customer_id=zeta), at=NOW)
    while deliver_due(database, post, NOW):
        pass
    log, zetas = f"{API}/notices/log", bearer(house.zeta_key.secret)
    asked = {"state": "dead", "kind": "bill_issued", "channel_kind": "webhook", "key": "k"}
    (dead,) = operator.get(log, params=asked | {"customer": "zeta"}).json()["items"]
    assert (dead["state"], dead["code"], dead["attempts"]) == ("dead", "410", 1)
    assert operator.get(log, params=asked | {"kind": "overdue"}).json()["items"] == []
    one = f"{log}/{dead['message_id']}"
    whole = operator.get(one, headers=zetas).json()
    assert whole["told"][0]["facts"]["number"] == "B202610-0001"
    assert [each["result"] for each in whole["tries"]] == ["refused"]
    assert dead["message_id"] in whole["text"]
    assert operator.get(one, headers=bearer(house.acme_key.secret)).status_code == 404
    again = {"message_ids": [dead["message_id"]]}
    assert operator.post(f"{log}/retry", json=again, headers=zetas).status_code == 403
    assert operator.post(f"{log}/retry", json=again).json() == {"retried": again["message_ids"]}
    assert operator.post(f"{log}/retry", json=again).status_code == 409
    while deliver_due(database, post, NOW):
        pass
    assert operator.get(one).json()["state"] == "sent"


def test_the_result_of_a_test_is_found_by_its_key(
    operator: TestClient, house: House, database: Database
) -> None:
    pressed = operator.post(f"{API}/notices/channels/{house.zeta_channel}/test")
    key = pressed.json()["notice_key"]
    while deliver_due(database, Memory(), NOW):
        pass
    (one,) = operator.get(f"{API}/notices/log", params={"key": key}).json()["items"]
    assert (one["kinds"], one["state"]) == (["test"], "sent")


def test_an_account_is_set_and_its_secret_is_never_shown(operator: TestClient) -> None:
    url = f"{API}/notices/senders"
    settings = {"host": "smtp.example.com", "from": "bill@example.com", "user": "bill"}
    made = operator.put(f"{url}/email", json={"settings": settings, "secret": "very-secret"})
    assert made.json() == {"kind": "email", "settings": settings}
    for text in (made.text, operator.get(url).text, operator.get(f"{API}/deeds").text):
        assert "smtp.example.com" in text
        assert "very-secret" not in text
    wrong = operator.put(f"{url}/email", json={"settings": settings | {"password": "x"}})
    assert wrong.status_code == 422
    assert "--secret-env" in wrong.json()["detail"]


def test_kinds_say_what_an_sms_template_holds(operator: TestClient) -> None:
    kinds = {each["kind"]: each for each in operator.get(f"{API}/notices/kinds").json()}
    assert kinds["bill_issued"]["facts"] == ["number", "month", "amount", "due_on"]
    assert kinds["suspended"]["severity"] == "urgent"
