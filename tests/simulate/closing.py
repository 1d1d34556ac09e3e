"""A process that closes a month and issues its bills, to be killed: URL, month, instant."""

import sys
from datetime import datetime

from yuejie.bills.bill import BillState
from yuejie.bills.closing.close import close_month
from yuejie.bills.issue import issue_bill
from yuejie.bills.store import bills_of_month
from yuejie.db.session import Database
from yuejie.kernel.period import BillingMonth


def main(url: str, month: str, instant: str) -> None:
    label, now = BillingMonth.parse(month), datetime.fromisoformat(instant)
    with Database.open(url, size=2, name="closing") as db:
        close_month(db, label, customer=None, commit=True, by="clerk", now=now)
        with db.read() as tx:
            drafts = [b for b in bills_of_month(tx, label) if b.state is BillState.DRAFT]
        for bill in drafts:
            issue_bill(db, bill.bill_id, by="clerk", now=now)


if __name__ == "__main__":
    main(*sys.argv[1:])
