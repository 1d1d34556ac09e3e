"""Guards the room bills: graduated steps are monotone and continuous at their edges (STYLE 22)."""

from hypothesis import given
from hypothesis import strategies as st

from yuejie.bills.closing.agreed import discount_of
from yuejie.contracts.terms import TierDiscount, TierMode, TierStep
from yuejie.kernel.money import PPM

edges = st.lists(st.integers(0, 10**12), min_size=1, max_size=6, unique=True).map(sorted)


@st.composite
def tiers(draw: st.DrawFn) -> TierDiscount:
    """Steps whose edges and shares rise, as terms may have them."""
    found = draw(edges)
    shares = sorted(draw(st.integers(0, PPM)) for _ in found)
    steps = tuple(TierStep(above, share) for above, share in zip(found, shares, strict=True))
    return TierDiscount(steps, TierMode.GRADUATED)


@given(tiers(), st.integers(0, 10**13), st.integers(0, 10**13))
def test_who_uses_more_never_pays_less_and_is_never_discounted_less(
    tier: TierDiscount, one: int, other: int
) -> None:
    less, more = sorted((one, other))
    assert discount_of(less, tier) <= discount_of(more, tier)
    assert less - discount_of(less, tier) <= more - discount_of(more, tier)


@given(tiers())
def test_an_edge_is_no_jump(tier: TierDiscount) -> None:
    """A fen more used is at most a fen more paid, also where the next step begins."""
    for step in tier.steps:
        below, at = (discount_of(fen, tier) for fen in (step.above_fen - 1, step.above_fen))
        assert 0 <= at - below <= 1


@given(tiers(), st.integers(0, 10**13))
def test_a_discount_is_between_nothing_and_the_dearest_step_of_everything(
    tier: TierDiscount, usage: int
) -> None:
    most = tier.steps[-1].discount_ppm
    assert 0 <= discount_of(usage, tier) <= -(-usage * most // PPM)
