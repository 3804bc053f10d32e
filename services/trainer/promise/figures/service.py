"""Figures of a version, made of the predictions of labels that it had not learned from."""

import asyncio
from collections import Counter
from collections.abc import Iterable

import numpy as np

from services.trainer.projects.repository import read_state
from services.trainer.promise.figures.messages import Confusion, ConfusionCell, Reliability
from services.trainer.promise.figures.reliability import reliability_bins, risk_coverage
from services.trainer.promise.tuning import labelled_evidence
from services.trainer.recipes import OWN
from services.trainer.recipes.calibration import expected_calibration_error
from services.trainer.registry import repository as registry
from services.trainer.resources import Resources
from services.trainer.tables import Version
from shared.contracts.versions import OutOfFold
from shared.db import Session
from shared.problems import NotFound
from shared.store import out_of_fold_path

_FEW_UNIFORM = (
    "Too few labels were drawn uniformly, so all are counted. People were asked about many of them"
    " because a model was unsure, so over all traffic the version is right more often."
)
_NO_LABELS = "There are no labels yet that the version could be compared with."
_NOT_RECORDED = (
    "What it says of single labels is not recorded: it was made elsewhere, or by a recipe that does"
    " not tell."
)
_SEEN = "What the version was trained on is not known: labels among it make it look better."


async def reliability(resources: Resources, project: str, name: str | None) -> Reliability:
    """Describe how far a version's confidences can be believed; None: the champion's.

    Raises `NotFound`: there is no such version, or none at all.
    """
    async with resources.database.reading() as session:
        version = await find_version(session, project, name)
    scores, correct, is_uniform = labelled_evidence(version)
    is_own = version.manifest["recipe"] == OWN
    known, right = np.asarray(scores, dtype=np.float64), np.asarray(correct, dtype=np.bool_)
    error = expected_calibration_error(known, right, np.ones(len(known))) if scores else None
    notes = [
        note
        for note, applies in (
            (_NO_LABELS, not scores),
            (_SEEN, is_own and bool(scores)),
            (_FEW_UNIFORM, bool(scores) and not is_uniform),
        )
        if applies
    ]
    return Reliability(
        version=version.version,
        evidence="labels_at_hand" if is_own else "out_of_fold",
        calibration=version.manifest["calibration"],
        labels=len(scores),
        is_uniform=is_uniform,
        accuracy=float(right.mean()) if scores else None,
        mean_confidence=float(known.mean()) if scores else None,
        calibration_error=error,
        bins=reliability_bins(scores, correct),
        risk_coverage=risk_coverage(scores, correct),
        note=" ".join(notes) or None,
    )


async def confusion(resources: Resources, project: str, name: str) -> Confusion:
    """Count which labels a version confuses, in its out-of-fold predictions.

    Raises `NotFound`: there is no such version.
    """
    async with resources.database.reading() as session:
        version = await find_version(session, project, name)
    document = await resources.store.read_document(out_of_fold_path(project, name), OutOfFold)
    cells = []
    if document is not None:
        pairs = zip(document.labels, document.predicted, strict=True)
        cells = await asyncio.to_thread(confusion_cells, pairs)
    return Confusion(
        version=name,
        labels=version.manifest["labels"],
        items=sum(cell.items for cell in cells),
        cells=cells,
        note=None if cells else _NOT_RECORDED,
    )


def confusion_cells(pairs: Iterable[tuple[str, str]]) -> list[ConfusionCell]:
    """Count pairs of the label that people gave and the predicted one."""
    return [
        ConfusionCell(label=label, predicted=predicted, items=items)
        for (label, predicted), items in sorted(Counter(pairs).items())
    ]


async def find_version(session: Session, project: str, name: str | None) -> Version:
    """Return a version, without a name the champion, else the newest; `NotFound` without one."""
    if name is None:
        state = await read_state(session, project)
        name = None if state is None else state.champion
    if name is None:
        for newest in await registry.page(session, project, None, 1):
            return newest
        raise NotFound("There is no version yet; train one, or upload one.", project=project)
    version = await registry.find(session, project, name)
    if version is None:
        raise NotFound("There is no such version.", project=project, version=name)
    return version
