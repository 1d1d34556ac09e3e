"""Provider accounts with what is left of them; where models are served, and which are offered."""

from datetime import datetime, timedelta
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import Response

from yuejie.assurance.providers.standing import Observation
from yuejie.assurance.providers.watch import due_warnings, see_balance, standings
from yuejie.contracts.forewarn.deprecations import due_notices
from yuejie.contracts.offer import set_deployment_state, set_model_state
from yuejie.contracts.store import accounts, deployments, models
from yuejie.customers.store import customers
from yuejie.db.session import Database
from yuejie.kernel.money import Money
from yuejie.web.desk import Db, Now
from yuejie.web.pages.frame.draw import caller_of, draw, go
from yuejie.web.pages.frame.entry import refuse_strangers, visit
from yuejie.web.pages.house import words

routes: Final = APIRouter(
    include_in_schema=False, prefix="/providers", dependencies=[Depends(visit)]
)
ours: Final = [Depends(refuse_strangers)]

Text = Annotated[str, Form(max_length=500)]

_AHEAD: Final = timedelta(days=90)
"""How far ahead models that end are shown."""


@routes.get("")
def show_providers(request: Request, db: Db, now: Now) -> Response:
    """Show what must be done first, then accounts, deployments and models."""
    with db.read(consistent=True) as tx:
        known = sorted(accounts(tx), key=lambda each: each.account_id)
        places = sorted(deployments(tx), key=lambda each: (each.model_id, each.priority))
        offered = sorted(models(tx), key=lambda each: each.model_id)
        ending = due_notices(tx, now=now, within=_AHEAD)
        parties = {each.customer_id: each for each in customers(tx)}
    served = {each.model_id for each in places if each.state == "active"}
    return draw(
        request,
        "house/providers.html",
        accounts=known,
        standings={each.terms.account_id: each for each in standings(db, now)},
        warnings=due_warnings(db, now),
        deployments=places,
        models=offered,
        served=served,
        ending=ending,
        parties=parties,
        states=words.SWITCHED,
    )


@routes.post("/balances", dependencies=ours)
def write_balance(
    request: Request,
    db: Db,
    now: Now,
    account: Text,
    balance: Text,
    currency: Literal["CNY", "USD"] = Form("CNY"),
) -> Response:
    """Write down what the provider's console says is left."""
    fen = Money.parse(balance, currency).fen
    seen = Observation(account, now, fen, currency, caller_of(request).name)
    see_balance(db, seen, now=now)
    return go(request, "/providers", f"账号 {account} 的余额已登记")


@routes.post("/models", dependencies=ours)
def switch_model(
    request: Request, db: Db, now: Now, model: Text, state: Literal["active", "disabled"] = Form()
) -> Response:
    """Offer a model, or stop: the gateways follow within a second."""
    set_model_state(db, model, state, by=caller_of(request).name, now=now)
    said = "已上架" if state == "active" else "已下架，一秒内不再接新调用"
    return go(request, "/providers", f"模型 {model} {said}")


@routes.post("/deployments", dependencies=ours)
def switch_deployment(
    request: Request,
    db: Db,
    now: Now,
    deployment: Text,
    state: Literal["active", "drained"] = Form(),
) -> Response:
    """Drain a deployment or take it back into service; calls under way are finished."""
    return switched(request, db, deployment, state, now=now, back="/providers")


def switched(
    request: Request, db: Database, deployment: str, state: str, *, now: datetime, back: str
) -> Response:
    """Do so for whichever page asks, and go back to it."""
    set_deployment_state(db, deployment, state, by=caller_of(request).name, now=now)
    said = "已恢复" if state == "active" else "已摘除，进行中的调用会做完"
    return go(request, back, f"部署 {deployment} {said}")
