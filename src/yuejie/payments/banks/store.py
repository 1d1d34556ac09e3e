"""The only SQL about our bank accounts, virtual accounts, authorised payers and parents."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from yuejie.db.session import Tx
from yuejie.kernel.ids import CustomerId
from yuejie.payments.banks.account import Authorisation, BankAccount, VirtualAccount

OPERATOR_READS: Final = {
    "virtual_by_number": "finds out whose number it is; there is no customer before it",
    "authorised_for": "finds out for whom a payer pays; there is no customer before it",
}
"""Reads that serve the operator or find the customer; all others take `customer_id` first."""

INSERT_ACCOUNT: Final = """
    INSERT INTO bank_account (account_id, holder, bank, number, currency, opened_at)
    VALUES (%(account_id)s, %(holder)s, %(bank)s, %(number)s, %(currency)s, %(opened_at)s)
    ON CONFLICT (number) DO NOTHING
"""


def insert_account(tx: Tx, account: BankAccount) -> bool:
    """Write an account down; False if its number is there."""
    done = tx.run(
        INSERT_ACCOUNT,
        account_id=account.account_id,
        holder=account.holder,
        bank=account.bank,
        number=account.number,
        currency=account.currency,
        opened_at=account.opened_at,
    )
    return done == 1


RENAME_ACCOUNT: Final = """
    UPDATE bank_account SET holder = %(holder)s, bank = %(bank)s WHERE account_id = %(account_id)s
"""


def rename_account(tx: Tx, account: BankAccount) -> None:
    """Write the holder's and the bank's name anew."""
    tx.run(RENAME_ACCOUNT, account_id=account.account_id, holder=account.holder, bank=account.bank)


ACCOUNT_BY_NAME: Final = """
    SELECT account_id, holder, bank, number, currency, opened_at
    FROM bank_account
    WHERE account_id = %(name)s OR number = %(name)s
"""


def account_by_name(tx: Tx, name: str) -> BankAccount | None:
    """Return the account of that number or id."""
    return tx.maybe(BankAccount, ACCOUNT_BY_NAME, name=name)


ACCOUNTS: Final = """
    SELECT account_id, holder, bank, number, currency, opened_at FROM bank_account ORDER BY number
"""


def accounts(tx: Tx) -> list[BankAccount]:
    """Return every account."""
    return tx.rows(BankAccount, ACCOUNTS)


INSERT_VIRTUAL: Final = """
    INSERT INTO virtual_account (number, account_id, customer_id, given_by, given_at)
    VALUES (%(number)s, %(account_id)s, %(customer_id)s, %(given_by)s, %(given_at)s)
    ON CONFLICT (number) DO NOTHING
"""


def insert_virtual(tx: Tx, virtual: VirtualAccount) -> bool:
    """Give a number to a customer; False if it is given already."""
    done = tx.run(
        INSERT_VIRTUAL,
        number=virtual.number,
        account_id=virtual.account_id,
        customer_id=virtual.customer_id,
        given_by=virtual.given_by,
        given_at=virtual.given_at,
    )
    return done == 1


VIRTUAL_BY_NUMBER: Final = """
    SELECT number, account_id, customer_id, given_by, given_at
    FROM virtual_account
    WHERE number = %(number)s
"""


def virtual_by_number(tx: Tx, number: str) -> VirtualAccount | None:
    """Return whose number it is."""
    return tx.maybe(VirtualAccount, VIRTUAL_BY_NUMBER, number=number)


VIRTUALS: Final = """
    SELECT number, account_id, customer_id, given_by, given_at
    FROM virtual_account
    WHERE customer_id = %(customer_id)s
    ORDER BY number
"""


def virtuals(tx: Tx, customer_id: CustomerId) -> list[VirtualAccount]:
    """Return the numbers that a customer pays into."""
    return tx.rows(VirtualAccount, VIRTUALS, customer_id=customer_id)


INSERT_AUTHORISATION: Final = """
    INSERT INTO payer_authorisation (authorisation_id, customer_id, payer_name, payer_number,
        document_name, document_sha256, starts_on, ends_on, filed_by, filed_at)
    VALUES (%(authorisation_id)s, %(customer_id)s, %(payer_name)s, %(payer_number)s,
        %(document_name)s, %(document_sha256)s, %(starts_on)s, %(ends_on)s, %(filed_by)s,
        %(filed_at)s)
"""


def insert_authorisation(tx: Tx, paper: Authorisation) -> None:
    """File a paper."""
    tx.run(
        INSERT_AUTHORISATION,
        authorisation_id=paper.authorisation_id,
        customer_id=paper.customer_id,
        payer_name=paper.payer_name,
        payer_number=paper.payer_number,
        document_name=paper.document_name,
        document_sha256=paper.document_sha256,
        starts_on=paper.starts_on,
        ends_on=paper.ends_on,
        filed_by=paper.filed_by,
        filed_at=paper.filed_at,
    )


AUTHORISATIONS: Final = """
    SELECT authorisation_id, customer_id, payer_name, payer_number, document_name,
           document_sha256, starts_on, ends_on, filed_by, filed_at
    FROM payer_authorisation
    WHERE customer_id = %(customer_id)s
    ORDER BY filed_at
"""


def authorisations(tx: Tx, customer_id: CustomerId) -> list[Authorisation]:
    """Return a customer's papers, the oldest first."""
    return tx.rows(Authorisation, AUTHORISATIONS, customer_id=customer_id)


AUTHORISED_FOR: Final = """
    SELECT authorisation_id, customer_id, payer_name, payer_number, document_name,
           document_sha256, starts_on, ends_on, filed_by, filed_at
    FROM payer_authorisation
    WHERE (payer_name = %(name)s AND %(name)s <> '')
       OR (payer_number = %(number)s AND %(number)s <> '')
    ORDER BY filed_at
"""


def authorised_for(tx: Tx, *, name: str, number: str) -> list[Authorisation]:
    """Return the papers that name a payer, for whichever customer."""
    return tx.rows(Authorisation, AUTHORISED_FOR, name=name, number=number)


@dataclass(frozen=True, slots=True)
class ParentRow:
    """From when on who pays for a subsidiary; None: it pays for itself again."""

    customer_id: CustomerId
    parent_id: CustomerId | None
    since: datetime


INSERT_PARENT: Final = """
    INSERT INTO customer_parent (customer_id, parent_id, since, by)
    VALUES (%(customer_id)s, %(parent_id)s, %(since)s, %(by)s)
"""


def insert_parent(
    tx: Tx, customer_id: CustomerId, parent_id: CustomerId | None, *, since: datetime, by: str
) -> None:
    """Write down who pays for a subsidiary from now on."""
    tx.run(INSERT_PARENT, customer_id=customer_id, parent_id=parent_id, since=since, by=by)


PARENT_OF: Final = """
    SELECT customer_id, parent_id, since
    FROM customer_parent
    WHERE customer_id = %(customer_id)s
    ORDER BY since DESC
    LIMIT 1
"""


def newest_parent(tx: Tx, customer_id: CustomerId) -> ParentRow | None:
    """Return what was said last of who pays for a customer."""
    return tx.maybe(ParentRow, PARENT_OF, customer_id=customer_id)


def parent_of(tx: Tx, customer_id: CustomerId) -> CustomerId | None:
    """Return who pays for a customer now."""
    row = newest_parent(tx, customer_id)
    return row.parent_id if row else None


SUBSIDIARIES: Final = """
    SELECT customer_id, parent_id, since
    FROM customer_parent newest
    WHERE parent_id = %(customer_id)s
      AND since = (SELECT max(since) FROM customer_parent c
                   WHERE c.customer_id = newest.customer_id)
    ORDER BY customer_id
"""


def subsidiaries(tx: Tx, customer_id: CustomerId) -> list[CustomerId]:
    """Return for whom a customer pays now."""
    return [row.customer_id for row in tx.rows(ParentRow, SUBSIDIARIES, customer_id=customer_id)]


@dataclass(frozen=True, slots=True)
class BankDay:
    """What the bank says an account holds, and what came of its lines."""

    on: date | None
    balance_fen: int | None
    in_fen: int
    out_fen: int


LAST_BALANCE: Final = """
    SELECT (SELECT max(booked_on) FROM statement_line
            WHERE account_id = %(account_id)s AND booked_on <= %(on)s) AS on,
           (SELECT closing_fen FROM statement_file f
            WHERE f.account_id = %(account_id)s AND f.closing_fen IS NOT NULL
              AND (SELECT max(booked_on) FROM statement_line l
                   WHERE l.file_id = f.file_id) <= %(on)s
            ORDER BY (SELECT max(booked_on) FROM statement_line l
                      WHERE l.file_id = f.file_id) DESC, f.imported_at DESC
            LIMIT 1) AS balance_fen,
           COALESCE(sum(amount_fen) FILTER (WHERE direction = 'in'), 0)::bigint AS in_fen,
           COALESCE(sum(amount_fen) FILTER (WHERE direction = 'out'), 0)::bigint AS out_fen
    FROM statement_line
    WHERE account_id = %(account_id)s AND booked_on <= %(on)s
"""


def bank_day(tx: Tx, account_id: str, on: date) -> BankDay:
    """Return what the statements of an account say up to a day."""
    return tx.row(BankDay, LAST_BALANCE, account_id=account_id, on=on)
