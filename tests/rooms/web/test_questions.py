"""Questions that take long, over REST and on pages: a job answers, and nobody else sees it."""

import re
from pathlib import Path

from fastapi.testclient import TestClient
from httpx2 import Response

from tests.rooms.web.behind import cloud_file, statement_at
from tests.rooms.web.conftest import NOW, House, bearer
from tests.rooms.web.test_ops_pages import HTMX, form_of, handed
from tests.rooms.web.test_pages import admin, browser
from tests.rooms.web.test_powers import token_of
from tests.scenarios.books import FixedClock
from yuejie.clouds import store as clouds
from yuejie.db.session import Database
from yuejie.jobs.start import AT_ONCE_BYTES
from yuejie.jobs.worker import Worker
from yuejie.kernel.limits import JOBS_OF_CUSTOMER
from yuejie.web.auth import API

__all__ = ["admin", "browser"]
ASYNC = {"prefer": "respond-async"}
ASK = f"{API}/customers/acme/what-if/2026-10"
SWAP = {"map": [{"from": "gpt-4o", "to": "lab/gpt-4o-mini"}], "terms": {"management_fee": "1.00"}}


def work(db: Database) -> int:
    return Worker(db, FixedClock(NOW)).work()


def test_a_customer_has_a_month_replayed_and_takes_the_answer_that_waiting_would_have_given(
    client: TestClient, database: Database, house: House
) -> None:
    own, other = bearer(house.acme_key.secret), bearer(house.zeta_key.secret)
    waited = client.post(ASK, json=SWAP, headers=own).json()
    asked = client.post(ASK, json=SWAP, headers=own | ASYNC)
    assert asked.status_code == 202, asked.text
    where = asked.headers["location"]
    again = client.post(ASK, json=SWAP, headers=own | ASYNC)
    assert again.headers["location"] == where, "the same question is asked once"
    early = client.get(f"{where}/what-if", headers=own)
    assert (early.status_code, "还没有结果" in early.text) == (409, True)
    assert work(database) == 1
    told = client.get(where, headers=own).json()
    assert (told["state"], told["result"]) == ("done", f"{where}/what-if")
    assert told["done"] == told["total"] > 30, "a part for each day"
    assert client.get(told["result"], headers=own).json() == waited
    assert client.get(f"{where}/what-if?lines=1", headers=own).json()["lines_whole"] > 1
    for path in ("", "/what-if", "/pieces"):
        assert client.get(f"{where}{path}", headers=other).status_code == 404
    assert client.post(f"{where}/cancel", headers=other).status_code == 404
    assert client.get(f"{where}/cloud-trial", headers=own).status_code == 403
    assert client.get(f"{API}/jobs", headers=own).status_code == 403


def test_what_the_house_supposes_of_a_customer_is_not_the_customers_to_see(
    client: TestClient, operator: TestClient, database: Database, house: House
) -> None:
    """The operator's question may hold cost; the same question of its customer is another job."""
    own = bearer(house.acme_key.secret)
    ours = operator.post(ASK, json=SWAP, headers=ASYNC).headers["location"]
    theirs = client.post(ASK, json=SWAP, headers=own | ASYNC).headers["location"]
    assert ours != theirs
    assert (work(database), work(database), work(database)) == (1, 1, 0)
    assert client.get(ours, headers=own).status_code == 404
    assert client.get(f"{ours}/what-if", headers=own).status_code == 404
    assert operator.get(f"{theirs}/what-if").json() == operator.get(f"{ours}/what-if").json()


def test_a_replay_that_waits_is_cancelled_by_whoever_of_its_customer(
    client: TestClient, operator: TestClient, database: Database, house: House
) -> None:
    mine = bearer(token_of(operator, "陈会计", "finance", "acme"))
    where = client.post(ASK, json=SWAP, headers=mine | ASYNC).headers["location"]
    assert client.post(f"{where}/cancel", headers=mine).json()["state"] == "cancelled"
    assert client.get(f"{where}/what-if", headers=mine).status_code == 409
    assert work(database) == 0


def test_a_customer_has_few_questions_open_and_the_houses_work_goes_before_them(
    client: TestClient, operator: TestClient, database: Database, house: House
) -> None:
    """A program that asks without end fills no disk, and keeps no month waiting."""
    own, other = bearer(house.acme_key.secret), bearer(house.zeta_key.secret)

    def ask(number: int) -> Response:
        return client.post(ASK, json=SWAP | {"tax_ppm": number}, headers=own | ASYNC)

    asked = [ask(number) for number in range(JOBS_OF_CUSTOMER)]
    assert {each.status_code for each in asked} == {202}
    more = ask(JOBS_OF_CUSTOMER)
    assert (more.status_code, str(JOBS_OF_CUSTOMER) in more.json()["detail"]) == (409, True)
    assert ask(0).headers["location"] == asked[0].headers["location"], "the same is asked once"
    theirs = ASK.replace("acme", "zeta")
    assert client.post(theirs, json=SWAP, headers=other | ASYNC).status_code == 202
    ours = operator.post(f"{API}/jobs", json={"kind": "prove", "month": "2026-10"})
    assert work(database) == 1
    assert operator.get(ours.headers["location"]).json()["state"] == "done"
    client.post(f"{asked[0].headers['location']}/cancel", headers=own)
    assert ask(JOBS_OF_CUSTOMER).status_code == 202


def test_what_customers_ask_does_not_stand_before_the_houses_work_on_the_desk_of_a_month(
    admin: TestClient, client: TestClient, operator: TestClient, house: House
) -> None:
    own = bearer(house.acme_key.secret)
    started = operator.post(f"{API}/jobs", json={"kind": "prove", "month": "2026-10"}).json()
    asked = client.post(ASK, json=SWAP, headers=own | ASYNC).json()
    desk = admin.get("/closing?month=2026-10").text
    assert (started["job_id"] in desk, asked["job_id"] in desk) == (True, False)


def test_a_report_under_way_is_cancelled_by_whoever_could_have_begun_it(
    client: TestClient, operator: TestClient, database: Database, house: House
) -> None:
    """Not by a key that lies in a program, nor an auditor, nor one of ours who may not speak."""
    mine = bearer(token_of(operator, "陈会计", "finance", "acme"))
    report = client.post(f"{API}/reports", json={"name": "按模型"}, headers=mine).json()
    run = f"{API}/reports/{report['report_id']}/run"
    where = client.post(run, json={}, headers=mine | ASYNC).headers["location"]
    for who in (
        house.acme_key.secret,
        token_of(operator, "赵审计", "auditor", "acme"),
        token_of(operator, "钱销售", "sales"),
    ):
        assert client.post(run, json={}, headers=bearer(who)).status_code == 403
        assert client.post(f"{where}/cancel", headers=bearer(who)).status_code == 403
    assert client.post(f"{where}/cancel", headers=mine).json()["state"] == "cancelled"
    assert work(database) == 0


def test_a_report_is_made_behind_and_kept_once(
    client: TestClient, operator: TestClient, database: Database, house: House
) -> None:
    del house
    own = bearer(token_of(operator, "陈会计", "finance", "acme"))
    report = client.post(f"{API}/reports", json={"name": "按模型"}, headers=own).json()["report_id"]
    at = {"at": "2026-11-05T00:00:00Z"}
    waited = client.post(f"{API}/reports/{report}/run", json=at, headers=own).json()
    where = client.post(f"{API}/reports/{report}/run", json=at, headers=own | ASYNC)
    assert (where.status_code, work(database)) == (202, 1)
    told = client.get(where.headers["location"], headers=own).json()
    runs = client.get(f"{API}/reports/{report}/runs", headers=own).json()["items"]
    assert [each["sha256"] for each in runs] == [waited["sha256"]] * 2
    result = client.get(told["result"], headers=own).json()
    assert result == client.get(f"{API}/report-runs/{waited['run_id']}", headers=own).json()


def test_large_files_of_a_cloud_are_tried_behind_and_then_imported(
    admin: TestClient, database: Database, house: House, tmp_path: Path
) -> None:
    """The page asks until the trial is there; what is imported is what was tried."""
    statement_at(house)
    files = handed(cloud_file(tmp_path, *["0.01"] * 3_000))
    assert len(files[0][1][1]) > AT_ONCE_BYTES
    form = form_of(admin, "/clouds", source="aws", metric="")
    look = form | {"look": "yes"}
    waits = admin.post("/clouds/deliveries", data=look, files=files, headers=HTMX)
    asks = re.search(r'hx-get="(/clouds/trials/\w+)" hx-trigger="every 1s"', waits.text)
    assert asks, waits.text
    assert "hx-trigger" in admin.get(asks.group(1), headers=HTMX).text
    assert "<html" in admin.get(asks.group(1)).text
    assert work(database) == 1
    tried = admin.get(asks.group(1), headers=HTMX).text
    assert ("30.00 CNY" in tried, "hx-trigger" in tried) == (True, False)
    assert "再选一次同样的文件" in admin.get(asks.group(1)).text
    seen = re.search(r'name="seen" value="(\w+)"', tried)
    assert seen
    with database.read() as tx:
        assert len(clouds.statements(tx)) == 1
    again = form | {"seen": seen.group(1)}
    done = admin.post("/clouds/deliveries", data=again, files=files, headers=HTMX)
    job = done.headers["hx-redirect"]
    assert work(database) == 1
    assert "已导入：2026-11 第 2 次" in admin.get(job).text
    broken = handed(cloud_file(tmp_path, *["0.01"] * 3_000, "1,00"))
    waits = admin.post("/clouds/deliveries", data=look, files=broken, headers=HTMX)
    asks = re.search(r'hx-get="(/clouds/trials/\w+)"', waits.text)
    assert asks
    assert work(database) == 1
    assert "第 3002 行列 BilledCost" in admin.get(asks.group(1), headers=HTMX).text
