"""k-means over points, in bounded time (pure)."""

import warnings

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.exceptions import ConvergenceWarning

from services.trainer.selection.representation import FloatArray

# Distances that whole passes over all points may cost; beyond, passes over parts do.
_MOST_DISTANCES = 400_000


def cluster(points: FloatArray, n_clusters: int, *, seed: int = 0) -> NDArray[np.int64]:
    """Return the cluster of each point, in 0..n_clusters-1; some may be empty.

    Parameters
    ----------
    points : shape (n, d)
    n_clusters : in 1..n

    References
    ----------
    Lloyd, IEEE Transactions on Information Theory 1982; beyond 400,000 distances a pass, Sculley,
    WWW 2010.
    """
    if points.shape[1] == 0 or n_clusters == 1:
        return np.zeros(len(points), dtype=np.int64)
    if len(points) * n_clusters <= _MOST_DISTANCES:
        model = KMeans(n_clusters, n_init=1, random_state=seed, max_iter=50)
    else:
        model = MiniBatchKMeans(n_clusters, n_init=1, random_state=seed, batch_size=4096)
    with warnings.catch_warnings():
        # Of many equal points there are fewer clusters than were asked for.
        warnings.simplefilter("ignore", ConvergenceWarning)
        of = model.fit_predict(points)
    return np.asarray(of, dtype=np.int64)
