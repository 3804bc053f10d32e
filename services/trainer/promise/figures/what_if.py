"""What another promise would mean for this project: advice, no certificate."""

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from services.trainer.ledger import repository as ledger
from services.trainer.promise.figures.forecast import Forecast, forecast
from services.trainer.promise.figures.messages import WhatIf
from services.trainer.promise.figures.service import find_version
from services.trainer.promise.tuning import labelled_evidence
from services.trainer.resources import Resources
from shared.contracts.projects import Project
from shared.problems import Conflict

_TRAFFIC = 5_000
_ENOUGH_TRAFFIC = 100
_RATE_OVER = timedelta(days=1)
_SCORES_OVER = timedelta(days=7)
_DAY_HOURS = 24


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
