"""The pages of money: a customer requests fapiao, keeps titles, pays, claims, reads contracts."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from tests.rooms.web.conftest import NOW, House
from tests.rooms.web.papers import FAPIAO
from tests.rooms.web.test_pages import HTML, enter, token_in
from tests.scenarios.books import Books, FixedClock
from tests.scenarios.test_two_currencies import changed
from yuejie.contracts.terms import (
    AvailabilityStep,
    CommercialTerms,
    Commitment,
    ContractType,
    Renewal,
    SettlementOrder,
    Sla,
    TierDiscount,
    TierStep,
)
from yuejie.db.session import Database
from yuejie.fapiao.fapiao import Fapiao
from yuejie.fapiao.issuing.upload import Upload, upload_fapiao
from yuejie.fapiao.life import RedState
from yuejie.fapiao.request import approve_fapiao, what_is_available
from yuejie.fapiao.reversing.store import reds_of_customer
from yuejie.fapiao.store import fapiao_of_customer, titles_of_customer
from yuejie.fapiao.title import TitleDraft
from yuejie.fapiao.titles import open_title
from yuejie.payments.banks.keep import give_number, open_account
from yuejie.payments.claims.store import claims_of

ACCOUNT = "110912345610801"
NUMBER = "8801"
RIGHT = "91440300708461136T"
HTMX = {"hx-request": "true"}


@pytest.fixture
def browser(client: TestClient) -> TestClient:
    """A browser without a session."""
    client.headers.update(HTML)
    client.follow_redirects = False
    return client


@pytest.fixture
def fapiao_first(house: House) -> House:
    """Acme's contract lets fapiao come before money; its November is billed under it."""
    terms = CommercialTerms(settlement_order=SettlementOrder.FAPIAO_FIRST)
    house.books.amend(house.acme, terms, starts=NOW.replace(day=1))
    house.acme.uses("2026-11-02 10:00:00", "gpt-4o", input=2_000_000)
    house.books.clock.at = NOW.replace(month=12)
    house.books.close("2026-11")
    house.books.issue(house.acme.bill("2026-11"))
    draft = TitleDraft(name="acme 公司", tax_number=RIGHT)
    open_title(house.books.db, house.acme.customer.customer_id, draft, by="x", now=NOW)
    return house


def requested(house: House) -> list[Fapiao]:
    with house.books.db.read() as tx:
        return fapiao_of_customer(tx, house.acme.customer.customer_id)


def box(page: Response, name: str) -> list[str]:
    """Return the values of the boxes that one may tick."""
    return re.findall(rf'type="checkbox" name="{name}" value="([^"]+)"', page.text)


def test_a_customer_requests_a_fapiao_and_sees_what_is_left(
    browser: TestClient,
    database: Database,
    fapiao_first: House,
) -> None:
    """
    Acme was billed 8.00 in October, paid first and not paid; and 10.00 in November, fapiao first.
    It requests 4.00 of November: 6.00 are left. It asks for 7.00: refused, beside the form. It
    requests the rest with the line ticked: nothing is left.
    """
    enter(database, browser, "acme.finance", "finance", "acme")
    page = browser.get("/fapiao")
    assert re.search(r"可开票金额</div><div class=\"figure\">10\.00 CNY", page.text)
    assert re.search(r"结清后可开</div><div class=\"figure\">8\.00", page.text)
    (bill,) = box(page, "bill")
    form = {"form_token": token_in(page), "bill": bill}
    form["title"] = re.findall(r'<option value="(title_\w+)" selected', page.text)[0]
    answer = browser.post("/fapiao", data=form | {f"amount-{bill}": "4.00"}, headers=HTMX)
    assert answer.headers["hx-redirect"] == "/fapiao"
    page = browser.get("/fapiao")
    assert "价税合计 4.00 元，等待批准；还可开 6.00 元" in page.text
    assert re.search(r"可开票金额</div><div class=\"figure\">6\.00 CNY", page.text)
    refused = browser.post("/fapiao", data=form | {f"amount-{bill}": "7.00"}, headers=HTMX)
    assert (refused.status_code, "还可开 6.00 元" in refused.text) == (422, True)
    assert "<html" not in refused.text
    for wrong, why in (
        ({"bill": ""}, "填了金额却没有勾选"),
        ({f"amount-{bill}": "一元"}, "金额“一元”不是"),
        ({f"amount-{bill}": "", "kind": "receipt"}, "发票种类"),
    ):
        asked = form | {f"amount-{bill}": "1.00"} | wrong
        if not asked["bill"]:
            del asked["bill"]
        refused = browser.post("/fapiao", data=asked, headers=HTMX)
        assert (refused.status_code, why in refused.text) == (422, True), refused.text
    line = {"form_token": form["form_token"], "title": form["title"], "line": f"{bill}/1"}
    assert browser.post("/fapiao", data=line).status_code == 303
    assert sorted(f.amounts.gross_fen for f in requested(fapiao_first)) == [400, 600]
    assert box(browser.get("/fapiao"), "bill") == []


def test_nothing_is_pressed_by_who_does_not_speak(
    browser: TestClient,
    database: Database,
    fapiao_first: House,
) -> None:
    """A developer and an auditor of acme's see every figure and no button; a post is refused."""
    for role in ("developer", "auditor"):
        enter(database, browser, f"acme.{role}", role, "acme")
        page = browser.get("/fapiao")
        assert re.search(r"可开票金额</div><div class=\"figure\">10\.00 CNY", page.text)
        form = {"form_token": token_in(page), "name": "x", "amount": "1", "paid_on": "2026-11-01"}
        for path in ("/fapiao", "/fapiao/titles", "/payments", "/contracts"):
            assert f'method="post" action="{path}' not in browser.get(path).text, path
        for path in ("/fapiao", "/fapiao/titles", "/payments/claims"):
            assert browser.post(path, data=form).status_code == 403, path
    assert requested(fapiao_first) == []


def test_a_wrong_tax_number_is_told_beside_the_form_and_others_titles_are_nowhere(
    browser: TestClient,
    database: Database,
    house: House,
) -> None:
    enter(database, browser, "acme.finance", "finance", "acme")
    form = {"form_token": token_in(browser.get("/fapiao/titles")), "name": "acme 科技有限公司"}
    wrong = form | {"tax_number": "91440300708461136X"}
    answer = browser.post("/fapiao/titles", data=wrong, headers=HTMX)
    assert (answer.status_code, "<html" in answer.text) == (422, False)
    assert "91440300708461136X" in answer.text
    right = form | {"tax_number": RIGHT, "emails": "a@acme.cn；b@acme.cn"}
    assert browser.post("/fapiao/titles", data=right).status_code == 303
    with database.read() as tx:
        (title,) = titles_of_customer(tx, house.acme.customer.customer_id)
    assert (title.is_default, title.emails) == (True, ["a@acme.cn", "b@acme.cn"])
    here = f"/fapiao/titles/{title.title_id}"
    assert browser.post(here, data=right | {"phone": "0755-1"}).status_code == 303
    assert "0755-1" in browser.get("/fapiao/titles").text
    assert browser.post(f"{here}/retire", data=form).status_code == 303
    assert "已停用的抬头" in browser.get("/fapiao/titles").text
    others = form | {"reason": "mistake", "why": "x"}
    assert browser.get(f"/fapiao/{FAPIAO}").status_code == 404
    assert browser.post(f"/fapiao/{FAPIAO}/reverse", data=others).status_code == 404
    assert browser.post(f"/fapiao/titles/{house.zeta_title}", data=others).status_code == 404


def test_a_customer_asks_for_a_red_and_another_approves(
    browser: TestClient,
    database: Database,
    fapiao_first: House,
) -> None:
    """The fapiao was issued by hand; the customer takes 1.00 of its line back, in two steps."""
    enter(database, browser, "acme.finance", "finance", "acme")
    page = browser.get("/fapiao")
    form = {"form_token": token_in(page), "bill": box(page, "bill")[0]}
    browser.post("/fapiao", data=form)
    (blue,) = requested(fapiao_first)
    approve_fapiao(database, blue.key, provider="manual", by="boss", now=NOW)
    paper = Upload({"pdf": b"%PDF-1.7 fapiao"}, "26332000000123456789", NOW)
    upload_fapiao(database, blue.key, paper, by="boss", now=NOW)
    here = f"/fapiao/{blue.fapiao_id}"
    page = browser.get(here)
    assert f"/api/v1/fapiao/{blue.fapiao_id}/files/pdf" in page.text
    assert browser.get(f"/api/v1{here}/files/pdf").content == b"%PDF-1.7 fapiao"
    red = {"form_token": token_in(page), "line": "1", "amount-1": "1.00", "why": "折让"}
    for reason in ("", "mistake"):
        refused = browser.post(f"{here}/reverse", data=red | {"reason": reason}, headers=HTMX)
        assert refused.status_code == 422
    assert browser.post(f"{here}/reverse", data=red | {"reason": "allowance"}).status_code == 303
    with database.read() as tx:
        (asked,) = reds_of_customer(tx, fapiao_first.acme.customer.customer_id)
    assert (asked.amounts.gross_fen, asked.state) == (-100, RedState.REQUESTED)
    page = browser.get(here)
    assert "待批准" in page.text
    assert "/reverse" not in page.text, "one at a time"


def test_a_customer_sees_where_to_pay_and_claims_a_payment(
    browser: TestClient,
    database: Database,
    house: House,
) -> None:
    name = "月结示例科技有限公司"
    open_account(
        database, holder=name, bank="招商银行", number=ACCOUNT, currency="CNY", by="x", now=NOW
    )
    enter(database, browser, "acme.finance", "finance", "acme")
    assert ACCOUNT in browser.get("/payments").text
    give_number(database, "acme", account=ACCOUNT, number=NUMBER, by="x", now=NOW)
    page = browser.get("/payments")
    assert f'<code class="copy">{NUMBER}</code>' in page.text
    assert ACCOUNT not in page.text
    assert f'<code class="copy">{house.acme_bill.number}</code>' in page.text
    assert re.search(r"待付</div><div class=\"figure\">8\.00 CNY", page.text)
    form = {"form_token": token_in(page), "payer_name": "acme 公司", "amount": "8.00"}
    form["bill"] = str(house.acme_bill.number)
    refused = browser.post("/payments/claims", data=form | {"paid_on": "昨天"}, headers=HTMX)
    assert (refused.status_code, "付款日“昨天”不是日期" in refused.text) == (422, True)
    unseen = form | {"paid_on": "2026-11-04", "payer_name": "acme\0公司"}
    refused = browser.post("/payments/claims", data=unseen, headers=HTMX)
    assert (refused.status_code, "看不见的空字符" in refused.text) == (422, True)
    done = browser.post("/payments/claims", data=form | {"paid_on": "2026-11-04"})
    assert done.status_code == 303
    with database.read() as tx:
        (claim,) = claims_of(tx, house.acme.customer.customer_id)
    assert (claim.amount_fen, claim.paid_on) == (800, date(2026, 11, 4))
    assert claim.bill_numbers == (house.acme_bill.number,)
    assert "待审核" in browser.get("/payments").text


def test_overdue_is_told_with_the_day_service_may_stop(
    browser: TestClient, database: Database, house: House, clock: FixedClock
) -> None:
    due = house.acme_bill.due_on
    assert due is not None
    clock.at = datetime(due.year, due.month, due.day, tzinfo=UTC) + timedelta(days=2)
    enter(database, browser, "acme.finance", "finance", "acme", at=clock.at)
    page = browser.get("/payments").text
    assert "逾期 2 天" in page
    assert f"{due + timedelta(days=4)} 起仍未付清" in page


def test_what_is_overdue_in_two_currencies_is_told_in_both_on_the_page(
    browser: TestClient, database: Database, clock: FixedClock
) -> None:
    """Acme went from yuan to dollars and owes both; the page knew the contract's currency only."""
    books = Books(database)
    acme = changed(books)
    for month in ("2026-10", "2026-11"):
        acme.uses(f"{month}-05 10:00:00", "gpt-4o", input=10_000_000)
        books.close(month)
        books.issue(acme.bill(month))
    due = acme.bill("2026-11").due_on
    assert due is not None
    clock.at = datetime(due.year, due.month, due.day, tzinfo=UTC) + timedelta(days=2)
    enter(database, browser, "acme.finance", "finance", "acme", at=clock.at)
    page = browser.get("/payments").text
    assert page.count("700.00 CNY + 100.00 USD") == 3, "the warning, what is owed, what is overdue"


def test_a_statement_runs_from_opening_to_closing(
    browser: TestClient,
    database: Database,
    house: House,
) -> None:
    """The last day that is named is included, on the page and on the letter it links to."""
    enter(database, browser, "acme.audit", "auditor", "acme")
    issued = house.acme_bill.issued_at
    assert issued is not None
    day = issued.date()
    page = browser.get(f"/payments/statement?since={day}&last={day}").text
    assert re.search(r"期初应付</div><div class=\"figure\">0\.00</div>", page)
    assert re.search(r"期末应付</div><div class=\"figure\">8\.00</div>", page)
    letter = re.search(r'href="(/api/v1/[^"]+/letters/statement[^"]+)"', page)
    assert letter
    assert browser.get(letter.group(1).replace("&amp;", "&")).content[:5] == b"%PDF-"
    wrong = browser.get("/payments/statement?since=2026-11-30&last=2026-11-01")
    assert (wrong.status_code, "早于起日" in wrong.text) == (422, True)
    for path in (
        "/payments/statement?since=",
        "/fapiao?state=",
        "/fapiao?lines=",
        "/payments?receipts=",
    ):
        assert "<script>alert" not in browser.get(f"{path}<script>alert(1)</script>").text, path


def test_a_contract_is_told_in_words_and_whole(
    browser: TestClient,
    database: Database,
    house: House,
) -> None:
    terms = CommercialTerms(
        type=ContractType.ONE_YEAR,
        ends_on=date(2027, 10, 1),
        notice_days=30,
        renewal=Renewal.AUTO,
        tier_discount=TierDiscount((TierStep(1_000_000, 50_000),)),
        commitment=Commitment(500_000),
        management_fee_fen=20_000,
        payment_days=15,
        sla=Sla(availability_ppm=999_000, steps=(AvailabilityStep(999_000, 100_000),)),
    )
    house.books.amend(house.acme, terms, starts=NOW - timedelta(days=1))
    enter(database, browser, "acme.dev", "developer", "acme")
    page = browser.get("/contracts").text
    for said in (
        "不续约最迟于 2027-09-01 提出",
        "当月用量超过 10,000.00 CNY 减 5%",
        "每月 200.00 CNY",
        "15 天",
        "每月可用率不低于 99.9%",
        "已被新版取代",
    ):
        assert said in page, said
    path = re.search(r'href="(/contracts/[\w-]+)"', page)
    assert path
    whole = browser.get(path.group(1)).text
    assert "承诺消费与固定费用" in whole
    assert "gpt-4o" in whole
    text = browser.get(f"/api/v1{path.group(1)}/documents/txt")
    assert text.status_code == 200


def test_the_operator_chooses_whom_it_looks_at(
    browser: TestClient,
    database: Database,
    fapiao_first: House,
) -> None:
    enter(database, browser, "boss", "admin", None)
    fapiao_first.acme.uses("2026-11-05 08:00:00", "gpt-4o", input=1_000)
    assert "2026-11-05" in browser.get("/").text, "the front page, in a month with usage"
    name = fapiao_first.acme.customer.legal_name
    for path in ("/fapiao", "/fapiao/titles", "/payments", "/payments/statement", "/contracts"):
        page = browser.get(path)
        assert "请选择" in page.text, path
        assert f"selected>{name}<" in browser.get(f"{path}?customer=acme").text, path
    form = {"form_token": token_in(browser.get("/fapiao?customer=acme")), "bill": "bill_0"}
    refused = browser.post("/fapiao", data=form, headers=HTMX)
    assert (refused.status_code, "选择客户" in refused.text) == (422, True)
    page = browser.get("/fapiao?customer=acme")
    done = browser.post("/fapiao?customer=acme", data=form | {"bill": box(page, "bill")[0]})
    assert done.headers["location"] == "/fapiao?customer=acme"
    with database.read() as tx:
        left = what_is_available(tx, fapiao_first.acme.customer.customer_id)
    assert left.available_fen == 0
