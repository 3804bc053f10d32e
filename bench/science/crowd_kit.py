"""Dawid-Skene by crowd-kit: the oracle of the tests, and beside our own in time."""

import time
import warnings

import numpy as np
import pandas as pd
from crowdkit.aggregation import DawidSkene
from numpy.typing import NDArray

from bench.science.crowds import mixed_crowd
from services.review_queue.consensus.dawid_skene import fit
from services.review_queue.consensus.votes import Votes

IntArray = NDArray[np.int64]

REPEATS = 5


def crowd_kit_labels(votes: Votes) -> IntArray:
    """The label that crowd-kit gives each task, shape (t,); every task needs a vote."""
    frame = pd.DataFrame({"task": votes.tasks, "worker": votes.reviewers, "label": votes.labels})
    with warnings.catch_warnings():
        # It calls what pandas will take away.
        warnings.simplefilter("ignore")
        found = DawidSkene(n_iter=100).fit_predict(frame)
    return np.asarray(found.reindex(range(votes.n_tasks)), dtype=np.int64)


def speed_table(tasks: int, seed: int) -> None:
    """Print accuracy and time of both on the same votes, the best time of five."""
    print("\ntasks  votes  labels     own right   time   crowd-kit right   time   ratio")
    for n_tasks, per_task, misled in ((tasks, 3, 0.0), (tasks, 7, 0.4), (10 * tasks, 3, 0.4)):
        crowd = mixed_crowd(misled)
        votes, truth = crowd.vote(n_tasks, per_task, np.random.default_rng(seed))
        own, theirs = [], []
        for _ in range(REPEATS):
            started = time.perf_counter()
            ours = fit(votes).posterior.argmax(axis=1)
            between = time.perf_counter()
            labels = crowd_kit_labels(votes)
            own.append(between - started)
            theirs.append(time.perf_counter() - between)
        print(
            f"{n_tasks:5} {len(votes):6} {crowd.n_labels:7} {(ours == truth).mean():12.2%} "
            f"{min(own) * 1e3:6.1f} ms {(labels == truth).mean():13.2%} "
            f"{min(theirs) * 1e3:6.0f} ms {min(theirs) / min(own):6.0f}x",
            flush=True,
        )
