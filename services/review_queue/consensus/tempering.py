"""Tempering: how far the likelihood of a task's votes can be believed (pure).

Dawid-Skene multiplies the likelihoods of all votes as if reviewers erred independently. On hard
items they err together, and a posterior of 0.97 can be right 60 % of the time. The remedy is an
exponent in (0, 1] on the likelihood, `posterior ~ prior * likelihood ** exponent`, chosen so that
the known labels of gold items are as likely as can be. It orders labels nearly as before; what it
changes is how sure one may be.

Each gold item is judged by confusion matrices without its own votes, since a task's votes are new
to the model when they are decided upon.

References
----------
Guo, Pleiss, Sun, Weinberger, ICML 2017 (temperature scaling; its temperature is 1 / exponent).
Grünwald, van Ommen, Bayesian Analysis 12(4), 2017 (tempered likelihoods of wrong models).
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from services.review_queue.consensus.dawid_skene import HONEST, UNKNOWN, Fit, Pseudocounts, Votes

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

# Where gold says too little. Halving what votes say suited two of the published sets with many
# annotators, of clear and of subjective items.
CAUTIOUS = 0.5
# The fewest gold items with two votes or more that an exponent is fitted on.
MINIMUM_ITEMS = 30
LOWEST = 0.05
_HALVINGS = 40


def tempering_exponent(
    votes: Votes,
    gold: ArrayLike,
    fitted: Fit,
    *,
    most_votes: int,
    pseudocounts: Pseudocounts = HONEST,
) -> float:
    """Exponent that suits the gold items of a fit.

    A single vote cannot show whether reviewers err together, so that items with one say nothing;
    and items with more votes than a task gets would make the exponent too low: they are taken as
    several items of at most `most_votes` votes.

    Parameters
    ----------
    votes, gold, fitted, pseudocounts
        The votes, the known labels (`UNKNOWN` elsewhere) and the fit of both.
    most_votes : at least 2
        The most votes that a task gets.

    Returns
    -------
    In [`LOWEST`, 1]; `CAUTIOUS` with fewer than `MINIMUM_ITEMS` gold items of two votes or more.
    """
    known = np.asarray(gold, dtype=np.int64)
    chosen = np.flatnonzero(known[votes.tasks] != UNKNOWN)
    order = np.lexsort((votes.labels[chosen], votes.reviewers[chosen], votes.tasks[chosen]))
    chosen = chosen[order]
    tasks, starts, sizes = np.unique(votes.tasks[chosen], return_index=True, return_counts=True)
    if (sizes >= 2).sum() < MINIMUM_ITEMS:
        return CAUTIOUS
    parts = -(-sizes // most_votes)
    rank = np.arange(len(chosen)) - np.repeat(starts, sizes)
    part = rank % np.repeat(parts, sizes)
    group = np.repeat(np.cumsum(parts) - parts, sizes) + part
    likelihood = _sum_by(group, _without_own_votes(votes, known, fitted, chosen, pseudocounts))
    several = np.bincount(group) >= 2
    return fit_exponent(
        fitted.model.log_prior, likelihood[several], np.repeat(known[tasks], parts)[several]
    )


def fit_exponent(log_prior: FloatArray, log_likelihood: FloatArray, truth: IntArray) -> float:
    """Exponent in [`LOWEST`, 1] under which the true labels are likeliest.

    The mean log posterior of the truth is concave in the exponent: its slope is halved in.

    Parameters
    ----------
    log_prior : shape (k,)
    log_likelihood : shape (n, k), n at least 1
        Logarithm of P(votes of an item | label).
    truth : shape (n,)
        The item's label.

    Raises
    ------
    ValueError
        No item, or unequal lengths.
    """
    if not len(truth) or log_likelihood.shape != (len(truth), len(log_prior)):
        raise ValueError("there must be one row of likelihoods an item, and at least one item")
    of_truth = log_likelihood[np.arange(len(truth)), truth]

    def slope(exponent: float) -> float:
        posterior = temper(log_prior, log_likelihood, exponent)
        return float((of_truth - (posterior * log_likelihood).sum(axis=1)).mean())

    low, high = LOWEST, 1.0
    if slope(high) >= 0:
        return high
    if slope(low) <= 0:
        return low
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) > 0 else (low, middle)
    return low


def temper(log_prior: FloatArray, log_likelihood: FloatArray, exponent: float) -> FloatArray:
    """Posteriors, shape (n, k), of items by the logarithm of their votes' likelihood."""
    joint = log_prior + exponent * log_likelihood
    joint -= joint.max(axis=1, keepdims=True)
    out = np.exp(joint)
    return np.asarray(out / out.sum(axis=1, keepdims=True), dtype=np.float64)


def _without_own_votes(
    votes: Votes, known: IntArray, fitted: Fit, chosen: IntArray, pseudocounts: Pseudocounts
) -> FloatArray:
    """Log P(vote | true label) of the chosen votes, shape (n, k), their own item left out."""
    reviewers, labels = votes.reviewers[chosen], votes.labels[chosen]
    pseudo = pseudocounts.of_votes(votes.n_labels)
    given = fitted.expected_votes[reviewers, labels] + pseudo[:, labels].T
    of_true = fitted.expected_votes.sum(axis=1)[reviewers] + pseudo.sum(axis=1)
    own = np.arange(votes.n_labels)[None, :] == known[votes.tasks[chosen]][:, None]
    # A gold item's votes count fully under its known label; rounding must not make them negative.
    return np.log(np.maximum(given - own, pseudo[:, labels].T) / (of_true - own))


def _sum_by(group: IntArray, rows: FloatArray) -> FloatArray:
    """Sum of the rows of each group, shape (groups, k)."""
    return np.stack([np.bincount(group, column) for column in rows.T], axis=1)
