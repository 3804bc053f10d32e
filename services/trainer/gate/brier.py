"""The paired difference of two versions' Brier scores (pure)."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from services.trainer.gate.pairs import Pair

_LEAST_RESAMPLES, _MOST_RESAMPLES = 2_000, 50_000
_BEYOND_THE_BOUND = 20
_NUMBERS_AT_ONCE = 2_000_000


def brier_differences(pairs: Sequence[Pair]) -> NDArray[np.float64]:
    """Return for each item how much larger the new version's squared error is, in [-1, 1].

    The error is that of the confidence in the version's own label, which routing compares: its
    square is (confidence - 1)² where the version is right, and confidence² where it is wrong.
    """
    rows = np.array(
        [
            (one.new_confidence, one.new_right, one.champion_confidence, one.champion_right)
            for one in pairs
        ],
        dtype=np.float64,
    ).reshape(-1, 4)
    new, champion = (rows[:, 0] - rows[:, 1]) ** 2, (rows[:, 2] - rows[:, 3]) ** 2
    return np.asarray(new - champion, dtype=np.float64)


def bootstrap_bound(differences: NDArray[np.float64], alpha: float, seed: int) -> float:
    """Return the upper bound of the mean at confidence 1 - alpha, by the percentile bootstrap.

    The same differences and seed give the same bound. At least 20 of 2,000 to 50,000 resamples lie
    beyond it, so an `alpha` below 20 / 50,000 gives the bound of that.

    Parameters
    ----------
    differences : shape (n,), n at least 1
    alpha : in (0, 0.5)

    References
    ----------
    Efron, Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13.
    """
    if len(differences) == 0:
        raise ValueError("there must be at least one item")
    wanted = math.ceil(_BEYOND_THE_BOUND / alpha)
    resamples = min(_MOST_RESAMPLES, max(_LEAST_RESAMPLES, wanted))
    random, n = np.random.default_rng(seed), len(differences)
    at_once = max(1, _NUMBERS_AT_ONCE // n)
    means = [
        differences[random.integers(0, n, (min(at_once, resamples - start), n))].mean(axis=1)
        for start in range(0, resamples, at_once)
    ]
    level = 1 - max(alpha, _BEYOND_THE_BOUND / resamples)
    return float(np.quantile(np.concatenate(means), level))
