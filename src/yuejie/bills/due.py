"""The settlement calendar of a bill: until when it is reviewed, paid, and has its fapiao.

Days are calendar days from the day the bill was put to the customer, in its zone, and roll to the
next Chinese working day (product.md E4). A bill that a dispute held up counts from its issue.
"""

from dataclasses import replace
from datetime import date, datetime

from yuejie.bills import store
from yuejie.bills.bill import Bill
from yuejie.contracts.contract import Contract
from yuejie.contracts.store import contracts_of
from yuejie.contracts.terms import CommercialTerms, DueBasis, SettlementOrder
from yuejie.customers.enrol import find_customer
from yuejie.db.session import Tx
from yuejie.kernel.errors import NotFound
from yuejie.kernel.ids import BillId
from yuejie.kernel.period import zone_of
from yuejie.kernel.workdays import due_on


def proposed_dates(bill: Bill, terms: CommercialTerms, today: date) -> Bill:
    """Return the bill with the day it is put to the customer, and until when it is reviewed."""
    return replace(bill, billed_on=today, review_until=due_on(today, terms.review_days))


def issued_dates(bill: Bill, terms: CommercialTerms, today: date) -> Bill:
    """Return the bill with its payment and fapiao dates.

    Where payment counts from the arrival of the fapiao there is no payment date yet; where none can
    arrive before the money does, or ever, it counts from the bill.
    """
    held_up = bill.review_until is not None and today > bill.review_until
    start = today if held_up or bill.billed_on is None else bill.billed_on
    by_fapiao = terms.due_basis is DueBasis.FAPIAO_RECEIPT and _brings_fapiao(bill, terms)
    return replace(
        bill,
        billed_on=bill.billed_on or today,
        due_on=None if by_fapiao else due_on(start, terms.payment_days),
        fapiao_by=due_on(start, terms.fapiao_days),
    )


def _brings_fapiao(bill: Bill, terms: CommercialTerms) -> bool:
    """Tell whether a fapiao may come before the payment: fapiao first, in CNY, of what is taxed."""
    first = terms.settlement_order is SettlementOrder.FAPIAO_FIRST
    taxed = sum(line.gross_fen for line in bill.tax_lines)
    return first and bill.currency == "CNY" and taxed > 0


def contract_of(tx: Tx, bill: Bill) -> Contract:
    """Return the contract version that a bill was drawn under."""
    for version in contracts_of(tx, bill.customer_id):
        if (version.contract_id, version.version) == (bill.contract_id, bill.contract_version):
            return version
    raise NotFound(
        f"账单 {bill.name} 的合同 {bill.contract_id} 第 {bill.contract_version} 版不存在"
    )


def local_day(tx: Tx, bill: Bill, now: datetime) -> date:
    """Return the date of an instant where the customer is."""
    return now.astimezone(zone_of(find_customer(tx, bill.customer_id).zone)).date()


def fapiao_received(tx: Tx, bill_id: BillId, on: date) -> bool:
    """Set the due date of a bill whose payment days count from its fapiao; once, the first wins."""
    bill = store.bill_by_name(tx, bill_id)
    if bill is None:
        raise NotFound(f"账单 {bill_id} 不存在，请核对编号")
    terms = contract_of(tx, bill).terms
    if terms.due_basis is not DueBasis.FAPIAO_RECEIPT:
        return False
    return store.set_due(tx, bill.bill_id, due_on(on, terms.payment_days))
