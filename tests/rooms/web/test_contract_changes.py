"""A contract that holds is changed by a draft, left, and goes on: on its customer's page."""

import re
import threading
from dataclasses import replace
from datetime import date

import pytest
from fastapi.testclient import TestClient

from tests.rooms.web.conftest import NOW, House
from tests.rooms.web.test_house_pages import send, went
from tests.rooms.web.test_pages import HTML, enter
from tests.scenarios.books import Party
from yuejie.contracts.contract import Contract
from yuejie.contracts.life.draft import ContractDraft
from yuejie.contracts.life.store import drafts_of
from yuejie.contracts.store import contracts_of, insert_contract
from yuejie.contracts.terms import (
    STANDARD,
    AvailabilityStep,
    BreakFee,
    Commitment,
    CommitmentPeriod,
    ContractType,
    Renewal,
    Sla,
)
from yuejie.db.session import Database

YEAR = replace(
    STANDARD,
    type=ContractType.ONE_YEAR,
    ends_on=date(2026, 12, 1),
    notice_days=30,
    break_fee=BreakFee(remaining_commitment_ppm=300_000),
    commitment=Commitment(5_000_00, CommitmentPeriod.MONTH),
    sla=Sla(availability_ppm=999_000, steps=(AvailabilityStep(999_000, 100_000),)),
)


@pytest.fixture
def browser(client: TestClient) -> TestClient:
    client.headers.update(HTML)
    client.follow_redirects = False
    return client


def held(db: Database, party: Party) -> Contract:
    with db.read() as tx:
        return contracts_of(tx, party.customer.customer_id)[-1]


def drafted(db: Database, party: Party) -> list[ContractDraft]:
    with db.read() as tx:
        return drafts_of(tx, party.customer.customer_id)


def form_of(page: str) -> dict[str, str]:
    """Return the form of a change as a browser would send it back untouched."""
    fields = dict(re.findall(r'<input[^>]*? name="(\w+)"[^>]*? value="([^"]*)"', page))
    picked = r'<select[^>]*? name="(\w+)">.*?<option value="(\w+)" selected'
    chosen = re.findall(picked, page, re.DOTALL)
    areas = re.findall(r'<textarea[^>]*? name="(\w+)"[^>]*>([^<]*)</textarea>', page)
    said = {**fields, **dict(chosen), **dict(areas)}
    return {name: value for name, value in said.items() if name != "form_token"}


def test_what_is_not_changed_stays_and_what_is_stands_on_the_draft(
    browser: TestClient, database: Database, house: House
) -> None:
    """A year's contract gets a management fee and a discount; its SLA is not among the fields."""
    year = replace(YEAR, ends_on=date(2027, 6, 1))
    gamma = house.books.customer("gamma", commercial=year)
    was = held(database, gamma)
    enter(database, browser, "li", "sales", None)
    shown = browser.get("/contracts?customer=gamma").text
    there = f"/contracts/{was.contract_id}/amend"
    assert f'href="{there}"' in shown
    form = form_of(browser.get(there).text)
    assert (form["ends_on"], form["commitment"], form["version"]) == ("2027-06-01", "5000.00", "1")
    bad = send(browser, there, **form | {"discounts": "* 10%\ngpt"})
    assert (bad.status_code, "第 2 行" in bad.text) == (422, True)
    stale = send(browser, there, **form | {"version": "2"})
    assert (stale.status_code, "已有第 1 版" in stale.text) == (409, True)
    changed = form | {"management_fee": "200.00", "discounts": "* 10%"}
    draft = browser.get(went(send(browser, there, **changed))).text
    assert "变更了什么" in draft
    assert '<td class="words">甲方不收取管理费。</td>' in draft
    assert "按目录价给予折扣：全部模型 减 10%" in draft
    assert (
        "可用率" not in draft.partition("变更了什么")[2].partition("附件")[0].partition("条款")[0]
    )
    assert "99.9%" in draft, "the service is promised as before"


@pytest.mark.parametrize("name", ["renewal", "notice_days", "confirmation", "fapiao_kind"])
@pytest.mark.parametrize("empty", [True, False])
def test_a_form_that_came_without_a_term_changes_nothing(
    browser: TestClient, database: Database, house: House, name: str, *, empty: bool
) -> None:
    """Thirty days' notice became none where the field came empty, or did not come."""
    gamma = house.books.customer("gamma", commercial=replace(YEAR, ends_on=date(2027, 6, 1)))
    enter(database, browser, "li", "sales", None)
    there = f"/contracts/{held(database, gamma).contract_id}/amend"
    form = form_of(browser.get(there).text)
    del form[name]
    assert send(browser, there, **form | ({name: ""} if empty else {})).status_code == 422
    assert drafted(database, gamma) == []


def test_what_was_granted_stands_in_the_form_of_the_next_review(
    browser: TestClient, database: Database, house: House
) -> None:
    """An empty limit is none at all: who reviewed a management fee lifted one of 100 000."""
    year = replace(
        YEAR, ends_on=date(2027, 6, 1), credit_limit_fen=100_000_00, deposit_fen=20_000_00
    )
    gamma = house.books.customer("gamma", commercial=year)
    enter(database, browser, "li", "sales", None)
    there = f"/contracts/{held(database, gamma).contract_id}/amend"
    form = form_of(browser.get(there).text)
    where = went(send(browser, there, **form | {"management_fee": "200.00"}))
    went(send(browser, f"{where}/submit"))
    enter(database, browser, "wang", "finance", None)
    review = form_of(browser.get(where).text)
    assert (review["credit_limit"], review["deposit"]) == ("100000.00", "20000.00")


def test_a_contract_of_many_discounts_is_changed_there(
    browser: TestClient, database: Database, house: House
) -> None:
    """A hundred families are more than a line holds; the file took five hundred."""
    enter(database, browser, "li", "sales", None)
    there = f"/contracts/{held(database, house.acme).contract_id}/amend"
    many = "\r\n".join(f"gpt-{number}-turbo* 10.5%" for number in range(500))
    form = form_of(browser.get(there).text) | {"discounts": many}
    went(send(browser, there, **form))
    (made,) = drafted(database, house.acme)
    assert len(made.body.pricing.discounts) == 500


def test_a_change_waits_for_a_version_that_is_being_signed(
    browser: TestClient, database: Database, house: House
) -> None:
    """
    Somebody signs the second version when a form of the first comes in. A draft that began with
    the first, and said that it was made from the second, took back what the second had changed.
    """
    was = held(database, house.acme)
    enter(database, browser, "li", "sales", None)
    there = f"/contracts/{was.contract_id}/amend"
    form = form_of(browser.get(there).text)
    answers: list[int] = []
    person = threading.Thread(
        target=lambda: answers.append(send(browser, there, **form).status_code)
    )
    with database.begin() as tx:
        tx.lock_exclusive(f"contract {was.contract_id}")
        person.start()
        person.join(timeout=1)
        assert person.is_alive(), "it waits for the signature"
        insert_contract(tx, replace(was, version=2, starts_at=NOW, signed_at=NOW))
    person.join()
    assert answers == [409]
    assert drafted(database, house.acme) == []


def test_a_change_that_nobody_could_sign_is_refused_before_anybody_reviews_it(
    browser: TestClient, database: Database, house: House
) -> None:
    """An open contract changes from the next month on, which is what its form begins with."""
    enter(database, browser, "li", "sales", None)
    there = f"/contracts/{held(database, house.acme).contract_id}/amend"
    form = form_of(browser.get(there).text)
    assert form["starts_on"] == "2026-12-01"
    early = send(browser, there, **form | {"starts_on": "2026-11-20", "management_fee": "9.00"})
    assert (early.status_code, "最早 2026-12-01" in early.text) == (409, True), early.text
    went(send(browser, there, **form | {"management_fee": "9.00"}))


def test_a_contract_is_left_by_two_people_and_its_page_says_what_that_costs(
    browser: TestClient, database: Database, house: House
) -> None:
    """Thirty days' notice; 30 % of what was promised for the months behind it."""
    gamma = house.books.customer("gamma", commercial=replace(YEAR, ends_on=date(2027, 3, 1)))
    there = f"/contracts/{held(database, gamma).contract_id}/terminate"
    enter(database, browser, "li", "sales", None)
    assert send(browser, there, on="2026-12-15").status_code == 422
    back = went(send(browser, there, on="2026-11-06", why="业务收缩", waive="1000.00"))
    assert back == "/contracts?customer=gamma"
    page = browser.get(back).text
    shown = page.partition("计算过程")[2]
    assert ("待审批" in shown, "业务收缩" in shown, "× 30%" in shown) == (True, True, True)
    assert "。；" not in shown
    assert send(browser, there, on="2026-11-06", why="再提一次").status_code == 409
    enter(database, browser, "zhao", "admin", None)
    end = page_end(browser)
    went(send(browser, f"/approvals/ends/{end}/approve"))
    assert "已批准" in browser.get(back).text
    assert held(database, gamma).terms.ends_on == NOW.date().replace(month=12, day=NOW.day)
    enter(database, browser, "gamma.finance", "finance", "gamma")
    seen = browser.get("/contracts").text
    assert ("提出终止" in seen, "业务收缩" in seen) == (False, False)
    assert send(browser, there, on="2026-12-31", why="x").status_code == 403


def page_end(browser: TestClient) -> str:
    """Return which termination waits."""
    found = re.search(r"/approvals/ends/(\w+)/approve", browser.get("/approvals").text)
    assert found
    return found[1]


def test_only_what_goes_on_by_itself_is_renewed_there(
    browser: TestClient, database: Database, house: House
) -> None:
    """A button stands where the contract says so; the sentence of the verb where it is too soon."""
    gamma = house.books.customer(
        "gamma", commercial=replace(YEAR, ends_on=date(2027, 6, 1), renewal=Renewal.AUTO)
    )
    enter(database, browser, "zhao", "admin", None)
    there = f"/contracts/{held(database, gamma).contract_id}/renew"
    assert there in browser.get("/contracts?customer=gamma").text
    assert "/renew" not in browser.get("/contracts?customer=acme").text
    soon = send(browser, there)
    assert (soon.status_code, "仍可提出不续约" in soon.text) == (409, True)
