"""What changed between two snapshots (pure)."""

from collections import Counter
from collections.abc import AsyncIterator

from services.trainer.datasets.messages import ChangeKind, DatasetChange, DatasetDiff
from services.trainer.datasets.snapshot import LabelledItem

CHANGES_SHOWN = 1_000

Rows = AsyncIterator[LabelledItem]


async def compare(before: tuple[str, Rows], after: tuple[str, Rows]) -> DatasetDiff:
    """Return what `after` has and has not that `before` has.

    Each is an id with its rows by item id, which are read side by side: two rows and the changes
    that are shown are in memory.
    """
    (before_id, before_rows), (after_id, after_rows) = before, after
    counts: Counter[ChangeKind] = Counter()
    changes: list[DatasetChange] = []
    async for item_id, was, now in _side_by_side(before_rows, after_rows):
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


async def _side_by_side(
    before: Rows, after: Rows
) -> AsyncIterator[tuple[str, str | None, str | None]]:
    """Give each item of either with its labels, None where it is missing."""
    old, new = await anext(before, None), await anext(after, None)
    while old is not None or new is not None:
        item_id = min(row.item_id for row in (old, new) if row is not None)
        was = now = None
        if old is not None and old.item_id == item_id:
            was, old = old.label, await anext(before, None)
        if new is not None and new.item_id == item_id:
            now, new = new.label, await anext(after, None)
        yield item_id, was, now
