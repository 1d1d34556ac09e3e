"""Usage, requests, the worklist, pushed events, bills and their documents by the API."""

import json
from io import BytesIO
from typing import Any
from urllib.parse import unquote
from zipfile import ZipFile

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from openpyxl import load_workbook
from pypdf import PdfReader

from tests.rooms.web.conftest import House, Museum, bearer
from tests.scenarios.books import FixedClock
from yuejie.web.api.billing.bills import disposition
from yuejie.web.auth import API


def test_usage_is_summed_by_what_is_asked(museum: Museum) -> None:
    url = f"{API}/usage?month=2026-10&by=customer&by=model"
    lines = museum.operator.get(url).json()["lines"]
    assert [line["keys"] for line in lines] == [
        {"customer": "acme", "model": "gpt-4o"},
        {"customer": "zeta", "model": "gpt-4o"},
    ]
    assert lines[0]["quantities"] == {"input": 1_000_000, "output": 200_000}
    assert lines[0]["charges"] == [{"amount": "8.00", "currency": "CNY"}]
    assert museum.operator.get(f"{API}/usage?by=model").json()["lines"] == [], "this month has none"
    assert museum.house.acme_bill.gross.amount == "8.00"


def test_a_request_tells_meters_rates_and_charge(museum: Museum) -> None:
    told = museum.operator.get(f"{API}/requests/{museum.house.acme_call}").json()
    assert told["charge"] == {"amount": "8.00", "currency": "CNY"}
    (attempt,) = told["attempts"]
    items = {item["meter"]: item for item in attempt["items"]}
    assert items["input"]["quantity"] == 1_000_000
    assert items["input"]["rate"] == {"rate": "5.00", "currency": "CNY", "per": 1_000_000}
    assert attempt["latency_ms"] == 1000
    assert attempt["started_at"] == "2026-10-15T02:00:00Z"
    listed = museum.operator.get(f"{API}/requests?customer=acme").json()["items"]
    assert listed == told["attempts"]


def pushed(number: int = 1, **more: object) -> dict[str, Any]:
    event = {
        "id": f"job-{number}",
        "customer": "acme",
        "project": "main",
        "model": "gpt-4o",
        "meters": {"input": 1000},
        "started_at": "2026-11-01T08:00:00+08:00",
    }
    return event | more


def push(operator: TestClient, *events: dict[str, Any]) -> Response:
    return operator.post(f"{API}/usage/events", json={"source": "batch", "events": list(events)})


@pytest.mark.usefixtures("house")
def test_a_batch_is_stored_once(operator: TestClient) -> None:
    first = push(operator, pushed(1), pushed(2))
    again = push(operator, pushed(1), pushed(2), pushed(3))
    assert (first.json()["stored"], first.json()["replayed"]) == (2, 0)
    assert (again.json()["stored"], again.json()["replayed"]) == (1, 2)
    assert again.json()["events"][0]["event_id"] == first.json()["events"][0]["event_id"]
    lines = operator.get(f"{API}/usage?month=2026-11&customer=acme").json()["lines"]
    assert lines[0]["quantities"] == {"input": 3000, "requests": 3}
    one = operator.get(f"{API}/requests/{first.json()['events'][0]['request_id']}").json()
    assert one["charge"] == {"amount": "0.005", "currency": "CNY"}


@pytest.mark.usefixtures("house")
def test_the_same_id_with_other_contents_is_a_conflict(operator: TestClient) -> None:
    push(operator, pushed(1))
    answer = push(operator, pushed(2), pushed(1, meters={"input": 5}))
    assert answer.status_code == 409
    assert answer.json()["facts"]["ids"] == ["job-1"]
    lines = operator.get(f"{API}/usage?month=2026-11&customer=acme").json()["lines"]
    assert lines[0]["quantities"]["input"] == 1000, "nothing of the batch was stored"


def test_a_batch_with_a_wrong_event_names_it_and_stores_nothing(museum: Museum) -> None:
    answer = push(museum.operator, pushed(1), pushed(2, model="none"), pushed(3, customer="nobody"))
    assert answer.status_code == 422
    errors = answer.json()["facts"]["errors"]
    assert [(each["index"], each["id"]) for each in errors] == [(1, "job-2"), (2, "job-3")]
    assert museum.operator.get(f"{API}/usage?month=2026-11").json()["lines"] == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"meters": {"input": -1}},
        {"meters": {"input": 1.5}},
        {"meters": {"input": "7"}},
        {"meters": {"tokens": 1}},
        {"started_at": "yesterday"},
        {"started_at": "2027-01-01T00:00:00Z"},
        {"colour": "blue"},
    ],
)
def test_an_unfit_event_is_refused(museum: Museum, wrong: dict[str, object]) -> None:
    assert push(museum.operator, pushed(1, **wrong)).status_code == 422


def test_the_worklist_is_worked_off(operator: TestClient, house: House, clock: FixedClock) -> None:
    house.acme.uses("2026-11-01 10:00:00", "gpt-4o", requests=1, state="unmeasured")
    (waiting,) = operator.get(f"{API}/usage/worklist?customer=acme").json()["items"]
    assert (waiting["state"], waiting["age_seconds"]) == ("unmeasured", 4 * 86_400)
    url = f"{API}/usage/worklist/{waiting['event_id']}/resolve"
    found = operator.post(url, json={"quantities": {"input": 2_000_000}})
    assert found.json() == {"corrected": 1, "same": 0}
    assert operator.get(f"{API}/usage/worklist").json()["items"] == []
    told = operator.get(f"{API}/requests/{waiting['request_id']}").json()
    assert told["charge"] == {"amount": "10.00", "currency": "CNY"}
    assert told["attempts"][0]["version"] == 2
    unknown = operator.post(
        f"{API}/usage/worklist/{'0' * 32}/resolve", json={"quantities": {"input": 1}}
    )
    assert unknown.status_code == 404
    assert operator.post(f"{API}/usage/worklist/reprice").json() == {"corrected": 0, "same": 0}
    assert clock.at.month == 11


def test_a_month_is_closed_dry_then_really_then_issued(
    operator: TestClient, house: House, clock: FixedClock
) -> None:
    house.acme.uses("2026-11-02 10:00:00", "gpt-4o", input=1_000_000)
    clock.at = clock.at.replace(month=12)
    url = f"{API}/bills/close"
    dry = operator.post(url, json={}).json()
    assert (dry["month"], dry["committed"]) == ("2026-11", False)
    (only,) = dry["customers"]
    assert (only["customer"], only["done"]) == ("acme", "would_draft")
    assert only["bill"]["gross"] == {"amount": "5.00", "currency": "CNY"}
    assert operator.get(f"{API}/bills?month=2026-11").json()["items"] == []

    done = operator.post(url, json={"month": "2026-11", "commit": True}).json()
    assert done["customers"][0]["done"] == "drafted"
    again = operator.post(url, json={"month": "2026-11", "commit": True}).json()
    assert again["customers"][0]["done"] == "unchanged"

    (draft,) = operator.get(f"{API}/bills?month=2026-11").json()["items"]
    issued = operator.post(f"{API}/bills/{draft['bill_id']}/issue").json()
    assert (issued["state"], issued["number"]) == ("issued", "YJ2026000003")
    assert sum_of(issued["lines"]) == issued["gross"]["amount"] == "5.00"
    twice = operator.post(f"{API}/bills/{draft['bill_id']}/issue")
    assert (twice.status_code, twice.json()["code"]) == (409, "illegal_transition")
    proof = operator.get(f"{API}/proofs/2026-11").json()
    assert proof["proved"] is True
    assert proof["bills"][0]["bill"]["seal"] == issued["seal"]


def sum_of(lines: list[dict[str, Any]]) -> str:
    fen = sum(int(line["amount"]["amount"].replace(".", "")) for line in lines)
    return f"{fen // 100}.{fen % 100:02d}"


def test_closing_says_what_is_the_matter(museum: Museum) -> None:
    url = f"{API}/bills/close"
    early = museum.operator.post(url, json={"month": "2026-11"})
    assert (early.status_code, early.json()["code"]) == (409, "month_not_over")
    nobody = museum.operator.post(url, json={"month": "2026-10", "customer": "nobody"})
    assert (nobody.status_code, nobody.json()["code"]) == (404, "not_found")
    assert "客户不存在" in nobody.json()["detail"]
    idle = museum.operator.post(url, json={"month": "2026-03", "customer": "acme"}).json()
    assert idle["said"] == "2026-03 无用量数据"


def test_a_bill_is_listed_and_shown(museum: Museum) -> None:
    listed = museum.operator.get(f"{API}/bills?month=2026-10").json()["items"]
    whose = {each["customer_id"] for each in listed}
    assert whose == {party.customer.customer_id for party in (museum.house.acme, museum.house.zeta)}
    listed.sort(key=lambda each: each["number"])
    shown = museum.operator.get(f"{API}/bills/{museum.house.acme_bill.number}").json()
    assert {name: shown[name] for name in listed[0]} == listed[0]
    assert shown["gross"] == {"amount": "8.00", "currency": "CNY"}
    assert sum_of(shown["lines"]) == "8.00"
    assert {line["service_month"] for line in shown["lines"]} == {"2026-10"}


@pytest.mark.parametrize(
    ("kind", "media_type", "expected"),
    [
        ("pdf", "application/pdf", "8.00"),
        ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "8"),
        ("csv", "text/csv; charset=utf-8", "3.00"),
        ("json", "application/json", "8.00"),
        ("txt", "text/plain; charset=utf-8", "8.00"),
        ("focus", "text/csv; charset=utf-8", "AI and Machine Learning"),
        ("focus-1.4", "application/zip", "InvoiceDetail"),
    ],
)
def test_a_bill_can_be_taken_away(
    museum: Museum, kind: str, media_type: str, expected: str
) -> None:
    answer = museum.operator.get(f"{API}/bills/{museum.house.acme_bill.number}/documents/{kind}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == media_type
    named = answer.headers["content-disposition"]
    assert named.startswith("attachment; filename=")
    assert unquote(named.rpartition("''")[2]).endswith(
        f".{kind}{ {'focus': '.csv', 'focus-1.4': '.zip'}.get(kind, '') }"
    )
    assert expected in text_of(kind, answer.content)


def test_a_month_can_be_taken_away_whole(museum: Museum) -> None:
    mine = bearer(museum.house.acme_key.secret)
    url = f"{API}/customers/acme/packs/2026-10"
    answer = museum.client.get(url, headers=mine)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/zip"
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert unquote(answer.headers["content-disposition"]).endswith("月度资料_2026-10_acme.zip")
    with ZipFile(BytesIO(answer.content)) as found:
        assert found.testzip() is None
        assert str(museum.house.acme_bill.number) in found.read("说明.txt").decode()
        assert all(b"zeta" not in found.read(name) for name in found.namelist())
    assert museum.operator.get(url).content == answer.content
    unissued = museum.operator.get(f"{API}/customers/acme/packs/2027-01")
    assert (unissued.status_code, unissued.json()["code"]) == (404, "not_found")


def text_of(kind: str, body: bytes) -> str:
    """Read a document back with other people's readers."""
    if kind == "pdf":
        return "\n".join(page.extract_text() for page in PdfReader(BytesIO(body)).pages)
    if kind == "xlsx":
        sheets = load_workbook(BytesIO(body), read_only=True)
        cells = [cell for sheet in sheets for row in sheet.values for cell in row]
        return "\n".join(map(str, cells))
    if kind == "json":
        return json.dumps(json.loads(body))
    if kind == "focus-1.4":
        return "\n".join(ZipFile(BytesIO(body)).namelist())
    return body.decode()


def test_a_document_of_another_kind_is_refused(museum: Museum) -> None:
    answer = museum.operator.get(f"{API}/bills/{museum.house.acme_bill.number}/documents/docx")
    assert answer.status_code == 422


def test_a_chinese_file_name_reaches_every_client() -> None:
    header = disposition('月结 2026-10 "甲"\r\n公司.pdf')
    assert header.isascii()
    assert "\r" not in header
    assert "\n" not in header
    assert header.count('"') == 2
    assert unquote(header.rpartition("''")[2]) == '月结 2026-10 "甲"\r\n公司.pdf'
