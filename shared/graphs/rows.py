"""What a graph answers: one row of class probabilities an item (pure)."""

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
BoolArray = NDArray[np.bool_]

_SUM_TOLERANCE = 1e-3


def are_distributions(rows: FloatArray) -> BoolArray:
    """Say of each row whether it is finite, in [0, 1] and sums to one within 0.001.

    Parameters
    ----------
    rows : shape (n, K)

    Returns
    -------
    shape (n,)

    Examples
    --------
    >>> are_distributions(np.array([[0.25, 0.75], [0.5, 0.6], [np.nan, 1.0]], dtype=np.float32))
    array([ True, False, False])
    """
    with np.errstate(invalid="ignore", over="ignore"):
        # A NaN fails every comparison.
        inside = ((rows >= 0.0) & (rows <= 1.0 + _SUM_TOLERANCE)).all(axis=1)
        whole = np.abs(rows.sum(axis=1) - 1.0) <= _SUM_TOLERANCE
    out: BoolArray = inside & whole
    return out
