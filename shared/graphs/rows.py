"""What a graph answers: one row of class probabilities an item (pure)."""

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

SUM_TOLERANCE = 1e-3


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
        inside = ((rows >= 0.0) & (rows <= 1.0 + SUM_TOLERANCE)).all(axis=1)
        whole = np.abs(rows.sum(axis=1) - 1.0) <= SUM_TOLERANCE
    out: BoolArray = inside & whole
    return out


def tops_of(rows: FloatArray) -> tuple[IntArray, FloatArray]:
    """Return each row's top column and its probability; -1 and 0 where it is no distribution.

    Parameters
    ----------
    rows : shape (n, K)

    Returns
    -------
    shape (n,) each, the second float32 in [0, 1]

    Examples
    --------
    >>> tops_of(np.array([[0.25, 0.75], [np.nan, 1.0]], dtype=np.float32))
    (array([ 1, -1]), array([0.75, 0.  ], dtype=float32))
    """
    usable = are_distributions(rows)
    known = np.where(usable[:, np.newaxis], rows, np.float32(0)).clip(0.0, 1.0)
    return np.where(usable, known.argmax(axis=1), -1), known.max(axis=1, initial=0.0)
