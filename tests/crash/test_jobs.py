"""A clerk dies by kill -9 in the middle of a closing, and of an import: another goes on.

The process is real, and so is its death: nothing of it runs afterwards, and its lease is still on
the job. The next worker waits for the lease, finds what is done done, and does the rest.
"""

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

from tests.scenarios.books import Books
from yuejie.bills.store import bills_of_month
from yuejie.db.session import Database
from yuejie.jobs.job import JobState, Upload
from yuejie.jobs.kinds.close import order_close
from yuejie.jobs.kinds.usage import order_usage
from yuejie.jobs.start import find_job, start_job
from yuejie.jobs.store import pieces
from yuejie.jobs.worker import LEASE, Worker
from yuejie.kernel.period import BillingMonth

PRICES = """
currency = "CNY"

[models."gpt-4o"]
input = "5"
output = "15"
"""
OCTOBER = BillingMonth.parse("2026-10")
FIFTH = datetime(2026, 11, 5, 2, tzinfo=UTC)
CUSTOMERS = 20
ROWS = 30_000
CLERK = """
import sys
from datetime import datetime
from tests.scenarios.books import FixedClock
from yuejie.db.session import Database
from yuejie.jobs.worker import Worker
with Database.open(sys.argv[1], size=6) as db:
    print("ready", flush=True)
    Worker(db, FixedClock(datetime.fromisoformat(sys.argv[2]))).work()
"""
DRAWN = "SELECT count(*) FROM bill_transition WHERE event IN ('draft', 'recompute')"
STORED = "SELECT count(*) FROM external_event WHERE source = 'import:erp'"
WAIT_SECONDS = 60.0


def killed_when(db: Database, url: str, now: datetime, ready: str, least: int) -> int:
    """Let a clerk of its own process work, and kill it once a query counts that much."""
    clerk = subprocess.Popen(
        [sys.executable, "-c", CLERK, url, now.isoformat()],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    with clerk:
        assert clerk.stdout is not None
        assert clerk.stdout.readline() == b"ready\n"
        until = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < until and clerk.poll() is None:
            with db.read() as tx:
                if tx.value(ready) >= least:
                    break
        clerk.send_signal(signal.SIGKILL)
        code = clerk.wait()
    assert code == -signal.SIGKILL, "it was killed in the middle, not done"
    with db.read() as tx:
        return int(tx.value(ready))


def test_a_closing_goes_on_after_kill_9_and_nobody_is_closed_twice(
    database: Database, database_url: str
) -> None:
    books = Books(database)
    books.prices(PRICES, currency="CNY")
    for number in range(CUSTOMERS):
        party = books.customer(f"c{number:02}")
        party.uses("2026-10-15 10:00:00", "gpt-4o", input=1_000_000)
    order = order_close(database, OCTOBER, commit=True, now=FIFTH)
    job_id = start_job(database, order, by="member:王财务", now=FIFTH).job_id
    drawn = killed_when(database, database_url, FIFTH, DRAWN, 5)
    assert 5 <= drawn < CUSTOMERS
    books.clock.at = FIFTH
    assert Worker(database, books.clock).work() == 0, "its lease outlives it for a while"
    books.clock.at += LEASE
    assert Worker(database, books.clock).work() == 1
    with database.read() as tx:
        job = find_job(tx, job_id)
        bills = bills_of_month(tx, OCTOBER)
        assert tx.value(DRAWN) == CUSTOMERS, "each was drafted once and never anew"
    assert (job.state, job.done, job.failed) == (JobState.DONE, CUSTOMERS, 0)
    assert len({bill.customer_id for bill in bills}) == len(bills) == CUSTOMERS
    assert len({bill.epoch for bill in bills}) == 1
    assert books.unproved() == []


def test_an_import_goes_on_after_kill_9_and_no_row_counts_twice(
    database: Database, database_url: str
) -> None:
    books = Books(database)
    books.prices(PRICES, currency="CNY")
    books.customer("acme")
    head = "id,customer,project,model,started_at,input"
    rows = [f"r{n},acme,main,gpt-4o,2026-10-16T00:00:00+08:00,10" for n in range(ROWS)]
    file = Upload("october.csv", "\n".join([head, *rows]).encode())
    order = order_usage(file, 'source = "erp"')
    job_id = start_job(database, order, by="member:王财务", now=FIFTH).job_id
    stored = killed_when(database, database_url, FIFTH, STORED, 5_000)
    assert 5_000 <= stored < ROWS
    books.clock.at = FIFTH + LEASE + timedelta(seconds=1)
    assert Worker(database, books.clock).work() == 1
    with database.read() as tx:
        job = find_job(tx, job_id)
        assert tx.value(STORED) == ROWS
        assert pieces(tx, job_id) == []
    assert job.state is JobState.DONE, job.why
    assert job.outcome["said"].startswith(f"共 {ROWS:,} 行：")
    assert job.percent == 100
