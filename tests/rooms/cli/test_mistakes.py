"""Slips at the keyboard: one sentence in Chinese, nothing done, no traceback."""

from pathlib import Path

import pytest

from yuejie.cli.main import main

NOWHERE = "postgresql://127.0.0.1:1/nowhere"


def said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str
) -> tuple[int, str]:
    """What a command line answers on standard error, and its exit code."""
    monkeypatch.setenv("YUEJIE_DATABASE_URL", NOWHERE)
    monkeypatch.setattr("sys.argv", ["yuejie", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    assert isinstance(ended.value.code, int)
    return ended.value.code, capsys.readouterr().err.strip()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("nosuch", "没有命令 nosuch；写法见 yuejie --help"),
        ("bill list", "没有命令 bill，是否想写 bills；写法见 yuejie --help"),
        ("bills lst", "没有命令 lst，是否想写 list；写法见 yuejie bills --help"),
        ("price show gpt-4o", "缺少选项 --book；写法见 yuejie price show --help"),
        (
            "fapiao answer-form R1",
            "缺少选项 --agree 或 --deny；写法见 yuejie fapiao answer-form --help",
        ),
        (
            "adjustments decide adj_1",
            (
                "缺少参数 DECISION，可写 approve、reject、withdraw；"
                "写法见 yuejie adjustments decide --help"
            ),
        ),
        ("contracts export", "缺少参数 NAME；写法见 yuejie contracts export --help"),
        (
            "bills list 2026-13",
            (
                "MONTH：账期“2026-13”格式不对，请写成 2026-10 这样的年月；"
                "写法见 yuejie bills list --help"
            ),
        ),
        (
            "price open x --kind foo --currency CNY",
            "--kind：“foo”不可用，可选 'cost', 'sale'；写法见 yuejie price open --help",
        ),
        ("apply none.toml", "FILE：“none.toml”不存在；写法见 yuejie apply --help"),
        (
            "usage requests --customer x --limit ten",
            "--limit：“ten”不是整数；写法见 yuejie usage requests --help",
        ),
        ("bills list 2026-10 b", "多写了 b；写法见 yuejie bills list --help"),
        ("keys issue --customer", "选项 --customer 后面缺少值"),
    ],
)
def test_a_slip_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: str,
    sentence: str,
) -> None:
    code, answer = said(monkeypatch, capsys, *words.split())
    assert (code, answer) == (2, f"错误：{sentence}")


def test_a_noun_alone_explains_itself(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, answer = said(monkeypatch, capsys, "bills")
    assert code == 2
    assert "账单：" in answer


def test_a_place_that_cannot_be_written_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("YUEJIE_HOME", str(tmp_path / "file" / "home"))
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.delenv("YUEJIE_DATABASE_URL", raising=False)
    monkeypatch.setattr("sys.argv", ["yuejie", "customers", "list"])
    with pytest.raises(SystemExit) as ended:
        main()
    answer = capsys.readouterr().err
    assert ended.value.code == 1
    assert str(tmp_path / "file") in answer
    assert "路径中有一段不是目录，请检查后重试" in answer
    assert "Traceback" not in answer
