"""From figures down to calls, the operator's verbs, contacts and reports, as people click them."""

import csv
import io
import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html import unescape
from typing import Any

from fastapi.testclient import TestClient

from tests.rooms.web.behind import reconciliation_at, usage_report
from tests.rooms.web.conftest import NOW, House
from tests.rooms.web.test_pages import admin, browser, enter, token_in
from tests.scenarios.books import FixedClock
from yuejie.contracts.import_prices import PriceImport, import_prices
from yuejie.db.session import Database
from yuejie.jobs.worker import Worker
from yuejie.web.pages.frame.cookies import LANGUAGE

__all__ = ["admin", "browser"]


def work(db: Database) -> int:
    return Worker(db, FixedClock(NOW)).work()


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.lstrip("\ufeff"))))


def link(page: str, pattern: str) -> str:
    found = re.search(rf'href="({pattern})"', page)
    assert found, pattern
    return unescape(found.group(1))


def test_a_customer_goes_from_its_bill_down_to_one_call(
    browser: TestClient, database: Database, house: House
) -> None:
    """Bill, line, day, call by links alone; the file adds up to the line; nothing costs us."""
    enter(database, browser, "acme.finance", "finance", "acme")
    bill = browser.get(f"/bills/{house.acme_bill.number}").text
    line = browser.get(path := link(bill, r"/bills/[^\"]+/lines/1")).text
    assert "核对相符" in line
    assert "5.00 CNY" in line
    day = browser.get(link(line, r"/bills/[^\"]+/lines/1/2026-10-15")).text
    call = browser.get(link(day, r"/requests/req_[0-9a-f]{32}")).text
    assert house.acme_call in call
    assert "1,000,000" in call
    for page in (line, day, call):
        assert "成本" not in page
        assert "zeta" not in page
    rows = rows_of(browser.get(f"{path}/calls.csv").text)
    assert sum(Decimal(row["计费额"]) for row in rows) == Decimal(5)
    assert browser.get(f"/bills/{house.acme_bill.number}/lines/99").status_code == 404


def test_the_first_and_the_last_day_there_are_break_no_page(
    admin: TestClient, house: House
) -> None:
    """A day beside the calendar is nobody's failure: there are no calls, or it is refused."""
    line = f"/bills/{house.acme_bill.number}/lines/1"
    for day in ("0001-01-01", "1969-12-31", "9999-12-30", "9999-12-31"):
        for path in (
            f"/requests?customer=acme&since={day}",
            f"/requests?customer=acme&until={day}",
            f"/requests?customer=acme&since={day}T00",
            f"/usage?customer=acme&day={day}",
            f"{line}/{day}",
            f"{line}/calls.csv?day={day}",
        ):
            assert admin.get(path).status_code in {200, 404, 422}, path


def test_usage_is_narrowed_step_by_step_and_taken_home(
    browser: TestClient, database: Database, house: House
) -> None:
    enter(database, browser, "acme.finance", "finance", "acme")
    page = browser.get("/usage?month=2026-10&by=model").text
    days = browser.get(link(page, r"/usage\?[^\"]*model=gpt-4o[^\"]*")).text
    hours = browser.get(
        link(days, r"/usage\?[^\"]*day=2026-10-15[^\"]*").replace("&amp;", "&")
    ).text
    assert "2026-10-15 10:00" in hours
    calls = browser.get(link(hours, r"/requests\?[^\"]*T10[^\"]*")).text
    assert house.acme_call in calls
    rows = rows_of(browser.get("/usage/export?month=2026-10&by=model").text)
    assert [(row["分组"], row["计费额"], row["token"]) for row in rows] == [
        ("gpt-4o", "8.00", "1200000")
    ]
    found = rows_of(browser.get("/requests/export?since=2026-10-15&until=2026-10-15").text)
    assert [row["请求编号"] for row in found] == [house.acme_call]
    assert rows_of(browser.get("/requests/export?until=2026-10-14").text) == []
    assert browser.get("/usage?by=customer").status_code == 422


def test_the_operator_works_off_what_waits(admin: TestClient, house: House) -> None:
    house.acme.uses("2026-11-04 10:00:00", "gpt-4o", state="estimated", input=500)
    page = admin.get("/worklist").text
    form = {"form_token": token_in(admin.get("/worklist"))}
    path = re.search(r'action="(/worklist/[0-9a-f-]{36}/resolve)"', page)
    assert path
    for bad in ({"input": ""}, {"input": "many"}):
        assert admin.post(path[1], data=form | bad).status_code == 422
    assert admin.post(path[1], data=form | {"input": "750"}).status_code == 303
    assert "没有待处理的用量" in admin.get("/worklist").text
    assert admin.post("/worklist/reprice", data=form).status_code == 303


def test_a_providers_report_is_imported_and_every_difference_has_its_cause(
    admin: TestClient, house: House
) -> None:
    form = {"form_token": token_in(admin.get("/reconciliations"))}
    given = form | {"account": "sim", "month": "2026-10", "source": "openai_usage"}
    assert admin.post("/reconciliations/reports", data=given).status_code == 422
    file = {"file": ("usage.json", usage_report(), "application/json")}
    answer = admin.post("/reconciliations/reports", data=given, files=file)
    assert answer.status_code == 303, answer.text
    again = admin.post("/reconciliations/run", data=given)
    shown = admin.get(again.headers["location"])
    assert "差异的原因" in shown.text or "没有差异" in shown.text
    assert reconciliation_at(house) in admin.get("/reconciliations?month=2026-10").text


def test_a_report_that_lacks_days_is_said_to_on_the_page_in_either_language(
    admin: TestClient, house: House
) -> None:
    """It is about the first of October; both customers called on the fifteenth."""
    del house
    form = {"form_token": token_in(admin.get("/reconciliations"))}
    given = form | {"account": "sim", "month": "2026-10", "source": "openai_usage"}
    day = int(datetime(2026, 10, 1, tzinfo=UTC).timestamp())
    result = {"model": "gpt-4o", "num_model_requests": 1, "input_tokens": 5}
    body = json.dumps({"data": [{"start_time": day, "results": [result]}]}).encode()
    file = {"file": ("usage.json", body, "application/json")}
    path = admin.post("/reconciliations/reports", data=given, files=file).headers["location"]
    admin.get(path)  # takes what the deed said with it
    shown = admin.get(path).text
    assert "报告不全：没有 2026-10-15 的数据" in shown
    assert ("?cause=not_reported" in shown, "?cause=missing_there" in shown) == (True, False)
    admin.cookies.set(LANGUAGE, "en")
    shown = admin.get(path).text
    assert "it has nothing of 2026-10-15" in shown
    assert "Not in the report" in shown


def test_margins_add_up_by_whatever_they_are_seen(admin: TestClient, house: House) -> None:
    """Two bills of 8.00 with tax are 15.09 without, or 7.55 each."""
    del house
    for by in ("customer", "model", "contract"):
        rows = rows_of(admin.get(f"/margins/export?month=2026-10&by={by}").text)
        whole = sum(Decimal(row["收入（不含税）"]) for row in rows)
        assert whole == Decimal("15.09" if by == "model" else "15.10")
    assert admin.get("/margins?by=moon").status_code == 422


def test_a_deployment_is_drained_where_its_health_is_seen(admin: TestClient, house: House) -> None:
    del house
    form = {"form_token": token_in(admin.get("/health"))}
    name = re.search(r'name="deployment" value="([^"]+)"', admin.get("/health").text)
    assert name
    data = form | {"deployment": name[1], "state": "drained"}
    assert admin.post("/health/deployments", data=data).status_code == 303
    assert "已摘除" in admin.get("/health?hours=24").text
    data = form | {"account": "sim", "state": "drained"}
    assert admin.post("/health/accounts", data=data).status_code == 303
    assert "账号停用" in admin.get("/health").text
    assert admin.get("/health?hours=5").status_code == 422


def test_a_revision_is_seen_beside_what_held_before(admin: TestClient, house: House) -> None:
    body = b'[models."gpt-4o"]\ninput = "6"\noutput = "15"\n'
    wanted = PriceImport(
        name="next.toml", body=body, book_id="list", starts_at=NOW + timedelta(hours=1)
    )
    assert not import_prices(house.books.db, wanted, by="x", now=NOW).refused
    rows = rows_of(admin.get("/prices/list/revisions/2/export").text)
    assert [(r["计量项"], r["原单价"], r["新单价"], r["变动 %"]) for r in rows] == [
        ("input", "5.00", "6.00", "20.00"),
        ("output", "15.00", "15.00", "0.00"),
    ]
    assert "涨价" in admin.get("/prices/list/revisions/2?kind=up").text
    assert admin.get("/prices/list/revisions/9").status_code == 404


def test_a_customer_keeps_its_own_contacts(
    browser: TestClient, database: Database, house: House
) -> None:
    """Finance adds a webhook and sees its key once, a developer only looks; zeta's stay zeta's."""
    enter(database, browser, "acme.finance", "finance", "acme")
    form: dict[str, Any] = {"form_token": token_in(browser.get("/notices"))}
    late = form | {"name": "王会计", "quiet_from": "22:00"}
    assert browser.post("/notices/contacts", data=late).status_code == 422
    whole = late | {"quiet_until": "08:00"}
    assert browser.post("/notices/contacts", data=whole).status_code == 303
    page = browser.get("/notices").text
    assert "22:00–08:00" in page
    path = re.search(r'action="(/notices/contacts/\w+/channels)"', page)
    assert path
    inside = form | {"kind": "webhook", "address": "http://127.0.0.1/x"}
    assert browser.post(path[1], data=inside).status_code == 403, "https only"
    made = browser.post(path[1], data=inside | {"address": "https://hooks.example.com/acme"})
    assert "whsec_" in made.text
    assert "whsec_" not in browser.get("/notices").text
    channel = re.search(r'action="(/notices/channels/\w+)/test"', made.text)
    assert channel
    assert browser.post(f"{channel[1]}/test", data=form).status_code == 303
    assert "whsec_" in browser.post(f"{channel[1]}/rotate", data=form).text
    for deed in (
        f"/notices/channels/{house.zeta_channel}/remove",
        f"/notices/contacts/{house.zeta_contact}/remove",
    ):
        assert browser.post(deed, data=form).status_code == 404
    enter(database, browser, "acme.dev", "developer", "acme")
    seen = browser.get("/notices")
    assert "登记联系人</h2>" not in seen.text
    form = {"form_token": token_in(seen)}
    assert browser.post(f"{channel[1]}/remove", data=form).status_code == 403
    enter(database, browser, "acme.boss", "admin", "acme")
    form = {"form_token": token_in(browser.get("/notices"))}
    assert browser.post(f"{channel[1]}/remove", data=form).status_code == 303
    assert "还没有渠道" in browser.get("/notices").text


def test_a_report_is_saved_made_and_ended(
    browser: TestClient, database: Database, house: House
) -> None:
    enter(database, browser, "acme.finance", "finance", "acme")
    form: dict[str, Any] = {"form_token": token_in(browser.get("/reports"))}
    wanted = form | {"name": "按项目", "dimension": "project", "measures": ["charge", "requests"]}
    for bad in ({"measures": ["cost"]}, {"period": "never"}, {"every": "weekly", "on": "x"}):
        assert browser.post("/reports", data=wanted | bad).status_code == 422
    made = browser.post("/reports", data=wanted | {"every": "monthly", "on": "3"})
    path = made.headers["location"]
    assert "还没有生成过" in browser.get(path).text
    following = browser.post(f"{path}/run", data=form).headers["location"]
    assert "等待开始" in browser.get(following).text
    assert work(database) == 1
    over = browser.get(f"{following}&moving=1")
    assert over.headers["hx-refresh"] == "true"
    page = browser.get(following).text
    assert "8.00" in page
    assert "zeta" not in page
    assert browser.get(link(page, r"/api/v1/report-runs/\w+/xlsx")).status_code == 200
    assert browser.post(f"{path}/end", data=form).status_code == 303
    assert "已结束，已生成的都留着" in browser.get("/reports").text
    assert "按项目" not in browser.get("/reports").text
    assert "按项目" in browser.get("/reports?ended=yes").text
    assert browser.get(f"/reports/{house.zeta_report}").status_code == 404


def test_a_month_is_replayed_as_supposed(
    browser: TestClient, database: Database, house: House
) -> None:
    """A tenth off all models: 8.00 becomes 7.20; nothing is written, and books are not theirs."""
    del house
    enter(database, browser, "acme.finance", "finance", "acme")
    form = {"form_token": token_in(browser.get("/what-if")), "month": "2026-10"}
    assert browser.post("/what-if", data=form).status_code == 422
    following = browser.post("/what-if", data=form | {"discount": "10"}).headers["location"]
    waiting = browser.get(following).text
    assert ("等待开始" in waiting, f'hx-get="{following}&amp;moving=1"' in waiting) == (True, True)
    assert work(database) == 1
    assert browser.get(f"{following}&moving=1").headers["hx-refresh"] == "true"
    page = browser.get(following).text
    assert "7.20 CNY" in page
    assert "-0.80" in page
    assert browser.post("/what-if", data=form | {"book": "list"}).status_code == 403
    body = b'[models."gpt-4o"]\ninput = "1"\noutput = "1"\n'
    file = {"file": ("mine.toml", body, "application/toml")}
    filed = browser.post("/what-if", data=form, files=file).headers["location"]
    assert work(database) == 1
    assert "1.20 CNY" in browser.get(filed).text


def test_a_replay_that_cannot_be_says_why_and_one_that_waits_is_cancelled(
    browser: TestClient, database: Database, house: House
) -> None:
    """The reason stands where the question was asked; nobody else finds either job."""
    del house
    enter(database, browser, "acme.finance", "finance", "acme")
    form = {"form_token": token_in(browser.get("/what-if")), "month": "2026-10"}
    nobody = form | {"source": "gpt-4o", "target": "nobody"}
    wrong = browser.post("/what-if", data=nobody).headers["location"]
    assert work(database) == 1
    page = browser.get(wrong).text
    assert "没有 nobody 的 input" in page
    assert 'value="nobody"' in page, "what was asked is there to be corrected"
    left = browser.post("/what-if", data=form | {"discount": "10"}).headers["location"]
    number = left.partition("job=")[2]
    stopped = browser.post(f"/jobs/{number}/cancel", data=form)
    assert (stopped.status_code, stopped.headers["location"]) == (303, left)
    assert "取消了任务，没有结果" in browser.get(left).text
    assert work(database) == 0
    enter(database, browser, "zeta.boss", "admin", "zeta")
    form = {"form_token": token_in(browser.get("/what-if"))}
    assert browser.get(left).status_code == 404
    assert browser.get(wrong).status_code == 404
    assert browser.post(f"/jobs/{number}/cancel", data=form).status_code == 404


def test_lists_are_filtered(admin: TestClient, house: House) -> None:
    del house
    keys = admin.get("/keys?customer=acme&q=后端&state=active").text
    assert "<td>后端" in keys
    assert "没有这样的密钥" in admin.get("/keys?customer=acme&q=nobody").text
    assert "acme" in admin.get("/customers?q=ACME").text
    assert "没有这样的客户" in admin.get("/customers?q=nobody").text
    assert admin.get("/keys?customer=acme&cursor=broken").status_code == 422
