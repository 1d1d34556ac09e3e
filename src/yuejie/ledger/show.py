"""Look into the books: balances, statements, the trial balance, entries of a month."""

from dataclasses import dataclass
from typing import Final

from yuejie.db.session import Database
from yuejie.kernel.errors import Invalid
from yuejie.kernel.period import BillingMonth, Span, zone_of
from yuejie.ledger import store
from yuejie.ledger.posting import ACCOUNT_NAMES, Account
from yuejie.ledger.statement import Statement, TrialLine, Written
from yuejie.ledger.store import Balance

BOOKS_ZONE: Final = "Asia/Shanghai"
"""The books are kept in Chinese months, whatever the customers' zones (会计法 §11)."""


@dataclass(frozen=True, slots=True)
class TrialBalance:
    """试算平衡表: every account over some months; each column sums to zero per currency."""

    first: BillingMonth
    last: BillingMonth
    lines: tuple[TrialLine, ...]

    @property
    def differences(self) -> dict[str, int]:
        """Closing fen by currency, over all accounts: zero, or the books are wrong."""
        sums: dict[str, int] = {}
        for line in self.lines:
            sums[line.currency] = sums.get(line.currency, 0) + line.closing_fen
        return sums


def books_span(first: BillingMonth, last: BillingMonth) -> Span:
    """Return the instants of some months of the books."""
    if str(last) < str(first):
        raise Invalid(f"止月 {last} 早于起月 {first}，请对调后重试")
    zone = zone_of(BOOKS_ZONE)
    return Span(first.span(zone).start, last.span(zone).end)


def account_named(word: str) -> Account:
    """Find an account by its word or its Chinese name."""
    for account, chinese in ACCOUNT_NAMES.items():
        if word in {account.value, chinese}:
            return account
    raise Invalid(
        f"没有科目“{word}”，可用的科目：{'、'.join(account.value for account in Account)}"
    )


def trial_balance(db: Database, first: BillingMonth, last: BillingMonth) -> TrialBalance:
    """Sum every account up over some months, at one moment of the books."""
    span = books_span(first, last)
    with db.read(consistent=True) as tx:
        return TrialBalance(first, last, tuple(store.trial_balance(tx, span.start, span.end)))


def show_statement(
    db: Database, party: str, account: Account, first: BillingMonth, last: BillingMonth
) -> Statement:
    """Return an account of a party over some months, with a running balance."""
    span = books_span(first, last)
    with db.read(consistent=True) as tx:
        return store.statement(tx, party, account, span.start, span.end)


def show_balances(
    db: Database, *, party: str | None = None, account: Account | None = None
) -> list[Balance]:
    """Return balances by account, party and currency; those of one party or account if named."""
    with db.read() as tx:
        return store.balances(tx, party=party, account=account)


def show_entries(
    db: Database, first: BillingMonth, last: BillingMonth, *, after: int, limit: int
) -> list[Written]:
    """Return a page of the entries of some months, in the order they were written."""
    span = books_span(first, last)
    with db.read() as tx:
        return store.entries_between(tx, span.start, span.end, after=after, limit=limit)
