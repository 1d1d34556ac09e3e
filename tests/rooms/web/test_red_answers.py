"""What a buyer's red form is answered with, by two people: at the desk, and over REST."""

import pytest
from fastapi.testclient import TestClient

from tests.rooms.fapiao.shop import SELLING
from tests.rooms.fapiao.test_by_hand import xml
from tests.rooms.web.conftest import NOW, House, bearer
from tests.rooms.web.test_desk_pages import send, went
from tests.rooms.web.test_pages import HTML, admin, browser, enter
from tests.rooms.web.test_powers import token_of
from yuejie.bills.pay import mark_paid
from yuejie.db.session import Database
from yuejie.fapiao.fapiao import RedFapiao
from yuejie.fapiao.issuing.upload import Upload, upload_fapiao
from yuejie.fapiao.request import Pick, Wish, approve_fapiao, request_fapiao
from yuejie.fapiao.reversing.by_hand import Seen, note_buyers_form
from yuejie.fapiao.reversing.form import RedReason
from yuejie.fapiao.reversing.store import red_by_name
from yuejie.web.auth import API

__all__ = ["admin", "browser"]

DESK = "/fapiao-desk"


@pytest.fixture
def red(database: Database, house: House) -> RedFapiao:
    """Zeta's own red form, as a person saw it on the tax office's site."""
    with database.begin() as tx:
        mark_paid(tx, house.zeta_bill.bill_id, by="x", at=NOW, why="到账")
    wish = Wish(picks=(Pick(str(house.zeta_bill.number)),), title_id=house.zeta_title)
    customer_id = house.zeta.customer.customer_id
    (asked,) = request_fapiao(database, customer_id, wish, SELLING, by="x", now=NOW)
    approve_fapiao(database, asked.key, provider="manual", by="y", now=NOW)
    issued = xml(net="7.55", tax="0.45", gross="8.00", issued="2026-11-05 09:30:00")
    upload_fapiao(database, asked.key, Upload({"xml": issued}), by="x", now=NOW)
    seen = Seen(fapiao=asked.key, number="440100", filed_at=NOW, reason=RedReason.MISTAKE)
    return note_buyers_form(database, seen, by="x", now=NOW)


def now_said(db: Database, red: RedFapiao) -> tuple[str, str | None, str | None]:
    with db.read() as tx:
        found = red_by_name(tx, red.red_id)
    assert found is not None
    return found.answer, found.answered_by, found.approved_by


def test_over_rest_a_second_person_lets_the_answer_go_out_that_was_seen(
    operator: TestClient, client: TestClient, database: Database, red: RedFapiao
) -> None:
    """Whose is neither of the two, whose own it is, and who saw another answer are refused."""
    one, two = (bearer(token_of(operator, name, "finance")) for name in ("李财务", "赵财务"))
    buyer = bearer(token_of(operator, "泽塔财务", "finance", "zeta"))
    answer = f"{API}/red-fapiao/{red.key}/answer"
    let = f"{answer}/approve"
    early = client.post(let, headers=two)
    assert (early.status_code, "还没有拟定答复" in early.json()["detail"]) == (409, True)
    proposed = client.post(answer, headers=one, json={"agree": True, "why": "抬头有误"})
    assert (proposed.status_code, proposed.json()["answer"]) == (200, "agree")
    own = client.post(let, headers=one)
    assert (own.status_code, "须由另一人批准" in own.json()["detail"]) == (403, True)
    for headers in (buyer, {}):
        refused = client.post(let, headers=headers)
        assert refused.status_code in {401, 403}, refused.text
        assert client.post(answer, headers=headers, json={"agree": False}).status_code in {401, 403}
    other = client.post(f"{let}?agree=false", headers=two)
    assert (other.status_code, "拟定的答复已改" in other.json()["detail"]) == (409, True)
    odd = client.post(f"{let}?agree=perhaps", headers=two)
    assert odd.status_code == 422
    assert now_said(database, red) == ("agree", "operator:李财务", None)
    client.post(answer, headers=one, json={"agree": False, "why": "服务已验收"})
    changed = client.post(f"{let}?agree=true", headers=two)
    assert (changed.status_code, "拟定的答复已改" in changed.json()["detail"]) == (409, True)
    done = client.post(f"{let}?agree=false", headers=two)
    assert (done.status_code, done.json()["approved_by"]) == (200, "operator:赵财务")
    again = client.post(f"{let}?agree=false", headers=two)
    assert (again.status_code, "不能再改" in again.json()["detail"]) == (409, True)
    assert now_said(database, red) == ("deny", "operator:李财务", "operator:赵财务")
    contrary = client.post(
        f"{API}/red-fapiao/{red.key}/ended", headers=two, json={"ended": "confirmed"}
    )
    assert (contrary.status_code, "请写明原因" in contrary.json()["detail"]) == (409, True)


def test_at_the_desk_a_second_person_lets_the_answer_go_out_that_was_seen(
    admin: TestClient, database: Database, red: RedFapiao
) -> None:
    answer = f"{DESK}/reds/{red.red_id}/answer"
    let = f"{answer}/approve"
    early = send(admin, DESK, let, answer="agree")
    assert (early.status_code, "还没有拟定答复" in early.text) == (409, True)
    went(send(admin, DESK, answer, answer="agree", why="抬头有误"), DESK)
    own = send(admin, DESK, let, answer="agree")
    assert (own.status_code, "须由另一人批准" in own.text) == (403, True)
    assert send(admin, DESK, let, answer="perhaps").status_code == 422
    assert send(admin, DESK, let).status_code == 422
    buyer = TestClient(admin.app, headers=HTML, follow_redirects=False)
    enter(database, buyer, "泽塔财务", "finance", "zeta")
    assert buyer.get(DESK).status_code in {403, 404}
    refused = send(buyer, "/fapiao", let, answer="agree")
    assert refused.status_code in {403, 404}, refused.text
    enter(database, admin, "李财务", "finance", None)
    assert "批准答复" in admin.get(DESK).text
    went(send(admin, DESK, answer, answer="deny", why="服务已验收"), DESK)
    enter(database, admin, "赵财务", "finance", None)
    changed = send(admin, DESK, let, answer="agree")
    assert (changed.status_code, "拟定的答复已改" in changed.text) == (409, True)
    assert now_said(database, red)[2] is None
    went(send(admin, DESK, let, answer="deny"), DESK)
    assert now_said(database, red)[0] == "deny"
    ended = f"{DESK}/reds/{red.red_id}/ended"
    contrary = send(admin, DESK, ended, ended="confirmed")
    assert (contrary.status_code, "请写明原因" in contrary.text) == (409, True)
    went(send(admin, DESK, ended, ended="confirmed", why="税局显示已确认"), DESK)
    ends = admin.get(DESK).text
    assert ('value="withdrawn"' in ends, 'value="lapsed"' in ends) == (True, False)


def test_a_reason_that_no_database_keeps_is_refused_in_words(
    admin: TestClient, operator: TestClient, database: Database, red: RedFapiao
) -> None:
    """A NUL in a form was an error of ours; markup is words, and shown as such."""
    there = f"{DESK}/reds/{red.red_id}/answer"
    refused = send(admin, DESK, there, answer="deny", why="抬头\0有误")
    assert (refused.status_code, "看不见的空字符" in refused.text) == (422, True)
    assert now_said(database, red) == ("", None, None)
    for blank in ("", "  \t ", "\u3000"):
        assert send(admin, DESK, there, answer="deny", why=blank).status_code == 422
    went(send(admin, DESK, there, answer="deny", why="<script>alert(1)</script>\x1b"), DESK)
    assert "<script>alert" not in admin.get(DESK).text
    body = {"why": " \n"}
    empty = operator.post(f"{API}/red-fapiao/{red.key}/withdraw", json=body)
    assert (empty.status_code, "请写明撤回红冲的原因" in empty.json()["detail"]) == (422, True)
    wish = {"reason": "mistake", "why": "\u3000"}
    empty = operator.post(f"{API}/fapiao/{red.fapiao_id}/reverse", json=wish)
    assert (empty.status_code, "请写明为什么红冲" in empty.json()["detail"]) == (422, True)
