"""What is known of reviewers, by their names."""

import numpy as np
import pytest

from bench.science.crowds import Crowd
from services.review_queue.consensus.reliability import Reliability, TaskVote, learn
from services.review_queue.consensus.tempering import CAUTIOUS
from services.review_queue.consensus.votes import FloatArray

LABELS = ("cat", "dog", "other")
CROWD = Crowd(np.array([0.95, 0.85, 0.75, 0.45]), 3)


def cast(tasks: int, per_task: int, seed: int) -> tuple[list[TaskVote], dict[str, str]]:
    """Named votes, and the true label of every task."""
    votes, truth = CROWD.vote(tasks, per_task, np.random.default_rng(seed))
    rows = zip(votes.tasks, votes.reviewers, votes.labels, strict=True)
    named = [(f"t{task}", f"r{reviewer}", LABELS[label]) for task, reviewer, label in rows]
    return named, {f"t{task}": LABELS[label] for task, label in enumerate(truth)}


def some(gold: dict[str, str], n: int) -> dict[str, str]:
    return dict(list(gold.items())[:n])


def confusion(known: Reliability, reviewer: str) -> FloatArray:
    """P(given label | true label), shape (k, k), true label first."""
    log_confusion = known.model.log_confusion[:, known.reviewers.index(reviewer)]
    return np.asarray(np.exp(log_confusion), dtype=np.float64)


def assert_equal(one: Reliability, other: Reliability) -> None:
    for name in ("labels", "reviewers", "correlation", "gold", "co_labelled"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    for name in ("log_prior", "log_confusion"):
        np.testing.assert_array_equal(getattr(one.model, name), getattr(other.model, name))


def test_reviewer_is_known_well_after_twenty_gold_items() -> None:
    gold = {f"t{n}": "cat" for n in range(20)}
    votes = [(task, "r0", "cat") for task in gold]
    assert learn(votes, gold, LABELS, max_overlap=5).knows_well("r0")
    assert not learn(votes[1:], gold, LABELS, max_overlap=5).knows_well("r0")


def test_reviewer_is_known_well_after_thirty_items_that_others_labelled_too() -> None:
    votes = [(f"t{n}", name, "cat") for n in range(30) for name in ("r0", "r1")]
    alone = [(f"alone {n}", "r2", "cat") for n in range(100)]
    known = learn(votes + alone, {}, LABELS, max_overlap=5)
    assert [known.knows_well(name) for name in ("r0", "r1", "r2")] == [True, True, False]
    assert not learn(votes[1:], {}, LABELS, max_overlap=5).knows_well("r1")


def test_stranger_is_not_known() -> None:
    votes, gold = cast(100, 3, 1)
    known = learn(votes, gold, LABELS, max_overlap=5)
    assert not known.knows_well("stranger")
    assert known.posterior([("r0", "cat"), ("stranger", "cat")]) is None


def test_confusion_is_by_true_label_first() -> None:
    gold = {f"t{n}": "cat" for n in range(200)}
    votes = [(task, "r0", "dog") for task in gold]
    found = confusion(learn(votes, gold, LABELS, max_overlap=5), "r0")
    assert found[0, 1] > 0.9
    np.testing.assert_allclose(found.sum(axis=1), 1)


def test_posterior_follows_the_better_reviewer() -> None:
    votes, gold = cast(500, 2, 2)
    known = learn(votes, some(gold, 100), LABELS, max_overlap=5)
    found = known.posterior([("r0", "cat"), ("r3", "dog")])
    assert found is not None
    assert list(found) == list(LABELS)
    assert sum(found.values()) == pytest.approx(1)
    assert found["cat"] > 0.7


def test_votes_are_believed_cautiously_without_gold() -> None:
    votes, _ = cast(200, 3, 3)
    assert learn(votes, {}, LABELS, max_overlap=5).correlation == CAUTIOUS


def test_order_of_the_votes_does_not_matter() -> None:
    votes, gold = cast(100, 3, 4)
    forth = learn(votes, some(gold, 40), LABELS, max_overlap=5)
    back = learn(votes[::-1], some(gold, 40), LABELS, max_overlap=5)
    assert_equal(forth, back)


def test_learning_on_keeps_reviewers_who_have_gone_and_takes_in_new_ones() -> None:
    first, gold = cast(200, 3, 6)
    known = learn(first, some(gold, 40), LABELS, max_overlap=5)
    second = [("u", "r1", "cat"), ("u", "newcomer", "cat")]
    later = learn(second, {}, LABELS, max_overlap=5, start=known)
    assert set(later.reviewers) == {"r0", "r1", "r2", "r3", "newcomer"}
    assert later.co_labelled.sum() == 2


def test_learning_on_finds_what_learning_anew_finds() -> None:
    votes, gold = cast(600, 3, 7)
    start = learn(votes[:1500], some(gold, 40), LABELS, max_overlap=5)
    warm = learn(votes, some(gold, 40), LABELS, max_overlap=5, start=start)
    cold = learn(votes, some(gold, 40), LABELS, max_overlap=5)
    for name in cold.reviewers:
        np.testing.assert_allclose(confusion(warm, name), confusion(cold, name), atol=0.01)


def test_votes_for_labels_that_are_gone_are_passed_over() -> None:
    votes, gold = cast(100, 3, 8)
    gone = [(f"x{n}", "r0", "gone") for n in range(50)]
    known = learn(votes + gone, {"x0": "gone"} | some(gold, 40), LABELS, max_overlap=5)
    assert_equal(known, learn(votes, some(gold, 40), LABELS, max_overlap=5))


def test_start_with_other_labels_is_not_used() -> None:
    votes, gold = cast(100, 3, 9)
    other = learn([("t0", "r9", "a")], {}, ("a", "b"), max_overlap=5)
    assert "r9" not in learn(votes, gold, LABELS, max_overlap=5, start=other).reviewers
