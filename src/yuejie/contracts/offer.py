"""Put something into the catalogue: a provider account, a model, a place that serves it.

Each deed writes the thing new or changed and says nothing when nothing changed; the gateways see it
within a second. Draining and disabling are changes like any other.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Final, TypeVar
from urllib.parse import urlsplit

from yuejie.contracts import store
from yuejie.contracts.catalog import MODES, Deployment, Model, ProviderAccount
from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Database, Tx
from yuejie.kernel.errors import Conflict, Invalid, NotFound

_ACCOUNT_STATES: Final = ("active", "drained")
_MODEL_STATES: Final = ("active", "disabled")
_BACKUPS: Final = 8
"""Longest chain of backup models that is followed when looking for a loop."""

Thing = TypeVar("Thing", ProviderAccount, Model, Deployment)


def offer_account(
    db: Database, account: ProviderAccount, *, by: str, now: datetime
) -> ProviderAccount:
    """Write a provider account; its credential arrives encrypted."""
    url = urlsplit(account.base_url)
    if url.scheme not in {"http", "https"} or not url.hostname:
        raise Invalid(
            f"供应商账户 {account.account_id} 的地址“{account.base_url}”不是 http(s) 网址，请改正"
        )
    _known_state(account.state, _ACCOUNT_STATES, f"供应商账户 {account.account_id}")
    with db.begin() as tx:
        known = {each.account_id: each for each in store.accounts(tx)}
        was = known.get(account.account_id)
        return _write(tx, was, account, store.save_account, ("account", by, now))


def offer_model(db: Database, model: Model, *, by: str, now: datetime) -> Model:
    """Write a model; its backup must be in the catalogue and may not lead back to it."""
    if model.mode not in MODES:
        modes = "、".join(sorted(MODES))
        raise Invalid(f"模型 {model.model_id} 的类型“{model.mode}”不认识，可用：{modes}")
    _known_state(model.state, _MODEL_STATES, f"模型 {model.model_id}")
    with db.begin() as tx:
        known = {each.model_id: each for each in store.models(tx)}
        _refuse_loop(known, model)
        was = known.get(model.model_id)
        return _write(tx, was, model, store.save_model, ("model", by, now))


def offer_deployment(db: Database, deployment: Deployment, *, by: str, now: datetime) -> Deployment:
    """Write a deployment; the model and the account it joins exist and never change."""
    name = deployment.deployment_id
    _known_state(deployment.state, _ACCOUNT_STATES, f"部署 {name}")
    if deployment.weight < 1:
        raise Invalid(f"部署 {name} 的权重 {deployment.weight} 应大于零，停用请把状态写成 drained")
    with db.begin() as tx:
        _required(
            deployment.model_id, (m.model_id for m in store.models(tx)), f"部署 {name} 的模型"
        )
        _required(
            deployment.account_id, (a.account_id for a in store.accounts(tx)), f"部署 {name} 的账户"
        )
        known = {each.deployment_id: each for each in store.deployments(tx)}
        was = known.get(name)
        if was and (was.model_id, was.account_id) != (deployment.model_id, deployment.account_id):
            raise Conflict(
                f"部署 {name} 属于模型 {was.model_id} 和账户 {was.account_id}，不能改挂，请新建部署"
            )
        return _write(tx, was, deployment, store.save_deployment, ("deployment", by, now))


def _write(
    tx: Tx,
    was: Thing | None,
    became: Thing,
    save: Callable[[Tx, Thing], None],
    who: tuple[str, str, datetime],
) -> Thing:
    """Write a thing in the transaction of its deed, with the record; the same again is nothing."""
    noun, by, now = who
    if was is not None:
        became = replace(became, created_at=was.created_at)
        if was == became:
            return was
    save(tx, became)
    deed = Deed(by, now, "change" if was else "offer", noun, _name(became))
    record_deed(tx, deed, was=was, became=became)
    return became


def _name(thing: ProviderAccount | Model | Deployment) -> str:
    if isinstance(thing, ProviderAccount):
        return thing.account_id
    return thing.model_id if isinstance(thing, Model) else thing.deployment_id


def _known_state(state: str, states: tuple[str, ...], what: str) -> None:
    if state not in states:
        raise Invalid(f"{what}的状态“{state}”不认识，请写 {' 或 '.join(states)}")


def _required(name: str, known: Iterable[str], what: str) -> None:
    if name not in set(known):
        raise NotFound(f"{what}“{name}”不存在，请先登记", name=name)


def _refuse_loop(known: dict[str, Model], model: Model) -> None:
    backup = model.backup_model
    for _ in range(_BACKUPS):
        if backup is None:
            return
        if backup == model.model_id:
            raise Conflict(f"模型 {model.model_id} 的后备模型绕回它自己，请另选后备模型")
        _required(backup, known, f"模型 {model.model_id} 的后备模型")
        backup = known[backup].backup_model
    raise Conflict(f"模型 {model.model_id} 的后备链超过 {_BACKUPS} 级，请缩短")
