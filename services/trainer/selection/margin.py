"""Cluster-diverse margin: items that the model is unsure of, and that differ (pure).

Margin, or breaking ties: Schröder, Niekler and Potthast, Findings of ACL 2022; with clusters, so
that a batch does not contain many similar items: Citovsky et al., NeurIPS 2021.
"""

import numpy as np
from numpy.typing import NDArray

from services.trainer.selection.clusters import cluster
from services.trainer.selection.representation import FloatArray

# So many times the batch are looked at, the most uncertain ones.
_SPREAD = 10
_MOST_CLUSTERS = 500


def margins(probabilities: NDArray[np.floating]) -> FloatArray:
    """Return how far the two most probable labels of each item are apart.

    Parameters
    ----------
    probabilities : shape (n, K), K at least 2; rows of NaN are items that the model cannot score

    Returns
    -------
    shape (n,), in [0, 1]; infinite for items without scores: a model learns nothing from them.

    Examples
    --------
    >>> margins(np.array([[0.5, 0.25, 0.25], [np.nan] * 3])).tolist()
    [0.25, inf]
    """
    known = np.isfinite(probabilities).all(axis=1)
    ordered = np.sort(np.where(known[:, np.newaxis], probabilities, 0.0), axis=1)
    return np.where(known, ordered[:, -1] - ordered[:, -2], np.inf)


def uncertain(
    points: FloatArray, probabilities: NDArray[np.floating], size: int, *, seed: int = 0
) -> list[int]:
    """Return items with small margins that differ from one another.

    Of the 10·size items with the smallest margins `size` clusters (at most 500) are made. They take
    turns, the smallest margin first, each with its item of the smallest margin.

    Parameters
    ----------
    points : shape (n, d)
    probabilities : shape (n, K)
    size : in 0..n

    Returns
    -------
    n places, distinct, in the order in which they would be taken: the first `size` are the choice.
    """
    margin = margins(probabilities)
    order = np.argsort(margin, kind="stable")
    n_near = min(_SPREAD * size, int(np.isfinite(margin).sum()))
    near, far = order[:n_near], order[n_near:]
    if not len(near):
        return [int(place) for place in order]
    of = cluster(points[near], min(size, len(near), _MOST_CLUSTERS), seed=seed)
    turn_of = np.zeros(len(near), dtype=np.int64)
    for number in np.unique(of):
        members = np.flatnonzero(of == number)
        turn_of[members] = np.arange(len(members))
    in_turns = near[np.lexsort((margin[near], turn_of))]
    return [int(place) for place in np.concatenate([in_turns, far])]
