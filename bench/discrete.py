"""How often ranges hold where what comes is often nothing at all: coverage of discrete forecasts.

Where nothing is likelier than the share that a range claims, the range is that one point, and no
range of just that share can be cut out of it. Counted as held or not, the point holds as often as
nothing comes, whatever share was asked for. The literature's way is to share the point's
probability (the non-randomised PIT of Czado, Gneiting and Held, *Predictive model assessment for
count data*, 2009): with P the forecast's own probability of nothing, a range of share s that is
that point holds by s / P. Everywhere else it is the same as held or not.
"""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


def shared(held: Flags, came: Floats, nothing: Floats, share: float) -> Floats:
    """Return by how much the range of a share held, of each of so many hours.

    `held` says of each whether what came lay within, `nothing` how likely nothing was said to be.
    """
    part = np.minimum(share / np.maximum(nothing, share), 1.0)
    return np.where((came == 0) & held, part, held.astype(np.float64))


def claimed(low: Floats, nothing: Floats, share: float) -> Floats:
    """Return how often ranges of a share that begin at `low` claim to hold.

    Where nothing is likelier than the share, the range is that point, and claims as often.
    """
    return np.asarray(np.where(low <= 0, np.maximum(nothing, share), share))
