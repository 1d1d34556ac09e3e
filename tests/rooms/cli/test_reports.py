"""`yuejie reports …`, as somebody types it."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.rooms.cli.desk import run
from tests.scenarios.books import Books
from yuejie.cli.insight.reports import reports
from yuejie.db.session import Database
from yuejie.kernel.errors import Invalid

PRICES = """
currency = "CNY"

[models."gpt-4o"]
input = "20"
output = "80"
"""


@pytest.fixture
def books(database: Database) -> Books:
    books = Books(database)
    books.prices(PRICES, currency="CNY")
    acme = books.customer("acme")
    acme.uses("2026-10-05 10:00", "gpt-4o", input=1_000_000, output=500_000, requests=3)
    books.clock.at = datetime(2026, 11, 3, tzinfo=UTC)
    return books


def test_a_report_from_its_first_day_to_its_last(
    books: Books, database_url: str, tmp_path: Path
) -> None:
    now = books.clock.at

    def yuejie(*words: str, code: int = 0) -> str:
        return run(reports, database_url, now, *words, code=code)

    mine = ("月报", "--customer", "acme")
    said = yuejie("add", *mine, "--by", "project,model", "--every", "monthly", "--workdays")
    assert "每月 1 日 08:00，遇休息日顺延至下一工作日，下次 2026-12-01 08:00" in said
    assert "月报" in yuejie("list")
    said = yuejie("show", *mine)
    assert "维度 项目、模型" in said
    assert "订阅报表通知的全部联系人" in said
    said = yuejie("run", *mine, "--to", str(tmp_path))
    assert "60.00" in said
    assert "以账单为准" in said
    assert {path.suffix for path in tmp_path.iterdir()} == {".pdf", ".xlsx"}
    result = json.loads(yuejie("run", *mine, "--json"))
    assert result["rows"] == [["main", "gpt-4o", 6000, 3, 1500000]]
    said = yuejie("edit", *mine, "--every", "never", "--show", "tokens,cache_share", "--cut", "day")
    assert "不按时发送" in said
    runs = json.loads(yuejie("history", *mine, "--json"))
    assert [each["rows"] for each in runs] == [1, 1]
    again = tmp_path / "again"
    yuejie("fetch", runs[-1]["run_id"], "--to", str(again))
    for path in again.iterdir():
        assert path.read_bytes() == (tmp_path / path.name).read_bytes()
    assert "已结束" in yuejie("end", *mine)
    assert "没有报表" in yuejie("list")


def test_the_operators_own_report_shows_margins(books: Books, database_url: str) -> None:
    now = books.clock.at
    run(reports, database_url, now, "add", "毛利", "--by", "customer", "--show", "charge,margin")
    assert "acme 有限公司" in run(reports, database_url, now, "run", "毛利")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--show", "money"), "报表度量“money”不认识"),
        (("--where", "model"), "应写成 model=gpt-4o"),
        (("--hour", "9"), "须用 --every"),
        (("--every", "weekly", "--on", "9"), "请写 1 到 7"),
        (("--customer", "acme", "--show", "cost"), "客户的报表不含成本"),
        (("--mail", "ctc_none"), "收件联系人 ctc_none 不存在"),
    ],
)
def test_what_is_wrong_is_said(
    books: Books, database_url: str, words: tuple[str, ...], says: str
) -> None:
    with pytest.raises(Invalid, match=says):
        run(reports, database_url, books.clock.at, "add", "月报", *words)
