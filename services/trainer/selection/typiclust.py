"""TypiClust: typical items of clusters that no label covers yet (pure).

Without a model, or with a poor one, uncertainty says little; items that are typical of many others
teach most. Hacohen, Dekel and Weinshall, ICML 2022.
"""

import numpy as np
from numpy.typing import NDArray

from services.trainer.selection.clusters import cluster
from services.trainer.selection.representation import FloatArray

IntArray = NDArray[np.int64]

_NEIGHBOURS = 20
_MOST_CLUSTERS = 500
# Of a cluster of more members typicality is measured on these many, which bounds the distances.
_MOST_MEMBERS = 1_000


def typical(points: FloatArray, covered: FloatArray, size: int, *, seed: int = 0) -> list[int]:
    """Return the most typical items of the clusters with fewest labels.

    The points are clustered, as many clusters as there are labels and items wanted (at most 500).
    Then clusters take turns, those with fewest covered items first, then the largest: each gives
    the item whose 20 nearest neighbours in the cluster are nearest.

    Parameters
    ----------
    points : shape (n, d)
        Of the candidates.
    covered : shape (m, d)
        Of the items that people have labelled or are asked about.
    size : in 0..n
        How many items are wanted.

    Returns
    -------
    n places among `points`, distinct: the first `size` are the choice, the others follow in the
    order in which they would be taken.
    """
    n_clusters = min(size + len(covered), _MOST_CLUSTERS, len(points))
    if n_clusters < 1:
        return list(range(len(points)))
    of = cluster(np.vstack([points, covered]), n_clusters, seed=seed)
    own, of_covered = of[: len(points)], of[len(points) :]
    labels = np.bincount(of_covered, minlength=n_clusters)
    queues = {
        number: _by_typicality(points, np.flatnonzero(own == number), seed)
        for number in range(n_clusters)
    }
    return _in_turns(queues, labels, np.bincount(own, minlength=n_clusters))


def _in_turns(queues: dict[int, list[int]], labels: IntArray, sizes: IntArray) -> list[int]:
    """Let the clusters give items in turns; a cluster's n-th item waits for n labels elsewhere."""
    turns = [
        (labels[number] + turn, -sizes[number], number, item)
        for number, queue in queues.items()
        for turn, item in enumerate(queue)
    ]
    return [item for *_, item in sorted(turns)]


def _by_typicality(points: FloatArray, members: IntArray, seed: int) -> list[int]:
    """Return the members of a cluster, the most typical first."""
    some = members
    if len(members) > _MOST_MEMBERS:
        chance = np.random.default_rng(seed)
        some = np.sort(chance.choice(members, _MOST_MEMBERS, replace=False))
    own = points[some]
    squares = (own**2).sum(axis=1)
    distances = squares[:, np.newaxis] + squares - 2 * own @ own.T
    distances = np.sqrt(np.maximum(distances, 0.0))
    nearest = min(_NEIGHBOURS, len(some) - 1)
    if nearest > 0:
        # The nearest of all is the item itself, at 0.
        distances = np.partition(distances, nearest, axis=1)[:, : nearest + 1]
    order = np.argsort(distances.sum(axis=1), kind="stable")
    ranked: list[int] = some[order].tolist()
    others: list[int] = np.setdiff1d(members, some).tolist()
    return ranked + others
