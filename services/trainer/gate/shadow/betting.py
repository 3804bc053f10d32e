"""Is the challenger worse than the champion by the margin, watched item by item (pure).

Each item that both versions scored is worth +1 where the challenger alone is right (won), -1 where
the champion alone is (lost), and 0 else; so the mean is the difference of the two accuracies. Where
both say the same it is 0 without a verdict. Of items that are alike, a gambler whose stake is
`rate` has after each item (1 + rate * (value + margin)) times what he had. If the challenger is
worse by the margin or more, his capital grows by no strategy on average, and the chance that it is
ever 1/alpha times the first is at most alpha (Ville), however often one looks and whenever one
stops. It is shared out evenly over a grid of rates, since the best one depends on how often the two
differ. The share of items on which they differ is part of the values, so that no part of alpha is
spent on estimating it.

A disagreement that is not judged counts as lost in `log_not_worse`, and as won in `log_worse`: the
capital that is shown is at most that with its verdict, and no order of the verdicts helps.

References
----------
Ville, Étude critique de la notion de collectif, 1939.
Waudby-Smith, Ramdas, Journal of the Royal Statistical Society B 86, 2024, sections 3 and 4.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

_RATES = 24
_NEAR_RUIN = 0.99


@dataclass(frozen=True)
class ShadowCounts:
    """What was found of the items that both versions scored.

    Attributes
    ----------
    items : scored by both, at least the sum of all others
    won : the challenger right, the champion wrong
    lost : the challenger wrong, the champion right
    neither : the two differ, and neither is right, or people could not say what is
    waiting : the two differ, and people are still to say who is right
    unusable : the two differ, and no verdict will say it
    """

    items: int = 0
    won: int = 0
    lost: int = 0
    neither: int = 0
    waiting: int = 0
    unusable: int = 0

    @property
    def reviewed(self) -> int:
        """Disagreements with a verdict."""
        return self.won + self.lost + self.neither

    @property
    def differing(self) -> int:
        """Items on which the two say different things."""
        return self.reviewed + self.unjudged

    @property
    def unjudged(self) -> int:
        """Disagreements without a verdict."""
        return self.waiting + self.unusable

    @property
    def difference(self) -> float:
        """Estimate of the challenger's accuracy less the champion's; 0 without a verdict."""
        if not self.reviewed:
            return 0.0
        return (self.won - self.lost) / self.reviewed * self.differing / self.items


def log_not_worse(counts: ShadowCounts, margin: float) -> float:
    """Return the log of the e-value against "worse by `margin` or more".

    If the challenger is worse by that, it ever reaches log(1/alpha) with probability alpha at most.

    Parameters
    ----------
    margin : in (0, 0.5)

    Examples
    --------
    >>> round(np.exp(log_not_worse(ShadowCounts(items=300), 0.025)))
    112
    """
    return _of(counts, counts.won, counts.lost + counts.unjudged, margin)


def log_worse(counts: ShadowCounts, margin: float) -> float:
    """Return the log of the e-value against "worse by at most `margin`".

    If the challenger is not worse than that, it ever reaches log(1/alpha) with probability alpha at
    most.

    Parameters
    ----------
    margin : in (0, 0.5)
    """
    return _of(counts, counts.lost, counts.won + counts.unjudged, -margin)


def _of(counts: ShadowCounts, gained: int, given: int, margin: float) -> float:
    items, ones, losses = (np.array([n], dtype=np.int64) for n in (counts.items, gained, given))
    return float(log_capital(items, ones, losses, margin)[0])


def log_capital(
    items: NDArray[np.int64], gained: NDArray[np.int64], given: NDArray[np.int64], margin: float
) -> NDArray[np.float64]:
    """Return the log of the mean capital over all rates, at each of n looks.

    Parameters
    ----------
    items, gained, given : shape (n,)
        Items so far, and how many of them were worth 1 and -1 to the bet; all others were worth 0.
    margin : in (-0.5, 0.5), not 0
        The bet is against a mean of -margin or less.
    """
    rates, others = _rates(margin), items - gained - given
    capital = (
        np.outer(gained, np.log1p(rates * (margin + 1)))
        + np.outer(given, np.log1p(rates * (margin - 1)))
        + np.outer(others, np.log1p(rates * margin))
    )
    largest = capital.max(axis=1)
    mean = np.exp(capital - largest[:, None]).mean(axis=1)
    return np.asarray(largest + np.log(mean), dtype=np.float64)


@cache
def _rates(margin: float) -> NDArray[np.float64]:
    """Return rates from half the margin, best where the two always differ, to near ruin."""
    return np.geomspace(abs(margin) / 2, _NEAR_RUIN / (1 - margin), _RATES)
