"""Whose money a page is about: a customer's own, or that of whom the operator chose."""

from dataclasses import dataclass
from datetime import date
from urllib.parse import quote

from yuejie.customers.customer import Customer
from yuejie.customers.enrol import find_customer
from yuejie.customers.store import customers
from yuejie.db.session import Tx
from yuejie.kernel.errors import Invalid
from yuejie.web.auth import Caller, whose


@dataclass(frozen=True, slots=True)
class Chosen:
    """A customer, and everybody the operator may choose instead; None: nobody is chosen yet."""

    party: Customer | None
    everybody: tuple[Customer, ...]

    @property
    def query(self) -> str:
        """What an address needs so that the next page is about the same customer."""
        named = self.party is not None and bool(self.everybody)
        return f"?customer={quote(self.party.slug)}" if named and self.party else ""

    @property
    def needed(self) -> Customer:
        """Return whom a deed is about. Raises Invalid where the operator has named nobody."""
        if self.party is None:
            raise Invalid("请先在页面上方选择客户，再提交")
        return self.party


def choose(tx: Tx, caller: Caller, asked: str) -> Chosen:
    """Return whom a page is about. Raises NotFound for another's customer, as for none."""
    customer_id = whose(tx, caller, asked or None)
    party = find_customer(tx, customer_id) if customer_id else None
    return Chosen(party, tuple(customers(tx)) if caller.is_operator else ())


def day_of(text: str, what: str) -> date:
    """Read a day as a browser sends it. Raises Invalid, naming the field."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Invalid(f"{what}“{text}”不是日期，请写成 2026-11-30 这样") from None
