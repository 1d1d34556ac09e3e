"""What a call reserved, as its journal carries it, and what it comes to when the call has ended.

A `begun` record names the windows that its call counts for: `m12.1793376000.CNY.35000000,…`, the
measure's letter, the allowance's number, the window's first second, its unit, and the worst case;
a capital letter where the window is a minute, for rollups know no minutes.
The gateway and the ingest read the same text with the same rule, so they agree to the pico on what
is left of a lease.
"""

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from yuejie.budgets.allowance import Measure, Slot
from yuejie.usage.event import EventState
from yuejie.usage.meters import UNIT_METERS, Meter

LETTERS: Final = {
    Measure.MONEY: "m",
    Measure.TOKENS: "t",
    Measure.REQUESTS: "r",
    Measure.CONCURRENCY: "c",
}
_MEASURES: Final = {letter: measure for measure, letter in LETTERS.items()}
KNOWN: Final = frozenset({EventState.MEASURED.value, EventState.PARTIAL.value})
"""States in which what a call used is known; in all others the worst case counts."""

Items = Iterable[tuple[str, str, int, int, int]]
"""Model, meter, quantity, sale rate, cost rate."""


class Held(NamedTuple):
    """A window that a call counts for, and the worst case of the call in it."""

    measure: str
    slot: Slot
    worst: int
    minute: bool = False


class Counted(NamedTuple):
    """What a call that has ended counts for: its items, and beyond them while nobody knows."""

    used: int
    estimate: int = 0

    @property
    def total(self) -> int:
        """What is taken from the lease."""
        return self.used + self.estimate


def write_holds(holds: Iterable[Held]) -> str:
    """Write what a call reserved as its journal carries it."""
    return ",".join(
        f"{_letter(held)}{held.slot.number}.{held.slot.starts_s}.{held.slot.unit}.{held.worst}"
        for held in holds
    )


def _letter(held: Held) -> str:
    letter = LETTERS[Measure(held.measure)]
    return letter.upper() if held.minute else letter


def read_holds(text: str) -> list[Held]:
    """Read it back; `ValueError` where it was written by nobody of ours, or `KeyError`."""
    holds = []
    for part in text.split(",") if text else ():
        number, starts_s, unit, worst = part[1:].split(".")
        slot = Slot(int(number), int(starts_s), unit)
        letter = part[0]
        holds.append(Held(_MEASURES[letter.lower()], slot, int(worst), letter.isupper()))
    return holds


def amount_of(measure: str, items: Items, pico_of: Callable[[int], int]) -> int:
    """Return what items come to in a measure; `pico_of` gives a sale rate's picos, 0 for none."""
    match measure:
        case Measure.MONEY:
            return sum(quantity * pico_of(sale) for _, _, quantity, sale, _ in items if sale)
        case Measure.TOKENS:
            return sum(quantity for _, meter, quantity, _, _ in items if meter not in UNIT_METERS)
        case Measure.REQUESTS:
            return sum(quantity for _, meter, quantity, _, _ in items if meter == Meter.REQUESTS)
    return 0


def counted(
    held: Held,
    items: Items,
    pico_of: Callable[[int], int],
    *,
    state: str,
    billable: bool,
) -> Counted:
    """Return what an attempt counts for in a window, now that it has ended."""
    used = amount_of(held.measure, items, pico_of)
    if state in KNOWN or not billable or held.measure == Measure.CONCURRENCY:
        return Counted(used)
    return Counted(used, max(held.worst - used, 0))
