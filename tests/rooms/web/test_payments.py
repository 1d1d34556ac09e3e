"""From a statement to a closed bill over the wire, by people with names of their own."""

from base64 import b64encode
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.rooms.web.conftest import House, bearer
from yuejie.payments.apportion.move import Source
from yuejie.payments.apportion.store import of_bill
from yuejie.web.auth import API

NUMBER = "110912345610801"


def csv(*rows: str) -> str:
    head = "交易日期,交易流水号,贷方发生额,对方户名,对方账号,附言"
    return b64encode("\n".join([head, *rows]).encode("gb18030")).decode()


@pytest.fixture
def boss(operator: TestClient) -> dict[str, str]:
    """A second person of the operator's."""
    wanted = {"name": "boss", "role": "finance"}
    return bearer(operator.post(f"{API}/members", json=wanted).json()["token"])


@pytest.fixture
def account(operator: TestClient) -> str:
    body = {"number": NUMBER, "holder": "月结示例科技有限公司", "bank": "招商银行"}
    assert operator.post(f"{API}/bank/accounts", json=body).status_code == 201
    return NUMBER


def ok(answer: Any) -> Any:
    assert answer.status_code in {200, 201}, answer.text
    return answer.json()


def test_a_payment_a_fee_and_a_refund(
    operator: TestClient, house: House, boss: dict[str, str], account: str
) -> None:
    """
    Acme pays its bill of 8.00 with 7.90 and names it: the machine apportions. One asks for the fee
    of 0.10, nobody approves his own, the boss does; the bill is paid. Ten yuan more go back.
    """
    number, name = house.acme_bill.number, house.acme.customer.legal_name
    url = f"{API}/bank/accounts/{account}/statements"
    rows = [f"2026-11-04,A1,7.90,{name},6222,{number}", f"2026-11-05,A2,10.00,{name},6222,多付"]
    done = ok(operator.post(url, json={"name": "a.csv", "content": csv(*rows)}))
    assert (done["lines"], done["matched"]["apportioned"]) == (2, 1)
    again = ok(operator.post(url, json={"name": "a.csv", "content": csv(*rows)}))
    assert (again["again"], again["lines"]) == (True, 0)

    (open_bill,) = ok(operator.get(f"{API}/customers/acme/receivables"))
    assert open_bill["open"] == {"amount": "0.10", "currency": "CNY"}
    wanted = {"kind": "short_pay", "why": "手续费"}
    waiver = ok(operator.post(f"{API}/bills/{number}/waivers", json=wanted))["waiver_id"]
    assert operator.post(f"{API}/waivers/{waiver}/approve").status_code == 403
    assert operator.post(f"{API}/waivers/{waiver}/reject", headers=boss).status_code == 422
    ok(operator.post(f"{API}/waivers/{waiver}/reject", headers=boss, json={"why": "金额不符"}))
    waiver = ok(operator.post(f"{API}/bills/{number}/waivers", json=wanted))["waiver_id"]
    ok(operator.post(f"{API}/waivers/{waiver}/approve", headers=boss))
    assert ok(operator.get(f"{API}/bills/{number}"))["state"] == "paid"
    with house.books.db.read() as tx:
        booked = of_bill(tx, house.acme.customer.customer_id, house.acme_bill.bill_id)
    (given_up,) = (row for row in booked if row.source is Source.BANK_CHARGES)
    undo = f"{API}/apportionments/{given_up.batch_id}/undo"
    refused = operator.post(undo, json={"why": "客户补付"})
    assert (refused.status_code, "须由另一人撤销" in refused.text) == (403, True)

    receipts = ok(operator.get(f"{API}/receipts?state=suspended"))["items"]
    receipts += ok(operator.get(f"{API}/receipts?state=proposed"))["items"]
    (left,) = receipts
    whole = ok(operator.get(f"{API}/receipts/{left['receipt_id']}"))
    assert whole["candidates"][0]["slug"] == "acme"
    assert whole["outgoing"] == []
    ask = {"amount": "10.00", "why": "多付"}
    refund = ok(operator.post(f"{API}/receipts/{left['receipt_id']}/refunds", json=ask))
    assert (refund["to_name"], refund["to_number"]) == (name, "6222")
    refund_url = f"{API}/refunds/{refund['refund_id']}"
    assert operator.post(f"{refund_url}/approve").status_code == 403
    assert operator.post(f"{refund_url}/reject", headers=boss).status_code == 422
    ok(operator.post(f"{refund_url}/reject", headers=boss, json={"why": "抵下月"}))
    refund = ok(operator.post(f"{API}/receipts/{left['receipt_id']}/refunds", json=ask))
    refund_url = f"{API}/refunds/{refund['refund_id']}"
    ok(operator.post(f"{refund_url}/approve", headers=boss))
    paid = ok(operator.put(f"{refund_url}/paid", json={"paid_on": "2026-11-05"}))
    assert paid["state"] == "paid"
    assert (
        ok(operator.get(f"{API}/receipts/{left['receipt_id']}"))["receipt"]["state"] == "returned"
    )


def test_money_of_another_currency_is_moved_by_its_name(operator: TestClient, house: House) -> None:
    """Acme, of yuan, has sent 10 dollars ahead: 4 become a deposit, no bill takes the rest."""
    body = {"number": "110912345610802", "holder": "月结", "bank": "招商银行", "currency": "USD"}
    assert operator.post(f"{API}/bank/accounts", json=body).status_code == 201
    row = f"2026-11-04,A1,10.00,{house.acme.customer.legal_name},6222,"
    url = f"{API}/bank/accounts/110912345610802/statements"
    ok(operator.post(url, json={"name": "a.csv", "content": csv(row)}))
    (receipt,) = ok(operator.get(f"{API}/receipts"))["items"]
    apportion = f"{API}/receipts/{receipt['receipt_id']}/apportion"
    ok(operator.post(apportion, json={"customer": "acme", "bills": {}}))

    aside, draw = (f"{API}/customers/acme/{deed}" for deed in ("set-aside", "draw"))
    wanted = {"amount": "4.00", "why": "合同约定"}
    assert operator.post(aside, json=wanted).status_code == 409
    wanted["currency"] = "USD"
    assert operator.post(aside, json=wanted | {"why": " "}).status_code == 422
    assert ok(operator.post(aside, json=wanted))["batch_id"]
    assert ok(operator.post(draw, json={"currency": "USD"})) == []
    number = house.acme_bill.number
    named = {"bills": {number: "1.00"}, "currency": "USD"}
    refused = operator.post(draw, json=named)
    assert (refused.status_code, "请写明币种 CNY" in refused.text) == (422, True)
    span = "since=2026-11-01&until=2026-12-01&currency=USD"
    stated = ok(operator.get(f"{API}/customers/acme/statement?{span}"))
    assert (stated["prepayment"]["amount"], stated["deposit"]["amount"]) == ("6.00", "4.00")


def test_a_customer_sees_its_own_and_claims(
    client: TestClient, operator: TestClient, house: House, account: str
) -> None:
    """Its account to pay into, its statement and letters, its standing; and it claims a receipt."""
    mine = bearer(house.acme_key.secret)
    given = {"number": "8801", "account": account}
    ok(operator.post(f"{API}/customers/acme/virtual-accounts", json=given))
    (into,) = ok(client.get(f"{API}/pay-into", headers=mine))
    assert (into["number"], into["own"]) == ("8801", True)
    span = "since=2026-11-01&until=2026-12-01"
    stated = ok(client.get(f"{API}/customers/acme/statement?{span}", headers=mine))
    assert stated["closing"]["amount"] == "8.00"
    letter = client.get(f"{API}/customers/acme/letters/confirmation?{span}", headers=mine)
    assert (letter.status_code, letter.content[:4]) == (200, b"%PDF")
    stands = ok(client.get(f"{API}/customers/acme/standing", headers=mine))
    assert (stands["state"], stands["limit"]) == ("normal", None)

    rows = ["2026-11-04,A1,8.00,北京代付有限公司,7777,"]
    url = f"{API}/bank/accounts/{account}/statements"
    ok(operator.post(url, json={"name": "a.csv", "content": csv(*rows)}))
    wanted = {"name": "wang.fang", "role": "finance", "customer": "acme"}
    token = bearer(operator.post(f"{API}/members", json=wanted).json()["token"])
    claim = {"payer_name": "北京代付有限公司", "amount": "8.00", "paid_on": "2026-11-04"}
    assert client.post(f"{API}/customers/acme/claims", json=claim, headers=mine).status_code == 403
    made = ok(client.post(f"{API}/customers/acme/claims", json=claim, headers=token))
    assert made["found"]
    accept = f"{API}/claims/{made['claim_id']}/accept"
    assert operator.post(accept, json={}).status_code == 409
    paper = {
        "payer_name": "北京代付有限公司",
        "document_name": "代付协议.pdf",
        "document": b64encode(b"scan").decode(),
        "starts_on": "2026-11-01",
    }
    ok(operator.post(f"{API}/customers/acme/payer-authorisations", json=paper))
    ok(operator.post(accept, json={}))
    (done,) = ok(client.get(f"{API}/claims", headers=mine))
    assert done["state"] == "accepted"
    assert ok(client.get(f"{API}/receipts", headers=mine))["items"][0]["state"] == "apportioned"


def test_a_file_that_is_no_statement_is_refused_with_its_row(
    operator: TestClient, account: str
) -> None:
    url = f"{API}/bank/accounts/{account}/statements"
    body = {"name": "x.csv", "content": csv("2026-11-04,A1,八元,甲,1,")}
    answer = operator.post(url, json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "statement_refused")
    assert "第 2 行" in answer.json()["detail"]
    assert operator.post(url, json={"name": "x", "content": "!"}).status_code == 422


def test_one_person_puts_a_stop_off_by_a_month_and_no_longer(
    operator: TestClient, house: House
) -> None:
    """Thirty-one days from 5 November; longer is credit, which takes two people."""
    url = f"{API}/customers/{house.acme.customer.slug}/reprieve"
    refused = operator.post(url, json={"until": "2026-12-07", "why": "款项在途"})
    assert (refused.status_code, "临时额度" in refused.text) == (422, True)
    ok(operator.post(url, json={"until": "2026-12-06", "why": "款项在途"}))


@pytest.mark.usefixtures("house")
def test_a_top_up_says_what_it_is_for(operator: TestClient) -> None:
    wanted = {"account": "sim", "amount": "100.00", "currency": "CNY", "purpose": "top_up"}
    refused = operator.post(f"{API}/providers/payments", json=wanted)
    assert (refused.status_code, "充值和退回没有账单为据" in refused.text) == (422, True)
    asked = ok(operator.post(f"{API}/providers/payments", json=wanted | {"why": "余额将尽"}))
    assert asked["why"] == "余额将尽"
