"""What a marker directs."""

from dataclasses import replace

import pytest

from yuejie.demo.simulators.directives import (
    NO_FAULT,
    NOTHING,
    Counts,
    Fault,
    Pace,
    fault_of,
    find,
)
from yuejie.demo.simulators.faults import FaultBook, Rule


def test_a_request_without_a_marker_directs_nothing() -> None:
    assert find(b'{"messages": []}') is NOTHING


def test_a_marker_is_found_in_the_bytes_of_a_request_whatever_surrounds_it() -> None:
    order = find('{"content":"请问 [[sim in=374 out=44 cached=100 pace_ms=3]] 好吗"}'.encode())

    assert order.counts == Counts(total_in=374, out=44, cached=100)
    assert order.pace == Pace(pace_ms=3)
    assert order.fault is NO_FAULT


def test_the_last_marker_of_a_conversation_counts() -> None:
    assert find(b"[[sim out=1]] ... [[sim out=2]]").counts.out == 2


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        ("fault=429", Fault(status=429)),
        ("http=529 retry_after=7", Fault(status=529, retry_after=7)),
        ("fault=quota", Fault(status=429, quota=True)),
        ("fault=cut_before_usage", Fault(cut_before_usage=True)),
        ("cut_after=0", Fault(cut_after=0)),
        ("error_midstream=3", Fault(error_midstream=3)),
        ("no_usage=1", Fault(no_usage=True)),
        ("negative=0", Fault(negative=False)),
    ],
)
def test_a_fault_can_be_named(words: str, fault: Fault) -> None:
    found = find(f"[[sim {words} id=x]]".encode()).fault

    assert found == replace(fault, name="x")


@pytest.mark.parametrize("words", ["inn=3", "fault=flood"])
def test_a_misspelt_directive_is_refused_so_that_no_test_passes_by_accident(words: str) -> None:
    with pytest.raises(ValueError, match="模拟器"):
        find(f"[[sim {words}]]".encode())


def test_a_passing_fault_strikes_its_first_calls_only_and_counts_by_its_id() -> None:
    book = FaultBook(seed=0)
    order = find(b"[[sim fault=500 times=2 id=a]]")
    other = find(b"[[sim fault=500 times=2 id=b]]")

    statuses = [book.resolve(order, "gpt-4o").fault.status for _ in range(4)]

    assert statuses == [500, 500, 0, 0]
    assert book.resolve(other, "gpt-4o").fault.status == 500


def test_a_rule_strikes_its_share_of_its_models_and_the_same_calls_every_time() -> None:
    book = FaultBook(seed=7)
    rule = Rule("gpt-*", 30, fault_of({"fault": 429}))

    book.set([rule])
    first = [book.resolve(NOTHING, "gpt-4o").fault.status for _ in range(1000)]
    book.set([rule])
    again = [book.resolve(NOTHING, "gpt-4o").fault.status for _ in range(1000)]

    assert first == again
    assert 250 < first.count(429) < 350
    assert book.resolve(NOTHING, "claude-opus-4-5").fault is NO_FAULT
