"""Tasks of Label Studio, scored by a model version."""

from collections.abc import Iterable, Sequence
from functools import partial

import structlog

from services.router.pictures.opening import (
    MAX_CALL_PIXELS,
    TOO_MANY_PIXELS,
    Data,
    Fault,
    faults_of,
    pixels_of,
)
from services.router.predict.predictor import Predictor
from services.router.protocols.label_studio.labeling import Binding, as_result
from services.router.protocols.label_studio.messages import LabelStudioTask, PreAnnotation
from services.router.versions.loading import LoadedVersion
from shared.contracts.items import check_data
from shared.fields.image import image_names
from shared.routing.scores import Score

log = structlog.get_logger()

# Faults by the position of the task.
_Faults = dict[int, str]


async def pre_annotations(
    predictor: Predictor, loaded: LoadedVersion, binding: Binding, tasks: Sequence[LabelStudioTask]
) -> list[PreAnnotation]:
    """Score each task whose data has the fields that the graph reads: a bad one spoils no other.

    Raises `Overloaded`: too much waits already: nothing was scored.
    """
    rows: dict[int, Data] = {}
    faults: _Faults = {}
    for i, task in enumerate(tasks):
        given = binding.item_data(task.data)
        row = {field: value for field, value in given.items() if field in loaded.fields}
        if errors := check_data(row, loaded.fields):
            faults[i] = "; ".join(f"{pointer} {detail}" for pointer, detail in errors)
        else:
            rows[i] = row
    images = image_names(loaded.fields)
    scores = await _score(predictor, loaded, images, rows, faults)
    return [
        _unscored(loaded, faults[i]) if i in faults else _scored(loaded, binding, scores[i])
        for i in range(len(tasks))
    ]


async def _score(
    predictor: Predictor,
    loaded: LoadedVersion,
    images: Sequence[str],
    rows: dict[int, Data],
    faults: _Faults,
) -> dict[int, Score | None]:
    """Return the scores of the tasks whose images are some; add to `faults` for the others."""

    async def score(_: Sequence[int], part: list[Data]) -> Sequence[Score | None]:
        return await loaded.batcher.score(part)

    places = list(rows)
    opened, found = await predictor.pictures.open(list(rows.values()), images)
    unfit: dict[int, list[Fault]] = {}
    for fault in found:
        unfit.setdefault(fault.row, []).append(fault)
    faults |= {places[row]: _fault_text(some) for row, some in unfit.items()}
    fitting = {places[n]: row for n, row in enumerate(opened) if n not in unfit}
    _keep_within_pixels(fitting, images, faults)
    places, kept = list(fitting), list(fitting.values())
    admit = partial(predictor.admission.check, loaded.batcher.flow)
    scores = await predictor.pictures.each(kept, images, loaded.layouts, score, admit=admit)
    for n, row in enumerate(kept):
        if broken := faults_of(row, n, images):
            faults[places[n]] = _fault_text(broken)
    return dict(zip(places, scores, strict=True))


def _keep_within_pixels(rows: dict[int, Data], images: Sequence[str], faults: _Faults) -> None:
    """Leave out the tasks whose images no longer fit in what one call may hold.

    Label Studio chooses the size of a call, and those tasks that fit are worth scoring.
    """
    total = left_out = 0
    for i, row in list(rows.items()):
        pixels = pixels_of(row, images)
        if total + pixels > MAX_CALL_PIXELS:
            del rows[i]
            faults[i] = f"the tasks before it and this one have {TOO_MANY_PIXELS}"
            left_out += 1
        else:
            total += pixels
    if left_out:
        log.warning("tasks_left_unscored", count=left_out, cause="pixels")


def _fault_text(faults: Iterable[Fault]) -> str:
    return "; ".join(f"/data/{fault.name} {fault.detail}" for fault in faults)


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
