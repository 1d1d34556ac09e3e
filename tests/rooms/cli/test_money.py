"""Finance at the keyboard: an account, a statement, a receipt; real processes."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgres import open_folder
from tests.rooms.cli.test_commands import yuejie
from yuejie.cli.frame import say, show_table

CSV = "交易日期,交易流水号,贷方发生额,余额,对方户名\n2026-10-01,A1,100.00,600.00,甲公司\n"


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    with open_folder() as folder:
        yield folder


def test_a_statement_is_taken_in_at_the_keyboard(home: Path) -> None:
    """Opened, imported, imported again, broken; the money waits in suspense, the bank agrees."""
    yuejie(home, "bank", "open", "62220001", "--holder", "月结", "--bank", "招商银行")
    file = home / "流水.csv"
    file.write_text(CSV, "gbk")
    said = yuejie(home, "bank", "import", str(file), "--account", "62220001")
    assert "新流水 1 笔" in said
    assert "待认领 1 笔" in said
    again = yuejie(home, "bank", "import", str(file), "--account", "62220001")
    assert "已导入过" in again
    (receipt,) = json.loads(yuejie(home, "receipts", "list", "--json"))
    assert (receipt["state"], receipt["left_fen"]) == ("suspended", 100_00)
    file.write_text(
        "交易日期,贷方发生额,对方户名,摘要\n2026-10-02,5.00,乙[/b][po 7]公司,x\n", "gbk"
    )
    yuejie(home, "bank", "import", str(file), "--account", "62220001")
    assert "乙[/b][po 7]公司" in "".join(yuejie(home, "receipts", "list").split("│"))
    file.write_text(CSV.replace("100.00", "一百"), "utf-8")
    refused = yuejie(home, "bank", "import", str(file), "--account", "62220001", code=1)
    assert "第 2 行：“一百”不是金额" in refused
    checked = json.loads(yuejie(home, "bank", "check", "--account", "62220001", "--json"))
    assert (checked["booked_fen"], checked["suspense_fen"]) == (105_00, 105_00)


def test_a_terminal_obeys_nothing_that_a_payer_wrote(capsys: pytest.CaptureFixture[str]) -> None:
    """Brackets that closed nothing ended a list with a traceback, others were not to be seen."""
    show_table("[甲] 的到账", ["户名"], [["甲\x1b[2J[/b]"], ["乙[bold]\u202e公司\r丙"]])
    say("退款给 \x1b]0;甲\x07\r\n第二行")
    shown = capsys.readouterr().out
    assert "[甲] 的到账" in shown
    assert "甲\\x1b[2J[/b]" in shown
    assert "乙[bold]\\x202e公司\\x0d丙" in shown
    assert "退款给 \\x1b]0;甲\\x07" in shown
