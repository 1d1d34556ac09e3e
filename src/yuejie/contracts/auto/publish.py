"""Publish a version of an auto model's policy, or take the name out of service.

Gateways know within a second; a version with a later start is known to them before, and is in force
at its instant on every worker.
"""

from dataclasses import replace
from datetime import datetime

from yuejie.contracts import store as catalogue
from yuejie.contracts.auto import store
from yuejie.contracts.auto.policy import AutoModel, Policy, check
from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Database, Tx
from yuejie.kernel.errors import Invalid, NotFound


def publish_auto(
    db: Database,
    name: str,
    policy: Policy,
    *,
    by: str,
    now: datetime,
    starts_at: datetime | None = None,
) -> AutoModel:
    """Write the next version, in force from `starts_at` or at once; the same again is nothing."""
    starts = _not_past(name, starts_at, now)
    policy = policy.complete()
    with db.begin() as tx:
        tx.lock_exclusive(f"auto_model:{name}")
        check(name, policy, {each.model_id: each for each in catalogue.models(tx)})
        known = store.versions_of(tx, name)
        last = known[-1] if known else None
        same = last is not None and last.active and last.policy == policy
        if last is not None and same and starts_at in (None, last.starts_at):
            return last
        became = AutoModel(
            name=name,
            version=1,
            active=True,
            policy=policy,
            starts_at=starts,
            published_at=now,
            published_by=by,
        )
        return _append(tx, last, became)


def end_auto(
    db: Database, name: str, *, by: str, now: datetime, starts_at: datetime | None = None
) -> AutoModel:
    """Take an auto model out of service: from then on its name is refused as unknown."""
    starts = _not_past(name, starts_at, now)
    with db.begin() as tx:
        tx.lock_exclusive(f"auto_model:{name}")
        known = store.versions_of(tx, name)
        if not known:
            raise NotFound(f"自动模型“{name}”不存在，请用 yuejie models auto list 核对")
        last = known[-1]
        if not last.active and last.starts_at <= starts:
            return last
        ended = replace(last, active=False, starts_at=starts, published_at=now, published_by=by)
        return _append(tx, last, ended)


def _append(tx: Tx, last: AutoModel | None, auto: AutoModel) -> AutoModel:
    version = last.version + 1 if last else 1
    became = replace(auto, version=version)
    store.insert(tx, became)
    verb = "publish" if became.active else "end"
    deed = Deed(became.published_by, became.published_at, verb, "auto_model", became.name)
    record_deed(tx, deed, was=last, became=became)
    return became


def _not_past(name: str, starts_at: datetime | None, now: datetime) -> datetime:
    if starts_at is not None and starts_at < now:
        raise Invalid(
            f"自动模型 {name} 的生效时刻 {starts_at:%Y-%m-%d %H:%M:%SZ} 已过；"
            "已发生的选择不能改写，请写将来的时刻，或不写以立即生效"
        )
    return starts_at or now
