"""Who may pay for a customer: itself, its parent, and whom a 代付协议 on file names."""

from datetime import date

from yuejie.customers.enrol import find_customer
from yuejie.db.session import Tx
from yuejie.kernel.errors import Conflict
from yuejie.kernel.ids import CustomerId
from yuejie.payments.banks import store as bank_store
from yuejie.payments.receipts import store
from yuejie.payments.receipts.receipt import Receipt
from yuejie.payments.receipts.score import Payers, in_force, may_pay


def payers_of(tx: Tx, customer_id: CustomerId, day: date) -> Payers:
    """Return who may pay for a customer on a day."""
    parent = bank_store.parent_of(tx, customer_id)
    named = [customer_id, *([parent] if parent else [])]
    return Payers(
        names=tuple(find_customer(tx, each).legal_name for each in named),
        known_numbers=frozenset(row.payer_number for row in store.known_payers(tx, customer_id)),
        authorised=frozenset(
            (paper.payer_name, paper.payer_number)
            for paper in bank_store.authorisations(tx, customer_id)
            if in_force(paper.starts_on, paper.ends_on, day)
        ),
    )


def refuse_third_party(tx: Tx, receipt: Receipt, customer_id: CustomerId) -> None:
    """Refuse money of somebody who may not pay for a customer; a person's word is not enough.

    What names no payer is left to the person who apportions it.
    """
    if not receipt.payer_name:
        return
    if not may_pay(receipt, payers_of(tx, customer_id, receipt.received_on)):
        raise Conflict(
            f"到账 {receipt.receipt_id} 的付款方“{receipt.payer_name}”不是该客户，"
            "须先登记代付协议（yuejie bank authorise）再认款"
        )
