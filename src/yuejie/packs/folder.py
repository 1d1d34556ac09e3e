"""Pack a month for every customer that has a bill of it, one ZIP each, into a folder.

A ZIP appears whole or not at all, and one that is there is left alone: an interrupted run is simply
repeated and goes on where it stopped.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from yuejie.bills.bill import Bill, BillState
from yuejie.bills.documents.document import Seller
from yuejie.bills.documents.stamp.note import Stamping
from yuejie.bills.store import bills_of_month
from yuejie.customers.customer import Customer
from yuejie.customers.enrol import find_customer
from yuejie.db.session import Database
from yuejie.kernel.errors import NotFound
from yuejie.kernel.period import BillingMonth
from yuejie.packs.make import Wanted, make_pack, pack_name


@dataclass(frozen=True, slots=True)
class Packed:
    """A pack in the folder, and whether this run made it."""

    customer: str
    path: Path
    made: bool


def pack_month(
    db: Database,
    month: BillingMonth,
    seller: Seller,
    folder: Path,
    *,
    again: bool = False,
    stamping: Stamping | None = None,
    progress: Callable[[int, int], None] = lambda _done, _of: None,
) -> list[Packed]:
    """Pack every customer with an issued bill of the month; `again` makes what is there anew."""
    found = customers_of(db, month)
    if not found:
        raise NotFound(f"{month} 没有已出账的账单，出账后再打包")
    folder.mkdir(parents=True, exist_ok=True)
    done: list[Packed] = []
    for customer in found:
        progress(len(done), len(found))
        path = folder / pack_name(customer, month)
        wanted = Wanted(customer.customer_id, month, seller, stamping)
        done.append(Packed(customer.slug, path, write_pack(db, wanted, path, again=again)))
    progress(len(done), len(found))
    return done


def write_pack(db: Database, wanted: Wanted, path: Path, *, again: bool = True) -> bool:
    """Write one pack to a path, and say whether it had to be made."""
    if path.exists() and not again:
        return False
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with scratch.open("wb") as sink:
            make_pack(db, wanted, sink)
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)
    return True


def customers_of(db: Database, month: BillingMonth) -> list[Customer]:
    """Return who has an issued bill of a month, by short name."""
    with db.read() as tx:
        bills = bills_of_month(tx, month)
        ids = {bill.customer_id for bill in bills if bill.is_final and not _is_void(bill)}
        return sorted((find_customer(tx, each) for each in ids), key=lambda who: who.slug)


def _is_void(bill: Bill) -> bool:
    return bill.state is BillState.VOIDED
