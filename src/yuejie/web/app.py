"""Put the console together: routes, the envelope, the table of errors, the description."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

import anyio.to_thread
from fastapi import APIRouter, FastAPI
from fastapi.routing import iter_route_contexts
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from yuejie import __version__
from yuejie.assurance.sla.memory import Remembering
from yuejie.bills.live.board import Board
from yuejie.web import docs, errors
from yuejie.web.api import (
    catalog,
    customers,
    deeds,
    health,
    keys,
    members,
    notices,
    prices,
    tokens,
    usage,
)
from yuejie.web.api.agreed import contracts, credit, signings
from yuejie.web.api.billing import bills, corrections, live, packs, review, shares
from yuejie.web.api.billing.watchers import Watchers
from yuejie.web.api.books import clouds, ledger, price_changes, providers, reconcile
from yuejie.web.api.fapiao import callbacks, reds, requests
from yuejie.web.api.insight import advice, capacity, forecast, reports, routing, trend, whatif
from yuejie.web.api.payments import bank, receipts, receivables
from yuejie.web.api.presales import proposals, prospects, quotes, trial
from yuejie.web.api.support import incidents, rota, tickets
from yuejie.web.api.watch import anomalies, budgets, jobs, nodes, protections, refusals, sla
from yuejie.web.auth import ACCESS, API
from yuejie.web.desk import Desk
from yuejie.web.envelope import Envelope
from yuejie.web.metrics import Metrics
from yuejie.web.pages import account, home, login
from yuejie.web.pages import bills as bill_pages
from yuejie.web.pages import budgets as budget_pages
from yuejie.web.pages import customers as customer_pages
from yuejie.web.pages import members as member_pages
from yuejie.web.pages import usage as usage_pages
from yuejie.web.pages.desk import approvals as approval_pages
from yuejie.web.pages.desk import bank as bank_pages
from yuejie.web.pages.desk import closing as closing_pages
from yuejie.web.pages.desk import fapiao as fapiao_desk_pages
from yuejie.web.pages.desk import payables as payable_pages
from yuejie.web.pages.desk import price_changes as price_change_pages
from yuejie.web.pages.desk import receipts as receipt_pages
from yuejie.web.pages.desk import receivables as receivable_pages
from yuejie.web.pages.first import guide, practice
from yuejie.web.pages.first import operator as first_run_pages
from yuejie.web.pages.frame import assets
from yuejie.web.pages.frame.access import PAGES
from yuejie.web.pages.house import customers as customer_forms
from yuejie.web.pages.house import deeds as deed_pages
from yuejie.web.pages.house import drafts, presales, system, trials
from yuejie.web.pages.house import prices as price_pages
from yuejie.web.pages.house import proposals as proposal_pages
from yuejie.web.pages.house import providers as provider_pages
from yuejie.web.pages.house import quotes as quote_pages
from yuejie.web.pages.identity import enter as sso_pages
from yuejie.web.pages.identity import sso, team
from yuejie.web.pages.identity import tokens as token_pages
from yuejie.web.pages.insight import advice as advice_pages
from yuejie.web.pages.insight import anomalies as anomaly_pages
from yuejie.web.pages.insight import forecast as forecast_pages
from yuejie.web.pages.insight import keys as key_pages
from yuejie.web.pages.insight import live as live_pages
from yuejie.web.pages.insight import protections as protection_pages
from yuejie.web.pages.insight import refusals as refusal_pages
from yuejie.web.pages.insight import start as start_pages
from yuejie.web.pages.insight import trend as trend_pages
from yuejie.web.pages.money import changes as contract_change_pages
from yuejie.web.pages.money import contracts as contract_pages
from yuejie.web.pages.money import fapiao as fapiao_pages
from yuejie.web.pages.money import payments as payment_pages
from yuejie.web.pages.money import rates as rate_pages
from yuejie.web.pages.money import shares as share_pages
from yuejie.web.pages.money import statement as statement_pages
from yuejie.web.pages.money import titles as title_pages
from yuejie.web.pages.ops import cloud_files, margins, revisions, usage_files, worklist
from yuejie.web.pages.ops import clouds as cloud_pages
from yuejie.web.pages.ops import health as health_pages
from yuejie.web.pages.ops import jobs as job_pages
from yuejie.web.pages.ops import nodes as node_pages
from yuejie.web.pages.ops import reconcile as reconcile_pages
from yuejie.web.pages.ops import retention as retention_pages
from yuejie.web.pages.study import reports as report_pages
from yuejie.web.pages.study import whatif as whatif_pages
from yuejie.web.pages.support import incidents as incident_pages
from yuejie.web.pages.support import rota as rota_pages
from yuejie.web.pages.support import sla as sla_pages
from yuejie.web.pages.support import status as status_pages
from yuejie.web.pages.support import tickets as ticket_pages
from yuejie.web.pages.told import contacts as contact_pages
from yuejie.web.pages.told import log as log_pages
from yuejie.web.pages.trail import lines as line_pages
from yuejie.web.pages.trail import requests as call_pages

NOUNS: Final = (
    customers,
    members,
    tokens,
    keys,
    signings,
    contracts,
    credit,
    catalog,
    routing,
    prices,
    price_changes,
    usage,
    budgets,
    protections,
    bills,
    live,
    review,
    corrections,
    packs,
    bank,
    receipts,
    receivables,
    ledger,
    providers,
    reconcile,
    clouds,
    shares,
    sla,
    requests,
    reds,
    callbacks,
    anomalies,
    refusals,
    prospects,
    quotes,
    whatif,
    proposals,
    trial,
    reports,
    trend,
    advice,
    forecast,
    capacity,
    tickets,
    rota,
    incidents,
    notices,
    deeds,
    nodes,
    jobs,
)
PAGE_NOUNS: Final = (
    assets,
    login,
    sso_pages,
    account,
    token_pages,
    team,
    sso,
    home,
    first_run_pages,
    guide,
    practice,
    bill_pages,
    line_pages,
    title_pages,
    fapiao_pages,
    payment_pages,
    statement_pages,
    rate_pages,
    share_pages,
    contract_pages,
    contract_change_pages,
    usage_pages,
    call_pages,
    budget_pages,
    closing_pages,
    bank_pages,
    receipt_pages,
    receivable_pages,
    payable_pages,
    fapiao_desk_pages,
    approval_pages,
    price_change_pages,
    live_pages,
    trend_pages,
    forecast_pages,
    advice_pages,
    anomaly_pages,
    refusal_pages,
    protection_pages,
    key_pages,
    start_pages,
    # `/customers/new` before `/customers/{customer}`: whoever stands first answers.
    customer_forms,
    customer_pages,
    drafts,
    provider_pages,
    price_pages,
    proposal_pages,
    quote_pages,
    presales,
    trials,
    worklist,
    reconcile_pages,
    margins,
    health_pages,
    node_pages,
    cloud_pages,
    cloud_files,
    retention_pages,
    revisions,
    job_pages,
    usage_files,
    report_pages,
    whatif_pages,
    # `/notices/log` before what stands under `/notices`.
    log_pages,
    contact_pages,
    deed_pages,
    system,
    ticket_pages,
    rota_pages,
    incident_pages,
    sla_pages,
    status_pages,
    member_pages,
)
THREADS: Final = 8
"""Requests at work at once, and connections of the pool: none waits for the other."""


def make_app(desk: Desk) -> FastAPI:
    """Return the console as an ASGI application."""
    app = build_app()
    furnish(app, desk)
    return app


def build_app() -> FastAPI:
    """Build the application without a desk; a route that no table of access names is a bug."""
    app = FastAPI(
        title="月结 yuejie",
        version=__version__,
        description=docs.DESCRIPTION,
        openapi_tags=docs.TAGS,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_lifespan,
        routes=_all_routes(),
    )
    app.router.middleware_stack = Wings(app.router.app, app.routes)
    app.add_middleware(Envelope)
    errors.install(app)
    _refuse_unnamed(app)
    return app


def _all_routes() -> list[BaseRoute]:
    """Return the nouns' own routes, in the order in which they are asked.

    Including a router would analyse each of its endpoints anew: most of a second at every start,
    and with each request one more look through the router that answers.
    """
    routers = (
        health.routes,
        docs.routes,
        *(noun.routes for noun in (*NOUNS, *PAGE_NOUNS)),
        trial.open_routes,
    )
    return [route for router in routers for route in router.routes]


def furnish(app: FastAPI, desk: Desk) -> None:
    """Give an application its desk, and everything it remembers while it runs."""
    app.state.desk = desk
    app.state.metrics = Metrics()
    app.state.board = Board()
    app.state.service = Remembering()
    app.state.watchers = Watchers()
    app.state.status = status_pages.Remembered()


@asynccontextmanager
async def _lifespan(_: FastAPI) -> AsyncIterator[None]:
    anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
    yield


def served(app: FastAPI) -> set[tuple[str, str]]:
    """Return every route as method and path."""
    return {
        (method, route.path or "")
        for route in iter_route_contexts(app.routes)
        for method in route.methods or ()
    }


def _refuse_unnamed(app: FastAPI) -> None:
    differing = served(app) ^ (ACCESS.keys() | PAGES.keys())
    assert not differing, f"routes and the tables of access differ: {sorted(differing)}"


class Wings:
    """ASGI, around a router of all routes: the router of one noun answers instead of it.

    Asking every route in turn whether it matches takes longer than reading a page's rows; what a
    path begins with tells most of them apart, and the rest are asked in the order they stand in.
    """

    def __init__(self, whole: ASGIApp, routes: Sequence[BaseRoute]) -> None:
        self._whole = whole
        self._wings: dict[str, APIRouter] = {}
        for route in routes:
            assert isinstance(route, Route), f"{route} has no path"
            name = wing_of(route.path)
            assert "{" not in name, f"{route.path} could stand in any wing"
            wing = self._wings.setdefault(name, APIRouter(redirect_slashes=False))
            wing.routes.append(route)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the wing answer; what is no request, or of no wing, goes to the whole."""
        wing = None
        if scope["type"] == "http" and not scope.get("root_path"):
            wing = self.wing_at(scope["path"])
        await (wing or self._whole)(scope, receive, send)

    def wing_at(self, path: str) -> APIRouter | None:
        """Return the only router whose routes could answer a path, if any could."""
        return self._wings.get(wing_of(path))


def wing_of(path: str) -> str:
    """Return what a path begins with: its noun, and whether programs or people ask for it."""
    top = f"{API}/" if path.startswith(f"{API}/") else "/"
    return top + path[len(top) :].partition("/")[0]
