"""Agreement of each two raters (pure)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.review_queue.quality.agreement.coefficients import cohen_kappa, kappa_interval
from services.review_queue.quality.agreement.table import MISSING


@dataclass(frozen=True)
class Pair:
    """Two raters (rows of the matrix) and how they agree on the `units` that both rated.

    `agreement` is the plain share, `kappa` Cohen's; NaN where both always gave the same one class.
    `interval` is of kappa, None where it has none.
    """

    first: int
    second: int
    units: int
    agreement: float
    kappa: float
    interval: tuple[float, float] | None


def pairwise(matrix: NDArray[np.int16], classes: int) -> list[Pair]:
    """Return each two raters who share a unit, those who share most first.

    Parameters
    ----------
    matrix : NDArray of shape (raters, units)
        Classes in 0..classes-1, -1 where there is no rating.
    """
    rated = matrix != MISSING
    pairs = []
    for first in range(len(matrix)):
        shared = (rated[first + 1 :] & rated[first]).sum(axis=1)
        for second in first + 1 + np.flatnonzero(shared):
            both = rated[first] & rated[second]
            one, other = matrix[first, both], matrix[second, both]
            kappa = cohen_kappa(one, other, classes)
            agreement = float((one == other).mean())
            interval = kappa_interval(one, other, classes)
            pair = Pair(first, int(second), int(both.sum()), agreement, kappa, interval)
            pairs.append(pair)
    return sorted(pairs, key=lambda pair: (-pair.units, pair.first, pair.second))
