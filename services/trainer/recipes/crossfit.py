"""Folds for cross-fitting: a row and its twin share one."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from services.trainer.recipes.recipe import IntArray, RecipeRefused, TrainingData

FOLDS = 5

_MINIMUM_ROWS_A_FOLD = 2


def content_keys(rows: Sequence[Mapping[str, Any]], fields: Sequence[str]) -> list[tuple[str, ...]]:
    """Key of each row; rows whose texts differ only in case or white space share one."""
    return [tuple(_key(row.get(field)) for field in fields) for row in rows]


def _key(value: Any) -> str:
    # Pictures are texts too, and case matters in them: but no two differ in it alone.
    return " ".join(value.casefold().split()) if isinstance(value, str) else repr(value)


def assign_folds(
    keys: Sequence[tuple[str, ...]], targets: IntArray, *, folds: int, seed: int
) -> IntArray:
    """Stratified folds in which rows of the same content stay together.

    Distinct contents are shuffled within their label (that of their first row) and dealt out in
    turn, label after label, so fold sizes and label shares differ by one content at most.

    Returns
    -------
    shape (n,), in 0..folds-1; the same keys, targets and seed give the same folds.

    Raises
    ------
    RecipeRefused
        Fewer than 2·folds distinct contents, or fewer than two labels with two of them.
    """
    if folds < 2:
        raise ValueError("cross-fitting needs at least 2 folds")
    label_of: dict[tuple[str, ...], int] = {}
    for key, target in zip(keys, targets.tolist(), strict=True):
        label_of.setdefault(key, target)
    repeated = sum(count >= 2 for count in Counter(label_of.values()).values())
    if len(label_of) < _MINIMUM_ROWS_A_FOLD * folds or repeated < 2:
        raise RecipeRefused(
            f"training needs at least {_MINIMUM_ROWS_A_FOLD * folds} different labelled items and "
            f"two labels with two items each; there are {len(label_of)} items and {repeated} such "
            "labels"
        )
    contents = list(label_of)
    shuffled = np.random.default_rng(seed).permutation(len(contents))
    by_label = sorted(shuffled.tolist(), key=lambda i: label_of[contents[i]])
    fold_of = {contents[i]: position % folds for position, i in enumerate(by_label)}
    return np.array([fold_of[key] for key in keys], dtype=np.int64)


def folds_for(data: TrainingData, keys: Sequence[tuple[str, ...]], *, seed: int) -> IntArray:
    """Folds of a recipe's rows: those of the snapshot, where there are any.

    Rows that are alike in the fields of the recipe, and not in others, share the fold of the first
    of them. New folds are assigned where the rows have none, or are too few of the snapshot's to
    have some of each fold.

    Parameters
    ----------
    keys : n keys of the rows' contents, by the fields of the recipe (`content_keys`)

    Raises
    ------
    RecipeRefused
        As of `assign_folds`.
    """
    assigned = assign_folds(keys, data.targets, folds=FOLDS, seed=seed)
    if data.folds is None:
        return assigned
    first: dict[tuple[str, ...], int] = {}
    given = [first.setdefault(k, int(f)) for k, f in zip(keys, data.folds, strict=True)]
    return np.array(given, dtype=np.int64) if set(given) == set(range(FOLDS)) else assigned
