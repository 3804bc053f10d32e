"""What keeps a certification from being begun now: a spent label budget, or people who contradict.

A recovery spends a test of the new period, and the first one has most of its δ. Where people have
contradicted the version again and again since the alarm, the test would be lost, and the next
version, which learnt from their labels, would have a weaker one. These labels only decide whether
the test is begun: it is on a fresh uniform draw, so its chance of certifying wrongly stays as it
is.
"""

from datetime import datetime, timedelta

from services.trainer.outcomes import repository as outcomes
from services.trainer.promise import repository
from services.trainer.promise.binomial import interval
from services.trainer.promise.periods import PlaceInPeriod, alarmed_at
from services.trainer.tables import Version
from shared.contracts.certificates import complement
from shared.contracts.projects import Project
from shared.db import Session

# Three draws for each of three versions, and one to spare.
_DRAWS_PER_PERIOD = 10
_NEWEST = 1_000


async def why_not_now(
    session: Session, project: Project, version: Version, place: PlaceInPeriod
) -> str | None:
    """Say what keeps the version's certification from being begun; None: nothing does."""
    spent = await _shortage(session, project, place)
    alarm = alarmed_at(version.suspension)
    if spent is not None or alarm is None:
        return spent
    return await _contradiction(session, project, version, alarm)


async def _shortage(session: Session, project: Project, place: PlaceInPeriod) -> str | None:
    """Say that the rest of the budget is no draw's worth, and what would help; None if it is."""
    labels, budget = project.promise.certification_labels, project.promise.label_budget_per_period
    if budget is None:
        budget = _DRAWS_PER_PERIOD * labels
    asked = 0
    if place.number > 1:
        asked = await repository.labels_asked(session, project.project, place.began_at)
    if asked + labels <= budget:
        return None
    ends_at = place.began_at + timedelta(days=project.promise.expires_days)
    return (
        f"the period's label budget is spent: {asked} of {budget} labels were asked for, and a "
        f"draw takes {labels}; raise `label_budget_per_period`, lower `certification_labels`, or "
        f"wait for the next period, at {ends_at:%Y-%m-%d %H:%M} UTC or earlier"
    )


async def _contradiction(
    session: Session, project: Project, version: Version, alarm: datetime
) -> str | None:
    """Say that labels since the alarm show more errors than the promise allows; None if they don't.

    Counted are items, among the newest 1,000 outcomes, that the version would have answered under
    the certificate that it had. The lower end of their error's 95 % interval must be above the
    promise.
    """
    if version.certificate is None:
        return None
    threshold = version.certificate["threshold"]
    wrong = [
        row.label != row.prediction["label"]
        for row in await outcomes.newest(session, project.project, _NEWEST)
        if row.label is not None and row.resolved_at >= alarm
        if row.prediction is not None and row.prediction["model_version"] == version.version
        if (row.prediction["confidence"] or 0) >= threshold
    ]
    lower = interval(sum(wrong), len(wrong))[0] if wrong else 0.0
    if lower <= complement(project.promise.target_accuracy):
        return None
    return (
        f"people contradicted {version.version} on {sum(wrong)} of {len(wrong)} items since the "
        "alarm that it would have answered; a new version learns from their labels"
    )
