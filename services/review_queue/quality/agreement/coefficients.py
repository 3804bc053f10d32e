"""Chance-corrected agreement: Cohen, Fleiss, Krippendorff, Gwet (pure).

Each is 1 where raters agree on all, 0 where they agree as often as chance would, and NaN where
chance alone would agree on all, so that nothing can be said. `weights`, shape (units,), count a
unit several times, as a bootstrap does.
"""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from services.review_queue.quality.agreement.table import MISSING, FloatArray, IntArray, RatingTable

Metric = Literal["nominal", "ordinal", "interval"]

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
    one, other = np.asarray(first, dtype=np.int64), np.asarray(second, dtype=np.int64)
    both = (one != MISSING) & (other != MISSING)
    weight = _weights(weights, one.size)[both]
    one, other = one[both], other[both]
    total = weight.sum()
    if total == 0:
        return float("nan")
    observed = weight[one == other].sum() / total
    margins = [np.bincount(codes, weight, minlength=classes) / total for codes in (one, other)]
    return _corrected(float(observed), float(margins[0] @ margins[1]))


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
    one, other = np.asarray(first, dtype=np.int64), np.asarray(second, dtype=np.int64)
    kappa = cohen_kappa(one, other, classes, weights=weights)
    if np.isnan(kappa):
        return None
    both = (one != MISSING) & (other != MISSING)
    weight = _weights(weights, one.size)[both]
    one, other, total = one[both], other[both], weight.sum()
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


def coincidences(table: RatingTable, *, weights: ArrayLike | None = None) -> FloatArray:
    """Return Krippendorff's coincidence matrix, shape (classes, classes), symmetric.

    Cell (c, k) sums, over the units, the ordered pairs of ratings c and k of different raters,
    each unit's divided by its number of ratings less one. A unit with a single rating pairs with
    nothing, and is left out.
    """
    paired = table.sizes >= _PAIR
    share = np.divide(
        _weights(weights, table.units),
        table.sizes - 1,
        out=np.zeros(table.units),
        where=paired,
    )
    value: FloatArray = share[table.unit] * table.count
    matrix = _summed(table.code, table.code, value * (table.count - 1.0), table.classes)
    # Entries are sorted by unit: those of one unit stand next to one another.
    for step in range(1, _most_classes_of_a_unit(table)):
        same = table.unit[step:] == table.unit[:-step]
        one, other = table.code[:-step][same], table.code[step:][same]
        cell = value[:-step][same] * table.count[step:][same]
        across = _summed(one, other, cell, table.classes)
        matrix += across + across.T
    return matrix


def krippendorff_alpha(
    table: RatingTable, metric: Metric = "nominal", *, weights: ArrayLike | None = None
) -> float:
    """Agreement by Krippendorff's alpha: any number of raters, missing ratings allowed.

    Parameters
    ----------
    table
        Classes are in their order for `ordinal`, and equally spaced for `interval`.
    metric
        What a difference of two classes weighs.

    Returns
    -------
    1 - (n-1) sum o_ck d²_ck / sum n_c n_k d²_ck over the coincidence matrix o.

    References
    ----------
    Krippendorff, Computing Krippendorff's Alpha-Reliability (2011); Content Analysis, 4th edition
    (2018), chapter 12.
    """
    observed = coincidences(table, weights=weights)
    margin = observed.sum(axis=1)
    difference = _squared_differences(metric, margin)
    expected = float(margin @ difference @ margin)
    if expected <= 0:
        return float("nan")
    return 1.0 - (float(margin.sum()) - 1) * float((observed * difference).sum()) / expected


def _squared_differences(metric: Metric, margin: FloatArray) -> FloatArray:
    classes = len(margin)
    if metric == "nominal":
        return 1.0 - np.eye(classes)
    if metric == "ordinal":
        # Between the middles of two classes, counted in ratings.
        place = np.cumsum(margin) - margin / 2
    else:
        place = np.arange(classes, dtype=np.float64)
    return np.asarray((place[:, None] - place[None, :]) ** 2, dtype=np.float64)


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


def _summed(rows: IntArray, columns: IntArray, values: FloatArray, classes: int) -> FloatArray:
    cells = np.bincount(rows * classes + columns, values, minlength=classes * classes)
    return np.asarray(cells, dtype=np.float64).reshape(classes, classes)


def _most_classes_of_a_unit(table: RatingTable) -> int:
    return int(np.bincount(table.unit, minlength=1).max()) if table.unit.size else 0
