"""What changed between two snapshots (pure)."""

from collections import Counter
from collections.abc import Sequence

from services.trainer.datasets.messages import ChangeKind, DatasetChange, DatasetDiff
from services.trainer.datasets.snapshot import LabelledItem

CHANGES_SHOWN = 1_000


def compare(
    before: tuple[str, Sequence[LabelledItem]], after: tuple[str, Sequence[LabelledItem]]
) -> DatasetDiff:
    """Return what `after` has and has not that `before` has; each is an id with its rows."""
    (before_id, before_rows), (after_id, after_rows) = before, after
    old = {row.item_id: row.label for row in before_rows}
    new = {row.item_id: row.label for row in after_rows}
    counts: Counter[ChangeKind] = Counter()
    changes: list[DatasetChange] = []
    for item_id in sorted(old.keys() | new.keys()):
        was, now = old.get(item_id), new.get(item_id)
        if was == now:
            continue
        kind: ChangeKind = "added" if was is None else "removed" if now is None else "relabelled"
        counts[kind] += 1
        if len(changes) < CHANGES_SHOWN:
            changes.append(DatasetChange(item_id=item_id, change=kind, before=was, after=now))
    return DatasetDiff(
        dataset_id=after_id,
        against=before_id,
        added=counts["added"],
        removed=counts["removed"],
        relabelled=counts["relabelled"],
        changes=changes,
    )
