"""Figures of a version, made of the predictions of labels that it had not learned from.

They say too what another promise would mean for the project: advice, no certificate.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

import numpy as np

from services.trainer.ledger import repository as ledger
from services.trainer.projects.repository import read_state
from services.trainer.promise.figures.forecast import Forecast, forecast
from services.trainer.promise.figures.messages import Confusion, ConfusionCell, Reliability, WhatIf
from services.trainer.promise.figures.reliability import reliability_bins, risk_coverage
from services.trainer.promise.tuning import labelled_evidence
from services.trainer.recipes import OWN
from services.trainer.recipes.calibration import expected_calibration_error
from services.trainer.registry import repository as registry
from services.trainer.resources import Resources
from services.trainer.tables import Version
from shared.contracts.projects import Project
from shared.contracts.versions import OutOfFold
from shared.db import Session
from shared.problems import Conflict, NotFound
from shared.store import out_of_fold_path

_TRAFFIC = 5_000
_ENOUGH_TRAFFIC = 100
_RATE_OVER = timedelta(days=1)
_SCORES_OVER = timedelta(days=7)
_DAY_HOURS = 24
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


@dataclass(frozen=True)
class Supposed:
    """What is supposed; None: as the project has it, or not asked for. Hours are a day's."""

    target_accuracy: float | None = None
    confidence: float | None = None
    reviewers_hours: float | None = None
    price_review: float | None = None
    price_error: float | None = None


async def suppose(resources: Resources, project: Project, given: Supposed) -> WhatIf:
    """Predict what a promise would mean for the champion, at the rate of the last day.

    Raises `NotFound` (no version) and `Conflict` (no label to judge the version by).
    """
    name, now = project.project, resources.now()
    async with resources.database.reading() as session:
        version = await find_version(session, name, None)
        per_day = await ledger.count(session, name, now - _RATE_OVER)
        traffic = await ledger.recent_confidences(
            session, name, version.version, now - _SCORES_OVER, _TRAFFIC
        )
    scores, correct, _ = labelled_evidence(version)
    if not scores:
        raise Conflict("No label can judge the version yet: label some items first.")
    target = given.target_accuracy or project.promise.target_accuracy
    confidence = given.confidence or project.promise.confidence
    found = forecast(
        scores,
        correct,
        traffic if len(traffic) >= _ENOUGH_TRAFFIC else scores,
        items_per_hour=per_day / _DAY_HOURS,
        target_accuracy=target,
        confidence=confidence,
        audit_rate=project.promise.audit_rate,
    )
    return WhatIf(
        version=version.version,
        target_accuracy=target,
        confidence=confidence,
        items_per_hour=per_day / _DAY_HOURS,
        **asdict(found),
        **_for_people(found, per_day / _DAY_HOURS, given),
        note=_note(len(traffic), len(scores)),
    )


def _note(decisions: int, labels: int) -> str:
    source = (
        f"the version's newest {decisions} decisions"
        if decisions >= _ENOUGH_TRAFFIC
        else f"its {labels} labels, since it has scored only {decisions} items of a week"
    )
    return f"Advice, not a certificate: confidences are those of {source}."


def _for_people(found: Forecast, items_per_hour: float, given: Supposed) -> dict[str, Any]:
    hours, review, error = given.reviewers_hours, given.price_review, given.price_error
    pace = None if hours is None else found.reviews_per_hour * _DAY_HOURS / hours
    cost = all_reviewed = None
    if review is not None:
        all_reviewed = items_per_hour * review
    if review is not None and error is not None:
        wrong = items_per_hour * found.errors_per_thousand / 1000
        cost = found.reviews_per_hour * review + wrong * error
    return {
        "reviews_per_reviewer_hour": pace,
        "cost_per_hour": cost,
        "cost_per_hour_all_reviewed": all_reviewed,
    }
