"""Look at receivables: ageing, a statement of account, the bank against the books."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from yuejie.customers.customer import Customer
from yuejie.customers.enrol import find_customer
from yuejie.customers.store import customers
from yuejie.db.session import Database, Tx
from yuejie.kernel.errors import Invalid
from yuejie.kernel.ids import CustomerId
from yuejie.kernel.period import zone_of
from yuejie.ledger.posting import Account
from yuejie.ledger.show import BOOKS_ZONE
from yuejie.ledger.statement import Movement
from yuejie.ledger.store import statement, stood
from yuejie.payments.apportion.open import amounts_of
from yuejie.payments.apportion.shares import OpenAmount
from yuejie.payments.apportion.store import Closed, closed_by
from yuejie.payments.banks.account import BankAccount
from yuejie.payments.banks.keep import find_account
from yuejie.payments.banks.store import bank_day
from yuejie.payments.dunning.standing import Credit, Standing, credit_now, standing_now
from yuejie.payments.receivables.ageing import Aged, aged
from yuejie.payments.receivables.store import owed_by, owed_by_all
from yuejie.payments.receivables.words import words_of

APPORTIONED: Final = "payment.apportion"
KINDS: Final = {"bill.issue": "账单出账", "bill.credit": "冲减", "reverse": "冲销"}
"""What people read for the kinds of entries that move a receivable; what closes a bill is named by
where it came from."""


@dataclass(frozen=True, slots=True)
class AccountRow:
    """One movement of a receivable: what was added or taken, and what is owed after it, in fen."""

    on: date
    what: str
    memo: str
    fen: int
    balance_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountStatement:
    """A customer's receivable over a span of days, as the ledger has it.

    Prepayment, deposit and open bills are those of its end too, whenever one asks.
    """

    customer: Customer
    currency: str
    since: date
    until: date
    opening_fen: int
    rows: tuple[AccountRow, ...]
    closing_fen: int
    prepayment_fen: int
    deposit_fen: int
    open: tuple[OpenAmount, ...]


def statement_of_account(
    db: Database, customer: str, since: date, until: date, *, currency: str | None = None
) -> AccountStatement:
    """Return what moved on a customer's receivable from `since` on and before `until`.

    It is in one currency, the customer's own where none is named. Its rows are the ledger's own;
    opening plus rows is closing, and so is what is `open` of its bills at the end.
    """
    if until <= since:
        raise Invalid(f"对账期间须至少一天：{since} 至 {until}（不含）")
    with db.read(consistent=True) as tx:
        found = find_customer(tx, customer)
        customer_id, currency = found.customer_id, currency or found.currency
        zone = zone_of(found.zone)
        start, end = (datetime(d.year, d.month, d.day, tzinfo=zone) for d in (since, until))
        moved = statement(tx, customer_id, Account.RECEIVABLE, start, end)
        rows = tuple(
            AccountRow(move.at.astimezone(zone).date(), what, memo, move.fen, move.balance_fen)
            for move, (what, memo) in _worded(tx, customer_id, moved.movements)
            if move.currency == currency
        )
        return AccountStatement(
            customer=found,
            currency=currency,
            since=since,
            until=until,
            opening_fen=moved.opening.get(currency, 0),
            rows=rows,
            closing_fen=moved.closing.get(currency, 0),
            prepayment_fen=-stood(
                tx, Account.PREPAYMENT, party=customer_id, currency=currency, before=end
            ),
            deposit_fen=-stood(
                tx, Account.DEPOSIT, party=customer_id, currency=currency, before=end
            ),
            open=tuple(
                a for a in owed_by(tx, customer_id, end) if a.open_fen and a.currency == currency
            ),
        )


def _worded(
    tx: Tx, customer_id: CustomerId, moves: Sequence[Movement]
) -> Iterator[tuple[Movement, tuple[str, str]]]:
    """Yield movements with what each was: a batch books its rows on bills in their own order."""
    batches = sorted({move.refers_to for move in moves if move.kind == APPORTIONED})
    closed: dict[str, list[Closed]] = defaultdict(list)
    for row in closed_by(tx, customer_id, batches):
        closed[row.batch_id].append(row)
    left = {batch: iter(rows) for batch, rows in closed.items()}
    for move in moves:
        if move.kind == APPORTIONED:
            row = next(left[move.refers_to])
            assert row.amount_fen == -move.fen, f"{move.key} books other than its rows"
            yield move, words_of(row)
        else:
            yield move, (KINDS.get(move.kind, move.kind), move.memo)


@dataclass(frozen=True, slots=True)
class Debtor:
    """A customer, and what it owes in one currency."""

    customer: Customer
    aged: Aged


def age_receivables(db: Database, on: date, *, customer: str | None = None) -> list[Debtor]:
    """Return what everybody (or one customer) owed when a day ended, by age; the most first.

    What came in, was credited or voided since, and bills that were issued since, change nothing.
    """
    with db.read(consistent=True) as tx:
        before = _end_of(on)
        if customer:
            asked = [find_customer(tx, customer)]
            owed = owed_by(tx, asked[0].customer_id, before)
        else:
            asked, owed = customers(tx), owed_by_all(tx, before)
        opens: dict[CustomerId, list[OpenAmount]] = defaultdict(list)
        for amount in owed:
            opens[amount.customer_id].append(amount)
        found = [Debtor(each, row) for each in asked for row in aged(opens[each.customer_id], on)]
    return sorted(found, key=lambda debtor: (debtor.aged.currency, -debtor.aged.total_fen))


def _end_of(on: date) -> datetime:
    """Return the instant in which a day of the books ends; no day ends behind the last of all."""
    if date.max - on < timedelta(days=2):
        return datetime.max.replace(tzinfo=UTC)
    return datetime(on.year, on.month, on.day, tzinfo=zone_of(BOOKS_ZONE)) + timedelta(days=1)


def open_amounts(db: Database, customer: str) -> list[OpenAmount]:
    """Return a customer's issued bills with what is open of each."""
    with db.read(consistent=True) as tx:
        return amounts_of(tx, find_customer(tx, customer).customer_id)


@dataclass(frozen=True, slots=True)
class Position:
    """How a customer stands: its credit, what holds of it, and its state."""

    customer: Customer
    credit: Credit
    standing: Standing


def position_of(tx: Tx, customer_id: CustomerId, now: datetime) -> Position:
    """Return a customer's credit and standing at this moment; nothing is changed."""
    return Position(
        find_customer(tx, customer_id),
        credit_now(tx, customer_id, now),
        standing_now(tx, customer_id, now),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class BankCheck:
    """余额调节: what the bank says an account held, what the books said, and what lay between.

    `moved_fen` is in − out over the imported lines up to the day, `booked_fen` the ledger's balance
    at its end. They differ by what was imported later, and by what left the account and was booked
    elsewhere or not at all: `unbooked_fen`.
    """

    account: BankAccount
    on: date
    last_line_on: date | None
    bank_fen: int | None
    moved_fen: int
    booked_fen: int
    suspense_fen: int

    @property
    def unbooked_fen(self) -> int:
        """What the statements moved that the books have not."""
        return self.moved_fen - self.booked_fen


def check_bank(db: Database, account: str, *, on: date) -> BankCheck:
    """Compare an account's statements with its ledger account up to a day."""
    with db.read(consistent=True) as tx:
        ours = find_account(tx, account)
        day = bank_day(tx, ours.account_id, on)
        booked, waiting = (
            stood(tx, account, party=ours.account_id, currency=ours.currency, before=_end_of(on))
            for account in (Account.BANK, Account.SUSPENSE)
        )
        return BankCheck(
            account=ours,
            on=on,
            last_line_on=day.on,
            bank_fen=day.balance_fen,
            moved_fen=day.in_fen - day.out_fen,
            booked_fen=booked,
            suspense_fen=-waiting,
        )


def month_span(first: date) -> tuple[date, date]:
    """Return the first day of a month and of the next."""
    start = first.replace(day=1)
    return start, (start + timedelta(days=32)).replace(day=1)
