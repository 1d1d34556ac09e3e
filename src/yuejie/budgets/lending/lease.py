"""Lease: give a gateway's journal what its waiting calls need, of all their windows or of none.

The windows of all calls are locked together, in the order of their slots, and each call is looked
at against all of its scopes. Beyond what was asked for, some calls' worth ahead is given while
there is plenty; near the cap that shrinks to nothing, so that nobody sits on what others need.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from yuejie.budgets import store as allowances_store
from yuejie.budgets.allowance import Slot
from yuejie.budgets.lending import store
from yuejie.budgets.lending.opening import open_missing
from yuejie.db.session import Database, Tx
from yuejie.kernel.errors import Conflict, NotFound, Unavailable

SHARE: Final = 16
"""Ahead, no journal is given more than this part of what is free."""
AHEAD: Final = 16_384
"""Nor more than so many calls' worth: a second of the busiest worker, for each lease costs both
sides as much processor time as some fifty calls do."""

Demand = Mapping[Slot, int]
"""What one call needs of each window that it counts for."""


@dataclass(frozen=True, slots=True)
class Leased:
    """How a window stands after a lease, and what the journal was given of it since its start."""

    granted: int
    cap: int
    spent: int
    leased: int


class JournalOver(Conflict):
    """This journal was read to its end, or given up with its node: its worker needs another."""

    code = "journal_over"


def join(db: Database, journal_id: UUID, node_id: UUID) -> None:
    """Note whose node a journal is, should that be lost before anybody has read the journal."""
    with db.begin() as tx:
        store.join_leasing(tx, journal_id, node_id)


def lease(
    db: Database,
    journal_id: UUID,
    demands: Sequence[Demand],
    free: Mapping[Slot, int],
    *,
    like: Demand,
    ahead: int,
    now: datetime,
    paced: AbstractSet[Slot] = frozenset(),
) -> dict[Slot, Leased]:
    """Give a journal what its calls need, in their order; who does not fit gets nothing.

    `free` is what the journal has left of each window (below zero: it overdrew); beyond, it would
    like enough for `ahead` calls `like` this one. Of a `paced` window a call fits while anything
    is left. Raises JournalOver.
    """
    slots = {slot for demand in (*demands, like) for slot in demand}
    with db.begin() as tx:
        if store.is_shut(tx):
            # What was lent after the backup is known to the journals alone, until they are read.
            raise Unavailable(
                "数据库刚从备份恢复，此前的流水尚未读完，暂不出租额度；进度见 yuejie backup status"
            )
        if not store.join_leasing(tx, journal_id):
            raise JournalOver(f"流水 {journal_id.hex} 已经结束，不能再租用额度；请重启网关进程")
        windows = store.hold_windows(tx, slots)
        if len(windows) < len(slots):
            windows = _opened(tx, slots, now=now)
        left = {slot: windows[slot].free + free.get(slot, 0) for slot in slots}
        taken = _serve(demands, left, paced)
        more = {
            slot: min(max(taken[slot] - free.get(slot, 0), 0), windows[slot].free) for slot in slots
        }
        for slot, amount in _ahead(like, windows, more, ahead).items():
            more[slot] += amount
        given = store.give(tx, journal_id, more)
        store.move_windows(tx, {slot: (0, _raised(given[slot], more[slot])) for slot in slots})
    return {
        slot: Leased(
            given[slot].granted,
            windows[slot].cap,
            windows[slot].spent,
            windows[slot].leased + _raised(given[slot], more[slot]),
        )
        for slot in slots
    }


def _opened(tx: Tx, slots: AbstractSet[Slot], *, now: datetime) -> dict[Slot, store.WindowRow]:
    """Open the windows that are missing, and hold all of them, in order."""
    allowances = {}
    for number in {slot.number for slot in slots}:
        found = allowances_store.allowance_by_number(tx, number)
        if found is None:
            raise NotFound(f"额度 {number} 不存在，请等网关更新快照后重试")
        allowances[number] = found
    open_missing(tx, slots, allowances, now=now)
    return store.hold_windows(tx, slots)


def _raised(became: store.GrantRow, more: int) -> int:
    """Return by how much a gift raised what is outstanding: who overdrew fills a hole first."""
    gone = became.used + became.returned + became.presumed
    return became.outstanding - store.outstanding(became.granted - more, gone, 0)


def _serve(
    demands: Sequence[Demand], left: Mapping[Slot, int], paced: AbstractSet[Slot]
) -> dict[Slot, int]:
    """Return what the calls that fit take; under a paced cap one fits while anything is left."""
    taken = dict.fromkeys(left, 0)
    for demand in demands:
        if all(
            taken[slot] < left[slot] if slot in paced else taken[slot] + amount <= left[slot]
            for slot, amount in demand.items()
        ):
            for slot, amount in demand.items():
                taken[slot] += amount
    return taken


def _ahead(
    like: Demand,
    windows: Mapping[Slot, store.WindowRow],
    more: Mapping[Slot, int],
    wished: int,
) -> dict[Slot, int]:
    """Return what is given beyond: as many more calls as every one of their windows can spare."""
    last = {slot: amount for slot, amount in like.items() if amount > 0}
    if not last:
        return {}
    spare = min((windows[slot].free - more[slot]) // SHARE // last[slot] for slot in last)
    calls = max(min(spare, wished, AHEAD), 0)
    return {slot: calls * amount for slot, amount in last.items()}
