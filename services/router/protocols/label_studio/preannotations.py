"""Tasks of Label Studio, scored by a model version."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.router.protocols.label_studio.labeling import Binding, as_result
from services.router.protocols.label_studio.messages import LabelStudioTask, PreAnnotation
from services.router.routing import Score
from services.router.versions.loading import LoadedVersion
from shared.contracts.items import check_data
from shared.contracts.projects import FieldSpec


async def pre_annotations(
    loaded: LoadedVersion,
    needed: Mapping[str, FieldSpec],
    binding: Binding,
    tasks: Sequence[LabelStudioTask],
) -> list[PreAnnotation]:
    """Score each task whose data has the `needed` fields: a bad one spoils no other."""
    faults: dict[int, str] = {}
    rows: list[Mapping[str, Any]] = []
    for i, task in enumerate(tasks):
        given = binding.item_data(task.data)
        row = {field: value for field, value in given.items() if field in needed}
        found = check_data(row, needed)
        if found:
            faults[i] = "; ".join(f"{pointer} {fault}" for pointer, fault in found)
        else:
            rows.append(row)
    scores = iter(await loaded.batcher.score(rows) if rows else [])
    return [
        _unscored(loaded, faults[i]) if i in faults else _scored(loaded, binding, next(scores))
        for i in range(len(tasks))
    ]


def _scored(loaded: LoadedVersion, binding: Binding, score: Score | None) -> PreAnnotation:
    if score is None:
        return _unscored(loaded, "the model cannot score it")
    return PreAnnotation(
        model_version=loaded.version,
        score=score.confidence,
        result=[as_result(loaded.manifest.labels[score.top], binding)],
    )


def _unscored(loaded: LoadedVersion, why: str) -> PreAnnotation:
    return PreAnnotation(model_version=loaded.version, score=None, result=[], error=why)
