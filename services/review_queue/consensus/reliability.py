"""Reliability: what a project's verdicts say about its reviewers, by their names (pure)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from services.review_queue.consensus.dawid_skene import DawidSkene, fit
from services.review_queue.consensus.tempering import exponent_of, vote_correlation
from services.review_queue.consensus.votes import UNKNOWN, IntArray, Votes

# A reviewer and a label.
Vote = tuple[str, str]
# A task, a reviewer and a label.
TaskVote = tuple[str, str, str]

# Gold items, or items that others labelled too, from which on a reviewer is known well.
ENOUGH_GOLD = 20
ENOUGH_CO_LABELLED = 30


@dataclass(frozen=True)
class Reliability:
    """A fitted model, how far votes go together, and how much stands behind each reviewer.

    Attributes
    ----------
    labels, reviewers : k and w names
        In the order of the model's axes.
    model
        Shares of the labels, and the reviewers' confusion matrices.
    correlation : in [0, 1]
        How far the votes on one item go together beyond their label; tempers their likelihood.
    gold, co_labelled : shape (w,)
        How many items of known label each reviewer has answered, and how many that another
        reviewer has answered too.
    """

    labels: tuple[str, ...]
    reviewers: tuple[str, ...]
    model: DawidSkene
    correlation: float
    gold: IntArray
    co_labelled: IntArray
    _label_index: dict[str, int] = field(init=False, repr=False, compare=False)
    _reviewer_index: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_label_index", _numbered(self.labels))
        object.__setattr__(self, "_reviewer_index", _numbered(self.reviewers))

    def knows_well(self, reviewer: str) -> bool:
        """Whether enough gold or co-labelled items tell how `reviewer` errs."""
        at = self._reviewer_index.get(reviewer)
        return at is not None and bool(
            self.gold[at] >= ENOUGH_GOLD or self.co_labelled[at] >= ENOUGH_CO_LABELLED
        )

    def posterior(self, votes: Iterable[Vote]) -> dict[str, float] | None:
        """Tempered probability of each label for a task, whatever the order of its votes.

        None if a reviewer is not known well, or a label not at all: the model says nothing then.
        """
        # Sums of floats depend on their order.
        given = sorted(votes)
        if not all(self.knows_well(reviewer) for reviewer, _ in given):
            return None
        if not all(label in self._label_index for _, label in given):
            return None
        probabilities = self.model.posterior(
            [self._reviewer_index[reviewer] for reviewer, _ in given],
            [self._label_index[label] for _, label in given],
            float(exponent_of(len(given), self.correlation)),
        )
        return dict(zip(self.labels, probabilities.tolist(), strict=True))


def learn(
    votes: Iterable[TaskVote],
    gold: Mapping[str, str],
    labels: Sequence[str],
    *,
    max_overlap: int,
    start: Reliability | None = None,
) -> Reliability:
    """Learn about all reviewers from their verdicts, those on gold items included.

    Parameters
    ----------
    votes
        Task, reviewer and label of each verdict that stands, once for each task and reviewer, in
        any order. Those with a label that is no longer the project's are passed over.
    gold
        The label of each task whose label is known.
    labels : at least two, distinct
    max_overlap : at least 1
        The most verdicts that a task gets; tempering is fitted for that.
    start
        What was known before, to be quicker; passed over if its labels are not these.

    Raises
    ------
    ValueError
        Fewer than two labels, or more tasks, reviewers or labels than a dense model holds.
    """
    label_at = _numbered(labels)
    rows = sorted(vote for vote in votes if vote[2] in label_at)
    start = start if start is not None and start.labels == tuple(labels) else None
    reviewers = _numbered(() if start is None else start.reviewers, (r for _, r, _ in rows))
    tasks = _numbered(task for task, _, _ in rows)
    arrays = _arrays(rows, tasks, reviewers, label_at)
    known = np.array([label_at.get(gold.get(task, ""), UNKNOWN) for task in tasks], np.int64)
    fitted = fit(arrays, known, start=None if start is None else start.model)
    correlation = vote_correlation(arrays, known, fitted, most_votes=max(2, max_overlap))
    several = np.bincount(arrays.tasks, minlength=len(tasks)) >= 2
    answered = _votes_on(known != UNKNOWN, arrays), _votes_on(several, arrays)
    return Reliability(tuple(labels), tuple(reviewers), fitted.model, correlation, *answered)


def _arrays(
    rows: Sequence[TaskVote],
    tasks: Mapping[str, int],
    reviewers: Mapping[str, int],
    labels: Mapping[str, int],
) -> Votes:
    return Votes(
        np.array([tasks[task] for task, _, _ in rows], dtype=np.int64),
        np.array([reviewers[reviewer] for _, reviewer, _ in rows], dtype=np.int64),
        np.array([labels[label] for _, _, label in rows], dtype=np.int64),
        n_tasks=len(tasks),
        n_reviewers=len(reviewers),
        n_labels=len(labels),
    )


def _votes_on(chosen: NDArray[np.bool_], votes: Votes) -> IntArray:
    """How many votes each reviewer has on the chosen tasks, shape (w,)."""
    reviewers = votes.reviewers[chosen[votes.tasks]]
    return np.bincount(reviewers, minlength=votes.n_reviewers)


def _numbered(*names: Iterable[str]) -> dict[str, int]:
    """Number distinct names in the order in which they come."""
    return {name: number for number, name in enumerate(dict.fromkeys(chain(*names)))}
