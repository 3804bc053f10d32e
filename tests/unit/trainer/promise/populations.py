"""Simulated populations for the certification tests: a score, and how often it is wrong."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Float32Array = NDArray[np.float32]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class Population:
    """Items by rank u, uniform in [0, 1] with 0 the surest; score 1 - u; error risk(u)."""

    risk: Callable[[FloatArray], FloatArray]
    selective_risk: Callable[[float], float]

    def draw(
        self, n: int, rng: np.random.Generator, *, within: float = 1.0
    ) -> tuple[Float32Array, BoolArray]:
        """Scores and correctness of n items among the surest `within`."""
        u = rng.random(n) * within
        return (1 - u).astype(np.float32), rng.random(n) >= self.risk(u)

    def scores(self, n: int, rng: np.random.Generator) -> Float32Array:
        """Scores of n unlabelled items."""
        return (1 - rng.random(n)).astype(np.float32)


# Its surest 35.7 % err on exactly 1 %.
CALIBRATED = Population(lambda u: 0.5 * u**2.58, lambda c: 0.5 * c**2.58 / 3.58)
# Just too bad wherever one looks: a certificate is always wrong.
FLAT = Population(lambda u: np.full(u.shape, 0.0101), lambda c: 0.0101)
