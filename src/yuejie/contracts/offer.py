"""Put something into the catalogue, and take it out of service again.

A draft says how a thing should be; putting it writes what differs and says whether anything did.
Its state is another deed: what was drained or disabled stays so until somebody restores it.
The gateways see every change within a second.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Final, TypeVar
from urllib.parse import urlsplit

from yuejie.contracts import store
from yuejie.contracts.auto import store as autos
from yuejie.contracts.catalog import MODES, Deployment, Model, ProviderAccount
from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Database, Tx
from yuejie.kernel.errors import Conflict, Invalid, NotFound
from yuejie.kernel.ids import AccountId, DeploymentId

_SERVES: Final = ("active", "drained")
_OFFERED: Final = ("active", "disabled")
_BACKUPS: Final = 8
"""Longest chain of backup models that is followed when looking for a loop."""

Thing = TypeVar("Thing", ProviderAccount, Model, Deployment)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountDraft:
    """A provider account as the operator writes it; the credential is encrypted already."""

    account_id: str
    provider: str
    platform: str
    base_url: str
    region: str
    credential: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelDraft:
    """A model as the operator writes it."""

    model_id: str
    mode: str = "chat"
    owner: str = ""
    context_window: int | None = None
    max_output: int | None = None
    capabilities: list[str] = field(default_factory=list)
    deprecation_date: date | None = None
    replacement: str | None = None
    backup_model: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentDraft:
    """A deployment as the operator writes it; named after its model and account unless named."""

    model_id: str
    account_id: str
    upstream_model: str
    cost_model: str
    priority: int = 0
    weight: int = 1
    name: str = ""

    @property
    def deployment_id(self) -> str:
        """The id under which it is kept."""
        return self.name or f"{self.model_id}@{self.account_id}"


def put_account(
    db: Database, draft: AccountDraft, *, by: str, now: datetime, opens_same: bool = False
) -> bool:
    """Write a provider account and say whether anything changed.

    `opens_same` says that the kept credential opens to the same secret: encrypted twice, one
    secret is never the same bytes.
    """
    url = urlsplit(draft.base_url)
    if url.scheme not in {"http", "https"} or not url.hostname:
        raise Invalid(
            f"供应商账户 {draft.account_id} 的地址“{draft.base_url}”不是 http(s) 网址，请改正"
        )
    with db.begin() as tx:
        was = _accounts(tx).get(draft.account_id)
        became = ProviderAccount(
            account_id=AccountId(draft.account_id),
            provider=draft.provider,
            platform=draft.platform,
            base_url=draft.base_url,
            region=draft.region,
            credential=was.credential if was and opens_same else draft.credential,
            state=was.state if was else "active",
            created_at=was.created_at if was else now,
        )
        return _write(tx, was, became, store.save_account, Deed(by, now, "put", "account", ""))


def put_model(db: Database, draft: ModelDraft, *, by: str, now: datetime) -> bool:
    """Write a model and say whether anything changed; its backup may not lead back to it."""
    if draft.mode not in MODES:
        modes = "、".join(sorted(MODES))
        raise Invalid(f"模型 {draft.model_id} 的类型“{draft.mode}”不认识，可用：{modes}")
    with db.begin() as tx:
        known = _models(tx)
        if autos.versions_of(tx, draft.model_id):
            raise Conflict(f"“{draft.model_id}”是自动模型的名字，模型请换一个名字")
        was = known.get(draft.model_id)
        became = Model(
            model_id=draft.model_id,
            mode=draft.mode,
            owner=draft.owner,
            context_window=draft.context_window,
            max_output=draft.max_output,
            capabilities=sorted(draft.capabilities),
            deprecation_date=draft.deprecation_date,
            replacement=draft.replacement,
            backup_model=draft.backup_model,
            state=was.state if was else "active",
            created_at=was.created_at if was else now,
        )
        _refuse_loop(known, became)
        return _write(tx, was, became, store.save_model, Deed(by, now, "put", "model", ""))


def put_deployment(db: Database, draft: DeploymentDraft, *, by: str, now: datetime) -> bool:
    """Write a deployment and say whether anything changed; what it joins exists and never moves."""
    name = draft.deployment_id
    if draft.weight < 1:
        raise Invalid(f"部署 {name} 的权重 {draft.weight} 应大于零，停用请摘除该部署")
    with db.begin() as tx:
        _required(draft.model_id, _models(tx), f"部署 {name} 的模型")
        _required(draft.account_id, _accounts(tx), f"部署 {name} 的账户")
        was = _deployments(tx).get(name)
        if was and (was.model_id, was.account_id) != (draft.model_id, draft.account_id):
            raise Conflict(
                f"部署 {name} 属于模型 {was.model_id} 和账户 {was.account_id}，不能改挂，请新建部署"
            )
        became = Deployment(
            deployment_id=DeploymentId(name),
            model_id=draft.model_id,
            account_id=AccountId(draft.account_id),
            upstream_model=draft.upstream_model,
            cost_model=draft.cost_model,
            priority=draft.priority,
            weight=draft.weight,
            state=was.state if was else "active",
            created_at=was.created_at if was else now,
        )
        deed = Deed(by, now, "put", "deployment", "")
        return _write(tx, was, became, store.save_deployment, deed)


def set_account_state(db: Database, account_id: str, state: str, *, by: str, now: datetime) -> bool:
    """Drain a provider account or restore it: all its deployments with it."""
    _known_state(state, _SERVES, f"供应商账户 {account_id}")
    with db.begin() as tx:
        was = _required(account_id, _accounts(tx), "供应商账户")
        became = replace(was, state=state)
        return _write(tx, was, became, store.save_account, Deed(by, now, "state", "account", ""))


def set_model_state(db: Database, model_id: str, state: str, *, by: str, now: datetime) -> bool:
    """Disable a model or offer it again."""
    _known_state(state, _OFFERED, f"模型 {model_id}")
    with db.begin() as tx:
        was = _required(model_id, _models(tx), "模型")
        became = replace(was, state=state)
        return _write(tx, was, became, store.save_model, Deed(by, now, "state", "model", ""))


def set_deployment_state(
    db: Database, deployment_id: str, state: str, *, by: str, now: datetime
) -> bool:
    """Drain a deployment or restore it; calls under way are finished."""
    _known_state(state, _SERVES, f"部署 {deployment_id}")
    with db.begin() as tx:
        was = _required(deployment_id, _deployments(tx), "部署")
        became = replace(was, state=state)
        deed = Deed(by, now, "state", "deployment", "")
        return _write(tx, was, became, store.save_deployment, deed)


def _write(
    tx: Tx,
    was: Thing | None,
    became: Thing,
    save: Callable[[Tx, Thing], None],
    deed: Deed,
) -> bool:
    """Write a thing with the record of the deed; the same again is nothing."""
    if was == became:
        return False
    save(tx, became)
    record_deed(tx, replace(deed, name=_name(became)), was=was, became=became)
    return True


def _accounts(tx: Tx) -> dict[str, ProviderAccount]:
    return {str(each.account_id): each for each in store.accounts(tx)}


def _models(tx: Tx) -> dict[str, Model]:
    return {each.model_id: each for each in store.models(tx)}


def _deployments(tx: Tx) -> dict[str, Deployment]:
    return {str(each.deployment_id): each for each in store.deployments(tx)}


def _name(thing: ProviderAccount | Model | Deployment) -> str:
    if isinstance(thing, ProviderAccount):
        return thing.account_id
    return thing.model_id if isinstance(thing, Model) else thing.deployment_id


def _known_state(state: str, states: Iterable[str], what: str) -> None:
    if state not in states:
        raise Invalid(f"{what} 的状态“{state}”不认识，请写 {' 或 '.join(states)}")


def _required(name: str, known: Mapping[str, Thing], what: str) -> Thing:
    found = known.get(name)
    if found is None:
        raise NotFound(f"{what}“{name}”不存在，请核对名称或先登记", name=name)
    return found


def _refuse_loop(known: Mapping[str, Model], model: Model) -> None:
    backup = model.backup_model
    for _ in range(_BACKUPS):
        if backup is None:
            return
        if backup == model.model_id:
            raise Conflict(f"模型 {model.model_id} 的后备模型绕回它自己，请另选后备模型")
        backup = _required(backup, known, f"模型 {model.model_id} 的后备模型").backup_model
    raise Conflict(f"模型 {model.model_id} 的后备链超过 {_BACKUPS} 级，请缩短")
