"""The slow oracle of SLA credits: every call of a month read one by one, and judged again. Pure.

It shares nothing with `bills.sla`: the events are grouped into operations here and not in SQL, the
party at fault follows from rules written out again, and shares are fractions that are compared as
they are, never rounded.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import groupby
from typing import Any, Final

from yuejie.assurance.oracle import half_away

_PPM: Final = 10**6
_WINDOW_US: Final = 300 * 10**6
_MINUTE_US: Final = 60 * 10**6
_PERCENTILE: Final = Fraction(95, 100)


@dataclass(frozen=True, slots=True)
class Attempt:
    """A version of an attempt as the gateway wrote it; times in Unix microseconds."""

    version: int
    operation_id: str
    attempt: int
    started_us: int
    outcome: str
    http_status: int
    reason: str
    stream: bool
    first_byte_ms: int | None


@dataclass(frozen=True, slots=True)
class Month:
    """What a promise is judged by: attempts, and minutes that were looked at, while it held.

    The attempts of an operation follow one another.
    """

    start_us: int
    end_us: int
    attempts: Iterable[Attempt]
    probes: Iterable[tuple[int, bool]]
    """Minute and whether the gateway was ready then."""
    responses: Iterable[tuple[int, int | None]] = ()
    """When a first response that is said to be missed was due, and when it came."""
    turned: Iterable[tuple[int, int]] = ()
    """Minute, and how many calls that were in order nobody took up then."""


def credited(sla: Mapping[str, Any], month: Month, spend_fen: int) -> int:
    """Return the fen that a month gives back, as a negative amount or zero."""
    seen = _seen(sla, month)
    shares = []
    enough = sla.get("operations_min", 1000)
    if seen.calls >= enough:
        windows = sla.get("basis", "operations") == "windows"
        shares.append(_by_window(seen, month) if windows else Fraction(seen.good, seen.calls))
    probes = list(month.probes)
    if sla.get("probed", True) and probes:
        whole = (month.end_us - month.start_us) // _MINUTE_US
        shares.append(1 - Fraction(sum(not ready for _, ready in probes), whole))
    lowest = min(shares, default=Fraction(1))
    ppm = _reached((lowest * _PPM < step["below_ppm"], step["credit_ppm"]) for step in sla["steps"])
    steps = sla.get("latency_steps") or ()
    if steps and seen.times.total() >= enough:
        p95 = _p95(seen.times)
        ppm += _reached((p95 > step["above_ms"], step["credit_ppm"]) for step in steps)
    late = sum(came is None or came > due for due, came in month.responses)
    answers = sla.get("response_steps") or ()
    ppm += _reached((late >= step["missed"], step["credit_ppm"]) for step in answers)
    ppm = min(ppm, sla.get("cap_ppm", 500_000))
    return -half_away(Fraction(max(0, spend_fen) * ppm, _PPM))


def _reached(steps: Iterable[tuple[bool, int]]) -> int:
    return max((credit for reached, credit in steps if reached), default=0)


@dataclass(slots=True)
class _Seen:
    """What counts of a month's operations: how many, how many were served, when, how fast."""

    calls: int = 0
    good: int = 0
    windows: dict[int, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))
    """Calls and served calls by window."""
    times: Counter[int] = field(default_factory=Counter)


def _seen(sla: Mapping[str, Any], month: Month) -> _Seen:
    """Take the operations one by one, each by the attempt and version that it ended with."""
    seen = _Seen()
    excluded = set(sla.get("exclusions") or ())
    for _, attempts in groupby(month.attempts, key=lambda each: each.operation_id):
        last = max(attempts, key=lambda each: (each.attempt, each.version))
        fault = party(last)
        if fault in excluded or not month.start_us <= last.started_us < month.end_us:
            continue
        served = fault in {"nobody", "client"}
        seen.calls += 1
        seen.good += served
        window = seen.windows[last.started_us // _WINDOW_US]
        window[0] += 1
        window[1] += served
        if last.stream and last.first_byte_ms is not None and fault == "nobody":
            seen.times[last.first_byte_ms] += 1
    for minute_us, calls in month.turned if "ours" not in excluded else ():
        if month.start_us <= minute_us < month.end_us:
            seen.calls += calls
            seen.windows[minute_us // _WINDOW_US][0] += calls
    return seen


def party(last: Attempt) -> str:
    """Name who is at fault: nobody, client, ours, provider, throttled or refused."""
    outcome, status, reason = last.outcome, last.http_status, last.reason
    if outcome == "client_gone":
        return "client"
    if outcome == "worker_died" or reason in {"worker_stopped", "abandoned", "answer_too_large"}:
        return "ours"
    cut = reason in {"stream_cut", "stream_too_long", "error_in_answer"}
    if cut or outcome == "provider_cut":
        return "provider"
    if status < 400 and outcome == "ok":
        return "nobody"
    if status >= 500 or status in {0, 408, 424}:
        return "provider"
    known = {401: "ours", 402: "ours", 403: "refused", 404: "refused", 429: "throttled"}
    return known.get(status, "client")


def _by_window(seen: _Seen, month: Month) -> Fraction:
    """Return the mean over all windows of the month, each in whole millionths as it is agreed."""
    whole = (month.end_us - month.start_us) // _WINDOW_US
    lost = sum(_PPM - good * _PPM // calls for calls, good in seen.windows.values())
    return 1 - Fraction(lost, whole * _PPM)


def _p95(times: Counter[int]) -> int:
    """Return the time within which 95 of 100 calls had their first byte: the ⌈0.95 n⌉-th."""
    rank = _PERCENTILE * times.total()
    for ms, calls in sorted(times.items()):
        rank -= calls
        if rank <= 0:
            return ms
    return 0
