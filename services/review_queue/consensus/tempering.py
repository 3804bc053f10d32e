"""Tempering: how far the likelihood of a task's votes can be believed (pure).

Dawid-Skene multiplies the likelihoods of all votes as if reviewers erred independently. On hard
items they err together, and a posterior of 0.97 can be right 60 % of the time. The remedy is an
exponent on the likelihood, `posterior ~ prior * likelihood ** exponent`. It is 1 for a single
vote, whose likelihood is the reviewer's own confusion matrix, and falls with their number as the
design effect of a cluster sample says: `n` votes whose errors correlate by `r` weigh as much as
`n / (1 + (n - 1) r)` independent ones. One constant exponent would be too sure of many votes and
too shy of few.

The correlation is chosen so that the known labels of gold items are as likely as can be. Each
gold item is judged by confusion matrices without its own votes, since a task's votes are new to
the model when they are decided upon.

References
----------
Kish, Survey Sampling, 1965 (design effect).
Guo, Pleiss, Sun, Weinberger, ICML 2017 (temperature scaling; its temperature is 1 / exponent).
Grünwald, van Ommen, Bayesian Analysis 12(4), 2017 (tempered likelihoods of wrong models).
"""

import numpy as np
from numpy.typing import ArrayLike

from services.review_queue.consensus.dawid_skene import Fit
from services.review_queue.consensus.votes import HONEST, UNKNOWN, FloatArray, IntArray, Votes

# Where gold says too little: five votes then weigh half, as suited the published sets with many
# annotators, of clear and of subjective items.
CAUTIOUS = 0.25
# The fewest gold items with two votes or more that a correlation is fitted on.
MINIMUM_ITEMS = 30
# The correlation is searched for in steps that shrink tenfold, so that each search covers the
# neighbours of the last best one.
_STEPS = (0.05, 0.005, 0.0005)


def exponent_of(n_votes: ArrayLike, correlation: float) -> FloatArray:
    """Exponent on the likelihood of so many votes, in (0, 1]."""
    return np.asarray(1 / (1 + (np.maximum(n_votes, 1) - 1) * correlation), dtype=np.float64)


def vote_correlation(votes: Votes, gold: ArrayLike, fitted: Fit, *, most_votes: int) -> float:
    """Correlation of the votes on an item that suits the gold items of a fit.

    A single vote cannot show whether reviewers err together. So each gold item is judged as a task
    would be, after its second vote and after each further one, up to `most_votes`; then its next
    votes begin anew.

    Parameters
    ----------
    votes, gold, fitted
        The votes, the known labels (`UNKNOWN` elsewhere) and the fit of both, with `HONEST` votes.
    most_votes : at least 2
        The most votes that a task gets.

    Returns
    -------
    In [0, 1]; `CAUTIOUS` with fewer than `MINIMUM_ITEMS` gold items of two votes or more.
    """
    known = np.asarray(gold, dtype=np.int64)
    chosen = _shuffled(votes, np.flatnonzero(known[votes.tasks] != UNKNOWN))
    tasks, sizes = np.unique(votes.tasks[chosen], return_counts=True)
    if (sizes >= 2).sum() < MINIMUM_ITEMS:
        return CAUTIOUS
    rank = _rank(sizes) % most_votes
    likelihood = _so_far(_without_own_votes(votes, known, fitted, chosen), rank)
    several = rank >= 1
    truth = np.repeat(known[tasks], sizes)
    return fit_correlation(
        fitted.model.log_prior, likelihood[several], rank[several] + 1, truth[several]
    )


def fit_correlation(
    log_prior: FloatArray, log_likelihood: FloatArray, n_votes: IntArray, truth: IntArray
) -> float:
    """Correlation in [0, 1] under which the true labels are likeliest.

    Parameters
    ----------
    log_prior : shape (k,)
    log_likelihood : shape (n, k), n at least 1
        Logarithm of P(votes of an item | label).
    n_votes : shape (n,)
        How many votes those are.
    truth : shape (n,)
        The item's label.

    Raises
    ------
    ValueError
        No item, or unequal lengths.
    """
    n = len(truth)
    if not n or log_likelihood.shape != (n, len(log_prior)) or n_votes.shape != (n,):
        raise ValueError("there must be one row of likelihoods an item, and at least one item")

    def score(correlation: float) -> float:
        joint = log_prior + exponent_of(n_votes, correlation)[:, None] * log_likelihood
        highest = joint.max(axis=1)
        mass = highest + np.log(np.exp(joint - highest[:, None]).sum(axis=1))
        return float((joint[np.arange(n), truth] - mass).sum())

    best, reach = 0.5, 0.5
    for step in _STEPS:
        low, high = max(0.0, best - reach), min(1.0, best + reach)
        candidates = np.linspace(low, high, round((high - low) / step) + 1).tolist()
        best, reach = max(candidates, key=score), step
    return float(best)


def _without_own_votes(votes: Votes, known: IntArray, fitted: Fit, chosen: IntArray) -> FloatArray:
    """Log P(vote | true label) of the chosen votes, shape (n, k), their own item left out."""
    reviewers, labels = votes.reviewers[chosen], votes.labels[chosen]
    pseudo = HONEST.of_votes(votes.n_labels)
    given = (fitted.expected_votes[:, reviewers, labels] + pseudo[:, labels]).T
    of_true = fitted.expected_votes.sum(axis=2)[:, reviewers].T + pseudo.sum(axis=1)
    own = np.arange(votes.n_labels)[None, :] == known[votes.tasks[chosen]][:, None]
    # A gold item's votes count fully under its known label; rounding must not make them negative.
    share = np.maximum(given - own, pseudo[:, labels].T) / (of_true - own)
    return np.asarray(np.log(share), dtype=np.float64)


def _shuffled(votes: Votes, chosen: IntArray) -> IntArray:
    """The chosen votes task by task, in an order that depends on nothing but the votes."""
    parts = (votes.labels, votes.reviewers, votes.tasks)
    chosen = chosen[np.lexsort([part[chosen] for part in parts])]
    lot = np.random.default_rng(0).random(len(chosen))
    return chosen[np.lexsort((lot, votes.tasks[chosen]))]


def _rank(sizes: IntArray) -> IntArray:
    """0, 1, 2, ... within each group of rows, the groups one after another."""
    return np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)


def _so_far(rows: FloatArray, rank: IntArray) -> FloatArray:
    """Sum of the rows of a group up to each of them; a group begins where `rank` is 0."""
    total = np.cumsum(rows, axis=0)
    begins = np.flatnonzero(rank == 0)
    before = (total - rows)[begins]
    return np.asarray(total - np.repeat(before, np.diff(np.append(begins, len(rank))), axis=0))
