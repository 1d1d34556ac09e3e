"""How an operation ended, and whose fault it was. Pure.

An operation is one call of a customer; its last attempt says how it ended, since after an answer
nothing is tried again. What an event says of an attempt is its outcome, the status the provider
answered with, and why its numbers are not whole; `ending_of` is the one table from these to the
party at fault. Where they do not tell it, the doubt is against us: a customer buys from us, and its
requests never reach a provider under its own name.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final

from yuejie.contracts.terms import SlaExclusion
from yuejie.usage.event import Outcome


class Ending(StrEnum):
    """How an operation ended; every value but the first two is a failure."""

    ANSWERED = "answered"
    CLIENT = "client"
    """Refused for what it said, or the client hung up: the service was there."""
    OURS = "ours"
    """Our process died or stopped, our credential or balance was refused, our bound was reached."""
    PROVIDER = "provider"
    """Not reached, an error of its own, broken off, too slow."""
    THROTTLED = "throttled"
    """429: our accounts at the provider had no room left."""
    REFUSED = "refused"
    """403 or 404: our right or our name for a model, or something that the call names."""


TURNED_AWAY: Final = "turned_away"
"""The outcome of a call that our gateway refused though it was in order: no attempt, no event.
What is refused for what a call says, or its customer has set or owes, counts nowhere."""
FAILED: Final = frozenset({Ending.OURS, Ending.PROVIDER, Ending.THROTTLED, Ending.REFUSED})
OUR_REASONS: Final = frozenset({"worker_stopped", "abandoned", "answer_too_large"})
BROKEN_REASONS: Final = frozenset({"stream_cut", "stream_too_long", "error_in_answer"})
"""Why an answer that began well is none."""
TELLING: Final = sorted(OUR_REASONS | BROKEN_REASONS | {"connection_lost", "timeout"})
"""Reasons that say something of how a call ended; any other is about its numbers."""

_ERROR: Final = 400
_SERVER: Final = 500
_BY_STATUS: Final[Mapping[int, Ending]] = {
    0: Ending.PROVIDER,
    401: Ending.OURS,
    402: Ending.OURS,
    403: Ending.REFUSED,
    404: Ending.REFUSED,
    408: Ending.PROVIDER,
    424: Ending.PROVIDER,
    429: Ending.THROTTLED,
}


def ending_of(outcome: str, status: int, reason: str) -> Ending:
    """Tell how an operation ended, from what is written of its last attempt."""
    if outcome in {Outcome.WORKER_DIED.value, TURNED_AWAY}:
        return Ending.OURS
    if outcome == Outcome.CLIENT_GONE:
        return Ending.CLIENT
    if reason in OUR_REASONS:
        return Ending.OURS
    if outcome == Outcome.PROVIDER_CUT or reason in BROKEN_REASONS:
        return Ending.PROVIDER
    if outcome == Outcome.OK and status < _ERROR:
        return Ending.ANSWERED
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    return Ending.PROVIDER if status >= _SERVER else Ending.CLIENT


def counted(
    calls: Mapping[Ending, int], exclusions: Iterable[SlaExclusion] = ()
) -> tuple[int, int]:
    """Return how many calls count, and how many of them failed.

    What a contract excludes is neither: it is as if it had not been asked.
    """
    failed = FAILED - {Ending(each) for each in exclusions}
    bad = sum(calls.get(each, 0) for each in failed)
    return bad + sum(calls.get(each, 0) for each in Ending if each not in FAILED), bad
