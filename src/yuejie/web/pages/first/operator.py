"""An operator's first run: from a provider to a first call, each step on its own address.

Every step calls the verb that the command line and the API call for the same deed. What is done is
seen from what there is, so whoever goes away finds the next step when coming back.
"""

from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from typing import Annotated, Final, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import Response

from yuejie.beside import Beside, supervised, unwish, wish, wished
from yuejie.contracts.changes.ask import bring_prices
from yuejie.contracts.contract import FxPolicy, Terms
from yuejie.contracts.import_prices import PriceImport
from yuejie.contracts.numbers.number import called
from yuejie.contracts.offer import set_deployment_state
from yuejie.contracts.publish import open_book
from yuejie.contracts.store import book, deployments
from yuejie.customers.enrol import ProjectDraft, add_project_in
from yuejie.customers.keys import IssuedKey, KeyDraft, issue_in
from yuejie.customers.store import project_by_name
from yuejie.db.session import Database
from yuejie.kernel.errors import Invalid, NotFound
from yuejie.kernel.ids import BookId
from yuejie.payments.dunning.sign import sign_first
from yuejie.web.desk import Db, Desk, DeskHere, Now
from yuejie.web.pages.first.call import Tried, refuse_foreign, try_call, usual, way_to
from yuejie.web.pages.first.offer import (
    PLATFORMS,
    REGION_HINT,
    SIMULATED,
    SPOKEN,
    AccountForm,
    ModelForm,
    put_simulated,
)
from yuejie.web.pages.first.priced import PriceForm
from yuejie.web.pages.first.steps import STEPS, standing_of
from yuejie.web.pages.frame.draw import caller_of, draw, go, redraw
from yuejie.web.pages.frame.entry import refuse_strangers, visit
from yuejie.web.pages.insight.whom import whom_surely

routes: Final = APIRouter(
    include_in_schema=False, prefix="/first-run", dependencies=[Depends(visit)]
)
ours: Final = [Depends(refuse_strangers)]

Text = Annotated[str, Form(max_length=500)]

SEEDS: Final = {"cost": "cost_prices.json", "sale": "sale_prices.toml"}
"""Price files that come with the product: public cost prices, and an example of sale prices."""

TAXES: Final = {"inclusive": "价格含税", "exclusive": "价格不含税，另加增值税"}
KINDS: Final = {"chat": "对话", "embedding": "向量"}


@routes.get("")
def show(
    request: Request, db: Db, desk: DeskHere, now: Now, step: str = "", customer: str = ""
) -> Response:
    """Show every step, and the form of the one that is asked for, or of the next."""
    return _page(request, db, desk, now, Asked(step, customer))


@routes.post("/provider", dependencies=ours)
def add_account(
    request: Request, db: Db, desk: DeskHere, now: Now, form: Annotated[AccountForm, Form()]
) -> Response:
    """Write a provider account down; its credential is encrypted before it is stored."""
    form.put(db, credential_key=desk.credential_key, by=caller_of(request).name, now=now)
    return go(
        request,
        "/first-run?step=model",
        f"供应商账号 {form.account.strip()} 已登记，凭证已加密保存",
    )


@routes.post("/simulated", dependencies=ours)
def simulate(request: Request, db: Db, desk: DeskHere, now: Now) -> Response:
    """Run the provider simulators beside this node, with their accounts and three models."""
    by = caller_of(request).name
    wanted = wish(supervised(desk.home), Beside.SIMULATORS, ports=1, by=by)
    put_simulated(db, wanted.url, credential_key=desk.credential_key, by=by, now=now)
    for each in _simulated_places(db, "drained"):
        set_deployment_state(db, each, "active", by=by, now=now)
    said = "模拟供应商已启动，登记了三个账号和三个模型；它的回答是编造的，不产生供应商费用"
    return go(request, "/first-run?step=cost", said)


@routes.post("/simulated/end", dependencies=ours)
def end_simulation(request: Request, db: Db, desk: DeskHere, now: Now) -> Response:
    """Drain what the simulators serve, then let them stop."""
    home, by = supervised(desk.home), caller_of(request).name
    for each in _simulated_places(db, "active"):
        set_deployment_state(db, each, "drained", by=by, now=now)
    unwish(home, Beside.SIMULATORS)
    return go(request, "/first-run", "模拟供应商的部署已摘除，模拟程序已停止")


def _simulated_places(db: Database, state: str) -> list[str]:
    with db.read() as tx:
        return [
            each.deployment_id
            for each in deployments(tx)
            if each.account_id in SIMULATED and each.state == state
        ]


@routes.post("/model", dependencies=ours)
def add_model(request: Request, db: Db, now: Now, form: Annotated[ModelForm, Form()]) -> Response:
    """Offer a model and say where it is served."""
    form.put(db, by=caller_of(request).name, now=now)
    return go(request, "/first-run?step=cost", f"模型 {form.model.strip()} 已上架")


@routes.post("/prices", dependencies=ours)
def price(request: Request, db: Db, now: Now, form: Annotated[PriceForm, Form()]) -> Response:
    """Publish the prices that were typed, as a price file would be, in force at once.

    A book that has prices already is changed by two people, here as everywhere.
    """
    return _publish(request, db, now, form, "typed.json", form.file())


@routes.post("/prices/seed", dependencies=ours)
def price_by_seed(
    request: Request, db: Db, now: Now, kind: Literal["cost", "sale"] = Form()
) -> Response:
    """Publish the price file that comes with the product, in US dollars."""
    name = SEEDS[kind]
    body = files("yuejie.contracts").joinpath("seed", name).read_bytes()
    form = PriceForm(kind=kind, book="cost-usd" if kind == "cost" else "list-usd", currency="USD")
    return _publish(request, db, now, form, name, body)


def _publish(
    request: Request, db: Database, now: datetime, form: PriceForm, name: str, body: bytes
) -> Response:
    by, book_id = caller_of(request).name, form.book.strip()
    if not book_id:
        raise Invalid("请给价目起个名称，例如 list")
    open_book(db, book_id, kind=form.kind, currency=form.currency, by=by, now=now)
    wanted = PriceImport(name=name, body=body, book_id=book_id, starts_at=now, approve=True)
    tried = bring_prices(db, wanted, starts_at=now, by=by, now=now, dry_run=True)
    starts_at = None if tried.needs_another else now
    report = bring_prices(db, wanted, starts_at=starts_at, by=by, now=now)
    if report.refused:
        raise Invalid(report.gravest)
    after = "sale" if form.kind == "cost" else "customer"
    return go(request, f"/first-run?step={after}", report.outcome)


@routes.post("/contract", dependencies=ours)
def sign(
    request: Request,
    db: Db,
    now: Now,
    customer: Text = "",
    sale_book: Text = "",
    tax_mode: Literal["inclusive", "exclusive"] = Form("inclusive"),
) -> Response:
    """Register a first contract at list prices, in force from now; all else goes by a draft."""
    party = whom_surely(db, caller_of(request), customer)
    with db.read() as tx:
        listed = book(tx, sale_book)
    if listed is None:
        raise NotFound("请选择一本销售价目；还没有就先做上一步", book=sale_book)
    same = listed.currency == party.currency
    terms = Terms(
        customer_id=party.customer_id,
        sale_book=BookId(listed.book_id),
        currency=party.currency,
        zone=party.zone,
        fx_policy=FxPolicy.NONE if same else FxPolicy.BILL,
        tax_mode=tax_mode,
        starts_at=now,
    )
    signed = sign_first(db, terms, by=caller_of(request).name, now=now)
    with db.read() as tx:
        number = called(tx, party.customer_id, signed.contract_id)
    said = f"{party.legal_name} 的合同 {number} 第 {signed.version} 版已登记，即刻生效"
    return go(request, _at("key", party.slug), said)


@routes.post("/key", dependencies=ours)
def issue(
    request: Request,
    db: Db,
    desk: DeskHere,
    now: Now,
    customer: Text = "",
    project: Text = "",
    name: Text = "",
) -> Response:
    """Issue a key in a project, which is added if there is none of that name; shown this once."""
    by = caller_of(request).name
    party = whom_surely(db, caller_of(request), customer)
    if not project.strip() or not name.strip():
        raise Invalid("请填写项目名和密钥名称，例如：客服、后端服务")
    with db.begin() as tx:
        wanted = project.strip()
        if project_by_name(tx, party.customer_id, wanted) is None:
            add_project_in(tx, party.customer_id, ProjectDraft(name=wanted), by=by, now=now)
        draft = KeyDraft(project=wanted, name=name.strip())
        issued = issue_in(tx, party, draft, pepper=desk.pepper, by=by, now=now)
    return _page(request, db, desk, now, Asked("call", party.slug, issued=issued))


@routes.post("/call", dependencies=ours)
def call(
    request: Request,
    db: Db,
    desk: DeskHere,
    now: Now,
    customer: Text = "",
    secret: Text = "",
    model: Text = "",
) -> Response:
    """Call through the real gateway with a key, and show what was metered and rated."""
    party = whom_surely(db, caller_of(request), customer)
    refuse_foreign(db, party, secret.strip(), pepper=desk.pepper, now=now)
    tried = try_call(db, desk, caller_of(request), secret.strip(), model)
    asked = Asked("call", party.slug, tried=tried, secret=secret.strip())
    return _page(request, db, desk, now, asked)


@dataclass(frozen=True, slots=True)
class Asked:
    """Which step of whom is shown, and what has just come of it."""

    step: str = ""
    customer: str = ""
    issued: IssuedKey | None = None
    tried: Tried | None = None
    secret: str = ""


def _at(step: str, slug: str) -> str:
    return f"/first-run?{urlencode({'step': step, 'customer': slug})}"


def _page(
    request: Request,
    db: Database,
    desk: Desk,
    now: datetime,
    asked: Asked,
) -> Response:
    issued, tried, step, secret = asked.issued, asked.tried, asked.step, asked.secret
    with db.read(consistent=True) as tx:
        standing = standing_of(tx, now, asked.customer)
        chosen = tried.model if tried else usual(standing.callable)
        way = way_to(tx, chosen) if chosen else None
    shown = step if step in STEPS else standing.next
    return (redraw if issued or tried else draw)(
        request,
        "first/operator.html",
        steps=STEPS,
        standing=standing,
        done=standing.done,
        shown=shown,
        next=standing.next,
        platforms=PLATFORMS,
        region_hint=REGION_HINT,
        spoken=SPOKEN,
        taxes=TAXES,
        kinds=KINDS,
        simulated=SIMULATED,
        simulators=wished(desk.home).get(Beside.SIMULATORS) if desk.home else None,
        may_simulate=desk.home is not None,
        chosen=chosen,
        curl=way.curl(desk.gateway_url, secret_of(issued, secret)) if way else "",
        issued=issued,
        secret=issued.secret if issued else secret,
        tried=tried,
    )


def secret_of(issued: IssuedKey | None, secret: str) -> str:
    """Return the key to write into code that is copied; without one, what stands for it."""
    return (issued.secret if issued else secret) or "sk-yj-…"
