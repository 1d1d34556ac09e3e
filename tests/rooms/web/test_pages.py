"""The pages: who may see them, what may not be sent to them, and what they say."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po
from fastapi.testclient import TestClient
from httpx2 import Response

from tests.rooms.web.behind import job_at, message_at, node_at, reconciliation_at, statement_at
from tests.rooms.web.conftest import NOW, PEPPER, TOKEN, House, desk_at
from tests.rooms.web.examples import contract_of
from tests.rooms.web.house import drafted, quoted
from tests.rooms.web.papers import FAPIAO
from tests.scenarios.books import FixedClock
from yuejie.assurance.reconcile import difference
from yuejie.assurance.sla import words as sla_words
from yuejie.bills.documents import wording
from yuejie.bills.life import SAID as BILL_STATES
from yuejie.bills.store import bills_of_customer
from yuejie.budgets.allowance import MODES, PERIODS
from yuejie.contracts.documents import words
from yuejie.customers.logins.keep import invite
from yuejie.customers.members.enrol import enrol_member, revoke_member
from yuejie.customers.members.power import CALLED, Power
from yuejie.db.session import Database
from yuejie.fapiao.reversing.form import REASON_WORDS
from yuejie.insights.advice import advice as advising
from yuejie.insights.anomaly import finding
from yuejie.insights.forecast import figures as forecast_figures
from yuejie.insights.reports import report, schedule
from yuejie.insights.reports import span as report_spans
from yuejie.insights.trend import figures as trend_figures
from yuejie.insights.trend.places import BY_NAMES
from yuejie.insights.trend.series import REST
from yuejie.insights.trend.span import GRAIN_NAMES
from yuejie.insights.whatif import compare
from yuejie.jobs import job as jobs
from yuejie.payments.apportion import refund
from yuejie.payments.banks.keep import open_account
from yuejie.payments.receipts.load import import_statement
from yuejie.payments.receipts.receipt import SAID
from yuejie.payments.receipts.store import receipts
from yuejie.support.status import board, incident
from yuejie.support.tickets import ticket
from yuejie.web import errors
from yuejie.web.app import make_app
from yuejie.web.auth import Who
from yuejie.web.pages import budgets, customers, home, usage
from yuejie.web.pages.desk import approvals, bank, closing, receivables
from yuejie.web.pages.desk import fapiao as fapiao_desk
from yuejie.web.pages.desk import receipts as receipt_pages
from yuejie.web.pages.first import customer as first_list
from yuejie.web.pages.first import offer, operator, steps
from yuejie.web.pages.frame import menu
from yuejie.web.pages.frame.access import PAGES
from yuejie.web.pages.frame.cookies import SESSION
from yuejie.web.pages.frame.entry import inside
from yuejie.web.pages.frame.words import EN, translations
from yuejie.web.pages.house import words as house_words
from yuejie.web.pages.identity import tokens as token_pages
from yuejie.web.pages.insight import anomalies, keys, protections
from yuejie.web.pages.money import contracts, fapiao, payments, shares
from yuejie.web.pages.ops import cloud_files, health, margins, nodes, retention, revisions, worklist
from yuejie.web.pages.ops import jobs as job_pages
from yuejie.web.pages.ops import reconcile as reconcile_pages
from yuejie.web.pages.study import whatif
from yuejie.web.pages.support import sla as support_sla
from yuejie.web.pages.support import tickets as support_tickets
from yuejie.web.pages.told import log as log_pages
from yuejie.web.pages.told import words as told_words

AGREED: tuple[dict[Any, str], ...] = (
    words.PERIODS,
    words.TYPES,
    words.MODES,
    words.SPLITS,
    words.CONFIRMATIONS,
    words.KINDS,
    words.ORDERS,
)
"""What contracts say that the page of contracts says as well."""
SUPPORT: tuple[Mapping[Any, str], ...] = (
    ticket.STATE_NAMES,
    support_tickets.STATES,
    ticket.KIND_NAMES,
    ticket.SEVERITY_NAMES,
    support_tickets.ANSWERS,
    incident.STATE_NAMES,
    incident.KIND_NAMES,
    incident.IMPACT_NAMES,
    board.LIGHT_NAMES,
    sla_words.PARTIES,
    sla_words.REASONS,
    sla_words.OUTCOMES,
)
"""Words of the pages of support."""
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


INSIGHT = (
    *trend_figures.MEASURE_NAMES.values(),
    *GRAIN_NAMES.values(),
    *BY_NAMES.values(),
    *forecast_figures.MEASURE_NAMES.values(),
    *advising.KIND_NAMES.values(),
    *advising.STATE_NAMES.values(),
    *advising.CONFIDENCE_NAMES.values(),
    *finding.STATE_NAMES.values(),
    *finding.MEASURE_NAMES.values(),
    *finding.SCOPE_NAMES.values(),
    *anomalies.RULES.values(),
    *finding.GRAIN_NAMES.values(),
    *anomalies.SAID.values(),
    *anomalies.MUTES.values(),
    *protections.ACTIONS.values(),
    *protections.ACTING.values(),
    *protections.ENDS.values(),
    *keys.STATES.values(),
    *keys.OVERLAPS.values(),
    REST,
    *("下限", "80%% 区间"),
)
"""Words of the pages of insight that come from tables."""


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
    """The bill is put to acme: it disputes a line on the page, withdraws, and confirms."""
    house.acme.uses("2026-11-02 10:00:00", "gpt-4o", input=2_000_000)
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
    dispute = re.search(r"/disputes/(\w+)/withdraw", page.text)
    assert dispute
    browser.post(f"/disputes/{dispute.group(1)}/withdraw", data=form)
    assert browser.post(f"/bills/{bill_id}/confirm", data=form).status_code == 303
    with database.read() as tx:
        rows = bills_of_customer(tx, house.acme.customer.customer_id)
    assert {str(row.month): str(row.state) for row in rows}["2026-11"] == "confirmed"


DESK_WORDS: list[Mapping[Any, str]] = [
    closing.OPEN_CALLS,
    jobs.KIND_NAMES,
    jobs.STATE_NAMES,
    jobs.UNITS,
    job_pages.PIECES,
    bank.FILTERS,
    receipt_pages.SOURCES,
    receipt_pages.USES,
    receivables.AGES,
    receivables.KINDS,
    receivables.REASONS,
    refund.SAID,
    fapiao_desk.KINDS,
    fapiao_desk.RED_STATES,
    fapiao_desk.FORMS,
    fapiao_desk.REASONS,
    fapiao_desk.ERRANDS,
    fapiao_desk.ERRAND_STATES,
    fapiao_desk.HOLDS,
    fapiao_desk.LOGINS,
    fapiao_desk.IDENTITIES,
    approvals.GRANTS,
    approvals.PARTIES,
]


DESK: list[Mapping[Any, str]] = [
    usage.GRAINS,
    usage.STATES,
    worklist.STATES,
    worklist.AGES,
    worklist.REASONS,
    reconcile_pages.SOURCES,
    difference.CHINESE,
    difference.TO_DO,
    margins.DIMENSIONS,
    health.HOURS,
    health.STATES,
    nodes.STATES,
    nodes.SPANS,
    cloud_files.CATEGORIES,
    cloud_files.METRICS,
    cloud_files.WHY,
    retention.KINDS,
    retention.TEXTS,
    revisions.KINDS,
    report.DIMENSION_NAMES,
    report.MEASURE_NAMES,
    report_spans.GRAIN_NAMES,
    report_spans.PERIOD_NAMES,
    schedule.EVERY_NAMES,
    whatif.TAX_MODES,
    whatif.WITHOUT,
    compare.CAUSE_NAMES,
    told_words.CHANNELS,
    told_words.DELIVERIES,
    log_pages.TRIES,
]
FIRST_WORDS = (
    *steps.STEPS.values(),
    *(word for what, why, _ in first_list.WORDS.values() for word in (what, why)),
    *operator.TAXES.values(),
    *operator.KINDS.values(),
    *(offer.PLATFORMS[code].name for code in offer.SPOKEN),
    offer.REGION_HINT,
    *("客户财务", "客户开发", "运营财务", "运营管理员"),
)
"""Words of the first run that come from tables."""


def test_every_word_has_its_english() -> None:
    """Of templates and of the tables pages show; and what is translated is still said."""
    folder = files("yuejie.web.pages")
    assert isinstance(folder, Path)
    said = {
        message if isinstance(message, str) else message[0]
        for template in sorted(Path(str(folder / "templates")).rglob("*.html"))
        for _, message, _, _ in extract(
            "jinja2.ext:babel_extract",
            BytesIO(template.read_bytes()),
            options={"trim_blocks": "true", "lstrip_blocks": "true", "encoding": "utf-8"},
        )
    }
    tables: list[str] = [
        *BILL_STATES.values(),
        *usage.DIMENSIONS.values(),
        *MODES.values(),
        *budgets.MEASURES.values(),
        *(word for word in budgets.ORIGINS.values() if word),
        *PERIODS.values(),
        *INSIGHT,
        *(word for table in DESK for word in table.values() if not word.isascii()),
        *("日期", "时间"),  # columns of reports
        *customers.SERVED.values(),
        *(word for table in house_words.ALL for word in table.values()),
        *CALLED.values(),
        *(word for table in SUPPORT for word in table.values()),
        *support_sla.VERDICTS,
        *token_pages.CALLED.values(),
        *token_pages.DAYS.values(),
        *fapiao.STATES.values(),
        *fapiao.RED_STATES.values(),
        *fapiao.KINDS.values(),
        *REASON_WORDS.values(),
        *payments.CLAIM_STATES.values(),
        *payments.STOPPED.values(),
        *SAID.values(),
        *contracts.STATES.values(),
        *shares.METHODS.values(),
        *shares.BY.values(),
        *shares.WHAT.values(),
        *wording.KINDS.values(),
        *shares.NAMES.values(),
        *shares.STATES.values(),
        *contracts.RENEWALS.values(),
        *(word for table in AGREED for word in table.values()),
        *(word for table in DESK_WORDS for word in table.values()),
        *(each.label for each in menu.MENU),
        *(each.group for each in menu.MENU if each.group),
        *(what for what, _, _ in home.LOOKS),
        *home.ASKED,
        *FIRST_WORDS,
        home.LIMITS,
        *(word for word, _ in job_pages.NEXT.values()),
        *(kind.title for kind in errors.TABLE.values()),
        *(missed.title for missed in errors.HTTP.values()),
        "启用",
        "停用",
        "请求有误",
        "没有这个页面，请从菜单进入",
    ]
    known: Catalog = read_po(BytesIO((folder / "languages" / "en.po").read_bytes()))
    translated = {str(each.id) for each in known if each.id}
    assert translated == said | set(tables)
    english = translations(EN)
    assert all(english.gettext(each) != each for each in translated)
