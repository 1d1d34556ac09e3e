"""The same thing asked for many times at once happens once."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi.testclient import TestClient

from tests.rooms.fapiao.shop import BOSS, CLERK, SELLER, SELLING, Shop
from tests.scenarios.books import FixedClock
from yuejie.bills.documents.document import Seller
from yuejie.fapiao.fapiao import Fapiao
from yuejie.fapiao.issuing.upload import Upload, upload_fapiao
from yuejie.fapiao.life import FapiaoState
from yuejie.fapiao.request import Pick, Wish, approve_fapiao, request_fapiao, what_is_available
from yuejie.kernel.errors import DomainError
from yuejie.web.app import make_app
from yuejie.web.desk import Desk
from yuejie.web.door import Door


def test_eight_requests_of_one_bill_are_one(shop: Shop) -> None:
    number = shop.bill("2026-10", [(10_600, 60_000)])

    def ask(_: int) -> str:
        wish = Wish(picks=(Pick(number),))
        try:
            drawn = request_fapiao(shop.db, shop.customer_id, wish, SELLING, by=CLERK, now=shop.now)
        except DomainError as error:
            return error.sentence
        return drawn[0].key

    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(ask, range(8)))
    assert sum(each.startswith("N2611") for each in said) == 1
    assert sum("已无可开票金额" in each for each in said) == 7
    with shop.db.read() as tx:
        open_now = what_is_available(tx, shop.customer_id)
    assert (open_now.available_fen, open_now.owed_back_fen) == (0, 0)


def test_eight_approvals_are_one(shop: Shop) -> None:
    (asked,) = shop.request(Pick(shop.bill("2026-10", [(10_600, 60_000)])))

    def approve(_: int) -> bool:
        try:
            approve_fapiao(shop.db, asked.key, provider="nuonuo", by=BOSS, now=shop.now)
        except DomainError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(approve, range(8))) == 1
    with shop.db.read() as tx, tx.cursor as cursor:
        cursor.execute("SELECT count(*) FROM fapiao_errand")
        assert cursor.fetchone() == (1,)


def test_one_number_uploaded_for_eight_requests_at_once_is_one(shop: Shop) -> None:
    asked = [
        shop.approve(shop.request(Pick(shop.bill(f"2026-0{m}", [(10_600, 60_000)])))[0], "manual")
        for m in range(1, 9)
    ]

    def upload(each: Fapiao) -> str:
        given = Upload({"pdf": b"%PDF-1.7"}, "26332000000123456789", shop.now)
        try:
            return str(upload_fapiao(shop.db, each.key, given, by=CLERK, now=shop.now).number)
        except DomainError as error:
            return error.sentence

    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(upload, asked))
    assert sum(each == "26332000000123456789" for each in said) == 1
    assert sum("已登记在" in each for each in said) == 7


@pytest.fixture
def operator(shop: Shop) -> TestClient:
    seller = Seller(SELLER.name, SELLER.tax_number, "示例银行", "0000 0000")
    desk = Desk(Door.opened(shop.db), FixedClock(shop.now), seller, b"p" * 32, "yj-op", b"k" * 32)
    return TestClient(make_app(desk), headers={"authorization": "Bearer yj-op"})


def test_a_fapiao_by_the_api_from_request_to_file(operator: TestClient, shop: Shop) -> None:
    """By hand: requested, not approved by the same person, uploaded, downloaded to the byte."""
    number = shop.bill("2026-10", [(10_600, 60_000)])
    url = "/api/v1/fapiao"
    told = operator.get(f"{url}/available?customer=acme").json()
    assert told["available"] == {"amount": "106.00", "currency": "CNY"}
    wish = {"customer": "acme", "bills": [{"bill": number, "amount": "53.00"}]}
    (asked,) = operator.post(url, json=wish).json()
    assert asked["state"] == "requested"
    refused = operator.post(f"{url}/{asked['key']}/approve")
    assert (refused.status_code, "另一人" in refused.json()["detail"]) == (403, True)
    shop.approve(shop.fapiao(asked["key"]), "manual")
    body = {
        "pdf": "JVBERi0xLjc=",
        "number": "26332000000123456789",
        "issued_at": "2026-11-05T02:00:00Z",
    }
    done = operator.post(f"{url}/{asked['key']}/upload", json=body)
    assert done.json()["number"] == "26332000000123456789"
    got = operator.get(f"{url}/26332000000123456789/files/pdf")
    assert (got.content, got.headers["content-type"]) == (b"%PDF-1.7", "application/pdf")
    whole = operator.get(f"{url}/{asked['key']}").json()
    assert whole["lines"][0]["gross"]["amount"] == "53.00"
    assert shop.fapiao(asked["key"]).state is FapiaoState.ISSUED


def test_a_callback_from_anybody_is_thanked_and_changes_nothing(
    operator: TestClient, shop: Shop
) -> None:
    (asked,) = shop.request(Pick(shop.bill("2026-10", [(10_600, 60_000)])))
    shop.approve(asked)
    for said in (f"orderno={asked.key}&operater=callback&content=%7B%7D", "orderno=", "\x00"):
        answer = operator.post("/fapiao/callbacks/nuonuo", content=said, headers={})
        assert (answer.status_code, answer.json()["status"]) == (200, "0000")
    assert shop.fapiao(asked.key).state is FapiaoState.APPROVED
