"""Add a fapiao or a red fapiao to its customer's chain of seals, in the transaction that issues."""

from collections.abc import Callable

from yuejie.db.session import Database, Tx
from yuejie.fapiao.fapiao import Fapiao, RedFapiao
from yuejie.fapiao.seal import GENESIS, canonical, canonical_red, seal_of
from yuejie.fapiao.store import SealRow, insert_seal, last_seal, seals_of_customer
from yuejie.kernel.ids import CustomerId


def seal_fapiao(tx: Tx, fapiao: Fapiao) -> None:
    """Seal an issued fapiao behind everything its customer was issued before."""
    _add(
        tx,
        fapiao.customer_id,
        fapiao.fapiao_id,
        lambda previous: canonical(fapiao, previous),
    )


def seal_red(tx: Tx, red: RedFapiao) -> None:
    """Seal an issued red fapiao behind everything its customer was issued before."""
    _add(tx, red.customer_id, red.red_id, lambda previous: canonical_red(red, previous))


def check_chain(db: Database, customer_id: CustomerId) -> list[str]:
    """Return what is wrong with a customer's chain; nothing is the normal answer."""
    with db.read() as tx:
        rows = seals_of_customer(tx, customer_id)
    wrong: list[str] = []
    before = GENESIS
    for number, row in enumerate(rows, 1):
        if row.position != number:
            wrong.append(f"第 {number} 环缺失或重号（{row.subject_id}）")
        if row.previous != before:
            wrong.append(f"第 {number} 环没有接在前一环之后（{row.subject_id}）")
        if seal_of(row.canonical) != row.seal:
            wrong.append(f"第 {number} 环内容与封印不符（{row.subject_id}）")
        before = row.seal
    return wrong


def _add(tx: Tx, customer_id: CustomerId, subject_id: str, write: Callable[[bytes], bytes]) -> None:
    tx.lock_exclusive(f"fapiao seal {customer_id}")
    last = last_seal(tx, customer_id)
    previous = last.seal if last else GENESIS
    body = write(previous)
    insert_seal(
        tx,
        SealRow(
            customer_id=customer_id,
            position=last.position + 1 if last else 1,
            subject_id=subject_id,
            canonical=body,
            previous=previous,
            seal=seal_of(body),
        ),
    )
