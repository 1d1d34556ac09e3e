"""Protections: what acts on keys by itself because of a finding, its policies, and its release."""

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import Response

from yuejie.customers.customer import Customer, Project
from yuejie.customers.enrol import find_customer
from yuejie.customers.store import keys, projects
from yuejie.db.session import Tx
from yuejie.insights.protection import protect, store
from yuejie.insights.protection.policy import Action, Policy, Protection, Until
from yuejie.kernel.errors import Invalid
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.money import whole
from yuejie.web.desk import Db, Now
from yuejie.web.pages.frame.draw import caller_of, go
from yuejie.web.pages.frame.entry import refuse_strangers, visit
from yuejie.web.pages.insight.whom import query_of, whom_surely

routes: Final = APIRouter(
    include_in_schema=False, prefix="/protections", dependencies=[Depends(visit)]
)
ours: Final = [Depends(refuse_strangers)]

Text = Annotated[str, Form(max_length=500)]
ACTIONS: Final = {
    Action.THROTTLE: "限速",
    Action.PAUSE: "暂停",
    Action.APPROVAL: "暂停待批准",
}
ACTING: Final = {"acting": "生效中", "released": "已解除"}
ENDS: Final = {Until.FINDING: "异常结束即解除", Until.PERSON: "由人解除"}


@dataclass(frozen=True, slots=True)
class Guarded:
    """What protects a customer, and what people call the projects and keys it names."""

    party: Customer
    policies: list[Policy]
    protections: list[Protection]
    projects: list[Project]
    names: dict[str, str]
    actions: dict[Action, str]
    acting: dict[str, str]
    ends: dict[Until, str]


def protections_shown(tx: Tx, customer_id: CustomerId) -> Guarded:
    """Return what protects a customer."""
    tree = projects(tx, customer_id)
    names: dict[str, str] = {each.project_id: each.name for each in tree}
    names |= {each.key_id: f"{each.name} …{each.hint}" for each in keys(tx, customer_id)}
    return Guarded(
        find_customer(tx, customer_id),
        store.policies(tx, customer_id),
        store.protections(tx, customer_id, limit=protect.PAGE),
        tree,
        names,
        ACTIONS,
        ACTING,
        ENDS,
    )


@routes.post("/policies", dependencies=ours)
def make(
    request: Request,
    db: Db,
    now: Now,
    customer: str = "",
    action: Text = "",
    project: Text = "",
    per_minute: Text = "",
) -> Response:
    """Set a policy: findings from now on are acted on by it."""
    caller = caller_of(request)
    party = whom_surely(db, caller, customer)
    if action not in ACTIONS:
        raise Invalid("请选择怎样防护：限速、暂停，或暂停待批准")
    wanted = Action(action)
    rate = whole(per_minute) if wanted is Action.THROTTLE else None
    if wanted is Action.THROTTLE and not rate:
        raise Invalid("限速请写每分钟几次，例如 60")
    draft = protect.PolicyDraft(action=wanted, project=project or None, per_minute=rate)
    protect.make_policy(db, party, draft, by=caller.name, now=now)
    return go(request, f"/anomalies{query_of(request, party)}", "防护策略已设定")


@routes.post("/policies/{policy}/end", dependencies=ours)
def end(request: Request, db: Db, now: Now, policy: str, customer: str = "") -> Response:
    """End a policy; what acts by it goes on until it is released."""
    caller = caller_of(request)
    party = whom_surely(db, caller, customer)
    protect.end_policy(db, party, policy, by=caller.name, now=now)
    return go(request, f"/anomalies{query_of(request, party)}", "防护策略已结束")


@routes.post("/{protection}/release", dependencies=ours)
def release(
    request: Request, db: Db, now: Now, protection: str, customer: str = "", why: Text = ""
) -> Response:
    """Let calls pass again; of what waits for approval this is the approval."""
    caller = caller_of(request)
    party = whom_surely(db, caller, customer)
    protect.release(db, party, protection, why=why, by=caller.name, now=now)
    return go(request, f"/anomalies{query_of(request, party)}", "防护已解除，各网关一秒内恢复受理")
