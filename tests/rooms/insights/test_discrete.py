"""Coverage where much is nothing: a range that is that one point holds by its share of it."""

import numpy as np
import pytest

from bench.discrete import shared


@pytest.mark.parametrize("share", [0.8, 0.95])
def test_a_point_that_is_likelier_than_the_share_holds_by_the_share(share: float) -> None:
    """A hundred hours of which as many are nothing as was said hold by the share, not more."""
    nothing = 0.98
    came = np.array([0.0] * 98 + [5.0] * 2)
    found = shared(came == 0, came, np.full(100, nothing), share)
    assert found.mean() == pytest.approx(share)


@pytest.mark.parametrize(
    ("came", "nothing", "held"), [(0.0, 0.5, 1.0), (7.0, 0.9, 1.0), (9.0, 0.9, 0.0)]
)
def test_where_the_range_is_more_than_the_point_it_holds_or_not(
    came: float, nothing: float, held: float
) -> None:
    """[0, 8] of eighty in a hundred, with nothing less likely than that, or with usage come."""
    within = np.array([came <= 8])
    assert shared(within, np.array([came]), np.array([nothing]), 0.95).tolist() == [held]
