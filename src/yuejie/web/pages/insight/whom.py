"""Whom a page is about: a customer's own people see it, the operator chooses."""

from urllib.parse import quote

from fastapi import Request
from pydantic import BeforeValidator
from starlette.responses import Response

from yuejie.customers.customer import Customer
from yuejie.customers.enrol import find_customer
from yuejie.customers.store import customers
from yuejie.db.session import Database
from yuejie.kernel.errors import Invalid
from yuejie.web.auth import Caller, whose
from yuejie.web.pages.frame.draw import caller_of, draw

Blank = BeforeValidator(lambda text: text or None)
"""A field of a filter that was left empty asks for nothing."""


def whom(db: Database, caller: Caller, customer: str) -> Customer | None:
    """Return the customer that a page is about; None where the operator has chosen none.

    Raises NotFound for whom the caller may not see.
    """
    with db.read() as tx:
        customer_id = whose(tx, caller, customer or None)
        return find_customer(tx, customer_id) if customer_id else None


def whom_surely(db: Database, caller: Caller, customer: str) -> Customer:
    """Return the customer that a deed is about. Raises Invalid where none is named."""
    party = whom(db, caller, customer)
    if party is None:
        raise Invalid("请先选择客户，再办这件事")
    return party


def choose(request: Request, db: Database, title: str) -> Response:
    """Let the operator choose whom a page is to be about."""
    with db.read() as tx:
        found = customers(tx)
    return draw(request, "insight/choose.html", title=title, customers=found)


def query_of(request: Request, party: Customer) -> str:
    """Return what a link to a page about the same customer ends with."""
    return f"?customer={quote(party.slug, safe='')}" if caller_of(request).is_operator else ""
