"""Simulated crowds, the published one of Dawid and Skene, and how calibrated posteriors are."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from services.review_queue.consensus.votes import Votes

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

# Table 1 of Dawid and Skene, 1979: 45 patients; the first observer judged each of them three
# times, observers 2 to 5 once; labels 1 to 4.
ANAESTHETISTS = """
1111111 3334334 1122122 2223121 2223222 2223322 1222111 3333433 2222223 2322223 4444444 2223343
1111111 2223212 1211111 1112111 1111111 1111111 2222221 2221322 2222222 2222221 2223222 2212222
1111111 1111111 2322222 1111111 1111111 1121121 1111111 3333233 1111111 2222222 2223232 4334343
2212232 2323233 3333432 1111111 1111111 1212111 2322222 1211111 2222222
"""


def anaesthetists() -> Votes:
    """The 315 published votes: five observers, four labels."""
    labels = np.array([[int(digit) - 1 for digit in patient] for patient in ANAESTHETISTS.split()])
    observers = np.tile([0, 0, 0, 1, 2, 3, 4], len(labels))
    return Votes(np.repeat(np.arange(len(labels)), 7), observers, labels.ravel(), 45, 5, 4)


@dataclass(frozen=True)
class Crowd:
    """Reviewers by their accuracy; wrong votes fall on the other labels alike.

    Items mislead as subjective ones do: each has a wrong label of its own, and a share of the votes
    that falls on the truth or on that label by even chance, whoever votes. The share is Beta
    distributed with mean `misled`, and often near 0 or 1.
    """

    accuracy: FloatArray
    n_labels: int
    misled: float = 0.0

    def vote(self, n_tasks: int, per_task: int, rng: np.random.Generator) -> tuple[Votes, IntArray]:
        """Votes of `per_task` distinct random reviewers on each task in turn, and the truth."""
        n, k = len(self.accuracy), self.n_labels
        truth = rng.integers(k, size=n_tasks)
        decoy = (truth + rng.integers(1, k, size=n_tasks)) % k
        share = rng.beta(self.misled, 1 - self.misled, n_tasks) if self.misled else 0.0 * truth
        reviewers = rng.random((n_tasks, n)).argsort(axis=1)[:, :per_task].ravel()
        tasks = np.repeat(np.arange(n_tasks), per_task)
        wrong = (truth[tasks] + rng.integers(1, k, size=len(tasks))) % k
        right = rng.random(len(tasks)) < self.accuracy[reviewers]
        labels = np.where(right, truth[tasks], wrong)
        even = np.where(rng.random(len(tasks)) < 0.5, truth[tasks], decoy[tasks])
        labels = np.where(rng.random(len(tasks)) < share[tasks], even, labels)
        return Votes(tasks, reviewers, labels, n_tasks, n, k), truth


def mixed_crowd(misled: float = 0.0) -> Crowd:
    """25 reviewers and 4 labels: three are right 45 % of the time, the others 70 to 97 %."""
    return Crowd(np.concatenate([np.full(3, 0.45), np.linspace(0.70, 0.97, 22)]), 4, misled)


def expected_calibration_error(confidence: FloatArray, correct: BoolArray, bins: int = 15) -> float:
    """Average gap between confidence and accuracy over bins of as many items each.

    References
    ----------
    Naeini, Cooper, Hauskrecht, AAAI 2015.
    """
    order = np.argsort(confidence, kind="stable")
    parts = zip(
        np.array_split(confidence[order], bins), np.array_split(correct[order], bins), strict=True
    )
    gaps = [abs(sure.mean() - right.mean()) * len(sure) for sure, right in parts if len(sure)]
    return float(sum(gaps) / len(confidence))


def temper(log_prior: FloatArray, log_likelihood: FloatArray, exponent: ArrayLike) -> FloatArray:
    """Posteriors, shape (n, k), of items by the logarithm of their votes' likelihood.

    `exponent` is one number, or one an item.
    """
    joint = log_prior + np.reshape(exponent, (-1, 1)) * log_likelihood
    joint -= joint.max(axis=1, keepdims=True)
    out = np.exp(joint)
    return np.asarray(out / out.sum(axis=1, keepdims=True), dtype=np.float64)
