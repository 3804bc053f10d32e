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


def temper(log_prior: FloatArray, log_likelihood: FloatArray, exponent: ArrayLike) -> FloatArray:
    """Posteriors, shape (n, k), of items by the logarithm of their votes' likelihood.

    `exponent` is one number, or one an item.
    """
    joint = log_prior + np.reshape(exponent, (-1, 1)) * log_likelihood
    joint -= joint.max(axis=1, keepdims=True)
    out = np.exp(joint)
    return np.asarray(out / out.sum(axis=1, keepdims=True), dtype=np.float64)


@dataclass(frozen=True)
class DawidSkene:
    """A fitted model.

    Attributes
    ----------
    log_prior : shape (k,)
        Logarithm of each label's share among the items.
    log_confusion : shape (w, k, k)
        Logarithm of P(given label | true label); axes reviewer, given label, true label, so that
        a vote picks one contiguous row.
    """

    log_prior: FloatArray
    log_confusion: FloatArray

    @property
    def n_reviewers(self) -> int:
        """How many reviewers the model knows."""
        return len(self.log_confusion)

    @property
    def n_labels(self) -> int:
        """How many labels there are."""
        return len(self.log_prior)

    def posterior(
        self, reviewers: Sequence[int], labels: Sequence[int], exponent: float = 1.0
    ) -> FloatArray:
        """Probability of each label for one task, shape (k,), from its votes; microseconds.

        The task need not have been in the fit. `exponent` tempers the likelihood: 1 is plain
        Dawid-Skene, 0 the prior alone.
        """
        likelihood = self.log_confusion[reviewers, labels].sum(axis=0, keepdims=True)
        return temper(self.log_prior, likelihood, exponent).reshape(-1)


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
    expected_votes : shape (w, k, k)
        Votes of each reviewer, by given label and by probability of each true label.
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
    parameters = em.begin(start)
    posterior, density = em.expect(parameters)
    densities, converged = [density], False
    while not converged and len(densities) <= max_iterations:
        parameters = em.maximise(posterior)
        posterior, density = em.expect(parameters)
        converged = density - densities[-1] < tolerance * max(1, len(votes))
        densities.append(density)
    return em.result(parameters, posterior, densities, converged)


@dataclass(frozen=True)
class _Parameters:
    """Logarithms: prior (k,); confusion (k, w * k), true label first, then reviewer and given."""

    log_prior: FloatArray
    log_confusion: FloatArray


@dataclass
class _Iteration:
    """The two steps. True labels are the first axis, so that one label's votes are one sum."""

    votes: Votes
    known: IntArray
    pseudocounts: Pseudocounts
    cells: IntArray = field(init=False)
    pseudo: FloatArray = field(init=False)

    def __post_init__(self) -> None:
        self.cells = self.votes.reviewers * self.votes.n_labels + self.votes.labels
        self.pseudo = self.pseudocounts.of_votes(self.votes.n_labels)

    def begin(self, start: DawidSkene | None) -> _Parameters:
        """What gold says, or else the shares of the votes, or an earlier model where it knows."""
        n, k = self.votes.n_reviewers, self.votes.n_labels
        begun = self.maximise(self._told())
        if start is None:
            return begun
        if start.n_labels != k or start.n_reviewers > n:
            raise ValueError("the start has other labels, or more reviewers")
        confusion = begun.log_confusion.reshape(k, n, k)
        confusion[:, : start.n_reviewers] = start.log_confusion.transpose(2, 0, 1)
        return _Parameters(start.log_prior, confusion.reshape(k, n * k))

    def _told(self) -> FloatArray:
        """What is known of the items before the first step, shape (k, t); 0 where nothing is."""
        n, k = self.votes.n_tasks, self.votes.n_labels
        if (self.known != UNKNOWN).any():
            return np.asarray(self.known == np.arange(k)[:, None], dtype=np.float64)
        tally = np.bincount(self.votes.labels * n + self.votes.tasks, minlength=k * n)
        shares = tally.reshape(k, n) / np.maximum(1, np.bincount(self.votes.tasks, minlength=n))
        return np.asarray(shares, dtype=np.float64)

    def _joint(self, parameters: _Parameters) -> FloatArray:
        """Logarithm of P(true label, votes), shape (k, t)."""
        out = np.empty((self.votes.n_labels, self.votes.n_tasks))
        for k, log_confusion in enumerate(parameters.log_confusion):
            likelihood = np.bincount(
                self.votes.tasks, log_confusion[self.cells], self.votes.n_tasks
            )
            out[k] = parameters.log_prior[k] + likelihood
        return out

    def expect(self, parameters: _Parameters) -> tuple[FloatArray, float]:
        """The E-step: posteriors, shape (k, t), and the log density of the parameters."""
        joint = self._joint(parameters)
        highest = joint.max(axis=0)
        posterior = np.exp(joint - highest)
        mass = posterior.sum(axis=0)
        posterior /= mass
        evidence = highest + np.log(mass)
        at = np.flatnonzero(self.known != UNKNOWN)
        evidence[at] = joint[self.known[at], at]
        posterior[:, at] = 0.0
        posterior[self.known[at], at] = 1.0
        log_confusion = parameters.log_confusion.reshape(len(joint), -1, len(joint))
        prior = (self.pseudo[:, None, :] * log_confusion).sum()
        prior += self.pseudocounts.label * parameters.log_prior.sum()
        return posterior, float(evidence.sum() + prior)

    def maximise(self, posterior: FloatArray) -> _Parameters:
        """The M-step: shares of the expected votes, pseudo-votes included."""
        n, k = self.votes.n_reviewers, self.votes.n_labels
        counts = self.expected_votes(posterior).reshape(k, n, k) + self.pseudo[:, None, :]
        counts /= counts.sum(axis=2, keepdims=True)
        items = posterior.sum(axis=1) + self.pseudocounts.label
        return _Parameters(np.log(items / items.sum()), np.log(counts).reshape(k, n * k))

    def expected_votes(self, posterior: FloatArray) -> FloatArray:
        """Votes by true label, shape (k, w * k)."""
        size = self.votes.n_reviewers * self.votes.n_labels
        weights = (row[self.votes.tasks] for row in posterior)
        return np.stack([np.bincount(self.cells, weight, size) for weight in weights])

    def result(
        self,
        parameters: _Parameters,
        posterior: FloatArray,
        densities: list[float],
        converged: bool,
    ) -> Fit:
        """Turn the axes to those of the public classes."""
        shape = (self.votes.n_labels, self.votes.n_reviewers, self.votes.n_labels)
        confusion = parameters.log_confusion.reshape(shape).transpose(1, 2, 0)
        expected = self.expected_votes(posterior).reshape(shape).transpose(1, 2, 0)
        return Fit(
            model=DawidSkene(parameters.log_prior, np.ascontiguousarray(confusion)),
            posterior=np.ascontiguousarray(posterior.T),
            expected_votes=np.ascontiguousarray(expected),
            log_density=np.asarray(densities),
            converged=converged,
        )


def _known(gold: ArrayLike | None, votes: Votes) -> IntArray:
    """The gold labels, `UNKNOWN` everywhere if there are none."""
    if gold is None:
        return np.full(votes.n_tasks, UNKNOWN)
    out = np.asarray(gold, dtype=np.int64)
    if out.shape != (votes.n_tasks,) or ((out < UNKNOWN) | (out >= votes.n_labels)).any():
        raise ValueError("gold must be one label a task, -1 where none is known")
    return out
