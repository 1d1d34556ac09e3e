"""Show how a customer's allowances stand: what is spent, reserved and left of their windows."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from yuejie.budgets import store
from yuejie.budgets.allowance import FOREVER_S, Allowance, Measure, Mode, Slot, Window
from yuejie.budgets.flight.store import FlightRow, flights_of
from yuejie.budgets.lending import store as lending
from yuejie.budgets.lending.opening import cap_in, window_at
from yuejie.budgets.lending.store import WindowRow
from yuejie.customers.customer import Customer
from yuejie.db.session import Database, Tx
from yuejie.kernel.period import zone_of


@dataclass(frozen=True, slots=True)
class Standing:
    """One window of an allowance as it stands; of a period nobody has used yet, an empty one.

    `reserved` is leased to gateways: for calls under way, and what they have not given back.
    """

    allowance: Allowance
    slot: Slot
    unit: str
    starts_at: datetime
    ends_at: datetime | None
    cap: int
    spent: int
    reserved: int
    flight: FlightRow | None = None
    """Under a paced cap: what calls under way may come to at worst; None: nothing is under way."""

    @property
    def beyond(self) -> int | None:
        """By how much a paced cap may be overshot at most; None where it cannot be."""
        if self.allowance.mode is not Mode.PACED:
            return None
        return self.flight.worst if self.flight else 0

    @property
    def left(self) -> int:
        """What is neither spent nor reserved; below zero: it is over."""
        return self.cap - self.spent - self.reserved

    @property
    def percent(self) -> int | None:
        """How much is spent in whole percent, rounded down; None of a cap of nothing."""
        return self.spent * 100 // self.cap if self.cap else None


def standings(db: Database, customer: Customer, *, now: datetime) -> list[Standing]:
    """Return how every allowance of a customer stands at this moment."""
    with db.read(consistent=True) as tx:
        allowances = store.of_customer(tx, customer.customer_id)
        numbers = [each.number for each in allowances]
        rows = lending.windows_at(tx, numbers, int(now.timestamp()))
        found = [
            standing for each in allowances for standing in _of(tx, each, customer, rows, now=now)
        ]
        paced = [each.number for each in allowances if each.mode is Mode.PACED]
        return _in_flight(tx, found, paced) if paced else found


def history(
    db: Database, customer: Customer, name: str, *, limit: int, now: datetime
) -> list[Standing]:
    """Return the windows of one allowance, the newest first, whether it was ended or not.

    Of one that nobody has used yet, the present one; nothing where there is none of that name.
    """
    with db.read(consistent=True) as tx:
        found = [
            each
            for each in store.of_customer(tx, customer.customer_id, ended=True)
            if name in (each.name, each.allowance_id)
        ]
        used = [
            _standing(each, row)
            for each in found
            for row in lending.windows_of(tx, each.number, limit=limit)
        ]
        used = used or [one for each in found for one in _of(tx, each, customer, (), now=now)]
        return _in_flight(tx, used, [each.number for each in found if each.mode is Mode.PACED])


def _in_flight(tx: Tx, found: list[Standing], paced: Sequence[int]) -> list[Standing]:
    """Add what is under way to the standings of paced caps."""
    flights = flights_of(tx, paced)
    return [replace(each, flight=flights.get(each.slot)) for each in found]


def _of(
    tx: Tx,
    allowance: Allowance,
    customer: Customer,
    rows: Sequence[WindowRow],
    *,
    now: datetime,
) -> list[Standing]:
    own = [row for row in rows if row.number == allowance.number]
    window = None
    if allowance.by_terms or not own:
        window = window_at(tx, allowance, zone_of(customer.zone), int(now.timestamp()))
        if allowance.by_terms:
            # Until its end is written down, a term that is over looks as if it went on.
            own = [row for row in own if row.starts_s == window.starts_s]
    if own or window is None:
        return [_standing(allowance, row) for row in own]
    return [_standing(allowance, _untouched(tx, allowance, window, now=now))]


def _untouched(tx: Tx, allowance: Allowance, window: Window, *, now: datetime) -> WindowRow:
    slot = Slot(allowance.number, window.starts_s, allowance.currency)
    cap, _ = cap_in(tx, allowance, slot.unit, now=now)
    return WindowRow(*slot, ends_s=window.ends_s, cap=cap, spent=0, leased=0)


def _standing(allowance: Allowance, row: WindowRow) -> Standing:
    endless = row.ends_s >= FOREVER_S
    starts_at = datetime.fromtimestamp(row.starts_s, UTC)
    if allowance.measure is Measure.CONCURRENCY:
        starts_at = allowance.starts_at
    return Standing(
        allowance,
        row.slot,
        row.unit,
        starts_at,
        None if endless else datetime.fromtimestamp(row.ends_s, UTC),
        int(row.cap),
        int(row.spent),
        int(row.leased),
    )
