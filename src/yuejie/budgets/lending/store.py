"""The only SQL about windows, what is lent of them, and what calls are estimated at.

Windows are locked in the order of their slots, by everybody: leases, ingest, pushes and checks.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from yuejie.budgets.allowance import Slot
from yuejie.db.session import Tx

OPERATOR_READS: Final = {
    "prune_minutes": "minutes of every customer are forgotten",
    "windows": "slots are named by who holds their allowance",
    "hold_windows": "the same",
    "windows_at": "the same",
    "windows_of": "the same",
    "windows_between": "the same",
}


@dataclass(frozen=True, slots=True)
class WindowRow:
    """A window as it stands."""

    number: int
    starts_s: int
    unit: str
    ends_s: int
    cap: int
    spent: int
    leased: int

    @property
    def slot(self) -> Slot:
        """What the window is called."""
        return Slot(self.number, self.starts_s, self.unit)

    @property
    def free(self) -> int:
        """What may still be leased."""
        return max(self.cap - self.spent - self.leased, 0)


OPEN: Final = """
    INSERT INTO allowance_window (number, starts_s, unit, ends_s, cap, fx_id, spent)
    VALUES (%(number)s, %(starts_s)s, %(unit)s, %(ends_s)s, %(cap)s, %(fx_id)s, %(spent)s)
    ON CONFLICT DO NOTHING
"""


def open_window(
    tx: Tx, slot: Slot, *, ends_s: int, cap: int, fx_id: int | None = None, spent: int = 0
) -> None:
    """Open a window unless it is open."""
    tx.run(
        OPEN,
        number=slot.number,
        starts_s=slot.starts_s,
        unit=slot.unit,
        ends_s=ends_s,
        cap=cap,
        fx_id=fx_id,
        spent=spent,
    )


KNOWN: Final = """
    SELECT w.number, w.starts_s, w.unit, w.ends_s, w.cap, w.spent, w.leased
    FROM unnest(%(numbers)s::int[], %(starts)s::bigint[], %(units)s::text[])
         AS asked (number, starts_s, unit)
    JOIN allowance_window w USING (number, starts_s, unit)
"""
HOLD_WINDOWS: Final = """
    SELECT w.number, w.starts_s, w.unit, w.ends_s, w.cap, w.spent, w.leased
    FROM allowance_window w
    WHERE (w.number, w.starts_s, w.unit) IN (
        SELECT * FROM unnest(%(numbers)s::int[], %(starts)s::bigint[], %(units)s::text[]))
    ORDER BY w.number, w.starts_s, w.unit
    FOR UPDATE OF w
"""


def windows(tx: Tx, slots: Iterable[Slot]) -> dict[Slot, WindowRow]:
    """Return those of these windows that are open."""
    return {row.slot: row for row in tx.rows(WindowRow, KNOWN, **_columns(slots))}


def hold_windows(tx: Tx, slots: Iterable[Slot]) -> dict[Slot, WindowRow]:
    """Return open windows and keep others from changing them, locked in the order of slots."""
    return {row.slot: row for row in tx.rows(WindowRow, HOLD_WINDOWS, **_columns(slots))}


def _columns(slots: Iterable[Slot]) -> dict[str, object]:
    ordered = sorted(set(slots))
    return {
        "numbers": [slot.number for slot in ordered],
        "starts": [slot.starts_s for slot in ordered],
        "units": [slot.unit for slot in ordered],
    }


WINDOWS_OF: Final = """
    SELECT number, starts_s, unit, ends_s, cap, spent, leased
    FROM allowance_window
    WHERE number = ANY(%(numbers)s) AND starts_s <= %(at_s)s AND ends_s > %(at_s)s
    ORDER BY number, starts_s, unit
"""


def windows_at(tx: Tx, numbers: Sequence[int], at_s: int) -> list[WindowRow]:
    """Return the open windows of allowances in which an instant falls."""
    return tx.rows(WindowRow, WINDOWS_OF, numbers=list(numbers), at_s=at_s)


ALL_WINDOWS: Final = """
    SELECT number, starts_s, unit, ends_s, cap, spent, leased
    FROM allowance_window
    WHERE number = %(number)s
    ORDER BY starts_s DESC, unit
    LIMIT %(limit)s
"""


def windows_of(tx: Tx, number: int, *, limit: int) -> list[WindowRow]:
    """Return the windows of an allowance, the newest first."""
    return tx.rows(WindowRow, ALL_WINDOWS, number=number, limit=limit)


BETWEEN: Final = """
    SELECT number, starts_s, unit, ends_s, cap, spent, leased
    FROM allowance_window
    WHERE number = %(number)s AND starts_s < %(until_s)s AND ends_s > %(since_s)s
    ORDER BY starts_s, unit
"""


def windows_between(tx: Tx, number: int, *, since_s: int, until_s: int) -> list[WindowRow]:
    """Return the windows of an allowance that touch a span."""
    return tx.rows(WindowRow, BETWEEN, number=number, since_s=since_s, until_s=until_s)


MOVE: Final = """
    UPDATE allowance_window w
    SET spent = w.spent + m.spent, leased = w.leased + m.leased
    FROM unnest(%(numbers)s::int[], %(starts)s::bigint[], %(units)s::text[],
                %(spent)s::numeric[], %(leased)s::numeric[])
         AS m (number, starts_s, unit, spent, leased)
    WHERE (w.number, w.starts_s, w.unit) = (m.number, m.starts_s, m.unit)
"""


def move_windows(tx: Tx, moves: dict[Slot, tuple[int, int]]) -> None:
    """Add to what is spent and leased of windows that this transaction holds."""
    slots = sorted(slot for slot, move in moves.items() if move != (0, 0))
    if slots:
        tx.run(
            MOVE,
            **_columns(slots),
            spent=[moves[slot][0] for slot in slots],
            leased=[moves[slot][1] for slot in slots],
        )


CAP_WINDOW: Final = """
    UPDATE allowance_window SET cap = %(cap)s, fx_id = %(fx_id)s
    WHERE number = %(number)s AND starts_s = %(starts_s)s AND unit = %(unit)s
"""


def cap_window(tx: Tx, slot: Slot, *, cap: int, fx_id: int | None = None) -> None:
    """Give an open window another cap."""
    tx.run(
        CAP_WINDOW,
        number=slot.number,
        starts_s=slot.starts_s,
        unit=slot.unit,
        cap=cap,
        fx_id=fx_id,
    )


FIT_WINDOW: Final = """
    UPDATE allowance_window SET ends_s = %(ends_s)s, spent = %(spent)s
    WHERE number = %(number)s AND starts_s = %(starts_s)s AND unit = %(unit)s
"""


def fit_window(tx: Tx, slot: Slot, *, ends_s: int, spent: int) -> None:
    """Give an open window another end, and what was used until then."""
    tx.run(FIT_WINDOW, **slot._asdict(), ends_s=ends_s, spent=spent)


PRUNE_MINUTES: Final = """
    DELETE FROM allowance_grant g
    USING allowance a
    WHERE a.number = g.number AND a.period = 'minute' AND g.starts_s < %(before_s)s
"""
PRUNE_WINDOWS: Final = """
    DELETE FROM allowance_window w
    USING allowance a
    WHERE a.number = w.number AND a.period = 'minute' AND w.starts_s < %(before_s)s
      AND NOT EXISTS (SELECT FROM allowance_grant g WHERE (g.number, g.starts_s, g.unit)
                                                        = (w.number, w.starts_s, w.unit))
      AND NOT EXISTS (SELECT FROM allowance_estimate e WHERE (e.number, e.starts_s, e.unit)
                                                           = (w.number, w.starts_s, w.unit))
"""


def prune_minutes(tx: Tx, *, before_s: int) -> int:
    """Forget minutes that are long over; nothing is computed from them any more."""
    tx.run(PRUNE_MINUTES, before_s=before_s)
    return tx.run(PRUNE_WINDOWS, before_s=before_s)


# Grants ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class GrantRow:
    """What one journal was given of a window, used of it and gave back."""

    number: int
    starts_s: int
    unit: str
    granted: int
    used: int
    returned: int
    presumed: int

    @property
    def slot(self) -> Slot:
        """Of which window."""
        return Slot(self.number, self.starts_s, self.unit)

    @property
    def outstanding(self) -> int:
        """What counts as leased."""
        return outstanding(self.granted, self.used, self.returned + self.presumed)


def outstanding(granted: int, used: int, returned: int) -> int:
    """Return what is neither used nor given back; a call that overdrew leaves nothing, not less."""
    return max(granted - used - returned, 0)


GIVE: Final = """
    INSERT INTO allowance_grant (journal_id, number, starts_s, unit, granted)
    SELECT %(journal_id)s, m.number, m.starts_s, m.unit, m.granted
    FROM unnest(%(numbers)s::int[], %(starts)s::bigint[], %(units)s::text[], %(granted)s::numeric[])
         AS m (number, starts_s, unit, granted)
    ON CONFLICT (journal_id, number, starts_s, unit)
    DO UPDATE SET granted = allowance_grant.granted + EXCLUDED.granted
    RETURNING number, starts_s, unit, granted, used, returned, presumed
"""


def give(tx: Tx, journal_id: UUID, given: dict[Slot, int]) -> dict[Slot, GrantRow]:
    """Give a journal more of windows that this transaction holds; return what it has now."""
    slots = sorted(given)
    rows = tx.rows(
        GrantRow,
        GIVE,
        journal_id=journal_id,
        **_columns(slots),
        granted=[given[slot] for slot in slots],
    )
    return {row.slot: row for row in rows}


GRANTS: Final = """
    SELECT number, starts_s, unit, granted, used, returned, presumed
    FROM allowance_grant
    WHERE journal_id = %(journal_id)s
      AND (number, starts_s, unit) IN (
          SELECT * FROM unnest(%(numbers)s::int[], %(starts)s::bigint[], %(units)s::text[]))
    ORDER BY number, starts_s, unit
"""


def grants_of(tx: Tx, journal_id: UUID, slots: Iterable[Slot]) -> dict[Slot, GrantRow]:
    """Return what a journal was given of windows, which are held by then if it is to change."""
    rows = tx.rows(GrantRow, GRANTS, journal_id=journal_id, **_columns(slots))
    return {row.slot: row for row in rows}


OUTSTANDING: Final = """
    SELECT number, starts_s, unit, granted, used, returned, presumed
    FROM allowance_grant
    WHERE journal_id = %(journal_id)s AND (granted > used + returned + presumed OR presumed > 0)
    ORDER BY number, starts_s, unit
"""


def outstanding_of(tx: Tx, journal_id: UUID) -> set[Slot]:
    """Return the windows of which a journal has anything left, or is presumed to have spent it."""
    return {row.slot for row in tx.rows(GrantRow, OUTSTANDING, journal_id=journal_id)}


MOVE_GRANTS: Final = """
    UPDATE allowance_grant g
    SET used = g.used + m.used, returned = g.returned + m.returned,
        presumed = g.presumed + m.presumed
    FROM unnest(%(numbers)s::int[], %(starts)s::bigint[], %(units)s::text[], %(used)s::numeric[],
                %(returned)s::numeric[], %(presumed)s::numeric[])
         AS m (number, starts_s, unit, used, returned, presumed)
    WHERE g.journal_id = %(journal_id)s
      AND (g.number, g.starts_s, g.unit) = (m.number, m.starts_s, m.unit)
"""


def move_grants(tx: Tx, journal_id: UUID, moves: dict[Slot, tuple[int, int, int]]) -> None:
    """Add to what a journal has used, given back, and is presumed to have spent."""
    slots = sorted(moves)
    if slots:
        tx.run(
            MOVE_GRANTS,
            journal_id=journal_id,
            **_columns(slots),
            used=[moves[slot][0] for slot in slots],
            returned=[moves[slot][1] for slot in slots],
            presumed=[moves[slot][2] for slot in slots],
        )


SUM_GRANTS: Final = """
    SELECT coalesce(sum(greatest(granted - used - returned - presumed, 0)), 0)
    FROM allowance_grant
    WHERE number = %(number)s AND starts_s = %(starts_s)s AND unit = %(unit)s
"""


def sum_of_grants(tx: Tx, slot: Slot) -> int:
    """Return what is leased of a window, added up from its grants."""
    return int(tx.value(SUM_GRANTS, **slot._asdict()))


SUM_PRESUMED: Final = """
    SELECT coalesce(sum(presumed), 0)
    FROM allowance_grant
    WHERE number = %(number)s AND starts_s = %(starts_s)s AND unit = %(unit)s
"""


def sum_presumed(tx: Tx, slot: Slot) -> int:
    """Return what of a window is given up as spent with lost journals."""
    return int(tx.value(SUM_PRESUMED, **slot._asdict()))


# After a restore ----------------------------------------------------------------------------------

IS_SHUT: Final = "SELECT EXISTS (SELECT FROM restoration WHERE reopened_at IS NULL)"


def is_shut(tx: Tx) -> bool:
    """Tell whether the database came back from a backup and lends nothing yet."""
    return tx.value(IS_SHUT) is True


JOIN_LEASING: Final = """
    INSERT INTO allowance_journal (journal_id, node_id) VALUES (%(journal_id)s, %(node_id)s)
    ON CONFLICT DO NOTHING
"""
IS_OVER: Final = """
    SELECT ended FROM allowance_journal WHERE journal_id = %(journal_id)s FOR SHARE
"""
END_LEASING: Final = """
    INSERT INTO allowance_journal (journal_id, ended) VALUES (%(journal_id)s, true)
    ON CONFLICT (journal_id) DO UPDATE SET ended = true
"""


@dataclass(frozen=True, slots=True)
class _Leasing:
    ended: bool


def join_leasing(tx: Tx, journal_id: UUID, node_id: UUID | None = None) -> bool:
    """Take part in leasing until this transaction ends; False when the journal is over."""
    found = tx.maybe(_Leasing, IS_OVER, journal_id=journal_id)
    if found is None:
        tx.run(JOIN_LEASING, journal_id=journal_id, node_id=node_id)
        found = tx.row(_Leasing, IS_OVER, journal_id=journal_id)
    return not found.ended


def end_leasing(tx: Tx, journal_id: UUID) -> None:
    """Lease nothing more to a journal that is over, not even what was asked before."""
    tx.run(END_LEASING, journal_id=journal_id)


# Estimates ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class EstimateRow:
    """What a call nobody could measure counts for, beyond its priced items."""

    event_id: UUID
    number: int
    starts_s: int
    unit: str
    amount: int

    @property
    def slot(self) -> Slot:
        """In which window."""
        return Slot(self.number, self.starts_s, self.unit)


INSERT_ESTIMATES: Final = """
    INSERT INTO allowance_estimate (event_id, number, starts_s, unit, amount)
    SELECT * FROM unnest(%(events)s::uuid[], %(numbers)s::int[], %(starts)s::bigint[],
                         %(units)s::text[], %(amounts)s::numeric[])
    ON CONFLICT DO NOTHING
"""


def insert_estimates(tx: Tx, rows: Sequence[EstimateRow]) -> None:
    """Write down what calls count for until somebody knows."""
    if rows:
        tx.run(
            INSERT_ESTIMATES,
            events=[row.event_id for row in rows],
            numbers=[row.number for row in rows],
            starts=[row.starts_s for row in rows],
            units=[row.unit for row in rows],
            amounts=[row.amount for row in rows],
        )


DROP_ESTIMATES: Final = """
    DELETE FROM allowance_estimate
    WHERE event_id = ANY(%(events)s)
    RETURNING event_id, number, starts_s, unit, amount
"""


def drop_estimates(tx: Tx, events: Sequence[UUID]) -> list[EstimateRow]:
    """Take estimates away and return them: by now somebody knows."""
    return tx.rows(EstimateRow, DROP_ESTIMATES, events=list(events))


SUM_ESTIMATES: Final = """
    SELECT coalesce(sum(amount), 0)
    FROM allowance_estimate
    WHERE number = %(number)s AND starts_s = %(starts_s)s AND unit = %(unit)s
"""


def sum_of_estimates(tx: Tx, slot: Slot) -> int:
    """Return what of a window is estimated."""
    return int(tx.value(SUM_ESTIMATES, **slot._asdict()))
