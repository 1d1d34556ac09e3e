"""Credit classes, temporary limits, packages and vouchers: what is granted, by two people."""

from typing import Annotated, Final

from fastapi import Path, status

from yuejie.bills.correct.granted import approve_grant
from yuejie.contracts.grants.give import ask_grant, reject_grant
from yuejie.contracts.grants.store import grants_of, open_grants
from yuejie.contracts.life.limits import ask_limit, reject_limit, set_credit_rule
from yuejie.contracts.life.store import credit_rules, temporary_limits
from yuejie.contracts.terms import CreditClass
from yuejie.customers.enrol import find_customer
from yuejie.payments.dunning.lifted import approve_limit, end_limit
from yuejie.web.auth import AnyCaller, guarded
from yuejie.web.desk import Db, Now
from yuejie.web.shapes.agreed import GrantIn, GrantOut, LimitIn, LimitOut, RuleIn, RuleOut
from yuejie.web.shapes.billing.review import Why
from yuejie.web.shapes.wire import Name

routes: Final = guarded("授信与优惠")


@routes.get("/credit-classes", summary="列出信用分级")
def list_classes(db: Db) -> list[RuleOut]:
    """每一分级的押金、审核深度、账期与付款方式。"""
    with db.read() as tx:
        return [RuleOut.of(rule) for rule in credit_rules(tx).values()]


@routes.put("/credit-classes/{credit_class}", summary="设定信用分级")
def put_class(
    db: Db,
    caller: AnyCaller,
    now: Now,
    credit_class: Annotated[CreditClass, Path(description="分级")],
    body: RuleIn,
) -> RuleOut:
    """设定一个分级此后的规定；已签的合同不变。"""
    rule = body.rule(credit_class)
    set_credit_rule(db, rule, by=caller.name, now=now)
    return RuleOut.of(rule)


@routes.get("/customers/{customer}/limits", summary="列出临时额度")
def list_limits(db: Db, customer: Name) -> list[LimitOut]:
    """一个客户的临时额度，含待批与过期的。"""
    with db.read() as tx:
        rows = temporary_limits(tx, find_customer(tx, customer).customer_id)
    return [LimitOut.of(row) for row in rows]


@routes.post(
    "/customers/{customer}/limits", summary="提出临时额度", status_code=status.HTTP_201_CREATED
)
def ask(db: Db, caller: AnyCaller, now: Now, customer: Name, body: LimitIn) -> LimitOut:
    """提出一个临时额度，待另一人审批。"""
    with db.read() as tx:
        customer_id = find_customer(tx, customer).customer_id
    return LimitOut.of(ask_limit(db, customer_id, body.wish(), by=caller.name, now=now))


@routes.post("/limits/{limit}/approve", summary="批准临时额度")
def approve(db: Db, caller: AnyCaller, now: Now, limit: Name) -> LimitOut:
    """批准他人提出的临时额度；因授信停服的客户随即恢复。"""
    return LimitOut.of(approve_limit(db, limit, by=caller.name, now=now))


@routes.post("/limits/{limit}/reject", summary="驳回临时额度")
def turn_down(db: Db, caller: AnyCaller, now: Now, limit: Name, body: Why) -> LimitOut:
    """驳回或撤回待批的临时额度，写明原因。"""
    return LimitOut.of(reject_limit(db, limit, why=body.why, by=caller.name, now=now))


@routes.post("/limits/{limit}/end", summary="收回临时额度")
def take_back(db: Db, caller: AnyCaller, now: Now, limit: Name, body: Why) -> LimitOut:
    """在止时之前收回已批准的临时额度，写明原因；额度随即恢复为合同的。"""
    return LimitOut.of(end_limit(db, limit, why=body.why, by=caller.name, now=now))


@routes.get("/grants", summary="待审批的套餐与代金券")
def list_open_grants(db: Db) -> list[GrantOut]:
    """等待另一人审批的套餐与代金券，旧的在前。"""
    with db.read() as tx:
        return [GrantOut.of(row) for row in open_grants(tx)]


@routes.get("/customers/{customer}/grants", summary="列出套餐与代金券")
def list_grants(db: Db, customer: Name) -> list[GrantOut]:
    """一个客户已批准的套餐与代金券，先到期的在前。"""
    with db.read() as tx:
        rows = grants_of(tx, find_customer(tx, customer).customer_id)
    return [GrantOut.of(row) for row in rows]


@routes.post(
    "/customers/{customer}/grants",
    summary="提出套餐或代金券",
    status_code=status.HTTP_201_CREATED,
)
def ask_one(db: Db, caller: AnyCaller, now: Now, customer: Name, body: GrantIn) -> GrantOut:
    """提出一个套餐或代金券，待另一人审批。"""
    with db.read() as tx:
        customer_id = find_customer(tx, customer).customer_id
    made = ask_grant(db, body.draft(customer_id), why=body.why, by=caller.name, now=now)
    return GrantOut.of(made)


@routes.post("/grants/{grant}/approve", summary="批准套餐或代金券")
def approve_one(db: Db, caller: AnyCaller, now: Now, grant: Name) -> GrantOut:
    """批准他人提出的套餐或代金券。"""
    return GrantOut.of(approve_grant(db, grant, by=caller.name, now=now))


@routes.post("/grants/{grant}/reject", summary="驳回套餐或代金券")
def turn_one_down(db: Db, caller: AnyCaller, now: Now, grant: Name, body: Why) -> GrantOut:
    """驳回或撤回待批的套餐或代金券，写明原因。"""
    return GrantOut.of(reject_grant(db, grant, why=body.why, by=caller.name, now=now))
