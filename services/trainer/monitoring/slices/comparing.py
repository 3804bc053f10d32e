"""Compare a version with the one before it, slice by slice, on the same judged items.

Before: the earlier version's decisions on traffic that it had not learned from. After: the new
version's out-of-fold answers to the same items.
"""

import asyncio
from collections.abc import Sequence

import numpy as np

from services.trainer.monitoring.slices import repository
from services.trainer.monitoring.slices.finding import (
    BoolArray,
    LabelledItems,
    Rate,
    compare_groups,
    find_slices,
)
from services.trainer.monitoring.slices.gathering import evidence_of
from services.trainer.monitoring.slices.messages import SliceChange, SliceChanges
from services.trainer.monitoring.slices.repository import Judged
from services.trainer.registry.service import require
from services.trainer.resources import Resources
from shared.contracts.projects import Project

_READ = 10_000


async def compare(resources: Resources, project: Project, name: str) -> SliceChanges:
    """Return the error rates of a version and of its parent, over all and by slice.

    `NotFound`: there is no such version.
    """
    async with resources.database.reading() as session:
        version = await require(session, project.project, name)
    parent, judged = version.manifest.get("parent"), list[Judged]()
    pairs = zip(version.tune["item_ids"], version.tune["correct"], strict=True)
    right = {item_id: bool(correct) for item_id, correct in pairs}
    async with resources.slicing:
        if parent is not None:
            async with resources.database.reading() as session:
                judged = await repository.judged(session, project.project, parent, _READ)
        return await asyncio.to_thread(_changes, project, name, parent, judged, right)


def _changes(
    project: Project,
    version: str,
    parent: str | None,
    judged: Sequence[Judged],
    right: dict[str, bool],
) -> SliceChanges:
    evidence, rows = evidence_of(project, judged)
    is_known = np.array([one.item_id in right for one in rows], dtype=bool)
    after = np.array([not right.get(one.item_id, True) for one in rows], dtype=bool)
    if not is_known.any():
        return SliceChanges(
            version=version,
            parent=parent,
            sentence=f"No item shows both {version} and the version before it: the earlier one has "
            "decided none of the items that trained the new one and that people judged blind.",
        )
    changes = [_change("all items", evidence, is_known, after, is_slice=False)]
    for one in find_slices(evidence).slices:
        # Of the half on which it was found, the rate before would look too high.
        members = one.members & evidence.confirming & is_known
        changes.append(_change(one.words, evidence, members, after, is_slice=True))
    for group in compare_groups(evidence, project.metadata):
        members = evidence.holds[:, evidence.predicates.index(group.predicate)] & is_known
        words = " is ".join(group.predicate)
        changes.append(_change(words, evidence, members, after, is_slice=False))
    changes = [one for one in changes if one.items]
    overall = changes[0]
    return SliceChanges(
        version=version,
        parent=parent,
        sentence=f"On {overall.items} items {parent} was wrong in {overall.before:.1%}, and "
        f"{version} in {overall.after:.1%}.",
        changes=changes,
    )


def _change(
    words: str, evidence: LabelledItems, members: BoolArray, after: BoolArray, *, is_slice: bool
) -> SliceChange:
    weights = evidence.weights[members]
    before, now = Rate.of(evidence.wrong[members], weights), Rate.of(after[members], weights)
    return SliceChange(
        words=words,
        is_slice=is_slice,
        items=before.items,
        before=before.rate,
        before_interval=before.interval,
        after=now.rate,
        after_interval=now.interval,
    )
