"""`yuejie jobs …`."""

from datetime import timedelta

import pytest

from tests.rooms.cli.desk import run, run_json
from tests.scenarios.books import Books, FixedClock
from tests.scenarios.test_jobs import FIFTH, OCTOBER, PRICES
from yuejie.cli.customers import members
from yuejie.cli.upkeep.jobs import jobs
from yuejie.db.session import Database
from yuejie.jobs.job import span_said
from yuejie.jobs.kinds.close import order_close
from yuejie.jobs.start import start_job
from yuejie.jobs.worker import Worker
from yuejie.kernel.errors import Conflict, Forbidden


def test_a_job_is_listed_shown_and_cancelled(database: Database, database_url: str) -> None:
    """Closed with one customer refused; the next, which nobody has begun, is cancelled."""
    assert run(jobs, database_url, FIFTH, "list") == "没有后台任务\n"
    books = Books(database)
    books.prices(PRICES, currency="CNY")
    books.customer("acme").uses("2026-10-15 10:00:00", "gpt-4o", input=1_000_000)
    books.customer("late").uses("2026-09-15 10:00:00", "gpt-4o", input=1)
    order = order_close(database, OCTOBER, commit=True, now=FIFTH)
    job_id = start_job(database, order, by="member:王财务", now=FIFTH).job_id
    Worker(database, FixedClock(FIFTH)).work()
    shown = run(jobs, database_url, FIFTH, "show", job_id)
    assert "关账 2026-10：已完成" in shown
    assert "已办 2 / 2 个客户，未办成 1 件" in shown
    assert "账单草稿价税合计 5.00 CNY" in shown
    failed = run_json(jobs, database_url, FIFTH, "show", job_id, "--failed")
    assert [each["name"] for each in failed["pieces"]] == ["late"]
    assert "100%" in run(jobs, database_url, FIFTH, "list", "--state", "done")
    with pytest.raises(Conflict, match="无法取消"):
        run(jobs, database_url, FIFTH, "cancel", job_id)
    later = FIFTH + timedelta(minutes=1)
    again = start_job(database, order, by="member:王财务", now=later).job_id
    token = run(members, database_url, FIFTH, "enrol", "某人", "sales").strip()
    with pytest.raises(Forbidden):
        run(jobs, database_url, FIFTH, "cancel", again, token=token)
    assert run(jobs, database_url, FIFTH, "cancel", again) == "已取消\n"
    states = [each["state"] for each in run_json(jobs, database_url, FIFTH, "list")]
    assert states == ["cancelled", "done"]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(-3, "0 秒"), (8, "8 秒"), (200, "3 分 20 秒"), (3_900, "1 小时 5 分")],
)
def test_how_a_span_is_said(seconds: int, said: str) -> None:
    assert span_said(timedelta(seconds=seconds)) == said
