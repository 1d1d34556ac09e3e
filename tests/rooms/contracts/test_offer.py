from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from yuejie.contracts import store
from yuejie.contracts.offer import (
    AccountDraft,
    DeploymentDraft,
    ModelDraft,
    put_account,
    put_deployment,
    put_model,
    set_account_state,
    set_deployment_state,
    set_model_state,
)
from yuejie.db.session import Database
from yuejie.kernel.errors import Conflict, Invalid, NotFound

NOW = datetime(2026, 11, 1, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
ACCOUNT = AccountDraft(
    account_id="openai-main",
    provider="openai",
    platform="openai",
    base_url="https://api.openai.com/v1",
    region="us",
    credential=b"sealed",
)
MODEL = ModelDraft(model_id="gpt-4o", owner="openai", context_window=128_000)
DEPLOYMENT = DeploymentDraft(
    model_id="gpt-4o",
    account_id="openai-main",
    upstream_model="gpt-4o-2024-08-06",
    cost_model="openai/gpt-4o",
)
NAME = "gpt-4o@openai-main"


@pytest.fixture
def house(database: Database) -> Database:
    """A catalogue with one account, one model and one deployment."""
    assert put_account(database, ACCOUNT, by="op", now=NOW)
    assert put_model(database, MODEL, by="op", now=NOW)
    assert put_deployment(database, DEPLOYMENT, by="op", now=NOW)
    return database


def snapshot_revision(db: Database) -> int:
    with db.read() as tx:
        return int(tx.value("SELECT revision FROM snapshot_revision"))


def test_what_is_put_is_in_the_catalogue(house: Database) -> None:
    with house.read() as tx:
        (account,), (model,) = store.accounts(tx), store.models(tx)
        (deployment,) = store.deployments(tx)
    assert (account.credential, account.state, account.created_at) == (b"sealed", "active", NOW)
    assert (model.model_id, model.mode, model.context_window) == ("gpt-4o", "chat", 128_000)
    assert (deployment.deployment_id, deployment.cost_model) == (NAME, "openai/gpt-4o")


def test_the_same_again_changes_nothing(house: Database) -> None:
    before = snapshot_revision(house)
    again = replace(ACCOUNT, credential=b"sealed anew")
    assert not put_account(house, again, by="op", now=LATER, opens_same=True)
    assert not put_model(house, MODEL, by="op", now=LATER)
    assert not put_deployment(house, DEPLOYMENT, by="op", now=LATER)
    assert snapshot_revision(house) == before


def test_a_change_reaches_the_gateways_and_keeps_the_state(house: Database) -> None:
    assert set_deployment_state(house, NAME, "drained", by="op", now=LATER)
    before = snapshot_revision(house)
    assert put_deployment(house, replace(DEPLOYMENT, weight=3), by="op", now=LATER)
    assert put_account(house, replace(ACCOUNT, credential=b"other"), by="op", now=LATER)
    assert snapshot_revision(house) > before
    with house.read() as tx:
        (deployment,), (account,) = store.deployments(tx), store.accounts(tx)
    assert (deployment.weight, deployment.state, deployment.created_at) == (3, "drained", NOW)
    assert account.credential == b"other"


def test_states_are_set_once(house: Database) -> None:
    for put, name, state in (
        (set_account_state, "openai-main", "drained"),
        (set_model_state, "gpt-4o", "disabled"),
        (set_deployment_state, NAME, "drained"),
    ):
        assert put(house, name, state, by="op", now=LATER)
        assert not put(house, name, state, by="op", now=LATER)
        with pytest.raises(Invalid, match="状态“gone”不认识"):
            put(house, name, "gone", by="op", now=LATER)
        with pytest.raises(NotFound, match="“nobody”不存在"):
            put(house, "nobody", state, by="op", now=LATER)
    with house.read() as tx:
        assert [account.state for account in store.accounts(tx)] == ["drained"]
        assert [model.state for model in store.models(tx)] == ["disabled"]


def test_deeds_are_recorded_without_the_credential(house: Database) -> None:
    with house.read() as tx:
        told = tx.value("SELECT became::text FROM deed WHERE noun = 'account'")
    assert "api.openai.com" in told
    assert "credential" not in told


def test_an_address_that_is_none_is_refused(database: Database) -> None:
    with pytest.raises(Invalid, match="不是 http"):
        put_account(database, replace(ACCOUNT, base_url="api.openai.com"), by="op", now=NOW)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"mode": "telepathy"}, "类型“telepathy”"),
        ({"backup_model": "nowhere"}, "后备模型“nowhere”不存在"),
        ({"backup_model": "gpt-4o"}, "绕回它自己"),
    ],
)
def test_bad_models_are_refused(house: Database, change: dict[str, Any], says: str) -> None:
    with pytest.raises((Invalid, NotFound, Conflict)) as refusal:
        put_model(house, replace(MODEL, **change), by="op", now=NOW)
    assert says in refusal.value.sentence


def test_backups_do_not_lead_in_a_circle(house: Database) -> None:
    put_model(house, ModelDraft(model_id="mini", backup_model="gpt-4o"), by="op", now=NOW)
    with pytest.raises(Conflict, match="绕回它自己"):
        put_model(house, replace(MODEL, backup_model="mini"), by="op", now=NOW)


def test_a_chain_of_backups_has_an_end(database: Database) -> None:
    previous: str | None = None
    for number in range(8):
        draft = ModelDraft(model_id=f"m{number}", backup_model=previous)
        put_model(database, draft, by="op", now=NOW)
        previous = draft.model_id
    with pytest.raises(Conflict, match="后备链超过 8 级"):
        put_model(database, ModelDraft(model_id="m8", backup_model=previous), by="op", now=NOW)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"weight": 0}, "权重 0"),
        ({"model_id": "nowhere"}, "模型“nowhere”不存在"),
        ({"account_id": "nowhere"}, "账户“nowhere”不存在"),
    ],
)
def test_bad_deployments_are_refused(house: Database, change: dict[str, Any], says: str) -> None:
    with pytest.raises((Invalid, NotFound)) as refusal:
        put_deployment(house, replace(DEPLOYMENT, **change), by="op", now=NOW)
    assert says in refusal.value.sentence


def test_a_deployment_is_not_moved_to_another_model(house: Database) -> None:
    put_model(house, ModelDraft(model_id="mini"), by="op", now=NOW)
    moved = replace(DEPLOYMENT, model_id="mini", name=NAME)
    with pytest.raises(Conflict, match="不能改挂"):
        put_deployment(house, moved, by="op", now=NOW)
