"""Reviewers who disagree with a model more than others: named when bad, seldom when not."""

import numpy as np
import pytest

from services.review_queue.quality.suspects.doubted_reviewers import FEWEST_LABELS, find_doubted


def crowd(
    rng: np.random.Generator, accuracies: list[float], labels: list[int], *, classes: int = 2
) -> list[tuple[int, int, float]]:
    """Who gave each label, how far it is the model's, and the model's confidence."""
    who = np.repeat(np.arange(len(labels)), labels)
    confidence = rng.uniform(0.6, 1.0, len(who))
    model_right = rng.random(len(who)) < confidence
    right = rng.random(len(who)) < np.asarray(accuracies)[who]
    same_error = rng.random(len(who)) < 1 / (classes - 1)
    agrees = (right & model_right) | (~right & ~model_right & same_error)
    return list(zip(who.tolist(), agrees.tolist(), confidence.tolist(), strict=True))


def named(rows: list[tuple[int, int, float]]) -> list[int]:
    who, agrees, confidence = (np.array(column) for column in zip(*rows, strict=True))
    return [one.reviewer for one in find_doubted(who, agrees.astype(bool), confidence)]


@pytest.mark.parametrize("classes", [2, 5])
def test_a_reviewer_who_is_40_percent_right_over_30_labels_is_named(classes: int) -> None:
    rng = np.random.default_rng(classes)
    found = [
        named(crowd(rng, [0.95, 0.4, 0.92], [120, 30, 120], classes=classes)) for _ in range(200)
    ]
    assert sum(1 in names for names in found) >= (170 if classes == 2 else 190)


def test_reviewers_who_are_alike_are_named_in_few_projects() -> None:
    rng = np.random.default_rng(0)
    found = [named(crowd(rng, [0.9] * 5, [20, 30, 60, 120, 300])) for _ in range(600)]
    # At most 5 % of projects, and three standard errors.
    assert sum(map(bool, found)) <= 600 * 0.05 + 3 * (600 * 0.05 * 0.95) ** 0.5


def test_hard_items_do_not_make_a_reviewer_doubted() -> None:
    rng = np.random.default_rng(1)
    confidence = np.concatenate([rng.uniform(0.5, 0.6, 200), rng.uniform(0.9, 1.0, 200)])
    agrees = rng.random(400) < confidence
    # One reviewer has mostly the hard ones, the other mostly the easy ones.
    who = (rng.random(400) < np.where(confidence < 0.7, 0.8, 0.2)).astype(np.int64)
    assert find_doubted(who, agrees, confidence) == []


def test_few_labels_and_lone_reviewers_are_not_compared() -> None:
    few = FEWEST_LABELS - 1
    who = np.repeat([0, 1], [few, 200])
    assert find_doubted(who, who == 1, np.full(len(who), 0.9)) == []
    assert find_doubted(np.zeros(50, dtype=np.int64), np.zeros(50, dtype=bool), np.ones(50)) == []
    assert find_doubted(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=bool), np.zeros(0)) == []
