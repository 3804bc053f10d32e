"""What a snapshot's record says of how it was made (pure)."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from services.trainer.datasets.messages import DatasetPolicy
from services.trainer.datasets.snapshot import WEIGHT_CAP, LabelledItem
from services.trainer.recipes.crossfit import FOLDS

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
