"""Two customers never see each other's rows, and a key never does what only the operator may.

Every route of the application is walked: one that ACCESS does not name cannot be served, and for
one that it names an example is made up about another customer.
"""

import re
from base64 import b64encode
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from tests.rooms.web.conftest import FORM, NOW, House, Museum, bearer, key_of
from tests.rooms.web.papers import FAPIAO
from tests.scenarios.books import FixedClock
from yuejie.bills.pay import mark_paid
from yuejie.contracts.store import contracts_of
from yuejie.customers.keys import revoke_key
from yuejie.db.session import Database
from yuejie.web.app import served
from yuejie.web.auth import ACCESS, API, Who
from yuejie.web.pages.frame.access import PAGES

QUERIES = {
    "/cloud-costs": "?month=2026-10",
    "/books/{book_id}/price": "?model=gpt-4o",
    "/usage": "?customer=zeta&month=2026-10",
    "/usage/worklist": "?customer=zeta",
    "/requests": "?customer=zeta",
    "/bills": "?customer=zeta",
    "/customers/{customer}/bills/live/stream": "?seconds=1",
    "/proofs/{month}": "?customer=zeta",
    "/fapiao/available": "?customer=zeta",
    "/fapiao/titles": "?customer=zeta",
    "/fapiao": "?customer=zeta",
    "/red-fapiao": "?customer=zeta",
    "/contracts": "?customer=zeta",
    "/contract-ends": "?customer=zeta",
    "/contract-drafts": "?customer=zeta",
    "/contract-drafts/{draft}/papers": "?name=x",
    "/pay-into": "?customer=zeta",
    "/receipts": "?customer=zeta",
    "/claims": "?customer=zeta",
    "/customers/{customer}/statement": "?since=2026-10-01&until=2026-11-01",
    "/customers/{customer}/letters/{letter}": "?since=2026-10-01&until=2026-11-01",
    "/ledger/balances": "?party=zeta",
    "/ledger/trial-balance": "?first=2026-10",
    "/ledger/statement": "?party=zeta&account=receivable&first=2026-10",
    "/ledger/entries": "?first=2026-10",
    "/sla/{month}": "?customer=zeta",
    "/sla/{month}/pdf": "?customer=zeta",
    "/customers/{customer}/trend/comparison": "?before=2026-09&after=2026-10",
    "/anomalies": "?customer=zeta",
    "/tickets": "?customer=zeta",
    "/routing/{month}": "?customer=zeta",
    "/reports": "?customer=zeta",
    "/advice": "?customer=zeta",
    "/deeds": "?customer=zeta",
    "/notices/contacts": "?customer=zeta",
    "/notices/channels": "?customer=zeta",
    "/notices/log": "?customer=zeta",
}

EVENT = {
    "id": "1",
    "customer": "zeta",
    "project": "main",
    "model": "gpt-4o",
    "meters": {"input": 1},
    "started_at": "2026-11-01T00:00:00Z",
}
RATE = {"base": "USD", "quote": "CNY", "on_date": "2026-10-31", "rate": "7", "source": "x"}
USAGE = b64encode(b"started_at,model,input\n2026-09-01,gpt-4o,1\n").decode()
CSV = b64encode("交易日期,贷方发生额,对方户名\n2026-10-01,1.00,x\n".encode()).decode()
DRAFT = {"customer": "zeta", "book": "list", "starts_at": "2026-12-01T00:00:00Z"}
CLOUD: Final = b64encode(
    b"BilledCost,BillingAccountId,BillingCurrency,BillingPeriodStart,ChargeCategory,EffectiveCost,"
    b"ServiceName\n1,p,CNY,2026-10-01,Usage,1,S3\n"
).decode()
BODIES: dict[str, Any] = {
    "PUT /customers/{customer}": {"legal_name": "别人"},
    "POST /customers/{customer}/projects": {"name": "x"},
    "POST /customers/{customer}/keys": {"project": "main", "name": "x"},
    "POST /customers/{customer}/contracts": {"book": "list", "starts_at": "2027-01-01T00:00:00Z"},
    "POST /customers/{customer}/budgets": {"name": "本月", "cap": "1000.00"},
    "PUT /customers/{customer}/budgets/{budget}": {"cap": "2000.00"},
    "POST /customers/{customer}/budgets/{budget}/end": {},
    "POST /customers/{customer}/protection-policies": {"action": "pause"},
    "POST /customers/{customer}/protections/{protection}/release": {"why": "已核实"},
    "POST /keys/{key_id}/rotate": {},
    "POST /nodes/{node}/drain": {"why": "检修"},
    "POST /nodes/{node}/resume": {"why": "检修完毕"},
    "POST /nodes/{node}/lost": {"confirm": "node-0", "why": "磁盘损坏"},
    "POST /fx": RATE,
    "POST /usage/worklist/{event_id}/resolve": {"quantities": {"input": 1}},
    "POST /usage/events": {"source": "x", "events": [EVENT]},
    "POST /customers/{customer}/what-if/{month}": {"terms": {"management_fee": "1.00"}},
    "POST /bills/close": {"month": "2026-10"},
    "POST /bills/{bill}/confirm": {"why": "邮件"},
    "POST /bills/{bill}/reopen": {"why": "更正"},
    "POST /bills/{bill}/disputes": {"position": 1, "why": "不符"},
    "POST /disputes/{dispute}/accept": {"amount": "-1.00"},
    "POST /disputes/{dispute}/reject": {"answer": "无误"},
    "POST /adjustments": {
        "customer": "zeta",
        "month": "2026-10",
        "amount": "-1.00",
        "item": "减免",
        "why": "x",
    },
    "POST /bills/{bill}/credit-notes": {"lines": {"1": "0.01"}, "why": "x"},
    "POST /customers/{customer}/billing-units": {
        "project": "main",
        "unit": "子公司",
        "since": "2026-11",
    },
    "POST /fapiao/titles": {"customer": "zeta", "name": "王小明", "natural_person": True},
    "PUT /fapiao/titles/{title}": {"name": "zeta 公司", "tax_number": "91440300708461136T"},
    "POST /fapiao": {"customer": "zeta", "bills": []},
    "POST /fapiao/{fapiao}/decline": {"why": "x"},
    "POST /fapiao/{fapiao}/upload": {
        "pdf": "JVBERi0=",
        "number": "26332000000123456789",
        "issued_at": "2026-11-05T00:00:00Z",
    },
    "POST /fapiao/{fapiao}/reverse": {"reason": "mistake", "why": "x"},
    "POST /red-fapiao/{red}/withdraw": {"why": "x"},
    "POST /red-fapiao/{red}/upload": {"pdf": "JVBERi0="},
    "PUT /credit-classes/{credit_class}": {
        "deposit_months_least": 0,
        "deposit_months_most": 1,
        "depth": "medium",
        "payment_days": 15,
        "payment_mode": "postpaid",
    },
    "POST /customers/{customer}/limits": {
        "amount": "1.00",
        "starts_at": "2026-12-01T00:00:00Z",
        "ends_at": "2026-12-02T00:00:00Z",
        "why": "x",
    },
    "POST /customers/{customer}/grants": {
        "kind": "voucher",
        "name": "x",
        "amount": "1.00",
        "starts_on": "2026-12-01",
        "ends_on": "2026-12-02",
    },
    "POST /contract-drafts": DRAFT,
    "PUT /contract-drafts/{draft}": DRAFT,
    "POST /contract-drafts/{draft}/review": {"grade": "A"},
    "POST /contract-drafts/{draft}/sign": {},
    "POST /contract-drafts/{draft}/{step}": {"why": "x"},
    "POST /contract-drafts/{draft}/papers": "a file",
    "POST /contract-drafts/{draft}/signings": {"person": "张三", "mobile": "13800000000"},
    "POST /signings/{signing}/resume": {"why": "x"},
    "POST /contracts/{contract}/renew": {},
    "POST /contracts/{contract}/terminate": {"on": "2026-12-01", "why": "x"},
    "POST /ledger/accruals": {"month": "2026-10"},
    "POST /ledger/handovers": {"month": "2026-10", "system": "yonyou", "codes": ""},
    "PUT /providers/{account_id}/terms": {"currency": "CNY"},
    "POST /providers/{account_id}/balances": {"balance": "1.00", "currency": "CNY"},
    "POST /providers/bills": {
        "account": "sim",
        "number": "1",
        "month": "2026-10",
        "currency": "CNY",
        "net": "1.00",
        "billed_on": "2026-11-01",
    },
    "POST /providers/bills/{provider_bill_id}/void": {"why": "录错"},
    "POST /providers/payments": {
        "account": "sim",
        "amount": "1.00",
        "currency": "CNY",
        "purpose": "top_up",
    },
    "POST /providers/payments/{payment_id}/decision": {"approve": True},
    "POST /providers/payments/{payment_id}/paid": {},
    "POST /customers/{customer}/share-rules": {"method": "equal", "since": "2026-10"},
    "POST /cloud-sources": {"source": "aws-0", "name": "AWS", "billing_account": "p"},
    "POST /cloud-sources/{source}/rules": {"match": "*", "customer": "zeta", "since": "2026-10"},
    "POST /cloud-sources/{source}/deliveries": {"files": [{"name": "x.csv", "content": CLOUD}]},
    "POST /cloud-sources/{source}/remap": {},
    "POST /reconciliations/reports": {
        "account": "sim",
        "month": "2026-10",
        "source": "csv",
        "file_name": "x.csv",
        "content": "ZGF5LGlucHV0CjIwMjYtMTAtMDEsMQo=",
        "mapping": '[columns]\nday = "day"\ninput = "input"',
    },
    "POST /reconciliations": {"account": "sim", "month": "2026-09"},
    "POST /bank/accounts": {"number": "6222000011", "holder": "x", "bank": "x"},
    "POST /bank/accounts/{account}/statements": {"name": "x.csv", "content": CSV},
    "POST /customers/{customer}/virtual-accounts": {"number": "8801", "account": "0000"},
    "PUT /customers/{customer}/parent": {},
    "POST /customers/{customer}/payer-authorisations": {
        "payer_name": "x",
        "document_name": "x.pdf",
        "document": "eA==",
        "starts_on": "2026-10-01",
    },
    "POST /receipts/{receipt}/apportion": {"customer": "zeta"},
    "POST /apportionments/{batch}/undo": {"why": "x"},
    "POST /receipts/{receipt}/bounce": {"why": "x"},
    "POST /customers/{customer}/draw": {},
    "POST /customers/{customer}/claims": {
        "payer_name": "x",
        "amount": "1.00",
        "paid_on": "2026-10-01",
    },
    "POST /claims/{claim}/accept": {},
    "POST /claims/{claim}/reject": {"answer": "x"},
    "POST /receipts/{receipt}/refunds": {"amount": "1.00", "why": "x"},
    "PUT /refunds/{refund}/paid": {"paid_on": "2026-10-01"},
    "PUT /refunds/{refund}/failed": {"why": "x"},
    "POST /bills/{bill}/waivers": {"kind": "write_off", "why": "x"},
    "POST /customers/{customer}/reprieve": {"until": "2026-12-01", "why": "x"},
    "POST /tokens": {"name": "x", "scopes": ["read"], "expires_at": "2026-12-01T00:00:00Z"},
    "POST /members": {"name": "li.na", "role": "finance", "customer": "zeta"},
    "POST /auto-models/{name}/versions": {"default_model": "gpt-4o"},
    "POST /auto-models/{name}/end": {},
    "POST /advice/{advice}/accept": {},
    "POST /advice/{advice}/dismiss": {"why": "不合适"},
    "POST /advice/{advice}/end": {},
    "POST /customers/{customer}/advice-words": {"what": "waits", "name": "copywriting"},
    "POST /customers/{customer}/advice-words/unsay": {"what": "waits", "name": "copywriting"},
    "PUT /capacity/ceilings/{account_id}": {"rpm": 500},
    "POST /anomalies/{finding}/acknowledge": {},
    "POST /anomalies/{finding}/mute": {"until": "2026-11-06T00:00:00Z"},
    "POST /anomalies/{finding}/feedback": {"feedback": "false"},
    "POST /prospects": {"slug": "other", "name": "别人"},
    "POST /prospects/{prospect}/forms": {"form": FORM},
    "POST /prospects/{prospect}/volumes": {"form": FORM},
    "POST /prospects/{prospect}/usage": {"file_name": "u.csv", "content": USAGE},
    "POST /prospects/{prospect}/replays": {"ask": {"book": "list", "usage": {"import": "imp_0"}}},
    "POST /prospects/{prospect}/quotes": {"ask": {"book": "list"}},
    "POST /quotes/{quote_id}/approve": {"why": "x"},
    "POST /quotes/{quote_id}/reject": {"why": "x"},
    "POST /quotes/{quote_id}/offer": {},
    "POST /quotes/{quote_id}/accept": {},
    "POST /quotes/{quote_id}/withdraw": {"why": "x"},
    "POST /quotes/{quote_id}/draft": {},
    "PUT /model-grades/{model_id:path}": {"quality": "basic", "tasks": ["code"], "source": "x"},
    "PUT /margin-floor": {"share": "8%"},
    "POST /quotes/{quote_id}/proposals": {},
    "POST /certificates": {
        "name": "ISO 27001",
        "number": "1",
        "issuer": "x",
        "holder": "x",
        "issued_on": "2026-01-01",
        "expires_on": "2028-01-01",
    },
    "POST /certificates/{certificate}/withdraw": {"why": "x"},
    "POST /trial-requests/{request_id}/approve": {},
    "POST /trial-requests/{request_id}/decline": {"why": "x"},
    "POST /customers/{customer}/trial/convert": {"draft": "draft_0"},
    "POST /tickets": {"customer": "zeta", "subject": "x", "text": "x"},
    "POST /tickets/{ticket}/reply": {"text": "x"},
    "POST /tickets/{ticket}/close": {},
    "POST /tickets/{ticket}/answer": {"text": "x"},
    "POST /tickets/{ticket}/ask": {"text": "x"},
    "POST /tickets/{ticket}/resolve": {"text": "x"},
    "POST /rota/weeks": {"people": ["nobody"], "first": "2026-11-02", "weeks": 1},
    "POST /rota/overrides": {
        "person": "nobody",
        "starts_at": "2026-11-02T00:00:00Z",
        "ends_at": "2026-11-03T00:00:00Z",
    },
    "PUT /customers/{customer}/adviser": {"person": "nobody"},
    "POST /incidents": {"kind": "incident", "title": "x", "text": "x"},
    "POST /incidents/{incident}/updates": {"state": "identified", "text": "x"},
    "POST /reports": {"customer": "zeta", "name": "每周用量"},
    "PUT /reports/{report}": {"name": "月度用量"},
    "POST /reports/{report}/run": {},
    "POST /notices/contacts": {"name": "王会计"},
    "POST /notices/log/retry": {"message_ids": ["msg_0"]},
    "PUT /notices/senders/{sender}": {"settings": {"host": "smtp.example.com", "from": "a@b.cn"}},
    "POST /notices/contacts/{contact_id}/channels": {"kind": "email", "address": "a@b.example.com"},
}
ODD = (
    "/nodes/{node}/drain",
    "/nodes/{node}/resume",
    "/nodes/{node}/lost",
    "/{event_id}/resolve",
    "/issue",
    "/propose",
    "/confirm",
    "/reopen",
    "/disputes",
    "/accept",
    "/{advice}/dismiss",
    "/{advice}/end",
    "/reject",
    "/withdraw",
    "/approve",
    "/decline",
    "/upload",
    "/reverse",
    "/{decision}",
    "/protection-policies/{policy}/end",
    "/protections/{protection}/release",
    "/{member}/revoke",
    "/void",
    "/decision",
    "/paid",
    "/reconciliations",
    "/statements",
    "/virtual-accounts",
    "/apportion",
    "/undo",
    "/bounce",
    "/refunds",
    "/refunds/{refund}/paid",
    "/refunds/{refund}/failed",
    "/{draft}",
    "/{draft}/review",
    "/{draft}/sign",
    "/{draft}/{step}",
    "/{draft}/papers",
    "/{draft}/signings",
    "/{signing}/resume",
    "/{contract}/renew",
    "/log/retry",
    "/replays",
    "/offer",
    "/{quote_id}/proposals",
    "/trial/convert",
    "/quotes/{quote_id}/draft",
    "/rota/weeks",
    "/rota/overrides",
    "/rota/{duty}/remove",
    "/adviser",
    "/tickets/{ticket}/reply",
    "/tickets/{ticket}/close",
)
"""Deeds that the state of the example forbids, or whose example does not exist."""
NOWHERE = (
    "/{batch_id}/file",
    "/cloud-rows",
    "/{reconciliation_id}",
    "/{reconciliation_id}/tables/{table}",
    "/receipts/{receipt}",
    "/deposit-slips/{number}",
    "/{draft}",
    "/{draft}/papers",
    "/{draft}/signings",
    "/{signing}",
    "/{paper}/file",
    "/{draft}/documents/{format}",
    "/log/{message_id}",
    "/quotes/{quote_id}",
    "/quotes/{quote_id}/trace",
    "/quotes/{quote_id}/life",
    "/auto-models/{name}",
    "/files/{file}",
    "/trials/{trial}",
    "/papers/{sheet}",
)
"""Reads of what nobody in this house has made."""


def contract_of(house: House) -> str:
    with house.books.db.read() as tx:
        return contracts_of(tx, house.zeta.customer.customer_id)[-1].contract_id


ANYBODYS: Final = {
    "customer": "zeta",
    "model_id:path": "gpt-4o",
    "deployment_id:path": "sim",
    "book_id": "list",
    "event_id": "0" * 32,
    "kind": "json",
    "month": "2026-10",
    "dispute": "dsp_0",
    "adjustment": "adj_0",
    "decision": "approve",
    "note": "cn_0",
    "member": "zeta.finance",
    "token": "tok_0",
    "fapiao": FAPIAO,
    "form": "xml",
    "red": "red_0",
    "batch_id": "bat_0",
    "account_id": "sim",
    "provider_bill_id": "pbl_0",
    "payment_id": "ppy_0",
    "reconciliation_id": "rec_0",
    "table": "csv",
    "message_id": "msg_0",
    "sender": "email",
    "account": "0000",
    "receipt": "rcp_0",
    "batch": "apb_0",
    "claim": "clm_0",
    "refund": "rfd_0",
    "waiver": "wvr_0",
    "letter": "statement",
    "number": "SJ2026000001",
    "limit": "limit_0",
    "budget": "本月",
    "policy": "ppo_0",
    "protection": "prt_0",
    "grant": "grant_0",
    "credit_class": "medium",
    "draft": "draft_0",
    "step": "submit",
    "signing": "signing_0",
    "paper": "paper_0",
    "format": "txt",
    "end": "end_0",
    "prospect": "jinke",
    "quote_id": "quote_0",
    "name": "auto",
    "proposal": "prp_0",
    "file": "pdf",
    "certificate": "cert_0",
    "trial": "zeta",
    "sheet": "report",
    "duty": "dut_0",
    "node": "node-0",
    "source": "aws-0",
    "position": "1",
}
"""What stands for a part of a path that is not zeta's own."""


def asked_of_zeta(house: House) -> Iterator[tuple[tuple[str, str], str, dict[str, Any] | None]]:
    """Yield every guarded route with an example of it about zeta: its path and its body."""
    names = ANYBODYS | {
        "key_id": house.zeta_key.key.key_id,
        "request_id": house.zeta_call,
        "bill": str(house.zeta_bill.number),
        "title": house.zeta_title,
        "contact_id": house.zeta_contact,
        "channel_id": house.zeta_channel,
        "contract": contract_of(house),
        "finding": house.zeta_finding,
        "report": house.zeta_report,
        "run": house.zeta_run,
        "advice": house.zeta_advice,
        "ticket": house.zeta_ticket,
        "incident": house.incident,
    }
    for (method, template), who in ACCESS.items():
        if who is Who.OPEN:
            continue
        path = re.sub(r"\{([\w:]+)\}", lambda found: names[found[1]], template)
        short = template.removeprefix(API)
        url = path + QUERIES.get(short, "")
        body = BODIES.get(f"{method} {short}")
        if short == "/fapiao" and body is not None:
            body = body | {"bills": [{"bill": house.zeta_bill.number}]}
        yield (method, template), url, body


def test_every_example_is_one_that_the_operator_may_ask(operator: TestClient, house: House) -> None:
    """A refusal below is about who asks, not about a mistake in the example."""
    with house.books.db.begin() as tx:
        mark_paid(tx, house.zeta_bill.bill_id, by="tests", at=NOW, why="先款后票")
    for (method, template), url, body in asked_of_zeta(house):
        if ACCESS[method, template] is Who.MEMBER:
            continue  # nobody's but a member's own
        answer = operator.request(method, url, json=body)
        odd = template.endswith(NOWHERE if method == "GET" else ODD)
        assert answer.status_code in ({404, 409} if odd else {200, 201, 202}), (url, answer.text)


OWN_WITHOUT_OWNER = {
    ("GET", f"{API}/models"),
    ("GET", f"{API}/auto-models"),
    ("GET", f"{API}/notices/kinds"),
    ("GET", f"{API}/incidents"),
}
"""Served to every key from its own contract, or the same to all; nobody else's can be named."""


def test_the_table_names_every_route_and_nothing_else(museum: Museum) -> None:
    app = museum.client.app
    assert isinstance(app, FastAPI)
    assert served(app) == ACCESS.keys() | PAGES.keys()


def test_nobody_passes_without_a_token(museum: Museum) -> None:
    for (method, _), url, body in asked_of_zeta(museum.house):
        answer = museum.client.request(method, url, json=body)
        assert answer.status_code == 401, url
        assert answer.headers["www-authenticate"] == "Bearer"


def test_a_customer_sees_nothing_of_another(museum: Museum) -> None:
    mine = bearer(museum.house.acme_key.secret)
    zeta = museum.house.zeta.customer
    secrets = (zeta.customer_id, zeta.legal_name, museum.house.zeta_bill.bill_id)
    before = museum.operator.get(f"{API}/deeds").json()
    for route, url, body in asked_of_zeta(museum.house):
        answer = museum.client.request(route[0], url, json=body, headers=mine)
        expected = 404 if ACCESS[route] is Who.OWN else 403
        if route in OWN_WITHOUT_OWNER:
            expected = 200
        assert answer.status_code == expected, (url, answer.text)
        assert not any(secret in answer.text for secret in secrets), url
    assert museum.operator.get(f"{API}/deeds").json() == before, "what is refused changes nothing"
    assert len(museum.operator.get(f"{API}/requests?customer=zeta").json()["items"]) == 1


def test_a_customers_member_speaks_for_nobody_else(
    client: TestClient, operator: TestClient, house: House
) -> None:
    wanted = {"name": "wang.fang", "role": "finance", "customer": "acme"}
    token = operator.post(f"{API}/members", json=wanted).json()["token"]
    for route, url, body in asked_of_zeta(house):
        if ACCESS[route] is Who.MEMBER:
            continue  # its own, not zeta's
        answer = client.request(route[0], url, json=body, headers=bearer(token))
        expected = 404 if ACCESS[route] in {Who.OWN, Who.SPEAKS, Who.TELLS, Who.ASKS} else 403
        assert answer.status_code == (200 if route in OWN_WITHOUT_OWNER else expected), url
    assert operator.post(f"{API}/members/wang.fang/revoke").status_code == 200
    answer = client.get(f"{API}/bills", headers=bearer(token))
    assert (answer.status_code, "已停用" in answer.json()["detail"]) == (401, True)


def test_an_auditor_reads_and_gives_no_word(
    client: TestClient, operator: TestClient, house: House
) -> None:
    wanted = {"name": "auditor", "role": "auditor", "customer": "acme"}
    token = operator.post(f"{API}/members", json=wanted).json()["token"]
    bill = f"{API}/bills/{house.acme_bill.number}"
    assert client.get(bill, headers=bearer(token)).status_code == 200
    answer = client.post(f"{bill}/confirm", json={"why": "好"}, headers=bearer(token))
    assert answer.status_code == 403


def test_a_key_reads_its_own(museum: Museum) -> None:
    house, mine = museum.house, bearer(museum.house.acme_key.secret)
    own = {
        f"{API}/requests/{house.acme_call}": house.acme_call,
        f"{API}/requests": house.acme_call,
        f"{API}/usage?month=2026-10&by=customer": "acme",
        f"{API}/usage?month=2026-10&by=customer&customer=acme": "acme",
        f"{API}/models": "gpt-4o",
        f"{API}/contracts": house.acme.customer.customer_id,
        f"{API}/bills": str(house.acme_bill.number),
        f"{API}/bills/{house.acme_bill.number}": "gpt-4o",
        f"{API}/bills/{house.acme_bill.number}/documents/txt": "8.00",
    }
    for url, expected in own.items():
        answer = museum.client.get(url, headers=mine)
        assert answer.status_code == 200, (url, answer.text)
        assert expected in answer.text, url
        assert "zeta" not in answer.text, url


def test_a_key_is_not_shown_what_its_usage_costs_us(museum: Museum) -> None:
    house, mine = museum.house, bearer(museum.house.acme_key.secret)
    ours = re.compile(r"'(?:cost|costs|cost_rate|deployment_id)': ([^,}]+)")
    for url in (f"{API}/requests/{house.acme_call}", f"{API}/usage?customer=acme&month=2026-10"):
        told = ours.findall(str(museum.client.get(url, headers=mine).json()))
        shown = ours.findall(str(museum.operator.get(url).json()))
        assert set(told) == {"None"}
        assert "None" not in shown


def test_a_draft_is_not_shown_to_its_customer(
    client: TestClient, operator: TestClient, house: House
) -> None:
    """A draft may still change; only what is issued is the customer's."""
    house.acme.uses("2026-11-02 10:00:00", "gpt-4o", input=1_000_000)
    house.books.close("2026-11")
    draft = house.acme.bill("2026-11").bill_id
    mine = bearer(house.acme_key.secret)
    assert operator.get(f"{API}/bills/{draft}").status_code == 200
    assert client.get(f"{API}/bills/{draft}", headers=mine).status_code == 404
    assert draft not in client.get(f"{API}/bills", headers=mine).text


@pytest.mark.parametrize("shown", ["", "Bearer", "Bearer ", "Basic eW91", "Bearer yj-wrong"])
def test_what_is_no_token_is_refused(museum: Museum, shown: str) -> None:
    answer = museum.client.get(f"{API}/customers", headers={"authorization": shown})
    assert answer.status_code == 401
    assert answer.json()["code"] == "unauthenticated"


def test_an_unknown_key_is_refused(museum: Museum) -> None:
    answer = museum.client.get(f"{API}/models", headers=bearer("sk-yj-unknown"))
    assert answer.status_code == 401
    assert "密钥无效" in answer.json()["detail"]


def test_a_revoked_key_is_refused(client: TestClient, database: Database, house: House) -> None:
    revoke_key(database, house.acme_key.key.key_id, by="tests", now=NOW)
    answer = client.get(f"{API}/models", headers=bearer(house.acme_key.secret))
    assert answer.status_code == 401
    assert "已吊销" in answer.json()["detail"]
    assert house.acme_key.secret not in answer.text


def test_an_expired_key_is_refused(
    client: TestClient, database: Database, house: House, clock: FixedClock
) -> None:
    fresh = key_of(database, house.acme, expires_at=NOW + timedelta(hours=1))
    assert client.get(f"{API}/models", headers=bearer(fresh.secret)).status_code == 200
    clock.at = NOW + timedelta(hours=1)
    answer = client.get(f"{API}/models", headers=bearer(fresh.secret))
    assert answer.status_code == 401
    assert "已过期" in answer.json()["detail"]


def test_a_key_sees_only_the_models_it_may_call(
    client: TestClient, operator: TestClient, database: Database, house: House
) -> None:
    narrow = key_of(database, house.acme, models=["gpt-4o"])
    names = [
        m["model_id"]
        for m in client.get(f"{API}/models", headers=bearer(narrow.secret)).json()["items"]
    ]
    assert names == ["gpt-4o"]
    operator.post(f"{API}/models/gpt-4o/disable")
    wide = client.get(f"{API}/models", headers=bearer(house.acme_key.secret)).json()["items"]
    assert [m["model_id"] for m in wide] == ["lab/gpt-4o-mini"]
