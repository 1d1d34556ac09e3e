"""The only SQL about contract numbers."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from yuejie.db.session import Tx
from yuejie.kernel.ids import ContractId, CustomerId

OPERATOR_READS: Final = {
    "contract_called": "whoever names a contract by its number is looked at behind it",
    "draft_called": "whoever names a draft by its number is looked at behind it",
    "every_number": "the operator lists everybody's contracts",
    "keep_number": "the draft is the signer's; its number goes over to what it became",
}
"""Reads that serve the operator or find the customer; all others take `customer_id` first."""


@dataclass(frozen=True, slots=True)
class Numbered:
    """A number and what it was given to: a draft, the contract that came of it, or both."""

    number: str
    draft_id: str | None
    contract_id: ContractId | None


NEXT_NUMBER: Final = """
    INSERT INTO contract_number_last (year, last) VALUES (%(year)s, 1)
    ON CONFLICT (year) DO UPDATE SET last = contract_number_last.last + 1
    RETURNING last
"""


def next_number(tx: Tx, year: int) -> int:
    """Take the next number of a year."""
    return int(tx.value(NEXT_NUMBER, year=year))


INSERT_NUMBER: Final = """
    INSERT INTO contract_number (number, customer_id, draft_id, contract_id, given_at)
    VALUES (%(number)s, %(customer_id)s, %(draft_id)s, %(contract_id)s, %(given_at)s)
"""


def insert_number(
    tx: Tx, customer_id: CustomerId, numbered: Numbered, *, given_at: datetime
) -> None:
    """Write a number down, once for each draft and each contract."""
    tx.run(
        INSERT_NUMBER,
        number=numbered.number,
        customer_id=customer_id,
        draft_id=numbered.draft_id,
        contract_id=numbered.contract_id,
        given_at=given_at,
    )


KEEP_NUMBER: Final = """
    UPDATE contract_number SET contract_id = %(contract_id)s
    WHERE draft_id = %(draft_id)s AND contract_id IS NULL
"""


def keep_number(tx: Tx, draft_id: str, contract_id: ContractId) -> bool:
    """Give a draft's number to the contract that came of it; False where it has none to give."""
    return tx.run(KEEP_NUMBER, draft_id=draft_id, contract_id=contract_id) == 1


NUMBERS_OF: Final = """
    SELECT number, draft_id, contract_id FROM contract_number WHERE customer_id = %(customer_id)s
"""


def numbers_of(tx: Tx, customer_id: CustomerId) -> dict[str, str]:
    """Return a customer's numbers by the ids of drafts and contracts."""
    return _by_id(tx.rows(Numbered, NUMBERS_OF, customer_id=customer_id))


EVERY_NUMBER: Final = "SELECT number, draft_id, contract_id FROM contract_number"


def every_number(tx: Tx) -> dict[str, str]:
    """Return everybody's numbers by the ids of drafts and contracts."""
    return _by_id(tx.rows(Numbered, EVERY_NUMBER))


CONTRACT_CALLED: Final = """
    SELECT number, draft_id, contract_id FROM contract_number WHERE number = %(number)s
"""


def contract_called(tx: Tx, number: str) -> ContractId | None:
    """Return the contract of a number; None where there is none, or only a draft."""
    found = tx.maybe(Numbered, CONTRACT_CALLED, number=number)
    return found.contract_id if found else None


def draft_called(tx: Tx, number: str) -> str | None:
    """Return the draft of a number; None where there is none, or it was signed."""
    found = tx.maybe(Numbered, CONTRACT_CALLED, number=number)
    return found.draft_id if found and found.contract_id is None else None


def _by_id(rows: list[Numbered]) -> dict[str, str]:
    return {each: row.number for row in rows for each in (row.draft_id, row.contract_id) if each}
