"""Protections: what a finding brings about by itself, and how it is released."""

from typing import Final

from fastapi import status

from yuejie.customers.customer import Customer
from yuejie.customers.enrol import find_customer
from yuejie.db.session import Database
from yuejie.insights.protection import protect, store
from yuejie.web.auth import AnyCaller, Caller, guarded, whose
from yuejie.web.desk import Db, Now
from yuejie.web.shapes.watch.protections import (
    PolicyEnded,
    PolicyIn,
    PolicyOut,
    ProtectionOut,
    ReleaseIn,
)
from yuejie.web.shapes.wire import Name

routes: Final = guarded("防护", prefix="/customers/{customer}")


def _own(db: Database, caller: Caller, customer: str) -> Customer:
    with db.read() as tx:
        return find_customer(tx, str(whose(tx, caller, customer)))


@routes.get("/protection-policies", summary="列出防护策略")
def list_policies(db: Db, caller: AnyCaller, customer: Name) -> list[PolicyOut]:
    """列出一个客户生效的防护策略。"""
    who = _own(db, caller, customer)
    with db.read() as tx:
        return [PolicyOut.model_validate(each) for each in store.policies(tx, who.customer_id)]


@routes.post("/protection-policies", summary="设防护策略", status_code=status.HTTP_201_CREATED)
def post_policy(db: Db, caller: AnyCaller, now: Now, customer: Name, body: PolicyIn) -> PolicyOut:
    """设一条防护策略：此后的异常发现按它处置，只处置造成异常的密钥。"""
    who = _own(db, caller, customer)
    made = protect.make_policy(db, who, body.draft(), by=caller.name, now=now)
    return PolicyOut.model_validate(made)


@routes.post("/protection-policies/{policy}/end", summary="结束防护策略")
def end_policy(db: Db, caller: AnyCaller, now: Now, customer: Name, policy: Name) -> PolicyEnded:
    """结束一条防护策略；已经生效的防护须另行解除。"""
    who = _own(db, caller, customer)
    protect.end_policy(db, who, policy, by=caller.name, now=now)
    return PolicyEnded(ended=policy)


@routes.get("/protections", summary="列出防护")
def list_protections(db: Db, caller: AnyCaller, customer: Name) -> list[ProtectionOut]:
    """列出一个客户最近的防护，新的在前。"""
    who = _own(db, caller, customer)
    with db.read() as tx:
        found = store.protections(tx, who.customer_id, limit=protect.PAGE)
    return [ProtectionOut.model_validate(each) for each in found]


@routes.post("/protections/{protection}/release", summary="解除防护")
def release(
    db: Db, caller: AnyCaller, now: Now, customer: Name, protection: Name, body: ReleaseIn
) -> ProtectionOut:
    """解除一个防护（待批准的即批准）；各网关一秒内恢复受理。"""
    who = _own(db, caller, customer)
    ended = protect.release(db, who, protection, why=body.why, by=caller.name, now=now)
    return ProtectionOut.model_validate(ended)
