"""What nobody should write, written: each is one sentence, and nothing is done."""

from pathlib import Path

import click
import pytest

from tests.rooms.budgets.desk import NOW
from tests.rooms.cli.desk import run
from tests.rooms.intake.shop import open_shop
from yuejie.cli.agreed.contracts import contracts
from yuejie.cli.books.ledger import ledger
from yuejie.cli.catalog import models
from yuejie.cli.customers import keys
from yuejie.cli.house import apply
from yuejie.cli.main import main
from yuejie.cli.prices import price
from yuejie.cli.support.rota import rota
from yuejie.cli.usage import usage
from yuejie.customers.key import digest_of, digest_of_foreign
from yuejie.db.session import Database
from yuejie.gateway.blocklist import blocked
from yuejie.kernel.errors import DomainError, Invalid
from yuejie.settings import Settings

KEY = "key_019a0000000070008000000000000000"


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (apply, ("FILE",)),
        (contracts, ("draft", "FILE", "--customer", "acme")),
        (ledger, ("handover", "2026-10", "--system", "yonyou", "--codes", "FILE")),
    ],
)
def test_a_file_in_another_encoding_is_named(
    database: Database,
    database_url: str,
    tmp_path: Path,
    command: click.Command,
    words: tuple[str, ...],
) -> None:
    open_shop(database)
    file = tmp_path / "甲.toml"
    file.write_bytes("名称 = '客户'".encode("gbk"))
    given = [str(file) if word == "FILE" else word for word in words]
    with pytest.raises(Invalid, match=r"甲\.toml 不是 UTF-8 文本，请另存为 UTF-8 后重试"):
        run(command, database_url, NOW, *given)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (price, ("day", "acme", "--on", "9999-12-31")),
        (rota, ("weeks", "op", "--from", "9999-12-31")),
        (rota, ("weeks", "op", "--from", "2026-12-01", "--weeks", "99999999")),
    ],
)
def test_a_day_beyond_all_calendars_is_refused(
    database: Database, database_url: str, command: click.Command, words: tuple[str, ...]
) -> None:
    open_shop(database)
    with pytest.raises(DomainError, match="请"):
        run(command, database_url, NOW, *words)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (models, ("deprecations", "--within-days", "99999999999999999999")),
        (usage, ("worklist", "--older-hours", "99999999999999999999")),
        (usage, ("worklist", "--after", "nosuch")),
    ],
)
def test_a_number_or_an_id_that_is_none_is_a_slip(
    database_url: str, command: click.Command, words: tuple[str, ...]
) -> None:
    said = run(command, database_url, NOW, *words, code=2)
    assert words[1] in said


def test_words_in_another_encoding_are_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], database_url: str
) -> None:
    """A terminal set to GBK gives bytes that are no UTF-8."""
    monkeypatch.setenv("YUEJIE_DATABASE_URL", database_url)
    typed = "客户".encode("gbk").decode("utf-8", "surrogateescape")
    monkeypatch.setattr("sys.argv", ["yuejie", "customers", "show", typed])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said == "错误：命令行中有不是 UTF-8 的文字，请把终端编码设为 UTF-8 后重新输入\n"


def test_a_key_is_blocked_by_its_id_its_digest_or_itself(database_url: str, tmp_path: Path) -> None:
    home = {"YUEJIE_HOME": str(tmp_path)}
    pepper = Settings.load(home).pepper
    secret = "sk-yj-leaked"
    for key in (KEY, "ab" * 32, secret):
        run(keys, database_url, NOW, "block", key, environ=home)
    both = {digest_of(secret, pepper).hex(), digest_of_foreign(secret, pepper).hex()}
    assert blocked(tmp_path) == {KEY, "ab" * 32} | both
    said = run(keys, database_url, NOW, "unblock", secret, environ=home)
    assert "leaked" not in said
    assert blocked(tmp_path) == {KEY, "ab" * 32}


@pytest.mark.parametrize("word", ["nosuch", "", "key_019a…", "中文"])
def test_what_is_no_key_is_not_blocked(database_url: str, tmp_path: Path, word: str) -> None:
    with pytest.raises(Invalid, match="没有封禁任何密钥"):
        run(keys, database_url, NOW, "block", word, environ={"YUEJIE_HOME": str(tmp_path)})
    assert blocked(tmp_path) == frozenset()
