"""Slices: what this worker was given of each window, and what is left of it here.

Plain arithmetic on the loop's own thread. A slice's numbers count from the worker's start, as the
database's do for its journal: granted and returned come from leases and journal, used from calls
that have ended, held from calls under way. So nothing can be given twice or lost between the two.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import msgspec

from yuejie.budgets.allowance import FOREVER_S, Measure, Origin, Period, Slot, window_of
from yuejie.budgets.lending.hold import MEASURED, Held, prefix_of
from yuejie.budgets.lending.lease import Leased
from yuejie.gateway.snapshot import AllowanceRow
from yuejie.kernel.period import zone_of

IDLE_US: Final = 2_000_000
"""A slice that nobody asks for goes back after so long."""
WIDEST: Final = 2**62
"""The largest number that a record of the journal carries; more goes as text, or in two."""
ASTRAY_US: Final = 60_000_000
"""A clock that is set back by more than this was wrong: it is followed at once."""
REMEMBERED: Final = 100_000
"""Windows that are over and whose accounts are kept."""
_S: Final = 1_000_000


@dataclass(slots=True, eq=False)
class Slice:
    """One window of one allowance, as this worker has it."""

    row: AllowanceRow
    slot: Slot
    ends_us: int
    granted: int = 0
    returned: int = 0
    used: int = 0
    held: int = 0
    cap: int = 0
    spent: int = 0
    """As the last lease told."""
    low: int = 0
    """Below it more is asked for, in good time."""
    there: int = 0
    """What was left for others after the last lease."""
    asked_us: int = 0
    """When a call last wanted something of it."""
    typical: int = 0
    """What one call under a paced cap comes to, lately."""
    adrift: bool = False
    """The database is away: a rate goes on by this worker's share of the cap."""
    loose: int = 0
    """What was let pass on that share, in this window."""
    prefix: str = ""
    """How journals name the window."""
    place: int = -1
    """Where what it measures stands in `Totals`."""
    until_us: int = 0
    """Behind it no call of this window can have begun; a minute bounds nobody."""
    since_us: int = 0
    """Nor before it."""
    rate: str = ""
    """What clients are told a rate of: requests or tokens per minute; else nothing."""
    said_s: int = 0
    """For how many seconds to the end of a minute `limit` and `reset` are written; 0: for none."""
    limit: tuple[str, str] = ("", "")
    reset: tuple[str, str] = ("", "")
    hard: bool = True
    flying: int = 0
    """Under a paced cap: what the calls under way may come to at worst, and how many they are."""
    calls: int = 0

    def __post_init__(self) -> None:
        minute = self.row.period == Period.MINUTE
        self.prefix = prefix_of(Held(self.row.measure, self.slot, 0, minute))
        self.place = MEASURED.get(Measure(self.row.measure), -1)
        self.until_us = FOREVER_S * _S if minute else self.ends_us
        self.since_us = 0 if minute else self.slot.starts_s * _S
        self.rate = self.row.measure if minute and self.row.measure != Measure.MONEY else ""
        self.hard = self.row.hard

    @property
    def free(self) -> int:
        """What is left here; below zero: calls cost more than was reserved."""
        return self.granted - self.returned - self.used - self.held

    @property
    def is_rate(self) -> bool:
        """Whether it is a rate or a number of calls at once, and no money."""
        return self.row.measure != Measure.MONEY and self.row.period in _RATES

    @property
    def is_trusted(self) -> bool:
        """Whether it is credit, and no money that was paid before: the operator's own risk."""
        return self.row.origin == Origin.CREDIT and not self.row.hard

    def fly(self, worst: int, calls: int) -> None:
        """Count calls that begin, or, below zero, that end."""
        self.flying += worst
        self.calls += calls

    def end_with(self, row: AllowanceRow) -> None:
        """End where the next of the contract's terms begins, as that is known by now."""
        after = [each for each in row.terms if each > self.slot.starts_s]
        self.ends_us = self.until_us = min(after, default=FOREVER_S) * _S

    def told(self, leased: Leased) -> None:
        """Take what a lease says; the database's sum is the truth, whatever answers were lost."""
        self.granted = leased.granted
        self.cap, self.spent = leased.cap, leased.spent
        self.said_s = 0
        self.there = max(leased.cap - leased.spent - leased.leased, 0)
        self.adrift = False


_RATES: Final = frozenset({Period.MINUTE, Period.ALWAYS})


class Need(msgspec.Struct, frozen=True, gc=False):
    """What a call wants of one slice: what it reserves, and the worst it may come to."""

    slice: Slice
    reserve: int
    worst: int

    @property
    def cap(self) -> int:
        """The cap of the window, or of the allowance while no lease has told it."""
        return self.slice.cap or int(self.slice.row.cap)

    @property
    def worst_left(self) -> int:
        """What could be left if everything that is reserved anywhere came back unused."""
        return self.cap - self.slice.spent


class Hold:
    """What a call under way has reserved; it ends once, however the call ends."""

    __slots__ = ("_loose", "_needs", "_paced", "lease", "pico", "since_us", "until_us")

    def __init__(self, needs: Sequence[Need], *, adrift: bool = False) -> None:
        """Reserve. What passes without the database's word is no part of any lease.

        `adrift`: some of it may. Most calls pass within their leases, so this loop is flat.
        """
        self._loose: Sequence[Need] = ()
        if adrift:
            self._loose = [need for need in needs if need.slice.adrift]
            for need in self._loose:
                need.slice.loose += need.reserve
            needs = [need for need in needs if not need.slice.adrift]
        self._needs = needs
        paced = [(need.slice, need.worst) for need in self._loose if not need.slice.hard]
        lease = ""
        worst_pico, since_us, until_us = 0, 0, _FOREVER_US
        for need in needs:
            slice_, worst = need.slice, need.worst
            slice_.held += need.reserve
            if not slice_.hard:
                paced.append((slice_, worst))
            lease += f",{slice_.prefix}{worst}" if lease else f"{slice_.prefix}{worst}"
            if worst > worst_pico and slice_.place == _MONEY:
                worst_pico = worst
            since_us = max(since_us, slice_.since_us)
            until_us = min(until_us, slice_.until_us)
        for slice_, worst in paced:
            slice_.fly(worst, 1)
        self._paced = paced
        self.lease = lease
        self.pico = min(WIDEST, worst_pico)
        self.since_us, self.until_us = since_us, until_us
        """A call that was let pass in a window has begun in it, however long it waited, and though
        the clock went back meanwhile."""

    def count(self, totals: tuple[int, int, int], *, known: bool) -> None:
        """Take what an attempt used from the slices, by the rule by which the ingest does.

        `totals`: as `Totals` has them; bare, for they are made for every call.
        """
        for need in self._needs:
            slice_ = need.slice
            place = slice_.place
            if place < 0:
                continue
            used: int = totals[place]
            if not known and need.worst > used:
                used = need.worst
            slice_.used += used
            if not slice_.hard:
                slice_.typical = (7 * slice_.typical + used) // 8

    def release(self) -> None:
        """The call is over: what it had reserved beyond its use is free again."""
        for need in self._needs:
            need.slice.held -= need.reserve
        for slice_, worst in self._paced:
            slice_.fly(-worst, -1)
        for need in self._loose:
            if need.slice.row.measure == Measure.CONCURRENCY:
                need.slice.loose -= need.reserve
        self._needs = self._loose = ()
        self._paced = []


_FOREVER_US: Final = FOREVER_S * _S
_MONEY: Final = MEASURED[Measure.MONEY]


class Account(NamedTuple):
    """What of a slice must not be forgotten: a lease tells the sum of all that was ever granted."""

    granted: int
    returned: int
    used: int


@dataclass(slots=True)
class Slices:
    """Every slice of a worker: those of present windows, and those that calls still hold."""

    present: dict[tuple[int, str], Slice] = field(default_factory=dict)
    past: dict[Slot, Slice] = field(default_factory=dict)
    """Windows that are over or to come, and those of caps that hold nobody just now."""
    gone: dict[Slot, Account] = field(default_factory=dict)
    """What was made of such windows once nothing was left of them, minutes apart: a cap may hold
    again, and a clock may go back."""
    opened_us: int = 0
    """When a window was opened last: for windows, time does not go back a little behind it."""

    def present_us(self, now_us: int) -> int:
        """Return the instant whose windows hold: no earlier than one that was opened.

        A clock that goes back by more than a little was wrong: its windows are left.
        """
        if now_us >= self.opened_us:
            return now_us
        if self.opened_us - now_us <= ASTRAY_US:
            return self.opened_us
        self._leave(now_us)
        return now_us

    def of(self, row: AllowanceRow, unit: str, zone: str, now_us: int) -> Slice:
        """Return the slice of the window that an instant falls into."""
        key = (row.number, unit)
        found = self.present.get(key)
        if found is not None and now_us < found.ends_us:
            return found
        if found is not None:
            self.past[found.slot] = found
        starts_s, ends_s = window_of(
            Period(row.period), zone_of(zone), now_us // _S, row.starts_s, row.terms
        )
        self.opened_us = max(self.opened_us, now_us)
        slot = Slot(row.number, starts_s, unit)
        fresh = self.past.pop(slot, None)
        if fresh is None:
            known = self.gone.pop(slot, _NOTHING)
            fresh = Slice(row, slot, ends_s * _S, *known)
        fresh.row, fresh.hard, fresh.asked_us = row, row.hard, now_us
        self.present[key] = fresh
        return fresh

    def know(self, rows: Iterable[AllowanceRow]) -> list[Slice]:
        """Take new caps; return the slices to give back: another cap, or none any more."""
        known = {row.number: row for row in rows}
        changed = []
        for key, each in list(self.present.items()):
            row = known.get(each.slot.number)
            if row is None:
                self.past[each.slot] = self.present.pop(key)
            elif row != each.row:
                if row.terms != each.row.terms:
                    each.end_with(row)
                each.row, each.hard, each.said_s = row, row.hard, 0
                changed.append(each)
        return changed

    def flying(self) -> dict[Slot, tuple[int, int]]:
        """Return what calls under way may come to in windows of paced caps, and how many."""
        slices = (*self.past.values(), *self.present.values())
        return {
            each.slot: (each.flying, each.calls)
            for each in slices
            if each.calls or not each.row.hard
        }

    def due(self, now_us: int) -> list[Slice]:
        """Return the slices that nobody needs; windows that are over and held by no call go."""
        for each in list(self.past.values()):
            if not (each.held or each.calls or each.free > 0):
                self._forget(each)
        quiet = [
            each
            for each in self.present.values()
            if not each.held and now_us - each.asked_us >= IDLE_US
        ]
        return [each for each in (*self.past.values(), *quiet) if each.free > 0]

    def _leave(self, now_us: int) -> None:
        """Leave the windows of a time that has not come."""
        for key, each in list(self.present.items()):
            if each.slot.starts_s * _S > now_us:
                self.past[each.slot] = self.present.pop(key)
            else:
                each.asked_us = min(each.asked_us, now_us)
        self.opened_us = now_us

    def _forget(self, each: Slice) -> None:
        del self.past[each.slot]
        if each.granted and each.row.period != Period.MINUTE:
            self.gone[each.slot] = Account(each.granted, each.returned, each.used)
            if len(self.gone) > REMEMBERED:
                del self.gone[next(iter(self.gone))]


_NOTHING: Final = Account(0, 0, 0)
