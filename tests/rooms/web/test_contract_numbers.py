"""Contracts are shown and taken by their number: on pages, over REST, in the record of deeds."""

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from tests.rooms.web.conftest import NOW, House, bearer
from tests.rooms.web.house import drafted
from tests.rooms.web.test_contracts import DRAFT
from tests.rooms.web.test_house_pages import send, went
from tests.rooms.web.test_pages import HTML, enter
from tests.scenarios.books import Party
from yuejie.contracts.contract import Contract
from yuejie.contracts.life.approve import review_draft, sign_draft
from yuejie.contracts.life.draft import Review
from yuejie.contracts.life.drafting import submit_draft
from yuejie.contracts.life.ending import Wish, ask_end
from yuejie.contracts.numbers.number import number_of
from yuejie.contracts.store import contracts_of, insert_contract
from yuejie.db.session import Database
from yuejie.kernel.ids import ContractId
from yuejie.web.auth import API
from yuejie.web.pages.frame.words import ZH
from yuejie.web.record.store import ids_called, names_of
from yuejie.web.record.told import tell_deeds
from yuejie.web.store import Sought, deeds

ZONE = ZoneInfo("Asia/Shanghai")
NUMBER = re.compile(r"HT\d{10}")


@pytest.fixture
def browser(client: TestClient) -> TestClient:
    """A browser without a session."""
    client.headers.update(HTML)
    client.follow_redirects = False
    return client


def held(db: Database, party: Party) -> tuple[Contract, str]:
    """Return a party's contract and its number."""
    customer_id = party.customer.customer_id
    with db.read() as tx:
        contract = contracts_of(tx, customer_id)[-1]
        number = number_of(tx, customer_id, contract.contract_id)
    assert NUMBER.fullmatch(number)
    return contract, number


def link(path: str, name: str) -> str:
    return f'<a href="{path}">{name}</a>'


def test_pages_call_a_contract_by_its_number(
    browser: TestClient, database: Database, house: House
) -> None:
    """It leads where its id leads; ids stay in addresses."""
    contract, number = held(database, house.acme)
    path = f"/contracts/{contract.contract_id}"
    enter(database, browser, "boss", "admin", None)
    bill = house.acme_bill.bill_id
    for page in (
        "/customers/acme",
        "/contracts?customer=acme",
        f"/bills/{bill}/lines/1",
        f"/bills/{bill}/lines/1/2026-10-15",
        f"/requests/{house.acme_call}",
    ):
        assert link(path, number) in browser.get(page).text, page
    by_number = browser.get(f"/contracts/{number}")
    assert by_number.status_code == 200
    assert f"{number} 第 1 版" in by_number.text
    assert f"{number} 第 1 版" in browser.get(path).text


def test_a_contract_from_before_is_shown_by_its_id(
    browser: TestClient, database: Database, house: House
) -> None:
    contract, _ = held(database, house.acme)
    old = replace(
        contract, contract_id=ContractId("con_before"), starts_at=NOW, signed_at=NOW, version=1
    )
    with database.begin() as tx:
        insert_contract(tx, old)
    enter(database, browser, "boss", "admin", None)
    for page in ("/customers/acme", "/contracts?customer=acme"):
        assert link("/contracts/con_before", "con_before") in browser.get(page).text, page
    assert "con_before" in browser.get("/contracts/con_before").text


def test_a_draft_has_its_number_from_the_list_to_the_signature(
    browser: TestClient, database: Database, house: House
) -> None:
    draft = drafted(house.books, "zeta").draft_id
    with database.read() as tx:
        number = number_of(tx, house.zeta.customer.customer_id, draft)
    here = f"/drafts/{draft}"
    _reviewed(database, draft)
    enter(database, browser, "boss", "admin", None)
    assert link(here, number) in browser.get("/drafts").text
    page = browser.get(here).text
    assert f"合同草案 {number}" in page
    assert f"{here}/sign" in browser.get(f"/drafts/{number}").text
    digest = re.search(r'name="digest" value="([0-9a-f]{64})"', page)
    assert digest
    assert went(send(browser, f"{here}/sign", digest=digest.group(1))) == here
    after = browser.get(here).text
    assert f"已签署：合同 {number} 第 1 版" in after
    assert f"成为合同 {number} 第 1 版" in after


def test_an_end_that_waits_names_its_contract(
    browser: TestClient, database: Database, house: House
) -> None:
    contract, number = held(database, house.acme)
    wish = Wish(
        contract_id=contract.contract_id, wished_on=(NOW + timedelta(days=60)).date(), why="自建"
    )
    end = ask_end(database, wish, by="operator:sales", now=NOW).end_id
    enter(database, browser, "boss", "admin", None)
    page = browser.get("/approvals").text
    assert link(f"/contracts/{contract.contract_id}", number) in page
    went(send(browser, f"/approvals/ends/{end}/reject", why="再谈"))
    assert f"合同 {number} 的终止申请已驳回" in browser.get("/approvals").text


def test_rest_gives_the_number_and_takes_it(
    operator: TestClient, database: Database, house: House
) -> None:
    contract, number = held(database, house.acme)
    for path in ("/contracts?customer=acme", "/contracts", "/customers/acme/contracts"):
        rows = operator.get(f"{API}{path}").json()["items"]
        assert {r["contract_id"]: r["number"] for r in rows}[contract.contract_id] == number
    made = operator.post(f"{API}/contract-drafts", json=DRAFT).json()
    assert NUMBER.fullmatch(made["number"])
    assert made["number"] != number
    amending = operator.post(f"{API}/contract-drafts", json=DRAFT | {"contract": number}).json()
    assert (amending["contract_id"], amending["number"]) == (contract.contract_id, number)
    listed = operator.get(f"{API}/contract-drafts").json()
    assert {row["number"] for row in listed} >= {made["number"], number}
    text = operator.get(f"{API}/contracts/{number}/documents/txt")
    assert f"{number} 第 1 版" in text.text
    assert number in text.headers["content-disposition"]
    wish = {"on": "2027-10-01", "why": "自建"}
    end = operator.post(f"{API}/contracts/{number}/terminate", json=wish)
    assert end.json()["contract_id"] == contract.contract_id, end.text
    renewed = operator.post(f"{API}/contracts/{number}/renew", json={})
    assert (renewed.status_code, number in renewed.json()["detail"]) == (409, True)


def refused(answer: Response, name: str) -> tuple[int, Any]:
    """Return how a question was refused, but for the name that it asked for."""
    problem = answer.text.replace(name, "…")
    return answer.status_code, re.sub(r"(req|trace)_\w+|\b[0-9a-f]{32}\b", "", problem)


@pytest.mark.parametrize("path", ["/api/v1/contracts/{}/documents/txt", "/contracts/{}"])
def test_a_customer_learns_nothing_of_anothers_contract_by_its_number(
    client: TestClient, database: Database, house: House, path: str
) -> None:
    """Its own is there by number and id; another's, and what nobody has, is the same 404."""
    contract, number = held(database, house.acme)
    theirs, their_number = held(database, house.zeta)
    if path.startswith("/api"):
        client.headers.update(bearer(house.acme_key.secret))
    else:
        client.headers.update(HTML)
        client.follow_redirects = False
        enter(database, client, "acme.dev", "developer", "acme")
    for own in (number, contract.contract_id):
        assert client.get(path.format(own)).status_code == 200, own
    nobody = refused(client.get(path.format("con_nobody")), "con_nobody")
    assert nobody[0] == 404
    for name in (their_number, theirs.contract_id, "HT2026999999"):
        answer = client.get(path.format(name))
        assert refused(answer, name) == nobody
        assert name == theirs.contract_id or theirs.contract_id not in answer.text


def test_the_record_names_contracts_by_number(database: Database, house: House) -> None:
    """To their own customer alone; the number finds what was done to it."""
    contract, number = held(database, house.acme)
    acme, zeta = (each.customer.customer_id for each in (house.acme, house.zeta))
    with database.read() as tx:
        rows = deeds(tx, Sought(noun="contract"), before=1 << 62, limit=100)
        ours, own, strange = (
            {each.row.name: each for each in tell_deeds(tx, who, rows, language=ZH, zone=ZONE)}
            for who in (None, acme, zeta)
        )
        assert contract.contract_id in ids_called(tx, None, number)
        assert contract.contract_id in ids_called(tx, acme, number)
        assert ids_called(tx, zeta, number) == [number]
    for told in (ours, own):
        one = told[contract.contract_id]
        assert one.thing == f"{number} {house.acme.customer.legal_name}"
        assert one.path == f"/contracts/{contract.contract_id}"
    assert strange[contract.contract_id].thing == contract.contract_id


def test_a_draft_in_the_record_has_the_number_and_a_page_of_ours_alone(
    database: Database, house: House
) -> None:
    draft = drafted(house.books, "zeta")
    zeta = house.zeta.customer.customer_id
    with database.read() as tx:
        number = number_of(tx, zeta, draft.draft_id)
        known = {each.id: each for each in names_of(tx, None, [draft.draft_id])}
        assert names_of(tx, house.acme.customer.customer_id, [draft.draft_id]) == []
    assert known[draft.draft_id].name == f"{number} {house.zeta.customer.legal_name}"
    assert known[draft.draft_id].path == f"/drafts/{draft.draft_id}"
    _reviewed(database, draft.draft_id)
    signed = sign_draft(database, draft.draft_id, by="operator:boss", now=NOW)
    with database.read() as tx:
        again = {each.id: each for each in names_of(tx, zeta, [draft.draft_id])}
        assert number_of(tx, zeta, signed.contract_id) == number
    assert again[draft.draft_id].name == known[draft.draft_id].name


def _reviewed(db: Database, draft: str) -> None:
    submit_draft(db, draft, by="operator:sales", now=NOW)
    review = Review(grade="A", limit_fen=100_000_00, deposit_fen=8_000_00, comment="")
    review_draft(db, draft, review, by="operator:finance", now=NOW)
