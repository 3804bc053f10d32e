"""Our Dawid-Skene is as right as crowd-kit's on the same votes."""

from dataclasses import replace

import numpy as np
import pytest

from bench.science.crowd_kit import crowd_kit_labels
from bench.science.crowds import Crowd, anaesthetists, mixed_crowd
from services.review_queue.consensus.dawid_skene import fit
from services.review_queue.consensus.votes import Pseudocounts, Votes

pytestmark = pytest.mark.thorough

CROWDS = {
    "clear items, three votes": (mixed_crowd(), 3),
    "subjective items": (mixed_crowd(misled=0.4), 5),
}
MORE_CROWDS = {
    "clear items, seven votes": (mixed_crowd(), 7),
    "two labels, two votes": (replace(mixed_crowd(), n_labels=2), 2),
    "many labels": (replace(mixed_crowd(), n_labels=12), 4),
}


@pytest.mark.parametrize(
    ("crowd", "per_task"),
    [pytest.param(*crowd, id=name) for name, crowd in CROWDS.items()]
    + [
        pytest.param(*crowd, id=name, marks=pytest.mark.thorough)
        for name, crowd in MORE_CROWDS.items()
    ],
)
def test_labels_are_right_within_half_a_point_of_crowd_kit(crowd: Crowd, per_task: int) -> None:
    votes, truth = crowd.vote(1_000, per_task, np.random.default_rng(1))
    theirs = (crowd_kit_labels(votes) == truth).mean()
    ours = (fit(votes).posterior.argmax(axis=1) == truth).mean()
    assert ours >= theirs - 0.005


def test_without_a_prior_the_published_example_gets_the_labels_of_crowd_kit() -> None:
    every = anaesthetists()
    once = np.arange(len(every)) % 7 >= 2
    votes = Votes(every.tasks[once], every.reviewers[once], every.labels[once], 45, 5, 4)
    flat = Pseudocounts(1e-9, 1e-9, 1e-9)
    ours = fit(votes, pseudocounts=flat, max_iterations=2_000, tolerance=1e-9)
    np.testing.assert_array_equal(ours.posterior.argmax(axis=1), crowd_kit_labels(votes))
