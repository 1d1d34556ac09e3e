"""Auto models at the keyboard."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.rooms.cli.desk import run, run_json
from tests.rooms.insights.test_routing import LISTS, call, routed
from tests.scenarios.books import Books
from yuejie.apply import Applying, apply_house
from yuejie.cli.catalog import models
from yuejie.cli.insight.routing import routing
from yuejie.cli.usage import usage
from yuejie.contracts.offer import ModelDraft, put_model
from yuejie.db.session import Database
from yuejie.house_file import read_house_file
from yuejie.kernel.errors import NotFound

POLICY = """
default_model = "gpt-big"

[[rule]]
tasks = ["classification"]
models = ["gpt-mini", "gpt-big"]
"""
HOUSE = """
[[model]]
id = "gpt-big"

[[model]]
id = "gpt-mini"

[[auto]]
name = "auto"
default_model = "gpt-big"
  [[auto.rule]]
  tasks = ["classification"]
  models = ["gpt-mini", "gpt-big"]
"""
AT = datetime(2026, 10, 5, 3, 0, tzinfo=UTC)


@pytest.fixture
def books(database: Database) -> Books:
    books = Books(database)
    books.prices(LISTS, currency="CNY")
    for name in ("gpt-big", "gpt-mini"):
        put_model(database, ModelDraft(model_id=name), by="t", now=books.clock.now())
    return books


def test_a_policy_from_its_file_to_its_end(books: Books, database_url: str, tmp_path: Path) -> None:
    file, now = tmp_path / "p.toml", books.clock.now()
    file.write_text(POLICY, encoding="utf-8")
    assert "还没有自动模型" in run(models, database_url, now, "auto", "list")
    told = run(models, database_url, now, "auto", "set", "auto", str(file))
    assert "第 1 版自 2026-01-01 08:00:00 起生效" in told
    assert "其余任务：按次序在 gpt-big 中选" in told
    assert "目录没有写明 gpt-big、gpt-mini 的能力" in told
    told = run(models, database_url, books.tick(), "auto", "set", "auto", str(file))
    assert "没有新版" in told
    file.write_text(POLICY.replace('default_model = "gpt-big"', 'default_model = "gpt-mini"'))
    words = ("auto", "set", "auto", str(file), "--starts-at", "2026-11-01T00:00")
    assert "第 2 版自 2026-11-01" in run(models, database_url, now, *words)
    told = run(models, database_url, now, "auto", "show", "auto")
    assert "auto 第 1 版（此刻生效）" in told
    assert "在用，另有 1 版待生效" in run(models, database_url, now, "auto", "list")
    assert "起停用" in run(models, database_url, books.tick(60), "auto", "end", "auto")
    (shown,) = run_json(models, database_url, books.clock.at, "auto", "list")
    assert (shown["version"], shown["active"]) == (3, False)
    assert [v["version"] for v in run_json(models, database_url, now, "auto", "show", "auto")] == [
        1,
        2,
        3,
    ]
    with pytest.raises(NotFound):
        run(models, database_url, now, "auto", "show", "none")


def test_what_was_saved(books: Books, database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "p.toml"
    file.write_text(POLICY, encoding="utf-8")
    run(models, database_url, books.clock.now(), "auto", "set", "auto", str(file))
    assert "没有经自动模型计费的调用" in run(
        routing, database_url, books.clock.at, "report", "2026-10"
    )
    acme = books.customer("acme")
    books.ingest([routed(call(acme, AT, "gpt-mini", input=500, output=10))])
    told = run(routing, database_url, books.clock.at, "report", "2026-10", "--customer", "acme")
    # 500 × (10 − 1) + 10 × (30 − 3) per million
    assert "0.00477 CNY" in told
    assert "假设默认模型用同样多的 token 应答" in told
    for by in ("name", "key", "customer"):
        told = run(routing, database_url, books.clock.at, "report", "2026-10", "--by", by)
        assert "节省 0.00477 CNY" in told
    found = run_json(routing, database_url, books.clock.at, "report", "2026-10")
    assert found["totals"][0]["saving"] == "0.00477"
    told = run(usage, database_url, books.clock.at, "requests", "--customer", "acme", "--why")
    assert "auto 第 1 版规则 1（未写任务，按价格）选 gpt-mini" in told


def test_a_house_file_publishes_once_and_leaves_an_end_alone(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    def apply(text: str) -> list[str]:
        applying = Applying(
            db=database,
            pepper=b"p" * 32,
            credential_key=b"k" * 32,
            by="t",
            now=datetime.now(UTC),
            folder=tmp_path,
            environ={},
        )
        changes = apply_house(read_house_file(text, "house.toml"), applying)
        return [change.sentence for change in changes]

    assert apply(HOUSE)[-1] == "自动模型 auto 第 1 版"
    assert apply(HOUSE) == []
    run(models, database_url, datetime.now(UTC), "auto", "end", "auto")
    assert apply(HOUSE) == []
    assert apply(HOUSE.replace("classification", "extraction")) == ["自动模型 auto 第 3 版"]
