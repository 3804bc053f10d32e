"""Two versions side by side, on labels that neither had learned from when it answered."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from services.trainer.gate.tango import PairCounts, difference_interval
from services.trainer.outcomes import repository as outcomes
from services.trainer.promise.figures.messages import (
    Comparison,
    ComparisonChange,
    ComparisonExample,
)
from services.trainer.promise.figures.service import confusion_cells, find_version
from services.trainer.resources import Resources
from services.trainer.tables import Version
from shared.contracts.versions import OutOfFold
from shared.store import out_of_fold_path

_EXAMPLES = 50
_NOTHING_IN_COMMON = (
    "There is no label that both versions answered without having learned from it: one of them was"
    " made elsewhere, or by a recipe that does not tell."
)
_ADVICE = (
    "Each label was answered by models that had not learned from it, but people were asked about"
    " many of them because a model was unsure. Only the gate's evidence decides on a promotion."
)


@dataclass(frozen=True)
class _Answer:
    """A version's answer to an item whose label people gave."""

    label: str
    predicted: str
    confidence: float


async def compare(resources: Resources, project: str, first: str, second: str) -> Comparison:
    """Compare two versions' out-of-fold answers to the items that both have, label and all.

    An item whose label was corrected between the two is left out. Raises `NotFound`: there is no
    such version.
    """
    async with resources.database.reading() as session:
        versions = [await find_version(session, project, name) for name in (first, second)]
    known = [await _answers(resources, project, one.version) for one in versions]
    result = await asyncio.to_thread(_compared, versions, known[0], known[1])
    async with resources.database.reading() as session:
        wanted = [one.item_id for one in result.examples]
        found = {row.item_id: row for row in await outcomes.of_items(session, project, wanted)}
    examples = [
        one.model_copy(update={"data": found[one.item_id].data})
        for one in result.examples
        if one.item_id in found and found[one.item_id].erasure is None
    ]
    return result.model_copy(update={"examples": examples})


async def _answers(resources: Resources, project: str, version: str) -> dict[str, _Answer]:
    document = await resources.store.read_document(out_of_fold_path(project, version), OutOfFold)
    if document is None:
        return {}
    rows = zip(
        document.item_ids, document.labels, document.predicted, document.confidences, strict=True
    )
    return {
        item_id: _Answer(label, predicted, confidence)
        for item_id, label, predicted, confidence in rows
    }


def _compared(
    versions: list[Version], first: Mapping[str, _Answer], second: Mapping[str, _Answer]
) -> Comparison:
    common = sorted(
        item_id
        for item_id in first.keys() & second.keys()
        if first[item_id].label == second[item_id].label
    )
    rows = [(item_id, first[item_id], second[item_id]) for item_id in common]
    right = Counter((a.predicted == a.label, b.predicted == b.label) for _, a, b in rows)
    differing = [row for row in rows if row[1].predicted != row[2].predicted]
    clearest = sorted(differing, key=lambda row: (-row[1].confidence - row[2].confidence, row[0]))
    only_first, only_second = right[True, False], right[False, True]
    counts = PairCounts(len(rows), only_second, only_first)
    lower, upper = difference_interval(counts) if rows else (None, None)
    return Comparison(
        versions=[one.version for one in versions],
        metrics=[one.manifest.get("metrics", {}) for one in versions],
        items=len(rows),
        both_right=right[True, True],
        only_first_right=only_first,
        only_second_right=only_second,
        both_wrong=right[False, False],
        differing=len(differing),
        difference=counts.difference if rows else None,
        lower=lower,
        upper=upper,
        confusion=[
            confusion_cells((known[one].label, known[one].predicted) for one in common)
            for known in (first, second)
        ],
        changes=_changes(differing),
        examples=[_example(*row) for row in clearest[:_EXAMPLES]],
        note=_ADVICE if rows else _NOTHING_IN_COMMON,
    )


def _changes(differing: list[tuple[str, _Answer, _Answer]]) -> list[ComparisonChange]:
    """Count the items by label and both answers, the most frequent first."""
    counts = Counter((a.label, a.predicted, b.predicted) for _, a, b in differing)
    return [
        ComparisonChange(label=label, first=before, second=after, items=items)
        for (label, before, after), items in sorted(
            counts.items(), key=lambda one: (-one[1], one[0])
        )
    ]


def _example(item_id: str, first: _Answer, second: _Answer) -> ComparisonExample:
    return ComparisonExample(
        item_id=item_id,
        label=first.label,
        first=first.predicted,
        second=second.predicted,
        first_confidence=first.confidence,
        second_confidence=second.confidence,
        data={},
    )
