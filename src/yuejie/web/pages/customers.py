"""Customers as the operator sees them."""

from typing import Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from yuejie.bills.life import SAID as STATES
from yuejie.bills.store import bills_of_customer
from yuejie.budgets.show import standings
from yuejie.contracts.numbers.store import numbers_of
from yuejie.contracts.store import contracts_of
from yuejie.customers.enrol import find_customer
from yuejie.customers.store import customers as all_customers
from yuejie.customers.store import keys, projects
from yuejie.kernel.period import zone_of
from yuejie.payments.dunning.standing import SAID
from yuejie.payments.receivables.show import position_of
from yuejie.web.cursor import PAGE, Window, cut
from yuejie.web.desk import Db, Now
from yuejie.web.pages.frame.draw import draw
from yuejie.web.pages.frame.entry import visit

routes: Final = APIRouter(include_in_schema=False, dependencies=[Depends(visit)])

NEWEST: Final = 6
HELD: Final = {"active": "启用", "suspended": "停用"}
SERVED: Final = {str(state): word for state, word in SAID.items()}


@routes.get("/customers")
def list_customers(
    request: Request, db: Db, q: str = "", state: str = "", cursor: str | None = None
) -> Response:
    """Show customers by name, those that are looked for."""
    window = Window.read("page:customers", cursor, PAGE)
    wanted = q.strip().casefold()
    with db.read() as tx:
        everybody = all_customers(tx)
    fitting = [
        each
        for each in everybody
        if wanted in f"{each.legal_name} {each.slug} {each.uscc or ''}".casefold()
        and (not state or each.state == state)
    ]
    found = cut(window, fitting, lambda each: each.slug)
    shown = found[:PAGE]
    return draw(
        request,
        "customers.html",
        customers=shown,
        asked={"q": q, "state": state},
        any_customers=bool(everybody),
        count=len(fitting),
        states=HELD,
        later=window.write(shown[-1].slug) if len(found) > PAGE else None,
    )


@routes.get("/customers/{customer}")
def show_customer(request: Request, db: Db, now: Now, customer: str) -> Response:
    """Show one customer: who it is, what it agreed to, how it stands, what it was billed."""
    with db.read(consistent=True) as tx:
        party = find_customer(tx, customer)
        bills = sorted(bills_of_customer(tx, party.customer_id), key=lambda b: b.month)
        position = position_of(tx, party.customer_id, now)
        cost_centres = projects(tx, party.customer_id)
        keyring = keys(tx, party.customer_id)
        versions = contracts_of(tx, party.customer_id)
        numbers = numbers_of(tx, party.customer_id)
    return draw(
        request,
        "customer.html",
        zone=zone_of(party.zone),
        customer=party,
        bills=bills[: -NEWEST - 1 : -1],
        states=STATES,
        position=position,
        served=SERVED,
        budgets=standings(db, party, now=now),
        projects=cost_centres,
        keys=keyring,
        contracts=versions,
        numbers=numbers,
        now=now,
    )
