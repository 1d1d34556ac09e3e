"""The command line as a person meets it: real processes, an embedded database of their own."""

import inspect
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from tests.postgres import open_folder
from yuejie.cli.main import NOUNS, SECTIONS
from yuejie.cli.main import yuejie as root


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    with open_folder() as folder:
        yield folder


def yuejie(home: Path, *words: str, code: int = 0) -> str:
    """Run a command, check its exit code, and return what it said."""
    done = subprocess.run(
        [sys.executable, "-m", "yuejie", *words],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "YUEJIE_HOME": str(home)},
        timeout=120,
    )
    said = done.stdout + done.stderr
    assert done.returncode == code, said
    assert "Traceback" not in said
    return done.stdout if code == 0 else done.stderr


def commands(group: click.Command, *words: str) -> Iterator[tuple[str, click.Command]]:
    """Name every command below a group."""
    if not isinstance(group, click.Group):
        yield " ".join(words), group
        return
    for name in group.list_commands(click.Context(group)):
        below = group.get_command(click.Context(group), name)
        assert below is not None
        yield from commands(below, *words, name)


@pytest.mark.parametrize("command", [pytest.param(each, id=name) for name, each in commands(root)])
def test_a_command_takes_what_its_line_may_say(command: click.Command) -> None:
    """click hands arguments over by name: a callback that does not take them so crashes."""
    assert command.callback is not None
    told = {one.name: None for one in command.params if one.expose_value and one.name}
    takes = inspect.signature(command.callback)
    takes.bind(*([object()] if "house" in takes.parameters else []), **told)


def test_a_newcomer_is_told_what_there_is(home: Path) -> None:
    said = yuejie(home, "--help")
    assert all(noun in said for noun in NOUNS)


@pytest.mark.parametrize(
    ("noun", "about"),
    [(noun, about) for each in SECTIONS.values() for noun, (_, about) in each.items()],
)
def test_a_noun_says_of_itself_what_the_list_says_of_it(noun: str, about: str) -> None:
    command = root.get_command(click.Context(root), noun)
    assert command is not None
    assert command.get_short_help_str(200) == about


def test_whoever_asks_what_there_is_waits_for_no_noun() -> None:
    """Importing all of them takes two seconds."""
    code = (
        "import sys; from yuejie.cli.main import yuejie; yuejie(['--help'], standalone_mode=False)"
    )
    told = "; print(sorted(each for each in sys.modules if each.startswith('yuejie.cli.')))"
    done = subprocess.run(
        [sys.executable, "-c", code + told], capture_output=True, text=True, check=True
    )
    assert done.stdout.endswith("['yuejie.cli.main', 'yuejie.cli.mistakes']\n")


def test_an_amount_below_zero_is_no_option(home: Path) -> None:
    asked = ("adjustments", "propose", "nobody", "2026-09", "-1.00", "--why", "约定")
    assert "客户不存在" in yuejie(home, *asked, "--item", "减免", code=1)
    assert "--itme" in yuejie(home, *asked, "--itme", "减免", code=2)


def test_mistakes_are_one_sentence(home: Path) -> None:
    """A month with no usage, a customer nobody knows, a bill that is not there, a bad month."""
    assert "2026-09 无用量数据" in yuejie(home, "bills", "close", "2026-09")
    for words, sentence in (
        (("bills", "close", "2026-09", "--customer", "nobody"), "客户不存在"),
        (("bills", "show", "YJ2026000001"), "账单 YJ2026000001 不存在"),
        (("keys", "revoke", "key_none"), "密钥 key_none 不存在"),
        (("price", "show", "gpt-4o", "--book", "none"), "价目 none 不存在"),
        (("usage", "request", "req_xyz"), "请求编号"),
    ):
        said = yuejie(home, *words, code=1)
        assert sentence in said
        assert said.count("错误：") == 1
    assert "2026-10" in yuejie(home, "bills", "close", "2026-13", code=2)
    assert "尚未结束" in yuejie(home, "bills", "close", "2999-01", code=1)


def test_reads_can_be_json(home: Path) -> None:
    for words in (("customers", "list"), ("bills", "list"), ("models", "list"), ("fx", "list")):
        assert json.loads(yuejie(home, *words, "--json")) == []


def test_a_terminal_of_another_encoding_is_told_in_its_own(home: Path, tmp_path: Path) -> None:
    """What GBK lacks comes out as its twin, or as a question mark: nothing fails for a name."""
    yuejie(home, "price", "open", "gbk", "--kind", "sale", "--currency", "USD")
    file = tmp_path / "prices.toml"
    file.write_text(
        'currency = "USD"\n[models."¥²-𠮷"]\nmode = "chat"\ninput = "-1"\noutput = "1"\n'
    )

    def told(*words: str) -> tuple[int, str, str]:
        done = subprocess.run(
            [sys.executable, "-m", "yuejie", *words],
            capture_output=True,
            check=False,
            env={**os.environ, "YUEJIE_HOME": str(home), "PYTHONIOENCODING": "gbk"},
            timeout=120,
        )
        return done.returncode, done.stdout.decode("gbk"), done.stderr.decode("gbk")

    code, shown, said = told("price", "import", str(file), "--book", "gbk")
    assert "￥2-?" in shown
    assert (code, "Traceback" in said) == (1, False)
    code, _, said = told("customers", "show", "¥")
    assert (code, "￥" in said) == (1, True)


def test_a_price_file_with_an_error_is_not_imported(home: Path, tmp_path: Path) -> None:
    yuejie(home, "price", "open", "list", "--kind", "sale", "--currency", "USD")
    file = tmp_path / "prices.toml"
    file.write_text('currency = "USD"\n[models.m]\nmode = "chat"\ninput = "-1"\noutput = "1"\n')
    done = subprocess.run(
        [sys.executable, "-m", "yuejie", "price", "import", str(file), "--book", "list"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "YUEJIE_HOME": str(home)},
        timeout=120,
    )
    assert done.returncode == 1
    assert "不能为负" in done.stdout
    assert "未导入任何价目" in done.stdout
