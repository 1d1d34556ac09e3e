"""Rebuild the balances from their postings, or check that they are the same."""

from dataclasses import dataclass
from typing import Final

from yuejie.db.session import Database, Tx
from yuejie.ledger import store
from yuejie.ledger.store import Compared

SHOWN: Final = 20
"""Differences that are listed; the first few say what is wrong."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """How many balances and postings agree on, and where they do not."""

    same: int
    different: int
    examples: tuple[Compared, ...]
    replaced: bool

    @property
    def whole(self) -> bool:
        """Whether the balances say what the postings say, now."""
        return self.replaced or not self.different


def rebuild_balances(db: Database, *, check: bool = True) -> Rebuilt:
    """Compare the balances with the postings; without `check`, put right what differs."""
    if check:
        with db.read(consistent=True) as tx:
            return _compare(tx, replaced=False)
    with db.begin() as tx:
        # Whoever has not moved a balance yet adds to the rebuilt one: postings and balances
        # become visible together.
        store.lock_balances(tx)
        found = _compare(tx, replaced=True)
        if found.different:
            store.refill_balances(tx)
        return found


def _compare(tx: Tx, *, replaced: bool) -> Rebuilt:
    same, different, examples = 0, 0, list[Compared]()
    for row in store.compared(tx):
        if row.kept == row.rebuilt:
            same += 1
            continue
        different += 1
        if len(examples) < SHOWN:
            examples.append(row)
    return Rebuilt(same, different, tuple(examples), replaced)
