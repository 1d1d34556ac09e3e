"""What is open of a customer's bills, from bills' word and our own rows."""

from collections.abc import Iterable

from yuejie.bills.store import OpenBill, issued_bill, issued_bills
from yuejie.customers.enrol import find_customer
from yuejie.db.session import Tx
from yuejie.kernel.errors import NotFound
from yuejie.kernel.ids import BillId, CustomerId
from yuejie.kernel.period import zone_of
from yuejie.payments.apportion import store
from yuejie.payments.apportion.shares import OpenAmount
from yuejie.payments.apportion.store import BillSum

WRITTEN_OFF = "written_off"


def amounts_of(tx: Tx, customer_id: CustomerId) -> list[OpenAmount]:
    """Return every issued bill of a customer with what is open of it, the oldest first."""
    sums = store.bill_sums(tx, customer_id)
    zone = find_customer(tx, customer_id).zone
    return [_amount(bill, sums, zone) for bill in issued_bills(tx, customer_id)]


def amounts_of_all(tx: Tx, customers: Iterable[CustomerId]) -> list[OpenAmount]:
    """Return the issued bills of several customers, the oldest first whosever they are."""
    found = [amount for each in customers for amount in amounts_of(tx, each)]
    return sorted(found, key=lambda amount: (amount.month, amount.issued_on, amount.number))


def amount_of(tx: Tx, customer_id: CustomerId, bill_id: BillId) -> OpenAmount:
    """Return what is open of one bill. Raises NotFound for one that is not issued, or is void."""
    bill = issued_bill(tx, customer_id, bill_id)
    if bill is None:
        raise NotFound(f"账单 {bill_id} 未出账或已作废，不能认款")
    zone = find_customer(tx, customer_id).zone
    return _amount(bill, store.bill_sums(tx, customer_id), zone)


def _amount(bill: OpenBill, sums: dict[BillId, BillSum], zone: str) -> OpenAmount:
    row = sums.get(bill.bill_id)
    return OpenAmount(
        bill_id=bill.bill_id,
        customer_id=bill.customer_id,
        number=bill.number,
        month=bill.month.strip(),
        currency=bill.currency,
        gross_fen=bill.gross_fen,
        credited_fen=bill.credited_fen,
        apportioned_fen=row.fen if row else 0,
        issued_on=bill.issued_at.astimezone(zone_of(zone)).date(),
        due_on=bill.due_on,
        state=str(bill.state),
        bad_debt_fen=row.bad_debt_fen if row else 0,
    )
