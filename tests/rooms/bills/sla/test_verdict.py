from collections import Counter
from dataclasses import replace

import pytest

from yuejie.bills.sla.ending import FAILED, Ending, counted, ending_of
from yuejie.bills.sla.verdict import FirstByte, Measured, Minutes, Verdict, availability, judge
from yuejie.contracts.terms import (
    AvailabilityStep,
    LatencyStep,
    Sla,
    SlaBasis,
    SlaExclusion,
)

SLA = Sla(
    availability_ppm=999_000,
    steps=(AvailabilityStep(999_000, 100_000), AvailabilityStep(990_000, 250_000)),
    operations_min=1_000,
)
MONTH = Minutes(44_640)


def measured(ok: int, failed: int, minutes: Minutes = MONTH) -> Measured:
    return Measured(Counter({Ending.ANSWERED: ok, Ending.PROVIDER: failed}), minutes)


def verdict(ok: int, failed: int, sla: Sla = SLA, minutes: Minutes = MONTH) -> Verdict:
    return judge(sla, measured(ok, failed, minutes))


@pytest.mark.parametrize(
    ("outcome", "status", "reason", "ending"),
    [
        ("ok", 200, "", Ending.ANSWERED),
        ("ok", 200, "no_usage", Ending.ANSWERED),
        ("ok", 413, "", Ending.CLIENT),
        ("client_gone", 0, "", Ending.CLIENT),
        ("client_gone", 200, "drain_cut", Ending.CLIENT),
        ("client_gone", 200, "worker_stopped", Ending.CLIENT),
        ("worker_died", 0, "worker_died", Ending.OURS),
        ("ok", 200, "worker_stopped", Ending.OURS),
        ("provider_cut", 0, "worker_stopped", Ending.OURS),
        ("provider_cut", 0, "abandoned", Ending.OURS),
        ("provider_cut", 0, "answer_too_large", Ending.OURS),
        ("provider_error", 401, "", Ending.OURS),
        ("provider_error", 402, "", Ending.OURS),
        ("provider_error", 403, "", Ending.REFUSED),
        ("provider_error", 404, "", Ending.REFUSED),
        ("provider_error", 400, "", Ending.CLIENT),
        ("provider_error", 422, "", Ending.CLIENT),
        ("provider_error", 408, "timeout_charged", Ending.PROVIDER),
        ("provider_error", 424, "", Ending.PROVIDER),
        ("provider_error", 429, "", Ending.THROTTLED),
        ("provider_error", 500, "", Ending.PROVIDER),
        ("provider_error", 529, "", Ending.PROVIDER),
        ("provider_error", 0, "", Ending.PROVIDER),
        ("provider_cut", 0, "connection_lost", Ending.PROVIDER),
        ("provider_cut", 0, "timeout", Ending.PROVIDER),
        ("provider_cut", 200, "stream_cut", Ending.PROVIDER),
        ("ok", 200, "stream_cut", Ending.PROVIDER),
        ("ok", 200, "stream_too_long", Ending.PROVIDER),
        ("ok", 200, "error_in_answer", Ending.PROVIDER),
    ],
)
def test_who_is_at_fault(outcome: str, status: int, reason: str, ending: Ending) -> None:
    assert ending_of(outcome, status, reason) is ending


def test_what_a_contract_may_exclude_is_a_failure_but_never_ours() -> None:
    assert {Ending(each) for each in SlaExclusion} == FAILED - {Ending.OURS}


def test_an_excluded_call_is_as_if_it_had_not_been_asked() -> None:
    calls = Counter({Ending.ANSWERED: 90, Ending.CLIENT: 5, Ending.OURS: 2, Ending.THROTTLED: 3})
    assert counted(calls) == (100, 5)
    assert counted(calls, [SlaExclusion.THROTTLED]) == (97, 2)


@pytest.mark.parametrize(
    ("ok", "failed", "ppm", "credit"),
    [
        (1_000, 0, 1_000_000, 0),
        (999, 1, 999_000, 0),
        (998, 2, 998_000, 100_000),
        (998_999, 1_001, 998_999, 100_000),
        (9_990_000, 9_999, 999_000, 0),
        (9_990_000, 10_001, 998_999, 100_000),
        (990, 10, 990_000, 100_000),
        (989, 11, 989_000, 250_000),
        (0, 1_000, 0, 250_000),
    ],
)
def test_a_step_is_reached_below_its_edge_and_not_on_it(
    ok: int, failed: int, ppm: int, credit: int
) -> None:
    found = verdict(ok, failed)
    assert (found.availability_ppm, found.credit_ppm) == (ppm, credit)
    assert found.is_kept is (credit == 0)


def test_below_the_least_number_nothing_is_judged() -> None:
    found = verdict(0, 999)
    assert (found.availability_ppm, found.credit_ppm, found.is_kept) == (None, 0, True)


def test_minutes_are_judged_of_the_whole_month_and_only_where_somebody_looked() -> None:
    assert verdict(0, 0, minutes=Minutes(44_640, 0, 0)).by_minutes_ppm is None
    assert verdict(0, 0, minutes=Minutes(44_640, 10, 10)).by_minutes_ppm == 999_775
    broken = verdict(5_000, 0, minutes=Minutes(44_640, 44_640, 45))
    assert (broken.availability_ppm, broken.credit_ppm) == (998_991, 100_000)
    off = replace(SLA, probed=False)
    assert verdict(5_000, 0, off, Minutes(44_640, 44_640, 45)).is_kept


def test_the_lower_of_calls_and_minutes_counts() -> None:
    both = verdict(980, 20, minutes=Minutes(44_640, 44_640, 45))
    assert (both.by_calls_ppm, both.by_minutes_ppm) == (980_000, 998_991)
    assert (both.availability_ppm, both.credit_ppm) == (980_000, 250_000)


def test_a_silent_window_is_wholly_available() -> None:
    windows = tuple(Counter({Ending.ANSWERED: 2, Ending.OURS: 1}) for _ in range(9))
    month = Measured(sum(windows, Counter()), MONTH, windows=windows, windows_whole=1_000)
    sla = replace(SLA, basis=SlaBasis.WINDOWS, operations_min=1)
    assert judge(sla, month).availability_ppm == (991 * 1_000_000 + 9 * 666_666) // 1_000
    assert availability(Counter()) == 1_000_000


def test_credits_add_up_as_far_as_the_cap_and_say_so() -> None:
    sla = replace(
        SLA,
        first_byte_ms=2_000,
        latency_steps=(LatencyStep(2_000, 50_000), LatencyStep(5_000, 300_000)),
    )
    month = replace(measured(980, 20), first_byte=FirstByte(5_001, 1_000))
    found = judge(sla, month)
    assert (found.availability_credit_ppm, found.latency_credit_ppm) == (250_000, 300_000)
    assert (found.credit_ppm, found.is_kept) == (500_000, False)
    assert found.words == (
        "SLA 赔付（可用率 98% 低于承诺 99.9%，25%；"
        "首字节 P95 5001 毫秒超过承诺 2000 毫秒，30%；以 50% 为限）"
    )
    assert judge(sla, replace(month, first_byte=FirstByte(5_001, 999))).latency_credit_ppm == 0
    edge = judge(sla, replace(measured(1_000, 0), first_byte=FirstByte(2_000, 1_000)))
    assert (edge.credit_ppm, edge.is_kept) == (0, True)
