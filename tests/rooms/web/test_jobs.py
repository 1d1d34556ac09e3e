"""Long work over REST and on its pages: begun at once, found again, cancelled by who may."""

from base64 import b64encode

import pytest
from fastapi.testclient import TestClient

from tests.rooms.web.conftest import NOW, PRICES, bearer
from tests.rooms.web.test_pages import admin, browser, enter, token_in
from tests.rooms.web.test_powers import token_of
from tests.scenarios.books import Books, FixedClock
from yuejie.customers.members.member import Role
from yuejie.db.session import Database
from yuejie.jobs import store
from yuejie.jobs.job import Job
from yuejie.jobs.kinds.statement import AT_ONCE_LINES
from yuejie.jobs.worker import Worker
from yuejie.payments.banks.keep import open_account
from yuejie.payments.receipts.store import receipts
from yuejie.web.auth import API

__all__ = ["admin", "browser"]
HTMX = {"hx-request": "true"}
ASYNC = {"prefer": "respond-async"}
USAGE = "id,customer,project,model,started_at,input\n" + "\n".join(
    f"r{n},acme,{'main' if n else 'nowhere'},gpt-4o,2026-10-16T00:00:00+08:00,10" for n in range(9)
)
MAPPING = 'source = "erp"'
DEEDS = """
    SELECT count(*) FROM deed WHERE noun = 'job' AND verb = 'start' AND by = %(by)s
"""


@pytest.fixture
def books(database: Database) -> Books:
    books = Books(database)
    books.prices(PRICES, currency="CNY")
    acme = books.customer("acme")
    acme.uses("2026-10-15 10:00:00", "gpt-4o", input=1_000_000)
    return books


def work(db: Database) -> int:
    return Worker(db, FixedClock(NOW)).work()


def all_jobs(db: Database) -> list[Job]:
    with db.read() as tx:
        return store.jobs(tx, limit=100)


def statement(lines: int) -> bytes:
    head = "交易日期,交易流水号,贷方发生额,对方户名,附言"
    rows = [f"2026-11-03,S{n},3.00,某某有限公司,货款 {n:060}" for n in range(lines)]
    return "\n".join([head, *rows]).encode("gb18030")


def test_whoever_would_rather_not_wait_gets_the_address_of_a_job(
    operator: TestClient, database: Database, books: Books
) -> None:
    """Asked for, 202 at once; not asked for, the answer that programs have always got."""
    asked = {"month": "2026-10", "commit": True}
    answer = operator.post(f"{API}/bills/close", json=asked, headers=ASYNC)
    assert answer.status_code == 202, answer.text
    where = answer.headers["location"]
    assert (where[:13], answer.headers["preference-applied"]) == ("/api/v1/jobs/", "respond-async")
    assert (answer.json()["state"], answer.json()["done"]) == ("waiting", 0)
    again = operator.post(f"{API}/bills/close", json=asked, headers=ASYNC)
    assert again.headers["location"] == where, "the same work is open once"
    early = operator.post(
        f"{API}/bills/close", json=asked | {"month": "2026-11"}, headers={"Prefer": "wait=9, " * 2}
    )
    assert (early.status_code, early.json()["code"]) == (409, "month_not_over")
    work(database)
    told = operator.get(where).json()
    assert (told["state"], told["done"], told["total"], told["failed"]) == ("done", 1, 1, 0)
    assert told["said"] == "账单草稿价税合计 5.00 CNY"
    (piece,) = operator.get(f"{where}/pieces").json()["items"]
    assert (piece["name"], piece["sums"]) == ("acme", [{"amount": "5.00", "currency": "CNY"}])
    waited = operator.post(f"{API}/bills/close", json=asked)
    assert (waited.status_code, waited.json()["committed"]) == (200, True)
    issued = operator.post(f"{API}/jobs", json={"kind": "issue", "month": "2026-10"})
    assert (issued.status_code, "preference-applied" in issued.headers) == (202, False)
    wrong = operator.post(
        f"{API}/jobs", json={"kind": "issue", "month": "2026-10", "customer": "acme"}
    )
    assert wrong.status_code == 422
    listed = operator.get(f"{API}/jobs", params={"limit": 1}).json()
    behind = operator.get(f"{API}/jobs", params={"cursor": listed["next_cursor"]}).json()
    both = [*listed["items"], *behind["items"]]
    assert sorted(each["kind"] for each in both) == ["close", "issue"]
    assert operator.get(f"{API}/jobs/job_0").status_code == 404


def test_every_file_that_may_be_large_is_taken_by_a_job(
    operator: TestClient, database: Database, books: Books
) -> None:
    """A bank statement, a file of usage; the deed bears the name of whoever sent it."""
    ours = open_account(
        database, holder="月结", bank="招行", number="11090001", currency="CNY", by="x", now=NOW
    )
    body = {"name": "nov.csv", "content": b64encode(statement(2)).decode()}
    taken = operator.post(f"{API}/bank/accounts/{ours.number}/statements", json=body, headers=ASYNC)
    assert taken.status_code == 202, taken.text
    sent = {"name": "u.csv", "content": b64encode(USAGE.encode()).decode(), "mapping": MAPPING}
    imported = operator.post(f"{API}/usage/imports", json=sent)
    assert imported.status_code == 202, imported.text
    assert operator.post(f"{API}/usage/imports", json=sent | {"mapping": "["}).status_code == 422
    assert (work(database), work(database), work(database)) == (1, 1, 0)
    found = operator.get(imported.headers["location"]).json()
    assert found["said"] == "共 9 行：新入库 8，已有 0，拒绝 1"
    pieces = operator.get(f"{imported.headers['location']}/pieces?state=failed").json()["items"]
    assert [(each["name"], "nowhere" in each["said"]) for each in pieces] == [("第 2 行", True)]
    with database.read() as tx:
        assert len(receipts(tx)) == 2
        assert tx.value(DEEDS, by="api:operator") == 2


def test_a_role_cancels_what_it_might_have_begun(
    client: TestClient, operator: TestClient, database: Database, books: Books
) -> None:
    """Support imports usage and closes nothing; finance the other way round; sales neither."""
    roles = (Role.SUPPORT, Role.FINANCE, Role.SALES)
    support, finance, sales = (bearer(token_of(operator, str(role), role)) for role in roles)
    closing = client.post(
        f"{API}/bills/close", json={"month": "2026-10"}, headers=ASYNC | finance
    ).headers["location"]
    sent = {"name": "u.csv", "content": b64encode(USAGE.encode()).decode(), "mapping": MAPPING}
    usage = client.post(f"{API}/usage/imports", json=sent, headers=support).headers["location"]
    for where, who, code in (
        (closing, support, 403),
        (closing, sales, 403),
        (usage, finance, 403),
        (usage, support, 200),
        (closing, finance, 200),
        (closing, finance, 409),
    ):
        answer = client.post(f"{where}/cancel", headers=who)
        assert answer.status_code == code, (where, answer.text)
    assert client.get(closing, headers=sales).json()["state"] == "cancelled"
    assert work(database) == 0


def test_a_small_statement_is_there_at_once_and_a_large_one_is_a_job(
    admin: TestClient, database: Database, books: Books
) -> None:
    ours = open_account(
        database, holder="月结", bank="招行", number="11090001", currency="CNY", by="x", now=NOW
    )
    form = {"form_token": token_in(admin.get("/bank")), "account": ours.number}
    small, large = statement(50), statement(AT_ONCE_LINES + 1)
    done = admin.post("/bank/statements", data=form, files={"file": ("a.csv", small)}, headers=HTMX)
    assert "导入 50 笔，其中到账 50 笔" in done.text
    begun = admin.post(
        "/bank/statements", data=form, files={"file": ("b.csv", large)}, headers=HTMX
    )
    path = begun.headers["hx-redirect"]
    page = admin.get(path).text
    assert "b.csv" in page
    assert "取消任务" in page
    work(database)
    page = admin.get(path).text
    assert "新流水 151 笔，其中到账 151 笔；重复 50 笔" in page
    assert "自动匹配" in page
    assert "取消任务" not in page


def test_a_file_of_usage_is_handed_in_on_a_page_and_its_faults_are_a_table(
    admin: TestClient, database: Database, books: Books
) -> None:
    form = {"form_token": token_in(admin.get("/usage/import")), "mapping": MAPPING}
    wrong = admin.post(
        "/usage/import", data=form | {"mapping": "["}, files={"file": ("u.csv", USAGE)},
        headers=HTMX,
    )  # fmt: skip
    assert (wrong.status_code, "映射文件有误" in wrong.text) == (422, True)
    nothing = admin.post("/usage/import", data=form, headers=HTMX)
    assert (nothing.status_code, "没有选择用量文件" in nothing.text) == (422, True)
    files = {"file": ("<b>u.csv", USAGE)}
    path = admin.post("/usage/import", data=form, files=files, headers=HTMX).headers["hx-redirect"]
    moving = admin.get(f"{path}?moving=1", headers=HTMX)
    assert ("hx-refresh" in moving.headers, "<b>u.csv" in moving.text) == (False, False)
    assert 'hx-trigger="every 1s"' in moving.text
    work(database)
    over = admin.get(f"{path}?moving=1", headers=HTMX)
    assert over.headers["hx-refresh"] == "true"
    assert "共 9 行：新入库 8，已有 0，拒绝 1" in over.text
    assert "hx-trigger" not in over.text
    table = admin.get(f"{path}/export")
    assert table.text.splitlines()[1].startswith("第 2 行,未办成,")
    assert admin.get("/jobs").text.count(f'href="{path}"') == 1
    assert admin.get("/jobs?state=running").text.count("/jobs/job_") == 0
    assert admin.get("/jobs?state=nothing").status_code == 422
    assert admin.get(f"{path}?state=failed").status_code == 200
    admin.post("/look", data=form | {"language": "en"})
    english = admin.get(path).text
    assert "9 rows: 8 stored, 0 known already, 1 refused" in english
    assert "Line 2" in english


def test_a_job_is_cancelled_on_its_page_and_by_nobody_who_could_not_begin_it(
    admin: TestClient, database: Database, books: Books
) -> None:
    form = {"form_token": token_in(admin.get("/closing"))}
    path = admin.post("/closing/2026-10/close", data=form, headers=HTMX).headers["hx-redirect"]
    enter(database, admin, "客服", "support", None)
    page = admin.get(path)
    assert "取消任务" not in page.text
    refused = admin.post(f"{path}/cancel", data={"form_token": token_in(page)}, headers=HTMX)
    assert (refused.status_code, "无权" in refused.text) == (403, True)
    enter(database, admin, "李财务", "finance", None)
    page = admin.get(path)
    assert "取消任务" in page.text
    answer = admin.post(f"{path}/cancel", data={"form_token": token_in(page)}, headers=HTMX)
    assert answer.headers["hx-redirect"] == path
    assert "李财务 取消了任务" in admin.get(path).text
    assert [job.state.value for job in all_jobs(database)] == ["cancelled"]
