"""Dawid-Skene: how each reviewer errs and what the items are, from verdicts alone (pure).

Every reviewer has a confusion matrix: the chance of giving each label when another one is true.
Expectation-maximisation alternates between the items' posteriors and these matrices. Pseudo-counts
keep a reviewer with few verdicts near an honest one: 4 on the diagonal and 1 shared by all other
labels, and 1 a class; that is the mode under Dirichlet priors with parameters 1 + pseudo-count,
so the log density below never falls from one iteration to the next. Gold items have a known
label and keep it. All sums are of logarithms: products of many verdicts would underflow.

The model takes verdicts as independent given the true label. On subjective items they are not, and
posteriors are far too sure: see `tempering`.

References
----------
Dawid, Skene, Applied Statistics 28(1), 1979.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from services.review_queue.consensus.votes import (
    HONEST,
    UNKNOWN,
    FloatArray,
    IntArray,
    Pseudocounts,
    Votes,
)

MAX_ITERATIONS = 50
# Rise of the log density by which an iteration must pay, a vote.
TOLERANCE = 1e-6


@dataclass(frozen=True)
class DawidSkene:
    """A fitted model.

    Attributes
    ----------
    log_prior : shape (k,)
        Logarithm of each label's share among the items.
    log_confusion : shape (k, w, k)
        Logarithm of P(given label | true label); axes true label, reviewer, given label, so that
        all votes under one true label are one sum.
    """

    log_prior: FloatArray
    log_confusion: FloatArray

    def posterior(
        self, reviewers: Sequence[int], labels: Sequence[int], exponent: float = 1.0
    ) -> FloatArray:
        """Probability of each label for one task, shape (k,), from its votes; microseconds.

        The task need not have been in the fit. `exponent` tempers the likelihood: 1 is plain
        Dawid-Skene, 0 the prior alone.
        """
        joint = self.log_prior + exponent * self.log_confusion[:, reviewers, labels].sum(axis=1)
        joint -= joint.max()
        out = np.exp(joint)
        return np.asarray(out / out.sum(), dtype=np.float64)


@dataclass(frozen=True)
class Fit:
    """What a fit found.

    Attributes
    ----------
    model
        Prior and confusion matrices.
    posterior : shape (t, k)
        Probability of each label for each task; 1 at the known label of a gold task, the prior
        for a task without votes.
    expected_votes : shape (k, w, k)
        Votes by probability of each true label, by reviewer and by given label.
    log_density : shape (iterations + 1,)
        Logarithm of likelihood times prior before each iteration and at the end; never falling.
    converged : bool
        Whether it ended before the last iteration that was allowed.
    """

    model: DawidSkene
    posterior: FloatArray
    expected_votes: FloatArray
    log_density: FloatArray
    converged: bool


def fit(
    votes: Votes,
    gold: ArrayLike | None = None,
    *,
    start: DawidSkene | None = None,
    pseudocounts: Pseudocounts = HONEST,
    max_iterations: int = MAX_ITERATIONS,
    tolerance: float = TOLERANCE,
) -> Fit:
    """Fit a model to all votes by expectation-maximisation in log space.

    Parameters
    ----------
    votes
        In any order.
    gold : shape (t,)
        The known label of each task, `UNKNOWN` (-1) for the others.
    start
        An earlier model of the same labels, to begin from: new votes then cost a few iterations.
        Without it, and for reviewers that it does not know, the beginning is what the votes on gold
        items say or, where there are none, that each item is what its votes say, by their shares.
    max_iterations, tolerance
        Ends after so many iterations, or once one raises the log density by less, a vote.

    Raises
    ------
    ValueError
        A gold label out of range, or a start with other labels or more reviewers.
    """
    em = _Iteration(votes, _known(gold, votes), pseudocounts)
    model = em.begin(start)
    posterior, density = em.expect(model)
    densities, converged = [density], False
    while not converged and len(densities) <= max_iterations:
        model = em.maximise(posterior)
        posterior, density = em.expect(model)
        converged = density - densities[-1] < tolerance * max(1, len(votes))
        densities.append(density)
    expected, by_task = em.expected_votes(posterior), np.ascontiguousarray(posterior.T)
    return Fit(model, by_task, expected, np.asarray(densities), converged)


@dataclass
class _Iteration:
    """The two steps; posteriors are of shape (k, t) here."""

    votes: Votes
    known: IntArray
    pseudocounts: Pseudocounts
    cells: IntArray = field(init=False)
    pseudo: FloatArray = field(init=False)

    def __post_init__(self) -> None:
        self.cells = self.votes.reviewers * self.votes.n_labels + self.votes.labels
        self.pseudo = self.pseudocounts.of_votes(self.votes.n_labels)

    def begin(self, start: DawidSkene | None) -> DawidSkene:
        """What gold says, or else the shares of the votes, or an earlier model where it knows."""
        begun = self.maximise(self._told())
        if start is None:
            return begun
        labels, reviewers, _ = start.log_confusion.shape
        if labels != self.votes.n_labels or reviewers > self.votes.n_reviewers:
            raise ValueError("the start has other labels, or more reviewers")
        begun.log_confusion[:, :reviewers] = start.log_confusion
        return DawidSkene(start.log_prior, begun.log_confusion)

    def _told(self) -> FloatArray:
        """What is known of the items before the first step, shape (k, t); 0 where nothing is."""
        n, k = self.votes.n_tasks, self.votes.n_labels
        if (self.known != UNKNOWN).any():
            return np.asarray(self.known == np.arange(k)[:, None], dtype=np.float64)
        tally = np.bincount(self.votes.labels * n + self.votes.tasks, minlength=k * n)
        shares = tally.reshape(k, n) / np.maximum(1, np.bincount(self.votes.tasks, minlength=n))
        return np.asarray(shares, dtype=np.float64)

    def _joint(self, model: DawidSkene) -> FloatArray:
        """Logarithm of P(true label, votes), shape (k, t)."""
        out = np.empty((self.votes.n_labels, self.votes.n_tasks))
        for k, confusion in enumerate(model.log_confusion):
            of_votes = confusion.reshape(-1)[self.cells]
            likelihood = np.bincount(self.votes.tasks, of_votes, self.votes.n_tasks)
            out[k] = model.log_prior[k] + likelihood
        return out

    def expect(self, model: DawidSkene) -> tuple[FloatArray, float]:
        """The E-step: posteriors, shape (k, t), and the log density of the parameters."""
        joint = self._joint(model)
        highest = joint.max(axis=0)
        posterior = np.exp(joint - highest)
        mass = posterior.sum(axis=0)
        posterior /= mass
        evidence = highest + np.log(mass)
        at = np.flatnonzero(self.known != UNKNOWN)
        evidence[at] = joint[self.known[at], at]
        posterior[:, at] = 0.0
        posterior[self.known[at], at] = 1.0
        prior = (self.pseudo[:, None, :] * model.log_confusion).sum()
        prior += self.pseudocounts.label * model.log_prior.sum()
        return posterior, float(evidence.sum() + prior)

    def maximise(self, posterior: FloatArray) -> DawidSkene:
        """The M-step: shares of the expected votes, pseudo-votes included."""
        counts = self.expected_votes(posterior) + self.pseudo[:, None, :]
        counts /= counts.sum(axis=2, keepdims=True)
        items = posterior.sum(axis=1) + self.pseudocounts.label
        return DawidSkene(np.log(items / items.sum()), np.log(counts))

    def expected_votes(self, posterior: FloatArray) -> FloatArray:
        """Votes by true label, reviewer and given label, shape (k, w, k)."""
        n, k = self.votes.n_reviewers, self.votes.n_labels
        weights = (row[self.votes.tasks] for row in posterior)
        counts = [np.bincount(self.cells, weight, n * k).reshape(n, k) for weight in weights]
        return np.asarray(counts, dtype=np.float64)


def _known(gold: ArrayLike | None, votes: Votes) -> IntArray:
    """The gold labels, `UNKNOWN` everywhere if there are none."""
    if gold is None:
        return np.full(votes.n_tasks, UNKNOWN)
    out = np.asarray(gold, dtype=np.int64)
    if out.shape != (votes.n_tasks,) or ((out < UNKNOWN) | (out >= votes.n_labels)).any():
        raise ValueError("gold must be one label a task, -1 where none is known")
    return out
