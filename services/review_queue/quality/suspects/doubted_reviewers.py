"""Reviewers who disagree with a model much more often than the others do (pure).

The model need not be right: on items of the same confidence it is wrong as often for one reviewer
as for another, if tasks are given out without regard to who answers.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from shared.label_errors import FloatArray, IntArray

BoolArray = NDArray[np.bool_]

FEWEST_LABELS = 20
_LEAST_GAP = 0.1
_LEVEL = 0.05
_BANDS = 10
_FEWEST_IN_BAND = 20


@dataclass(frozen=True)
class DoubtedReviewer:
    """A reviewer who gave the model's label `agreed` times of `labels`.

    Answering like the others, the reviewer would have given it `expected` times.
    """

    reviewer: int
    labels: int
    agreed: int
    expected: float


def find_doubted(
    reviewer: IntArray, agrees: BoolArray, confidence: FloatArray
) -> list[DoubtedReviewer]:
    """Return doubted reviewers, those with the largest gap first.

    Each reviewer with 20 labels or more is compared with all others within bands of the model's
    confidence (Mantel-Haenszel, one-sided, with continuity correction). Named are those who would
    agree so seldom by chance with a probability of at most 5 % over all that were compared
    (Bonferroni), and at least ten points less often than expected: a small gap is no matter.

    Parameters
    ----------
    reviewer : shape (n,), from 0 on
        Who gave each label.
    agrees : shape (n,)
        Whether it is the label that the model predicted.
    confidence : shape (n,), in [0, 1]
        The model's, of a model that had not learned from the label.

    References
    ----------
    Mantel and Haenszel, Journal of the National Cancer Institute 22 (1959).

    Examples
    --------
    >>> who = np.repeat([0, 1], [30, 170])
    >>> agrees = np.concatenate([np.arange(30) < 12, np.arange(170) < 153])
    >>> [(one.reviewer, one.agreed) for one in find_doubted(who, agrees, np.full(200, 0.9))]
    [(0, 12)]
    """
    if not len(reviewer):
        return []
    given = np.bincount(reviewer)
    compared = np.flatnonzero((given >= FEWEST_LABELS) & (given < len(reviewer)))
    bands = _bands(confidence)
    level = _LEVEL / max(1, len(compared))
    judged = [_judge(one, reviewer == one, agrees, bands, level) for one in compared.tolist()]
    doubted = [one for one in judged if one is not None]
    return sorted(doubted, key=lambda each: (each.agreed - each.expected) / each.labels)


def _judge(
    reviewer: int, mine: BoolArray, agrees: BoolArray, bands: IntArray, level: float
) -> DoubtedReviewer | None:
    """Return the reviewer of the labels `mine` if so few agreements are no chance and matter."""
    expected, variance = _under_equality(mine, agrees, bands)
    agreed, number = int(agrees[mine].sum()), int(mine.sum())
    if variance == 0 or expected - agreed < _LEAST_GAP * number:
        return None
    chance = float(special.ndtr(-(expected - agreed - 0.5) / np.sqrt(variance)))
    return DoubtedReviewer(reviewer, number, agreed, expected) if chance <= level else None


def _bands(confidence: FloatArray) -> IntArray:
    """Return each label's band: up to ten of about equally many, equal confidences together."""
    number = max(1, min(_BANDS, len(confidence) // _FEWEST_IN_BAND))
    edges = np.quantile(confidence, np.arange(1, number) / number)
    return np.asarray(np.searchsorted(edges, confidence, side="right"), dtype=np.int64)


def _under_equality(mine: BoolArray, agrees: BoolArray, bands: IntArray) -> tuple[float, float]:
    """Return mean and variance of the reviewer's agreements, were the reviewer like the others."""
    mean = variance = 0.0
    for band in range(int(bands.max()) + 1):
        rows = bands == band
        total, own, agreed = int(rows.sum()), int((rows & mine).sum()), int(agrees[rows].sum())
        if total < 2:
            continue
        mean += own * agreed / total
        variance += own * (total - own) * agreed * (total - agreed) / (total**2 * (total - 1))
    return mean, variance
