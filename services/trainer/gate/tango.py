"""Tango's score test of the difference of two accuracies on the same items (pure)."""

import math
from dataclasses import dataclass, replace

from scipy.optimize import brentq

# scipy.special, not scipy.stats: the same numbers, without a second of importing at each start.
from scipy.special import ndtr, ndtri

_LOWEST, _HIGHEST = -1 + 1e-9, 1 - 1e-9
_TAIL = 0.025


@dataclass(frozen=True)
class PairCounts:
    """What two versions came to on the same items.

    Attributes
    ----------
    items : how many items both versions judged, at least 0
    gained : the new version right, the champion wrong
    lost : the new version wrong, the champion right
    """

    items: int
    gained: int
    lost: int

    @property
    def difference(self) -> float:
        """Accuracy of the new version less the champion's, in [-1, 1]; 0 without items."""
        return (self.gained - self.lost) / self.items if self.items else 0.0


def score_statistic(counts: PairCounts, difference: float) -> float:
    """Return the score statistic of the hypothesis that the accuracies differ by `difference`.

    About standard normal if they do; positive where the new version did better than that. For a
    difference of 0 it is McNemar's (gained - lost) / sqrt(gained + lost).

    Parameters
    ----------
    counts : at least one item
    difference : in (-1, 1), the new version's accuracy less the champion's

    Raises
    ------
    ValueError
        No items, or a difference out of range.

    References
    ----------
    Tango, Statistics in Medicine 17, 1998, equations 4 to 8.

    Examples
    --------
    >>> round(score_statistic(PairCounts(items=100, gained=16, lost=9), 0.0), 6)
    1.4
    """
    if counts.items < 1:
        raise ValueError("there must be at least one item")
    if not -1 < difference < 1:
        raise ValueError("the difference must lie in (-1, 1)")
    n, excess = counts.items, counts.gained - counts.lost - counts.items * difference
    spread = n * (2 * _lost_share(counts, difference) + difference * (1 - difference))
    if spread <= 0:
        return math.copysign(math.inf, excess) if excess else 0.0
    return float(excess / math.sqrt(spread))


def _lost_share(counts: PairCounts, difference: float) -> float:
    """Return the most likely share of lost items, given the difference."""
    n, gained, lost = counts.items, counts.gained, counts.lost
    a, b = 2 * n, -gained - lost + (2 * n - gained + lost) * difference
    c = -lost * difference * (1 - difference)
    return (math.sqrt(max(0.0, b * b - 4 * a * c)) - b) / (2 * a)


def p_not_worse(counts: PairCounts, margin: float) -> float:
    """Return the p-value of the hypothesis that the new version is worse by `margin` or more.

    A small one shows that it is not. `margin` lies in [0, 1).
    """
    return float(ndtr(-score_statistic(counts, -margin)))


def p_worse(counts: PairCounts, margin: float) -> float:
    """Return the p-value of the hypothesis that the new version is worse by at most `margin`.

    A small one shows that it is worse than that. `margin` lies in [0, 1).
    """
    return float(ndtr(score_statistic(counts, -margin)))


def difference_bound(counts: PairCounts, alpha: float) -> float:
    """Return the lower bound of the accuracies' difference at confidence 1 - alpha, one-sided.

    It is above -margin exactly where `p_not_worse` is below alpha.

    Parameters
    ----------
    counts : at least one item
    alpha : in (0, 0.5)

    Examples
    --------
    >>> round(difference_bound(PairCounts(items=500, gained=0, lost=0), 0.05), 5)
    -0.00538
    """
    quantile = -float(ndtri(alpha))

    def excess(difference: float) -> float:
        return score_statistic(counts, difference) - quantile

    # The statistic falls as the difference rises, and is 0 at the observed one.
    upper = min(_HIGHEST, max(_LOWEST, counts.difference))
    if excess(_LOWEST) <= 0 or upper <= _LOWEST:
        return -1.0
    return float(brentq(excess, _LOWEST, upper, xtol=1e-10))


def difference_interval(counts: PairCounts) -> tuple[float, float]:
    """Return the two-sided 95 % interval of the difference, of at least one item."""
    swapped = replace(counts, gained=counts.lost, lost=counts.gained)
    return difference_bound(counts, _TAIL), -difference_bound(swapped, _TAIL)


def least_items(margin: float, alpha: float) -> int:
    """Return how many items could show a version as good, if both agreed on every one.

    With fewer no outcome could: with no discordant item the statistic of `-margin` is
    sqrt(n margin / (1 - margin)).

    Parameters
    ----------
    margin : in (0, 1)
    alpha : in (0, 0.5)

    Examples
    --------
    >>> least_items(0.025, 0.05)
    106
    """
    return math.ceil(float(ndtri(alpha)) ** 2 * (1 - margin) / margin)
