"""Contracts: what holds now, in words; every version there was; the whole text and its prices."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from yuejie.app import signatories
from yuejie.contracts.contract import Contract, Terms
from yuejie.contracts.contract import at as version_at
from yuejie.contracts.documents import words
from yuejie.contracts.documents.write_up import PaperKind, contract_text
from yuejie.contracts.forewarn.saying import renews_itself, say_until
from yuejie.contracts.life.held import terms_of
from yuejie.contracts.life.store import ends_of
from yuejie.contracts.numbers.number import number_of
from yuejie.contracts.numbers.store import numbers_of
from yuejie.contracts.store import contracts_of
from yuejie.contracts.terms import Renewal
from yuejie.customers.enrol import find_customer
from yuejie.kernel.period import zone_of
from yuejie.web.api.agreed.contracts import visible_contract
from yuejie.web.desk import Db, DeskHere, Now
from yuejie.web.pages.frame.draw import HOUSE_ZONE, caller_of, draw
from yuejie.web.pages.frame.entry import visit
from yuejie.web.pages.money.party import choose

routes: Final = APIRouter(
    include_in_schema=False, prefix="/contracts", dependencies=[Depends(visit)]
)

STATES: Final = {
    "in_force": "生效中",
    "coming": "未生效",
    "replaced": "已被新版取代",
    "ended": "已到期",
}
RENEWALS: Final = {
    Renewal.NONE: "到期终止，不续约",
    Renewal.ASKED: "到期终止，经双方同意可续约",
    Renewal.AUTO: "到期自动续约",
}
PARTIES: Final = {"customer": "客户提出", "operator": "我方提出"}
FILES: Final = tuple(PaperKind)


@dataclass(frozen=True, slots=True)
class Version:
    """One version and where it is in its life, by STATES."""

    contract: Contract
    state: str


@dataclass(frozen=True, slots=True)
class Held:
    """The version in force: its terms with prices, and before which day one gives notice."""

    contract: Contract
    terms: Terms
    notice_by: date | None


@routes.get("")
def list_contracts(request: Request, db: Db, now: Now, customer: str = "") -> Response:
    """Show what is in force with its terms in words, and every version with its documents."""
    caller = caller_of(request)
    with db.read(consistent=True) as tx:
        chosen = choose(tx, caller, customer)
        versions = contracts_of(tx, chosen.party.customer_id) if chosen.party else []
        numbers = numbers_of(tx, chosen.party.customer_id) if chosen.party else {}
        current = version_at(versions, now)
        if current is not None and current.ends_at is not None and current.ends_at <= now:
            current = None
        # Who asked to leave, and who decided, is the operator's own business until it is agreed.
        asked = caller.is_operator and chosen.party
        ends = ends_of(tx, asked.customer_id, rejected=True) if asked else []
        held = None
        if current is not None:
            held = Held(current, terms_of(tx, current), _notice_by(current, versions))
    return draw(
        request,
        "money/contracts.html",
        zone=zone_of(chosen.party.zone) if chosen.party else HOUSE_ZONE,
        chosen=chosen,
        held=held,
        versions=[Version(each, _state(each, current, now)) for each in reversed(versions)],
        numbers=numbers,
        ends=ends,
        parties=PARTIES,
        states=STATES,
        files=FILES,
        renewals=RENEWALS,
        words=words,
    )


def _state(version: Contract, current: Contract | None, now: datetime) -> str:
    if version == current:
        return "in_force"
    if version.starts_at > now:
        return "coming"
    return "ended" if version.ends_at is not None and version.ends_at <= now else "replaced"


def _notice_by(held: Contract, versions: list[Contract]) -> date | None:
    """Return by which day one must give notice so that the contract does not go on by itself."""
    own = [
        each
        for each in versions
        if each.contract_id == held.contract_id and each.version <= held.version
    ]
    own.sort(key=lambda each: each.version)
    return say_until(own) if renews_itself(own) else None


@routes.get("/{contract}")
def show_contract(request: Request, db: Db, desk: DeskHere, contract: str) -> Response:
    """Show a contract's newest version whole: its parties, clauses and prices, as it is printed."""
    caller = caller_of(request)
    with db.read(consistent=True) as tx:
        newest = visible_contract(tx, caller, contract)[-1]
        party = find_customer(tx, newest.customer_id)
        ours, theirs = signatories(desk.seller, party)
        text = contract_text(tx, newest, seller=ours, customer=theirs)
        chosen = choose(tx, caller, party.customer_id)
        number = number_of(tx, party.customer_id, newest.contract_id)
    return draw(
        request,
        "money/contract.html",
        zone=zone_of(newest.zone),
        chosen=chosen,
        contract=newest,
        number=number,
        text=text,
        files=FILES,
    )
