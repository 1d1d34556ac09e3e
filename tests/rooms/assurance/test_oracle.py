from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuejie.assurance.oracle import (
    BookRow,
    Oracle,
    RawEvent,
    half_away,
    quantities_of,
    settle,
    totals,
)
from yuejie.bills.bill import TaxMode
from yuejie.bills.closing.taxes import tax_of
from yuejie.kernel.money import Charge, FxRate


def row(rate_id: int, **changes: object) -> BookRow:
    written: dict[str, object] = {
        "book_id": "list",
        "revision": 1,
        "starts_us": 0,
        "model": "m",
        "meter": "input",
        "pico": 1,
        "currency": "USD",
        "service_tier": "default",
        "context_above": 0,
        "time_window": "",
        **changes,
    }
    return BookRow(rate_id=rate_id, **written)  # type: ignore[arg-type]  # a test writes what it likes


def event(**changes: object) -> RawEvent:
    written: dict[str, object] = {
        "event_id": "e",
        "month": "2026-10",
        "project_id": "p",
        "model": "m",
        "billable": True,
        "state": "measured",
        "started_us": 1_000,
        "sale_book": "list",
        "sale_revision": 1,
        "service_tier": "default",
        "context_tokens": 10,
        "items": [("m", "input", 10, 1, 0)],
        **changes,
    }
    return RawEvent(**written)  # type: ignore[arg-type]  # the same


def test_the_newest_started_revision_up_to_the_pinned_one_prices() -> None:
    oracle = Oracle([row(1), row(2, revision=2, starts_us=500), row(3, revision=3)])
    found = oracle.rate_of(event(sale_revision=2), "m", "input")
    assert found is not None
    assert found.rate_id == 2


def test_a_long_context_prices_the_whole_request() -> None:
    oracle = Oracle([row(1), row(2, context_above=200)])
    for tokens, rate_id in ((200, 1), (201, 2)):
        found = oracle.rate_of(event(context_tokens=tokens), "m", "input")
        assert found is not None
        assert found.rate_id == rate_id


def test_a_tier_that_the_list_does_not_know_has_no_price() -> None:
    oracle = Oracle([row(1), row(2, service_tier="batch", meter="output")])
    assert oracle.rate_of(event(service_tier="ultra"), "m", "input") is None
    found = oracle.rate_of(event(service_tier="batch"), "m", "input")
    assert found is not None
    assert found.rate_id == 1


def test_an_item_priced_otherwise_is_named() -> None:
    oracle = Oracle([row(1), row(9, meter="output")])
    sums, wrong = quantities_of([event(items=[("m", "input", 10, 9, 0)])], oracle)
    assert list(sums.values()) == [10]
    assert [(d.billed, d.proved) for d in wrong] == [("9", "1")]


@pytest.mark.parametrize("change", [{"state": "estimated"}, {"billable": False}])
def test_what_is_not_billed_is_not_counted(change: dict[str, object]) -> None:
    assert quantities_of([event(**change)], Oracle([row(1)])) == ({}, [])


@given(st.integers(-(10**15), 10**15), st.integers(0, 10**9), st.integers(1, 10**10))
def test_two_ways_of_settling_agree(quantity: int, pico: int, e8: int) -> None:
    charge = Charge(quantity * pico, "USD")
    assert settle(quantity, pico, None) == charge.settle().fen
    assert settle(quantity, pico, e8) == charge.settle(FxRate("USD", "CNY", e8)).fen


@given(
    st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=20),
    st.sampled_from(TaxMode),
    st.integers(0, 300_000),
)
def test_two_ways_of_taxing_agree(amounts: list[int], mode: TaxMode, ppm: int) -> None:
    whole, tax = sum(amounts), tax_of(sum(amounts), mode, ppm)
    inside = mode is TaxMode.INCLUSIVE
    expected = (whole - tax, tax, whole) if inside else (whole, tax, whole + tax)
    assert totals(amounts, mode, ppm) == expected


def test_halves_go_away_from_zero() -> None:
    assert [half_away(Fraction(n, 2)) for n in (-3, -1, 1, 3)] == [-2, -1, 1, 2]
