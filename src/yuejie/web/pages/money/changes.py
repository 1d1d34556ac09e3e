"""What is done to a contract that holds: changed by a draft, let go on, left."""

from datetime import date, datetime, timedelta
from typing import Annotated, Final, Literal
from urllib.parse import quote

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import Response

from yuejie.contracts.contract import Contract
from yuejie.contracts.formats.agreed import fen_of, percent, words_of
from yuejie.contracts.life.draft import DraftKind
from yuejie.contracts.life.drafting import draft_in
from yuejie.contracts.life.ending import Wish, ask_end, renew_contract
from yuejie.contracts.life.held import terms_of
from yuejie.contracts.numbers.number import number_of
from yuejie.contracts.store import contract_versions
from yuejie.contracts.terms import ContractType
from yuejie.customers.enrol import find_customer
from yuejie.db.session import Database
from yuejie.kernel.errors import Conflict
from yuejie.kernel.money import Money
from yuejie.kernel.period import BillingMonth, zone_of
from yuejie.web.api.agreed.contracts import visible_contract
from yuejie.web.desk import Db, Now
from yuejie.web.pages.frame.draw import caller_of, draw, go
from yuejie.web.pages.frame.entry import refuse_strangers, visit
from yuejie.web.pages.house import words
from yuejie.web.pages.house.drafting import AmendForm
from yuejie.web.pages.money.contracts import RENEWALS

routes: Final = APIRouter(
    include_in_schema=False, prefix="/contracts/{contract}", dependencies=[Depends(visit)]
)
ours: Final = [Depends(refuse_strangers)]

Text = Annotated[str, Form(max_length=1000)]


@routes.get("/amend")
def show_form(request: Request, db: Db, now: Now, contract: str) -> Response:
    """Show the common terms as the newest version has them, to be changed from a day on."""
    with db.read(consistent=True) as tx:
        newest = visible_contract(tx, caller_of(request), contract)[-1]
        held = terms_of(tx, newest)
        party = find_customer(tx, newest.customer_id)
        number = number_of(tx, newest.customer_id, newest.contract_id)
    pricing = held.pricing
    return draw(
        request,
        "money/amend.html",
        contract=newest,
        number=number or newest.contract_id,
        customer=party,
        said=words_of(held.commercial),
        discounts="\n".join(f"{each.models} {percent(each.ppm)}" for each in pricing.discounts),
        first=_first(newest, now),
        renewals=RENEWALS,
        words=words,
    )


def _first(newest: Contract, now: datetime) -> date:
    """Return the first day that is usually meant: of an open contract, that of the next month."""
    zone = zone_of(newest.zone)
    if newest.terms.type is ContractType.OPEN:
        return BillingMonth.of(now, zone).next.first_day
    tomorrow = now.astimezone(zone).date() + timedelta(days=1)
    return max(tomorrow, newest.starts_at.astimezone(zone).date())


@routes.post("/amend", dependencies=ours)
def amend(
    request: Request, db: Db, now: Now, contract: str, form: Annotated[AmendForm, Form()]
) -> Response:
    """Draft the next version of a contract; what the form does not ask for stays."""
    name = _named(request, db, contract).contract_id
    with db.begin() as tx:
        # No other version is written until the draft names the one that it was made from.
        tx.lock_exclusive(f"contract {name}")
        newest = contract_versions(tx, name)[-1]
        if newest.version != form.version:
            raise Conflict(f"合同已有第 {newest.version} 版，请刷新后按新的一版填写")
        made = draft_in(
            tx,
            newest.customer_id,
            form.body(terms_of(tx, newest)),
            by=caller_of(request).name,
            now=now,
            kind=DraftKind.AMEND,
            contract_id=name,
        )
    return go(request, f"/drafts/{made.draft_id}", "变更草案已起草，核对后提交财务审核")


@routes.post("/renew", dependencies=ours)
def renew(request: Request, db: Db, now: Now, contract: str) -> Response:
    """Let a contract go on as it says itself, for the months it says."""
    name = _named(request, db, contract).contract_id
    done = renew_contract(db, name, by=caller_of(request).name, now=now, alone=True)
    return _back(request, db, done, f"合同已续约，第 {done.version} 版至 {done.terms.ends_on} 止")


@routes.post("/terminate", dependencies=ours)
def terminate(
    request: Request,
    db: Db,
    now: Now,
    contract: str,
    on: Annotated[date, Form()],
    why: Text,
    party: Annotated[Literal["customer", "operator"], Form()] = "customer",
    waive: Text = "",
) -> Response:
    """Ask for a contract to end, with its day and fee computed; another person decides."""
    held = _named(request, db, contract)
    wish = Wish(
        contract_id=held.contract_id,
        wished_on=on,
        party=party,
        why=why,
        waived_fen=fen_of(waive, "减免的解约费") if waive.strip() else 0,
    )
    end = ask_end(db, wish, by=caller_of(request).name, now=now)
    owed = Money(end.owed_fen, end.currency)
    told = f"已提出终止：自 {end.ends_on} 起终止，解约费 {owed} {end.currency}，须由另一人审批"
    return _back(request, db, held, told)


def _named(request: Request, db: Database, contract: str) -> Contract:
    """Return a contract's newest version. Raises NotFound."""
    with db.read() as tx:
        return visible_contract(tx, caller_of(request), contract)[-1]


def _back(request: Request, db: Database, contract: Contract, told: str) -> Response:
    with db.read() as tx:
        slug = find_customer(tx, contract.customer_id).slug
    return go(request, f"/contracts?customer={quote(slug)}", told)
