"""What providers are owed, on the page: bills, notes, and money that leaves or comes by two."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient

from tests.rooms.assurance.test_providers import BILL
from tests.rooms.web.conftest import NOW
from tests.rooms.web.test_desk_pages import send, went
from tests.rooms.web.test_pages import admin, browser, enter
from yuejie.assurance.providers.pay import LEDGER_CHECKS, enter_bill
from yuejie.contracts.offer import AccountDraft, put_account
from yuejie.db.session import Database
from yuejie.kernel.limits import PAGE
from yuejie.ledger.check import check_ledger
from yuejie.payments.banks.keep import open_account
from yuejie.payments.receipts.load import import_statement
from yuejie.web.pages.frame.cookies import LANGUAGE

__all__ = ["admin", "browser"]

HERE = "/payables"
SCRIPT = "<script>alert(1)</script>"
NAMES = {"bill": "pbl", "credit": "pcr", "payment": "ppy"}


def account(db: Database, name: str = "openai-main") -> None:
    draft = AccountDraft(
        account_id=name,
        provider="openai",
        platform="openai",
        base_url="http://127.0.0.1:1",
        region="us",
        credential=b"sealed",
    )
    put_account(db, draft, by="op", now=NOW)


def bill(browser: TestClient, **more: str) -> str:
    form = {
        "account": "openai-main",
        "number": "INV-1",
        "month": "2026-10",
        "currency": "USD",
        "net": "1,000.00",
        "tax": "60",
        "billed_on": "2026-11-01",
        "due_on": "",
    }
    went(send(browser, HERE, f"{HERE}/bills", **form | more), HERE)
    return named(browser, "bill", f">{(form | more)['number']}<") if "<" not in str(more) else ""


def named(browser: TestClient, what: str, told: str = "") -> str:
    """Return the id of what something can be done to on the page, in the row that says so."""
    rows = [row for row in browser.get(HERE).text.split("<tr>") if told in row]
    found = {n for row in rows for n in re.findall(rf"{HERE}/\w+/({NAMES[what]}_\w+)/", row)}
    (name,) = found
    return str(name)


def plain(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def test_a_bill_is_entered_paid_by_two_given_back_and_sent_back(
    admin: TestClient, database: Database
) -> None:
    """
    There was no page: who pays providers had REST and the command line. The administrator enters a
    bill and asks; finance approves; a note of 212 comes behind it, pays 12 of the next bill, and
    the provider sends 200, which the statement has made a receipt of.
    """
    account(database)
    books = {"db": database, "holder": "月结", "bank": "招商银行", "number": "110900000001"}
    ours = open_account(**books, currency="USD", by="x", now=NOW)  # type: ignore[arg-type]  # named
    assert "还没有应付" in admin.get(HERE).text
    first = bill(admin)
    page = plain(admin.get(HERE).text)
    assert "openai-main USD 1,060.00 0.00 0.00" in page
    went(send(admin, HERE, f"{HERE}/bills/{first}/pay", amount="1,060.00", how="bill"), HERE)
    page = admin.get(HERE).text
    assert "由您提出，须由另一人审批" in page
    assert f"{HERE}/payments/{named(admin, 'payment')}/approve" not in page
    assert "供应商付款待审批" in admin.get("/").text
    payment = f"{HERE}/payments/{named(admin, 'payment')}"
    refused = send(admin, HERE, f"{payment}/approve")
    assert "须由另一人审批" in refused.text
    admin_cookies = dict(admin.cookies)
    enter(database, admin, "fin", "finance", None)
    went(send(admin, HERE, f"{payment}/approve"), HERE)
    assert "供应商付款待登记" in admin.get("/approvals").text
    said = {"bank": ours.account_id, "reference": "T7", "amount": "1,070", "charges": "10"}
    went(send(admin, HERE, f"{payment}/paid", currency="USD", **said), HERE)
    page = plain(admin.get(HERE).text)
    assert "付账单 INV-1 1,060.00 USD 1,070.00 USD T7" in page
    note = {"number": "CN-1", "net": "200", "tax": "12", "credited_on": "2026-11-04", "why": "多收"}
    went(send(admin, HERE, f"{HERE}/bills/{first}/credits", **note), HERE)
    page = plain(admin.get(HERE).text)
    assert "贷项 CN-1 已入账：冲减账单 0.00，转入余额 212.00" in page
    assert "openai-main USD 0.00 0.00 212.00" in page
    second = bill(admin, number="INV-2", net="12.00", tax="")
    went(send(admin, HERE, f"{HERE}/bills/{second}/pay", amount="12", how="draw"), HERE)
    draw = f"{HERE}/payments/{named(admin, 'payment', '抵付')}"
    back = {"account": "openai-main", "purpose": "refund", "amount": "200", "why": "不再使用"}
    went(send(admin, HERE, f"{HERE}/balance", currency="USD", **back), HERE)
    admin.cookies.clear()
    admin.cookies.update(admin_cookies)
    went(send(admin, HERE, f"{draw}/approve"), HERE)
    went(send(admin, HERE, f"{draw}/paid"), HERE)
    refund = f"{HERE}/payments/{named(admin, 'payment')}"
    went(send(admin, HERE, f"{refund}/approve"), HERE)
    line = "交易日期,交易流水号,贷方发生额,对方户名\n2026-11-05,Z9,200.00,OpenAI\n".encode(
        "gb18030"
    )
    import_statement(database, ours.number, line, "z.csv", by="x", now=NOW)
    page = admin.get(HERE).text
    (receipt,) = re.findall(r'<option value="(rcp_[0-9a-f]+)">', page)
    went(send(admin, HERE, f"{refund}/paid", receipt=receipt), HERE)
    page = plain(admin.get(HERE).text)
    assert "openai-main USD 0.00 0.00 0.00" in page
    assert "已收到" in page
    assert all(each.holds for each in check_ledger(database, LEDGER_CHECKS))


def test_what_was_entered_by_mistake_is_voided_and_a_rejection_says_why(
    admin: TestClient, database: Database
) -> None:
    account(database)
    made = bill(admin)
    note = {"number": "CN-1", "net": "1000", "tax": "0", "credited_on": "2026-11-04", "why": "多收"}
    went(send(admin, HERE, f"{HERE}/bills/{made}/credits", **note), HERE)
    assert "USD 60.00 0.00 0.00" in plain(admin.get(HERE).text)
    refused = send(admin, HERE, f"{HERE}/bills/{made}/void", why="录错")
    assert (refused.status_code, "已有贷项，请先作废贷项" in refused.text) == (409, True)
    credit = f"{HERE}/credits/{named(admin, 'credit')}"
    went(send(admin, HERE, f"{credit}/void", why="录错"), HERE)
    form = {"account": "openai-main", "purpose": "top_up", "amount": "5.00", "why": "月底"}
    went(send(admin, HERE, f"{HERE}/balance", currency="CNY", **form), HERE)
    payment = f"{HERE}/payments/{named(admin, 'payment')}"
    refused = send(admin, HERE, f"{payment}/reject", why=" ")
    assert (refused.status_code, "必须写明原因" in refused.text) == (422, True)
    went(send(admin, HERE, f"{payment}/reject", why="重复"), HERE)
    went(send(admin, HERE, f"{HERE}/bills/{made}/void", why="录错"), HERE)
    page = plain(admin.get(HERE).text)
    assert "已驳回" in page
    assert page.count("已作废") >= 2
    for path, wrong in (
        (f"{HERE}/bills/{made}/pay", {"amount": "一百"}),
        (f"{HERE}/bills/pbl_x/pay", {"amount": "1"}),
        (f"{HERE}/balance", {"account": "nobody", "amount": "1", "why": "x"}),
        (f"{HERE}/bills", {"account": "openai-main", "billed_on": "2026-13-01"}),
        (f"{HERE}/payments/ppy_x/paid", {}),
    ):
        assert 400 <= send(admin, HERE, path, **wrong).status_code < 500, path


@pytest.mark.parametrize("language", ["zh", "en"])
def test_what_others_wrote_is_text_on_the_page_whatever_it_is(
    admin: TestClient, database: Database, language: str
) -> None:
    name = '"><img src=x onerror=alert(1)>' + "长" * 150
    account(database)
    bill(admin, number=name[:180])
    made = named(admin, "bill")
    note = {"number": SCRIPT, "net": "1", "tax": "0", "credited_on": "2026-11-04", "why": SCRIPT}
    went(send(admin, HERE, f"{HERE}/bills/{made}/credits", **note), HERE)
    went(send(admin, HERE, f"{HERE}/bills/{made}/pay", amount="1", how="bill", why=SCRIPT), HERE)
    admin.cookies.set(LANGUAGE, language)
    for query in ("", "?account=openai-main", f"?account={SCRIPT}", "?account=%00", "?bills=x"):
        page = admin.get(HERE + query)
        assert page.status_code in {200, 422}, query
        assert SCRIPT not in page.text
        assert "<img" not in page.text


def test_who_keeps_no_books_sees_the_page_and_can_do_nothing(
    admin: TestClient, database: Database
) -> None:
    account(database)
    made = bill(admin)
    enter(database, admin, "sue", "sales", None)
    page = admin.get(HERE)
    assert (page.status_code, f"{HERE}/bills/" in page.text) == (200, False)
    answer = send(admin, "/account", f"{HERE}/bills/{made}/void", why="x")
    assert answer.status_code == 403


def test_bills_are_shown_by_leaves_the_newest_first(admin: TestClient, database: Database) -> None:
    account(database)
    for number in range(PAGE + 2):
        draft = replace(BILL, account_id="openai-main", number=f"INV-{number:03d}")
        enter_bill(database, draft, by="ann", now=NOW + number * timedelta(seconds=1))
    first = admin.get(HERE).text
    assert (f">INV-{PAGE + 1:03d}<" in first, ">INV-000<" in first) == (True, False)
    (later,) = re.findall(r'href="\?(bills=[^"]+)"', first)
    assert ">INV-000<" in admin.get(f"{HERE}?{later}").text


def test_the_page_is_english_for_whoever_reads_english(
    admin: TestClient, database: Database
) -> None:
    """With something in every list: what is asked for, approved, over, void; bills and notes."""
    account(database)
    made = bill(admin)
    note = {"number": "CN-1", "net": "1", "tax": "0", "credited_on": "2026-11-04", "why": "x"}
    went(send(admin, HERE, f"{HERE}/bills/{made}/credits", **note), HERE)
    went(send(admin, HERE, f"{HERE}/bills/{made}/pay", amount="1", how="draw"), HERE)
    for why in ("x", "y"):
        form = {"account": "openai-main", "purpose": "top_up", "amount": "5", "why": why}
        went(send(admin, HERE, f"{HERE}/balance", currency="CNY", **form), HERE)
    over = named(admin, "payment", '<td class="words">y</td>')
    went(send(admin, HERE, f"{HERE}/payments/{over}/reject", why="z"), HERE)
    admin.cookies.set(LANGUAGE, "en")
    page = plain(admin.get(HERE).text.split("<main", 1)[1]).replace("王管理", "")
    assert re.findall("[\u4e00-\u9fff]+", page) == []
    assert "Payment of a bill" not in page
    assert "Draw INV-1" in page
