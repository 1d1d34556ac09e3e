"""Flights: by how much a paced cap may be overshot, as the workers told last.

A paced cap lets a call pass while anything is left, so what is under way when nothing is left any
more may go beyond, by no more than its worst cases. Each worker tells their sum about once a
second through its journal, behind the calls themselves; how old that is, stands beside it.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from yuejie.budgets.allowance import Slot
from yuejie.budgets.flight import store
from yuejie.db.session import Tx


class Flight(NamedTuple):
    """Calls under way in one worker that count for a window: worst case, how many, since when."""

    worst: int
    calls: int
    at_us: int


def keep_flights(
    tx: Tx, journal_id: UUID, flights: Mapping[Slot, Flight], *, over: bool = False
) -> None:
    """Keep what a journal says last of each window; nothing is under way where it is over."""
    if over:
        store.drop_flights_of(tx, journal_id)
        return
    store.drop_flights(tx, journal_id, [slot for slot, each in flights.items() if not each.calls])
    store.put_flights(
        tx,
        journal_id,
        {
            slot: (each.worst, each.calls, datetime.fromtimestamp(each.at_us // 1_000_000, UTC))
            for slot, each in flights.items()
            if each.calls
        },
    )
