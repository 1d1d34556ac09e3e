"""Entries as the rooms above post them, for tests that look at the books."""

from datetime import UTC, datetime

from yuejie.db.session import Database
from yuejie.ledger.post import post
from yuejie.ledger.posting import Account, Entry, credit, debit

NOW = datetime(2026, 11, 1, tzinfo=UTC)
LATER = datetime(2026, 11, 15, tzinfo=UTC)


def issued(bill: str, fen: int, party: str = "cus_a", at: datetime = NOW) -> Entry:
    tax = fen * 6 // 106
    return Entry(
        key=f"bill:{bill}:issue",
        kind="bill_issued",
        at=at,
        by="clerk",
        postings=(
            debit(Account.RECEIVABLE, fen, "CNY", party),
            credit(Account.REVENUE, fen - tax, "CNY", party),
            credit(Account.TAX_PAYABLE, tax, "CNY", party),
        ),
    )


def received(name: str, fen: int, party: str = "cus_a", at: datetime = LATER) -> Entry:
    return Entry(
        key=f"receipt:{name}",
        kind="receipt",
        at=at,
        by="clerk",
        postings=(
            debit(Account.BANK, fen, "CNY", "bank_1"),
            credit(Account.RECEIVABLE, fen, "CNY", party),
        ),
    )


def written(db: Database, entry: Entry) -> bool:
    with db.begin() as tx:
        return post(tx, entry)
