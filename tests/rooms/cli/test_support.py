"""Tickets, the rota and announcements at the keyboard."""

from datetime import timedelta
from pathlib import Path

import pytest

from tests.rooms.cli.desk import run, run_json
from tests.rooms.web.conftest import NOW, House, inhabit
from yuejie.cli.support.incidents import incidents
from yuejie.cli.support.rota import rota
from yuejie.cli.support.tickets import tickets
from yuejie.customers.members.enrol import enrol_member
from yuejie.db.session import Database
from yuejie.kernel.errors import NotFound


@pytest.fixture
def house(database: Database) -> House:
    return inhabit(database)


def test_a_ticket_from_the_first_word_to_the_last(
    house: House, database_url: str, tmp_path: Path
) -> None:
    log = tmp_path / "日志.txt"
    log.write_text("503")
    words = ("acme", "--subject", "全部失败", "--text", "02:28 起", "--severity", "s1")
    about = ("--request", house.acme_call, "--file", str(log))
    told = run(tickets, database_url, NOW, "open", *words, *about)
    assert "请在 2026-11-05 10:30 前首次响应" in told
    ticket = told.split()[1]
    queue = run(tickets, database_url, NOW, "queue")
    assert queue.index(ticket) < queue.index(house.zeta_ticket), "what is due first stands first"
    later = NOW + timedelta(minutes=45)
    assert "（已超时）" in run(tickets, database_url, later, "queue")
    run(tickets, database_url, later, "resolve", ticket, "--text", "已切换线路")
    shown = run(tickets, database_url, later, "show", ticket)
    for said in (house.acme_call, "首次响应　45 分钟，超时", "解决用时　45 分钟", "日志.txt"):
        assert said in shown
    file = run_json(tickets, database_url, later, "show", ticket)["files"][0]["file_id"]
    run(tickets, database_url, later, "file", ticket, file, "--out", str(tmp_path / "out"))
    assert (tmp_path / "out" / "日志.txt").read_text() == "503"
    assert "已关闭" in run(tickets, database_url, later, "close", ticket)
    found = run_json(tickets, database_url, later, "list", "--customer", "acme")
    assert [each["ticket"]["state"] for each in found] == ["closed"]
    with pytest.raises(NotFound):
        run(tickets, database_url, NOW, "open", *words, "--request", house.zeta_call)


def test_the_rota_and_advisers(house: House, database_url: str) -> None:
    assert "没有排班" in run(rota, database_url, NOW, "show")
    for name in ("小李", "老王"):
        enrol_member(
            house.books.db, name, "support", customer=None, pepper=bytes(32), by="x", now=NOW
        )
    told = run(rota, database_url, NOW, "weeks", "小李", "老王", "--from", "2026-11-05")
    assert "已排 2 周：2026-11-02 00:00 至 2026-11-16 00:00" in told
    span = ("--from", "2026-11-05T09:00", "--to", "2026-11-05T18:00")
    made = run(rota, database_url, NOW, "override", "老王", *span).split()[1].split("：")[0]
    run(rota, database_url, NOW, "adviser", "acme", "小李")
    found = run_json(rota, database_url, NOW, "show")
    assert (found["now"], found["advisers"]) == ("老王", {"acme": "小李"})
    run(rota, database_url, NOW, "remove", made)
    assert "现在值班：小李" in run(rota, database_url, NOW, "show")


def test_what_is_announced(house: House, database_url: str) -> None:
    words = ("--title", "升级", "--text", "只读十分钟", "--impact", "none")
    span = ("--from", "2026-11-08T02:00", "--to", "2026-11-08T03:00")
    told = run(incidents, database_url, NOW, "plan", *words, *span)
    assert "通知 2 个客户" in told
    made = told.split()[1]
    more = ("cancelled", "--text", "改期")
    assert "已取消" in run(incidents, database_url, NOW, "update", made, *more)
    listed = run_json(incidents, database_url, NOW, "list")
    states = {each["incident"]["incident_id"]: each["incident"]["state"] for each in listed}
    assert states[made] == "cancelled"
    told = run(incidents, database_url, NOW, "announce", "--title", "慢", "--text", "慢")
    assert "通知 2 个客户" in told
    board = run(incidents, database_url, NOW, "status")
    assert "总体 部分受影响" in board
    assert "gpt-4o　部分受影响" in board
