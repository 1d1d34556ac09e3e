"""A process is killed -9 while it closes and issues; whoever runs it again ends it, once."""

import subprocess
import sys
import time
from datetime import UTC, datetime

import pytest

from tests.scenarios.books import Books
from tests.tidy.source import ROOT
from yuejie.bills.bill import Bill, BillState
from yuejie.bills.store import bills_of_month
from yuejie.db.session import Database
from yuejie.kernel.period import BillingMonth
from yuejie.ledger.check import check_ledger

OCTOBER = BillingMonth(2026, 10)
NOW = datetime(2026, 11, 2, tzinfo=UTC)
CUSTOMERS = 12
PRICES = """
[models."gpt-4o"]
input = "10"
output = "30"
"""


def drawn(db: Database) -> list[Bill]:
    with db.read() as tx:
        return bills_of_month(tx, OCTOBER)


def issued(db: Database) -> list[Bill]:
    return [bill for bill in drawn(db) if bill.state is BillState.ISSUED]


@pytest.mark.parametrize("look", [drawn, issued], ids=["closing", "issuing"])
def test_a_killed_process_is_simply_run_again(
    database: Database, database_url: str, look: object
) -> None:
    books = Books(database)
    books.clock.at = NOW
    books.prices(PRICES, currency="CNY", starts=datetime(2026, 1, 1, tzinfo=UTC))
    for number in range(CUSTOMERS):
        party = books.customer(f"c{number:02d}")
        party.uses("2026-10-05 10:00:00", "gpt-4o", input=1_000_000 * (number + 1))
    command = [sys.executable, "-m", "tests.simulate.closing", database_url, "2026-10"]
    command.append(NOW.isoformat())
    watched = drawn if look is drawn else issued
    with subprocess.Popen(command, cwd=ROOT) as process:
        while len(watched(database)) < 3 and process.poll() is None:
            time.sleep(0.005)
        process.kill()
    assert len(watched(database)) >= 3
    subprocess.run(command, cwd=ROOT, check=True, timeout=120)
    bills = issued(database)
    assert sorted(bill.gross.fen for bill in bills) == [1_000 * n for n in range(1, CUSTOMERS + 1)]
    numbers = sorted(str(bill.number) for bill in bills)
    assert numbers == [f"YJ2026{n:06d}" for n in range(1, CUSTOMERS + 1)]
    assert books.unproved() == []
    assert not any(checked.findings for checked in check_ledger(database))
