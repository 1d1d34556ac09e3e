"""Find a bill by its number or id, and hold it while a deed changes it."""

from yuejie.bills import store
from yuejie.bills.bill import Bill
from yuejie.db.session import Tx
from yuejie.kernel.errors import NotFound
from yuejie.kernel.ids import CustomerId


def find_bill(tx: Tx, name: str, customer_id: CustomerId | None = None) -> Bill:
    """Return the bill of that number or id, whole; only the customer's own where one is given.

    Raises NotFound where there is none, and in the same words for another customer's.
    """
    bill = store.bill_by_name(tx, name)
    if bill is None or customer_id not in {None, bill.customer_id}:
        raise no_such_bill(name)
    return bill


def hold_bill(tx: Tx, name: str, customer_id: CustomerId | None = None) -> Bill:
    """Return it as `find_bill` does, under its customer's lock until the transaction ends.

    Closing and every deed on a customer's bills take this lock first, so they follow each other.
    """
    owner = store.owner_of(tx, name)
    if owner is None or customer_id not in {None, owner}:
        raise no_such_bill(name)
    tx.lock_exclusive(f"close {owner}")
    return find_bill(tx, name)


def no_such_bill(name: str) -> NotFound:
    """Say that there is none of that name, or none to be seen by whoever asks."""
    return NotFound(f"账单 {name} 不存在，请用 yuejie bills list 查看编号")
