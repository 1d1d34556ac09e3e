"""The only SQL about the books of contracts: what each is derived by."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from yuejie.contracts.agreed.pricing import Pricing, decode_pricing, encode_pricing
from yuejie.contracts.agreed.schedule import Hold
from yuejie.db.session import Tx
from yuejie.kernel.ids import BookId, ContractId, CustomerId

OPERATOR_READS: Final = {
    "contract_book": "whoever prices by a book may know what it is derived by",
    "children_of": "a publication reaches every customer's book below it",
}
"""Reads that serve the operator; all others take `customer_id` first."""


@dataclass(frozen=True, slots=True)
class ContractBook:
    """A book of a contract: its parent, what was agreed about it, and what it may not do."""

    book_id: BookId
    parent_book: str
    currency: str
    contract_id: ContractId
    customer_id: CustomerId
    pricing: Pricing
    hold: Hold
    created_at: datetime


@dataclass(frozen=True, slots=True)
class _Row:
    book_id: BookId
    parent_book: str
    currency: str
    contract_id: ContractId
    customer_id: CustomerId
    pricing: str
    priced_at: datetime
    lock_until: datetime | None
    notice_days: int
    created_at: datetime


def _book(row: _Row) -> ContractBook:
    return ContractBook(
        book_id=row.book_id,
        parent_book=row.parent_book,
        currency=row.currency,
        contract_id=row.contract_id,
        customer_id=row.customer_id,
        pricing=decode_pricing(row.pricing),
        hold=Hold(row.priced_at, row.lock_until, timedelta(days=row.notice_days), row.created_at),
        created_at=row.created_at,
    )


CONTRACT_BOOK: Final = """
    SELECT c.book_id, b.parent_book, b.currency, c.contract_id, c.customer_id,
           c.pricing::text AS pricing, c.priced_at, c.lock_until, c.notice_days, c.created_at
    FROM contract_book c JOIN book b USING (book_id)
    WHERE c.book_id = %(book_id)s
"""


def contract_book(tx: Tx, book_id: str) -> ContractBook | None:
    """Return what a book is derived by, or None if it is no contract's own."""
    row = tx.maybe(_Row, CONTRACT_BOOK, book_id=book_id)
    return _book(row) if row else None


CHILDREN: Final = """
    SELECT c.book_id, b.parent_book, b.currency, c.contract_id, c.customer_id,
           c.pricing::text AS pricing, c.priced_at, c.lock_until, c.notice_days, c.created_at
    FROM contract_book c JOIN book b USING (book_id)
    WHERE b.parent_book = %(parent)s
    ORDER BY c.book_id
"""


def children_of(tx: Tx, parent: str) -> list[ContractBook]:
    """Return the books of contracts that are derived from a book."""
    return [_book(row) for row in tx.rows(_Row, CHILDREN, parent=parent)]


INSERT: Final = """
    INSERT INTO contract_book (book_id, contract_id, customer_id, pricing, priced_at, lock_until,
                               notice_days, created_at)
    VALUES (%(book_id)s, %(contract_id)s, %(customer_id)s, %(pricing)s::jsonb, %(priced_at)s,
            %(lock_until)s, %(notice_days)s, %(created_at)s)
"""


def insert_contract_book(tx: Tx, book: ContractBook) -> None:
    """Write down what a book, written just before, is derived by."""
    tx.run(
        INSERT,
        book_id=book.book_id,
        contract_id=book.contract_id,
        customer_id=book.customer_id,
        pricing=encode_pricing(book.pricing),
        priced_at=book.hold.priced_at,
        lock_until=book.hold.lock_until,
        notice_days=book.hold.notice.days,
        created_at=book.created_at,
    )
