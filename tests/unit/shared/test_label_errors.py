"""Confident learning: what it names, and that it finds what was spoilt on purpose."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from shared.label_errors import confident_thresholds, find_suspects


def test_threshold_of_a_class_is_the_mean_of_its_own_probability() -> None:
    probabilities = np.array([[0.8, 0.2, 0.0], [0.6, 0.4, 0.0], [0.1, 0.9, 0.0]])
    thresholds = confident_thresholds(np.array([0, 0, 1]), probabilities)
    assert thresholds.tolist() == pytest.approx([0.7, 0.9, np.inf])


def test_label_against_a_confident_model_is_a_suspect_and_a_shy_model_accuses_nobody() -> None:
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.05, 0.95], [0.9, 0.1], [0.6, 0.4]])
    found = find_suspects(np.array([0, 0, 1, 1, 1]), probabilities)
    assert found.row.tolist() == [3]
    assert found.suspected.tolist() == [0]
    assert found.margin.tolist() == pytest.approx([0.8])


def test_over_confidence_in_one_class_does_not_flood_the_list() -> None:
    # The model gives class 0 some 0.6 also where people and it agree on 1: not unusual for it.
    ones = np.tile([[0.6, 0.4]], (50, 1))
    zeros = np.tile([[0.95, 0.05]], (50, 1))
    given = np.array([1] * 50 + [0] * 50)
    assert find_suspects(given, np.concatenate([ones, zeros])).row.size == 0


def test_nothing_at_all_has_no_suspects() -> None:
    assert find_suspects(np.empty(0, dtype=np.int64), np.empty((0, 3))).row.size == 0


@pytest.mark.parametrize(("given_classes", "rows"), [([0, 1], 3), ([2], 1), ([-1], 1)])
def test_rows_that_do_not_match_are_refused(given_classes: list[int], rows: int) -> None:
    with pytest.raises(ValueError, match=r"is needed for each|outside its range"):
        find_suspects(np.array(given_classes), np.full((rows, 2), 0.5))


@given(seed=st.integers(0, 10_000), classes=st.integers(2, 5), rows=st.integers(1, 60))
def test_suspects_are_ordered_and_never_what_the_model_agrees_with(
    seed: int, classes: int, rows: int
) -> None:
    generator = np.random.default_rng(seed)
    probabilities = generator.dirichlet(np.ones(classes), rows)
    given_classes = generator.integers(0, classes, rows)
    found = find_suspects(given_classes, probabilities)
    assert (np.diff(found.margin) <= 0).all()
    assert (found.margin > 0).all()
    assert (found.suspected != given_classes[found.row]).all()
    assert len(set(found.row.tolist())) == found.row.size


def spoilt(seed: int, error_rate: float) -> tuple[NDArray[np.int64], NDArray[np.float64], set[int]]:
    """Labels of 4 classes, some wrong, scores of a calibrated model, and which rows are wrong."""
    generator = np.random.default_rng(seed)
    probabilities = generator.dirichlet([0.05] * 4, 4000)
    truth = (probabilities.cumsum(axis=1) > generator.random((4000, 1))).argmax(axis=1)
    wrong = generator.random(4000) < error_rate
    shift = generator.integers(1, 4, 4000)
    return np.where(wrong, (truth + shift) % 4, truth), probabilities, set(np.flatnonzero(wrong))


@pytest.mark.parametrize("seed", range(3))
def test_most_suspects_are_really_wrong_and_the_first_ones_nearly_all(seed: int) -> None:
    given_classes, probabilities, wrong = spoilt(seed, 0.08)
    found = find_suspects(given_classes, probabilities).row.tolist()
    # The published share of suspects that are wrong is one half (Northcutt et al., 2021).
    assert len(wrong & set(found)) / len(found) > 0.5
    assert len(wrong & set(found)) / len(wrong) > 0.7
    assert len(wrong & set(found[:100])) >= 90
