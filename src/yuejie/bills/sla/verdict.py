"""Whether a month's promise was kept, and which share of its usage is given back. Pure.

Availability is whole parts per million, rounded down; so it is below a step exactly where the exact
share is. Two things are looked at: the calls that reached us, and the minutes in which nobody could
have. The lower counts. Beside it, responses to tickets that were missed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Self

from yuejie.bills.sla.ending import Ending, counted
from yuejie.contracts.terms import Sla, SlaBasis, SlaExclusion
from yuejie.kernel.money import PPM, plain

_PERCENT = PPM // 100


@dataclass(frozen=True, slots=True)
class Minutes:
    """The minutes of a month: how many there are, were asked, and found nobody to serve."""

    whole: int
    probed: int = 0
    down: int = 0


@dataclass(frozen=True, slots=True)
class FirstByte:
    """The 95th percentile of the time to the first byte, and of how many streamed calls."""

    p95_ms: int | None = None
    calls: int = 0

    @classmethod
    def of(cls, taken: Mapping[int, int]) -> Self:
        """Return the smallest time within which at least 95 of 100 calls had their first byte."""
        whole, upto = sum(taken.values()), 0
        for ms, calls in sorted(taken.items()):
            upto += calls
            if upto * 100 >= whole * 95:
                return cls(ms, whole)
        return cls()


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured of a customer's month, up to an epoch.

    `windows` holds the five-minute windows with calls, `windows_whole` how many the month has.
    """

    calls: Mapping[Ending, int]
    minutes: Minutes
    first_byte: FirstByte = FirstByte()
    windows: tuple[Mapping[Ending, int], ...] = ()
    windows_whole: int = 0
    missed: int = 0
    """First responses to tickets that were due and came too late, or did not come."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What follows from a promise and a measurement; None: there was too little to judge."""

    by_calls_ppm: int | None
    by_minutes_ppm: int | None
    p95_ms: int | None
    availability_credit_ppm: int
    latency_credit_ppm: int
    response_credit_ppm: int
    credit_ppm: int
    is_kept: bool
    words: str

    @property
    def availability_ppm(self) -> int | None:
        """The availability that counts: the lower of calls and minutes."""
        known = [ppm for ppm in (self.by_calls_ppm, self.by_minutes_ppm) if ppm is not None]
        return min(known, default=None)


def availability(calls: Mapping[Ending, int], exclusions: Iterable[SlaExclusion] = ()) -> int:
    """Return the share of calls that did not fail, in ppm, rounded down; of none, all of it."""
    whole, failed = counted(calls, exclusions)
    return (whole - failed) * PPM // whole if whole else PPM


def judge(sla: Sla, measured: Measured) -> Verdict:
    """Return what a month's service costs us under a promise."""
    whole, _ = counted(measured.calls, sla.exclusions)
    enough = whole >= sla.operations_min
    minutes, first = measured.minutes, measured.first_byte
    by_calls = _by_calls(sla, measured) if enough else None
    by_minutes = None
    if sla.probed and minutes.probed:
        by_minutes = (minutes.whole - minutes.down) * PPM // minutes.whole
    p95_ms = first.p95_ms if sla.latency_steps and first.calls >= sla.operations_min else None
    ppm = min((each for each in (by_calls, by_minutes) if each is not None), default=PPM)
    for_availability = max((s.credit_ppm for s in sla.steps if ppm < s.below_ppm), default=0)
    late = p95_ms or 0
    for_latency = max((s.credit_ppm for s in sla.latency_steps if late > s.above_ms), default=0)
    missed = measured.missed
    for_responses = max((s.credit_ppm for s in sla.response_steps if missed >= s.missed), default=0)
    credits_ = _Credits(for_availability, for_latency, for_responses)
    return Verdict(
        by_calls_ppm=by_calls,
        by_minutes_ppm=by_minutes,
        p95_ms=p95_ms,
        availability_credit_ppm=for_availability,
        latency_credit_ppm=for_latency,
        response_credit_ppm=for_responses,
        credit_ppm=min(sum(credits_), sla.cap_ppm),
        is_kept=ppm >= sla.availability_ppm
        and late <= (sla.first_byte_ms or late)
        and not (sla.response_minutes and missed),
        words=_words(sla, ppm, p95_ms, missed, credits_),
    )


def _by_calls(sla: Sla, measured: Measured) -> int:
    if sla.basis is SlaBasis.OPERATIONS:
        return availability(measured.calls, sla.exclusions)
    silent = measured.windows_whole - len(measured.windows)
    sums = sum(availability(window, sla.exclusions) for window in measured.windows)
    return (silent * PPM + sums) // measured.windows_whole


class _Credits(NamedTuple):
    available: int
    latent: int
    missed: int


def _words(sla: Sla, ppm: int, p95_ms: int | None, missed: int, credits_: _Credits) -> str:
    """Say on the bill what was broken, by how much, and what that gives back."""
    parts = []
    if credits_.available:
        parts.append(
            f"可用率 {percent(ppm)} 低于承诺 {percent(sla.availability_ppm)}，"
            f"{percent(credits_.available)}"
        )
    if credits_.latent:
        parts.append(
            f"首字节 P95 {p95_ms} 毫秒超过承诺 {sla.first_byte_ms} 毫秒，{percent(credits_.latent)}"
        )
    if credits_.missed:
        parts.append(f"工单首次响应超时 {missed} 次，{percent(credits_.missed)}")
    if sum(credits_) > sla.cap_ppm:
        parts.append(f"以 {percent(sla.cap_ppm)} 为限")
    return f"SLA 赔付（{'；'.join(parts)}）" if parts else "SLA 赔付（更正）"


def percent(ppm: int) -> str:
    """Write parts per million as people read availability: 99.9%, 99.8765%."""
    return f"{plain(ppm, _PERCENT, 0)}%"
