"""The return of changing over: the product's vectors, exactly, and what may not be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuejie.kernel.errors import Invalid
from yuejie.presales.roi import Avoided, Roi


def roi(before: int, after: int, fee: int, *waste: int) -> Roi:
    avoided = tuple(Avoided(f"w{n}", "季节性浪费", fen) for n, fen in enumerate(waste))
    return Roi(currency="USD", before_fen=before, after_fen=after, fee_fen=fee, avoided=avoided)


def test_the_fintech_vector() -> None:
    found = roi(5_000_00, 3_500_00, 200_00)
    assert (found.saving_fen, found.net_fen, found.ratio_e2) == (1_500_00, 1_300_00, 650)


def test_the_shop_vector() -> None:
    found = roi(8_000_00, 6_500_00, 300_00, 500_00)
    assert (found.saving_fen, found.net_fen, found.ratio_e2) == (1_500_00, 1_700_00, 567)


def test_without_a_fee_there_is_no_ratio_and_a_loss_is_one() -> None:
    assert roi(100, 50, 0).ratio_e2 is None
    assert roi(100_00, 150_00, 10_00).net_fen == -60_00
    assert roi(100_00, 150_00, 10_00).ratio_e2 == -600
    with pytest.raises(Invalid, match="不能为负"):
        roi(-1, 0, 0).refuse_nonsense()


money = st.integers(0, 10**12)


@given(money, money, money, st.lists(money, max_size=4))
def test_net_is_what_was_spent_before_less_what_is_spent_now(
    before: int, after: int, fee: int, waste: list[int]
) -> None:
    found = roi(before, after, fee, *waste)
    assert found.net_fen == (before + sum(waste)) - (after + fee)
    if found.ratio_e2 is not None:
        assert abs(found.ratio_e2 * fee - 100 * found.net_fen) * 2 <= fee
