"""What a graph answers, read as probabilities. Pure."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from shared.graphs.rows import SUM_TOLERANCE, are_distributions

FloatArray = npt.NDArray[np.float32]

_FEW_LABELS = 8
_MOST = 1.0 + SUM_TOLERANCE


class Score(NamedTuple):
    """One item's class probabilities: float32 values, in the order of the labels.

    `top` is the column of the largest, and `confidence` that value.
    """

    top: int
    confidence: float
    probabilities: list[float]


def scores_of(rows: FloatArray) -> list[Score | None]:
    """Read what a graph answered.

    Parameters
    ----------
    rows : shape (n, K), float32

    Returns
    -------
    list of n; None for a row that is no distribution: not finite, outside [0, 1], or not summing
    to one within 0.001.
    """
    if rows.shape[1] <= _FEW_LABELS:
        # Calling NumPy costs more than these few comparisons.
        return [_score_of(row) for row in rows.tolist()]
    usable = are_distributions(rows)
    clipped = rows.clip(0.0, 1.0)
    tops = clipped.argmax(axis=1).tolist()
    return [
        Score(top, row[top], row) if good else None
        for good, top, row in zip(usable.tolist(), tops, clipped.tolist(), strict=True)
    ]


def _score_of(row: list[float]) -> Score | None:
    total = 0.0
    for probability in row:
        # A NaN fails every comparison.
        if not 0.0 <= probability <= _MOST:
            return None
        total += probability
    if not abs(total - 1.0) <= SUM_TOLERANCE:
        return None
    confidence = max(row)
    if confidence > 1.0:
        row = [min(probability, 1.0) for probability in row]
        confidence = 1.0
    return Score(row.index(confidence), confidence, row)
