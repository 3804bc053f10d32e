"""Intervals of a coefficient, by resampling the units (pure)."""

from collections.abc import Callable

import numpy as np

from services.review_queue.quality.agreement.table import FloatArray, IntArray

REPLICATES = 1000

# A statistic that most resamples leave undefined has no interval worth the name.
_DEFINED_SHARE = 0.5


def bootstrap_interval(
    statistic: Callable[[IntArray], float],
    frequency: IntArray,
    *,
    seed: int,
    replicates: int = REPLICATES,
) -> tuple[float, float] | None:
    """Return the 95 % percentile interval of `statistic` over resampled units.

    Parameters
    ----------
    statistic
        Takes how often each different unit was drawn, shape as `frequency`; NaN: undefined.
    frequency : IntArray of shape (different units,)
        How often each occurs among the units at hand.
    seed
        The same seed gives the same interval.

    Returns
    -------
    Its ends; None with fewer than two units, or where the statistic is mostly undefined.

    References
    ----------
    Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 13.
    """
    units = int(frequency.sum())
    if units <= 1:
        return None
    generator = np.random.default_rng(seed)
    share: FloatArray = frequency / units
    drawn = np.array([statistic(generator.multinomial(units, share)) for _ in range(replicates)])
    defined = drawn[~np.isnan(drawn)]
    if defined.size < _DEFINED_SHARE * replicates:
        return None
    low, high = np.quantile(defined, [0.025, 0.975])
    return float(low), float(high)
