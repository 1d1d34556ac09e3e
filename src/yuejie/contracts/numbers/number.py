"""Give a contract its number when it is drafted, and keep it through signature and versions."""

from datetime import datetime

from yuejie.contracts.numbers import store
from yuejie.db.session import Tx
from yuejie.kernel.ids import ContractId, CustomerId
from yuejie.kernel.period import zone_of


def number_draft(tx: Tx, draft_id: str, customer_id: CustomerId, zone: str, now: datetime) -> None:
    """Give a draft of a new contract the next number of the year, in the contract's zone."""
    numbered = store.Numbered(_next(tx, zone, now), draft_id, None)
    store.insert_number(tx, customer_id, numbered, given_at=now)


def number_contract(
    tx: Tx,
    contract_id: ContractId,
    customer_id: CustomerId,
    zone: str,
    now: datetime,
    *,
    draft_id: str | None = None,
) -> None:
    """Give a contract the number of the draft that it came of, or the next where that has none."""
    if draft_id is not None and store.keep_number(tx, draft_id, contract_id):
        return
    numbered = store.Numbered(_next(tx, zone, now), None, contract_id)
    store.insert_number(tx, customer_id, numbered, given_at=now)


def number_of(tx: Tx, customer_id: CustomerId, name: str) -> str:
    """Return the number of a contract or draft by its id; those from before have none."""
    return store.numbers_of(tx, customer_id).get(name, "")


def called(tx: Tx, customer_id: CustomerId, name: str) -> str:
    """Return what a contract or draft is called: its number, or its id where it has none."""
    return number_of(tx, customer_id, name) or name


def contract_named(tx: Tx, name: str) -> ContractId:
    """Return the id of a contract that is named by its number or id."""
    return store.contract_called(tx, name.strip()) or ContractId(name.strip())


def draft_named(tx: Tx, name: str) -> str:
    """Return the id of a draft that is named by its id, or by its number while it is unsigned.

    Once signed the number names the contract; an amendment has none of its own.
    """
    return store.draft_called(tx, name.strip()) or name.strip()


def _next(tx: Tx, zone: str, now: datetime) -> str:
    year = now.astimezone(zone_of(zone)).year
    return f"HT{year}{store.next_number(tx, year):06d}"
