"""How a snapshot is split into folds, and what its record says of how it was made (pure)."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import numpy as np

from services.trainer.datasets.messages import DatasetPolicy
from services.trainer.datasets.snapshot import WEIGHT_CAP, LabelledItem
from services.trainer.recipes.crossfit import FOLDS, assign_folds, content_keys
from services.trainer.recipes.recipe import RecipeRefused
from shared.contracts.projects import Project

LABELS = (
    "the latest outcome of each item that people decided; labels of the model, of expired tasks "
    "and of open certifications, the gold fold and the hold-out of traffic train nothing"
)


def policy_of(mode: str, change: datetime | None, items: Sequence[LabelledItem]) -> DatasetPolicy:
    """Say how the labels were chosen, weighed and split."""
    equally = mode == "initial"
    revisions = Counter(str(item.instructions_revision or "unknown") for item in items)
    return DatasetPolicy(
        mode=mode,
        labels=LABELS,
        weights="all equal" if equally else "1 / propensity, capped, mean 1",
        weight_cap=None if equally else WEIGHT_CAP,
        folds=FOLDS if any(item.fold is not None for item in items) else None,
        lanes=dict(sorted(Counter(item.lane for item in items).items())),
        sources=dict(sorted(Counter(item.source or "unknown" for item in items).items())),
        instructions=dict(sorted(revisions.items())),
        changed_at=change,
        new_items=None if change is None else sum(item.is_new is True for item in items),
    )


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
