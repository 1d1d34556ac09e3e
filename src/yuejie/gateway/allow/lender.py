"""Asks the database for leases, on a thread; opens it when the first call needs it."""

from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

from yuejie.budgets.allowance import Slot
from yuejie.budgets.lending.lease import Leased, join, lease
from yuejie.db.session import Database
from yuejie.kernel.clock import Clock


class Lender:
    """One journal's way to its leases."""

    def __init__(
        self, connect: Callable[[], Database], journal_id: UUID, clock: Clock, node_id: UUID
    ) -> None:
        self._connect = connect
        self._journal_id = journal_id
        self._node_id = node_id
        self._joined = False
        self._clock = clock
        self._db: Database | None = None

    def ask(
        self,
        demands: Sequence[Mapping[Slot, int]],
        free: Mapping[Slot, int],
        like: Mapping[Slot, int],
        ahead: int,
        paced: frozenset[Slot],
    ) -> dict[Slot, Leased]:
        """Ask for what calls need, and for some calls' worth ahead."""
        if self._db is None:
            self._db = self._connect()
        if not self._joined:
            join(self._db, self._journal_id, self._node_id)
            self._joined = True
        now = self._clock.now()
        return lease(
            self._db,
            self._journal_id,
            demands,
            free,
            like=like,
            ahead=ahead,
            now=now,
            paced=paced,
        )

    def close(self) -> None:
        """Let the connections go."""
        if self._db is not None:
            self._db.close()
