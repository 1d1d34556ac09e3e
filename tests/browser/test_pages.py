"""Every page in a real browser: languages, light and dark, desktop and phone, and axe's word."""

import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, FilePayload, Page, expect

from tests.browser.conftest import Console, shoot
from tests.rooms.web.behind import (
    change_at,
    cloud_trial_at,
    job_at,
    job_under_way,
    message_at,
    node_at,
    preserved,
    reconciliation_at,
    shared,
    statement_at,
)
from tests.rooms.web.conftest import NOW, TOKEN
from tests.rooms.web.examples import contract_of
from tests.rooms.web.house import proposed
from tests.rooms.web.papers import FAPIAO
from yuejie.bills.correct.adjust import propose_adjustment
from yuejie.bills.correct.adjustment import Wanted
from yuejie.jobs.job import JobState
from yuejie.jobs.store import cancel, jobs
from yuejie.jobs.worker import Worker
from yuejie.kernel.clock import SystemClock
from yuejie.kernel.period import BillingMonth
from yuejie.payments.banks.keep import open_account
from yuejie.payments.receipts.load import import_statement
from yuejie.payments.receivables.show import open_amounts

AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text()
PASSWORD = "correct horse 9"
DESKTOP, PHONE = (1280, 860), (390, 844)
LOOKS = [
    pytest.param("zh", "light", DESKTOP, id="zh-light-desktop"),
    pytest.param("en", "dark", DESKTOP, id="en-dark-desktop"),
    pytest.param("zh", "dark", PHONE, id="zh-dark-phone"),
]
SERIOUS = {"serious", "critical"}


def enter(page: Page, console: Console) -> None:
    """Log the administrator in; the first time, set the house up."""
    page.goto(console.url)
    if "/setup" in page.url:
        page.fill("#token", TOKEN)
    page.fill("#name", "王管理")
    page.fill("#password", PASSWORD)
    page.click("main button")
    expect(page.locator("nav.side")).to_be_visible()


def paths(console: Console) -> dict[str, str]:
    """Return every page that is looked at, by its name."""
    return {**everybodys(console), **ours(console)}


def everybodys(console: Console) -> dict[str, str]:
    """Return pages that customers see too, and the operator's desks."""
    house = console.house
    return {
        "home": "/",
        "bills": "/bills",
        "bill": f"/bills/{house.acme_bill.number}",
        "usage": "/usage?month=2026-10",
        "usage-by-model": "/usage?month=2026-10&by=model&customer=acme",
        "live": "/live?customer=acme",
        "trend": "/trend?customer=acme&by=model",
        "forecast": "/forecast?customer=acme",
        "advice": "/advice",
        "advice-one": f"/advice/{house.zeta_advice}",
        "anomalies": "/anomalies?customer=zeta",
        "refusals": "/refusals?customer=zeta",
        "anomaly": f"/anomalies/{house.zeta_finding}",
        "budgets": "/budgets?customer=acme",
        "choose": "/budgets",
        "keys": "/keys?customer=acme",
        "start": "/start?customer=acme",
        "customers": "/customers",
        "customer": "/customers/acme",
        "fapiao-list": "/fapiao?customer=acme",
        "fapiao": f"/fapiao/{FAPIAO}",
        "titles": "/fapiao/titles?customer=zeta",
        "payments": "/payments?customer=acme",
        "statement": "/payments/statement?customer=acme",
        "rates": "/rates?customer=acme",
        "contracts": "/contracts?customer=acme",
        "contract": f"/contracts/{contract_of(house)}",
        "contract-change": f"/contracts/{contract_of(house)}/amend",
        "closing": "/closing?month=2026-10",
        "bank": "/bank",
        "receivables": "/receivables",
        "payables": "/payables",
        "fapiao-desk": "/fapiao-desk",
        "approvals": "/approvals",
        "customer-new": "/customers/new",
        "customer-edit": "/customers/acme/edit",
        "drafts": "/drafts",
        "draft-new": "/drafts/new",
        "draft": f"/drafts/{console.draft}",
        "providers": "/providers",
        "prices": "/prices",
        "book": "/prices/list?model=gpt-4o",
        "price-change": f"/price-changes/{change_at(house)}",
        "presales": "/presales",
        "prospect": "/presales/jinke",
        "quote": f"/presales/quotes/{console.quote}",
        "trace": f"/presales/quotes/{console.quote}/trace",
        "proposal": f"/presales/proposals/{proposed(house.books)}",
        "trials": "/trials",
        "deeds": "/deeds",
        "system": "/system",
    }


def ours(console: Console) -> dict[str, str]:
    """Return pages from a bill's line down, and the operator's about the house."""
    house = console.house
    return {
        "line": f"/bills/{house.acme_bill.number}/lines/1",
        "line-day": f"/bills/{house.acme_bill.number}/lines/1/2026-10-15",
        "call": f"/requests/{house.acme_call}",
        "calls": "/requests?customer=acme",
        "worklist": "/worklist",
        "reconciliations": "/reconciliations",
        "reconciliation": f"/reconciliations/{reconciliation_at(house)}",
        "margins": "/margins?month=2026-10",
        "health": "/health?hours=168",
        "shares": f"/shares?customer={shared(house)}",
        "retention": f"/retention?due={len(preserved(house))}",
        "jobs": f"/jobs?of={job_under_way(house)}",
        "job": f"/jobs/{job_at(house)}",
        "job-under-way": f"/jobs/{job_under_way(house)}",
        "usage-import": "/usage/import",
        "nodes": f"/nodes?of={node_at(house, silent=True)}",
        "clouds": f"/clouds?of={statement_at(house)}",
        "cloud-trial": f"/clouds/trials/{cloud_trial_at(house)}",
        "cloud-statement": f"/clouds/statements/{statement_at(house)}",
        "revision": "/prices/list/revisions/1",
        "reports": "/reports",
        "report": f"/reports/{house.zeta_report}",
        "what-if": "/what-if?customer=acme&month=2026-10",
        "contacts": "/notices?customer=zeta",
        "deliveries": "/notices/log",
        "delivery": f"/notices/log/{message_at(house)}",
        "first-run": "/first-run?customer=acme",
        "first-provider": "/first-run?step=provider",
        "first-sale": "/first-run?step=sale",
        "first-call": "/first-run?step=call&customer=acme",
        "practice": "/practice",
        "guide": "/guide",
        "members": "/members",
        "tickets": "/tickets",
        "tickets-all": "/tickets?every=1",
        "ticket": f"/tickets/{house.zeta_ticket}",
        "ticket-new": "/tickets/new?bill=1&line=2",
        "rota": "/rota",
        "incidents": "/incidents",
        "sla": "/sla?month=2026-10",
        "sla-one": "/sla?month=2026-10&customer=zeta",
        "status": "/status",
        "account": "/account",
        "tokens": "/tokens",
        "team": "/team?customer=acme",
        "sso": "/sso",
    }


def serious(page: Page, *, contrast: bool = True) -> list[str]:
    """Return what axe finds serious on a page: the rule, and the first place it names.

    Asked of a page opened by `examined`. A rule whose own impact is below serious finds nothing
    serious, so it is not asked. Fetching style sheets again serves one rule, about orientation,
    which no page could break alone: there is one style sheet. Contrast is half of what axe costs.
    """
    found: list[dict[str, Any]] = page.evaluate(
        """([serious, contrast]) => {
            const light = axe._audit.rules.filter((rule) => !serious.includes(rule.impact));
            return axe.run({
                resultTypes: ['violations'], preload: false,
                rules: {
                    'color-contrast': {enabled: contrast},
                    ...Object.fromEntries(light.map((rule) => [rule.id, {enabled: false}])),
                },
            }).then((done) => done.violations);
        }""",
        [sorted(SERIOUS), contrast],
    )
    return [
        f"{each['id']}: {each['nodes'][0]['html']}" for each in found if each["impact"] in SERIOUS
    ]


def examined(page: Page) -> Page:
    """Let axe be there on whatever a page shows: sent once, not anew for each."""
    page.add_init_script(AXE)
    return page


def overflows(page: Page) -> bool:
    wide: bool = page.evaluate("document.documentElement.scrollWidth > innerWidth + 1")
    return wide


@pytest.mark.parametrize(("language", "theme", "size"), LOOKS)
def test_every_page_is_fit_to_look_at(
    browser: Browser, console: Console, language: str, theme: str, size: tuple[int, int]
) -> None:
    """Nothing fails or complains, nothing hangs over the edge, and axe finds nothing serious."""
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, locale="zh-CN")
    page = examined(context.new_page())
    console.watch(page)
    enter(page, console)
    _choose(context, console, language, theme)
    # Colours are those of the theme, and the phone shows the dark ones as well.
    contrast = theme == "light" or size == PHONE
    for name, path in paths(console).items():
        answer = page.goto(f"{console.url}{path}")
        assert answer is not None
        assert answer.ok, path
        shoot(page, f"{name}-{language}-{theme}-{size[0]}")
        assert serious(page, contrast=contrast) == [], path
        assert not overflows(page), path
    context.close()
    assert console.complaints == []


def _choose(context: BrowserContext, console: Console, language: str, theme: str) -> None:
    chosen = {"yuejie_language": language, "yuejie_theme": theme}
    for name, value in chosen.items():
        context.add_cookies([{"name": name, "value": value, "url": console.url}])


def test_a_refusal_appears_beside_the_form_and_nothing_typed_is_lost(
    browser: Browser, console: Console
) -> None:
    page = browser.new_page(locale="zh-CN")
    enter(page, console)
    page.goto(f"{console.url}/account")
    page.fill("#old", "not my password")
    page.fill("#new", "battery staple 7")
    page.click("form[action='/account/password'] button")
    expect(page.locator("form[action='/account/password'] .refusal")).to_contain_text(
        "现在的密码不对"
    )
    assert page.input_value("#new") == "battery staple 7"
    page.close()


def test_a_member_is_invited_and_logs_in(browser: Browser, console: Console) -> None:
    """The administrator enrols Li for acme; Li opens the link, sets a password, sees its bills."""
    boss = browser.new_page(locale="zh-CN")
    enter(boss, console)
    boss.goto(f"{console.url}/members")
    boss.fill("#name", "acme.li")
    boss.select_option("#customer", "acme")
    boss.select_option("#role", "finance")
    boss.click("section form button")
    link = boss.locator("code.copy").inner_text()
    boss.close()

    context = browser.new_context(locale="zh-CN")
    page = examined(context.new_page())
    console.watch(page)
    page.goto(link)
    page.fill("#password", PASSWORD)
    page.click("main button")
    expect(page.locator("h1")).to_contain_text("acme")
    assert serious(page) == []
    page.click("nav.side a[href='/bills']")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.click("tbody a")
    with page.expect_download() as download:
        page.click("a:has-text('PDF')")
    assert Path(download.value.path()).read_bytes()[:5] == b"%PDF-"
    context.close()
    assert console.complaints == []


def test_a_price_file_is_looked_at_and_then_imported(browser: Browser, console: Console) -> None:
    """The report appears beside the form, line by line; the file that is looked at is imported."""
    page = examined(browser.new_page(locale="zh-CN"))
    console.watch(page)
    enter(page, console)
    page.goto(f"{console.url}/prices/cost")
    for price, said in (("五元", "未导入任何价目"), ("5.2", "试算通过")):
        body = f'[models."openai/gpt-4o"]\ninput = "{price}"\noutput = "15"\n'.encode()
        file = FilePayload(name="cost.toml", mimeType="application/toml", buffer=body)
        page.set_input_files("#file", file)
        page.click("button:has-text('试算')")
        expect(page.locator(".report")).to_contain_text(said)
    shoot(page, "book-report")
    assert serious(page) == []
    page.click("button:has-text('导入这个文件')")
    expect(page.locator(".alert-success")).to_contain_text("第 2 版")
    page.close()
    console.complaints[:] = [each for each in console.complaints if "422" not in each]
    assert console.complaints == []


def test_a_refusal_takes_the_sentence_of_the_deed_before_it_away(
    browser: Browser, console: Console
) -> None:
    """“账户已登记” stood on beside a statement that was refused, as if that had been taken in."""
    page = browser.new_page(locale="zh-CN")
    console.watch(page)
    enter(page, console)
    page.goto(f"{console.url}/bank")
    page.locator("details:has(form[action='/bank/accounts'])").evaluate("box => box.open = true")
    for name, text in (
        ("number", "6222000099990001"),
        ("holder", "月结科技"),
        ("bank", "示例银行"),
    ):
        page.fill(f"form[action='/bank/accounts'] [name={name}]", text)
    page.click("form[action='/bank/accounts'] button")
    expect(page.locator("#flash")).to_contain_text("已登记")
    body = "交易日期,贷方发生额,对方户名\n2026-11-05,八元,甲".encode()
    file = FilePayload(name="bad.csv", mimeType="text/csv", buffer=body)
    page.set_input_files("form[action='/bank/statements'] [name=file]", file)
    page.click("form[action='/bank/statements'] button")
    expect(page.locator("form[action='/bank/statements'] .refusal")).to_contain_text("第 2 行")
    expect(page.locator("#flash")).to_have_count(0)
    page.close()
    console.complaints[:] = [each for each in console.complaints if "422" not in each]
    assert console.complaints == []


def test_a_table_sorts_and_filters_by_keyboard(browser: Browser, console: Console) -> None:
    page = browser.new_page(locale="zh-CN")
    enter(page, console)
    page.goto(f"{console.url}/customers")
    page.focus("th:has-text('简称')")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    assert page.locator("tbody tr td:nth-child(2)").all_inner_texts() == ["zeta", "acme"]
    page.fill("input[type=search]", "acm")
    page.keyboard.press("Enter")
    shown = page.locator("tbody tr:visible")
    expect(shown).to_have_count(1)
    assert re.search("acme", shown.inner_text())
    page.close()


def test_receipts_are_matched_without_a_mouse(browser: Browser, console: Console) -> None:
    """Two receipts of acme's: arrows reach the first, Enter places it, Enter opens the next."""
    acme = console.house.acme.customer
    text = "交易日期,交易流水号,贷方发生额,对方户名\n"
    text += f"2026-11-03,K1,1.00,{acme.legal_name}\n2026-11-04,K2,2.00,{acme.legal_name}\n"
    db, by, now = console.house.books.db, "tests", NOW
    account = open_account(
        db, holder="月结", bank="招商银行", number="110900000002", currency="CNY", by=by, now=now
    )
    import_statement(db, account.number, text.encode(), "k.csv", by=by, now=now)
    page = browser.new_page(locale="zh-CN")
    console.watch(page)
    enter(page, console)
    page.goto(f"{console.url}/bank")
    page.focus("a[data-walk] >> nth=0")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    page.select_option("#customer", "acme")
    page.press("#customer", "Tab")
    page.keyboard.press("Enter")
    for _ in range(2):
        expect(page.locator("form[action$='/apportion'] button")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator("h1")).to_contain_text("已认款")
        if page.locator("a:has-text('下一笔待认款')").count():
            page.keyboard.press("Enter")
            page.select_option("#customer", "acme")
            page.press("#customer", "Tab")
            page.keyboard.press("Enter")
    page.close()
    assert console.complaints == []
    (left,) = open_amounts(db, "acme")
    assert left.apportioned_fen == 3_00


def test_the_live_bill_follows_a_call_and_keeps_the_place(
    browser: Browser, console: Console
) -> None:
    """A call is recorded while somebody reads: the total moves, the focus and the page stay."""
    page = browser.new_page(locale="zh-CN")
    console.watch(page)
    enter(page, console)
    acme = console.house.acme
    when = datetime.now(acme.zone) - timedelta(seconds=1)
    acme.uses(f"{when:%Y-%m-%d %H:%M:%S}", "gpt-4o", input=1_000_000)
    page.goto(f"{console.url}/live?customer=acme")
    expect(page.locator("[data-pulse]")).to_have_text("实时更新")
    total = page.locator(".figure").first
    was = total.inner_text()
    page.focus(".table-responsive")
    acme.uses(f"{when:%Y-%m-%d %H:%M:%S}", "gpt-4o", input=2_000_000)
    expect(total).not_to_have_text(was)
    expect(page.locator(".table-responsive").first).to_be_focused()
    page.close()
    assert console.complaints == []


def test_a_job_is_begun_by_its_form_and_its_page_follows_it_to_the_end(
    browser: Browser, console: Console
) -> None:
    """Pressed in the cockpit, it has a page at once; the page ends by itself, without a reload."""
    page = browser.new_page(locale="zh-CN")
    console.watch(page)
    enter(page, console)
    page.goto(f"{console.url}/closing?month=2026-10")
    page.get_by_role("button", name="验证 2026-10").click()
    page.wait_for_url("**/jobs/job_*")
    expect(page.locator("#job")).to_contain_text("等待开始")
    db = console.house.books.db
    with db.begin() as tx:
        for each in jobs(tx, state=JobState.RUNNING, limit=1):
            cancel(tx, each.job_id, by="x", now=SystemClock().now())
    while Worker(db, SystemClock()).work():
        pass
    expect(page.locator("#job")).to_contain_text("全部一致")
    expect(page.get_by_role("link", name="回到月结工作台")).to_be_visible()
    assert console.complaints == []
    page.close()


def test_what_waits_for_a_second_person_fits_a_phone(browser: Browser, console: Console) -> None:
    """The label of the field for a reason, which only screen readers see, hung over the edge."""
    acme = console.house.acme.customer
    wanted = Wanted(
        customer_id=acme.customer_id,
        service_month=BillingMonth(2026, 10),
        amount_fen=-100,
        currency="CNY",
        item="补偿",
        why="故障",
    )
    asked = propose_adjustment(console.house.books.db, wanted, by="tests", now=NOW)
    context = browser.new_context(viewport={"width": PHONE[0], "height": PHONE[1]})
    page = context.new_page()
    enter(page, console)
    page.goto(f"{console.url}/approvals")
    expect(page.locator(f"form[action$='{asked.adjustment_id}/reject']")).to_have_count(1)
    assert not overflows(page)
    context.close()
