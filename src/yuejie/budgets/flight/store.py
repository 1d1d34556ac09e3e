"""The only SQL of flights: what each worker told last, and the sum over all that still serve."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from yuejie.budgets.allowance import Slot
from yuejie.db.session import Tx

OPERATOR_READS: Final = {
    "flights_of": "slots are named by who holds their allowance",
    "put_flights": "the same; what is told of an allowance that is not there is left out",
}

PUT: Final = """
    INSERT INTO allowance_flight AS f (journal_id, number, starts_s, unit, worst, calls, at)
    SELECT %(journal_id)s, m.number, m.starts_s, m.unit, m.worst, m.calls, m.at
    FROM unnest(%(numbers)s::int[], %(starts)s::bigint[], %(units)s::text[], %(worst)s::numeric[],
                %(calls)s::int[], %(at)s::timestamptz[])
         AS m (number, starts_s, unit, worst, calls, at)
    JOIN allowance a ON a.number = m.number
    ON CONFLICT (number, starts_s, unit, journal_id)
    DO UPDATE SET worst = EXCLUDED.worst, calls = EXCLUDED.calls, at = EXCLUDED.at
"""
DROP: Final = """
    DELETE FROM allowance_flight
    WHERE journal_id = %(journal_id)s
      AND (number, starts_s, unit) IN (
          SELECT * FROM unnest(%(numbers)s::int[], %(starts)s::bigint[], %(units)s::text[]))
"""
DROP_OF: Final = "DELETE FROM allowance_flight WHERE journal_id = %(journal_id)s"


def put_flights(tx: Tx, journal_id: UUID, told: Mapping[Slot, tuple[int, int, datetime]]) -> None:
    """Keep what a journal says of windows: worst case, calls, and when."""
    slots = sorted(told)
    if slots:
        tx.run(
            PUT,
            journal_id=journal_id,
            **_columns(slots),
            worst=[told[slot][0] for slot in slots],
            calls=[told[slot][1] for slot in slots],
            at=[told[slot][2] for slot in slots],
        )


def drop_flights(tx: Tx, journal_id: UUID, slots: Sequence[Slot]) -> None:
    """Forget windows in which nothing of a journal is under way any more."""
    if slots:
        tx.run(DROP, journal_id=journal_id, **_columns(slots))


def drop_flights_of(tx: Tx, journal_id: UUID) -> None:
    """Forget a journal that is over."""
    tx.run(DROP_OF, journal_id=journal_id)


def _columns(slots: Sequence[Slot]) -> dict[str, object]:
    return {
        "numbers": [slot.number for slot in slots],
        "starts": [slot.starts_s for slot in slots],
        "units": [slot.unit for slot in slots],
    }


@dataclass(frozen=True, slots=True)
class FlightRow:
    """What is under way in a window over all workers; `at` is the oldest word of those."""

    number: int
    starts_s: int
    unit: str
    worst: int
    calls: int
    at: datetime

    @property
    def slot(self) -> Slot:
        """Of which window."""
        return Slot(self.number, self.starts_s, self.unit)


# What a lost node's calls may have cost is in the worst cases of its worklist, no longer under way.
FLIGHTS: Final = """
    SELECT f.number, f.starts_s, f.unit, sum(f.worst) AS worst, sum(f.calls)::bigint AS calls,
           min(f.at) AS at
    FROM allowance_flight f
    WHERE f.number = ANY(%(numbers)s)
      AND NOT EXISTS (SELECT FROM allowance_journal j WHERE j.journal_id = f.journal_id AND j.ended)
    GROUP BY f.number, f.starts_s, f.unit
"""


def flights_of(tx: Tx, numbers: Sequence[int]) -> dict[Slot, FlightRow]:
    """Return what is under way in the windows of allowances."""
    return {row.slot: row for row in tx.rows(FlightRow, FLIGHTS, numbers=list(numbers))}
