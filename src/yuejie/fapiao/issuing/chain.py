"""The chain of a customer's seals: each fapiao and red fapiao joins it where it is issued; checked.

What is checked is more than the links: that what was issued stands in it, that its rows still say
what was sealed, and that its files are those that were archived.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from yuejie.db.session import Database, Tx
from yuejie.fapiao.fapiao import Fapiao, RedFapiao
from yuejie.fapiao.issuing.store import damaged
from yuejie.fapiao.reversing.store import red_by_name
from yuejie.fapiao.seal import GENESIS, canonical, canonical_red, seal_of
from yuejie.fapiao.store import (
    SealRow,
    fapiao_by_name,
    insert_seal,
    last_seal,
    seals_of_customer,
    unsealed,
)
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
    with db.read(consistent=True) as tx:
        rows = seals_of_customer(tx, customer_id)
        wrong = _links(rows)
        wrong += [
            f"发票 {number_of(row)} 的记录与封印内容不符" for row in rows if not still_says(tx, row)
        ]
        wrong += [f"发票 {number} 没有封印" for number in unsealed(tx, customer_id)]
        wrong += [
            f"发票 {each.number} 的 {each.format} 归档文件与哈希不符"
            for each in damaged(tx, customer_id)
        ]
    return wrong


def still_says(tx: Tx, row: SealRow) -> bool:
    """Tell whether the rows of what was sealed still say what was sealed."""
    blue = fapiao_by_name(tx, row.subject_id)
    red = None if blue else red_by_name(tx, row.subject_id)
    issued = blue or red
    if issued is None or issued.number is None or issued.issued_at is None:
        return False
    previous = bytes(row.previous)
    now = canonical(blue, previous) if blue else None
    now = canonical_red(red, previous) if red else now
    assert now is not None, "it is a blue one or a red one"
    try:
        return _facts(bytes(row.canonical)) == _facts(now)
    except (msgspec.MsgspecError, LookupError, TypeError, ValueError):
        return False  # what was sealed can be read no more


def _facts(form: bytes) -> dict[str, Any]:
    """Return what a form says; an instant is the same in every zone that it is written in."""
    facts = msgspec.json.decode(form, type=dict[str, Any])
    return facts | {"issued_at": datetime.fromisoformat(facts["issued_at"])}


def number_of(row: SealRow) -> str:
    """Return the number that was sealed, or an id where that can be read no more."""
    try:
        return str(msgspec.json.decode(bytes(row.canonical), type=dict[str, Any])["number"])
    except (msgspec.MsgspecError, LookupError):
        return row.subject_id


def _links(rows: list[SealRow]) -> list[str]:
    wrong: list[str] = []
    before = GENESIS
    for number, row in enumerate(rows, 1):
        if row.position != number:
            wrong.append(f"第 {number} 环缺失或重号（发票 {number_of(row)}）")
        if row.previous != before:
            wrong.append(f"第 {number} 环没有接在前一环之后（发票 {number_of(row)}）")
        if seal_of(row.canonical) != row.seal:
            wrong.append(f"第 {number} 环内容与封印不符（发票 {number_of(row)}）")
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
