"""The house's own pages: customers, drafts, prices, presales, trials, deeds; who does what."""

import csv
import io
import re

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from tests.rooms.web.conftest import NOW, TOKEN, House
from tests.rooms.web.house import asked, drafted, proposed, quoted
from tests.rooms.web.test_pages import HTML, PASSWORD, enter, token_in
from yuejie.contracts.store import contracts_of, revisions
from yuejie.customers.enrol import find_customer
from yuejie.customers.store import customer_by_slug, projects
from yuejie.db.session import Database
from yuejie.presales.trial.store import trial_of
from yuejie.web.pages.frame.words import percent

BESIDE = {"hx-request": "true"}
CUSTOMER = {
    "slug": "@sum",
    "legal_name": "上海示例科技有限公司",
    "uscc": "91350100M000100Y43",
    "bank_name": "示例银行",
    "tag_names": "team，product",
}
WRONG = """
currency = "CNY"
[models."gpt-4o"]
input = "五元"
output = "15"
[models."gpt-5"]
inputs = "1"
"""
RIGHT = '[models."gpt-4o"]\ninput = "5.5"\noutput = "15"\n'


@pytest.fixture
def browser(client: TestClient) -> TestClient:
    """A browser without a session."""
    client.headers.update(HTML)
    client.follow_redirects = False
    return client


def boss(browser: TestClient) -> TestClient:
    """Set the house up in this browser."""
    form = {"token": TOKEN, "name": "boss", "password": PASSWORD}
    assert browser.post("/setup", data=form).status_code == 303
    return browser


def send(browser: TestClient, path: str, **data: str) -> Response:
    """Send a form of this session's, as a page does without leaving itself."""
    form = {"form_token": token_in(browser.get("/account"))}
    return browser.post(path, data=form | data, headers=BESIDE)


def went(answer: Response) -> str:
    """Return where a deed led that was not refused."""
    assert answer.status_code == 200, answer.text
    return str(answer.headers["hx-redirect"])


def test_a_customer_is_enrolled_and_what_is_wrong_is_said_beside_the_form(
    browser: TestClient, database: Database
) -> None:
    """A wrong check character, a taken name, a changed zone: refused; then who did it is told."""
    boss(browser)
    wrong = send(browser, "/customers/new", **CUSTOMER | {"uscc": "91350100M000100Y44"})
    assert (wrong.status_code, "<html" in wrong.text) == (422, False)
    assert "校验位不对，请核对营业执照" in wrong.text
    assert went(send(browser, "/customers/new", **CUSTOMER)) == "/customers/@sum"
    taken = send(browser, "/customers/new", **CUSTOMER | {"legal_name": "别的公司"})
    assert (taken.status_code, "换一个简称" in taken.text) == (409, True)
    changed = {"legal_name": "=上海示例集团", "uscc": "", "zone": "UTC", "currency": "USD"}
    went(send(browser, "/customers/@sum/edit", **changed))
    with database.read() as tx:
        party = customer_by_slug(tx, "@sum")
    assert party is not None
    assert (party.legal_name, party.zone, party.currency) == (
        "=上海示例集团",
        "Asia/Shanghai",
        "CNY",
    )
    _projects(browser, database)
    page = browser.get("/deeds?by=operator:boss&noun=customer&since=2026-11-05&until=2026-11-05")
    assert page.text.count("<td>客户 修改</td>") == 1
    assert page.text.count("<td>客户 登记</td>") == 1
    assert "上海示例集团" in page.text
    assert "没有这样的记录" in browser.get("/deeds?until=2026-11-04").text
    told = browser.get("/deeds/export?noun=customer").content.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(told)))
    assert [(row["谁"], row["动作代码"], row["内部编号"]) for row in rows] == [
        ("operator:boss", "change", "'@sum"),
        ("operator:boss", "enrol", "'@sum"),
    ]
    assert [row["做了什么"] for row in rows] == ["客户 修改", "客户 登记"]


def _projects(browser: TestClient, database: Database) -> None:
    """A project that is there is not overwritten by a new one; it is changed by name."""
    where = "/customers/@sum/projects"
    went(send(browser, where, name="search", allowed_providers="openai, azure"))
    again = send(browser, where, name="search")
    assert (again.status_code, "已存在" in again.text) == (409, True)
    went(send(browser, where, known="search", department="研发部", allowed_providers="openai"))
    with database.read() as tx:
        party = find_customer(tx, "@sum")
        (project,) = projects(tx, party.customer_id)
    assert (project.department, project.allowed_providers) == ("研发部", ["openai"])


def test_a_draft_goes_from_sales_to_signed_by_three_members(
    browser: TestClient, database: Database, house: House
) -> None:
    """Sales drafts, finance grants credit, the administrator signs what it read; no other way."""
    enter(database, browser, "li", "sales", None)
    common = {"customer": "acme", "book": "list", "starts_on": "2026-12-01", "type": "one_year"}
    lacking = send(browser, "/drafts", **common)
    assert (lacking.status_code, "ends_on" in lacking.text) == (422, True)
    whole = common | {"ends_on": "2027-12-01", "credit_class": "startup", "discount": "10%"}
    whole |= {"expected_monthly": "8000.00", "commitment": "5000.00", "payment_days": "20"}
    here = went(send(browser, "/drafts", **whole))
    page = browser.get(here)
    assert "乙方承诺每月消费不低于人民币5,000.00元" in page.text
    assert "自账单之日起 20 天内" in page.text
    assert "8,000.00 CNY" in page.text
    assert went(send(browser, f"{here}/submit")) == here
    assert send(browser, f"{here}/review", grade="A").status_code == 403
    enter(database, browser, "wang", "finance", None)
    verdict = {"grade": "B", "credit_limit": "20000.00", "deposit": "1.00"}
    low = send(browser, f"{here}/review", **verdict)
    assert (low.status_code, "8,000.00" in low.text) == (422, True), low.text
    read = _digest(browser, here)
    went(send(browser, f"{here}/review", **verdict | {"deposit": "16000.00"}))
    assert read == "", "finance is shown no button to sign"
    enter(database, browser, "zhao", "admin", None)
    stale = send(browser, f"{here}/sign", digest="0" * 64)
    assert (stale.status_code, "请重新阅读" in stale.text) == (409, True)
    went(send(browser, f"{here}/sign", digest=_digest(browser, here)))
    page = browser.get(here)
    assert [bool(re.search(rf"\b{who}\b", page.text)) for who in ("li", "wang", "zhao")] == [
        True
    ] * 3
    assert "operator:" not in page.text
    assert "已签署" in page.text
    with database.read() as tx:
        newest = contracts_of(tx, house.acme.customer.customer_id)[-1]
    assert (newest.terms.deposit_fen, newest.terms.payment_days) == (1_600_000, 20)
    assert here in browser.get("/drafts?state=signed").text
    assert here not in browser.get("/drafts").text


def _digest(browser: TestClient, here: str) -> str:
    found = re.search(r'name="digest" value="([0-9a-f]{64})"', browser.get(here).text)
    return found.group(1) if found else ""


def test_whoever_drafted_may_not_sign_and_papers_are_kept(
    browser: TestClient, database: Database, house: House
) -> None:
    enter(database, browser, "sales", "admin", None)
    here = f"/drafts/{drafted(house.books, 'zeta').draft_id}"
    went(send(browser, f"{here}/submit"))
    went(send(browser, f"{here}/review", grade="A", credit_limit="100.00"))
    assert "须由另一位管理员签署" in browser.get(here).text
    form = {"form_token": token_in(browser.get("/account")), "kind": "signed"}
    for body, status in ((b"MZ evil", 422), (b"%PDF-1.7 scan", 200)):
        answer = browser.post(
            f"{here}/papers", data=form, files={"file": ("扫描件.pdf", body)}, headers=BESIDE
        )
        assert answer.status_code == status, answer.text
    link = re.search(r'href="(/api/v1/contract-papers/\w+/file)"', browser.get(here).text)
    assert link
    assert browser.get(link.group(1)).content == b"%PDF-1.7 scan"
    assert send(browser, f"{here}/withdraw", why=" ").status_code == 422
    went(send(browser, f"{here}/withdraw", why="客户不签"))


def test_a_price_file_is_looked_at_line_by_line_before_it_is_imported(
    browser: TestClient, database: Database, house: House
) -> None:
    boss(browser)
    form = {"form_token": token_in(browser.get("/account"))}
    where = "/prices/list/import"

    def sent(text: str, **data: str) -> Response:
        file = {"file": ("list.toml", text.encode())}
        return browser.post(where, data=form | data, files=file, headers=BESIDE)

    refused = sent(WRONG)
    assert (refused.status_code, "<html" in refused.text) == (422, False)
    assert "models.gpt-4o" in refused.text
    assert "models.gpt-5" in refused.text
    assert "未导入任何价目" in refused.text
    assert 'name="seen"' not in refused.text
    whole = browser.post(where, data=form, files={"file": ("list.toml", WRONG.encode())})
    assert (whole.status_code, "<html" in whole.text, "models.gpt-5" in whole.text) == (
        422,
        True,
        True,
    )
    looked = sent(RIGHT)
    found = re.search(r'name="seen" value="([0-9a-f]{64})"', looked.text)
    assert found, looked.text
    other = sent(RIGHT.replace("5.5", "0.1"), seen=found.group(1))
    assert (other.status_code, "请重新试算" in other.text) == (409, True)
    assert len(_revisions(database)) == 1
    asked = sent(RIGHT, seen=found.group(1), why="上游涨价")
    change = re.search(r"/price-changes/\w+", asked.headers["hx-redirect"])
    assert change, asked.headers
    assert len(_revisions(database)) == 1, "a change waits for another"
    page = browser.get(change[0]).text
    assert "由您提出，须由另一人审批" in page
    assert all(word in page for word in ("5.00", "5.50", "涨价", "上游涨价"))
    own = send(browser, f"{change[0]}/approve")
    assert (own.status_code, "须由另一人审批" in own.text) == (403, True)
    assert change[0] in browser.get("/prices").text
    assert change[0] in browser.get("/prices/list").text
    enter(database, browser, "second", "admin", None)
    assert "调价待审批" in browser.get("/").text
    assert change[0] in browser.get("/approvals").text
    assert "gpt-4o,input" in browser.get(f"{change[0]}/export").text
    went(send(browser, f"{change[0]}/approve", why="与合同相符"))
    assert len(_revisions(database)) == 2
    again = send(browser, f"{change[0]}/reject", why="x")
    assert (again.status_code, "已批准" in again.text) == (409, True)
    assert re.search(r"\bsecond\b", browser.get("/prices/list").text)
    price = browser.get("/prices/list?model=gpt-4o&at=2026-11-05T12:00").text
    assert "5.50" in price
    assert "没有为模型 gpt-9 定价" in browser.get("/prices/list?model=gpt-9").text
    went(send(browser, "/prices/fx", on_date="2026-10-31", rate="7.2", source="中间价"))
    assert "1 USD = 7.20 CNY" in browser.get("/prices").text
    went(send(browser, "/providers/models", model="lab/gpt-4o-mini", state="disabled"))
    assert "已下架" in browser.get("/providers").text


def _revisions(database: Database) -> list[int]:
    with database.read() as tx:
        return [note.revision for note in revisions(tx, "list")]


def test_a_quote_below_the_floor_needs_another_and_every_figure_has_its_ground(
    browser: TestClient, database: Database, house: House
) -> None:
    """Nobody knows what gpt-4o costs here, so a quote of it waits; sales cannot approve its own."""
    quote = quoted(house.books)
    here = f"/presales/quotes/{quote.quote_id}"
    enter(database, browser, "sales", "admin", None)
    page = browser.get(here)
    assert "您做了这份报价，须由另一人批准" in page.text
    assert send(browser, f"{here}/approve", why="x").status_code == 403
    slip = send(browser, "/presales/jinke/forms", text='task = "chat"')
    assert slip.status_code == 422
    assert "<html" not in slip.text
    figure = quote.body.options[0].figure
    ground = browser.get(f"{here}/trace", params={"figure": figure}).text
    assert "由这些数算出" in ground
    assert browser.get(f"{here}/trace", params={"figure": "x"}).status_code == 404
    enter(database, browser, "wang", "finance", None)
    assert send(browser, f"{here}/approve", why="").status_code == 422
    went(send(browser, f"{here}/approve", why="战略客户"))
    assert "可报出" in browser.get(here).text


BEFORE = """
    INSERT INTO proposal (proposal_id, prospect_id, version, quote_id, quote_digest, template,
                          language, valid_until, docx, docx_sha256, pdf, pdf_sha256, made_by,
                          made_at)
    SELECT 'prp_before', prospect_id, version + 1, quote_id, quote_digest, template, language,
           valid_until, docx, docx_sha256, pdf, pdf_sha256, made_by, made_at
    FROM proposal
    WHERE proposal_id = %(made)s
"""
"""A version from before what is printed was kept."""


def test_a_proposal_says_of_every_number_where_it_comes_from(
    browser: TestClient, database: Database, house: House
) -> None:
    """In Chinese and in English; one from before that was kept says so."""
    made = proposed(house.books)
    enter(database, browser, "sales", "sales", None)
    page = browser.get(f"/presales/proposals/{made}").text
    assert "每个数字从哪里来" in page
    assert "没有来历" not in page
    assert re.search(r"价目 list 第 1 版：gpt-4o 输入", page)
    assert browser.get("/presales/proposals/prp_none").status_code == 404
    with database.begin() as tx:
        tx.run(BEFORE, made=made)
    assert "还没有留存每个数字的来历" in browser.get("/presales/proposals/prp_before").text


def test_a_trial_is_granted_and_another_declined(
    browser: TestClient, database: Database, house: House
) -> None:
    request = asked(house.books)
    boss(browser)
    assert "上海试用有限公司" in browser.get("/trials").text
    went(send(browser, f"/trials/requests/{request}/approve", customer="shiyong"))
    page = browser.get("/trials").text
    assert "1,000,000" in page
    assert "起草正式合同" in page
    with database.read() as tx:
        trial = trial_of(tx, find_customer(tx, "shiyong").customer_id)
    assert trial is not None
    assert trial.starts_at == NOW
    again = send(browser, f"/trials/requests/{request}/decline", why="重复")
    assert again.status_code == 409
    lacking = send(browser, f"/trials/{trial.trial_id}/convert")
    assert (lacking.status_code, "起草合同" in lacking.text) == (422, True)


def test_a_share_below_nothing_is_written_as_one_reads_it() -> None:
    """A margin may be negative: −18 240 millionths are −1.824 %, not −2 and something."""
    assert [percent(ppm) for ppm in (-18_240, -1, 0, 60_000)] == ["-1.824%", "-0.0001%", "0%", "6%"]


def test_the_system_tells_its_health(browser: TestClient) -> None:
    boss(browser)
    page = browser.get("/system")
    assert page.status_code == 200
    assert "PostgreSQL" in page.text
    assert "未探测" in page.text
