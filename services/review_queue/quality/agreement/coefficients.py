"""Chance-corrected agreement: Cohen, Fleiss, Krippendorff, Gwet (pure).

Each is 1 where raters agree on all, 0 where they agree as often as chance would, and NaN where
chance alone would agree on all, so that nothing can be said. `weights`, shape (units,), count a
unit several times, as a bootstrap does.
"""

import numpy as np
from numpy.typing import ArrayLike

from services.review_queue.quality.agreement.table import MISSING, FloatArray, IntArray, RatingTable

_PAIR = 2
_NORMAL_95 = 1.959964
_ROUNDING = 1e-15


def cohen_kappa(
    first: ArrayLike, second: ArrayLike, classes: int, *, weights: ArrayLike | None = None
) -> float:
    """Agreement of two raters on the units that both rated.

    Parameters
    ----------
    first, second : array-like of shape (units,)
        Classes in 0..classes-1, -1 where there is no rating.
    classes : at least 1
    weights : array-like of shape (units,), at least 0

    References
    ----------
    Cohen, Educational and Psychological Measurement 20 (1960).

    Examples
    --------
    >>> round(cohen_kappa([0, 0, 1, 1], [0, 0, 1, 0], 2), 3)
    0.5
    """
    one, other, weight = _both_rated(first, second, weights)
    total = weight.sum()
    if total == 0:
        return float("nan")
    observed = weight[one == other].sum() / total
    of_one, of_other = (np.bincount(c, weight, minlength=classes) / total for c in (one, other))
    return _corrected(float(observed), float(of_one @ of_other))


def kappa_interval(
    first: ArrayLike, second: ArrayLike, classes: int, *, weights: ArrayLike | None = None
) -> tuple[float, float] | None:
    """Return the 95 % interval of `cohen_kappa`, from its large-sample standard error.

    It takes an instant, where resampling each of thousands of pairs would take minutes. With fewer
    than some fifty units it is too narrow.

    Returns
    -------
    Its ends, within -1..1; None where kappa is undefined, and where the error is 0 (the two agree
    on all, or on nothing), which says only that there were too few units to see more.

    References
    ----------
    Fleiss, Cohen and Everitt, Psychological Bulletin 72 (1969), equation 13.
    """
    kappa = cohen_kappa(first, second, classes, weights=weights)
    if np.isnan(kappa):
        return None
    one, other, weight = _both_rated(first, second, weights)
    total = weight.sum()
    of_one, of_other = (np.bincount(c, weight, minlength=classes) / total for c in (one, other))
    chance = float(of_one @ of_other)
    agree = (1 - (of_one[one] + of_other[one]) * (1 - kappa)) ** 2
    differ = ((of_other[one] + of_one[other]) * (1 - kappa)) ** 2
    spread = float((weight * np.where(one == other, agree, differ)).sum() / total)
    variance = (spread - (kappa - chance * (1 - kappa)) ** 2) / (total * (1 - chance) ** 2)
    if variance <= _ROUNDING:
        return None
    reach = _NORMAL_95 * float(np.sqrt(variance))
    return max(-1.0, kappa - reach), min(1.0, kappa + reach)


def fleiss_kappa(table: RatingTable, *, weights: ArrayLike | None = None) -> float:
    """Agreement of equally many raters on each unit, not always the same ones.

    Raises
    ------
    ValueError
        Units have different numbers of ratings, or fewer than two.

    References
    ----------
    Fleiss, Psychological Bulletin 76 (1971).
    """
    sizes = table.sizes
    if sizes.size == 0 or sizes.min() < _PAIR or sizes.min() != sizes.max():
        raise ValueError("every unit needs the same number of ratings, two or more")
    weight = _weights(weights, table.units)
    observed = _pair_agreement(table, weight)
    given = np.bincount(table.code, weight[table.unit] * table.count, minlength=table.classes)
    shares = given / given.sum() if given.any() else given
    return _corrected(observed, float(shares @ shares))


def gwet_ac1(table: RatingTable, *, weights: ArrayLike | None = None) -> float:
    """Agreement by Gwet's AC1, which stays high where nearly all units are of one class.

    There kappa and alpha fall towards 0 although raters agree on nearly all ("paradox of high
    agreement"). Any number of ratings a unit; units with a single one say how frequent classes
    are, and nothing of agreement.

    References
    ----------
    Gwet, British Journal of Mathematical and Statistical Psychology 61 (2008); for missing ratings
    Gwet, Handbook of Inter-Rater Reliability, 4th edition (2014), chapter 5.
    """
    weight = _weights(weights, table.units)
    observed = _pair_agreement(table, weight)
    rated = table.sizes > 0
    share = np.divide(weight, table.sizes, out=np.zeros(table.units), where=rated)
    prevalence = np.bincount(table.code, share[table.unit] * table.count, minlength=table.classes)
    total = weight[rated].sum()
    if total == 0 or table.classes < _PAIR:
        return float("nan")
    prevalence = prevalence / total
    chance = float((prevalence * (1 - prevalence)).sum()) / (table.classes - 1)
    return _corrected(observed, chance)


def krippendorff_alpha(table: RatingTable, *, weights: ArrayLike | None = None) -> float:
    """Agreement by Krippendorff's alpha of classes without an order.

    Any number of ratings a unit; a unit with a single one is left out.

    Returns
    -------
    1 - (n-1) d / (n² - sum n_c²): n ratings, n_c of them of class c. d sums over the units the
    ordered pairs of different ratings, each unit's divided by its number of ratings less one.

    References
    ----------
    Krippendorff, Computing Krippendorff's Alpha-Reliability (2011); Content Analysis, 4th edition
    (2018), chapter 12.
    """
    paired = table.sizes >= _PAIR
    weight = np.where(paired, _weights(weights, table.units), 0.0)
    share = np.divide(weight, table.sizes - 1, out=np.zeros(table.units), where=paired)
    others = table.sizes[table.unit] - table.count
    differing = float((share[table.unit] * table.count * others).sum())
    given = np.bincount(table.code, weight[table.unit] * table.count, minlength=table.classes)
    total = float(given.sum())
    expected = total**2 - float(given @ given)
    return 1.0 - (total - 1) * differing / expected if expected > 0 else float("nan")


def _pair_agreement(table: RatingTable, weight: FloatArray) -> float:
    """Return the mean, over units with two ratings or more, of the share of pairs that agree."""
    paired = table.sizes >= _PAIR
    agreeing = np.bincount(table.unit, table.count * (table.count - 1), minlength=table.units)
    pairs = table.sizes * (table.sizes - 1)
    share = np.divide(agreeing, pairs, out=np.zeros(table.units), where=paired)
    total = weight[paired].sum()
    return float("nan") if total == 0 else float((weight * share).sum() / total)


def _corrected(observed: float, chance: float) -> float:
    return float("nan") if chance >= 1 else (observed - chance) / (1 - chance)


def _weights(weights: ArrayLike | None, units: int) -> FloatArray:
    return np.ones(units) if weights is None else np.asarray(weights, dtype=np.float64)


def _both_rated(
    first: ArrayLike, second: ArrayLike, weights: ArrayLike | None
) -> tuple[IntArray, IntArray, FloatArray]:
    one, other = np.asarray(first, dtype=np.int64), np.asarray(second, dtype=np.int64)
    both = (one != MISSING) & (other != MISSING)
    return one[both], other[both], _weights(weights, one.size)[both]
