"""Customers as the operator sees them."""

from typing import Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from yuejie.bills.life import SAID as STATES
from yuejie.bills.store import bills_of_customer
from yuejie.budgets.show import standings
from yuejie.contracts.store import contracts_of
from yuejie.customers.enrol import find_customer
from yuejie.customers.store import customers as all_customers
from yuejie.customers.store import keys, projects
from yuejie.kernel.period import zone_of
from yuejie.payments.receivables.show import position_of
from yuejie.web.desk import Db, Now
from yuejie.web.pages.frame.draw import draw
from yuejie.web.pages.frame.entry import visit

routes: Final = APIRouter(include_in_schema=False, dependencies=[Depends(visit)])

NEWEST: Final = 6
SERVED: Final = {"normal": "正常", "warned": "已提醒", "suspended": "已停服"}


@routes.get("/customers")
def list_customers(request: Request, db: Db) -> Response:
    """Show every customer."""
    with db.read() as tx:
        found = all_customers(tx)
    return draw(request, "customers.html", customers=found)


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
        now=now,
    )
