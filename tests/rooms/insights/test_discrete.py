"""How often a range held, where most of what comes is nothing."""

import numpy as np
import pytest

from bench.discrete import covered


@pytest.mark.parametrize("share", [0.8, 0.95])
def test_a_range_of_nothing_holds_by_what_it_claims(share: float) -> None:
    silent = np.zeros((4, 5))
    came = np.array([0.0, 0.0, 0.0, 5.0])
    assert covered(silent, came, share).tolist() == pytest.approx([share, share, share, 0.0])


@pytest.mark.parametrize(("came", "held"), [(0.0, 0.0), (2.0, 1.0), (5.0, 0.0)])
def test_a_range_that_excludes_nothing_holds_or_does_not(came: float, held: float) -> None:
    told = np.array([[1.0, 2.0, 3.0, 4.0, 4.5]])
    assert covered(told, np.array([came]), 0.8).tolist() == [held]
