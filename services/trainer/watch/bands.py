"""Automatic answers by bands of scores, from which the live error is estimated (pure).

The bands halve the distance to 1: the first has the scores from the threshold up to half of the
way, the last those of the last eighth. Errors gather near the threshold, and most answers near 1.
"""

from bisect import bisect_right
from collections.abc import Sequence

BANDS = 4


def edges(threshold: float) -> list[float]:
    """Return where the bands begin, and 1.

    Examples
    --------
    >>> edges(0.2)
    [0.2, 0.6, 0.8, 0.9, 1.0]
    """
    return [round(1 - (1 - threshold) / 2**band, 12) for band in range(BANDS)] + [1.0]


def band_of(score: float, threshold: float) -> int:
    """Return the band of an answered score.

    Examples
    --------
    >>> [band_of(score, 0.2) for score in (0.2, 0.6, 0.89, 1.0)]
    [0, 1, 2, 3]
    """
    return bisect_right(edges(threshold)[1:BANDS], score)


def add(
    counts: Sequence[Sequence[int]],
    answered: Sequence[float],
    reviewed: Sequence[tuple[float, bool]],
    threshold: float,
) -> list[list[int]]:
    """Return [answered, reviewed, errors] of each band, with more answers taken in.

    Parameters
    ----------
    counts
        Those before; empty for none.
    answered
        Scores of the answers.
    reviewed
        Score of each answer that people judged, and whether it was wrong.
    """
    total = [list(one) for one in counts] or [[0, 0, 0] for _ in range(BANDS)]
    for score in answered:
        total[band_of(score, threshold)][0] += 1
    for score, wrong in reviewed:
        total[band_of(score, threshold)][1] += 1
        total[band_of(score, threshold)][2] += wrong
    return total
