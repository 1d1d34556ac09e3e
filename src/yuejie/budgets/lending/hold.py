"""What a call reserved, as its journal carries it, and what it comes to when the call has ended.

A `begun` record names the windows that its call counts for: `m12.1793376000.CNY.35000000,…`, the
measure's letter, the allowance's number, the window's first second, its unit, and the worst case;
a capital letter where the window is a minute, for rollups know no minutes.
The gateway and the ingest read the same text with the same rule, so they agree to the pico on what
is left of a lease.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
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

REMEMBERED: Final = 10_000
"""Windows whose names are remembered."""
_REQUESTS: Final = Meter.REQUESTS.value
_PIECES: Final = frozenset(meter.value for meter in UNIT_METERS)

Item = tuple[str, str, int, int, int]
"""Model, meter, quantity, sale rate, cost rate."""
Items = Iterable[Item]


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


class Totals(NamedTuple):
    """What an attempt came to in each measure, whatever of it counts where."""

    money: int
    tokens: int
    requests: int


MEASURED: Final = {Measure.MONEY: 0, Measure.TOKENS: 1, Measure.REQUESTS: 2}
"""Where a measure stands in `Totals`; concurrency is held and never spent."""


def prefix_of(held: Held) -> str:
    """Write all of a hold but its worst case: the same for every call of a window."""
    letter = LETTERS[Measure(held.measure)]
    slot = held.slot
    name = f"{slot.number}.{slot.starts_s}.{slot.unit}."
    return (letter.upper() if held.minute else letter) + name


def write_holds(holds: Iterable[Held]) -> str:
    """Write what a call reserved as its journal carries it."""
    return ",".join(f"{prefix_of(held)}{held.worst}" for held in holds)


@lru_cache(REMEMBERED)
def read_prefix(prefix: str) -> tuple[str, Slot, bool]:
    """Read all of a hold but its worst case: measure, slot, whether a minute."""
    letter = prefix[0]
    number, starts_s, unit = prefix[1:].split(".")
    slot = Slot(int(number), int(starts_s), unit)
    return _MEASURES[letter.lower()], slot, letter.isupper()


def prefixes_of(text: str) -> tuple[str, ...]:
    """Name the windows of a hold: all of it but the worst cases. This runs for every held call."""
    if "," in text:
        return tuple([part[: part.rfind(".")] for part in text.split(",")])
    return (text[: text.rfind(".")],)


def read_holds(text: str) -> list[Held]:
    """Read it back; `ValueError` or `KeyError` where it was written by nobody of ours."""
    holds = []
    for part in text.split(",") if text else ():
        prefix, _, worst = part.rpartition(".")
        measure, slot, minute = read_prefix(prefix)
        holds.append(Held(measure, slot, int(worst), minute))
    return holds


def totals_of(items: Items, picos: Mapping[int, int]) -> Totals:
    """Return what items come to, of one call or of many; `picos` by sale rate, of none too."""
    money = tokens = requests = 0
    for _, meter, quantity, sale, _ in items:
        if quantity:
            money += quantity * picos[sale]
            if meter not in _PIECES:
                tokens += quantity
            elif meter == _REQUESTS:
                requests += quantity
    return Totals(money, tokens, requests)


def is_known(state: str, *, billable: bool) -> bool:
    """Tell whether what an attempt used is known, or is nothing that anybody pays for."""
    return state in KNOWN or not billable


def counted(measure: str, worst: int, totals: Totals, *, known: bool) -> Counted:
    """Return what an attempt counts for in a window, now that it has ended."""
    place = MEASURED.get(measure)  # type: ignore[call-overload]  # a measure is its own text
    if place is None:
        return Counted(0)
    used: int = totals[place]
    return Counted(used) if known else Counted(used, max(worst - used, 0))
