"""How often ranges hold where what comes is often nothing at all: coverage of discrete forecasts.

A range of a series that is mostly zero has most of its probability on one point; counted as held or
not, [0, 0] holds nearly always, whatever it claims. The literature's way is to share that point's
probability: with P(y-) and P(y) the forecast's probability below and up to what came, the central
range of share s holds by the part of [P(y-), P(y)] that lies within [(1 - s)/2, (1 + s)/2] (the
non-randomised PIT of Czado, Gneiting and Held, *Predictive model assessment for count data*, 2009).
Of a continuous forecast it is the same as held or not.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
LEVELS: Final = np.array([0.025, 0.1, 0.5, 0.9, 0.975])
"""The levels of the quantiles that forecasts tell."""


def covered(quantiles: Floats, came: Floats, share: float) -> Floats:
    """Return by how much the central range of a share held, of each of so many hours.

    `quantiles` are hours × levels. The probability of nothing is the highest level whose quantile
    is nothing, or all of it where every quantile is.
    """
    low, high = (1 - share) / 2, (1 + share) / 2
    names = {0.8: (1, 3), 0.95: (0, 4)}[share]
    within = (came >= quantiles[:, names[0]]) & (came <= quantiles[:, names[1]])
    zeros = (quantiles <= 0).sum(axis=1)
    steps = np.concatenate([[0.0], LEVELS[:-1], [1.0]])
    nothing = steps[zeros]
    shared = np.maximum(np.minimum(nothing, high) - low, 0) / np.where(nothing > 0, nothing, 1)
    return np.where((came == 0) & (nothing > 0), shared, within.astype(np.float64))
