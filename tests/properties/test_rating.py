"""Guards the room rating: sums do not depend on order, grouping or sign."""

from collections import defaultdict
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from yuejie.contracts.prices import RateRow
from yuejie.kernel.money import FX_SCALE, PICO_PER_FEN, Charge, FxRate, apportion
from yuejie.rating.totals import LineKey, line_charges, margin, sum_by, total

RATES = {
    rate_id: RateRow(rate_id, 1, "m", "input", pico, "USD", "default", 0, "", 0)
    for rate_id, pico in enumerate((0, 1, 5_000_000, 14_246_912, 10**12), 1)
}

keys = st.builds(
    LineKey,
    st.sampled_from(("prj_a", "prj_b")),
    st.just("m"),
    st.sampled_from(("input", "output")),
    st.sampled_from(sorted(RATES)),
)
calls = st.lists(st.tuples(keys, st.integers(0, 10**9)), max_size=30)
picos = st.integers(-(10**30), 10**30)
rates = st.builds(lambda e8: FxRate("USD", "CNY", e8), st.integers(1, 10**11))


@given(calls, st.randoms(use_true_random=False), st.integers(1, 7))
def test_the_charge_of_a_month_is_the_sum_of_its_calls(
    month: list[tuple[LineKey, int]], order: Random, groups: int
) -> None:
    """In any order, and in any grouping into batches, days or rollups."""
    whole = total(line_charges(month, RATES).values(), "USD")
    one_by_one = total((Charge(n * RATES[k.rate_id].pico, "USD") for k, n in month), "USD")
    assert whole == one_by_one
    shuffled = list(month)
    order.shuffle(shuffled)
    batches: defaultdict[int, list[tuple[LineKey, int]]] = defaultdict(list)
    for call in shuffled:
        batches[order.randrange(groups)].append(call)
    parts = [total(line_charges(batch, RATES).values(), "USD") for batch in batches.values()]
    assert total(parts, "USD") == whole


@given(calls)
def test_sums_by_anything_add_up_to_the_month(month: list[tuple[LineKey, int]]) -> None:
    whole = total(line_charges(month, RATES).values(), "USD")
    for by in (0, 2):
        found = sum_by(((key[by], key.rate_id, n) for key, n in month), RATES)
        assert total(found.values(), "USD") == whole


@given(picos)
def test_settling_moves_an_amount_by_at_most_half_a_fen(pico: int) -> None:
    settled = Charge(pico, "USD").settle()
    assert 2 * abs(settled.fen * PICO_PER_FEN - pico) <= PICO_PER_FEN


@given(picos, rates)
def test_settling_through_an_exchange_rate_rounds_once(pico: int, fx: FxRate) -> None:
    settled = Charge(pico, "USD").settle(fx)
    exact = pico * fx.e8
    assert 2 * abs(settled.fen * PICO_PER_FEN * FX_SCALE - exact) <= PICO_PER_FEN * FX_SCALE


@given(picos, st.none() | rates)
def test_a_refund_mirrors_its_charge(pico: int, fx: FxRate | None) -> None:
    assert Charge(-pico, "USD").settle(fx) == -Charge(pico, "USD").settle(fx)


@given(st.lists(st.tuples(picos, picos), min_size=1, max_size=9), rates)
def test_margins_of_events_add_up_to_the_margin_of_the_month(
    events: list[tuple[int, int]], fx: FxRate
) -> None:
    each = [margin(Charge(s, "CNY"), Charge(c, "USD"), fx) for s, c in events]
    whole = margin(
        Charge(sum(s for s, _ in events), "CNY"), Charge(sum(c for _, c in events), "USD"), fx
    )
    first, *rest = each
    assert sum(rest, start=first) == whole


@given(st.integers(-(10**15), 10**15), st.lists(st.integers(0, 10**9), min_size=1, max_size=20))
def test_sharing_a_total_loses_nothing(fen: int, weights: list[int]) -> None:
    assert sum(apportion(fen, weights)) == fen
