"""Refused calls, and the bound of a paced cap, at the keyboard."""

import json
from pathlib import Path
from uuid import UUID

import pytest

from tests.rooms.budgets.desk import NOW, Desk, Worker
from tests.rooms.budgets.test_flight import WORST, tell
from tests.rooms.cli.desk import run, run_json
from tests.rooms.intake.shop import Shop, open_shop
from yuejie.budgets.allowance import Mode
from yuejie.cli.usage import usage
from yuejie.cli.watch.budgets import budgets
from yuejie.db.session import Database
from yuejie.kernel.errors import Invalid
from yuejie.kernel.ids import uuid7_at
from yuejie.usage.journal import RefusedOne
from yuejie.usage.refusals.store import add_refusals, add_refused_calls
from yuejie.usage.store import enter_epoch


@pytest.fixture
def shop(database: Database) -> Shop:
    return open_shop(database)


@pytest.fixture
def desk(database: Database, shop: Shop, tmp_path: Path) -> Desk:
    return Desk(database, shop, tmp_path)


def test_why_calls_were_refused_is_told(desk: Desk, database_url: str) -> None:
    acme, key_id = desk.shop.acme, desk.shop.key_id
    assert "没有被拒绝的调用" in run(usage, database_url, NOW, "refusals", "--customer", "acme")
    minute_s = int(NOW.timestamp()) // 60 * 60
    row = (minute_s, acme.customer_id, "", key_id, "gpt-4o", "cap_used_up", 402, 7)
    with desk.db.begin() as tx:
        add_refusals(tx, [row], epoch=enter_epoch(tx))
    said = run(
        usage,
        database_url,
        NOW,
        "refusals",
        "--customer",
        "acme",
        "--by",
        "hour",
        environ={"COLUMNS": "160"},
    )
    for words in ("最近 24 小时被拒绝的调用 7 次", "额度已用完", "客户可以自行处理", "402"):
        assert words in said
    [plain] = run_json(usage, database_url, NOW, "refusals", "--by", "customer")
    assert (plain["customer_id"], plain["calls"], plain["party"]) == (
        acme.customer_id,
        7,
        "customer",
    )
    request = UUID(bytes=uuid7_at(1))
    one = RefusedOne(request.bytes, 1_000_000 * minute_s, "", "", "", "", "key_unknown", 401)
    with desk.db.begin() as tx:
        add_refused_calls(tx, [one])
    found = json.loads(run(usage, database_url, NOW, "request", f"req_{request.hex}"))
    assert (found["refused"]["reason"], found["name"]) == ("key_unknown", "密钥无效")
    with pytest.raises(Invalid, match="没有“x”这个原因"):
        run(usage, database_url, NOW, "refusals", "--reason", "x")


def test_a_paced_cap_says_how_far_it_may_go(desk: Desk, database_url: str) -> None:
    desk.cap("放行后计", WORST, mode=Mode.PACED)
    assert "此刻没有在途请求" in run(budgets, database_url, NOW, "list", "acme")
    worker = Worker(desk)
    worker.begin(WORST)
    worker.begin(WORST)
    tell(worker)
    desk.read_journals()
    said = run(budgets, database_url, NOW, "list", "acme")
    assert "在途 2 次" in said
    [plain] = run_json(budgets, database_url, NOW, "list", "acme")
    assert (plain["beyond"], plain["in_flight_calls"]) == (2 * WORST, 2)
