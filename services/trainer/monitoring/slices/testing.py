"""Error rates of labelled items that were drawn with different chances (pure).

An item that was labelled with the chance `1/weight` stands for `weight` items. A rate is the
weighted mean, and counts as that of `effective` items, (sum of weights)² / sum of squared weights:
all of them where the weights are equal, and the tests are then the exact binomial ones.

References
----------
Kish, Survey Sampling, 1965 (effective size).
Korn and Graubard, Survey Methodology 24 (1998): exact intervals with it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, betaincinv

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

_TAIL = 0.025


@dataclass(frozen=True)
class Rate:
    """A share of wrong items: `rate` in [0, 1] of `items`, which count as `effective`."""

    items: int
    effective: float
    rate: float

    @classmethod
    def of(cls, wrong: BoolArray, weights: FloatArray) -> "Rate":
        """Return the rate of some items; 0 of none."""
        total = float(weights.sum())
        if not total:
            return cls(0, 0.0, 0.0)
        effective = total * total / float((weights * weights).sum())
        return cls(len(wrong), effective, float(weights[wrong].sum()) / total)

    @property
    def interval(self) -> tuple[float, float]:
        """The two-sided 95 % interval."""
        wrong, right = self.rate * self.effective, (1 - self.rate) * self.effective
        lower = float(betaincinv(wrong, right + 1, _TAIL)) if wrong > 0 else 0.0
        upper = float(betaincinv(wrong + 1, right, 1 - _TAIL)) if right > 0 else 1.0
        return lower, upper

    def chance_above(self, rate: float) -> float:
        """Return the chance of so many wrong items or more, if the true rate were `rate`."""
        wrong = self.rate * self.effective
        if wrong <= 0 or rate >= 1:
            return 1.0
        if rate <= 0:
            return 0.0
        return float(betainc(wrong, (1 - self.rate) * self.effective + 1, rate))
