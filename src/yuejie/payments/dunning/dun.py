"""What the clerk does about money each day: remind, charge late fees, watch, tidy up.

Each customer is a transaction of its own, and doing a day twice does nothing more.
"""

from collections import Counter
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

import structlog

from yuejie.bills.bill import Bill, BillState
from yuejie.bills.correct.adjust import charge_late_fee
from yuejie.bills.find import find_bill
from yuejie.contracts.contract import at as version_at
from yuejie.contracts.store import contract_at, contracts_of
from yuejie.contracts.terms import CommercialTerms, PaymentMode
from yuejie.customers.enrol import find_customer
from yuejie.db.deeds import Deed, record_deed
from yuejie.db.session import Database, Tx
from yuejie.kernel.errors import DomainError, Invalid
from yuejie.kernel.ids import BillId, CustomerId
from yuejie.kernel.limits import REPRIEVE_DAYS
from yuejie.kernel.money import Money
from yuejie.kernel.period import BillingMonth, zone_of
from yuejie.notices.notice import Kind
from yuejie.payments.apportion import store as apportion_store
from yuejie.payments.apportion.book import hold_customers
from yuejie.payments.apportion.draw import Holding, draw, return_excess
from yuejie.payments.apportion.move import Use
from yuejie.payments.apportion.open import amounts_of
from yuejie.payments.apportion.shares import OpenAmount, oldest_first
from yuejie.payments.banks.store import parent_of
from yuejie.payments.dunning import store
from yuejie.payments.dunning.late_fee import LateFee, late_fee
from yuejie.payments.dunning.reprieve import last_day
from yuejie.payments.dunning.schedule import kind_of, step_on
from yuejie.payments.dunning.standing import (
    StandingState,
    credit_of,
    drafted,
    review_standing,
    review_standings,
    watched_limit,
)
from yuejie.payments.receipts.store import open_receipts
from yuejie.payments.telling import News, tell

log = structlog.get_logger()

CLERK: Final = "clerk"
SUSPENSE_DAYS: Final = (3, 10, 30)
"""After so many days our own people are told of a receipt that nobody has placed."""
_PAGE: Final = 500
_HOME: Final = "Asia/Shanghai"
"""Where our banks are."""


@dataclass(frozen=True, slots=True)
class Dunned:
    """What a day's round came to."""

    customers: int
    reminders: int
    late_fees: int
    drawn: int
    failed: int


@dataclass
class Counts:
    """What is done in a round, counted as it goes."""

    reminders: int = 0
    late_fees: int = 0
    drawn: int = 0


def daily_dunning(db: Database, now: datetime) -> Dunned:
    """Return excesses, draw prepayments on due bills, remind, charge late fees, review standings.

    A customer that fails is logged and left for the next round; the others go on.
    """
    counts = Counts()
    customers = failed = 0
    for customer_id in _customers(db):
        customers += 1
        try:
            return_excess(db, customer_id, by=CLERK, now=now)
            dun_customer(db, customer_id, counts=counts, now=now)
        except DomainError as error:
            failed += 1
            log.warning("payments.dunning_failed", customer=customer_id, why=error.sentence)
    return Dunned(customers, counts.reminders, counts.late_fees, counts.drawn, failed)


def watch_credit(db: Database, now: datetime) -> int:
    """Review how every customer stands; return how many are suspended.

    A customer that fails is logged and left for the next round; the others go on.
    """
    suspended = 0
    for customer_id in _customers(db):
        try:
            suspended += _watch(db, customer_id, now) is StandingState.SUSPENDED
        except DomainError as error:
            log.warning("payments.watch_failed", customer=customer_id, why=error.sentence)
    return suspended


def _watch(db: Database, customer_id: CustomerId, now: datetime) -> StandingState:
    """Review one customer; one without a limit that nothing was ever the matter with is passed by.

    What is overdue is found by the dunning round, which looks at everybody.
    """
    with db.begin() as tx:
        if store.standing(tx, customer_id) is None and watched_limit(tx, customer_id, now) is None:
            return StandingState.NORMAL
        return review_standing(tx, customer_id, by=CLERK, now=now).state


def _customers(db: Database) -> Iterator[CustomerId]:
    after = ""
    while True:
        with db.read() as tx:
            page = store.watched(tx, after=after, limit=_PAGE)
        yield from page
        if len(page) < _PAGE:
            return
        after = page[-1]


def dun_customer(
    db: Database,
    customer_id: CustomerId,
    *,
    counts: Counts,
    now: datetime,
) -> None:
    """Do for one customer what its day asks for."""
    with db.begin() as tx:
        payer = parent_of(tx, customer_id)
        hold_customers(tx, [customer_id, *([payer] if payer else [])])
        customer = find_customer(tx, customer_id)
        zone = zone_of(customer.zone)
        today = now.astimezone(zone).date()
        counts.drawn += _draw_due(tx, customer_id, today, now)
        of_payer = _draw_of(tx, payer, customer_id, today, now) if payer else 0
        counts.drawn += of_payer
        amounts = amounts_of(tx, customer_id)
        book = _LateBook(tx, customer_id)
        for amount in amounts:
            if amount.due_on is None:
                continue
            counts.reminders += _remind(tx, amount, amount.due_on, today, now)
            counts.late_fees += _charge(tx, amount, amount.due_on, book, today, now)
        standing = {amount.bill_id for amount in amounts}
        counts.late_fees += _give_back(tx, customer_id, book, standing, today, now)
        moved = [customer_id, *([payer] if payer and of_payer else [])]
        review_standings(tx, moved, by=CLERK, now=now)


def _draw_due(tx: Tx, customer_id: CustomerId, today: date, now: datetime) -> int:
    """Pay due bills from the customer's prepayment, as far as it reaches; return the bills."""
    due = _due(tx, customer_id, today, payer=customer_id)
    drawn = 0
    for currency in sorted({a.currency for a in due if a.open_fen > 0}):
        free = apportion_store.held(tx, customer_id, Use.PREPAYMENT, currency)
        shares = oldest_first(free, currency, due).shares if free > 0 else ()
        if shares:
            holding = Holding(customer_id, Use.PREPAYMENT, currency)
            draw(tx, holding, shares, on=today, why="到期以预收款抵付", by=CLERK, now=now)
            drawn += len(shares)
    return drawn


def _draw_of(tx: Tx, payer: CustomerId, customer_id: CustomerId, today: date, now: datetime) -> int:
    """Pay a customer's due bills from the prepayment of who pays for it; return the bills.

    What the payer owes itself by now is left there, also in a currency it had a contract in before.
    So is all that a contract is served from that asks for money before use: whoever draws on that
    does it by name.
    """
    contract = contract_at(tx, payer, now)
    if contract is not None and contract.terms.payment_mode is not PaymentMode.POSTPAID:
        return 0
    due = _due(tx, customer_id, today, payer=payer)
    own, drawn = amounts_of(tx, payer), 0
    for currency in sorted({a.currency for a in due if a.open_fen > 0}):
        credit = credit_of(tx, payer, contract, own, now)
        owed = sum(a.open_fen for a in own if a.currency == currency and a.open_fen > 0)
        owed += max(0, drafted(tx, payer, currency))
        kept = max(owed, credit.used_fen if credit.currency == currency else 0)
        free = apportion_store.held(tx, payer, Use.PREPAYMENT, currency) - kept
        shares = oldest_first(free, currency, due).shares if free > 0 else ()
        if shares:
            why = f"到期以上级 {find_customer(tx, payer).legal_name} 的预收款抵付"
            holding = Holding(payer, Use.PREPAYMENT, currency)
            draw(tx, holding, shares, on=today, why=why, by=CLERK, now=now)
            drawn += len(shares)
    return drawn


def _due(tx: Tx, customer_id: CustomerId, today: date, *, payer: CustomerId) -> list[OpenAmount]:
    """Return the bills of a customer whose day has come, and that a prepayment may pay by itself.

    What a person took back from a bill is left to persons.
    """
    back = apportion_store.taken_back(tx, customer_id, payer)
    return [
        a
        for a in amounts_of(tx, customer_id)
        if a.due_on is not None and a.due_on <= today and a.bill_id not in back
    ]


def _remind(tx: Tx, amount: OpenAmount, due_on: date, today: date, now: datetime) -> int:
    step = step_on(due_on, today)
    if step is None or amount.open_fen <= 0 or amount.state != "issued":
        return 0
    owner = amount.customer_id
    if not store.remind(tx, owner, amount.bill_id, due_on=due_on, step=step, at=now):
        return 0
    facts = {
        "number": amount.number,
        "month": amount.month,
        "amount": f"{Money(amount.open_fen, amount.currency)} {amount.currency}",
        "due_on": due_on.isoformat(),
        "days": str((today - due_on).days),
    }
    key = f"dun:{amount.bill_id}:{due_on.isoformat()}:{step:+d}"
    tell(tx, News(kind_of(step), owner, facts, key, now))
    return 1


class _LateBook:
    """What a customer's late fees follow from, of all its bills at once.

    Whatever was paid and charged to its end years ago may still change, by a payment that is booked
    late: so it is looked at each day, but no read is its own.
    """

    def __init__(self, tx: Tx, customer_id: CustomerId) -> None:
        self.charged: Counter[BillId] = Counter()
        for row in store.late_fees(tx, customer_id):
            self.charged[row.bill_id] += row.fen
        self._paid = store.paid(tx, customer_id)
        self._drawn = store.drawn(tx, customer_id)
        self._versions = contracts_of(tx, customer_id)

    def terms_of(self, amount: OpenAmount, now: datetime) -> CommercialTerms:
        """Return the terms under which a bill was drawn: the contract as it was signed for it."""
        bill = self._drawn[amount.bill_id]
        named = [
            version
            for version in self._versions
            if (version.contract_id, version.version) == (bill.contract_id, bill.contract_version)
        ]
        found = named[0] if named else version_at(self._versions, now)
        return found.terms if found else CommercialTerms()

    def fee_of(
        self, amount: OpenAmount, due_on: date, until: date, terms: CommercialTerms
    ) -> LateFee:
        """Return what lateness comes to by a day, on a bill's principal without late fees."""
        fees = self._drawn[amount.bill_id].fees_fen
        return late_fee(
            amount.gross_fen - amount.credited_fen - max(fees, 0),
            due_on,
            self._paid.get(amount.bill_id, ()),
            until,
            ppm_per_day=terms.late_fee_ppm_per_day,
            cap_ppm=terms.late_fee_cap_ppm,
        )


def _charge(
    tx: Tx, amount: OpenAmount, due_on: date, book: _LateBook, today: date, now: datetime
) -> int:
    """Charge what lateness has come to since the last charge: at a month's end, and once paid.

    A payment that is booked late by us, for an earlier day, takes the difference back.
    """
    if today <= due_on or amount.state == "written_off":
        return 0
    terms = book.terms_of(amount, now)
    if terms.late_fee_ppm_per_day == 0:
        return 0
    closed = amount.open_fen <= 0
    until = today if closed else today.replace(day=1) - timedelta(days=1)
    if until <= due_on:
        return 0
    fee = book.fee_of(amount, due_on, until, terms)
    fen = fee.fen - book.charged[amount.bill_id]
    if fen == 0:
        return 0
    bill = find_bill(tx, amount.bill_id)
    _write_fee(tx, amount.customer_id, bill, until, LateFee(fen, fee.days), now)
    return 1


def _give_back(
    tx: Tx,
    customer_id: CustomerId,
    book: _LateBook,
    standing: AbstractSet[BillId],
    today: date,
    now: datetime,
) -> int:
    """Take the late fees of voided bills back: nothing was owed, so nobody was late."""
    given = 0
    for bill_id, fen in sorted(book.charged.items()):
        if fen == 0 or bill_id in standing:
            continue
        bill = find_bill(tx, bill_id)
        if bill.state is BillState.VOIDED:
            _write_fee(tx, customer_id, bill, today, LateFee(-fen, 0), now)
            given += 1
    return given


def _write_fee(
    tx: Tx, customer_id: CustomerId, bill: Bill, until: date, fee: LateFee, now: datetime
) -> None:
    """Add what a bill's lateness costs more, or less, than was charged to the next bill."""
    position = len(store.late_fees(tx, customer_id, bill.bill_id)) + 1
    row = store.LateFeeRow(bill.bill_id, position, until, fee.days, fee.fen, now)
    store.insert_late_fee(tx, customer_id, row)
    charge_late_fee(
        tx,
        customer_id,
        bill_id=bill.bill_id,
        number=bill.name,
        amount_fen=fee.fen,
        currency=bill.currency,
        days=fee.days,
        month=BillingMonth.of(now, zone_of(find_customer(tx, customer_id).zone)),
        by=CLERK,
        at=now,
        key=f"late_fee:{bill.bill_id}:{position}",
    )


def remind_of_suspense(db: Database, now: datetime) -> int:
    """Tell our own people of receipts that nobody has placed for days; each step of days once."""
    told = 0
    with db.begin() as tx:
        for receipt in open_receipts(tx, limit=10_000):
            days = (now.astimezone(zone_of(_HOME)).date() - receipt.received_on).days
            step = max((step for step in SUSPENSE_DAYS if days >= step), default=0)
            if not step:
                continue
            facts = {
                "receipt": receipt.receipt_id,
                "amount": f"{Money(receipt.amount_fen, receipt.currency)} {receipt.currency}",
                "payer": receipt.payer_name,
                "received_on": receipt.received_on.isoformat(),
                "state": str(receipt.state),
                "days": str(days),
            }
            key = f"suspense_unclaimed:{receipt.receipt_id}:{step}"
            told += tell(tx, News(Kind.SUSPENSE_UNCLAIMED, None, facts, key, now))
    return told


def grant_reprieve(
    db: Database, customer: str, until_on: date, *, why: str, by: str, now: datetime
) -> None:
    """Put a customer's suspension off until the end of a day, by one person's word.

    Raises Invalid for longer than `REPRIEVE_DAYS` from the customer's today, or from when the same
    person did so first in this run: beyond it takes another person, or credit, which takes two.
    """
    if not why.strip():
        raise Invalid("延停须写明原因，请补全后重试")
    with db.begin() as tx:
        owner = find_customer(tx, customer)
        tx.lock_exclusive(f"reprieve {owner.customer_id}")
        zone = zone_of(owner.zone)
        today = now.astimezone(zone).date()
        if until_on < today:
            raise Invalid(f"延停的截止日 {until_on} 已过，请填写 {today} 或以后的日期")
        given = store.reprieves(tx, owner.customer_id)
        last = last_day(given, by=by, today=today, zone=zone)
        if until_on > last:
            raise Invalid(
                f"{by} 一人延停最多 {REPRIEVE_DAYS} 天，客户 {owner.slug} 到 {last} 为止；"
                "更久须由另一人延停，或申请临时额度（yuejie limits ask），由另一人审批"
            )
        was = store.last_reprieve(tx, owner.customer_id)
        store.insert_reprieve(tx, owner.customer_id, until_on=until_on, why=why, by=by, at=now)
        deed = Deed(by, now, "reprieve", "customer", owner.slug, why)
        record_deed(tx, deed, was={"until_on": was}, became={"until_on": until_on})
        review_standing(tx, owner.customer_id, by=by, now=now)
