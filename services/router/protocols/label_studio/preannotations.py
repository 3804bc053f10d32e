"""Tasks of Label Studio, scored by a model version."""

from collections.abc import Sequence

from services.router.pictures import Data, scorable_data
from services.router.protocols.label_studio.labeling import Binding, as_result
from services.router.protocols.label_studio.messages import LabelStudioTask, PreAnnotation
from services.router.scores import Score
from services.router.versions.loading import LoadedVersion
from shared.contracts.items import FieldError, check_data
from shared.problems import Unprocessable


async def pre_annotations(
    loaded: LoadedVersion, binding: Binding, tasks: Sequence[LabelStudioTask]
) -> list[PreAnnotation]:
    """Score each task whose data has the fields that the graph reads: a bad one spoils no other."""
    rows: list[Data] = []
    faults: dict[int, str] = {}
    for i, task in enumerate(tasks):
        try:
            rows.append(await _row(loaded, binding, task))
        except Unprocessable as unfit:
            found = unfit.extensions["errors"]
            faults[i] = "; ".join(f"{fault['pointer']} {fault['detail']}" for fault in found)
    scores = iter(await loaded.batcher.score(rows) if rows else [])
    return [
        _unscored(loaded, faults[i]) if i in faults else _scored(loaded, binding, next(scores))
        for i in range(len(tasks))
    ]


async def _row(loaded: LoadedVersion, binding: Binding, task: LabelStudioTask) -> Data:
    """Return what the graph reads of a task; `Unprocessable` when it is not as the project says."""
    given = binding.item_data(task.data)
    row = {field: value for field, value in given.items() if field in loaded.fields}
    errors: list[FieldError] = check_data(row, loaded.fields)
    if errors:
        raise Unprocessable(errors)
    images = [field for field, spec in loaded.fields.items() if spec.type == "image"]
    (scorable,) = await scorable_data(
        [row], images, loaded.layouts, place=lambda _, field: f"/data/{field}", whole="/data"
    )
    return scorable


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
