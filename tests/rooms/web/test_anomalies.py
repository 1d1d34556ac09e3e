"""Findings over REST: what they say, people's word on them, and nobody else's."""

from fastapi.testclient import TestClient

from tests.rooms.web.conftest import House, bearer, finding_of
from yuejie.web.auth import API

UNTIL = {"until": "2026-11-06T00:00:00Z", "why": "压测"}


def test_a_finding_says_what_why_and_how_much(operator: TestClient, house: House) -> None:
    said = operator.get(f"{API}/anomalies/{house.zeta_finding}").json()
    assert (said["measure"], said["unit"], said["expected"], said["observed"]) == (
        "tokens",
        "tokens",
        "50000",
        "1000000",
    )
    assert (said["customer"], said["label"]) == ("zeta", "zeta 有限公司")
    assert said["extra"] == {"amount": "5.00", "currency": "CNY"}
    assert said["shares"]["by_key"] == [
        {"name": "key_scenario", "label": "key_scenario", "now": "1000000", "before": "0"}
    ]


def test_people_give_their_word(operator: TestClient, house: House) -> None:
    url = f"{API}/anomalies/{house.zeta_finding}"
    assert operator.post(f"{url}/acknowledge", json={"why": "在查"}).json()["state"] == (
        "acknowledged"
    )
    assert operator.post(f"{url}/acknowledge", json={}).json()["code"] == "finding_illegal"
    assert operator.post(f"{url}/mute", json=UNTIL).json()["state"] == "muted"
    late = operator.post(f"{url}/mute", json={"until": "2027-11-06T00:00:00Z"})
    assert (late.status_code, "90 天" in late.json()["detail"]) == (422, True)
    said = operator.post(f"{url}/feedback", json={"feedback": "false"}).json()
    assert said["feedback"] == "false"
    assert [step["event"] for step in said["steps"]] == ["acknowledge", "mute", "feedback_false"]


def test_the_list_goes_from_page_to_page(operator: TestClient, house: House) -> None:
    made = [house.zeta_finding, *(finding_of(house.books.db, house.acme) for _ in range(2))]
    seen, cursor = [], ""
    for _ in range(3):
        page = operator.get(f"{API}/anomalies?limit=1{cursor}").json()
        seen += [each["finding_id"] for each in page["items"]]
        cursor = f"&cursor={page['next_cursor']}"
    assert page["next_cursor"] is None
    assert seen == sorted(made, reverse=True)
    closed = operator.get(f"{API}/anomalies?state=closed").json()
    assert closed["items"] == []


def test_a_customer_reads_its_own_and_touches_no_others(
    client: TestClient, operator: TestClient, house: House
) -> None:
    own = finding_of(house.books.db, house.acme)
    key = bearer(house.acme_key.secret)
    listed = client.get(f"{API}/anomalies", headers=key).json()["items"]
    assert [each["finding_id"] for each in listed] == [own]
    wanted = {"name": "wang.fang", "role": "finance", "customer": "acme"}
    member = bearer(operator.post(f"{API}/members", json=wanted).json()["token"])
    for word, body in (("acknowledge", {}), ("feedback", {"feedback": "false"}), ("mute", UNTIL)):
        theirs = f"{API}/anomalies/{house.zeta_finding}/{word}"
        assert client.post(theirs, json=body, headers=member).status_code == 404
        mine = f"{API}/anomalies/{own}/{word}"
        assert client.post(mine, json=body, headers=key).status_code == 403
        assert client.post(mine, json=body, headers=member).status_code == 200
    told = operator.get(f"{API}/anomalies/{house.zeta_finding}").json()
    assert (told["state"], told["feedback"], told["steps"]) == ("open", "", [])
