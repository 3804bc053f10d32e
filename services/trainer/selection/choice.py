"""The choice of a batch among points (pure)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from services.trainer.selection.margin import uncertain
from services.trainer.selection.representation import FloatArray
from services.trainer.selection.typiclust import typical

_SAME = 0.999


def pick(
    candidates: FloatArray,
    covered: FloatArray,
    size: int,
    probabilities: NDArray[np.floating] | None = None,
    *,
    seed: int = 0,
) -> list[int]:
    """Return the places of up to `size` candidates, best first, no two alike.

    Parameters
    ----------
    candidates : shape (n, d)
    covered : shape (m, d)
        Of what people have labelled or are asked about.
    probabilities : shape (n, K)
        A model's, of the candidates: then by cluster-diverse margin, else by TypiClust.
    """
    size = min(size, len(candidates))
    if probabilities is None:
        order = typical(candidates, covered, size, seed=seed)
    else:
        order = uncertain(candidates, probabilities, size, seed=seed)
    return without_copies(candidates, order, covered, size)


def without_copies(
    points: FloatArray, order: Sequence[int], taken: FloatArray, size: int
) -> list[int]:
    """Return the first `size` places of `order` that lie apart from one another and from `taken`.

    Two items are copies if the cosine of their points is above 0.999: texts that differ by case or
    punctuation, or numbers that differ by next to nothing. Where too few differ, fewer are given.

    Parameters
    ----------
    points : shape (n, d)
    order : places among `points`, distinct
    taken : shape (m, d)
    """
    if points.shape[1] == 0:
        return list(order[:size])
    known = np.zeros((len(taken) + size, points.shape[1]))
    known[: len(taken)] = _unit(taken)
    unit, chosen = _unit(points), list[int]()
    for place in order:
        if len(chosen) == size:
            break
        row = unit[place]
        if (known[: len(taken) + len(chosen)] @ row > _SAME).any():
            continue
        known[len(taken) + len(chosen)] = row
        chosen.append(place)
    return chosen


def _unit(points: FloatArray) -> FloatArray:
    lengths = np.sqrt((points**2).sum(axis=1, keepdims=True))
    return np.asarray(points / np.where(lengths > 0, lengths, 1.0))
