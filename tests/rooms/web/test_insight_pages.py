"""Pages of insight: the bill as it stands, budgets, advice, anomalies, keys, and who sees whose."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.postgres import fresh_database
from tests.rooms.web.conftest import NOW, Furnished, House, advice_of, desk_at, finding_of
from tests.rooms.web.test_pages import HTML, enter, token_in
from tests.scenarios.books import FixedClock
from yuejie.budgets.show import standings
from yuejie.customers.key import ApiKey
from yuejie.customers.store import keys, projects
from yuejie.db.embedded import EmbeddedPostgres
from yuejie.db.session import Database
from yuejie.insights.advice import store as advising
from yuejie.insights.advice.advice import AdviceId
from yuejie.insights.anomaly.show import show_finding
from yuejie.insights.protection.protect import protect
from yuejie.web.app import make_app

HTMX = {"hx-request": "true"}


@pytest.fixture
def browser(client: TestClient) -> TestClient:
    """A browser without a session."""
    client.headers.update(HTML)
    client.follow_redirects = False
    return client


@dataclass
class Shared:
    """A house that several tests change, each its own part of it."""

    db: Database
    house: House
    browser: TestClient


@pytest.fixture(scope="module")
def shared(postgres: EmbeddedPostgres, furnished: Furnished) -> Iterator[Shared]:
    with (
        fresh_database(postgres, furnished.template) as urls,
        Database.open(urls.app, size=8, name="insight") as db,
    ):
        house = furnished.copied_to(db)
        app = make_app(desk_at(db, FixedClock(NOW)))
        with TestClient(app, headers=HTML, follow_redirects=False) as browser:
            yield Shared(db, house, browser)


NUMBERS = count()


def boss(db: Database, browser: TestClient) -> dict[str, str]:
    """Log an administrator of the operator's in, and return the token its forms carry."""
    enter(db, browser, f"boss.{next(NUMBERS)}", "admin", None)
    return {"form_token": token_in(browser.get("/account"))}


def finance(db: Database, browser: TestClient) -> dict[str, str]:
    """Log somebody of acme's finance in."""
    enter(db, browser, f"acme.finance.{next(NUMBERS)}", "finance", "acme")
    return {"form_token": token_in(browser.get("/account"))}


def figure(page: str, name: str) -> str:
    """Return the figure under a name."""
    found = re.search(rf'{name}</div><div class="figure">(?:<a[^>]*>)?([^<]+)', page)
    assert found, page
    return found.group(1).strip()


def test_the_live_page_says_what_the_bill_will_say(
    browser: TestClient, database: Database, house: House
) -> None:
    """Acme looks on the fifth; nothing more is used, the month is closed: it owes just that."""
    house.acme.uses("2026-11-02 10:00:00", "gpt-4o", input=1_234_567, output=89_012)
    finance(database, browser)
    page = browser.get("/live").text
    overview = browser.get("/").text
    house.books.clock.at = NOW.replace(month=12)
    house.books.close("2026-11")
    bill = house.acme.bill("2026-11")
    assert bill.gross.fen > 0
    assert figure(page, "价税合计") == figure(overview, "本月至今，价税合计") == f"{bill.gross} CNY"
    assert figure(page, "税额") == bill.tax.amount
    for line in bill.lines:
        assert f'<td class="num">{line.quantity:,}</td>' in page
    assert "/api/v1/customers/acme/bills/live/stream" in page
    assert browser.get("/api/v1/customers/zeta/bills/live/stream").status_code == 404


def test_a_budget_is_added_changed_and_ended_on_its_page(shared: Shared) -> None:
    database, house, browser = shared.db, shared.house, shared.browser
    form = finance(database, browser)
    form_of = form | {"name": "客服", "cap": "1,000.00", "thresholds": "50，80 100"}

    def own() -> list[Any]:
        found = standings(database, house.acme.customer, now=NOW)
        return [each for each in found if each.allowance.name == "客服"]

    refused = browser.post("/budgets", data=form_of | {"cap": "一千"}, headers=HTMX)
    assert (refused.status_code, "一千" in refused.text, "<html" in refused.text) == (
        422,
        True,
        False,
    )
    assert own() == []
    assert browser.post("/budgets", data=form_of).status_code == 303
    [added] = own()
    allowance = added.allowance
    assert (allowance.cap, allowance.thresholds) == (1000 * 10**12, (50, 80, 100))
    again = browser.post("/budgets", data=form_of, headers=HTMX)
    assert (again.status_code, "已存在" in again.text) == (409, True)
    page = browser.get("/budgets").text
    assert "1,000.00 CNY" in page
    here = f"/budgets/{allowance.allowance_id}"
    change = form | {"cap": "20.5", "mode": "soft", "thresholds": "90", "forecasts": ""}
    assert browser.post(f"{here}/change", data=change).status_code == 303
    [changed] = own()
    assert (changed.cap, changed.allowance.thresholds) == (205 * 10**11, (90,))
    for text, bound in (("4,096", 4096), ("", None)):
        bounded = change | {"output_bound": text}
        assert browser.post(f"{here}/change", data=bounded).status_code == 303
        assert own()[0].allowance.output_bound == bound
        assert f'name="output_bound" value="{bound or ""}"' in browser.get("/budgets").text
    assert browser.post(f"{here}/end", data=form).status_code == 303
    assert own() == []


def test_advice_is_accepted_or_dismissed_with_a_reason(shared: Shared) -> None:
    """And acme's finance neither sees nor answers what zeta is advised."""
    database, house, browser = shared.db, shared.house, shared.browser
    advice = advice_of(database, house.acme, answered=False)
    form = finance(database, browser)
    assert "38.00 CNY" in browser.get("/advice").text
    page = browser.get(f"/advice/{advice}").text
    assert "采纳" in page
    unsaid = browser.post(f"/advice/{advice}/dismiss", data=form, headers=HTMX)
    assert (unsaid.status_code, "须说明原因" in unsaid.text) == (422, True)
    assert browser.post(f"/advice/{advice}/accept", data=form).status_code == 303
    with database.read() as tx:
        found = advising.one(tx, house.acme.customer.customer_id, AdviceId(advice))
    assert found is not None
    assert found.state == "accepted"
    other = house.zeta_advice
    assert browser.get(f"/advice/{other}").status_code == 404
    assert browser.post(f"/advice/{other}/accept", data=form).status_code == 404
    assert other not in browser.get("/advice").text


def test_a_finding_is_acknowledged_muted_and_judged_by_its_customer_only(shared: Shared) -> None:
    database, house, browser = shared.db, shared.house, shared.browser
    own = finding_of(database, house.acme)
    form = finance(database, browser)
    assert "1,000,000/h" in browser.get("/anomalies").text
    page = browser.get(f"/anomalies/{own}").text
    assert "突增 10 倍" in page
    assert "5.00 CNY" in page
    for deed, more in (
        ("acknowledge", {"why": "已转给研发"}),
        ("mute", {"days": "7"}),
        ("feedback", {"feedback": "false"}),
    ):
        path = f"/anomalies/{own}/{deed}"
        assert browser.post(path, data=form | more).status_code == 303
        others = path.replace(own, house.zeta_finding)
        assert browser.post(others, data=form | more).status_code == 404
    found = show_finding(database, house.acme.customer.customer_id, own)
    assert (found.finding.state, found.finding.feedback) == ("muted", "false")
    unsaid = browser.post(f"/anomalies/{own}/feedback", data=form, headers=HTMX)
    assert (unsaid.status_code, "请选择" in unsaid.text) == (422, True)


def test_a_policy_is_set_and_what_it_stopped_is_released_with_a_reason(shared: Shared) -> None:
    database, house, browser = shared.db, shared.house, shared.browser
    own = finding_of(database, house.acme, house.acme_key.key.key_id)
    form = finance(database, browser)
    without = form | {"action": "throttle"}
    refused = browser.post("/protections/policies", data=without, headers=HTMX)
    assert (refused.status_code, "每分钟几次" in refused.text) == (422, True)
    assert browser.post("/protections/policies", data=form | {"action": "pause"}).status_code == 303
    assert protect(database, NOW + timedelta(minutes=1)) == 1
    page = browser.get("/anomalies").text
    assert f"/anomalies/{own}" in page
    released = re.search(r"/protections/(\w+)/release", page)
    assert released
    path = f"/protections/{released.group(1)}/release"
    unsaid = browser.post(path, data=form, headers=HTMX)
    assert (unsaid.status_code, "事由" in unsaid.text) == (422, True)
    assert browser.post(path, data=form | {"why": "已核实为压测"}).status_code == 303
    assert "已解除" in browser.get("/anomalies").text
    policy = re.search(r"/protections/policies/(\w+)/end", page)
    assert policy
    assert (
        browser.post(f"/protections/policies/{policy.group(1)}/end", data=form).status_code == 303
    )


def test_a_key_is_issued_rotated_and_revoked_and_its_secret_shown_once(shared: Shared) -> None:
    database, house, browser = shared.db, shared.house, shared.browser
    form = boss(database, browser)
    asked = form | {"project": "main", "name": "夜间批处理", "models": "gpt-4o", "days": "30"}
    unnamed = browser.post("/keys?customer=acme", data=asked | {"name": " "}, headers=HTMX)
    assert (unnamed.status_code, "起个名称" in unnamed.text) == (422, True)
    made = browser.post("/keys?customer=acme", data=asked, headers=HTMX)
    secret = re.search(r"sk-yj-[\w-]{20,}", made.text)
    assert secret
    assert made.headers["hx-retarget"] == "#main"
    assert made.headers["cache-control"] == "no-store"
    page = browser.get("/keys?customer=acme").text
    assert "夜间批处理" in page
    assert "sk-yj-" not in page
    key = next(each for each in _ring(database, house) if each.name == "夜间批处理")
    assert (key.models, key.expires_at) == (["gpt-4o"], NOW + timedelta(days=30))
    turned = browser.post(f"/keys/{key.key_id}/rotate", data=form | {"hours": "24"})
    fresh = re.search(r"sk-yj-[\w-]{20,}", turned.text)
    assert fresh
    assert fresh.group() != secret.group()
    assert "轮换中" in browser.get("/keys?customer=acme").text
    assert browser.post(f"/keys/{key.key_id}/revoke", data=form).status_code == 303
    again = browser.post(f"/keys/{key.key_id}/revoke", data=form, headers=HTMX)
    assert (again.status_code, "吊销" in again.text) == (409, True)
    finance(database, browser)
    read = browser.get("/keys").text
    assert "夜间批处理" in read
    assert "/rotate" not in read
    assert "联系您的客户经理" in read


def _ring(db: Database, house: House) -> list[ApiKey]:
    with db.read() as tx:
        return keys(tx, house.acme.customer.customer_id)


def test_a_project_is_added_below_another_and_never_overwritten(shared: Shared) -> None:
    database, house, browser = shared.db, shared.house, shared.browser
    form = boss(database, browser)
    wanted = form | {"name": "搜索", "parent": "main", "department": "研发部"}
    assert browser.post("/keys/projects?customer=acme", data=wanted).status_code == 303
    page = browser.get("/keys?customer=acme").text
    assert '<span class="depth-1">└ 搜索</span>' in page
    again = browser.post("/keys/projects?customer=acme", data=wanted, headers=HTMX)
    assert (again.status_code, "已存在" in again.text) == (409, True)
    with database.read() as tx:
        names = [each.name for each in projects(tx, house.acme.customer.customer_id)]
    assert sorted(names) == ["main", "搜索"]


def test_a_trend_adds_up_and_two_periods_are_explained(
    browser: TestClient, database: Database, house: House
) -> None:
    """October's call cost 8.00 with a million in and 200 thousand out; November's is twice that."""
    house.acme.uses("2026-11-02 10:00:00", "gpt-4o", input=2_000_000, output=400_000)
    finance(database, browser)
    page = browser.get("/trend?by=model").text
    assert ">24.00<" in page, "the total of both months"
    compared = page.split('id="compare"')[1]
    for amount in ("8.00", "16.00"):
        assert f'<td class="num">{amount}</td>' in compared
    assert browser.get("/trend?measure=cost").status_code == 403
    assert "毛利" not in page
    wrong = browser.get("/trend?before=%E4%B8%8A%E6%9C%88")
    assert (wrong.status_code, "看不懂" in wrong.text) == (422, True)


def test_a_forecast_has_ranges_and_says_when_a_budget_runs_out(
    browser: TestClient, database: Database, house: House
) -> None:
    for day in (*(f"10-{day}" for day in range(12, 32)), *(f"11-0{day}" for day in range(1, 5))):
        house.acme.uses(f"2026-{day} 12:00:00", "gpt-4o", input=2_000_000)
    form = finance(database, browser)
    browser.post("/budgets", data=form | {"name": "本月", "cap": "100"})
    page = browser.get("/forecast").text
    assert "2026-11 月底预计" in page
    assert "80% 区间" in page
    rows = re.findall(r"<strong>(2026-11-\d\d \d\d:\d\d)</strong>", page)
    assert len(rows) == 1, "the hundred yuan are used up within the month"


def test_a_quick_start_names_the_gateway_and_the_models_of_the_contract(shared: Shared) -> None:
    database, house, browser = shared.db, shared.house, shared.browser
    finance(database, browser)
    page = browser.get("/start").text
    assert "http://127.0.0.1:8400/v1/chat/completions" in page
    assert "<code>gpt-4o</code>" in page
    assert "<code>lab/gpt-4o-mini</code>" in page
    assert house.acme_key.secret not in page
