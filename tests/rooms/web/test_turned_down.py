"""Corrections that a second person turns down, over REST."""

from fastapi.testclient import TestClient

from tests.rooms.web.conftest import NOW, House
from yuejie.bills.correct.adjust import propose_adjustment
from yuejie.bills.correct.adjustment import Wanted
from yuejie.bills.correct.take_back import request_credit
from yuejie.kernel.period import BillingMonth
from yuejie.web.auth import API


def test_an_adjustment_is_rejected_with_a_reason_and_listed_with_it(
    operator: TestClient, house: House
) -> None:
    wanted = Wanted(
        customer_id=house.acme.customer.customer_id,
        service_month=BillingMonth(2026, 10),
        amount_fen=-100,
        currency="CNY",
        item="补偿",
        why="故障",
    )
    asked = propose_adjustment(house.books.db, wanted, by="a", now=NOW)
    path = f"{API}/adjustments/{asked.adjustment_id}/reject"
    for bare in (operator.post(path), operator.post(path, json={"why": " "})):
        assert (bare.status_code, "须写明原因" in bare.text) == (422, True)
    done = operator.post(path, json={"why": "已另行补偿"}).json()
    assert (done["state"], done["decided_why"]) == ("rejected", "已另行补偿")
    assert operator.get(f"{API}/adjustments").json() == []
    assert operator.get(f"{API}/adjustments", params={"rejected": True}).json() == [done]


def test_a_credit_note_is_rejected_with_a_reason_and_shown_with_it(
    operator: TestClient, house: House
) -> None:
    bill = house.zeta_bill
    asked = request_credit(
        house.books.db, bill.bill_id, amounts={1: 1}, why="故障", by="a", now=NOW
    )
    path = f"{API}/credit-notes/{asked.credit_note_id}/reject"
    assert operator.post(path).status_code == 422
    assert operator.post(path, json={"why": ""}).status_code == 422
    done = operator.post(path, json={"why": "故障不在我方"}).json()
    assert (done["state"], done["decided_why"]) == ("rejected", "故障不在我方")
    listed = operator.get(f"{API}/bills/{bill.number}/credit-notes").json()
    assert done in listed
