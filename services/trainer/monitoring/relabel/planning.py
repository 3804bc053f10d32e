"""Choose which items people are to label: one part by strata, the other uniformly (pure).

The first tranche follows the new traffic: each stratum (a failing slice, else the label that the
version suggested) has a part of it as large as its part of the traffic, and a failing slice at
least 40 items. Within a stratum items are drawn uniformly. The second tranche is drawn uniformly
from all other items. So the probability of each item is known, and weights its label.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEAST_OF_SLICE = 40
RANDOM_SHARE = 0.3
# Failing slices together take at most so much of the first tranche.
_MOST_OF_SLICES = 0.6


@dataclass(frozen=True)
class RelabelDraw:
    """What was drawn: places of each tranche in the order of the draw, and every item's chance.

    Attributes
    ----------
    aligned, random : places among the items
    taken : by stratum, how many of the first tranche it has
    propensity : shape (n,), in [0, 1]
    """

    aligned: list[int]
    random: list[int]
    taken: dict[str, int]
    propensity: NDArray[np.float64]


def draw(strata: Sequence[str], slices: Sequence[str], labels: int, seed: int) -> RelabelDraw:
    """Draw `labels` items, or all of them if there are no more.

    Parameters
    ----------
    strata : the stratum of each item
    slices : those of the strata that are failing slices
    labels : at least 1
    seed : the same one draws the same items
    """
    rng, n = np.random.default_rng(seed), len(strata)
    labels = min(labels, n)
    names, stratum = np.unique(np.array(strata, dtype=object), return_inverse=True)
    sizes = np.bincount(stratum, minlength=len(names))
    random_size = min(labels, max(1, round(RANDOM_SHARE * labels)))
    is_slice = np.array([name in set(slices) for name in names], dtype=bool)
    counts = _allotted(sizes, is_slice, labels - random_size)
    order = rng.permutation(n)
    aligned: list[int] = []
    for number in range(len(names)):
        members = order[stratum[order] == number]
        aligned += members[: counts[number]].tolist()
    first = np.zeros(n, dtype=bool)
    first[aligned] = True
    left = np.flatnonzero(~first)
    chosen = rng.choice(left, random_size, replace=False) if random_size else left[:0]
    by_stratum = counts / np.maximum(sizes, 1)
    chance = by_stratum[stratum] if n else np.zeros(0)
    later = random_size / max(len(left), 1)
    return RelabelDraw(
        aligned=rng.permutation(np.array(aligned, dtype=np.int64)).tolist(),
        random=chosen.tolist(),
        taken={str(name): int(count) for name, count in zip(names, counts, strict=True)},
        propensity=np.asarray(chance + (1 - chance) * later),
    )


def _allotted(
    sizes: NDArray[np.int64], is_slice: NDArray[np.bool_], total: int
) -> NDArray[np.int64]:
    """Return how many each stratum gets: its part, and for a slice at least its quota."""
    if not len(sizes) or total <= 0:
        return np.zeros(len(sizes), dtype=np.int64)
    wanted = total * sizes / sizes.sum()
    quota = np.where(is_slice, np.minimum(sizes, np.maximum(wanted, LEAST_OF_SLICE)), 0.0)
    most = total if is_slice.all() else _MOST_OF_SLICES * total
    if quota.sum() > most:
        quota *= most / quota.sum()
    others = sizes * ~is_slice
    rest = max(total - quota.sum(), 0.0)
    parts = quota + (rest * others / others.sum() if others.sum() else 0.0)
    counts = np.minimum(np.floor(parts).astype(np.int64), sizes)
    # The largest remainders first, and then wherever items are left.
    for place in np.argsort(-(parts - np.floor(parts)), kind="stable"):
        if counts.sum() < total and counts[place] < sizes[place]:
            counts[place] += 1
    for place in np.argsort(-(sizes - counts), kind="stable"):
        counts[place] += max(0, min(total - int(counts.sum()), int(sizes[place] - counts[place])))
    return counts
