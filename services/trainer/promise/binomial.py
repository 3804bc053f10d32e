"""Exact binomial tests and bounds for the error among accepted items (pure)."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
_TAIL = 0.025


def error_p_value(errors: ArrayLike, accepted: ArrayLike, alpha: ArrayLike) -> FloatArray:
    """Chance of so few errors if the true error were alpha: BinomCDF(errors; accepted, alpha).

    Small values speak for a true error below alpha; (0, 299) at 1 % is the first below 5 %.

    Parameters
    ----------
    errors : at most accepted; below 0 the p-value is 0
    accepted : at least 0; with no accepted item the p-value is 1
    alpha : in (0, 1)
    """
    # scipy.special, not scipy.stats: the same numbers, without a second of importing at each start.
    k, n = np.asarray(errors, dtype=np.float64), np.asarray(accepted, dtype=np.int64)
    p = np.asarray(alpha, dtype=np.float64)
    inside = special.bdtr(np.clip(k, 0, np.maximum(n - 1, 0)), np.maximum(n, 1), p)
    return np.asarray(np.where(k < 0, 0.0, np.where(k >= n, 1.0, inside)), dtype=np.float64)


def largest_passing_errors(accepted: ArrayLike, delta: float, alpha: float) -> IntArray:
    """Most errors among `accepted` items that still certify an error of at most alpha.

    Parameters
    ----------
    accepted : any shape, at least 0
    delta : in (0, 1), probability of a wrong certificate
    alpha : in (0, 1), promised error

    Returns
    -------
    Same shape: the largest e with BinomCDF(e; accepted, alpha) <= delta, -1 if not even 0 passes.

    Examples
    --------
    >>> largest_passing_errors([298, 299, 473, 1693], 0.05, 0.01)
    array([-1,  0,  1, 10])
    """
    if not (0 < delta < 1 and 0 < alpha < 1):
        raise ValueError("delta and alpha must lie in (0, 1)")
    sizes = np.asarray(accepted, dtype=np.int64)
    # This is the smallest e whose CDF reaches delta, so only equality lets that e itself pass.
    at = np.maximum(np.ceil(special.bdtrik(delta, np.maximum(sizes, 1), alpha)), 0)
    at = np.where(error_p_value(at - 1, sizes, alpha) >= delta, at - 1, at).astype(np.int64)
    most = np.where(error_p_value(at, sizes, alpha) <= delta, at, at - 1)
    return np.asarray(np.where(sizes == 0, -1, most), dtype=np.int64)


def power(accepted: ArrayLike, error_rate: ArrayLike, delta: float, alpha: float) -> FloatArray:
    """Chance that a threshold passes its test, given its true error rate.

    Parameters
    ----------
    accepted : at least 0, number of labelled items at or above the threshold
    error_rate : in [0, 1], same shape or broadcast with it
    delta, alpha : in (0, 1)

    Returns
    -------
    Shape of the two, in [0, 1]; 0 where even a sample without errors is too small.

    Examples
    --------
    >>> power([1000, 2000, 5000], 0.003, 0.05, 0.01).round(2)
    array([0.82, 0.99, 1.  ])
    """
    sizes = np.asarray(accepted, dtype=np.int64)
    most = largest_passing_errors(sizes, delta, alpha)
    return np.where(most >= 0, error_p_value(most, sizes, error_rate), 0.0)


def upper_bound(errors: int, n: int, delta: float) -> float:
    """One-sided Clopper-Pearson upper bound of an error rate.

    Parameters
    ----------
    errors : in 0..n
    n : at least 0
    delta : in (0, 1)

    Returns
    -------
    float in (0, 1]; the true rate lies above it with probability at most delta.

    Raises
    ------
    ValueError
        A count or delta out of range.

    References
    ----------
    Clopper and Pearson, Biometrika 26 (1934).

    Examples
    --------
    >>> round(upper_bound(10, 2000, 0.05), 4)
    0.0085
    """
    if not 0 <= errors <= n:
        raise ValueError("errors must lie in 0..n")
    if not 0 < delta < 1:
        raise ValueError("delta must lie in (0, 1)")
    # The complement's inverse: 1 - delta would lose the digits of a small delta.
    return 1.0 if errors == n else float(special.betainccinv(errors + 1, n - errors, delta))


def interval(errors: int, n: int) -> tuple[float, float]:
    """Two-sided 95 % Clopper-Pearson interval of an error rate: two `upper_bound`s.

    Examples
    --------
    >>> lower, upper = interval(0, 60)
    >>> lower, round(upper, 4)
    (0.0, 0.0596)
    """
    return 1 - upper_bound(n - errors, n, _TAIL), upper_bound(errors, n, _TAIL)
