"""Folds: stratified, deterministic, and twins stay together."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.trainer.recipes.crossfit import assign_folds, content_keys, folds_for
from services.trainer.recipes.recipe import RecipeRefused, TrainingData


@given(
    labels=st.lists(st.integers(0, 3), min_size=20, max_size=120),
    folds=st.integers(2, 6),
    seed=st.integers(0, 9),
)
def test_folds_differ_by_one_item_in_size_and_in_each_label(
    labels: list[int], folds: int, seed: int
) -> None:
    targets = np.array([0, 0, 1, 1, *labels])
    keys = [(str(i),) for i in range(len(targets))]
    fold_of = assign_folds(keys, targets, folds=folds, seed=seed)
    sizes = np.bincount(fold_of, minlength=folds)
    assert np.ptp(sizes) <= 1
    for label in range(4):
        assert np.ptp(np.bincount(fold_of[targets == label], minlength=folds)) <= 1
    assert (fold_of == assign_folds(keys, targets, folds=folds, seed=seed)).all()


@given(numbers=st.lists(st.integers(0, 30), min_size=40, max_size=120), seed=st.integers(0, 9))
def test_rows_of_the_same_content_share_a_fold(numbers: list[int], seed: int) -> None:
    numbers = [*range(20), *numbers]
    keys = [(str(number),) for number in numbers]
    fold_of = assign_folds(keys, np.arange(len(keys)) % 2, folds=5, seed=seed)
    for number in set(numbers):
        assert len(set(fold_of[np.array(numbers) == number])) == 1


def test_case_and_white_space_make_no_new_content() -> None:
    rows = [{"a": "Great  day", "b": "x"}, {"a": "great day\n", "b": "X"}, {"a": "great", "b": "x"}]
    first, second, third = content_keys(rows, ["a", "b"])
    assert first == second != third


def test_too_few_contents_or_labels_are_refused() -> None:
    keys = [(str(i),) for i in range(10)]
    targets = np.arange(10) % 2
    assert len(set(assign_folds(keys, targets, folds=5, seed=0))) == 5
    with pytest.raises(RecipeRefused, match="at least 10 different"):
        assign_folds(keys[:9], targets[:9], folds=5, seed=0)
    with pytest.raises(RecipeRefused, match="two labels"):
        assign_folds(keys, np.array([0] * 9 + [1]), folds=5, seed=0)
    with pytest.raises(ValueError, match="2 folds"):
        assign_folds(keys, targets, folds=1, seed=0)


def _data(texts: list[str], folds: list[int] | None) -> TrainingData:
    return TrainingData(
        rows=[{"text": text} for text in texts],
        labels=["ab"[place % 2] for place in range(len(texts))],
        weights=np.ones(len(texts)),
        fields=["text"],
        classes=["a", "b"],
        folds=None if folds is None else np.array(folds),
    )


def test_a_recipe_uses_the_folds_of_the_snapshot() -> None:
    texts = [str(place) for place in range(20)]
    given = [place // 4 for place in range(20)]
    keys = [(text,) for text in texts]
    assert folds_for(_data(texts, given), keys, seed=0).tolist() == given
    # Alike in the recipe's field: the copy goes to the fold of the first.
    alike = [*keys[:19], keys[0]]
    assert folds_for(_data(texts, given), alike, seed=0).tolist() == [*given[:19], given[0]]


@pytest.mark.parametrize("folds", [None, [0] * 20])
def test_folds_are_assigned_where_the_snapshot_has_not_all(folds: list[int] | None) -> None:
    texts = [str(place) for place in range(20)]
    found = folds_for(_data(texts, folds), [(text,) for text in texts], seed=0)
    assert np.bincount(found).tolist() == [4] * 5


def test_folds_of_another_number_of_rows_are_refused() -> None:
    with pytest.raises(ValueError, match="folds"):
        _data(["x", "y"], [0])
