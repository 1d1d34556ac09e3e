"""Counts what the worker turns away, by the minute, and hands the counts to the journal.

Nothing of a request is kept but whose it was, the name of a model that the catalogue knows, and
why. The first of each minute are kept one by one beside the counts, so that a request id can be
looked up; a flood fills its own bounds and then is only counted. Both reach the journal some
seconds after the call: a worker that is killed loses those that have not, and no usage with them,
for nothing was called.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from yuejie.kernel.limits import REFUSED_OF_CUSTOMER, REFUSED_OF_REASON, REFUSED_OF_WORKER
from yuejie.usage.journal import RefusedOne, RefusedRow
from yuejie.usage.refusals.reason import FACTS

ENTRIES: Final = 2_000
"""Counters at once; beyond, what is new is counted by customer and reason, then by reason alone."""
WAIT_US: Final = 5_000_000
"""How long counts may stay in memory."""
ROWS: Final = 500
"""Rows of one record, which may have 256 KiB."""
ONES: Final = 25
"""Single calls of one record; one has at most some 7 KB."""
FACT_LENGTH: Final = 200
_MINUTE_US: Final = 60_000_000
_Key = tuple[int, str, str, str, str, str, int]
_Row = TypeVar("_Row")


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose call it is, and of which model; what is not known is empty."""

    customer: str = ""
    project: str = ""
    key: str = ""
    model: str = ""


NOBODY: Final = Whose()


class Turned:
    """The counters of one worker, and the single calls that it keeps."""

    __slots__ = ("_counts", "_due_us", "_kept", "_minute", "_note", "_ones")

    def __init__(self, note: Callable[[Sequence[RefusedRow], Sequence[RefusedOne]], None]) -> None:
        """`note` writes rows into the journal."""
        self._note = note
        self._counts: dict[_Key, int] = {}
        self._ones: list[RefusedOne] = []
        self._kept: Counter[tuple[str, ...]] = Counter()
        self._minute = 0
        self._due_us = 0

    def count(self, now_us: int, reason: str, status: int, whose: Whose = NOBODY) -> None:
        """Count a call that is turned away."""
        counts = self._counts
        self._begin(now_us)
        minute_s = now_us // _MINUTE_US * 60
        customer = whose.customer
        named: _Key = (minute_s, customer, whose.project, whose.key, whose.model, reason, status)
        if named not in counts and len(counts) >= ENTRIES:
            named = (minute_s, customer, "", "", "", reason, status)
            if named not in counts and len(counts) >= 2 * ENTRIES:
                named = (minute_s, "", "", "", "", reason, status)
        counts[named] = counts.get(named, 0) + 1

    def keep(
        self,
        request: bytes,
        now_us: int,
        reason: str,
        status: int,
        facts: Mapping[str, object],
        whose: Whose = NOBODY,
    ) -> None:
        """Keep a single call under its id, unless its minute has had enough of its kind."""
        if not self._has_room(now_us, whose, reason):
            return
        self._begin(now_us)
        about = {name: str(facts[name])[:FACT_LENGTH] for name in FACTS if facts.get(name)}
        of = (whose.customer, whose.project, whose.key, whose.model)
        self._ones.append(RefusedOne(request, now_us, *of, reason, status, about))

    def tidy(self, now_us: int) -> None:
        """Hand over what has waited for long enough."""
        if (self._counts or self._ones) and now_us >= self._due_us:
            self.hand_over()

    def hand_over(self) -> None:
        """Hand over everything."""
        counts, self._counts = self._counts, {}
        ones, self._ones = self._ones, []
        for rows in _pieces([(*named, calls) for named, calls in counts.items()], ROWS):
            self._note(rows, ())
        for some in _pieces(ones, ONES):
            self._note((), some)

    def _begin(self, now_us: int) -> None:
        if not self._counts and not self._ones:
            self._due_us = now_us + WAIT_US

    def _has_room(self, now_us: int, whose: Whose, reason: str) -> bool:
        """Take a place in each of the minute's bounds, or in none of them."""
        minute = now_us // _MINUTE_US
        if minute != self._minute:
            self._minute = minute
            self._kept.clear()
        bounds = (
            ((), REFUSED_OF_WORKER),
            ((whose.customer,), REFUSED_OF_CUSTOMER),
            ((whose.customer, whose.key, reason), REFUSED_OF_REASON),
        )
        if any(self._kept[name] >= most for name, most in bounds):
            return False
        self._kept.update(name for name, _ in bounds)
        return True


def _pieces(rows: list[_Row], size: int) -> Iterator[list[_Row]]:
    for at in range(0, len(rows), size):
        yield rows[at : at + size]
