"""The operator's desks as two people use them: the month, the bank, fapiao, approvals."""

import re
from dataclasses import replace
from datetime import date, timedelta

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from tests.rooms.fapiao.shop import SELLING
from tests.rooms.fapiao.test_by_hand import NUMBER as FAPIAO_NUMBER
from tests.rooms.fapiao.test_by_hand import xml
from tests.rooms.web.conftest import NOW, PRICES, House
from tests.rooms.web.test_pages import HTML, admin, browser, enter, token_in
from tests.scenarios.books import Books, FixedClock
from yuejie.bills.correct.adjust import propose_adjustment
from yuejie.bills.correct.adjustment import Wanted
from yuejie.bills.correct.take_back import request_credit
from yuejie.bills.pay import mark_paid
from yuejie.bills.store import bills_of_month
from yuejie.contracts.grants.give import ask_grant
from yuejie.contracts.grants.grant import GrantDraft, GrantKind
from yuejie.contracts.life.limits import LimitWish, ask_limit
from yuejie.contracts.terms import STANDARD, Confirmation
from yuejie.db.session import Database
from yuejie.fapiao.issuing.upload import Upload, upload_fapiao, upload_red
from yuejie.fapiao.request import Pick, Wish, approve_fapiao, request_fapiao
from yuejie.fapiao.reversing.form import RedReason
from yuejie.fapiao.reversing.reverse import RedWish, approve_red, request_red
from yuejie.fapiao.reversing.store import pending_reds
from yuejie.jobs.worker import Worker
from yuejie.kernel.period import BillingMonth
from yuejie.web.pages.desk.receivables import REASONS
from yuejie.web.pages.money.payments import STOPPED

__all__ = ["admin", "browser"]

OCTOBER = BillingMonth(2026, 10)
HTMX = {"hx-request": "true"}
BOSS = "operator:王管理"
ACCOUNT = {"number": "110912345610801", "holder": "月结科技", "bank": "招商银行"}


def send(browser: TestClient, page: str, path: str, **form: object) -> Response:
    """Send a form of a page as htmx does."""
    token = token_in(browser.get(page))
    return browser.post(path, data={"form_token": token, **form}, headers=HTMX)


def went(answer: Response, path: str) -> None:
    assert (answer.status_code, answer.headers.get("hx-redirect")) == (200, path), answer.text


def one(pattern: str, page: str) -> str:
    """Return the one address of a page that looks like this, however often it stands there."""
    (found,) = set(re.findall(pattern, page))
    return str(found)


def worked(admin: TestClient, db: Database, answer: Response) -> Response:
    """Let a clerk do the work that a form began, and return the page of the job."""
    path = answer.headers["hx-redirect"]
    assert path.startswith("/jobs/job_"), answer.text
    assert "等待开始" in admin.get(path).text
    assert Worker(db, FixedClock(NOW)).work() == 1
    return admin.get(path)


def states(db: Database) -> dict[str, str]:
    with db.read() as tx:
        return {bill.customer_id: str(bill.state) for bill in bills_of_month(tx, OCTOBER)}


def test_october_is_tried_closed_proposed_issued_and_proved_on_the_page(
    admin: TestClient, database: Database
) -> None:
    """
    Acme confirms its bills, beta is issued without asking. The dry run writes nothing; closing
    drafts both; all that is ready is issued (beta), what must be asked about is proposed (acme).
    """
    books = Books(database)
    books.prices(PRICES, currency="CNY")
    asks = replace(STANDARD, confirmation=Confirmation.REQUIRED)
    acme, beta = books.customer("acme", commercial=asks), books.customer("beta")
    for party in (acme, beta):
        party.uses("2026-10-15 10:00:00", "gpt-4o", input=1_000_000)
    acme.uses("2026-10-16 10:00:00", "gpt-4o", state="unmeasured")
    page = admin.get("/closing")
    assert "月结工作台 2026-10" in page.text
    assert "未计量的调用，没有计入账单" in page.text
    tried = worked(admin, database, send(admin, "/closing", "/closing/2026-10/try"))
    assert tried.text.count("将出草稿") == 2
    assert "没有写入任何账单；价税合计 10.00 CNY" in tried.text
    assert states(database) == {}
    closed = worked(admin, database, send(admin, "/closing", "/closing/2026-10/close"))
    assert "账单草稿价税合计 10.00 CNY" in closed.text
    assert closed.text.count("已出草稿") == 2
    assert "2 / 2 个客户" in closed.text
    issued = worked(admin, database, send(admin, "/closing", "/closing/2026-10/issue"))
    assert issued.text.count("已出账，YJ2026") == 1
    proposed = worked(admin, database, send(admin, "/closing", "/closing/2026-10/propose"))
    assert "1 / 1 张账单" in proposed.text
    assert states(database) == {
        acme.customer.customer_id: "proposed",
        beta.customer.customer_id: "issued",
    }
    proof = worked(admin, database, send(admin, "/closing", "/closing/2026-10/proof"))
    assert "全部一致" in proof.text
    assert "一致：1 张账单，2 个原始事件" in proof.text
    page = admin.get("/closing?month=2026-10")
    assert page.text.count("/jobs/job_") == 5, "the month's jobs are found again from here"


def test_a_month_that_cannot_be_closed_says_why_beside_its_button(
    admin: TestClient, database: Database
) -> None:
    """November is not over: refused in a sentence. Beta's dollars have no rate: it is named."""
    books = Books(database)
    books.prices(PRICES.replace("CNY", "USD"))
    books.customer("beta", currency="CNY", fx_policy="bill").uses(
        "2026-10-15 10:00:00", "gpt-4o", input=1_000_000
    )
    early = send(admin, "/closing", "/closing/2026-11/close")
    assert (early.status_code, "尚未结束" in early.text, "<" in early.text) == (409, True, False)
    assert "没有 USD→CNY" in admin.get("/closing?month=2026-10").text
    tried = worked(admin, database, send(admin, "/closing", "/closing/2026-10/try"))
    assert "1 件未办成" in tried.text
    assert "汇率" in tried.text
    assert admin.get("/closing?month=2026").status_code == 422


def csv(*rows: str) -> bytes:
    head = "交易日期,交易流水号,贷方发生额,对方户名,对方账号,附言"
    return "\n".join([head, *rows]).encode("gb18030")


def take_in(browser: TestClient, body: bytes, name: str = "november.csv") -> Response:
    token = token_in(browser.get("/bank"))
    return browser.post(
        "/bank/statements",
        data={"form_token": token, "account": ACCOUNT["number"]},
        files={"file": (name, body, "text/csv")},
        headers=HTMX,
    )


def test_a_statement_is_uploaded_matched_and_the_rest_apportioned_by_hand(
    admin: TestClient, database: Database, house: House
) -> None:
    """
    Acme pays by name and number: the machine places it. Zeta's 8.00 comes from somebody else: a
    person files who may pay for it, types 5.00 and keeps the rest; takes it back; then the whole.
    """
    went(send(admin, "/bank", "/bank/accounts", **ACCOUNT), "/bank")
    rows = [
        f"2026-11-04,A1,8.00,{house.acme.customer.legal_name},6222,{house.acme_bill.number}",
        "2026-11-04,A2,8.00,泽塔,7777,货款",
    ]
    done = take_in(admin, csv(*rows))
    assert "导入 2 笔，其中到账 2 笔" in done.text
    assert states(database)[house.acme.customer.customer_id] == "paid"
    assert "以前导入过" in take_in(admin, csv(*rows)).text
    wrong = take_in(admin, csv("2026-11-05,A3,八元,甲,1,"))
    assert (wrong.status_code, "第 2 行" in wrong.text, "<" in wrong.text) == (422, True, False)

    here = one(r"/bank/receipts/rcp_\w+", admin.get("/bank").text)
    page = admin.get(f"{here}?customer=zeta")
    number = str(house.zeta_bill.number)
    assert (number in page.text, 'value="8.00"' in page.text) == (True, True)
    form = {"customer": "zeta", "bill": [number], "rest": "keep"}
    much = send(admin, here, f"{here}/apportion", **form, amount=["9.00"])
    assert (much.status_code, "<" in much.text) == (409, False)
    other = send(admin, here, f"{here}/apportion", **form, amount=["5.00"])
    assert (other.status_code, "须先登记代付协议" in other.text) == (409, True)
    paper = admin.post(
        f"{here}/authorise",
        data={
            "form_token": token_in(admin.get(here)),
            "customer": "zeta",
            "starts_on": "2026-11-01",
        },
        files={"document": ("代付协议.pdf", b"%PDF-1.7 scan", "application/pdf")},
        headers=HTMX,
    )
    went(paper, f"{here}?customer=zeta")
    went(send(admin, here, f"{here}/apportion", **form, amount=["5.00"]), here)
    undo = one(rf"{here}/undo/\w+", admin.get(here).text)
    went(send(admin, here, undo, why="填错金额"), here)
    went(send(admin, here, f"{here}/apportion", **form, amount=["8.00"]), here)
    assert states(database)[house.zeta.customer.customer_id] == "paid"
    assert "没有这样的到账" in admin.get("/bank").text
    assert "已认款" in admin.get("/bank?state=apportioned").text
    assert admin.get("/bank?state=nonsense").status_code == 422


def test_waivers_and_refunds_are_decided_by_whoever_did_not_ask(
    admin: TestClient, database: Database, house: House
) -> None:
    """
    Zeta owes 8.00 and is broke; 3.00 came in from nobody we know. 王管理 asks to give up the one
    and to send back the other, and is offered no button for either; 李财务 decides, and pays.
    """
    assert "16.00 CNY" in admin.get("/receivables?on=2027-03-01").text
    form = {"bill": str(house.zeta_bill.number), "kind": "write_off", "why": "破产"}
    went(send(admin, "/receivables", "/receivables/waivers", **form), "/receivables")
    send(admin, "/bank", "/bank/accounts", **ACCOUNT)
    take_in(admin, csv("2026-11-04,A1,3.00,谁也不是,7777,"))
    here = one(r"/bank/receipts/rcp_\w+", admin.get("/bank").text)
    went(send(admin, here, f"{here}/refund", amount="3.00", why="付错"), here)
    page = admin.get("/receivables").text
    assert page.count("由您提出，须由另一人审批") == 2
    assert "/approve" not in page

    enter(database, admin, "李财务", "finance", None)
    page = admin.get("/receivables").text
    waiver = one(r"/receivables/waivers/\w+/approve", page)
    went(send(admin, "/receivables", waiver), "/receivables")
    assert states(database)[house.zeta.customer.customer_id] == "written_off"
    refund = one(r"/receivables/refunds/\w+", page)
    went(send(admin, "/receivables", f"{refund}/approve"), "/receivables")
    paid = send(admin, "/receivables", f"{refund}/paid", paid_on="2026-11-05")
    went(paid, "/receivables")
    assert "已退回" in admin.get(here).text
    until = {"customer": "acme", "until": "2026-12-01", "why": "已承诺付款"}
    went(send(admin, "/receivables", "/receivables/reprieve", **until), "/receivables")


def test_money_is_turned_down_with_a_reason_that_its_receipt_shows(
    admin: TestClient, database: Database, house: House
) -> None:
    """
    王管理 asks to give up Zeta's 8.00 and to send 3.00 back: the receipt shows it, with no form for
    what is not there any more. 李财务 says no to both, and why; the refund may be asked for again.
    """
    form = {"bill": str(house.zeta_bill.number), "kind": "write_off", "why": "破产"}
    went(send(admin, "/receivables", "/receivables/waivers", **form), "/receivables")
    send(admin, "/bank", "/bank/accounts", **ACCOUNT)
    take_in(admin, csv("2026-11-04,A1,3.00,谁也不是,7777,"))
    here = one(r"/bank/receipts/rcp_\w+", admin.get("/bank").text)
    assert f'action="{here}/refund"' in admin.get(here).text
    went(send(admin, here, f"{here}/refund", amount="3.00", why="付错"), here)
    page = admin.get(here).text
    assert [word for word in ("付错", "王管理", "在“应收”页办理") if word not in page] == []
    assert f'action="{here}/refund"' not in page, "all of it is on its way back"

    enter(database, admin, "李财务", "finance", None)
    page = admin.get("/receivables").text
    for path in (r"/receivables/waivers/\w+/reject", r"/receivables/refunds/\w+/reject"):
        there = one(path, page)
        assert send(admin, "/receivables", there, why=" ").status_code == 422
        went(send(admin, "/receivables", there, why="先抵下月"), "/receivables")
    page = admin.get(here).text
    assert ("已驳回" in page, "先抵下月" in page) == (True, True)
    assert f'action="{here}/refund"' in page


def test_a_receipt_offers_what_of_it_may_go_back_and_no_more(
    admin: TestClient, database: Database, house: House
) -> None:
    """Zeta's 20.00 became a prepayment: 20.00 of that may go back; of what nobody sent, nothing."""
    zeta = house.zeta.customer
    send(admin, "/bank", "/bank/accounts", **ACCOUNT)
    take_in(admin, csv(f"2026-11-04,A1,20.00,{zeta.legal_name},7777,"))
    here = one(r"/bank/receipts/rcp_\w+", admin.get("/bank").text)
    went(send(admin, here, f"{here}/apportion", customer="zeta"), here)
    page = admin.get(here).text
    offered = re.findall(r'<option value="(receipt|prepayment|deposit)">([^<]+)', page)
    assert offered == [("prepayment", "预收款 20.00")]
    take_in(admin, csv("2026-11-04,A2,5.00,,,"), "nobody.csv")
    here = one(r"/bank/receipts/rcp_\w+", admin.get("/bank").text)
    page = admin.get(here).text
    assert (f'action="{here}/refund"' in page, "只能由银行原路退回" in page) == (False, True)


def test_a_refund_is_booked_by_a_line_that_is_chosen_and_not_typed(
    admin: TestClient, database: Database, house: House
) -> None:
    """
    3.00 left to 7777 before the refund was asked for, and behind it, and to a number that the bank
    did not say. The newest to its very number since is chosen; what is booked is not offered again.
    """
    send(admin, "/bank", "/bank/accounts", **ACCOUNT)
    take_in(admin, csv("2026-11-03,A1,6.00,谁也不是,7777,"))
    here = one(r"/bank/receipts/rcp_\w+", admin.get("/bank").text)
    for why in ("付错", "再退"):
        went(send(admin, here, f"{here}/refund", amount="3.00", why=why), here)
    enter(database, admin, "李财务", "finance", None)
    page = admin.get("/receivables").text
    for refund in sorted(set(re.findall(r"/receivables/refunds/\w+(?=/approve)", page))):
        went(send(admin, "/receivables", f"{refund}/approve"), "/receivables")
    assert 'value="bsl_' not in admin.get("/receivables").text
    head = "交易日期,交易流水号,借方发生额,贷方发生额,对方户名,对方账号,附言"
    rows = [
        "2026-11-04,B1,3.00,,谁也不是,7777,",
        "2026-11-06,B2,3.00,,谁也不是,7777,",
        "2026-11-07,B3,3.00,,,,退款",
        "2026-11-07,B4,3.00,,别人,8888,",
    ]
    take_in(admin, "\n".join([head, *rows]).encode("gb18030"), "out.csv")
    first, second = lines_offered(admin)
    assert first == second
    assert first == [
        ("", "没有流水"),
        (" ", "2026-11-07 — B3"),
        ("chosen", "2026-11-06 谁也不是 B2"),
        (" ", "2026-11-04 谁也不是 B1"),
    ]
    page = admin.get("/receivables").text
    refund, *_ = sorted(set(re.findall(r"/receivables/refunds/\w+(?=/paid)", page)))
    line = re.findall(r'<option value="(bsl_\w+)" selected', page)[0]
    form = {"paid_on": "2026-11-06", "line": line}
    went(send(admin, "/receivables", f"{refund}/paid", **form), "/receivables")
    (left,) = lines_offered(admin)
    assert left == [
        ("", "没有流水"),
        (" ", "2026-11-07 — B3"),
        (" ", "2026-11-04 谁也不是 B1"),
    ]


def lines_offered(admin: TestClient, there: str = "/receivables") -> list[list[tuple[str, str]]]:
    """Return the lines of the bank that each refund is offered, and which of them is chosen."""
    page = admin.get(there).text
    return [
        [
            ("chosen" if chosen else " " if line else "", said)
            for line, chosen, said in re.findall(
                r'<option value="(\w*)"( selected)?>([^<]+)</option>', box
            )
        ]
        for box in re.findall(r'<select[^>]+name="line".+?</select>', page)
    ]


def test_nothing_waits_only_where_nothing_waits_anywhere(admin: TestClient) -> None:
    page = admin.get("/approvals").text
    assert ("没有等待审批的事项" in page, "别处待办" in page) == (True, False)


def test_approvals_say_what_waits_on_other_pages(
    admin: TestClient, database: Database, house: House
) -> None:
    """A waiver waits under 应收, while 待审批 said that nothing does."""
    form = {"bill": str(house.zeta_bill.number), "kind": "write_off", "why": "破产"}
    went(send(admin, "/receivables", "/receivables/waivers", **form), "/receivables")
    page = admin.get("/approvals").text
    assert '<a href="/receivables">减免待审批</a></td><td class="num">1</td>' in page
    assert ("没有等待审批的事项" in page, "退款待审批" in page) == (False, False)
    assert "别处待办" in page


def test_a_prepayment_is_set_aside_and_drawn_in_the_currency_that_is_named(
    admin: TestClient, database: Database, house: House
) -> None:
    """Zeta has sent 20.00 ahead: 9.00 become a deposit, 2.00 of it and 6.00 pay its bill."""
    zeta, number = house.zeta.customer, str(house.zeta_bill.number)
    send(admin, "/bank", "/bank/accounts", **ACCOUNT)
    take_in(admin, csv(f"2026-11-04,A1,20.00,{zeta.legal_name},7777,"))
    here = one(r"/bank/receipts/rcp_\w+", admin.get("/bank").text)
    went(send(admin, here, f"{here}/apportion", customer=zeta.slug), here)
    aside, draw = ("/receivables", "/receivables/set-aside"), ("/receivables", "/receivables/draw")
    form = {"customer": zeta.slug, "amount": "9.00", "why": "合同约定"}
    assert send(admin, *aside, **form, currency="USD").status_code == 409
    went(send(admin, *aside, **form, currency="CNY"), "/receivables")
    form = {"customer": zeta.slug, "source": "deposit", "bill": number, "why": "逾期"}
    went(send(admin, *draw, **form, amount="2.00"), "/receivables")
    went(send(admin, *draw, customer=zeta.slug, currency="USD"), "/receivables")
    assert "没有可支付的账单，或该币种余额为零" in admin.get("/receivables").text
    went(send(admin, *draw, customer=zeta.slug), "/receivables")
    assert states(database)[zeta.customer_id] == "paid"


def test_a_fapiao_is_approved_by_a_second_person_and_uploaded(
    admin: TestClient, database: Database, house: House
) -> None:
    """Who asked presses and is refused in a sentence; another approves, and uploads the XML."""
    with database.begin() as tx:
        mark_paid(tx, house.zeta_bill.bill_id, by="x", at=NOW, why="到账")
    customer_id = house.zeta.customer.customer_id
    wish = Wish(picks=(Pick(str(house.zeta_bill.number)),), title_id=house.zeta_title)
    (asked,) = request_fapiao(database, customer_id, wish, SELLING, by=BOSS, now=NOW)
    there = f"/fapiao-desk/requests/{asked.fapiao_id}"
    page = admin.get("/fapiao-desk")
    assert "由您提出" in page.text
    refused = send(admin, "/fapiao-desk", f"{there}/approve")
    assert (refused.status_code, refused.text) == (
        403,
        f"发票申请 {asked.key} 由 {BOSS} 提出，须由另一人批准",
    )
    enter(database, admin, "李财务", "finance", None)
    went(send(admin, "/fapiao-desk", f"{there}/approve"), "/fapiao-desk")
    assert "上传已开发票" in admin.get("/fapiao-desk").text
    token = token_in(admin.get("/fapiao-desk"))
    for gross, status in (("9.00", 422), ("8.00", 200)):
        paper = xml(net="7.55", tax="0.45", gross=gross)
        answer = admin.post(
            f"{there}/upload",
            data={"form_token": token},
            files={"xml": ("f.xml", paper), "pdf": ("", b"")},
            headers=HTMX,
        )
        assert answer.status_code == status, answer.text
    form = {"fapiao": FAPIAO_NUMBER, "reason": "mistake", "why": "抬头写错"}
    went(send(admin, "/fapiao-desk", "/fapiao-desk/reds", **form), "/fapiao-desk")
    shown = admin.get("/fapiao-desk").text
    assert (FAPIAO_NUMBER in shown, "开票有误" in shown, "-8.00" in shown) == (True, True, True)


def test_red_forms_are_followed_by_people_at_the_desk(
    admin: TestClient, database: Database, house: House
) -> None:
    """
    王管理 notes that the form was filed, and that it lapsed; then the buyer starts one itself: one
    person proposes an answer, which only another may let go out.
    """
    with database.begin() as tx:
        mark_paid(tx, house.zeta_bill.bill_id, by="x", at=NOW, why="到账")
    wish = Wish(picks=(Pick(str(house.zeta_bill.number)),), title_id=house.zeta_title)
    customer_id = house.zeta.customer.customer_id
    (asked,) = request_fapiao(database, customer_id, wish, SELLING, by="x", now=NOW)
    approve_fapiao(database, asked.key, provider="manual", by=BOSS, now=NOW)
    issued = "2026-11-05 09:30:00"
    paper = Upload({"xml": xml(net="7.55", tax="0.45", gross="8.00", issued=issued)})
    upload_fapiao(database, asked.key, paper, by="x", now=NOW)
    red_wish = RedWish(fapiao=asked.key, reason=RedReason.MISTAKE, why="抬头写错")
    red = request_red(database, red_wish, by="x", now=NOW)
    approve_red(database, red.key, by=BOSS, now=NOW)
    there = f"/fapiao-desk/reds/{red.red_id}"
    assert "登记已提交" in admin.get("/fapiao-desk").text
    form = {"number": "44010001", "filed_at": "2026-11-05T10:00"}
    went(send(admin, "/fapiao-desk", f"{there}/filed", **form), "/fapiao-desk")
    shown = admin.get("/fapiao-desk").text
    assert ("44010001" in shown, "更正提交" in shown) == (True, True)
    went(send(admin, "/fapiao-desk", f"{there}/ended", ended="withdrawn"), "/fapiao-desk")
    form |= {"fapiao": FAPIAO_NUMBER, "number": "44010002", "reason": "mistake"}
    went(send(admin, "/fapiao-desk", "/fapiao-desk/buyers-forms", **form), "/fapiao-desk")
    shown = admin.get("/fapiao-desk").text
    assert ("购方发起" in shown, "答复购方" in shown) == (True, True)
    answer = one(r"/fapiao-desk/reds/red_\w+/answer", admin.get("/fapiao-desk").text)
    refused = send(admin, "/fapiao-desk", answer, answer="deny")
    assert (refused.status_code, refused.text) == (422, "请写明拒绝红字确认单的原因")
    said = "先同意，下月补开"
    went(send(admin, "/fapiao-desk", answer, answer="agree", why=said), "/fapiao-desk")
    assert said not in told_to(database, admin, "赵一", asked.fapiao_id)
    approval = f"{answer}/approve"
    assert send(admin, "/fapiao-desk", approval, answer="agree").status_code == 403
    enter(database, admin, "李财务", "finance", None)
    assert send(admin, "/fapiao-desk", approval, answer="deny").status_code == 409
    went(send(admin, "/fapiao-desk", approval, answer="agree"), "/fapiao-desk")
    assert "李财务" in admin.get("/fapiao-desk").text
    assert said in told_to(database, admin, "赵二", asked.fapiao_id)
    red_paper = xml("26332000000123456790", "-7.55", "-0.45", "-8.00")
    with database.read() as tx:
        (own,) = pending_reds(tx)
    own_file = Upload({"xml": red_paper})
    upload_red(database, own.key, own_file, by="x", now=NOW)
    page = admin.get(f"/fapiao/{asked.fapiao_id}").text
    file = one(r"/api/v1/red-fapiao/red_\w+/files/xml", page)
    assert admin.get(file).content == red_paper
    assert admin.get(file.replace("xml", "pdf")).status_code == 404
    told = admin.get("/deeds?noun=red_fapiao").text
    assert all(
        f"<td>红字发票 {done}</td>" in told
        for done in ("申请", "批准", "提交，待对方确认", "作废", "发现")
    )


def told_to(db: Database, admin: TestClient, name: str, fapiao_id: str) -> str:
    """What somebody of zeta's own finance reads of a red fapiao, on its page and over REST."""
    client = TestClient(admin.app, headers=HTML, follow_redirects=False)
    enter(db, client, name, "finance", "zeta")
    page, listed = client.get(f"/fapiao/{fapiao_id}"), client.get("/api/v1/red-fapiao")
    assert (page.status_code, listed.status_code) == (200, 200)
    return page.text + listed.text


def test_the_desk_shows_what_is_on_its_way_to_the_tax_platform(
    admin: TestClient, database: Database, house: House
) -> None:
    """An approved request is an errand until the provider has answered."""
    with database.begin() as tx:
        mark_paid(tx, house.zeta_bill.bill_id, by="x", at=NOW, why="到账")
    wish = Wish(picks=(Pick(str(house.zeta_bill.number)),), title_id=house.zeta_title)
    customer_id = house.zeta.customer.customer_id
    (asked,) = request_fapiao(database, customer_id, wish, SELLING, by="x", now=NOW)
    approve_fapiao(database, asked.key, provider="nuonuo", by=BOSS, now=NOW)
    page = admin.get("/fapiao-desk")
    assert page.status_code == 200
    assert asked.key in page.text


@pytest.fixture
def asked(database: Database, house: House) -> House:
    """An adjustment, a voucher and a limit, all asked for by 王管理."""
    limited = replace(STANDARD, credit_limit_fen=1_000_00)
    house.books.amend(house.acme, limited, starts=NOW)
    customer_id = house.acme.customer.customer_id
    wanted = Wanted(
        customer_id=customer_id,
        service_month=OCTOBER,
        amount_fen=-100,
        currency="CNY",
        item="补偿",
        why="十月故障",
    )
    propose_adjustment(database, wanted, by=BOSS, now=NOW)
    voucher = GrantDraft(
        customer_id=customer_id,
        kind=GrantKind.VOUCHER,
        name="新客券",
        amount_fen=10_000,
        starts_on=date(2026, 11, 1),
        ends_on=date(2027, 1, 1),
    )
    ask_grant(database, voucher, why="随约赠送", by=BOSS, now=NOW)
    wish = LimitWish(
        limit_fen=5_000_00, currency="CNY", starts_at=NOW, ends_at=NOW + timedelta(days=9), why="促"
    )
    ask_limit(database, customer_id, wish, by=BOSS, now=NOW)
    return house


def test_what_waits_is_approved_by_whoever_did_not_ask(
    admin: TestClient, database: Database, asked: House
) -> None:
    """Who asked is told so and refused; sales sees it all without a button; 李财务 decides."""
    page = admin.get("/approvals").text
    assert page.count("由您提出，须由另一人审批") == 3
    assert '<td class="words">随约赠送</td>' in page
    adjustment = one(r"/approvals/adjustments/\w+/withdraw", page)
    refused = send(admin, "/approvals", adjustment.replace("withdraw", "approve"))
    assert (refused.status_code, "须由另一人审批" in refused.text) == (403, True)
    assert 'href="/approvals"' in admin.get("/").text
    enter(database, admin, "li", "sales", None)
    for path in ("/closing", "/bank", "/receivables", "/fapiao-desk", "/approvals"):
        main = admin.get(path).text.partition("<main")[2]
        forms = re.findall('method="post" action="([^"]+)"', main)
        # A proof changes nothing: whoever reads may ask for it.
        assert forms == (["/closing/2026-10/proof"] if path == "/closing" else []), path
        assert "<h1" in main, path
    enter(database, admin, "李财务", "finance", None)
    page = admin.get("/approvals").text
    paths = set(re.findall(r"/approvals/\w+/\w+/approve", page))
    assert len(paths) == 3
    for path in sorted(paths):
        went(send(admin, "/approvals", path), "/approvals")
    page = admin.get("/approvals").text
    assert not re.search(r"/approvals/\w+/\w+/approve", page)
    assert ("工单待响应" in page, "没有等待审批的事项" in page) == (True, False)


def test_why_service_stopped_is_said_to_both_sides() -> None:
    """A prepaid customer that ran out stood there as “prepayment”, in English and Chinese alike."""
    assert REASONS.keys() == STOPPED.keys()


def test_what_waits_is_turned_down_with_a_reason(
    admin: TestClient, database: Database, asked: House
) -> None:
    """Who asked for a voucher by mistake takes it back; 李财务 says no to the limit."""
    page = admin.get("/approvals").text
    grant = one(r"/approvals/grants/\w+/reject", page)
    assert send(admin, "/approvals", grant, why=" ").status_code == 422
    went(send(admin, "/approvals", grant, why="多写一个零"), "/approvals")
    enter(database, admin, "李财务", "finance", None)
    page = admin.get("/approvals").text
    limit = one(r"/approvals/limits/\w+/reject", page)
    went(send(admin, "/approvals", limit, why="已逾期"), "/approvals")
    assert not re.search(r"/approvals/(grants|limits)/", admin.get("/approvals").text)


def test_corrections_are_turned_down_with_a_reason_that_their_drafter_reads(
    admin: TestClient, database: Database, asked: House
) -> None:
    """王管理 drafted an adjustment and a credit note; 李财务 rejects both and says why."""
    bill = asked.zeta_bill
    request_credit(database, bill.bill_id, amounts={1: 100}, why="故障", by=BOSS, now=NOW)
    shown = admin.get("/approvals")
    assert (shown.status_code, str(bill.number) in shown.text) == (200, True)
    enter(database, admin, "李财务", "finance", None)
    for kind in ("adjustments", "credit-notes"):
        path = one(rf"/approvals/{kind}/\w+/reject", admin.get("/approvals").text)
        assert send(admin, "/approvals", path, why=" ").status_code == 422
        went(send(admin, "/approvals", path, why=f"{kind} 金额有误"), "/approvals")
    page = admin.get("/approvals").text
    assert not re.search(r"/approvals/(adjustments|credit-notes)/", page)
    assert "adjustments 金额有误" in page
    assert "credit-notes 金额有误" in page
