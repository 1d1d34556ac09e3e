"""Counts what the worker turns away, by the minute, and hands the counts to the journal.

Nothing of a request is kept but whose it was, the name of a model that the catalogue knows, and
why. Counts reach the journal some seconds after the call: a worker that is killed loses those that
have not, and no usage with them, for nothing was called.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from yuejie.usage.journal import RefusedRow

ENTRIES: Final = 2_000
"""Counters at once; beyond, what is new is counted by customer and reason, then by reason alone."""
WAIT_US: Final = 5_000_000
"""How long counts may stay in memory."""
ROWS: Final = 500
"""Rows of one record, which may have 256 KiB."""
_MINUTE_US: Final = 60_000_000
_Key = tuple[int, str, str, str, str, str, int]


class Turned:
    """The counters of one worker."""

    __slots__ = ("_counts", "_due_us", "_note")

    def __init__(self, note: Callable[[Sequence[RefusedRow]], None]) -> None:
        """`note` writes rows into the journal."""
        self._note = note
        self._counts: dict[_Key, int] = {}
        self._due_us = 0

    def count(
        self,
        now_us: int,
        reason: str,
        status: int,
        *,
        customer: str = "",
        project: str = "",
        key: str = "",
        model: str = "",
    ) -> None:
        """Count a call that is turned away; what is not known of it is left empty."""
        counts = self._counts
        if not counts:
            self._due_us = now_us + WAIT_US
        minute_s = now_us // _MINUTE_US * 60
        named: _Key = (minute_s, customer, project, key, model, reason, status)
        if named not in counts and len(counts) >= ENTRIES:
            named = (minute_s, customer, "", "", "", reason, status)
            if named not in counts and len(counts) >= 2 * ENTRIES:
                named = (minute_s, "", "", "", "", reason, status)
        counts[named] = counts.get(named, 0) + 1

    def tidy(self, now_us: int) -> None:
        """Hand over what has waited for long enough."""
        if self._counts and now_us >= self._due_us:
            self.hand_over()

    def hand_over(self) -> None:
        """Hand over everything."""
        counts, self._counts = self._counts, {}
        for rows in _pieces([(*named, calls) for named, calls in counts.items()]):
            self._note(rows)


def _pieces(rows: list[RefusedRow]) -> Iterator[list[RefusedRow]]:
    for at in range(0, len(rows), ROWS):
        yield rows[at : at + ROWS]
