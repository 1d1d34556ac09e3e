"""What bills judge of a month's service is what the oracle judges, whatever the month was like."""

from collections import Counter, defaultdict
from fractions import Fraction

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from yuejie.assurance.sla.oracle import Attempt, Month, credited, party
from yuejie.bills.closing.agreed import credit_of
from yuejie.bills.sla.ending import Ending, counted, ending_of
from yuejie.bills.sla.verdict import FirstByte, Measured, Minutes, availability, judge
from yuejie.contracts.terms import (
    AvailabilityStep,
    CommercialTerms,
    LatencyStep,
    ResponseStep,
    Sla,
    SlaBasis,
    SlaExclusion,
    encode_terms,
)

DAY_US = 86_400_000_000
MONTH_US = (0, 30 * DAY_US)
OUTCOMES = ("ok", "client_gone", "provider_error", "provider_cut", "worker_died")
STATUSES = (0, 200, 400, 401, 402, 403, 404, 408, 409, 413, 422, 424, 429, 500, 503, 529)
REASONS = (
    *("", "stream_cut", "worker_stopped", "abandoned", "timeout", "no_usage", "drain_cut"),
    *("stream_too_long", "answer_too_large", "error_in_answer", "connection_lost", "worker_died"),
)
NAMES = {Ending.ANSWERED: "nobody"}

_ppm = st.integers(1, 1_000_000)
_shares = st.lists(st.integers(0, 1_000_000), min_size=3, max_size=3).map(sorted)


@st.composite
def slas(draw: st.DrawFn) -> Sla:
    below = sorted(draw(st.sets(_ppm, min_size=1, max_size=3)), reverse=True)
    above = sorted(draw(st.sets(st.integers(1, 50), max_size=3)))
    first, second, third = draw(_shares), draw(_shares), draw(_shares)
    missed = sorted(draw(st.sets(st.integers(1, 6), max_size=3)))
    return Sla(
        availability_ppm=draw(st.integers(below[0], 1_000_000)),
        steps=tuple(AvailabilityStep(*pair) for pair in zip(below, first, strict=False)),
        basis=draw(st.sampled_from(SlaBasis)),
        exclusions=tuple(draw(st.sets(st.sampled_from(SlaExclusion)))),
        operations_min=draw(st.integers(1, 30)),
        probed=draw(st.booleans()),
        first_byte_ms=above[0] if above else None,
        latency_steps=tuple(LatencyStep(*pair) for pair in zip(above, second, strict=False)),
        response_minutes=(15, 60, 240, 1_440),
        response_steps=tuple(ResponseStep(*pair) for pair in zip(missed, third, strict=False)),
        cap_ppm=draw(st.integers(0, 1_000_000)),
    )


_attempts = st.lists(
    st.tuples(
        st.sampled_from(OUTCOMES),
        st.sampled_from(STATUSES),
        st.sampled_from(REASONS),
        st.booleans(),
        st.one_of(st.none(), st.integers(0, 60)),
        st.integers(0, 40),
    ),
    max_size=40,
)


@given(
    slas(),
    _attempts,
    st.lists(st.booleans(), max_size=60),
    st.integers(0, 7),
    st.integers(-100, 10**9),
)
def test_bills_and_oracle_give_the_same_back(
    sla: Sla,
    ended: list[tuple[str, int, str, bool, int | None, int]],
    probes: list[bool],
    missed: int,
    spend_fen: int,
) -> None:
    windows: dict[int, Counter[Ending]] = defaultdict(Counter)
    times = []
    attempts = []
    for number, (outcome, status, reason, stream, ms, window) in enumerate(ended):
        attempts.append(
            Attempt(1, str(number), 1, window * 300_000_000, outcome, status, reason, stream, ms)
        )
        ending = ending_of(outcome, status, reason)
        windows[window][ending] += 1
        if stream and ms is not None and ending is Ending.ANSWERED:
            times.append(ms)
    times.sort()
    found = judge(
        sla,
        Measured(
            sum(windows.values(), Counter()),
            Minutes(30 * 1_440, len(probes), probes.count(False)),
            FirstByte(times[-(-95 * len(times) // 100) - 1] if times else None, len(times)),
            tuple(windows.values()),
            30 * 288,
            missed,
        ),
    )
    terms = msgspec.json.decode(encode_terms(CommercialTerms(sla=sla)))
    late = [(at, None if at % 2 else at + 1) for at in range(missed)]
    month = Month(*MONTH_US, attempts, [(at, ready) for at, ready in enumerate(probes)], late)
    assert -credit_of(spend_fen, found) == credited(terms["sla"], month, spend_fen)


@given(st.sampled_from(OUTCOMES), st.sampled_from(STATUSES), st.sampled_from(REASONS))
def test_bills_and_oracle_blame_the_same(outcome: str, status: int, reason: str) -> None:
    ending = ending_of(outcome, status, reason)
    last = Attempt(1, "", 1, 0, outcome, status, reason, stream=False, first_byte_ms=None)
    assert party(last) == NAMES.get(ending, ending)


@given(st.integers(0, 10**7), st.integers(0, 10**7), _ppm)
def test_rounding_down_never_moves_an_edge(good: int, bad: int, below: int) -> None:
    calls = Counter({Ending.ANSWERED: good, Ending.OURS: bad})
    whole, failed = counted(calls)
    exact = Fraction(whole - failed, whole) if whole else Fraction(1)
    assert (availability(calls) < below) is (exact * 1_000_000 < below)
