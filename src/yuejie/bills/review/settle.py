"""Close a month and put its bills to the customer on the day that the contract settles on."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import Final

import structlog

from yuejie.bills.closing.close import Done, MonthNotOver, close_month
from yuejie.bills.closing.promises import Agreements
from yuejie.bills.closing.store import closed_epoch
from yuejie.bills.review.ask import propose_bill
from yuejie.bills.review.ready import to_propose
from yuejie.bills.review.store import proposals
from yuejie.bills.store import bills_of_customer_month
from yuejie.bills.tell import of_settlement
from yuejie.contracts.contract import Contract
from yuejie.contracts.store import contracts
from yuejie.customers.customer import Customer
from yuejie.customers.store import customers
from yuejie.db.session import Database, Tx
from yuejie.kernel.errors import DomainError
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.period import BillingMonth, zone_of
from yuejie.notices.outbox import enqueue

CLERK: Final = "clerk"
log = structlog.get_logger()


def settle_due(db: Database, now: datetime) -> int:
    """Settle last month for every customer whose settlement day has come; returns how many bills.

    A month is closed once, and only where nothing stands in its way: what does is told to the
    operator, once for each reason, and on the closing page, and it is tried again. A bill is put
    to its customer once: one that finance has taken back waits for finance. Where the contract
    asks for no confirmation, the draft waits to be issued.
    """
    with db.read() as tx:
        due = list(_due(tx, now))
    put = 0
    for customer, month in due:
        try:
            if _close(db, customer, month, now):
                put += _propose(db, customer, month, now)
        except MonthNotOver as early:
            # Elsewhere the month goes on for some hours; nobody has to do anything.
            log.info(
                "settlement.early", customer=customer.slug, month=str(month), why=early.sentence
            )
        except DomainError as error:
            _tell(db, customer, month, error.sentence, now)
    return put


def _due(tx: Tx, now: datetime) -> Iterator[tuple[Customer, BillingMonth]]:
    versions: dict[CustomerId, list[Contract]] = defaultdict(list)
    for version in contracts(tx):
        versions[version.customer_id].append(version)
    for customer in customers(tx):
        today = now.astimezone(zone_of(customer.zone)).date()
        month = BillingMonth(today.year, today.month).previous
        known = Agreements(versions[customer.customer_id], customer.zone)
        contract = known.at_end_of(month)
        day = contract.terms.settlement_day if contract else 0
        if day and today.day >= day:
            yield customer, month


def _close(db: Database, customer: Customer, month: BillingMonth, now: datetime) -> bool:
    """Close the month if it is not, and say whether it is closed now."""
    with db.read() as tx:
        if closed_epoch(tx, customer.customer_id, month) is not None:
            return True
    # Looked at first: each closing ends an epoch, and one that fails would end one every hour.
    for commit in (False, True):
        for each in close_month(
            db, month, customer=customer.slug, commit=commit, by=CLERK, now=now
        ):
            if each.done is Done.FAILED:
                _tell(db, customer, month, each.why, now)
                return False
    return True


def _propose(db: Database, customer: Customer, month: BillingMonth, now: datetime) -> int:
    with db.read() as tx:
        drafts = to_propose(tx, bills_of_customer_month(tx, customer.customer_id, month))
        fresh = [
            bill
            for bill in drafts
            if bill.lines and not proposals(tx, customer.customer_id, bill.bill_id)
        ]
    for bill in fresh:
        propose_bill(db, bill.bill_id, by=CLERK, now=now)
    return len(fresh)


def _tell(db: Database, customer: Customer, month: BillingMonth, why: str, now: datetime) -> None:
    log.warning("settlement.waits", customer=customer.slug, month=str(month), why=why)
    with db.begin() as tx:
        enqueue(tx, of_settlement(customer, month, why), at=now)
