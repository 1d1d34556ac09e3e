"""Errands to the tax platform that a person ends or tries again, over REST."""

from fastapi.testclient import TestClient

from tests.rooms.web.conftest import NOW, House
from tests.rooms.web.papers import FAPIAO
from yuejie.fapiao.issuing.store import add_errand, move_errand, open_errands

API = "/api/v1/fapiao-errands"
KEY = "N2611AAAAAAAAAA"


def test_an_errand_is_tried_again_and_stopped_with_a_reason(
    operator: TestClient, house: House
) -> None:
    with house.books.db.begin() as tx:
        add_errand(tx, "files", FAPIAO, KEY, "nuonuo", at=NOW)
        (errand,) = open_errands(tx)
    there = f"{API}/{errand.errand_id}"
    assert operator.post(f"{there}/retry", json={"why": "已核对"}).status_code == 409
    with house.books.db.begin() as tx:
        move_errand(tx, errand.errand_id, "parked", next_at=NOW, why="平台无此单")
    assert operator.post(f"{there}/retry", json={"why": " "}).status_code == 422
    told = operator.post(f"{there}/retry", json={"why": "已核对"})
    assert (told.status_code, told.json()["state"]) == (200, "sent")
    sent = operator.post(f"{there}/stop", json={"why": "改手工"})
    assert (sent.status_code, "不能停止" in sent.json()["detail"]) == (409, True)
    with house.books.db.begin() as tx:
        move_errand(tx, errand.errand_id, "parked", next_at=NOW, why="平台无此单")
    assert operator.post(f"{there}/stop", json={"why": ""}).status_code == 422
    told = operator.post(f"{there}/stop", json={"why": "改手工"})
    assert (told.status_code, told.json()["why"]) == (200, "改手工")
    assert operator.get(API).json() == []
    assert operator.post(f"{API}/99999999999/stop", json={"why": "x"}).status_code == 409
