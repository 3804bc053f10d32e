"""How far the items have changed, and the accuracy that the model's confidences predict (pure).

The stability index decides whether a drift is severe; the other figures are for people alone.
"""

import numpy as np

from services.trainer.monitoring.drift.detector import FloatArray, IntArray

_GROUPS = 10
_ROUNDS = 200
_CONVERGED = 1e-8
_SMALLEST = 1e-12


def stability_index(reference: IntArray, new: IntArray) -> float:
    """Population stability index of two counts over the same bins.

    Bins are joined into ten groups of about equal size in the reference; half an item is added to
    each, so that an empty group stays finite. 0.1 is usually called small and 0.25 large. Of n new
    items it is about 9/n while nothing has changed.

    Parameters
    ----------
    reference, new : shape (bins,), counts

    Returns
    -------
    float, at least 0

    Examples
    --------
    >>> bins = np.full(10, 100)
    >>> stability_index(bins, bins)
    0.0
    """
    upper = np.cumsum(reference) / max(int(reference.sum()), 1)
    group = np.minimum((upper * _GROUPS).astype(np.int64), _GROUPS - 1)
    groups = np.unique(group)
    was = np.array([reference[group == one].sum() for one in groups]) + 0.5
    now = np.array([new[group == one].sum() for one in groups]) + 0.5
    was, now = was / was.sum(), now / now.sum()
    return float(((now - was) * np.log(now / was)).sum())


def label_shares(probabilities: FloatArray, prior: FloatArray) -> FloatArray:
    """Estimate the share of each label among new items, where only the shares have changed.

    Maximum likelihood by expectation maximisation. It believes that items of one label look as they
    did, so it is wrong where they do not.

    Parameters
    ----------
    probabilities : shape (n, labels), calibrated for the labels' shares in `prior`
    prior : shape (labels,), sums to 1

    Returns
    -------
    Shape (labels,), sums to 1.

    References
    ----------
    Saerens, Latinne, Decaestecker, Neural Computation 14 (2002).
    Alexandari, Kundaje, Shrikumar, ICML 2020, arXiv 1901.06852.
    """
    shares, prior = prior.copy(), np.maximum(prior, _SMALLEST)
    for _ in range(_ROUNDS):
        weighted = probabilities * (shares / prior)
        totals = np.maximum(weighted.sum(axis=1, keepdims=True), _SMALLEST)
        found = (weighted / totals).mean(axis=0)
        found = found / max(float(found.sum()), _SMALLEST)
        has_converged = np.abs(found - shares).max() < _CONVERGED
        shares = found
        if has_converged:
            break
    return np.asarray(shares)


def share_band(
    probabilities: FloatArray, prior: FloatArray, *, draws: int = 50, seed: int = 0
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Estimate shares as `label_shares` does: estimates, and the ends of their 95 % intervals.

    The intervals, by bootstrap, are of the items' chance alone.
    """
    rng = np.random.default_rng(seed)
    n = len(probabilities)
    found = np.array(
        [label_shares(probabilities[rng.integers(0, n, n)], prior) for _ in range(draws)]
    )
    lower, upper = np.quantile(found, [0.025, 0.975], axis=0)
    return label_shares(probabilities, prior), lower, upper


def estimated_accuracy(confidences: FloatArray) -> float | None:
    """Estimate accuracy without labels: the mean of calibrated confidences (CBPE); None of none.

    An estimate, and no proof: it holds while an item of a given look still has the label that it
    had. Where the meaning of labels has changed (concept shift) it sees nothing.

    References
    ----------
    Guillory et al., ICCV 2021 (difference of confidences).
    """
    return float(confidences.mean()) if len(confidences) else None
