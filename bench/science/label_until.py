"""Label until a threshold is certified or cannot be any more: a rule that is measured, not used.

The evidence that the error is below alpha is a mixture of likelihood ratios: of 20 error rates q
below alpha to alpha itself, by the product of (q/alpha) for each error and (1-q)/(1-alpha) for each
success. While the true error is alpha or more, it ever reaches 1/delta with a chance of at most
delta (Ville's inequality), so it may be looked at after every label, and labelling may stop at any
of them. The evidence depends on two counts alone, and each success raises it. So there is a number
of labels at which `errors` errors certify (`labels_needed`), and this rule follows:

- certified as soon as there are as many labels as that;
- hopeless as soon as it exceeds the budget: not even successes alone would certify.

A fixed number of labels has more power if the error is close to alpha; this rule needs fewer labels
if the error is far below or above alpha, and it may go on where a fixed number would have to stop.

It asks for what `certify` asks for, but for the number of labels, and takes labels in the order of
the draw, whatever the order of completion: an item that takes people long errs more often. ADR 26
says why certifications do not use it.

References
----------
Waudby-Smith and Ramdas, JRSS B 86 (2024), arXiv 2010.09686 (mixtures of bets).
Xu, Karampatziakis, Mineiro, NeurIPS 2024, arXiv 2406.10490 (anytime-valid control of a risk).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
State = Literal["open", "certified", "hopeless"]

# Error rates of the mixture, as shares of alpha.
_SHARES = np.arange(1, 21) / 25
_MOST_LABELS = 2**40


@dataclass(frozen=True)
class SequentialResult:
    """What the labels taken so far decide.

    Attributes
    ----------
    state : "open" asks for more labels
    taken : labels up to the decision, or all of them
    errors : errors among those
    needed : labels in all at which these errors certify, if all further ones are right
    """

    state: State
    taken: int
    errors: int
    needed: int


def log_evidence(errors: ArrayLike, labels: ArrayLike, alpha: float) -> FloatArray:
    """Logarithm of the evidence that the error is below alpha.

    The p-value of the binomial test of the same counts is at most exp(-log_evidence).

    Parameters
    ----------
    errors, labels : of one shape or broadcast, 0 <= errors <= labels
    alpha : in (0, 1)

    Examples
    --------
    >>> bool(log_evidence(0, 434, 0.01) < math.log(20) <= log_evidence(0, 435, 0.01))
    True
    """
    if not 0 < alpha < 1:
        raise ValueError("alpha must lie in (0, 1)")
    x, n = (np.asarray(counts, dtype=np.float64)[..., None] for counts in (errors, labels))
    right = np.log1p(-alpha * _SHARES) - math.log1p(-alpha)
    bets = x * np.log(_SHARES) + (n - x) * right
    total = np.logaddexp.reduce(bets, axis=-1)
    return np.asarray(total - math.log(len(_SHARES)))


def labels_needed(errors: ArrayLike, delta: float, alpha: float) -> IntArray:
    """Smallest number of labels at which so many errors certify an error below alpha.

    Parameters
    ----------
    errors : any shape, at least 0
    delta : in (0, 1), chance of ever certifying an error of alpha or more
    alpha : in (0, 1)

    Returns
    -------
    Same shape, rising with the errors.

    Examples
    --------
    >>> labels_needed([0, 1, 2, 10], 0.05, 0.01)
    array([ 435,  655,  852, 2136])
    """
    if not 0 < delta < 1:
        raise ValueError("delta must lie in (0, 1)")
    x = np.asarray(errors, dtype=np.int64)
    too_few, enough = x.copy(), np.full_like(x, _MOST_LABELS)
    while (enough - too_few > 1).any():
        middle = (too_few + enough) // 2
        passes = log_evidence(x, middle, alpha) >= -math.log(delta)
        too_few, enough = np.where(passes, too_few, middle), np.where(passes, middle, enough)
    return enough


def label_until(
    wrong: Sequence[bool] | BoolArray, *, alpha: float, delta: float, budget: int
) -> SequentialResult:
    """Take labels in until they certify an error below alpha, or no longer can within the budget.

    Parameters
    ----------
    wrong : shape (n,)
        Whether each label contradicts the model, in the order of the draw.
    alpha, delta : in (0, 1)
    budget : at least 0, most labels that may ever be asked for
    """
    errors = np.concatenate([[0], np.cumsum(np.asarray(wrong, dtype=np.bool_))])
    needed = labels_needed(np.arange(errors[-1] + 1), delta, alpha)[errors]
    ends = np.flatnonzero((np.arange(len(errors)) >= needed) | (needed > budget))
    taken = int(ends[0]) if len(ends) else len(errors) - 1
    state: State = "open" if not len(ends) else "certified"
    if needed[taken] > budget:
        state = "hopeless"
    return SequentialResult(state, taken, int(errors[taken]), int(needed[taken]))
