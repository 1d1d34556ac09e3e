"""Protect: findings that go on throttle or pause whom a policy names, once each, and are undone.

Each act is one transaction: the allowance, the row that says why, and the notice. A second clerk
finds it done; who is stopped hears of it, and so do our own people.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import structlog

from yuejie.budgets import store as allowances
from yuejie.budgets.allowance import Measure, Mode, Origin, Period
from yuejie.budgets.keep import AllowanceDraft, add_in, end_in
from yuejie.customers import store as customers
from yuejie.customers.customer import Customer
from yuejie.customers.enrol import find_customer
from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Database, Tx
from yuejie.db.transition import Transition
from yuejie.insights.anomaly.finding import Finding, FindingState
from yuejie.insights.anomaly.show import open_findings
from yuejie.insights.protection import store
from yuejie.insights.protection.policy import (
    Action,
    Policy,
    Protection,
    ProtectionEvent,
    ProtectionState,
    Target,
    Until,
    advance,
    target_of,
)
from yuejie.kernel.errors import DomainError, Invalid, NotFound
from yuejie.kernel.ids import mint
from yuejie.notices.notice import Audience, Kind, Notice
from yuejie.notices.outbox import enqueue

log = structlog.get_logger()

BY: Final = "protection"
PAGE: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyDraft:
    """What somebody wants to happen; `project` is a name, `key` an id or a name."""

    action: Action
    project: str | None = None
    key: str | None = None
    per_minute: int | None = None
    until: Until | None = None
    """None: a throttle ends with its finding, a pause by a person."""


def make_policy(
    db: Database, customer: Customer, draft: PolicyDraft, *, by: str, now: datetime
) -> Policy:
    """Write a policy down; it looks at findings from now on."""
    if (draft.action is Action.THROTTLE) != (draft.per_minute is not None):
        raise Invalid("限速要写每分钟几次（--per-minute），暂停与待批准不写")
    if draft.action is Action.APPROVAL and draft.until is Until.FINDING:
        raise Invalid("待批准只能由人解除，请不要写 --until finding")
    default = Until.FINDING if draft.action is Action.THROTTLE else Until.PERSON
    with db.begin() as tx:
        project_id, key_id = _named(tx, customer, draft)
        policy = Policy(
            policy_id=mint("ppo", now),
            customer_id=customer.customer_id,
            project_id=project_id,
            key_id=key_id,
            action=draft.action,
            per_minute=draft.per_minute,
            until=draft.until or default,
            made_by=by,
            made_at=now,
            ended_at=None,
        )
        store.insert_policy(tx, policy)
        record_deed(tx, Deed(by, now, "add", "protection_policy", policy.policy_id), became=policy)
    return policy


def end_policy(db: Database, customer: Customer, policy_id: str, *, by: str, now: datetime) -> None:
    """End a policy; what acts by it goes on until its own end."""
    with db.begin() as tx:
        if not store.end_policy(tx, customer.customer_id, policy_id, at=now):
            raise NotFound(f"客户 {customer.slug} 没有生效的防护策略 {policy_id}，请核对编号")
        record_deed(tx, Deed(by, now, "end", "protection_policy", policy_id))


def release(
    db: Database, customer: Customer, protection_id: str, *, why: str, by: str, now: datetime
) -> Protection:
    """Let calls pass again: somebody has looked, and says why."""
    if not why.strip():
        raise Invalid("解除防护请写明事由（--why），例如：已核实为压测")
    with db.begin() as tx:
        return _end(tx, customer, protection_id, ProtectionEvent.RELEASE, why, by=by, now=now)


def protect(db: Database, now: datetime) -> int:
    """Act on findings by policy, and undo what their end undoes; return how much that was."""
    with db.read() as tx:
        watched = store.protected_customers(tx)
    acts = 0
    for customer_id in watched:
        try:
            acts += _protect(db, customer_id, now)
        except DomainError as error:
            log.warning("protection.waits", customer=customer_id, why=error.sentence)
    return acts


def _protect(db: Database, customer_id: str, now: datetime) -> int:
    with db.read() as tx:
        customer = find_customer(tx, customer_id)
        findings = open_findings(tx, customer.customer_id)
        policies = store.policies(tx, customer_id)
        known = store.acted(tx, customer_id)
        by_themselves = store.ending_by_themselves(tx, customer_id)
        lines = {f.key_id: store.projects_of_key(tx, customer_id, f.key_id) for f in findings}
        ours = {each.key_id for each in customers.keys(tx, customer.customer_id)}
    done = {(each.policy_id, each.finding_id) for each in known}
    acts = 0
    for finding in findings:
        if finding.state is FindingState.MUTED:
            continue
        for policy in policies:
            fresh = finding.found_at >= policy.made_at
            if not fresh or (policy.policy_id, finding.finding_id) in done:
                continue
            target = target_of(policy, finding, lines[finding.key_id])
            # Usage that was reported from outside may name keys that are none of ours.
            if target is not None and (target.key_id is None or target.key_id in ours):
                _act(db, customer, policy, finding, target, now=now)
                acts += 1
    going = {each.finding_id for each in findings}
    for each in known:
        if each.protection_id in by_themselves and each.finding_id not in going:
            with db.begin() as tx:
                why = "异常已结束"
                event = ProtectionEvent.EXPIRE
                _end(tx, customer, each.protection_id, event, why, by=BY, now=now)
            acts += 1
    return acts


def _act(
    db: Database,
    customer: Customer,
    policy: Policy,
    finding: Finding,
    target: Target,
    *,
    now: datetime,
) -> None:
    """Throttle or pause, write down why, and tell; one transaction."""
    protection_id = mint("prt", now)
    draft = AllowanceDraft(
        name=f"防护 {protection_id[-12:]}",
        measure=Measure.REQUESTS,
        cap=policy.per_minute or 0,
        period=Period.MINUTE,
        mode=Mode.HARD,
        key=target.key_id,
        thresholds=(),
        forecasts=(),
        why=f"异常发现 {finding.finding_id}",
        origin=Origin.PROTECTION,
    )
    with db.begin() as tx:
        # Several clerks may have seen that it is to be done.
        tx.lock_exclusive(f"protection {customer.customer_id}")
        if store.has_acted(tx, customer.customer_id, policy.policy_id, finding.finding_id):
            return
        if target.project_id is not None:
            own = customers.projects(tx, customer.customer_id)
            name = next(each.name for each in own if each.project_id == target.project_id)
            draft = replace(draft, project=name)
        allowance = add_in(tx, customer, draft, by=BY, now=now)
        acting = Protection(
            protection_id,
            policy.policy_id,
            finding.finding_id,
            customer.customer_id,
            allowance.allowance_id,
            policy.action,
            ProtectionState.ACTING,
            now,
        )
        store.insert(tx, acting)
        _tell(tx, customer, acting, Kind.PROTECTION_ACTED, now=now)


def _end(
    tx: Tx,
    customer: Customer,
    protection_id: str,
    event: ProtectionEvent,
    why: str,
    *,
    by: str,
    now: datetime,
) -> Protection:
    was = store.hold(tx, customer.customer_id, protection_id)
    if was is None:
        raise NotFound(f"客户 {customer.slug} 没有防护 {protection_id}，请核对编号")
    became = advance(was.state, event)
    if allowances.hold(tx, customer.customer_id, was.allowance_id) is not None:
        end_in(tx, customer, was.allowance_id, by=by, now=now, why=why)
    step = Transition(now, event, was.state, became, by, why)
    store.move(tx, customer.customer_id, protection_id, step)
    _tell(tx, customer, was, Kind.PROTECTION_RELEASED, now=now, why=why)
    return was


WORDS: Final = {
    Action.THROTTLE: "限速",
    Action.PAUSE: "暂停",
    Action.APPROVAL: "暂停，待批准",
}


def _tell(
    tx: Tx, customer: Customer, each: Protection, kind: Kind, *, now: datetime, why: str = ""
) -> None:
    facts = {
        "customer": customer.legal_name,
        "protection": each.protection_id,
        "finding": each.finding_id,
        "effect": WORDS[each.action],
        "why": why or "—",
    }
    for audience in (Audience.CUSTOMER, Audience.OPERATOR):
        key = f"protection:{each.protection_id}:{kind}:{audience}"
        enqueue(tx, Notice(kind, audience, facts, key, customer.customer_id), at=now)


def _named(tx: Tx, customer: Customer, draft: PolicyDraft) -> tuple[str | None, str | None]:
    project_id = key_id = None
    if draft.project:
        project = customers.project_by_name(tx, customer.customer_id, draft.project)
        if project is None:
            raise NotFound(f"客户 {customer.slug} 没有项目“{draft.project}”，请核对名称")
        project_id = project.project_id
    if draft.key:
        keys = [
            each.key_id
            for each in customers.keys(tx, customer.customer_id)
            if draft.key in (each.key_id, each.name)
        ]
        if len(keys) != 1:
            raise NotFound(f"客户 {customer.slug} 没有唯一的密钥“{draft.key}”，请写密钥编号")
        key_id = keys[0]
    return project_id, key_id
