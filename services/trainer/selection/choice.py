"""The choice of a batch among points (pure)."""

import numpy as np
from numpy.typing import NDArray

from services.trainer.selection.copies import without_copies
from services.trainer.selection.margin import uncertain
from services.trainer.selection.representation import FloatArray
from services.trainer.selection.typiclust import typical


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
