"""A quick start: where to call, with which models, and code to copy."""

from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import Response

from yuejie.contracts.prices import Book
from yuejie.contracts.store import book, book_rows, contract_at, deployments, models
from yuejie.customers.customer import Customer
from yuejie.customers.store import keys
from yuejie.db.session import Database, Tx
from yuejie.usage.record import unix_us
from yuejie.web.desk import Db, Desk, DeskHere, Now
from yuejie.web.pages.first.call import TESTABLE, Tried, refuse_foreign, try_call, usual
from yuejie.web.pages.frame.draw import caller_of, draw, redraw
from yuejie.web.pages.frame.entry import refuse_strangers, visit
from yuejie.web.pages.insight.keys import state_of
from yuejie.web.pages.insight.whom import choose, query_of, whom, whom_surely

routes: Final = APIRouter(include_in_schema=False, dependencies=[Depends(visit)])

SHOWN: Final = 30
"""Models that are named; the rest are a call away."""
_ACTIVE: Final = "active"
_CHAT: Final = "chat"


@routes.get("/start")
def start(request: Request, db: Db, desk: DeskHere, now: Now, customer: str = "") -> Response:
    """Show a customer's first call: base URL, key, model, in curl and three SDKs."""
    party = whom(db, caller_of(request), customer)
    if party is None:
        return choose(request, db, "快速开始")
    return _page(request, db, desk, now, party)


@routes.post("/start/call", dependencies=[Depends(refuse_strangers)])
def call(
    request: Request,
    db: Db,
    desk: DeskHere,
    now: Now,
    customer: str = "",
    secret: Annotated[str, Form(max_length=500)] = "",
    model: Annotated[str, Form(max_length=500)] = "",
) -> Response:
    """Call through the real gateway with the customer's own key; it is billed like any other."""
    caller = caller_of(request)
    party = whom_surely(db, caller, customer)
    refuse_foreign(db, party, secret.strip(), pepper=desk.pepper, now=now)
    tried = try_call(db, desk, caller, secret.strip(), model)
    return _page(request, db, desk, now, party, tried=tried, secret=secret.strip())


def _page(
    request: Request,
    db: Database,
    desk: Desk,
    now: datetime,
    party: Customer,
    *,
    tried: Tried | None = None,
    secret: str = "",
) -> Response:
    with db.read() as tx:
        found = callable_models(tx, party, now)
        good = [each for each in keys(tx, party.customer_id) if state_of(each, now) == _ACTIVE]
    names = sorted(found)
    chat = [name for name in names if found[name][0] == _CHAT]
    return (redraw if tried else draw)(
        request,
        "insight/start.html",
        tried=tried,
        secret=secret,
        testable=[name for name in names if found[name][0] in TESTABLE],
        usual=tried.model if tried else usual(chat),
        customer=party,
        gateway=desk.gateway_url,
        models=names[:SHOWN],
        hidden=max(len(names) - SHOWN, 0),
        openai=_first(chat, found, "openai") or (chat or names or ["gpt-4o"])[0],
        anthropic=_first(chat, found, "anthropic"),
        google=_first(chat, found, "google") or _first(chat, found, "gemini"),
        keys=good,
        query=query_of(request, party),
    )


def callable_models(tx: Tx, party: Customer, now: datetime) -> dict[str, tuple[str, str]]:
    """Return mode and owner of each model that the contract prices and somebody serves, by name."""
    contract = contract_at(tx, party.customer_id, now)
    row = book(tx, contract.sale_book) if contract else None
    if row is None:
        return {}
    prices = Book(book_rows(tx, row))
    revision = prices.revision_at(unix_us(now))
    priced = prices.models(revision) if revision is not None else frozenset[str]()
    served = {each.model_id for each in deployments(tx) if each.state == _ACTIVE}
    return {
        each.model_id: (each.mode, each.owner)
        for each in models(tx)
        if each.state == _ACTIVE and each.model_id in priced & served
    }


def _first(names: list[str], found: dict[str, tuple[str, str]], owner: str) -> str:
    return next((name for name in names if found[name][1] == owner), "")
