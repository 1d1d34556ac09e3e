"""Count: what comes into the usage tables is spent, in the transaction that brings it.

Every road into the usage tables calls this with the sums it added to the rollups, so what is spent
of a window follows from the rollups. The ingest of a journal brings more: what its calls had
reserved, what its worker gave back, and, where the journal is over, its end.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain
from typing import Final
from uuid import UUID

from yuejie.budgets import store as allowances
from yuejie.budgets.allowance import Allowance, Measure, Period, Slot, window_of
from yuejie.budgets.lending import store
from yuejie.budgets.lending.hold import (
    KNOWN,
    Item,
    Items,
    Totals,
    counted,
    is_known,
    read_holds,
    read_prefix,
    totals_of,
)
from yuejie.budgets.lending.opening import open_missing, terms_of
from yuejie.budgets.lending.store import EstimateRow
from yuejie.db.session import Tx
from yuejie.kernel.period import zone_of
from yuejie.usage.arrival import item_tuples
from yuejie.usage.event import NO_RATE
from yuejie.usage.journal import Ended
from yuejie.usage.record import Added
from yuejie.usage.rollup import RollupSum
from yuejie.usage.store import PriceRow, prices

MEMORY: Final = 100_000
"""Remembered rates; they never change."""


HeldCall = tuple[bytes, str, Items, str, bool]
"""An ended attempt that had reserved something: event, hold as its journal has it, items, state,
billable. A bare tuple: one is made for every call that is held to a cap."""


@dataclass(slots=True)
class LeaseNews:
    """What a batch of one journal brings about its leases."""

    journal_id: UUID
    ended: dict[tuple[str, ...], list[HeldCall]] = field(default_factory=dict)
    """By the windows that they count for: `hold.prefixes_of`."""
    returned: defaultdict[Slot, int] = field(default_factory=lambda: defaultdict(int))
    over: bool = False
    """The journal is dead and read to its end: what it still has comes back."""

    @property
    def empty(self) -> bool:
        """Whether it changes nothing."""
        return not (self.ended or self.returned or self.over)


class Spending:
    """Counts what is spent; lives as long as its process and remembers rates."""

    def __init__(self) -> None:
        self._rates: dict[int, PriceRow] = {}
        self._picos = {NO_RATE: 0}

    def count(self, tx: Tx, added: Added, news: LeaseNews | None = None) -> None:
        """Move windows by what was added to the rollups, and settle what was leased."""
        if news is not None and news.empty:
            news = None
        sums, replaced = added.sums, added.replaced
        known, moves = _Known(tx, sums), _Moves()
        if not (known.allowances or replaced or news):
            return
        # What held calls used is among the sums, unless some of it was stored before.
        repeated = news if added.known is not None or replaced else None
        self._learn(tx, sums if known.allowances or news else (), repeated)
        self._spend(sums, known, moves)
        for row in store.drop_estimates(tx, replaced) if replaced else ():
            moves.spent[row.slot] -= row.amount
        if news is not None:
            self._take(news, added, moves)
        self._write(tx, moves, known, news)

    def _learn(self, tx: Tx, sums: Sequence[RollupSum], news: LeaseNews | None) -> None:
        """Look up the rates that are not known yet."""
        wanted = {row[5] for row in sums}
        if news is not None:
            wanted |= {item[3] for item in _items(chain(*news.ended.values()))}
        if len(self._rates) > MEMORY:
            self._rates, self._picos = {}, {NO_RATE: 0}
        wanted -= self._picos.keys()
        if wanted:
            found = prices(tx, sorted(wanted))
            self._rates |= found
            self._picos |= {rate_id: row.pico for rate_id, row in found.items()}

    def _spend(self, sums: Sequence[RollupSum], known: "_Known", moves: "_Moves") -> None:
        """Find the windows that usage counts for, and what it comes to there."""
        for row in sums:
            counting = known.counting(row)
            if not counting:
                continue
            _, _, _, model, meter, sale, cost, _, quantity = row
            totals = totals_of(((model, meter, quantity, sale, cost),), self._picos)
            for allowance, starts_s in counting:
                unit = ""
                if allowance.measure is Measure.MONEY:
                    if sale == NO_RATE:
                        continue
                    unit = self._rates[sale].currency
                slot = Slot(allowance.number, starts_s, unit)
                known.slots.add(slot)
                moves.spent[slot] += counted(allowance.measure, 0, totals, known=True).used

    def _take(self, news: LeaseNews, added: Added, moves: "_Moves") -> None:
        """Work out what ended calls take from their leases; what was stored before, took before."""
        took = None if added.known is None else set(added.known)
        for prefixes, calls in news.ended.items():
            fresh = calls if took is None else _first(calls, took, added.stripped)
            known, unknown = _told_apart(fresh)
            if known:
                moves.take_known(prefixes, totals_of(_items(known), self._picos))
            for event, lease, items, _, _ in unknown:
                moves.take_worst(UUID(bytes=event), lease, totals_of(items, self._picos))
        for slot, amount in news.returned.items():
            moves.returned[slot] += amount

    def _write(self, tx: Tx, moves: "_Moves", known: "_Known", news: LeaseNews | None) -> None:
        """Hold every window that changes, and change it; leases are known for sure only then."""
        slots = set(moves.spent)
        if news is not None:
            if news.over:
                store.end_leasing(tx, news.journal_id)
            slots |= moves.used.keys() | moves.returned.keys()
            if news.over:
                slots |= store.outstanding_of(tx, news.journal_id)
        held = store.hold_windows(tx, slots)
        if not known.slots <= held.keys():
            # A window opens with the exchange rate that was the newest when it was used.
            open_missing(tx, known.slots, known.allowances, now=known.newest)
            held = store.hold_windows(tx, slots)
        if news is not None:
            moves.take(store.grants_of(tx, news.journal_id, held), over=news.over)
            store.move_grants(tx, news.journal_id, moves.grants)
        store.move_windows(tx, {slot: (moves.spent[slot], moves.leased[slot]) for slot in held})
        store.insert_estimates(tx, [row for row in moves.estimates if row.slot in held])


def _items(calls: Iterable[HeldCall]) -> Iterator[Item]:
    return chain.from_iterable([call[2] for call in calls])


def _first(
    calls: Sequence[HeldCall], took: set[UUID], stripped: Mapping[bytes, Ended]
) -> list[HeldCall]:
    """Return the calls that took nothing yet, each once: a journal may say an end again.

    They are returned as they are stored: what has no rate is not known, and counts its worst case.
    """
    first = {UUID(bytes=call[0]): call for call in reversed(calls)}
    found = [
        _as_stored(call, stripped.get(call[0]))
        for event, call in first.items()
        if event not in took
    ]
    took |= first.keys()
    return found


def _as_stored(call: HeldCall, stored: Ended | None) -> HeldCall:
    if stored is None:
        return call
    event, lease, _, _, billable = call
    return (event, lease, item_tuples(stored.items), stored.state, billable)


def _told_apart(
    calls: Sequence[HeldCall],
) -> tuple[Sequence[HeldCall], Sequence[HeldCall]]:
    """Return the calls of which is known what they used, and those of which it is not."""
    # `is_known`, written out: this runs for every call that is held to a cap.
    unknown = [call for call in calls if call[3] not in KNOWN and call[4]]
    if not unknown:
        return calls, ()
    return [call for call in calls if is_known(call[3], billable=call[4])], unknown


class _Known:
    """The allowances of a batch's customers, and which usage counts for which."""

    def __init__(self, tx: Tx, sums: Sequence[RollupSum]) -> None:
        dimensions = sorted({row[1] for row in sums})
        found = allowances.counted_allowances(tx, dimensions) if dimensions else []
        self.allowances = {each.number: each for each in found}
        self.slots: set[Slot] = set()
        self._of: defaultdict[str, list[Allowance]] = defaultdict(list)
        for each in found:
            self._of[each.scope.customer_id].append(each)
        rows = allowances.places(tx, list(self._of), dimensions) if found else []
        self._places = {row.dimension_id: row for row in rows}
        self.newest = datetime.fromtimestamp(max((row[2] for row in sums), default=0), UTC)
        """The last hour in which something was used."""
        self._starts: dict[tuple[int, int], int] = {}
        zones = {row.customer_id: zone_of(row.zone) for row in rows}
        self._terms = {
            each.number: terms_of(tx, each, zones[each.scope.customer_id])
            for each in found
            if each.by_terms and each.scope.customer_id in zones
        }

    def counting(self, row: RollupSum) -> list[tuple[Allowance, int]]:
        """Return each allowance that a sum counts for, and in which window."""
        place = self._places.get(row[1])
        found: list[tuple[Allowance, int]] = []
        if place is None:
            return found
        for allowance in self._of[place.customer_id]:
            begun_s = int(allowance.starts_at.timestamp())
            if allowance.period is Period.TERM and row[2] < begun_s:
                continue
            if allowance.scope.covers(place.projects, place.key_id, place.tags, row[3]):
                key = (allowance.number, row[2])
                starts_s = self._starts.get(key)
                if starts_s is None:
                    zone = zone_of(place.zone)
                    terms = self._terms.get(allowance.number, ())
                    starts_s = window_of(allowance.period, zone, row[2], begun_s, terms).starts_s
                    self._starts[key] = starts_s
                found.append((allowance, starts_s))
        return found


class _Moves:
    """What changes of windows and grants."""

    def __init__(self) -> None:
        self.spent: defaultdict[Slot, int] = defaultdict(int)
        self.leased: defaultdict[Slot, int] = defaultdict(int)
        self.used: defaultdict[Slot, int] = defaultdict(int)
        self.returned: defaultdict[Slot, int] = defaultdict(int)
        self.grants: dict[Slot, tuple[int, int, int]] = {}
        self.estimates: list[EstimateRow] = []

    def take_known(self, prefixes: Sequence[str], totals: Totals) -> None:
        """Take what attempts of these windows have certainly used, together."""
        for prefix in prefixes:
            measure, slot, minute = read_prefix(prefix)
            amount = counted(measure, 0, totals, known=True).used
            self.used[slot] += amount
            if minute:
                self.spent[slot] += amount

    def take_worst(self, event_id: UUID, lease: str, totals: Totals) -> None:
        """Take the worst case of an attempt that nobody could measure, and note it as estimated."""
        for held in read_holds(lease):
            found = counted(held.measure, held.worst, totals, known=False)
            self.used[held.slot] += found.total
            self.spent[held.slot] += found.total if held.minute else found.estimate
            if found.estimate:
                row = EstimateRow(event_id, *held.slot, amount=found.estimate)
                self.estimates.append(row)

    def take(self, grants: dict[Slot, store.GrantRow], *, over: bool) -> None:
        """Take from the leases what was used and given back; at the end, all that is left."""
        for slot, grant in grants.items():
            used, returned = self.used.get(slot, 0), self.returned.get(slot, 0)
            presumed = 0
            if grant.presumed and (used or returned or over):
                # The journal was given up as lost, and is here after all.
                presumed = -grant.presumed
                self.spent[slot] -= grant.presumed
            gone = grant.returned + returned + grant.presumed + presumed
            left = store.outstanding(grant.granted, grant.used + used, gone)
            if over:
                returned += left
                left = 0
            self.leased[slot] += left - grant.outstanding
            if used or returned or presumed:
                self.grants[slot] = (used, returned, presumed)
