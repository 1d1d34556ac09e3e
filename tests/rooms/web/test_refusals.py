"""Refused calls over REST and on their page: why, whose, what to do, and nobody else's."""

import pytest
from fastapi.testclient import TestClient

from tests.rooms.web.conftest import NOW, House, bearer
from tests.rooms.web.test_pages import HTML, enter
from yuejie.usage.refusals.store import add_refusals
from yuejie.usage.store import enter_epoch
from yuejie.web.auth import API

MINUTE_S = int(NOW.timestamp()) // 60 * 60 - 600


@pytest.fixture
def refused(house: House) -> House:
    """Zeta's cap is used up, acme met a worker that stops, a stranger has no key."""
    key = house.zeta_key.key
    rows = [
        (MINUTE_S, key.customer_id, key.project_id, key.key_id, "gpt-4o", "cap_used_up", 402, 7),
        (MINUTE_S, house.acme.customer.customer_id, "", "", "", "stopping", 503, 2),
        (MINUTE_S, "", "", "", "", "key_unknown", 401, 5),
    ]
    with house.books.db.begin() as tx:
        add_refusals(tx, rows, epoch=enter_epoch(tx))
    return house


def test_a_customer_reads_why_its_own_calls_were_refused(
    client: TestClient, operator: TestClient, refused: House
) -> None:
    key = bearer(refused.acme_key.secret)
    own = client.get(f"{API}/usage/refusals", headers=key).json()
    assert own["calls"] == 2
    [line] = own["lines"]
    assert (line["reason"], line["party"], line["advice"]) == ("stopping", "ours", "立即重试")
    assert (line["customer_id"], line["hour"], line["key_id"]) == ("", None, "")
    theirs = client.get(f"{API}/usage/refusals?customer=zeta", headers=key)
    assert theirs.status_code == 404
    everybody = operator.get(f"{API}/usage/refusals?by=customer&by=hour").json()
    assert everybody["calls"] == 14
    assert {each["customer_id"] for each in everybody["lines"]} >= {
        "",
        refused.acme.customer.customer_id,
    }
    assert all(each["hour"] for each in everybody["lines"])
    asked = (
        f"{API}/usage/refusals?reason=cap_used_up&model=gpt-4o&key={refused.zeta_key.key.key_id}"
    )
    assert operator.get(asked).json()["calls"] == 7
    assert operator.get(f"{API}/usage/refusals?reason=x").status_code == 422
    late = f"{API}/usage/refusals?since=2026-01-01T00:00:00Z"
    assert "92 天" in operator.get(late).json()["detail"]


def test_the_page_says_what_to_do(client: TestClient, refused: House) -> None:
    db = refused.books.db
    client.headers.update(HTML)
    client.follow_redirects = False
    enter(db, client, "li.na", "finance", "zeta", at=NOW)
    page = client.get("/refusals").text
    assert "额度已用完" in page
    assert "提高额度、减小 max_tokens" in page
    assert "网关正在停机" not in page.split("<tbody>", 1)[1]
    assert "共 7 次" in page
    assert "没有被拒绝的调用" in client.get("/refusals?reason=stopping").text
    enter(db, client, "wang.op", "admin", None, at=NOW)
    page = client.get("/refusals?hours=168").text
    assert "其中 2 次是平台的责任" in page
    assert "zeta 有限公司" in page
