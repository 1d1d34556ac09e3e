"""The pages: who may see them, what may not be sent to them, and what they say."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from tests.rooms.web.behind import (
    change_at,
    cloud_trial_at,
    job_at,
    message_at,
    node_at,
    reconciliation_at,
    statement_at,
)
from tests.rooms.web.conftest import NOW, PEPPER, TOKEN, House, desk_at
from tests.rooms.web.examples import contract_of
from tests.rooms.web.house import drafted, proposed, quoted
from tests.rooms.web.papers import FAPIAO
from tests.scenarios.books import Books, FixedClock
from yuejie.bills.correct.adjust import decide_adjustment
from yuejie.bills.correct.adjustment import Decision
from yuejie.bills.correct.take_back import decide_credit, request_credit
from yuejie.bills.review.ask import propose_bill, reopen_bill
from yuejie.bills.review.disputes import Objection, accept_dispute, raise_dispute
from yuejie.bills.store import bills_of_customer
from yuejie.customers.logins.keep import invite
from yuejie.customers.members.enrol import enrol_member, revoke_member
from yuejie.customers.members.power import Power
from yuejie.db.session import Database
from yuejie.payments.banks.keep import open_account
from yuejie.payments.receipts.load import import_statement
from yuejie.payments.receipts.store import receipts
from yuejie.web.app import make_app
from yuejie.web.auth import Who
from yuejie.web.pages.frame.access import PAGES
from yuejie.web.pages.frame.cookies import SESSION
from yuejie.web.pages.frame.entry import inside

PASSWORD = "correct horse 9"
HTML = {"accept": "text/html"}
ABOUT_ONE = {
    "/requests",
    "/what-if",
    "/notices",
    "/team",
    "/budgets",
    "/live",
    "/trend",
    "/forecast",
    "/advice",
    "/anomalies",
    "/keys",
    "/shares",
    "/start",
}
"""Pages about one customer, whom the operator chooses."""


@pytest.fixture
def browser(client: TestClient) -> TestClient:
    """A browser without a session."""
    client.headers.update(HTML)
    client.follow_redirects = False
    return client


@pytest.fixture
def admin(browser: TestClient) -> TestClient:
    """A browser in which the first administrator has just set up the house."""
    form = {"token": TOKEN, "name": "王管理", "password": PASSWORD}
    assert browser.post("/setup", data=form).status_code == 303
    return browser


def token_in(page: Response) -> str:
    found = re.search(r'name="form_token" value="([0-9a-f]{64})"', page.text)
    assert found, page.text
    return found.group(1)


def enter(
    db: Database,
    browser: TestClient,
    name: str,
    role: str,
    customer: str | None,
    *,
    at: datetime = NOW,
) -> None:
    """Enrol a member and log it in in this browser."""
    enrol_member(db, name, role, customer=customer, pepper=PEPPER, by="x", now=at)
    link = invite(db, name, within=None, pepper=PEPPER, by="x", now=at).secret
    browser.cookies.clear()
    answer = browser.post(f"/invitation/{link}", data={"password": PASSWORD})
    assert answer.status_code == 303, answer.text


def receipt_at(house: House) -> str:
    """Return a receipt that nobody has placed; it comes in once, however often it is asked for."""
    db = house.books.db
    account = open_account(
        db, holder="月结", bank="招商银行", number="110900000001", currency="CNY", by="x", now=NOW
    )
    body = "交易日期,交易流水号,贷方发生额,对方户名\n2026-11-03,Z1,3.00,zeta 公司\n".encode(
        "gb18030"
    )
    import_statement(db, account.number, body, "z.csv", by="x", now=NOW)
    with db.read() as tx:
        return next(r.receipt_id for r in receipts(tx) if r.account_id == account.account_id)


def examples(house: House) -> Iterator[tuple[str, str, Who | Power]]:
    """Yield every guarded page with an example of it about zeta."""
    names = {
        "bill": str(house.zeta_bill.number),
        "customer": "zeta",
        "dispute": "dsp_0",
        "fapiao": FAPIAO,
        "title": house.zeta_title,
        "contract": contract_of(house),
        "month": "2026-10",
        "decision": "approve",
        "receipt": receipt_at(house),
        "finding": house.zeta_finding,
        "advice": house.zeta_advice,
        "key": house.zeta_key.key.key_id,
        "draft": drafted(house.books, "zeta").draft_id,
        "book": "list",
        "prospect": "jinke",
        "quote": quoted(house.books).quote_id,
        "proposal": proposed(house.books),
        "position": "1",
        "day": "2026-10-15",
        "request_id": house.zeta_call,
        "revision": "1",
        "report": house.zeta_report,
        "contact": house.zeta_contact,
        "channel": house.zeta_channel,
        "message": message_at(house),
        "reconciliation": reconciliation_at(house),
        "node": node_at(house),
        "source": "aws",
        "statement": statement_at(house),
        "event": "0198aaaa-0000-7000-8000-000000000000",
        "ticket": house.zeta_ticket,
        "incident": house.incident,
        "job": job_at(house),
        "change": change_at(house),
        "tried": cloud_trial_at(house),
    }
    for (method, template), who in PAGES.items():
        if who is not Who.OPEN:
            path = re.sub(r"\{(\w+)\}", lambda found: names.get(found.group(1), "nobody"), template)
            yield method, path, who


def test_nobody_sees_a_page_without_logging_in(browser: TestClient, house: House) -> None:
    for method, path, _ in examples(house):
        answer = browser.request(method, path)
        assert (answer.status_code, answer.headers["location"][:6]) == (303, "/login"), path


def test_a_house_is_set_up_once_by_whoever_holds_its_token(browser: TestClient) -> None:
    assert browser.get("/login").headers["location"] == "/setup"
    form = {"token": "yj-guessed", "name": "王管理", "password": PASSWORD}
    answer = browser.post("/setup", data=form)
    assert (answer.status_code, "运营令牌不对" in answer.text) == (422, True)
    assert browser.post("/setup", data=form | {"token": TOKEN}).headers["location"] == "/"
    assert "等我办的事" in browser.get("/").text
    browser.cookies.clear()
    assert browser.get("/setup").headers["location"] == "/login"
    again = browser.post("/setup", data=form | {"token": TOKEN, "name": "another"})
    assert "已有管理员" in again.text


def test_every_page_is_shown_to_the_operator(admin: TestClient, house: House) -> None:
    for method, path, _ in examples(house):
        if method == "GET":
            asked = [path, *([f"{path}?customer=zeta"] if path in ABOUT_ONE else [])]
            for answer in map(admin.get, asked):
                assert answer.status_code == 200, (path, answer.text)
            assert "default-src 'none'" in answer.headers["content-security-policy"]
            assert "unsafe" not in answer.headers["content-security-policy"]


def test_no_form_is_taken_from_elsewhere(admin: TestClient, house: House) -> None:
    """Without the token of the session, with another's, or from another origin: refused."""
    right = token_in(admin.get("/members"))
    for method, path, _ in examples(house):
        if method != "POST":
            continue
        for data, headers in (
            ({}, {}),
            ({"form_token": "0" * 64}, {}),
            ({"form_token": right}, {"origin": "https://evil.example"}),
            ({"form_token": right}, {"origin": "null"}),
        ):
            answer = admin.post(path, data=data, headers=headers)
            assert answer.status_code == 403, (path, answer.status_code)
            assert "未作改动" in answer.text, (path, answer.text)
    assert admin.get("/members").status_code == 200, "and the session was not ended by any"


def test_a_customer_sees_its_own_and_nothing_else(
    browser: TestClient, database: Database, house: House
) -> None:
    """Every page is asked for about zeta, by acme's own administrator."""
    enter(database, browser, "acme.admin", "admin", "acme")
    secrets = (str(house.zeta_bill.number), "zeta 公司", house.zeta_call)
    token = token_in(browser.get("/account"))
    for method, path, who in examples(house):
        if path in {"/logout", "/account", "/"} or path.startswith("/account/"):
            continue
        answer = browser.request(
            method,
            f"{path}?customer=zeta",
            data={
                "form_token": token,
                "why": "x",
                "position": "1",
                "amount": "1",
                "answer": "x",
                "name": "spy",
                "role": "admin",
            }
            if method == "POST"
            else None,
        )
        if who is Who.MEMBER:
            continue  # whoever asks gets its own; test_identity sees to it
        meant = {403} if isinstance(who, Power) or who is Who.OPERATOR else {404}
        assert answer.status_code in meant, (path, answer.status_code, answer.text)
        asked = answer.text.replace(path, "").replace(path.rsplit("/", 1)[-1], "")
        assert not any(secret in asked for secret in secrets[1:]), path
    assert str(house.acme_bill.number) in browser.get("/bills").text
    assert str(house.zeta_bill.number) not in browser.get("/bills").text
    assert str(house.zeta_bill.number) not in browser.get("/").text
    assert "成本" not in browser.get("/usage?month=2026-10").text
    assert '"/customers"' not in browser.get("/").text


def test_a_link_to_a_document_follows_the_session(
    browser: TestClient, database: Database, house: House
) -> None:
    """Reading by cookie; a deed over the API takes a token, for the cookie comes from anywhere."""
    enter(database, browser, "acme.admin", "admin", "acme")
    own, others = house.acme_bill.number, house.zeta_bill.number
    assert browser.get(f"/api/v1/bills/{own}/documents/pdf").content[:5] == b"%PDF-"
    assert browser.get(f"/api/v1/bills/{others}/documents/pdf").status_code == 404
    answer = browser.post(f"/api/v1/bills/{own}/confirm", json={"why": "x"})
    assert answer.status_code == 401


def test_roles_see_only_what_they_may_press(
    browser: TestClient, database: Database, house: House
) -> None:
    """Sales sees no form to enrol members, and pressing what it does not see is refused."""
    enter(database, browser, "li", "sales", None)
    page = browser.get("/members")
    assert "登记成员" not in page.text
    form = {"form_token": token_in(page), "name": "evil", "role": "admin"}
    answer = browser.post("/members", data=form)
    assert (answer.status_code, "无权" in answer.text) == (403, True)


def test_a_session_is_new_at_every_login_and_ends_with_its_member(
    admin: TestClient, database: Database
) -> None:
    first = admin.cookies[SESSION]
    admin.post("/logout", data={"form_token": token_in(admin.get("/account"))})
    assert admin.get("/").status_code == 303
    admin.cookies.set(SESSION, "chosen by an attacker")
    answer = admin.post("/login", data={"name": "王管理", "password": PASSWORD})
    given = answer.headers["set-cookie"]
    assert first not in given
    assert "chosen" not in given
    assert "HttpOnly" in given
    assert "samesite=lax" in given.lower()
    assert admin.get("/").status_code == 200
    revoke_member(database, "王管理", by="x", now=NOW)
    assert admin.get("/").status_code == 303


def test_over_https_the_cookie_travels_by_https_only(database: Database, clock: FixedClock) -> None:

    desk = replace(desk_at(database, clock), console_url="https://console.example.cn")
    with TestClient(make_app(desk), headers=HTML, follow_redirects=False) as browser:
        form = {"token": TOKEN, "name": "王管理", "password": PASSWORD}
        assert "Secure" in browser.post("/setup", data=form).headers["set-cookie"]


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "\n/x",
        "",
    ],
)
def test_the_way_back_leads_nowhere_else(path: str) -> None:
    assert inside(path) == "/"
    assert inside("/bills?month=2026-10") == "/bills?month=2026-10"


def test_after_logging_in_one_is_where_one_wanted_to_be(admin: TestClient) -> None:
    admin.cookies.clear()
    door = admin.get("/bills?month=2026-10").headers["location"]
    assert door == f"/login?next={quote('/bills?month=2026-10', safe='')}"
    assert 'value="/bills?month=2026-10"' in admin.get(door).text
    form = {"name": "王管理", "password": "wrong password", "next": "//evil.example"}
    answer = admin.post("/login", data=form)
    assert (answer.status_code, 'value="/"' in answer.text) == (403, True)
    assert "wrong password" not in answer.text


def test_what_people_write_is_never_a_script(admin: TestClient, house: House) -> None:
    """A name, a reason and a request with markup in it come back as text, in every place."""
    evil = "<script>alert(1)</script>"
    for page in (
        admin.get(f"/bills?month={quote(evil)}"),
        admin.get(f"/bills/{quote(evil, safe='')}"),
        admin.get(f"/usage?by={quote(evil)}"),
        admin.post("/login", data={"name": evil, "password": "x"}),
        admin.get(f"/customers/{quote(evil, safe='')}"),
    ):
        assert evil not in page.text
    form = {"name": "网络<b>", "role": "admin", "form_token": token_in(admin.get("/members"))}
    answer = admin.post("/members", data=form, headers={"hx-request": "true"})
    assert answer.status_code == 422
    assert "<b>" not in answer.text


def test_a_customer_confirms_its_bill_and_disputes_a_line(
    browser: TestClient, database: Database, house: House
) -> None:
    """The bill is put to acme: it disputes a line on the page, may another, withdraws, confirms."""
    house.acme.uses("2026-11-02 10:00:00", "gpt-4o", input=2_000_000, output=1_000)
    house.books.clock.at = NOW.replace(month=12)
    house.books.close("2026-11")
    bill_id = house.acme.bill("2026-11").bill_id
    enter(database, browser, "boss", "admin", None)
    form = {"form_token": token_in(browser.get(f"/bills/{bill_id}"))}
    assert browser.post(f"/bills/{bill_id}/propose", data=form).status_code == 303
    enter(database, browser, "acme.finance", "finance", "acme")
    page = browser.get(f"/bills/{bill_id}")
    form = {"form_token": token_in(page)}
    assert "确认账单" in page.text
    assert '5.00<div class="text-secondary small">CNY/百万 token</div>' in page.text
    wrong = browser.post(
        f"/bills/{bill_id}/dispute",
        data=form | {"position": "99", "why": "没有这一行"},
        headers={"hx-request": "true"},
    )
    assert (wrong.status_code, "99" in wrong.text, "<html" in wrong.text) == (404, True, False)
    answer = browser.post(
        f"/bills/{bill_id}/dispute", data=form | {"position": "1", "why": "多了", "claimed": "1.00"}
    )
    assert answer.status_code == 303
    page = browser.get(f"/bills/{bill_id}")
    assert "有异议" in page.text
    told = page.text.partition('class="dispute"')[2]
    assert "gpt-4o 输入" in told, "a meter has its name, not its code"
    assert "待答复" in told
    assert "应为 1.00 CNY" in told
    assert re.findall(r'name="position" value="(\d+)"', page.text) == ["2"]
    dispute = re.search(r"/disputes/(\w+)/withdraw", page.text)
    assert dispute
    browser.post(f"/disputes/{dispute.group(1)}/withdraw", data=form)
    assert browser.post(f"/bills/{bill_id}/confirm", data=form).status_code == 303
    with database.read() as tx:
        rows = bills_of_customer(tx, house.acme.customer.customer_id)
    assert {str(row.month): str(row.state) for row in rows}["2026-11"] == "confirmed"


def test_a_disputed_bill_says_what_comes_next(
    browser: TestClient, database: Database, house: House
) -> None:
    """First the answers; with every dispute accepted, the bill is to be drawn anew.

    The front page has it, once the adjustment is decided: until then that waits, not the bill.
    """
    house.acme.uses("2026-11-02 10:00:00", "gpt-4o", input=2_000_000)
    house.books.clock.at = now = NOW.replace(month=12)
    house.books.close("2026-11")
    bill_id = house.acme.bill("2026-11").bill_id
    propose_bill(database, bill_id, by="a", now=now)
    doubt = raise_dispute(database, bill_id, Objection(1, "多了"), by="b", now=now)
    enter(database, browser, "boss", "admin", None)
    assert "逐条答复" in browser.get(f"/bills/{bill_id}").text
    accept_dispute(database, doubt.dispute_id, amount_fen=-100, answer="是", by="a", now=now)
    page = browser.get(f"/bills/{bill_id}").text
    assert ("逐条答复" in page, "请撤回重算" in page, "已接受" in page) == (False, True, True)

    def waits() -> bool:
        return ">异议已答复、账单待重算</a>" in browser.get("/").text

    assert not waits()
    adjustment = re.search(r"/adjustments/(\w+)/", browser.get("/approvals").text)
    assert adjustment
    decide_adjustment(database, adjustment[1], Decision.APPROVE, by="head", now=now)
    assert waits()
    reopen_bill(database, bill_id, by="a", now=now, why="按异议调整")
    assert not waits()


def test_a_bill_shows_what_was_credited_of_it(
    browser: TestClient, database: Database, house: House
) -> None:
    """The operator sees the note that waits; the customer once two people have given it."""
    bill = house.acme_bill
    asked = request_credit(
        database, bill.bill_id, amounts={1: 100}, why="服务中断", by="a", now=NOW
    )
    enter(database, browser, "boss", "admin", None)
    page = browser.get(f"/bills/{bill.name}").text
    assert ("服务中断" in page, "待审批" in page) == (True, True)
    enter(database, browser, "acme.finance", "finance", "acme")
    assert "服务中断" not in browser.get(f"/bills/{bill.name}").text
    done = decide_credit(database, asked.credit_note_id, approve=True, by="b", now=NOW)
    page = browser.get(f"/bills/{bill.name}").text
    assert "服务中断" in page
    assert str(done.number) in page
    assert "1.00 CNY" in page


def test_a_bill_says_at_which_rates_its_dollars_became_yuan(
    browser: TestClient, database: Database
) -> None:
    """The page listed dollars a million beside yuan; only the documents told the rate."""
    books = Books(database)
    books.prices('[models."gpt-4o"]\ninput = "2.5"\noutput = "10"', currency="USD")
    books.fx("7.1234", "2026-10-30")
    acme = books.customer("acme", fx_policy="bill")
    acme.uses("2026-10-15 10:00:00", "gpt-4o", input=1_000_000)
    books.close("2026-10")
    enter(database, browser, "acme.finance", "finance", "acme")
    page = browser.get(f"/bills/{books.issue(acme.bill('2026-10')).name}").text
    assert "2026-10-30 1 USD = 7.1234 CNY（中国外汇交易中心中间价）" in page
