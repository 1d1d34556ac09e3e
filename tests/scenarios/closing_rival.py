"""What one of eight processes does; it imports little, because each of them does so anew."""

from datetime import datetime

from yuejie.bills.closing.close import close_month
from yuejie.bills.issue import issue_bill
from yuejie.db.session import Database
from yuejie.kernel.errors import DomainError
from yuejie.kernel.period import BillingMonth


def close(url: str, month: str, now: datetime) -> list[str]:
    """Close a month for everybody, and say what was done for each customer."""
    with Database.open(url, size=1, name="rival") as db:
        label = BillingMonth.parse(month)
        closed = close_month(db, label, customer=None, commit=True, by="rival", now=now)
        return [each.done.value for each in closed]


def issue(url: str, bill_id: str, now: datetime) -> str:
    """Issue a bill, and say under which number, or why not."""
    with Database.open(url, size=1, name="rival") as db:
        try:
            return str(issue_bill(db, bill_id, by="rival", now=now).number)
        except DomainError as error:
            return error.code
