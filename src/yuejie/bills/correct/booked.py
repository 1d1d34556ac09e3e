"""What bills promise about the books: whatever is issued or taken back stands in the ledger."""

from collections.abc import Iterator
from typing import Final

from yuejie.bills.correct import store
from yuejie.db.session import Tx
from yuejie.ledger.check import Check


def _unbooked(tx: Tx) -> Iterator[str]:
    for row in store.unbooked(tx):
        yield f"{row.name} 已出账或已批准，账簿中却没有它的分录；请从备份核对"


LEDGER_CHECKS: Final = (Check("每张已出账账单与冲减单都有分录", _unbooked),)
