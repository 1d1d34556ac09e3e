"""Make the house that a rehearsal begins with, by the build that it begins with.

    python -m bench.rehearsal.furnish

It reads an `Order` as JSON and answers with `Furnished`. In a process of its own, for the schema
is that build's: a newer one may ask for columns that are not there yet.
"""

import sys
from typing import Final

import msgspec

from bench.demo import furnish
from bench.rehearsal.provider import CAPPED
from yuejie.budgets.allowance import Measure
from yuejie.budgets.keep import AllowanceDraft, add_allowance
from yuejie.customers.enrol import find_customer
from yuejie.db.migrate import migrate
from yuejie.db.session import Database
from yuejie.kernel.clock import SystemClock

BY: Final = "rehearsal"


class Order(msgspec.Struct, frozen=True):
    """Which database, as its owner and as the application, with which secrets and provider."""

    owner: str
    app: str
    pepper: bytes
    credential_key: bytes
    upstream: str
    cap_pico: int
    """Of the hard cap; picos of a dollar."""


class Furnished(msgspec.Struct, frozen=True):
    """Secrets of keys by name, and the number of the hard cap."""

    keys: dict[str, str]
    allowance: int


def begin(order: Order) -> Furnished:
    """Give a database its schema, its customers and prices, and a hard cap."""
    migrate(order.owner)
    with Database.open(order.app, size=4, name=BY) as db:
        keys = furnish(
            db,
            pepper=order.pepper,
            credential_key=order.credential_key,
            upstream=order.upstream,
            by=BY,
        )
        with db.read() as tx:
            customer = find_customer(tx, "fintech")
        draft = AllowanceDraft(
            name="演练",
            measure=Measure.MONEY,
            currency="USD",
            cap=order.cap_pico,
            model=CAPPED,
        )
        return Furnished(
            keys, add_allowance(db, customer, draft, by=BY, now=SystemClock().now()).number
        )


def main() -> None:
    """Do so for whoever asks on standard input."""
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    sys.stdout.buffer.write(msgspec.json.encode(begin(order)))


if __name__ == "__main__":
    main()
