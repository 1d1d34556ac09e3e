"""Make the house that a rehearsal begins with, by the build that it begins with.

    python -m bench.rehearsal.furnish

It reads an `Order` as JSON and answers with `Furnished`. In a process of its own, for the schema
is that build's: a newer one may ask for columns that are not there yet.
"""

import sys
from datetime import timedelta
from pathlib import Path
from typing import Final

import msgspec

from bench.rehearsal.provider import CAPPED
from yuejie.apply import Applying, apply_house
from yuejie.budgets.allowance import Measure
from yuejie.budgets.keep import AllowanceDraft, add_allowance
from yuejie.customers.enrol import find_customer
from yuejie.db.migrate import migrate
from yuejie.db.session import Database
from yuejie.demo.house import demo_house
from yuejie.kernel.clock import SystemClock
from yuejie.kernel.period import BillingMonth, zone_of

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


def furnish(order: Order) -> Furnished:
    """Give a database its schema, its customers and prices, and a hard cap."""
    migrate(order.owner)
    now = SystemClock().now()
    month = BillingMonth.of(now - timedelta(days=31), zone_of("Asia/Shanghai"))
    with Database.open(order.app, size=4, name=BY) as db:
        applying = Applying(
            db=db,
            pepper=order.pepper,
            credential_key=order.credential_key,
            by=BY,
            now=now,
            folder=Path(),
            environ={},
        )
        house = demo_house(order.upstream, month.last_day)
        keys = {c.key_name: c.secret for c in apply_house(house, applying) if c.secret}
        with db.read() as tx:
            customer = find_customer(tx, "fintech")
        draft = AllowanceDraft(
            name="演练",
            measure=Measure.MONEY,
            currency="USD",
            cap=order.cap_pico,
            model=CAPPED,
        )
        return Furnished(keys, add_allowance(db, customer, draft, by=BY, now=now).number)


def main() -> None:
    """Do so for whoever asks on standard input."""
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    sys.stdout.buffer.write(msgspec.json.encode(furnish(order)))


if __name__ == "__main__":
    main()
