"""Refused calls over REST and on their page: why, whose, what to do, and nobody else's."""

from uuid import UUID

import pytest
from fastapi.testclient import TestClient

from tests.rooms.web.conftest import NOW, House, bearer
from tests.rooms.web.test_pages import HTML, enter
from yuejie.kernel.ids import uuid7_at
from yuejie.usage.journal import RefusedOne
from yuejie.usage.refusals.store import add_refusals, add_refused_calls
from yuejie.usage.store import enter_epoch
from yuejie.web.auth import API

ZETAS, NOBODYS = UUID(bytes=uuid7_at(1)), UUID(bytes=uuid7_at(2))
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
    at_us, about = 1_000_000 * MINUTE_S, {"name": "测试环境", "left": "0.02 CNY"}
    whose = (key.customer_id, key.project_id, key.key_id)
    ones = [
        RefusedOne(ZETAS.bytes, at_us, *whose, "gpt-4o", "cap_used_up", 402, about),
        RefusedOne(NOBODYS.bytes, at_us, "", "", "", "", "key_unknown", 401),
    ]
    with house.books.db.begin() as tx:
        add_refusals(tx, rows, epoch=enter_epoch(tx))
        add_refused_calls(tx, ones)
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


def test_one_refused_call_is_its_customers_or_the_operators(
    client: TestClient, operator: TestClient, refused: House
) -> None:
    """Each way to ask for a request answers for refusals; a stranger's is the operator's alone."""
    zetas, nobodys = (f"{API}/requests/req_{each.hex}" for each in (ZETAS, NOBODYS))
    own = client.get(zetas, headers=bearer(refused.zeta_key.secret)).json()
    said = own["refused"]
    assert (own["attempts"], own["charge"], said["status"]) == ([], None, 402)
    assert (said["reason"], said["party"], said["about"]["left"]) == (
        "cap_used_up",
        "customer",
        "0.02 CNY",
    )
    acme = bearer(refused.acme_key.secret)
    for path in (zetas, nobodys):
        answer = client.get(path, headers=acme)
        assert answer.status_code == 404
        assert "每分钟只有前 5 次" in answer.json()["detail"]
        assert operator.get(path).status_code == 200


def test_the_page_finds_a_call_by_its_id(client: TestClient, refused: House) -> None:
    client.headers.update(HTML)
    client.follow_redirects = False
    enter(refused.books.db, client, "li.na", "finance", "zeta", at=NOW)
    found = client.get(f"/requests?id=req_{ZETAS.hex}")
    assert found.headers["location"] == f"/requests/req_{ZETAS.hex}"
    page = client.get(found.headers["location"]).text
    for words in ("额度已用完", "提高额度、减小 max_tokens", "测试环境", "0.02 CNY", "gpt-4o"):
        assert words in page
    assert client.get(f"/requests/req_{NOBODYS.hex}").status_code == 404
    enter(refused.books.db, client, "wang.op", "admin", None, at=NOW)
    assert "密钥无效" in client.get(f"/requests/req_{NOBODYS.hex}").text
