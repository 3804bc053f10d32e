"""The fold of each label of a snapshot, for cross-validation and calibration (pure)."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from services.trainer.datasets.snapshot import LabelledItem
from services.trainer.recipes.crossfit import FOLDS, assign_folds, content_keys
from services.trainer.recipes.recipe import RecipeRefused
from shared.contracts.projects import Project


def with_folds(items: Sequence[LabelledItem], project: Project) -> list[LabelledItem]:
    """Give each item its fold: the same labels and fields have the same folds, in any order.

    Items of the same content share one. With too few labels, which no recipe takes, there is none.
    """
    ordered = sorted(items, key=lambda item: item.item_id)
    keys = content_keys([item.data for item in ordered], list(project.fields))
    place = {label: at for at, label in enumerate(project.labels)}
    targets = np.array([place[item.label] for item in ordered], dtype=np.int64)
    try:
        folds = assign_folds(keys, targets, folds=FOLDS, seed=0).tolist()
    except RecipeRefused:
        return ordered
    return [replace(item, fold=fold) for item, fold in zip(ordered, folds, strict=True)]
