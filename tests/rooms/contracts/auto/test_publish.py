"""Policies are versions that only grow, and one that could not decide a call is refused."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from yuejie.contracts.auto import store
from yuejie.contracts.auto.policy import Choose, Policy, Rule, in_force
from yuejie.contracts.auto.publish import end_auto, publish_auto
from yuejie.contracts.auto.words import read_policy, rule_sentence
from yuejie.contracts.offer import ModelDraft, put_model
from yuejie.db.session import Database
from yuejie.kernel.errors import Conflict, Invalid, NotFound

NOW = datetime(2026, 11, 1, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
HOUR = timedelta(hours=1)
CHEAP = Rule(tasks=["classification"], models=["mini", "big"])
POLICY = Policy(default_model="big", rules=[CHEAP])


@pytest.fixture
def db(database: Database) -> Database:
    for name, mode in (("big", "chat"), ("mini", "chat"), ("vec", "embedding")):
        put_model(database, ModelDraft(model_id=name, mode=mode), by="t", now=NOW)
    return database


def test_versions_only_grow_and_the_same_again_is_nothing(db: Database) -> None:
    first = publish_auto(db, "auto", POLICY, by="op", now=NOW)
    assert (first.version, first.starts_at, first.published_by) == (1, NOW, "op")
    assert first.policy.rules[-1] == Rule(models=["big"], choose=Choose.ORDER)
    assert publish_auto(db, "auto", POLICY, by="op", now=LATER) == first
    second = publish_auto(db, "auto", Policy(default_model="mini"), by="op", now=LATER)
    ended = end_auto(db, "auto", by="op", now=LATER, starts_at=LATER + HOUR)
    assert [second.version, ended.version, ended.active] == [2, 3, False]
    assert end_auto(db, "auto", by="op", now=LATER + HOUR) == ended
    with db.read() as tx:
        versions = store.versions_of(tx, "auto")
        assert store.versions(tx) == versions == [first, second, ended]
    at = (NOW - HOUR, NOW, LATER, LATER + HOUR)
    assert [in_force(versions, moment) for moment in at] == [None, first, second, ended]
    back = publish_auto(db, "auto", Policy(default_model="mini"), by="op", now=LATER + 2 * HOUR)
    assert (back.version, back.active) == (4, True)


def test_a_version_is_never_edited(db: Database) -> None:
    publish_auto(db, "auto", POLICY, by="op", now=NOW)
    for edit in ("UPDATE auto_model SET version = 2", "DELETE FROM auto_model"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege), db.begin() as tx:
            tx.run(edit)


@pytest.mark.parametrize(
    ("policy", "name", "words"),
    [
        (Policy(default_model="none"), "auto", "模型“none”不在目录里"),
        (Policy(default_model="vec"), "auto", "答案不能互换"),
        (Policy(default_model="big", rules=[Rule(models=["vec"])]), "auto", "规则 1"),
        (Policy(default_model="big", rules=[Rule(models=[])]), "auto", "1 到 16 个"),
        (Policy(default_model="big", rules=[Rule(models=["big", "big"])]), "auto", "互不相同"),
        (Policy(default_model="big", rules=[CHEAP, CHEAP]), "auto", "规则 2：任务“classification”"),
        (
            Policy(default_model="big", rules=[Rule(models=["big"]), Rule(models=["mini"])]),
            "auto",
            "不写任务的规则前面已有",
        ),
        (Policy(default_model="big", rules=[Rule(models=["big"], tasks=[" x"])]), "a", "首尾空格"),
        (
            Policy(default_model="big", rules=[Rule(models=["big"], error_ppm_max=0)]),
            "auto",
            "error_ppm_max",
        ),
        (
            Policy(default_model="big", rules=[Rule(models=["big"], first_byte_ms_max=-1)]),
            "auto",
            "不能为负",
        ),
        (POLICY, "my auto", "不能用"),
        (POLICY, "", "不能用"),
    ],
)
def test_what_could_not_decide_is_refused(
    db: Database, policy: Policy, name: str, words: str
) -> None:
    with pytest.raises(Invalid) as caught:
        publish_auto(db, name, policy, by="op", now=NOW)
    assert words in caught.value.sentence
    with db.read() as tx:
        assert store.versions(tx) == []


def test_what_has_happened_is_not_decided_again(db: Database) -> None:
    with pytest.raises(Invalid, match="已过"):
        publish_auto(db, "auto", POLICY, by="op", now=NOW, starts_at=NOW - HOUR)
    with pytest.raises(NotFound):
        end_auto(db, "auto", by="op", now=NOW)


def test_a_name_is_a_models_or_an_auto_models(db: Database) -> None:
    with pytest.raises(Conflict, match="已有名为“big”的模型"):
        publish_auto(db, "big", POLICY, by="op", now=NOW)
    publish_auto(db, "auto", POLICY, by="op", now=NOW)
    with pytest.raises(Conflict, match="自动模型的名字"):
        put_model(db, ModelDraft(model_id="auto"), by="t", now=NOW)


def test_a_policy_is_written_in_toml() -> None:
    body = """
default_model = "big"

[[rule]]
tasks = ["classification", "extraction"]
models = ["mini", "big"]
first_byte_ms_max = 1500
error_ppm_max = 12500
"""
    policy = read_policy(body.encode(), "p.toml")
    assert rule_sentence(1, policy.rules[0]) == (
        "规则 1　任务 classification、extraction：按价格在 mini、big 中选"
        "（出错超过 1.25% 的暂不选，首字节慢于 1,500 毫秒的暂不选）"
    )
    for wrong, words in (
        (body + "modles = []\n", "modles"),
        (body.replace('"big"]', "3]"), "应为 文字"),
        ("default_model = ", "TOML"),
        (b"\xff".decode("latin-1") * 70_000, "字节"),
    ):
        with pytest.raises(Invalid) as caught:
            read_policy(wrong.encode("latin-1" if "\xff" in wrong else "utf-8"), "p.toml")
        assert words in caught.value.sentence
